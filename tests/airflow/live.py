"""A real Airflow with its PostgreSQL, driven as people drive it: REST, command line, browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

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

    def wait(self, what: str, done: Callable[[], object], seconds: float = 240) -> None:
        """Until it is so; fails with what was waited for and the runs there are."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done():
                return
            time.sleep(0.5)
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

    def everything_said(self) -> str:
        """All that a reader of Airflow can see of runs: notes, XComs, rendered fields, events, and all log files."""
        parts = [json.dumps(self.api("GET", "/assets/events?limit=1000")), json.dumps(self.runs("~"))]
        instances = self.api("GET", "/dags/~/dagRuns/~/taskInstances?limit=1000")["task_instances"]
        parts.append(json.dumps(instances))
        for one in instances:
            at = f"/dags/{one['dag_id']}/dagRuns/{one['dag_run_id']}/taskInstances/{one['task_id']}"
            keys = [entry["key"] for entry in self.api("GET", f"{at}/xcomEntries")["xcom_entries"]]
            parts.extend(json.dumps(self.api("GET", f"{at}/xcomEntries/{key}")) for key in keys)
        for folder in ("logs", "processes"):
            logs = sorted((self.home / "airflow" / folder).rglob("*.log"))
            parts.extend(path.read_text(encoding="utf-8", errors="replace") for path in logs)
        return "\n".join(parts)
