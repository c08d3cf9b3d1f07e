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
from bridge.exchange.tables import inputs, mapping_revision
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


@dataclass(frozen=True, slots=True)
class Used:
    """The mapping that a run uses.

    Args:
        mapping: its name.
        parts: sha256 of every file behind the fingerprint, by path.
        authorised: what suppliers have authorised for the partner of a share, by number.
    """

    mapping: str
    fingerprint: str
    parts: Mapping[str, str]
    authorised: tuple[int, ...] = ()


_COVERED_STILL = """
INSERT INTO exchange.coverage (partner, revision, run_id, share_run_id)
SELECT partner, :new, run_id, share_run_id FROM exchange.coverage WHERE partner = :name AND revision = :old
"""
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
    if last is not None and again and kind == COLLECT and not _newest(connection, used).is_of(used):
        revision = last.revision
    else:
        revision = assign_revision(connection, kind, name, used)
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


def assign_revision(connection: sa.Connection, kind: str, name: str, used: Used) -> int:
    """The place of the mapping that is in use now among all that this mapping had, from 1.

    Whatever differs from the last that was in use comes after it. For a collect that is also a mapping of old that has
    been brought back: otherwise what it makes would lose against what it is to replace. An old run executed again
    with its old mapping does not come here: it keeps the revision that it began with. For a share a mapping of old is
    refused: a process that was not brought up to date would let go what the rules of release now keep back. Where only
    the authorisations in force have changed, the partner is offered anew what they concern and nothing else.

    Raises:
        Stop: OLD_MAPPING.
    """
    newest = _newest(connection, used)
    if not newest.is_of(used):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"map:{used.mapping}", 0))))
        newest = _newest(connection, used)
    if newest.is_of(used):
        return newest.revision
    known = mapping_revision
    same = sa.select(known.c.revision).where(known.c.mapping == used.mapping, known.c.fingerprint == used.fingerprint)
    only_authorised = newest.fingerprint == used.fingerprint
    if kind == SHARE and not only_authorised and connection.scalar(same.limit(1)) is not None:
        raise _old_mapping(f"{SHARE} {name}", used.mapping)
    values = {
        "mapping": used.mapping,
        "fingerprint": used.fingerprint,
        "revision": newest.revision + 1,
        "parts": dict(used.parts),
        "authorised": list(used.authorised),
    }
    connection.execute(known.insert().values(values))
    if only_authorised:
        connection.execute(sa.text(_COVERED_STILL), {"name": name, "old": newest.revision, "new": newest.revision + 1})
    return newest.revision + 1


def require_in_force(connection: sa.Connection, run: Run) -> None:
    """Make sure that no other mapping has taken the place of the one by which a share releases, and that what
    suppliers had authorised when it began still is what it goes by.

    Raises:
        Stop: OLD_MAPPING, OLD_AUTHORISATION.
    """
    newest = _newest(connection, run)
    later = newest.revision > run.revision
    if later and newest.fingerprint != run.fingerprint:
        raise _old_mapping(run.where, run.mapping)
    if later or authorisations.gone(connection, newest.authorised):
        what = "what suppliers have authorised for this partner has changed since this run began"
        fix = "Begin a new share: it goes by what is in force now, and takes up what this run left"
        raise Stop("OLD_AUTHORISATION", run.where, what, fix)


@dataclass(frozen=True, slots=True)
class _Revision:
    revision: int
    fingerprint: str
    authorised: tuple[int, ...]

    def is_of(self, used: Used) -> bool:
        return (self.fingerprint, self.authorised) == (used.fingerprint, used.authorised)


def _newest(connection: sa.Connection, used: Used | Run) -> _Revision:
    """The mapping's newest revision; number 0 if it has none."""
    known = mapping_revision
    asked = sa.select(known.c.revision, known.c.fingerprint, known.c.authorised).where(known.c.mapping == used.mapping)
    found = connection.execute(asked.order_by(known.c.revision.desc()).limit(1)).one_or_none()
    if found is None:
        return _Revision(0, "", ())
    return _Revision(found.revision, found.fingerprint, tuple(found.authorised))


def _old_mapping(where: str, mapping: str) -> Stop:
    return Stop(
        "OLD_MAPPING",
        where,
        f"this is an older state of {mapping}; another has taken its place since, and what that withholds could leave",
        "Run the share with the mapping in force: bring this worker up to date, or trigger a new run instead of "
        "clearing an old one. To go back on purpose, change the mapping's version",
    )


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
