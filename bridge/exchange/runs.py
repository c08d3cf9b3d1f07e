"""Runs: one attempt to collect a window or to share with a partner, and who may still write under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NoReturn

import sqlalchemy as sa

from bridge.connector import Window
from bridge.errors import BridgeError, Stop
from bridge.exchange import authorisations, unsettled
from bridge.exchange.outbound import handing, selection, staging
from bridge.exchange.revisions import Used, assign, newest
from bridge.exchange.tables import inputs
from bridge.exchange.tables import run as runs
from bridge.ledger import Books

COLLECT = "collect"
SHARE = "share"


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt, as it stood when it was read.

    Args:
        kind: collect or share.
        name: the source or the partner.
        window: the window collected; for a share the windows it is limited to, or None.
        revision: how often the mapping had changed when the run began; it orders versions.
        state: running, sealed, failed or abandoned.
        redeliver: a share that offers again what already has its end state.
    """

    id: int
    kind: str
    name: str
    run_key: str
    attempt: int
    window: Window | None
    mapping: str
    fingerprint: str
    revision: int
    state: str
    redeliver: bool = False

    @property
    def where(self) -> str:
        """How messages call it."""
        span = f" {self.window}" if self.window else ""
        return f"{self.kind} {self.name}{span} (run {self.id})"


_COLUMNS = [runs.c[name] for name in (
    "id", "kind", "name", "run_key", "attempt", "since", "until", "mapping", "fingerprint", "revision", "state",
    "redeliver",
)]  # fmt: skip


def begin(
    connection: sa.Connection,
    kind: str,
    name: str,
    window: Window | None,
    used: Used,
    run_key: str,
    redeliver: bool = False,
) -> Run:
    """The key's running or failed attempt with this fingerprint, else a new one.

    A sealed run that is begun again is done anew. One that still runs with another mapping is abandoned
    and can no longer write. A collect run begun again with a mapping that is no longer in use keeps its revision; a
    share never goes by such a mapping.

    Raises:
        Stop: OLD_MAPPING, a share with a mapping that another has taken the place of.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"run:{run_key}", 0))))
    if kind == SHARE:
        used = replace(used, authorised=authorisations.in_force(connection, name))
    last = latest(connection, run_key)
    again = last is not None and (last.mapping, last.fingerprint) == (used.mapping, used.fingerprint)
    if last is not None and again and kind == COLLECT and not newest(connection, used.mapping).is_of(used):
        revision = last.revision
    else:
        revision = assign(connection, name, used, share=kind == SHARE)
    if kind == SHARE:
        connection.execute(
            sa.text("INSERT INTO exchange.partner (partner) VALUES (:name) ON CONFLICT DO NOTHING"), {"name": name}
        )
    if last is not None and last.state in ("running", "failed"):
        if (last.kind, last.name, last.window, last.revision) == (kind, name, window, revision):
            return last
        if kind == SHARE:
            unsettled.alone(connection, last.name)
        end(connection, last, "abandoned", None)
    values = {
        "kind": kind, "name": name, "run_key": run_key, "attempt": last.attempt + 1 if last else 1,
        "mapping": used.mapping, "since": window.since if window else None, "until": window.until if window else None,
        "fingerprint": used.fingerprint, "revision": revision, "state": "running", "redeliver": redeliver,
    }  # fmt: skip
    return _run(connection.execute(runs.insert().values(values).returning(*_COLUMNS)).one())


def latest(connection: sa.Connection, run_key: str) -> Run | None:
    """The last attempt under this key, in whatever state."""
    asked = sa.select(*_COLUMNS).where(runs.c.run_key == run_key).order_by(runs.c.attempt.desc()).limit(1)
    found = connection.execute(asked).one_or_none()
    return None if found is None else _run(found)


def load(connection: sa.Connection, run_id: int) -> Run:
    """The run with this number.

    Raises:
        Stop: there is none.
    """
    found = connection.execute(sa.select(*_COLUMNS).where(runs.c.id == run_id)).one_or_none()
    if found is None:
        raise Stop("NO_SUCH_RUN", f"run {run_id}", "the exchange knows no such run", "Begin the run again")
    return _run(found)


def hold_open(connection: sa.Connection, run: Run) -> None:
    """Lock the run's row for this transaction and make sure that it may still write.

    A failed run may try again. An abandoned one may not: a later attempt took its place, and this is
    the process that should have died. A sealed one is done.

    Raises:
        Stop: RUN_OVER.
    """
    asked = sa.select(runs.c.state).where(runs.c.id == run.id)
    state = connection.scalar(asked.with_for_update())
    if state is None:  # row security shuts a sealed run to those who may not change it
        state = connection.scalar(asked)
    if state == "failed":
        again = runs.update().where(runs.c.id == run.id)
        connection.execute(again.values(state="running", finished_at=None, note=None, books=None))
    elif state != "running":
        _refuse(run, state)


def require_open(connection: sa.Connection, run: Run) -> None:
    """Make sure, without a lock, that the run may still write: what it writes is no entry.

    Raises:
        Stop: RUN_OVER.
    """
    state = connection.scalar(sa.select(runs.c.state).where(runs.c.id == run.id))
    if state not in ("running", "failed"):
        _refuse(run, state)


def _refuse(run: Run, state: str | None) -> NoReturn:
    why = "another attempt has taken its place" if state == "abandoned" else "all it had to do is done"
    raise Stop("RUN_OVER", run.where, f"this run is {state}: {why}", "Begin the run again if it is to be repeated")


def end(connection: sa.Connection, run: Run, state: str, books: Books | None, note: str | None = None) -> None:
    """Write how the run ended and empty its table of work under way."""
    values: dict[str, Any] = {"state": state, "finished_at": sa.func.clock_timestamp(), "note": note}
    if books is not None:
        values["books"] = books.as_dict()
    connection.execute(runs.update().where(runs.c.id == run.id).values(values))
    if state != "failed":
        work = staging if run.kind == COLLECT else selection
        if run.kind == SHARE:
            unsettled.cross_off(connection, [run.id])
        connection.execute(work.delete().where(work.c.run_id == run.id))


def note_of(error: BridgeError) -> str:
    """What the run's row keeps of an error."""
    return f"{error.code}: {error.what}. {error.fix}"[:2000]


