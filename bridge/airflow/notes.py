"""Each run's note in Airflow: its counts, read from the exchange when the run ends.

Runs in the scheduler, which must not wait and must not fail for it: a note that cannot be written in
three seconds is not written, and the log says so. A run without tasks, which Airflow calls a success, is
called a failure here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from airflow.listeners import hookimpl
from airflow.utils.state import DagRunState

from bridge.ledger import Delivery, Intake

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

    from bridge.airflow.questions import Attempt

log = logging.getLogger(__name__)

OURS: Final = ("collect_", "share_")
SECONDS: Final = 3
LENGTH: Final = 1000
"""What Airflow's column holds."""

_NOTHING: Final = {
    "failed": "**Failed** before it began anything: read its first task's log.",
    "success": "**Nothing was done:** the run was called a success by hand before it had begun.",
}
_EMPTY: Final = "**Nothing was done:** the run is dated before the start of this DAG. Backfill its window instead."


class RunNotes:
    """Listens to runs that end."""

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun, msg: str) -> None:  # noqa: ARG002 -- Airflow's signature
        """Write the note of a run that succeeded."""
        write(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: DagRun, msg: str) -> None:  # noqa: ARG002 -- Airflow's signature
        """Write the note of a run that failed."""
        write(dag_run)


def write(dag_run: DagRun) -> None:
    """Note what the exchange knows of the run, unless a person has noted something; never raises.

    Airflow gives a run by hand no tasks if its logical date is before the DAG's start, and calls it a success.
    """
    if not dag_run.dag_id.startswith(OURS):
        return
    try:
        if _without_tasks(dag_run):
            dag_run.set_state(DagRunState.FAILED)
            _put(dag_run, _EMPTY)
            return
        found = _last_attempt(f"{dag_run.dag_id}/{dag_run.run_id}")
        _put(dag_run, note(found) if found else _NOTHING[str(dag_run.state)])
    except Exception as error:  # noqa: BLE001 -- the scheduler goes on, whatever is wrong here
        log.warning("No note for %s %s: %s", dag_run.dag_id, dag_run.run_id, type(error).__name__)


def note(attempt: Attempt) -> str:
    """A run's counts and verdict in Markdown, at most 1000 characters; or why it failed."""
    if attempt.state != "sealed" or attempt.books is None:
        return f"**{attempt.state.capitalize()}.** {attempt.note or 'It did not come to an end.'}"[:LENGTH]
    books = attempt.books
    heads: list[str] = []
    reasons: list[str] = []
    for source in books.sources:
        heads.append(f"**{source.read:,} read**: {_counted(source.counts, list(Intake))}.")
        reasons += _reasons(source.reasons)
    for partner in books.partners:
        heads.append(f"**{partner.accepted:,} versions**: {_counted(partner.counts, list(Delivery))}.")
        reasons += _reasons({str(Delivery.DELIVERED): partner.effects, **partner.reasons})
    heads.append("The books balance." if books.balanced else "**The books do not balance.**")
    return "\n\n".join([" ".join(heads), "\n".join(reasons)]).strip()[:LENGTH]


def _counted(counts: Mapping[str, int], order: Sequence[str]) -> str:
    return ", ".join(f"{counts[state]:,} {state.replace('_', ' ')}" for state in order if counts.get(state)) or "none"


def _reasons(reasons: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = []
    for state, codes in reasons.items():
        told = ", ".join(f"{code} {n:,}" for code, n in sorted(codes.items(), key=lambda kv: -kv[1])[:6] if n)
        if told:
            lines.append(f"- {state.replace('_', ' ')}: {told}")
    return lines


def _without_tasks(dag_run: DagRun) -> bool:
    session = sa.orm.object_session(dag_run)
    return session is not None and not dag_run.get_task_instances(session=session)


def _last_attempt(run_key: str) -> Attempt | None:
    from bridge import settings
    from bridge.airflow import questions
    from bridge.exchange import Role

    engine = sa.create_engine(
        settings.exchange_url(Role.AUDIT),
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": SECONDS, "options": f"-c role={Role.AUDIT.there}"},
    )
    with engine.connect() as connection:
        questions.limit(connection, SECONDS * 1000)
        found = questions.attempts(connection, run_key)
    return found[0] if found else None


def _put(dag_run: Any, content: str) -> None:
    """Insert the note, or replace one that no person wrote.

    Inside the transaction in which the scheduler has the run's row locked, under a savepoint: another
    session would wait for that lock, and a failure would take the scheduler's own work with it.
    """
    from airflow.models.dagrun import DagRunNote
    from sqlalchemy.dialects.postgresql import insert

    session = sa.orm.object_session(dag_run)
    if session is None:
        return
    connection = session.connection()
    statement = insert(DagRunNote.__table__).values(
        dag_run_id=dag_run.id, content=content, created_at=sa.func.now(), updated_at=sa.func.now()
    )
    mine = DagRunNote.__table__.c
    with connection.begin_nested():
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["dag_run_id"],
                set_={"content": content, "updated_at": sa.func.now()},
                where=mine.user_id.is_(None),
            )
        )
