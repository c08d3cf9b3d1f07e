"""collect_<source>: one run per window; extract, map and validate, quality, accept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, get_current_context

from bridge.airflow.facts import asset, facts, start_of
from bridge.airflow.steps import DEFAULTS, extra, linked, run_key, run_window, step


def collect_dag(source: str) -> DAG:
    """The DAG that brings a source's windows into the exchange.

    Runs on the mapping's ``every`` and catches up on windows missed in an outage. A window comes from the
    run's data interval only. A task that is tried or cleared again has the same effect.
    """
    said = facts(source, "collect")
    moved = asset(source)
    every = said.text("every")
    with DAG(
        dag_id=f"collect_{source}",
        schedule=CronDataIntervalTimetable(every, timezone="UTC"),
        start_date=start_of(said),
        catchup=True,
        max_active_runs=2,
        default_args=DEFAULTS,
        params={
            "accept_quality": Param(
                "",
                type="string",
                title="Let a window pass that quality stopped: why?",
                description="Your user name and this reason are kept with the run. Leave it empty otherwise.",
            ),
        },
        tags=["collect", source],
        description=f"Seizures from {source} into the exchange, window by window",
        doc_md=said.docs,
    ) as dag:

        @step(hours=2)
        def extract() -> dict[str, int]:
            """Archive each input of the window by hash, prove it complete, count it."""
            from bridge.flow import collecting

            work = collecting.extract(source, run_window(), run_key())
            inputs = work.exchange.inputs(work.run)
            return {"inputs": len(inputs), "held_inputs": sum(one.problem is not None for one in inputs)}

        @step(hours=4)
        def map_and_validate() -> dict[str, int]:
            """Map every record to the common schema, validate it, stage what came of it."""
            from bridge.flow import collecting

            return collecting.map_and_validate(collecting.open_run(source, run_window(), run_key()))

        @step(hours=0.5)
        def quality() -> list[dict[str, Any]]:
            """Hold the window against its declared expectations; stop before anything is accepted."""
            from bridge.flow import collecting

            # Its import alone writes hundreds of lines of its own at level INFO.
            logging.getLogger("great_expectations").setLevel(logging.WARNING)
            work = collecting.open_run(source, run_window(), run_key())
            return collecting.judge(work, fresh=_latest(every), accept=_accepted())

        @step(hours=2)
        def accept() -> dict[str, Any]:
            """Take the records in, balance the books and seal the window, all or nothing."""
            from bridge.flow import collecting

            books = extra(collecting.accept(collecting.open_run(source, run_window(), run_key())))
            get_current_context()["outlet_events"][moved].extra = books
            return books

        extract() >> map_and_validate() >> quality() >> accept(outlets=[moved])
    return linked(dag)


def _latest(every: str) -> bool:
    """Whether this is the scheduled run of the newest whole window: only of that one can freshness be asked."""
    from bridge.flow.windows import latest_window

    run = get_current_context()["dag_run"]
    return run.run_type == "scheduled" and run_window() == latest_window(datetime.now(UTC), every)


def _accepted() -> str:
    """Who lets the window pass, and why: the signed-in user's name, not a typed one."""
    context = get_current_context()
    reason = str(context["params"]["accept_quality"]).strip()
    return f"{context['dag_run'].triggering_user_name}: {reason}" if reason else ""