def approve(connection: sa.Connection, run: Run, by: str, limits: Mapping[str, int]) -> None:
    """Keep with a running run who let it pass these limits, when, and how many versions it had selected; once."""
    hold_open(connection, run)
    selected = connection.scalar(sa.select(runs.c.selected).where(runs.c.id == run.id, runs.c.approved.is_(None)))
    if selected is not None:
        figures = {"by": by, "at": datetime.now(UTC).isoformat(), "selected": selected, "limits": dict(limits)}
        connection.execute(runs.update().where(runs.c.id == run.id).values(approved=figures))


def books_of(connection: sa.Connection, run_id: int) -> Books | None:
    """The books with which the run was sealed; None if it is not sealed."""
    found = connection.scalar(sa.select(runs.c.books).where(runs.c.id == run_id, runs.c.state == "sealed"))
    return Books.from_dict(found) if found else None


def last_sealed(connection: sa.Connection, kind: str, name: str) -> tuple[Run, Books] | None:
    """The newest sealed run of this kind and name, with its books."""
    mine = (runs.c.kind == kind, runs.c.name == name, runs.c.state == "sealed")
    found = connection.execute(
        sa.select(*_COLUMNS, runs.c.books).where(*mine).order_by(runs.c.finished_at.desc()).limit(1)
    ).one_or_none()
    return None if found is None else (_run(found), Books.from_dict(found.books))


def purge(connection: sa.Connection, before: datetime) -> dict[str, int]:
    """Empty the work tables of runs begun before the moment; gives rows by table."""
    old = sa.select(runs.c.id).where(runs.c.started_at < before)
    giving = sa.select(handing.c.run_id).where(handing.c.run_id.in_(old))
    unsettled.cross_off(connection, connection.scalars(giving.distinct()).all())
    return {
        table.name: connection.execute(table.delete().where(table.c.run_id.in_(old))).rowcount
        for table in (staging, selection)
    }


def input_ids(connection: sa.Connection, run: Run) -> dict[str, int]:
    """Number of each input of the run that is read, by its hash."""
    asked = sa.select(inputs.c.sha256, inputs.c.id).where(inputs.c.run_id == run.id, inputs.c.same_as.is_(None))
    return {row.sha256: row.id for row in connection.execute(asked)}


def _run(row: Any) -> Run:
    window = Window(row.since, row.until) if row.since is not None else None
    return Run(
        row.id, row.kind, row.name, row.run_key, row.attempt, window,
        row.mapping, row.fingerprint, row.revision, row.state, row.redeliver,
    )  # fmt: skip
