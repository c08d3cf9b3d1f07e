"""Airflow's public REST API, as much of it as the demo and an operator's script need."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests

from bridge.connector import Window
from bridge.errors import Stop, TryLater

ENDED: Final = frozenset({"success", "failed"})
PAUSE: Final = 1.0


@dataclass(slots=True)
class AirflowApi:
    """One user's access to an Airflow.

    Args:
        url: of the API server.
        user, password: as for signing in.
    """

    url: str
    user: str
    password: str
    _session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """What a call answers; signs in first, and again when the token has expired.

        Raises:
            TryLater: the server does not answer.
            Stop: it refuses, with its words.
        """
        try:
            answer = self._session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **arguments)
            if answer.status_code in (401, 403) and self._sign_in():
                answer = self._session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **arguments)
        except requests.RequestException as error:
            raise TryLater("AIRFLOW_AWAY", self.url, type(error).__name__, "Start it with: make up") from None
        if not answer.ok:
            raise Stop(
                "AIRFLOW_REFUSES",
                f"{method} {path}",
                f"status {answer.status_code}: {answer.text[:300]}",
                "Read the API server's log",
            )
        return answer.json() if answer.content else None

    def unpause(self, dags: Sequence[str]) -> None:
        """Let these DAGs run, once the DAG processor has read them."""
        self.wait(lambda: self._known() >= set(dags), "DAG files are being read")
        for dag in dags:
            self.call("PATCH", f"dags/{dag}", json={"is_paused": False})

    def backfill(self, dag: str, window: Window, *, again: bool) -> int:
        """Ask for a run of each of the DAG's windows in this stretch; ``again`` also for those that ran. Its id."""
        asked = {
            "dag_id": dag,
            "from_date": window.since.isoformat(),
            "to_date": (
                window.until - timedelta(seconds=1)
            ).isoformat(),  # windows are chosen by their start, inclusive
            "max_active_runs": 2,
            "reprocess_behavior": "completed" if again else "none",
            "run_backwards": False,
        }
        return int(self.call("POST", "backfills", json=asked)["id"])

    def trigger(self, dag: str, window: Window) -> str:
        """Start a run of the DAG for this window; its run id."""
        asked = {
            "logical_date": datetime.now(UTC).isoformat(),
            "data_interval_start": window.since.isoformat(),
            "data_interval_end": window.until.isoformat(),
        }
        return str(self.call("POST", f"dags/{dag}/dagRuns", json=asked)["dag_run_id"])

    def state(self, dag: str, run: str) -> str:
        """Where the run is: queued, running, success or failed."""
        return str(self.call("GET", f"dags/{dag}/dagRuns/{run}")["state"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The DAG's last hundred runs."""
        found = self.call("GET", f"dags/{dag}/dagRuns", params={"limit": 100, "order_by": "-run_after"})
        runs: list[dict[str, Any]] = found["dag_runs"]
        return runs

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = 600) -> None:
        """Until it is so.

        Raises:
            TryLater: it is not so in time.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise TryLater(
                    "AIRFLOW_SLOW",
                    self.url,
                    f"{what}, and {seconds:.0f} seconds were not enough",
                    "Look at the runs in Airflow",
                )
            time.sleep(PAUSE)

    def _known(self) -> set[str]:
        return {dag["dag_id"] for dag in self.call("GET", "dags", params={"limit": 100})["dags"]}

    def _sign_in(self) -> bool:
        answer = self._session.post(
            f"{self.url}/auth/token", json={"username": self.user, "password": self.password}, timeout=60
        )
        if not answer.ok:
            return False
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return True
