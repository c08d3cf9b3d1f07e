"""The bench's own PostgreSQL, feed and databases; nothing of the installation beside it is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from bridge.bench import rows
from bridge.bench.meter import tree_cpu
from bridge.content import Content
from bridge.errors import Stop
from bridge.exchange import Exchange
from bridge.feed import generate
from bridge.postgres import Server

DAY: Final = date(2026, 11, 16)
NAMES: Final = ("exchange", "cis")
"""The databases that a job writes. ``<name>_empty`` has the tables, ``<name>_floor_empty`` also those a job makes."""


@dataclass(frozen=True, slots=True)
class Input:
    """A feed on disk.

    Args:
        folder: of the XML files.
        records: in them.
    """

    folder: Path
    records: int
    size: int


class World:
    """A server with empty templates, from which each measured run gets databases of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        shutil.rmtree(home, ignore_errors=True)
        self._server = Server(home).start()
        for name in NAMES:
            self._server.ensure_database(f"{name}_empty")
        with Exchange(self._server.url("exchange_empty")) as exchange:
            exchange.migrate()
        with psycopg.connect(self.url("cis_empty")) as connection:
            connection.execute(Content.find().path("schemas/cis/cis.sql").read_bytes())

    def close(self) -> None:
        """Stop the server and delete everything."""
        self._server.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database: str) -> str:
        return self._server.url(database).replace("+psycopg", "", 1)

    @property
    def server(self) -> int:
        """Process number of the postmaster."""
        return self._server.pid or 0

    def version(self) -> str:
        """PostgreSQL's version."""
        with psycopg.connect(self.url("postgres")) as connection:
            return str(connection.info.parameter_status("server_version"))

    def feed(self, records: int, seed: int) -> Input:
        """A day's files with so many records, 2 in 100 of them bad; made once."""
        made = generate(self.home / f"feed-{records}", days=1, per_day=records, seed=seed, start=DAY, cis_per_day=1)
        size = sum(path.stat().st_size for path in made.cen.glob("*.xml"))
        return Input(made.cen, made.records, size)

    def job(self, files: Input, *, judge: bool = False) -> dict[str, Any]:
        """The whole job into fresh databases, in a process of its own; before it another has checked both mappings."""
        self._fresh({name: f"{name}_empty" for name in NAMES})
        home = self.home / "job"
        shutil.rmtree(home, ignore_errors=True)
        since = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
        told = {"what": "job", "since": str(since), "until": str(since + timedelta(days=1)), "judge": judge}
        connections = {
            "BRIDGE_HOME": str(home),
            "BRIDGE_CONN_CEN_DROP": str(files.folder),
            "BRIDGE_CONN_EXCHANGE": self._server.url("exchange"),
            "BRIDGE_CONN_CIS_DB": self._server.url("cis"),
        }
        self._child({"what": "check"}, connections)
        found = self._child(told, connections)
        return {**found, "verify": self._child({"what": "verify"}, connections)}

    def keep(self, files: Input, records: int) -> dict[str, int]:
        """Keep what the last job wrote, and a copy of its files, for the floor; rows by table."""
        found: dict[str, int] = {}
        told = {"what": "prepare", "files": str(files.folder), "copies": str(self._files(records))}
        self._child(told, {"BRIDGE_HOME": str(self.home)})
        for place, name in enumerate(NAMES):
            folder = self._rows(records) / str(place)
            folder.mkdir(parents=True)
            with psycopg.connect(self.url(name)) as connection:
                found |= rows.keep(connection, folder)
        self._fresh({f"{name}_floor_empty": name for name in NAMES})
        for place, name in enumerate(NAMES):
            with psycopg.connect(self.url(f"{name}_floor_empty")) as connection:
                rows.empty(connection)
                rows.put_small(connection, self._rows(records) / str(place))
        return found

    def floor(self, records: int) -> dict[str, Any]:
        """Bare decode and bare COPY of the kept rows into fresh databases with the same tables."""
        self._fresh({name: f"{name}_floor_empty" for name in NAMES})
        told = {
            "what": "floor",
            "files": str(self._files(records)),
            "rows": str(self._rows(records)),
            "databases": [self.url(name) for name in NAMES],
        }
        return self._child(told, {"BRIDGE_HOME": str(self.home)})

    def peer(self, python: Path, files: Input) -> dict[str, float]:
        """dlt with the same files and the cases that the last floor copied, into a fresh database; seconds."""
        mapped = self.home / "mapped.jsonl"
        with psycopg.connect(self.url("cis")) as connection:
            rows.nested(connection, "cis", "case", "case_reference", mapped)
        self._fresh({"dlt": "template1"})
        script = Path(__file__).with_name("peer.py")
        work = self.home / "dlt"
        shutil.rmtree(work, ignore_errors=True)
        before = tree_cpu(self.server)
        done = subprocess.run(
            [python, script, self.url("dlt"), files.folder, work, "Seizure", mapped],
            env={
                **os.environ,
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "RUNTIME__LOG_LEVEL": "ERROR",
                "HOME": str(self.home),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise _failed("dlt", done)
        spent: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return {**spent, "server": tree_cpu(self.server) - before}

    def _files(self, records: int) -> Path:
        return self.home / f"readable-{records}"

    def _rows(self, records: int) -> Path:
        return self.home / f"rows-{records}"

    def _fresh(self, templates: Mapping[str, str]) -> None:
        """Databases anew as copies of their templates, and nothing left to write from before."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for name in templates:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for name, template in templates.items():
            self._server.ensure_database(name, template)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def _child(self, told: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "bridge.bench.work"],
            input=json.dumps({**told, "server": self.server}),
            env={**os.environ, **environment},
            cwd=Content.find().roots[0],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise _failed(told["what"], done)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def _failed(what: str, done: subprocess.CompletedProcess[str]) -> Stop:
    last = "".join(done.stderr.strip().splitlines()[-1:])
    return Stop("BENCH", f"bench {what}", last or f"it ended with {done.returncode}", "Mend that and measure again")
