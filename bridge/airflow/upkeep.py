"""upkeep: once a day, what nobody would notice by itself; and the switch by which a person stops deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context

from bridge.airflow.facts import Facts, content, start_of
from bridge.airflow.steps import DEFAULTS, run_key, step
from bridge.errors import Stop

FACTS = Facts("upkeep", {"start": "2020-01-01"}, "")
"""Like a source, it begins when the installation does."""
SUSPEND = "suspend"
RESUME = "resume"

_DOCS = """
Every morning, apart from one another, so that one alarm hides no other. **A task that fails here is an alarm**:
its log says what is late, by how much and what to do.

| task | alarms when |
|---|---|
| windows | windows are missing between sealed ones (E0), or a source's next seal is later than its mapping allows |
| deliveries | a delivery is pending, a partner suspended or not served, a correction not acknowledged, for too long |
| partners | a partner holds other than the books say (E4 to E6), or the exchange, restored, is behind it |
| retention | a policy cannot be read; else what is over its time at a partner expires, and archived bytes go |
| duplicates | never: it looks for records of several suppliers that may be one seizure, for a person to decide |
| stamps | a time-stamping authority is configured and a seal is without its stamp for too long |
| purge | never: it empties work tables and folders of runs that never ended, and erases old reads |
"""
_SWITCH = """
Stops all deliveries to one partner at once, and lets them go again. **Trigger** it, choose the partner, say why.
Your user name and the reason are kept in the exchange and shown under **Browse → Reconciliation**.

A share that is running ends; the next ones skip. Nothing is lost: what the partner missed goes when it is resumed.
From a shell: `bridge suspend PARTNER --by NAME --reason WHY`, `bridge resume PARTNER --by NAME --reason WHY`.
"""


def upkeep_dag() -> DAG:
    """The DAG that raises an alarm where windows or deliveries are late, and removes what dead runs left."""
    with DAG(
        dag_id="upkeep",
        schedule=CronTriggerTimetable("30 5 * * *", timezone="UTC"),
        start_date=start_of(FACTS),
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args={**DEFAULTS, "retries": 1},
        params={
            "gap_hours": Param(36, type="integer", minimum=1, title="A gap between sealed windows may be so old"),
            "open_hours": Param(24, type="integer", minimum=1, title="A delivery may be pending or in doubt so long"),
            "suspended_days": Param(7, type="integer", minimum=1, title="A partner may be suspended so long"),
            "keep_days": Param(14, type="integer", minimum=2, title="Work of dead runs is kept so long"),
        },
        tags=["upkeep"],
        description="Alarms on late windows and deliveries; removes what dead runs left",
        doc_md=_DOCS,
    ) as dag:

        @step(hours=0.5)
        def windows() -> dict[str, int]:
            """Alarm on gaps between sealed windows, and on sources whose newest windows are missing."""
            now, params = _now_and_params()
            with _auditing() as exchange:
                return _alarm(
                    late_windows_of(exchange, now, params["gap_hours"]) + late_seals_of(exchange, now, "source")
                )

        @step(hours=0.5)
        def deliveries() -> dict[str, int]:
            """Alarm on deliveries without an end state and on partners that are suspended for long."""
            now, params = _now_and_params()
            with _auditing() as exchange:
                late = late_deliveries_of(exchange, now, params["open_hours"], params["suspended_days"])
                return _alarm(late + overdue_of(exchange, now) + late_seals_of(exchange, now, "partner"))

        @step(hours=3)
        def partners() -> dict[str, int]:
            """Alarm on every partner that a share was begun for and whose own state is not what the books say."""
            with _auditing() as exchange:
                begun = exchange.shared_with()
            return _alarm(other_than_the_books([name for name in content().partners() if name in begun]))

        @step(hours=1)
        def purge() -> dict[str, int]:
            """Empty work tables and folders of runs that began long ago and never ended."""
            from bridge import settings
            from bridge.flow import archive

            now, params = _now_and_params()
            before = now - timedelta(days=params["keep_days"])
            with _exchange() as exchange:
                rows = exchange.purge(before)
            return {**rows, "folders": remove_folders(settings.stage(), before) + archive.sweep()}

        @step(hours=1)
        def retention() -> dict[str, int]:
            """Decide that what is over its time at a partner has expired, and remove bytes that are over theirs."""
            from bridge.flow.retaining import apply

            now, _ = _now_and_params()
            with _exchange() as exchange:
                done = apply(exchange, content(), "upkeep", "its time is over", now)
            _alarm([str(error) for error in done.unread])
            return {**done.expired, "archived_inputs_removed": len(done.swept.removed)}

        @step(hours=2)
        def duplicates() -> dict[str, int]:
            """Queue pairs that may be one seizure, and ask suppliers where reports of one differ."""
            from bridge.flow.correcting import compare_cases

            with _exchange() as exchange:
                return {"pairs": exchange.find_duplicates(), "requests": compare_cases(exchange, content())}

        @step(hours=0.5)
        def stamps() -> dict[str, int]:
            """Have the newest seal stamped where an authority is configured."""
            from bridge.flow.stamping import overdue_after_asking

            now, _ = _now_and_params()
            with _exchange() as exchange:
                return _alarm(overdue_after_asking(exchange, content(), now))

        windows()
        deliveries()
        partners()
        retention()
        duplicates()
        stamps()
        purge()
    return dag


def switch_dag() -> DAG:
    """The DAG that a person triggers to suspend deliveries to a partner, or to resume them."""
    partners = content().partners()
    with DAG(
        dag_id="switch_partner",
        schedule=None,
        is_paused_upon_creation=False,
        max_active_runs=1,
        default_args={**DEFAULTS, "retries": 0},
        params={
            "partner": Param(partners[0], enum=partners, title="Partner"),
            "action": Param(SUSPEND, enum=[SUSPEND, RESUME], title="What to do"),
            "reason": Param("", type="string", title="Why", description="Kept with your user name. No personal data."),
        },
        tags=["share"],
        description="Stops or resumes all deliveries to a partner, by a named person for a reason",
        doc_md=_SWITCH,
    ) as dag:

        @step(hours=0.1)
        def switch() -> None:
            """Move the partner's switch in the name of the signed-in user."""
            from bridge.errors import Misconfigured

            context = get_current_context()
            params = context["params"]
            by, reason = context["dag_run"].triggering_user_name or "", params["reason"].strip()
            if not by or not reason:
                raise Misconfigured("NO_REASON", run_key(), "no user or no reason is given", "Trigger it with a reason")
            with _exchange() as exchange:
                move = exchange.suspend if params["action"] == SUSPEND else exchange.resume_partner
                move(params["partner"], by, reason)

        switch()
    return dag


