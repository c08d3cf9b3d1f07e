"""HTTP without TLS, for what proves itself: with the same one deadline for all of an exchange."""

from __future__ import annotations

import math
import socket
import time
from typing import Any, Protocol

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class UnderWay(Protocol):
    """An exchange under way.

    Args:
        until: by time.monotonic(), when it must have ended.
        said: something of the request has left.
    """

    until: float
    said: bool


class _Socket(socket.socket):
    """Lets no single operation outlast the deadline of the exchange that it belongs to."""

    under_way: UnderWay

    def recv_into(self, *args: Any, **named: Any) -> int:
        self._hurry()
        return super().recv_into(*args, **named)

    def sendall(self, *args: Any, **named: Any) -> None:
        self._hurry()
        self.under_way.said = True
        super().sendall(*args, **named)

    def _hurry(self) -> None:
        left = self.under_way.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left if left < math.inf else None)


class PlainAdapter(HTTPAdapter):
    """Connections without TLS; nothing is tried twice here."""

    def __init__(self, under_way: UnderWay) -> None:
        self._under_way = under_way
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **named: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **named)
        under_way = self._under_way

        class Connection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                found = super()._new_conn()
                made = _Socket(found.family, found.type, found.proto, found.detach())
                made.under_way = under_way
                return made

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool}
