"""Which state of a mapping a run goes by, and whether that still is in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.errors import Stop
from bridge.exchange import authorisations
from bridge.exchange.tables import mapping_revision

if TYPE_CHECKING:
    from bridge.exchange.runs import Run

_COVERED_STILL: Final = """
INSERT INTO exchange.coverage (partner, revision, run_id, share_run_id)
SELECT partner, :new, run_id, share_run_id FROM exchange.coverage WHERE partner = :name AND revision = :old
"""


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


@dataclass(frozen=True, slots=True)
class Revision:
    """A state of a mapping, and what suppliers had authorised then."""

    revision: int
    fingerprint: str
    authorised: tuple[int, ...]

    def is_of(self, used: Used) -> bool:
        """Whether it is just that."""
        return (self.fingerprint, self.authorised) == (used.fingerprint, used.authorised)


def newest(connection: sa.Connection, mapping: str) -> Revision:
    """The mapping's newest revision; number 0 if it has none."""
    known = mapping_revision
    asked = sa.select(known.c.revision, known.c.fingerprint, known.c.authorised).where(known.c.mapping == mapping)
    found = connection.execute(asked.order_by(known.c.revision.desc()).limit(1)).one_or_none()
    if found is None:
        return Revision(0, "", ())
    return Revision(found.revision, found.fingerprint, tuple(found.authorised))


def assign(connection: sa.Connection, name: str, used: Used, *, share: bool) -> int:
    """The place of the mapping that is in use now among all that this mapping had, from 1.

    Whatever differs from the last that was in use comes after it. For a collect that is also a mapping of old that has
    been brought back: otherwise what it makes would lose against what it is to replace. An old run executed again
    with its old mapping does not come here: it keeps the revision that it began with. For a share a mapping of old is
    refused: a process that was not brought up to date would let go what the rules of release now keep back. Where only
    the authorisations in force have changed, the partner is offered anew what they concern and nothing else.

    Raises:
        Stop: OLD_MAPPING.
    """
    last = newest(connection, used.mapping)
    if not last.is_of(used):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"map:{used.mapping}", 0))))
        last = newest(connection, used.mapping)
    if last.is_of(used):
        return last.revision
    known = mapping_revision
    same = sa.select(known.c.revision).where(known.c.mapping == used.mapping, known.c.fingerprint == used.fingerprint)
    only_authorised = last.fingerprint == used.fingerprint
    if share and not only_authorised and connection.scalar(same.limit(1)) is not None:
        raise _old_mapping(f"share {name}", used.mapping)
    values = {
        "mapping": used.mapping,
        "fingerprint": used.fingerprint,
        "revision": last.revision + 1,
        "parts": dict(used.parts),
        "authorised": list(used.authorised),
    }
    connection.execute(known.insert().values(values))
    if only_authorised:
        connection.execute(sa.text(_COVERED_STILL), {"name": name, "old": last.revision, "new": last.revision + 1})
    return last.revision + 1


def require_in_force(connection: sa.Connection, run: Run) -> None:
    """Make sure that no other mapping has taken the place of the one by which a share releases, and that what
    suppliers had authorised when it began still is what it goes by.

    Raises:
        Stop: OLD_MAPPING, OLD_AUTHORISATION.
    """
    last = newest(connection, run.mapping)
    later = last.revision > run.revision
    if later and last.fingerprint != run.fingerprint:
        raise _old_mapping(run.where, run.mapping)
    if later or authorisations.gone(connection, last.authorised):
        what = "what suppliers have authorised for this partner has changed since this run began"
        fix = "Begin a new share: it goes by what is in force now, and takes up what this run left"
        raise Stop("OLD_AUTHORISATION", run.where, what, fix)


def _old_mapping(where: str, mapping: str) -> Stop:
    return Stop(
        "OLD_MAPPING",
        where,
        f"this is an older state of {mapping}; another has taken its place since, and what that withholds could leave",
        "Run the share with the mapping in force: bring this worker up to date, or trigger a new run instead of "
        "clearing an old one. To go back on purpose, change the mapping's version",
    )
