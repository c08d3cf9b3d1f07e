"""A real Airflow with its PostgreSQL, driven as people drive it: REST, command line, browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg import sql

from bridge.postgres import Server

OVER = ("success", "failed")


@dataclass(slots=True)
class Live:
    """A running installation.

    Args:
        home: its BRIDGE_HOME.
        feed: the feed in its sources.
        passwords: by user.
    """

    url: str
    home: Path
    feed: Path
    passwords: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, user: str) -> str:
        """A bearer token of the user, fetched once."""
        if user not in self.tokens:
            asked = {"username": user, "password": self.passwords[user]}
            answer = requests.post(f"{self.url}/auth/token", json=asked, timeout=30)
            answer.raise_for_status()
            self.tokens[user] = answer.json()["access_token"]
        return self.tokens[user]

    def ask(self, method: str, path: str, body: Any = None, user: str | None = "engineer") -> requests.Response:
        """One request as the user, or as nobody."""
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        return requests.request(
            method, f"{self.url}{path}", json=body, headers=headers, timeout=60, allow_redirects=False
        )

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One request to Airflow's API as the engineer; it must succeed."""
        answer = self.ask(method, f"/api/v2{path}", body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def unpause(self, *dags: str) -> None:
        for dag in dags:
            self.api("PATCH", f"/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, **said: Any) -> str:
        """Start a run by hand; its id."""
        run: str = self.api("POST", f"/dags/{dag}/dagRuns", {"logical_date": None, **said})["dag_run_id"]
        return run

    def runs(self, dag: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api("GET", f"/dags/{dag}/dagRuns?limit=100")["dag_runs"]
        return found

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/dags/{dag}/dagRuns/{run_id}")
        return found

    def tries(self, dag: str, run_id: str) -> dict[str, tuple[str | None, int]]:
        """State and number of tries by task."""
        found = self.api("GET", f"/dags/{dag}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {one["task_id"]: (one["state"], one["try_number"]) for one in found}

    def queued_events(self, dag: str) -> bool:
        """Whether asset events wait to wake the DAG."""
        return bool(self.api("GET", f"/dags/{dag}/assets/queuedEvents")["total_entries"])

    def wait(self, what: str, done: Callable[[], object], seconds: float = 480) -> None:
        """Until it is so; fails with what was waited for and the runs there are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done():
                return
            time.sleep(1)
        runs = [(r["dag_id"], r["dag_run_id"], r["state"]) for r in self.runs("~")]
        raise AssertionError(f"{what}: not within {seconds:.0f} seconds; runs: {runs}")

    def wait_for_run(self, dag: str, run_id: str) -> dict[str, Any]:
        """The run, once it is over."""
        self.wait(f"{dag} {run_id} over", lambda: self.run(dag, run_id)["state"] in OVER)
        return self.run(dag, run_id)

    def command(self, *words: str) -> str:
        """Airflow's own command line in this installation; its output."""
        done = subprocess.run(
            [Path(sys.executable).with_name("bridge"), "airflow", *words],
            env={**os.environ, "BRIDGE_HOME": str(self.home)},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def everything_said(self) -> dict[str, str]:
        """By where it stands: every row of every table of Airflow's database (notes, XComs, rendered fields, events,
        DAG pages, audit log), the servers' log, and every file but the sources'."""
        said: dict[str, str] = {}
        server = Server(self.home)
        with psycopg.connect(server.url("airflow").replace("+psycopg", "")) as session:
            listed = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in listed:
                rows = session.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
                said[table] = "\n".join(row[0] for row in rows)
        said["postgres.log"] = server.log.read_text(encoding="utf-8", errors="replace")
        apart = (self.home / "postgres", self.feed, self.home / "sheets")
        for path in sorted(self.home.rglob("*")):
            if path.is_file() and not any(path.is_relative_to(folder) for folder in apart):
                said[str(path)] = path.read_bytes().decode("utf-8", errors="replace")
        return said
