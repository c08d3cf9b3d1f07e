"""A whole installation that faults are thrown at: databases, drop folder, and a clone of both for each fresh start."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from bridge.content import Content
from bridge.exchange import Exchange
from bridge.mapping import checks
from bridge.postgres import Server

PATIENCE: Final = "idle_timeout: 1s, statement_timeout: 5s, lock_timeout: 8s"
"""A partner's time-outs here: what a frozen process holds is let go within seconds, so that a test can wait for it."""
_PLAIN: Final = "inbox: partner}"
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
    """Two servers, the exchange's and the partner's, durable as in operation, in a folder of their own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bridge-faults-"))
        self.folder.chmod(0o711)  # root's servers run as another account
        self.servers = {name: self._server(name) for name in ("exchange", "partner")}
        self._content = _patient(self.folder / "content")
        self._seed = self.folder / "seed"

    def __enter__(self) -> Self:
        try:
            for server in self.servers.values():
                server.start()
            with Exchange(self.servers["exchange"].ensure_database("empty_exchange")) as exchange:
                exchange.migrate()
            with psycopg.connect(plain(self.servers["partner"].ensure_database("empty_partner"))) as session:
                session.execute(Content.find().path("schemas/cis/cis.sql").read_text(encoding="utf-8").encode())
            os.environ["BRIDGE_CONTENT"] = str(self._content)
            self._prove_mappings()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.environ.pop("BRIDGE_CONTENT", None)
        self.close()

    def _prove_mappings(self) -> None:
        """Check both mappings once, in a process apart, and load their connectors, which no fork then needs to do."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults", "sound"],
            env={**os.environ, "BRIDGE_HOME": str(self._seed)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        for name in ("files", "sql"):
            Content.find().connector(name)
        checks._SOUND.update((system, way, mark) for system, way, mark in json.loads(done.stdout))

    def close(self) -> None:
        """Stop both servers and delete all."""
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
        urls = {role: self._clone(role, name, f"empty_{role}") for role, name in names.items()}
        try:
            yield Place(urls["exchange"], urls["partner"], home / "home", home / "drop")
        finally:
            self._drop(names)
            shutil.rmtree(home)

    @contextmanager
    def admin(self, role: str) -> Iterator[psycopg.Connection[Any]]:
        """A session with all rights at one of the servers."""
        with psycopg.connect(plain(self.servers[role].url()), autocommit=True) as session:
            yield session

    @contextmanager
    def copy(self, place: Place) -> Iterator[Place]:
        """The same installation with databases of its own that have the same in them, gone afterwards."""
        number = next(_numbers)
        names = {role: f"{role}_{number}" for role in self.servers}
        urls = {role: self._clone(role, name, getattr(place, role).rpartition("/")[2]) for role, name in names.items()}
        try:
            yield replace(place, exchange=urls["exchange"], partner=urls["partner"])
        finally:
            self._drop(names)

    def give_up(self, place: Place) -> None:
        """End every session at the exchange that is in a transaction: what its time-outs do after ten minutes."""
        name = place.exchange.rpartition("/")[2]
        with self.admin("exchange") as session:
            session.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'",
                [name],
            )

    def _drop(self, names: Mapping[str, str]) -> None:
        for role, name in names.items():
            with self.admin(role) as session:
                session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _clone(self, role: str, name: str, of: str) -> str:
        with self.admin(role) as session:
            session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(of)))
        return self.servers[role].ensure_database(name)

    def _server(self, name: str) -> Server:
        home = self.folder / name
        home.mkdir(mode=0o711)
        return Server(home)


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
