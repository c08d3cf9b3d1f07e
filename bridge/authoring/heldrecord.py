"""One held record as a person may see it: where it stands, what was read of it with values masked by class, and what
was tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from bridge.authoring.asking import reading
from bridge.authoring.explaining import stored
from bridge.content import COLLECT, Content
from bridge.errors import BridgeError
from bridge.exchange import HeldProblem, current, held
from bridge.flow.rereading import archived, batches
from bridge.mapping import forward
from bridge.mapping.trace import Way, trace
from bridge.mapping.versions import load_versions

_INPUT = """
SELECT i.name, i.sha256, i.size, i.arrival FROM exchange.held h JOIN exchange.input i ON i.id = h.input_id
WHERE h.id = :id
"""


@dataclass
class Shown:
    """A held record.

    Args:
        ways: of an intake problem what each rule read and made; at a partner the exchange's values. All masked.
        unsure: what cannot be shown, and why; "" if all can.
        tried: when, what, who, why; oldest first.
    """

    problem: HeldProblem
    ways: list[Way] = field(default_factory=list)
    unsure: str = ""
    tried: list[Any] = field(default_factory=list)


def show(content: Content, problem_id: int) -> Shown:
    """The held record of a problem.

    Raises:
        Misconfigured: NOT_HELD.
    """
    with reading() as connection:
        problem = held.one(connection, problem_id)
        shown = Shown(problem, tried=held.tried(connection, problem_id))
        row = connection.execute(sa.text(_INPUT), {"id": problem_id}).one_or_none()
        record = current.one(connection, "held show", problem.bridge_id) if problem.at_partner else None
    if problem.at_partner:
        if record is None or record["version"] != problem.version or not record["payload"]:
            shown.unsure = "the record has changed since; bridge explain tells what it is now"
        else:
            shown.ways = stored(content, record)
        return shown
    if problem.ordinal is None or problem.ordinal < 0:
        shown.unsure = "the input is held as a whole: nothing of it could be read"
        return shown
    try:
        shown.ways, shown.unsure = _read(content, problem, row)
    except BridgeError as bad:
        shown.unsure = f"the input cannot be read now: {bad.what}"
    return shown


def _read(content: Content, problem: HeldProblem, row: Any) -> tuple[list[Way], str]:
    one = archived(row)
    if one is None:
        return [], "the bytes of the input are no longer kept"
    mapping = load_versions(content, problem.name, COLLECT).on(one.arrival)
    for batch in batches(mapping, one):
        if problem.ordinal in batch.rows().to_pylist():
            mine = batch if mapping.grouped else batch.only(pa.array([problem.ordinal], pa.int64()))
            ways = trace(mapping, mine, forward(mapping, mine).batch)
            return ways.get(problem.ordinal or 0, []), ""
    return [], "the record could not be read at all; its place is all that is known"
