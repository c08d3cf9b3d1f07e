"""Names of what was started in the story, and the bodies of the requests that start it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.airflow.live import OVER, Live


@dataclass(slots=True)
class Story:
    """What happened: ids of runs and of the backfill."""

    midnight: datetime
    cis: str = ""
    let_pass: str = ""
    in_while_stopped: int = -1
    upload: str = ""
    lemis: str = ""
    by_hand: str = ""
    too_early: str = ""
    backfill: int = 0

    def interval(self, logical: datetime, since: datetime, until: datetime) -> dict[str, str]:
        """The body of a run by hand over a window."""
        return {
            "logical_date": logical.isoformat(),
            "data_interval_start": since.isoformat(),
            "data_interval_end": until.isoformat(),
        }

    def backfilled(self, first: datetime, last: datetime) -> dict[str, Any]:
        """The body of a backfill over the windows that begin at first, ..., last."""
        return {
            "dag_id": "collect_cen",
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
            "max_active_runs": 2,
            "reprocess_behavior": "none",
        }

    def delivered(self, airflow: Live) -> bool:
        """Whether no share with CIS runs and none is about to: asset events that came during a run wake one more."""
        if airflow.queued_events("share_cis"):
            return False
        return all(run["state"] in OVER for run in airflow.runs("share_cis"))
