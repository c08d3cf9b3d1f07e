"""The two ways from a task to the bridge's own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

PREFIX: Final = "/bridge"
"""Where the pages are, below Airflow's own address."""


class HeldRecords(BaseOperatorLink):
    """The records that this run held, with file, position, field and reason."""

    name = "Held records"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 -- Airflow's signature
        """The page's address."""
        return f"{PREFIX}/held?{urlencode({'run': f'{ti_key.dag_id}/{ti_key.run_id}'})}"


class Reconciliation(BaseOperatorLink):
    """The books of this run."""

    name = "Reconciliation"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 -- Airflow's signature
        """The page's address."""
        return f"{PREFIX}/run/{quote(ti_key.dag_id)}/{quote(ti_key.run_id)}"


LINKS: Final = (HeldRecords(), Reconciliation())
