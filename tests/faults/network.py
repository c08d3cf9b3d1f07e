"""A TCP proxy between loader and database that misbehaves when told to."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tests.faults.worker import AGAIN, Worker
from tests.faults.world import Place, World

_CHUNK: Final = 16_384
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: close() sends RST."""


class Trouble(IntEnum):
    """What the network does."""

    NONE = 0
    REFUSE = 1
    """New connections are reset at once; those that stand go on."""
    RESET = 2
    """Every connection is reset in the middle of what it sends."""
    TRUNCATE = 3
    """Every connection is closed as if all had been said."""
    DRIP = 4
    """Eight bytes at a time."""


class Proxy:
    """A process that passes one server's connections on.

    Args:
        host, port: of the server; ``port`` of the proxy is chosen by the system.
    """

    def __init__(self, host: str, port: int) -> None:
        self._trouble = mmap.mmap(-1, 1)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self._pid = os.fork()
        if not self._pid:
            try:
                asyncio.run(_serve(listener, host, port, self._trouble))
            finally:
                os._exit(0)
        listener.close()

    def make(self, trouble: Trouble) -> None:
        """Misbehave so from now on."""
        self._trouble[0] = trouble

    def close(self) -> None:
        """End the process."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def before(self, url: str) -> str:
        """The URL with this proxy in the server's place."""
        parts = urlsplit(url)
        login, _, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))


@contextmanager
def proxied(world: World, role: str) -> Iterator[tuple[Proxy, Callable[[Place], Place]]]:
    """A proxy before one of the servers, and what leads an installation's workers through it."""
    parts = urlsplit(world.servers[role].url())
    proxy = Proxy(str(parts.hostname), int(parts.port or 0))
    try:
        if role == "exchange":
            yield proxy, lambda place: replace(place, exchange=proxy.before(place.exchange))
        else:
            yield proxy, lambda place: replace(place, partner=proxy.before(place.partner))
    finally:
        proxy.close()


class Cut:
    """The way to a database misbehaves while the loader works; a drip for half a second, all else until it ends."""

    def __init__(self, proxy: Proxy, trouble: Trouble) -> None:
        self._proxy = proxy
        self._trouble = trouble

    def strike(self, worker: Worker, _: Place) -> bool:
        """Begin."""
        self._proxy.make(self._trouble)
        if self._trouble == Trouble.DRIP:
            worker.stopped_within(0.5)
            self._proxy.make(Trouble.NONE)
        return False

    def mend(self) -> None:
        """The network is well again."""
        self._proxy.make(Trouble.NONE)

    def explains(self, code: int) -> bool:
        """It says that the database was away; a refusal that comes when all connections stand does no harm."""
        return code == AGAIN or (code == 0 and self._trouble in (Trouble.DRIP, Trouble.REFUSE))


async def _serve(listener: socket.socket, host: str, port: int, trouble: mmap.mmap) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if trouble[0] == Trouble.REFUSE:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            _reset(writer)
            return
        ways = [asyncio.create_task(_pass(reader, back, trouble)), asyncio.create_task(_pass(there, writer, trouble))]
        watch = asyncio.create_task(_watch((writer, back), trouble))
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for task in (*ways, watch):
            task.cancel()
        for end in (writer, back):
            with suppress(OSError):
                end.close()

    server = await asyncio.start_server(accepted, sock=listener)
    async with server:
        await server.serve_forever()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: mmap.mmap) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while data := await reader.read(_CHUNK):
            while trouble[0] == Trouble.DRIP and data:
                writer.write(data[:8])
                data = data[8:]
                await asyncio.sleep(0.0005)
            if trouble[0] == Trouble.RESET:
                writer.write(data[: len(data) // 2])
                await writer.drain()
                _reset(writer)
                return
            if trouble[0] == Trouble.TRUNCATE:
                writer.write(data[: len(data) // 2])
                return
            writer.write(data)
            await writer.drain()


async def _watch(writers: tuple[asyncio.StreamWriter, ...], trouble: mmap.mmap) -> None:
    """Cut also a connection on which nothing is being said."""
    while True:
        await asyncio.sleep(0.02)
        if trouble[0] in (Trouble.RESET, Trouble.TRUNCATE):
            for one in writers:
                _reset(one) if trouble[0] == Trouble.RESET else one.close()
            return


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
