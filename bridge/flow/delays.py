"""How long each source and each partner has waited for its seal, against the bound that its mapping declares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from croniter import croniter

from bridge.content import COLLECT, SHARE, Content
from bridge.exchange.partners import suspension
from bridge.mapping import load_on

WINDOWS: Final = 2
"""A source whose mapping declares no collect.seal_hours may be so many of its windows late."""
HOURS: Final = 24
"""And a partner without deliver.seal_hours so many hours."""
_SEALED: Final = "SELECT source, max(until) FROM exchange.sealed_window GROUP BY source ORDER BY source"
_WAITING: Final = """
SELECT p.partner, min(c.finished_at) FROM exchange.partner p CROSS JOIN exchange.run c
WHERE c.kind = 'collect' AND c.state = 'sealed'
  AND EXISTS (SELECT FROM exchange.record_version v WHERE v.run_id = c.id)
  AND NOT EXISTS (SELECT FROM exchange.coverage k WHERE k.partner = p.partner AND k.run_id = c.id)
GROUP BY p.partner ORDER BY p.partner
"""


@dataclass(frozen=True, slots=True)
class Delay:
    """One source or partner whose next seal is due.

    Args:
        kind: source or partner.
        due: a source: the end of its oldest window after those that are sealed; a partner: when the oldest
            window was sealed of which it was offered nothing.
        bound: when the seal is late.
        suspended: by a person, who has said why.
    """

    kind: str
    name: str
    due: datetime
    bound: datetime
    suspended: bool = False

    def late(self, now: datetime) -> bool:
        """Whether the bound is past and nobody has said why."""
        return self.bound < now and not self.suspended

    def __str__(self) -> str:
        what = "its next window ended" if self.kind == "source" else "a window that it was not offered was sealed"
        fix = f"is collect_{self.name} paused?" if self.kind == "source" else f"is share_{self.name} failing or paused?"
        return (
            f"{self.name}: {what} at {self.due:%Y-%m-%d %H:%M}, and by {self.bound:%Y-%m-%d %H:%M} was no seal; {fix}"
        )


def delays(connection: sa.Connection, content: Content, now: datetime) -> list[Delay]:
    """Every source whose next window has ended and every partner that windows with new versions wait for, sources
    first."""
    found = []
    for source, until in connection.execute(sa.text(_SEALED)).all():
        if source not in content.sources():
            continue
        said = load_on(content, source, COLLECT).collect or {}
        ends = croniter(str(said["every"]), until)
        due: datetime = ends.get_next(datetime)
        if due <= now:
            allowed = timedelta(hours=int(said["seal_hours"])) if "seal_hours" in said else WINDOWS * (due - until)
            found.append(Delay("source", source, due, due + allowed))
    for partner, since in connection.execute(sa.text(_WAITING)).all():
        if partner in content.partners():
            hours = int((load_on(content, partner, SHARE).deliver or {}).get("seal_hours", HOURS))
            away = suspension(connection, partner) is not None
            found.append(Delay("partner", partner, since, since + timedelta(hours=hours), away))
    return found
