"""What a partner has not yet had, and what became of it.

A share first fixes what it must settle: the current version of each record
taken in by collect runs that this partner's mapping revision has not yet
covered, and what an earlier share left pending or in doubt. Versions that have
a higher one get their end state, superseded, here and then. Only sealed runs
are seen, each as a whole, because a collect run becomes visible by its commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from bridge.errors import Stop
from bridge.exchange import authorisations, cases, unsettled
from bridge.exchange.books import run_books
from bridge.exchange.chain import append
from bridge.exchange.database import Copier, driver
from bridge.exchange.layouts import DISPOSITIONS, PROBLEMS, conform
from bridge.exchange.partners import suspension
from bridge.exchange.runs import Run, end, hold_open
from bridge.exchange.tables import SCHEMA
from bridge.ledger import Books

_COVERS: Final = """
SELECT coalesce(array_agg(c.id ORDER BY c.id), '{}') FROM exchange.run c
WHERE c.kind = 'collect' AND c.state = 'sealed'
  AND (CAST(:since AS timestamptz) IS NULL OR (c.since < :until AND c.until > :since))
  AND (:redeliver OR NOT EXISTS (
      SELECT FROM exchange.coverage k WHERE k.partner = :partner AND k.revision = :revision AND k.run_id = c.id))
"""
_OFFER: Final = """
CREATE TEMP TABLE offer ON COMMIT DROP AS
SELECT v.bridge_id, v.version, v.version < r.version AND NOT EXISTS (
           SELECT FROM exchange.outbox o
           WHERE o.partner = :partner AND o.bridge_id = v.bridge_id AND o.version = v.version) AS superseded,
       false AS due
FROM exchange.record_version v JOIN exchange.record r USING (bridge_id)
WHERE v.run_id = ANY(:covers)
"""
_OPEN: Final = """
INSERT INTO pg_temp.offer
SELECT DISTINCT d.bridge_id, d.version, d.version < r.version AND NOT EXISTS (
           SELECT FROM exchange.outbox o
           WHERE o.partner = :partner AND o.bridge_id = d.bridge_id AND o.version = d.version), false
FROM exchange.delivery d JOIN exchange.record r USING (bridge_id)
WHERE d.partner = :partner AND d.disposition IN ('pending', 'in_doubt')
  AND NOT EXISTS (SELECT FROM exchange.delivery e
                  WHERE e.partner = d.partner AND e.bridge_id = d.bridge_id AND e.version = d.version
                    AND e.run_id > d.run_id AND e.disposition NOT IN ('pending', 'in_doubt'))
  AND NOT EXISTS (SELECT FROM pg_temp.offer o WHERE o.bridge_id = d.bridge_id AND o.version = d.version)
"""
_DECISIONS: Final = """
SELECT coalesce(array_agg(d.id ORDER BY d.id), '{}') FROM exchange.decision d
WHERE (d.partner IS NULL OR d.partner = :partner)
  AND d.kind IN ('approve', 'redrive', 'extend', 'expire', 'exonerate', 'same', 'different')
  AND NOT EXISTS (SELECT FROM exchange.applied a WHERE a.partner = :partner AND a.decision_id = d.id)
"""
_DUE: Final = (
    """
    CREATE TEMP TABLE due ON COMMIT DROP AS
    SELECT DISTINCT r.bridge_id, r.version FROM exchange.decision d JOIN exchange.record r USING (bridge_id)
    WHERE d.id = ANY(:decisions)
      AND EXISTS (SELECT FROM exchange.delivery e WHERE e.bridge_id = r.bridge_id AND e.partner = :partner)
    """,
    """
    INSERT INTO pg_temp.offer SELECT d.bridge_id, d.version, false, true FROM pg_temp.due d
    WHERE NOT EXISTS (SELECT FROM pg_temp.offer o WHERE o.bridge_id = d.bridge_id AND o.version = d.version)
    """,
    """
    UPDATE pg_temp.offer o SET due = true FROM pg_temp.due d WHERE o.bridge_id = d.bridge_id AND o.version = d.version
    """,
)
"""Records about which something was decided are offered anew, once, to a partner that they were offered to before."""
_SUPERSEDE: Final = """
INSERT INTO exchange.delivery (partner, bridge_id, version, run_id, revision, disposition)
SELECT :partner, o.bridge_id, o.version, :run, :revision, 'superseded' FROM pg_temp.offer o
WHERE o.superseded AND NOT EXISTS (
    SELECT FROM exchange.delivery d WHERE d.partner = :partner AND d.bridge_id = o.bridge_id AND d.version = o.version
      AND d.disposition NOT IN ('pending', 'in_doubt'))
