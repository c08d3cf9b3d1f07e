"""What people have authorised and decided, for records that are only tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pyarrow as pa
import sqlalchemy as sa

from bridge import document
from bridge.authoring.asking import reading
from bridge.batch import ROW, Batch
from bridge.errors import Misconfigured, TryLater
from bridge.exchange import authorisations, decisions
from bridge.onward import Authorisation
from bridge.policy import Decided


@dataclass(frozen=True, slots=True)
class Said:
    """What suppliers have authorised for a partner, what people decided about records, by row, and later reports of the
    same seizures, with what was decided about each of those, by place."""

    authorised: Sequence[Authorisation] = ()
    decided: Mapping[int, Decided] = field(default_factory=dict)
    later: tuple[list[dict[str, Any]], Mapping[int, Decided]] = ([], {})


def said(connection: sa.Connection, partner: str, decided: Mapping[int, Decided]) -> Said:
    """What holds for a partner of records of which this was decided."""
    named = {report for one in decided.values() for report in one.later}
    later = decisions.of_reports(connection, partner, named) if named else ([], {})
    return Said(authorisations.now(connection, partner), decided, later)


class Known:
    """What the exchange knows of records that are tried; nothing, and that is said once, where it cannot be asked."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._silent = False

    def of(self, partner: str, common: Batch, documents: pa.Table) -> Said:
        """What holds of common records for a partner, as if they were taken in now."""
        rows = common.rows().to_pylist()
        hashes = dict(zip(*(documents.column(name).to_pylist() for name in (ROW, document.HASH)), strict=True))
        records = [UUID(key) for key in common.root.column("bridge_id").to_pylist()]
        asked = [(record, hashes[row]) for record, row in zip(records, rows, strict=True)]
        try:
            if self._silent:
                return Said()
            with reading() as connection:
                decided = decisions.of_documents(connection, partner, asked)
                return said(connection, partner, {rows[place]: one for place, one in decided.items()})
        except (Misconfigured, TryLater) as error:
            self._silent = True
            what = "what people have authorised and decided is not regarded"
            self._say(f"{what}: the exchange cannot be asked ({error.code}).")
            return Said()
