"""share_<partner>: woken by sealed windows and by time; select, deliver, reconcile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, Param, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from bridge.airflow.facts import asset, content, facts
from bridge.airflow.steps import DEFAULTS, extra, linked, run_key, step

FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def share_dag(partner: str) -> DAG:
    """The DAG that delivers to a partner what it may see and has not yet had.

    Any source's sealed window wakes it, and so does time, so that what was held back or could not be sent
    goes without waiting for the next window. Windows sealed while it runs wake it once more, all together.
    What to deliver it reads from the exchange, never from the event.
    """
    said = facts(partner, "share")
    sources = [asset(source) for source in content().sources() if source != partner]
    with DAG(
        dag_id=f"share_{partner}",
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable(said.text("every", "0 * * * *"), timezone="UTC"), assets=AssetAny(*sources)
        ),
        start_date=FIRST,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULTS,
        params={
            "since": Param(
                "",
                type="string",
                title="Only what was collected in windows from here on",
                description="2026-11-01, or empty for all",
            ),
            "until": Param(
                "",
                type="string",
                title="Only what was collected in windows before",
                description="2026-11-06, or empty for all",
            ),
            "redeliver": Param(default=False, type="boolean", title="Send again what the partner already has"),
            "approve": Param(
                default=False,
                type="boolean",
                title="Let this run pass the partner's limits",
                description="Your user name is kept with the run",
            ),
        },
        tags=["share", partner],
        description=f"Seizures from the exchange to {partner}, under its release policy",
        doc_md=said.docs,
    ) as dag:

        @step(hours=2)
        def select() -> dict[str, int]:
            """Fix which versions this run must settle; skip the run if the partner is suspended."""
            from bridge.errors import Stop
            from bridge.flow import sharing

            params = get_current_context()["params"]
            try:
                work = sharing.select(partner, run_key(), _window(params), redeliver=params["redeliver"])
            except Stop as stop:
                if stop.code != "PARTNER_SUSPENDED":
                    raise
                _end(stop)
                raise AirflowSkipException(str(stop)) from None
            return {"selected": work.selected}

        @step(hours=6)
        def deliver() -> dict[str, int]:
            """Release, map and hand over, batch by batch, and settle each version."""
            from bridge.flow import sharing

            return sharing.deliver(sharing.open_share(partner, run_key()), approve=_approved())

        @step(hours=1)
        def reconcile() -> dict[str, Any]:
            """Prove that every selected version has its end state."""
            from bridge.flow import sharing

            return extra(sharing.reconcile(sharing.open_share(partner, run_key())))

        select() >> deliver() >> reconcile()
    return linked(dag)


def _end(stop: Any) -> None:
    """Close the run that select began for a suspended partner, with the reason."""
    from bridge.exchange import Exchange, Role

    with Exchange.of(Role.SHARE) as exchange:
        exchange.fail(exchange.resume(run_key()), stop)


def _approved() -> str:
    """Who lets the run pass the partner's limits: the signed-in user who started it; "" if nobody does."""
    context = get_current_context()
    return str(context["dag_run"].triggering_user_name or "") if context["params"]["approve"] else ""


def _window(params: dict[str, Any]) -> Any:
    """The range of windows that the run was told to keep to, or None for all."""
    from bridge.connector import Window
    from bridge.errors import Misconfigured
    from bridge.flow.windows import parse_moment

    since, until = params["since"], params["until"]
    if not since and not until:
        return None
    if not since or not until:
        raise Misconfigured("HALF_RANGE", run_key(), "only one of since and until is given", "Give both, or neither")
    return Window(parse_moment(since, run_key()), parse_moment(until, run_key()))