ON CONFLICT ON CONSTRAINT delivery_pkey DO UPDATE SET disposition = 'superseded'
"""
_SELECT: Final = """
INSERT INTO exchange.selection (run_id, ordinal, bridge_id, version)
SELECT :run, row_number() OVER (ORDER BY o.bridge_id, o.version), o.bridge_id, o.version FROM pg_temp.offer o
WHERE NOT o.superseded AND NOT EXISTS (
    SELECT FROM exchange.delivery d WHERE d.partner = :partner AND d.bridge_id = o.bridge_id AND d.version = o.version
      AND d.disposition NOT IN ('pending', 'in_doubt')
      AND (d.run_id = :run OR (d.revision = :revision AND NOT :redeliver AND NOT o.due)))
"""
_SETTLED: Final = """
SELECT count(*) FROM exchange.delivery WHERE run_id = :run AND disposition NOT IN ('pending', 'in_doubt')
"""
_UPSERT: Final = """
INSERT INTO exchange.delivery AS d (partner, bridge_id, version, run_id, revision, disposition, effect, code, holds,
                                    released_hash, idempotency_key, receipt)
SELECT partner, bridge_id, version, run_id, revision, disposition, effect, code, holds,
       released_hash, idempotency_key, receipt FROM pg_temp.settled
ON CONFLICT ON CONSTRAINT delivery_pkey DO UPDATE
SET disposition = excluded.disposition, effect = excluded.effect, code = excluded.code,
    -- What moved in this run stays known, with its content, until something else has moved.
    holds = coalesce(excluded.holds, d.holds),
    released_hash = CASE WHEN excluded.holds IS NULL AND d.holds IS NOT NULL THEN d.released_hash
                         ELSE excluded.released_hash END,
    idempotency_key = excluded.idempotency_key, receipt = excluded.receipt, at = clock_timestamp()
-- What a try moved, or was told by the partner, stays with its receipt when the next finds it so and need not ask.
WHERE NOT ((d.disposition = 'delivered' AND excluded.disposition = 'unchanged')
    OR (excluded.idempotency_key IS NULL AND excluded.disposition IN ('unchanged', 'withheld')
        AND coalesce(excluded.holds, false) IS NOT DISTINCT FROM d.holds))
"""
_REDRIVEN: Final = """
UPDATE exchange.held h SET state = 'redriven', redriven_by = :run
FROM pg_temp.settled s
WHERE h.state = 'open' AND h.partner = :partner AND h.bridge_id = s.bridge_id
  -- Without a key it waits for a message that was made before, and nothing was decided anew.
  AND NOT (s.disposition = 'pending' AND s.idempotency_key IS NULL)