def remove_folders(stage: Path, before: datetime) -> int:
    """Remove the folders of runs that nobody has touched since; gives their number."""
    import shutil

    removed = 0
    for folder in stage.glob("*/*"):
        if folder.is_dir() and folder.stat().st_mtime < before.timestamp():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def late_windows_of(exchange: Any, now: datetime, gap_hours: int) -> list[str]:
    """Gaps between sealed windows that are older than allowed."""
    from bridge.airflow import questions

    with exchange.engine.connect() as connection:
        latest = questions.latest(connection)
    return [
        f"{source}: nothing is sealed for {gap}; backfill it"
        for source in latest
        for gap in exchange.gaps(source)
        if gap.until < now - timedelta(hours=gap_hours)
    ]


def late_seals_of(exchange: Any, now: datetime, kind: str) -> list[str]:
    """Sources, or partners, whose next seal is later than their mapping allows."""
    from bridge.flow.delays import delays

    with exchange.engine.connect() as connection:
        found = delays(connection, content(), now)
    return [str(one) for one in found if one.kind == kind and one.late(now)]


def late_deliveries_of(exchange: Any, now: datetime, open_hours: int, suspended_days: int) -> list[str]:
    """Deliveries without an end state, and suspended partners, for longer than allowed."""
    from bridge.airflow import questions

    with exchange.engine.connect() as connection:
        undecided, suspended = questions.undecided(connection), questions.suspended(connection)
    return [
        f"{row.partner}: {row.versions} versions {row.disposition} since {row.oldest:%Y-%m-%d %H:%M}"
        for row in undecided
        if row.oldest < now - timedelta(hours=open_hours)
    ] + [
        f"{row.partner}: suspended by {row.by} since {row.at:%Y-%m-%d}: {row.reason}"
        for row in suspended
        if row.at < now - timedelta(days=suspended_days)
    ]


def overdue_of(exchange: Any, now: datetime) -> list[str]:
    """What partners have not acknowledged in their promised time, counted by partner and kind."""
    from collections import Counter

    from bridge.flow.clearing import overdue

    counts = Counter((one.owed.partner, one.owed.what) for one in overdue(exchange, content(), now))
    return [f"{partner}: {count} overdue ({what}); bridge overdue" for (partner, what), count in sorted(counts.items())]


def other_than_the_books(partners: list[str]) -> list[str]:
    """Partners that can be asked and hold other than the books say; how many records, of what kind."""
    from bridge.errors import BridgeError
    from bridge.flow.reconciling import reconcile

    found = []
    for partner in partners:
        try:
            one = reconcile(partner)
        except BridgeError as error:  # one partner's trouble hides no other's
            if error.code not in ("CANNOT_TELL", "SHARE_UNDER_WAY"):
                found.append(f"{partner}: {error}")
            continue
        if one.behind:
            found.append(f"{partner}: the exchange is behind it, as after a restore; bridge reconcile {partner}")
        elif not one.balanced:
            kinds = {"missing": one.missing, "phantom": one.phantom, "altered": one.altered, "gone": one.gone}
            counts = ", ".join(f"{len(keys)} {kind}" for kind, keys in kinds.items() if keys)
            found.append(f"{partner}: {counts or 'its counts differ'}; bridge reconcile {partner}")
    return found


def _alarm(found: list[str]) -> dict[str, int]:
    if found:
        raise Stop("ALARM", run_key(), "; ".join(found), "Look under Browse, Reconciliation")
    return {"alarms": 0}


def _auditing() -> Any:
    from bridge.exchange import Exchange, Role

    return Exchange.of(Role.AUDIT)


def _exchange() -> Any:
    from bridge import settings
    from bridge.exchange import Exchange

    return Exchange(settings.exchange_url())


def _now_and_params() -> tuple[datetime, dict[str, Any]]:
    return datetime.now(UTC), dict(get_current_context()["params"])
