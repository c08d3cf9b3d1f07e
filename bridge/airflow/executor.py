"""How `bridge up` runs tasks: in forks of a process that has everything imported.

A task's own work is often a tenth of a second; importing Airflow's runner, Arrow and Polars is one to two seconds of
it, Great Expectations five. Each task runs in a fork of the scheduler, so what that has imported no task imports
again. Nothing is used before the fork, only imported: threads that a library starts when it works would not be in the
fork. Mappings, connectors and DAGs are not among it: each task reads those as they are then.
"""

from __future__ import annotations

import importlib
from typing import Final

from airflow.executors.local_executor import LocalExecutor

MODULES: Final = (
    "airflow.sdk.execution_time.task_runner",
    "bridge.airflow",
    "bridge.expectations",
    "bridge.flow.collecting",
    "bridge.flow.sharing",
)


class WarmExecutor(LocalExecutor):
    """Airflow's LocalExecutor, whose tasks need not import what all of them import."""

    def start(self) -> None:
        """Import it, then make ready the processes that tasks are forked from."""
        for name in MODULES:
            importlib.import_module(name)
        super().start()
