"""A whole installation that faults are thrown at: databases, drop folder, and a clone of both for each fresh start."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bridge.content import Content
from bridge.exchange import Exchange
from bridge.postgres import SUPERUSER, Server
from tests.faults.truth import Truth
from tests.faults.worker import look_at_partner, read_mappings, undisturbed

PATIENCE: Final = "idle_timeout: 1s, statement_timeout: 5s, lock_timeout: 8s"
"""A partner's time-outs here: what a frozen process holds is let go within seconds, so that a test can wait for it."""
_PLAIN: Final = "inbox: partner}"
_WRITING: Final = "SELECT FROM pg_stat_activity WHERE datname = %s AND backend_xid IS NOT NULL LIMIT 1"
_LATE: Final = ("encodings.utf_8_sig", "numpy.ma", "pyarrow.dataset")
"""What jobs import only when they need it."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """One fresh installation.

    Args:
        exchange, partner: URLs for SQLAlchemy.
        home: BRIDGE_HOME; ``drop`` is CEN's drop folder.
    """

    exchange: str
    partner: str
    home: Path
    drop: Path

    def environ(self) -> dict[str, str]:
        """What a process needs to know to work here."""
        return {
            "BRIDGE_HOME": str(self.home),
            "BRIDGE_CONN_EXCHANGE": self.exchange,
            "BRIDGE_CONN_CIS_DB": self.partner,
            "BRIDGE_CONN_CEN_DROP": str(self.drop),
        }


class World:
    """Two servers, the exchange's and the partner's, in a folder of their own.

    Args:
        durable: as in operation. Where no server and no machine dies, what the servers force to the disk changes
            nothing that a loader or a look can see, and only makes the run wait.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="bridge-faults-"))
        self.folder.chmod(0o711)  # root's servers run as another account
        self.servers = {name: self._server(name) for name in ("exchange", "partner")}
        self._sessions: dict[str, psycopg.Connection[Any]] = {}
        self._content = _patient(self.folder / "content")
        self._seed = self.folder / "seed"

    def __enter__(self) -> Self:
        try:
            for role, server in self.servers.items():
                server.start()
                self._quickly_let_in(role)
            with Exchange(self.servers["exchange"].ensure_database("empty_exchange")) as exchange:
                exchange.migrate()
            with psycopg.connect(plain(self.servers["partner"].ensure_database("empty_partner"))) as session:
                session.execute(Content.find().path("schemas/cis/cis.sql").read_text(encoding="utf-8").encode())
            os.environ["BRIDGE_CONTENT"] = str(self._content)
            self._read_mappings()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.environ.pop("BRIDGE_CONTENT", None)
        self.close()

    def _quickly_let_in(self, role: str) -> None:
        """Have the server ask for one round of hashing of a password and not for thousands: each of a job's dozen
        sessions would spend milliseconds on them."""
        password = urlsplit(self.servers[role].url()).password
        assert password is not None
        session = self.admin(role)
        session.execute("SET scram_iterations = 1")
        session.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), sql.Literal(password)))

    def _read_mappings(self) -> None:
        """Read both mappings and their connectors, so that no fork need; first in a process apart, which keeps their
        shapes on disk, for what reads a schema anew would make every fork larger."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BRIDGE_HOME", str(self._seed))
            code = "from tests.faults.worker import read_mappings; read_mappings()"
            subprocess.run([sys.executable, "-c", code], check=True)
            read_mappings()
        Content.find().connector("files")
        look_at_partner(self.servers["partner"].url("empty_partner"))
        for module in _LATE:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()  # what every fork would copy only to look at it

    def close(self) -> None:
        """Stop both servers and delete all."""
        for role in self.servers:
            self.forget(role)
        for server in self.servers.values():
            server.remove()
        shutil.rmtree(self.folder)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A fresh installation, gone afterwards."""
        number = next(_numbers)
        home = self.folder / f"place{number}"
        (home / "drop").mkdir(parents=True)
        shutil.copytree(self._seed / "shapes", home / "home" / "shapes")
        names = {"exchange": f"exchange_{number}", "partner": f"partner_{number}"}
        urls = {role: self.servers[role].ensure_database(name, f"empty_{role}") for role, name in names.items()}
        try:
            yield Place(urls["exchange"], urls["partner"], home / "home", home / "drop")
        finally:
            self._drop(names)
            shutil.rmtree(home)

    @contextmanager
    def settled(self, seed: int, days: int, records: int) -> Iterator[tuple[Place, Truth]]:
        """An installation in which so many windows were collected and shared, undisturbed, and what is true of it."""
        truth = Truth(seed)
        with self.place() as place:
            undisturbed(days, truth, place.drop, place.environ(), self.folder / "undisturbed", records)
            yield place, truth

    def admin(self, role: str) -> psycopg.Connection[Any]:
        """A session with all rights at one of the servers, kept until the server is gone."""
        if role not in self._sessions:
            self._sessions[role] = psycopg.connect(plain(self.servers[role].url()), autocommit=True)
        return self._sessions[role]

    def forget(self, role: str) -> None:
        """The server's sessions are no more, or shall be."""
        if role in self._sessions:
            self._sessions.pop(role).close()

    def writing(self, place: Place) -> bool:
        """Whether a transaction is open in one of the installation's databases that has written."""
        names = {"exchange": place.exchange, "partner": place.partner}
        return any(self.admin(role).execute(_WRITING, [_name(url)]).rowcount for role, url in names.items())

    def give_up(self, place: Place) -> None:
        """End every session at the exchange that is in a transaction: what its time-outs do after ten minutes."""
        self.admin("exchange").execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'",
            [_name(place.exchange)],
        )

    def _drop(self, names: Mapping[str, str]) -> None:
        for role, name in names.items():
            self.admin(role).execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _server(self, name: str) -> Server:
        home = self.folder / name
        home.mkdir(mode=0o711)
        return Server(home, durable=self._durable)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def plain(url: str) -> str:
    """The URL as psycopg itself reads it."""
    return url.replace("+psycopg", "")


def _patient(root: Path) -> Path:
    """A root of content whose CIS mapping is ours but for the partner's time-outs."""
    shipped = Content.find().mapping("cis", "share").read_text(encoding="utf-8")
    if _PLAIN not in shipped:
        raise ValueError(f"mappings/cis/share.yaml no longer says {_PLAIN}")
    file = root / "mappings/cis/share.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(shipped.replace(_PLAIN, f"inbox: partner, {PATIENCE}}}"), encoding="utf-8")
    return root