"""
_APPLIED: Final = """
INSERT INTO exchange.applied (partner, decision_id, share_run_id)
SELECT :partner, unnest(decisions), id FROM exchange.run WHERE id = :run
ON CONFLICT DO NOTHING
"""
_COVERED: Final = """
INSERT INTO exchange.coverage (partner, revision, run_id, share_run_id)
SELECT :partner, :revision, unnest(covers), id FROM exchange.run WHERE id = :run
ON CONFLICT DO NOTHING
"""


def select(connection: sa.Connection, run: Run, liftable: Sequence[str] = ()) -> int:
    """Fix what the share must settle; gives the number of versions that candidates() will stream.

    Wants a REPEATABLE READ transaction, so that all its statements see the same sealed runs, begun after
    unsettled.alone(). Selecting again leaves out what this run has settled.

    Args:
        liftable: codes of the release rules that a supplier's authorisation lifts.

    Raises:
        Stop: PARTNER_SUSPENDED, or RUN_OVER.
    """
    switch = suspension(connection, run.name)
    if switch is not None:
        what = f"{switch.by} suspended this partner on {switch.at:%Y-%m-%d}: {switch.reason}"
        raise Stop("PARTNER_SUSPENDED", run.where, what, "Resume the partner when the reason is gone")
    hold_open(connection, run)
    here: dict[str, Any] = {
        "run": run.id,
        "partner": run.name,
        "mapping": run.mapping,
        "revision": run.revision,
        "redeliver": run.redeliver,
        "since": run.window.since if run.window else None,
        "until": run.window.until if run.window else None,
    }
    connection.execute(sa.text("SET LOCAL work_mem = '64MB'"))
    here["covers"] = connection.scalar(sa.text(_COVERS), here)
    unsettled.selecting(connection, run.name)
    unsettled.cross_off(connection, [run.id])
    connection.execute(sa.text("DELETE FROM exchange.selection WHERE run_id = :run"), here)
    connection.execute(sa.text(_OFFER), here)
    connection.execute(sa.text(_OPEN), here)
    unsettled.offer(connection, run.name)
    authorisations.offer(connection, here, liftable)
    here["decisions"] = connection.scalar(sa.text(_DECISIONS), here)
    for statement in _DUE if here["decisions"] else ():
        connection.execute(sa.text(statement), here)
    cases.offer(connection, here)
    connection.execute(sa.text("ANALYZE pg_temp.offer"))
    connection.execute(sa.text(_SUPERSEDE), here)
    count = connection.execute(sa.text(_SELECT), here).rowcount
    settled = connection.scalar(sa.text(_SETTLED), here) or 0
    connection.execute(
        sa.text(
            "UPDATE exchange.run SET selected = :selected, covers = :covers, decisions = :decisions WHERE id = :run"
        ),
        here | {"selected": settled + count},
    )
    return count


def settle(
    connection: sa.Connection,
    run: Run,
    dispositions: pa.Table,
    problems: pa.Table | None,
    *,
    anew: bool = True,
    upto: int | None = None,
) -> int:
    """Write what became of versions (DISPOSITIONS), and of held ones why (PROBLEMS); gives their number.

    Settling a version again in the same run replaces what stood there, except that a delivery stays a
    delivery when its repetition finds it done, and a receipt stays when its repetition has none.

    Args:
        anew: whether the versions were released and mapped anew, so that the problems found before no longer stand.
        upto: the last ordinal of a batch that was written down before it was handed over.
    """
    hold_open(connection, run)
    table = conform(dispositions, DISPOSITIONS, "DISPOSITIONS")
    session = driver(connection)
    copier = Copier(session)
    moved = pc.is_in(table.column("disposition"), value_set=pa.array(["delivered", "unchanged"]))
    holds = pc.if_else(moved, pc.invert(table.column("withdraw")), pa.scalar(None, pa.bool_()))
    constants = {
        "partner": pa.repeat(run.name, table.num_rows),
        "run_id": pa.repeat(pa.scalar(run.id, pa.int64()), table.num_rows),
        "revision": pa.repeat(pa.scalar(run.revision, pa.int32()), table.num_rows),
        "holds": holds,
    }
    columns = {name: table.column(name) for name in DISPOSITIONS.names if name != "withdraw"}
    session.execute(
        "CREATE TEMP TABLE settled ON COMMIT DROP AS SELECT * FROM exchange.delivery WITH NO DATA;"
        "ALTER TABLE pg_temp.settled DROP COLUMN at"
    )
    copier.copy("pg_temp", "settled", pa.table(columns | constants))
    if anew:
        connection.execute(sa.text(_REDRIVEN), {"run": run.id, "partner": run.name})
    session.execute(_UPSERT)
    unsettled.settled(connection, run.id, run.name, upto)
    if problems is not None and problems.num_rows:
        _hold(copier, run, problems)
    return int(table.num_rows)


def _hold(copier: Copier, run: Run, problems: pa.Table) -> None:
    table = conform(problems, PROBLEMS, "PROBLEMS")
    columns = {name: table.column(name) for name in PROBLEMS.names}
    for name, value in (("name", run.name), ("partner", run.name)):
        columns[name] = pa.repeat(value, table.num_rows)
    columns["run_id"] = pa.repeat(pa.scalar(run.id, pa.int64()), table.num_rows)
    copier.copy(SCHEMA, "held", pa.table(columns))


def finish(connection: sa.Connection, run: Run) -> Books:
    """Count what the share settled and, if it balances, seal it."""
    hold_open(connection, run)
    asked = sa.text("SELECT selected, covers FROM exchange.run WHERE id = :run")
    selected, covers = connection.execute(asked, {"run": run.id}).one()
    if selected is None:
        raise Stop("NOT_SELECTED", run.where, "nothing was selected in this run", "Select before finishing")
    found = run_books(connection, run, selected, covers)
    if found.balanced:
        connection.execute(sa.text(_COVERED), {"run": run.id, "partner": run.name, "revision": run.revision})
        connection.execute(sa.text(_APPLIED), {"run": run.id, "partner": run.name})
        end(connection, run, "sealed", found)
        append(connection, run, found)
    return found
