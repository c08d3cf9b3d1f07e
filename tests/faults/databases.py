"""What can befall a database under a loader: its sessions are ended, or its server dies."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg

from tests.faults.worker import AGAIN, Worker
from tests.faults.world import Place, World

_LOOK: Final = 0.001
"""Seconds between two looks for a COPY."""
_END: Final = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND (%(any)s OR query ILIKE '%%copy%%')
"""


class Ended:
    """The loader's sessions at one of the databases are terminated.

    Args:
        copying: waits until a COPY is under way, for a moment at most.
    """

    def __init__(self, role: str, *, copying: bool = False) -> None:
        self._role = role
        self._copying = copying
        self.ended = 0

    def strike(self, worker: Worker, place: Place) -> bool:
        """Terminate them."""
        url = place.exchange if self._role == "exchange" else place.partner
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:
            step = worker.step
            while not worker.stopped_within(_LOOK) and worker.step == step:
                row = session.execute(_END, {"any": not self._copying}).fetchone()
                if row and row[0]:
                    self.ended += row[0]
                    return self._copying
        return False

    def mend(self) -> None:
        """New sessions can be had at once."""

    def explains(self, code: int) -> bool:
        """It says that the database was away."""
        return code == AGAIN


class Crashed:
    """The whole server of one of the databases is killed and comes up again by its log."""

    def __init__(self, world: World, role: str) -> None:
        self._world = world
        self._role = role
        self._server = world.servers[role]

    def strike(self, worker: Worker, place: Place) -> bool:
        """SIGKILL to the postmaster and all its processes."""
        worker.send(signal.SIGSTOP)
        writing = self._world.writing(place)
        postmaster = self._server.pid
        assert postmaster is not None
        children = _children(postmaster)
        os.kill(postmaster, signal.SIGSTOP)  # or it would clean up after its children
        for pid in (*children, postmaster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
            time.sleep(0.005)
        worker.send(signal.SIGCONT)
        return writing

    def mend(self) -> None:
        """Start it again."""
        self._world.forget(self._role)
        self._server.start()

    def explains(self, code: int) -> bool:
        """It says that the database was away."""
        return code == AGAIN


def _children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(pid) for pid in found.split()]
