"""Inputs of a collect run: registered once, read once, and looked up again when a window is collected anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge.connector import Input, Offer, Window
from bridge.errors import Problem
from bridge.exchange.database import Copier, driver
from bridge.exchange.layouts import STAGING, conform
from bridge.exchange.runs import Run, hold_open
from bridge.exchange.tables import SCHEMA, inputs
from bridge.exchange.tables import run as runs

_LATE: Final = """
SELECT o.place FROM unnest(CAST(:names AS text[]), CAST(:arrivals AS timestamptz[]))
       WITH ORDINALITY AS o (name, arrival, place)
WHERE EXISTS (SELECT FROM exchange.sealed_window w
              WHERE w.source = :source AND w.since <= o.arrival AND o.arrival < w.until)
  AND NOT EXISTS (SELECT FROM exchange.input i JOIN exchange.run c ON c.id = i.run_id
                  WHERE c.name = :source AND c.state = 'sealed' AND i.name = o.name AND i.arrival = o.arrival)
ORDER BY o.place
"""
_FORMER: Final = """
SELECT i.* FROM exchange.input i JOIN exchange.sealed_window w ON w.run_id = i.run_id
WHERE w.source = :source AND w.since = :since AND w.until = :until ORDER BY i.arrival, i.name
"""


def late(connection: sa.Connection, source: str, offers: Sequence[Offer]) -> list[Offer]:
    """Those offers that arrived in a window which was sealed without them."""
    asked = {"source": source, "names": [o.name for o in offers], "arrivals": [o.arrival for o in offers]}
    return [offers[place - 1] for place in connection.scalars(sa.text(_LATE), asked)]


def register(connection: sa.Connection, run: Run, one: Input) -> bool:
    """Write the input down; False if another of this run has the same bytes, which are then read once.

    An input registered again under its name replaces what was known of it.
    """
    hold_open(connection, run)
    mine = (inputs.c.run_id == run.id, inputs.c.sha256 == one.sha256)
    same = connection.scalar(sa.select(inputs.c.id).where(*mine, inputs.c.name != one.name, inputs.c.same_as.is_(None)))
    problem = one.problem
    values: dict[str, Any] = {
        "sha256": one.sha256,
        "size": one.size,
        "arrival": one.arrival,
        "counted": one.counted,
        "rows_read": None,
        "same_as": same,
        "problem_code": problem.code if problem else None,
        "problem_rule": problem.rule if problem else None,
        "problem": problem.reason if problem else None,
        "notes": dict(one.notes),
    }
    here = (inputs.c.run_id == run.id, inputs.c.name == one.name)
    if not connection.execute(inputs.update().where(*here).values(values)).rowcount:
        connection.execute(inputs.insert().values(values | {"run_id": run.id, "name": one.name}))
    return same is None


def registered(connection: sa.Connection, run: Run, archive: Path) -> list[Input]:
    """The run's inputs, each content once, by arrival and name; their bytes lie below the archive folder."""
    asked = sa.select(inputs).where(inputs.c.run_id == run.id, inputs.c.same_as.is_(None))
    found = connection.execute(asked.order_by(inputs.c.arrival, inputs.c.name))
    return [_input(row, archive) for row in found]


def former(connection: sa.Connection, source: str, window: Window, archive: Path) -> list[Input]:
    """The inputs with which the window was last sealed; none if it is not sealed."""
    here = {"source": source, "since": window.since, "until": window.until}
    return [_input(row, archive) for row in connection.execute(sa.text(_FORMER), here)]


def note_judgement(connection: sa.Connection, run: Run, found: Sequence[Mapping[str, Any]]) -> None:
    """Write down what the window's quality expectations found. Raises Stop RUN_OVER."""
    hold_open(connection, run)
    connection.execute(runs.update().where(runs.c.id == run.id).values(judgement=list(found)))


def note_read(connection: sa.Connection, run: Run, sha256: str, rows: int) -> None:
    """Write down how many rows read() gave of an input.

    Raises:
        Stop: RUN_OVER.
        ValueError: the run has no such input.
    """
    hold_open(connection, run)
    mine = (inputs.c.run_id == run.id, inputs.c.sha256 == sha256, inputs.c.same_as.is_(None))
    if not connection.execute(inputs.update().where(*mine).values(rows_read=rows)).rowcount:
        raise ValueError(f"{run.where} has no input {sha256}")


def stage(connection: sa.Connection, run: Run, rows: pa.Table) -> int:
    """Put header columns (STAGING) where expectations can query them, instead of what these inputs had there."""
    hold_open(connection, run)
    table = conform(rows, STAGING, "STAGING")
    named = table.column("input_sha256").unique().to_pylist()
    for sha256 in named:
        places = pa.compute.filter(table.column("ordinal"), pa.compute.equal(table.column("input_sha256"), sha256))
        span = pa.compute.min_max(places).as_py()
        connection.execute(
            sa.text(
                "DELETE FROM exchange.staging WHERE run_id = :run AND input_sha256 = :sha256"
                " AND ordinal BETWEEN :min AND :max"
            ),
            {"run": run.id, "sha256": sha256, **span},
        )
    mine = table.append_column("run_id", pa.repeat(pa.scalar(run.id, pa.int64()), table.num_rows))
    Copier(driver(connection)).copy(SCHEMA, "staging", mine)
    return int(mine.num_rows)


def _input(row: Any, archive: Path) -> Input:
    problem = None
    if row.problem_code is not None:
        problem = Problem(-1, -1, row.problem_code, "", row.problem_rule or "", row.problem or "")
    path = archive / row.sha256[:2] / row.sha256
    return Input(row.name, row.sha256, row.size, row.arrival, path, row.counted, problem, row.notes or {})
