"""What proof costs within a job: the partner's inbox and fence, the dispositions, and the seals.

Hashes of contents are not counted: without them nothing would know what has changed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from bridge.bench.meter import Cost
from bridge.exchange import delivery, intake

_LOAD: Final = import_module("connectors.sql.pg")  # connectors are found by name: the engine imports none
_STEPS: Final[tuple[tuple[ModuleType, str], ...]] = (
    (_LOAD, "_fence"), (_LOAD, "_take"), (_LOAD, "_lost"), (_LOAD, "_restored"),
    (delivery, "settle"), (delivery, "append"), (intake, "append"),
)  # fmt: skip
"""Each takes its session first, and does nothing else than prove."""
_TICK: Final = os.sysconf("SC_CLK_TCK")
_USED: Final = slice(11, 13)
"""Fields of /proc/<pid>/stat behind the name: utime and stime."""


@contextmanager
def proof() -> Iterator[Cost]:
    """Adds up what the steps that prove cost while this lasts: CPU of their threads and of their own backends."""
    spent, lock = Cost(), Lock()
    plain = {(module, name): getattr(module, name) for module, name in _STEPS}
    for (module, name), function in plain.items():
        setattr(module, name, _metered(function, spent, lock))
    try:
        yield spent
    finally:
        for (module, name), function in plain.items():
            setattr(module, name, function)


def _metered(function: Callable[..., Any], spent: Cost, lock: Lock) -> Callable[..., Any]:
    def call(session: psycopg.Connection[Any] | sa.Connection, *args: Any, **named: Any) -> Any:
        backend = _backend(session)
        wall, client, server = time.monotonic(), time.thread_time(), _cpu(backend)
        try:
            return function(session, *args, **named)
        finally:
            with lock:
                spent.wall += time.monotonic() - wall
                spent.client += time.thread_time() - client
                spent.server += _cpu(backend) - server

    return call


def _backend(session: psycopg.Connection[Any] | sa.Connection) -> int:
    if isinstance(session, sa.Connection):
        session = session.connection.driver_connection  # type: ignore[assignment]
    assert isinstance(session, psycopg.Connection)  # noqa: S101 - the bench's databases are PostgreSQL
    return session.info.backend_pid


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[_USED])) / _TICK
