"""How a window's records enter the exchange: one transaction, from the first record to the seal.

Nothing of a window is visible until it balances, because nothing is committed
until then; a run that fails leaves nothing to clean up and its retry starts from
the same state. Two runs over the same records wait for one another under an
advisory lock per origin system; were the lock lost, the keys of ``record`` and
``record_version`` still let only one of them commit.

Records go by binary COPY straight into the keyed tables. Before that, their keys
are probed against ``record`` with nested index loops: without statistics on a
table that this very transaction fills, the planner would hash all of it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from bridge.errors import Misconfigured, Stop, TryLater
from bridge.exchange import corrections, erasure, order, seal
from bridge.exchange.chain import append
from bridge.exchange.database import Overlapping, driver, refusals
from bridge.exchange.decisions import Decision
from bridge.exchange.layouts import CANDIDATES, HOLDS, OUT_OF_SCOPE, conform
from bridge.exchange.nominal import sealed
from bridge.exchange.runs import Run, hold_open, input_ids
from bridge.exchange.tables import NOMINAL, SCHEMA
from bridge.ledger import Books
from bridge.ledger import Intake as Disposition

_TEMPORARY: Final = """
CREATE TEMP TABLE probe (n int4, bridge_id uuid, cancelled bool, source_version timestamptz, content_hash bytea)
    ON COMMIT DROP;
CREATE TEMP TABLE raised (bridge_id uuid, version int4, cancelled bool, source_version timestamptz, content_hash bytea)
    ON COMMIT DROP;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
"""
_PROBE: Final = """
SELECT p.n, r.version,
       CASE WHEN (p.cancelled, p.source_version, %(revision)s, p.content_hash)
                 > (r.cancelled, r.source_version, r.revision, r.content_hash) THEN 1
            WHEN (p.cancelled, p.source_version, %(revision)s, p.content_hash)
                 = (r.cancelled, r.source_version, r.revision, r.content_hash) THEN 0
            ELSE -1 END,
       p.content_hash = r.content_hash AND p.cancelled = r.cancelled,
       (p.cancelled, p.source_version, %(revision)s) = (r.cancelled, r.source_version, r.revision)
       AND p.content_hash <> r.content_hash, r.supplier
FROM pg_temp.probe p JOIN exchange.record r ON r.bridge_id = p.bridge_id
"""
_RAISE: Final = """
UPDATE exchange.record r
SET version = c.version, cancelled = c.cancelled, source_version = c.source_version, revision = %(revision)s,
    content_hash = c.content_hash, run_id = %(run)s
FROM pg_temp.raised c
WHERE r.bridge_id = c.bridge_id
  AND (c.cancelled, c.source_version, %(revision)s, c.content_hash)
      > (r.cancelled, r.source_version, r.revision, r.content_hash)
"""
_OWN: Final = """
UPDATE exchange.record r SET supplier = n.supplier FROM unnest(%s::uuid[], %s::text[]) n(bridge_id, supplier)
WHERE r.bridge_id = n.bridge_id AND r.supplier IS NULL
"""
_UUID: Final = r"^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$"
_KNOWN: Final = {
    "n": pl.UInt32, "version": pl.Int32, "above": pl.Int8, "content": pl.Boolean, "tie": pl.Boolean, "owner": pl.String,
}  # fmt: skip


class Intake:
    """A window being taken in; made by Exchange.intake(), used inside its ``with`` block."""

    def __init__(self, connection: sa.Connection, copier: Overlapping, run: Run) -> None:
        self._session = connection
        self._copier = copier
        self._run = run
        self._inputs = input_ids(connection, run)
        self._locked: set[str] = set()
        self.books: Books | None = None
        hold_open(connection, run)
        self._driver.execute(_TEMPORARY)

    @property
    def _connection(self) -> sa.Connection:
        """The session, when all that was handed to the copier is written."""
        self._copier.settled()
        return self._session

    @property
    def _driver(self) -> psycopg.Connection[Any]:
        return driver(self._connection)

    def accept(self, candidates: pa.Table) -> Mapping[str, int]:
        """Decide each candidate (CANDIDATES) against what the exchange has, and write what is new; gives the counts.

        Batches may come in any order and hold several versions of a record; the end state is the same.
        50,000 at a time is a good size.
        """
        table = conform(candidates, CANDIDATES, "CANDIDATES").combine_chunks()
        if not table.num_rows:
            return {}
        with refusals(self._run.where):
            self._lock(pc.unique(table.column("origin_system")).to_pylist())
            echo = self._echoes(table)
            if echo is not None:
                self._account(table.filter(echo), Disposition.ECHO, order.ECHO)
                table = table.filter(pc.invert(echo))
            known = self._known(ranked := order.rank(table))
            foreign = order.foreign(ranked, known)
            strange = table.take(foreign.get_column("n").to_arrow())
            if foreign.height:
                numbers = pl.int_range(table.num_rows, dtype=pl.UInt32, eager=True)
                table = table.filter((~numbers.is_in(foreign.get_column("n").implode())).to_arrow())
                known = self._known(ranked := order.rank(table))
            decided = order.decide(ranked, known)
            self._write(table, decided)
            self._own(order.named(decided, known))
            self._account_decided(table, decided)
        counts = Counter(decided.get_column("disposition").to_list())
        if foreign.height:
            refused = corrections.refused(strange, foreign.get_column("owner").to_list())
            counts[str(Disposition.HELD)] = self.hold(refused)
            corrections.ask_owners(self._connection, strange)
        if echo is not None:
            counts[str(Disposition.ECHO)] = candidates.num_rows - table.num_rows
        return dict(counts)

    def hold(self, holds: pa.Table) -> int:
        """Hold records for the problems given (HOLDS); gives the number of records."""
        table = conform(holds, HOLDS, "HOLDS")
        if not table.num_rows:
            return 0
        frame = pl.DataFrame(table.select(["input_sha256", "ordinal"])).with_row_index("n")
        first = frame.unique(["input_sha256", "ordinal"], keep="first", maintain_order=True)
        with refusals(self._run.where):
            records = table.take(first.get_column("n").to_arrow())
            self._account(records, Disposition.HELD, records.column("code"))
            columns = {name: table.column(name) for name in _HELD}
            columns["run_id"] = self._constant(table, self._run.id, pa.int64())
            columns["input_id"] = self._input_column(table)
            columns["name"] = self._constant(table, self._run.name, pa.string())
            self._copier.copy(SCHEMA, "held", pa.table(columns))
        return int(records.num_rows)

    def skip(self, rows: pa.Table) -> int:
        """Account for rows that the mapping's scope leaves out (OUT_OF_SCOPE); gives their number."""
        table = conform(rows, OUT_OF_SCOPE, "OUT_OF_SCOPE")
        with refusals(self._run.where):
            self._account(table, Disposition.OUT_OF_SCOPE, table.column("rule"))
        return int(table.num_rows)

    def scrub(self, made: Decision, hashes: Sequence[str]) -> None:
        """Empty every document of the record, which must have been ended in this run, as was decided.

        Args:
            hashes: of the inputs in which it stands, whose bytes may no longer be kept.
        """
        erasure.scrub(self._connection, self._run, made, hashes)

    def seal(self) -> Books:
        """Check that every record read is accounted for, and seal the window.

        Raises:
            Stop: BOOKS_UNBALANCED, with the equation, its numbers and the first record unaccounted for.
        """
        with refusals(self._run.where):
            self.books = seal.seal_window(self._connection, self._run)
        return self.books.require(self._run.where)

    def close(self) -> None:
        """Put the seal into the chain, last of all, for until the commit no other run can do so.

        Raises:
            Stop: NOT_SEALED if seal() was never called.
        """
        if self.books is None:
            what = "the window was left without a seal"
            raise Stop("NOT_SEALED", self._run.where, what, "Call seal() after the last record")
        append(self._connection, self._run, self.books)

    def _lock(self, systems: list[str]) -> None:
        for system in sorted(set(systems) - self._locked):
            self._driver.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"origin:{system}",))
            self._locked.add(system)

    def _echoes(self, table: pa.Table) -> pa.Array | None:
        """Which candidates are our own records come back: their identifier at the origin is a bridge_id of ours."""
        ids = table.column("origin_record_id")
        shaped = pc.match_substring_regex(ids, _UUID)
        if not pc.any(shaped).as_py():
            return None
        plain = pc.utf8_lower(pc.replace_substring(pc.filter(ids, shaped), "-", ""))
        found = self._driver.execute(
            "SELECT replace(bridge_id::text, '-', '') FROM exchange.record WHERE bridge_id = ANY(%s::uuid[])",
            (plain.to_pylist(),),
        ).fetchall()
        if not found:
            return None
        known = pa.array([row[0] for row in found])
        ours = pc.is_in(pc.utf8_lower(pc.replace_substring(ids, "-", "")), value_set=known)
        return ours.combine_chunks() if isinstance(ours, pa.ChunkedArray) else ours

    def _known(self, ranked: order.Ranked) -> pl.DataFrame:
        """What the exchange knows of the batch's records."""
        names = ["n", "bridge_id", "cancelled", "source_version", "content_hash"]
        self._driver.execute("TRUNCATE pg_temp.probe")
        self._copier.copy("pg_temp", "probe", ranked.winners.select(names).to_arrow())
        with self._driver.cursor(binary=True) as cursor:
            rows = cursor.execute(_PROBE, {"revision": self._run.revision}).fetchall()
        return pl.DataFrame(rows, schema=_KNOWN, orient="row")

    def _write(self, table: pa.Table, decided: pl.DataFrame) -> None:
        accepted = decided.filter(pl.col("disposition") == str(Disposition.ACCEPTED))
        rows = table.take(accepted.get_column("n").to_arrow())
        place = {
            "version": accepted.get_column("version").to_arrow(),
            "cancelled": accepted.get_column("cancelled").to_arrow(),
            "revision": self._constant(rows, self._run.revision, pa.int32()),
            "run_id": self._constant(rows, self._run.id, pa.int64()),
        }
        fresh = pc.equal(place["version"], 1)
        keys = {name: rows.column(name) for name in ("bridge_id", "source_version", "content_hash")}
        origin = {name: rows.column(name) for name in ("origin_system", "origin_record_id")}
        origin["supplier"] = accepted.get_column("supplier").to_arrow().cast(pa.string())
        self._copier.copy(SCHEMA, "record", pa.table({**keys, **origin, **place}).filter(fresh))
        document = {name: rows.column(name) for name in _VERSION} | {"input_id": self._input_column(rows)}
        self._copier.copy(SCHEMA, "record_version", pa.table({**keys, **document, **place}))
        parts = sealed(self._run.name, keys["bridge_id"], place["version"], rows.column("nominal"))
        self._copier.copy(NOMINAL, "payload_nominal", parts)
        self._raise(decided.filter("rises"))

    def _own(self, named: pl.DataFrame) -> None:
        """Keep who supplies records of which no version said so before."""
        if named.height:
            ids = [uuid.UUID(bytes=one) for one in named.get_column("bridge_id").to_list()]
            self._driver.execute(_OWN, (ids, named.get_column("supplier").to_list()))

    def _raise(self, rises: pl.DataFrame) -> None:
        """Move records to their new version, or only up in the order if their content is the same."""
        if not rises.height:
            return
        names = ["bridge_id", "version", "cancelled", "source_version", "content_hash"]
        self._driver.execute("TRUNCATE pg_temp.raised")
        self._copier.copy("pg_temp", "raised", rises.select(names).to_arrow())
        cursor = self._driver.execute(_RAISE, {"revision": self._run.revision, "run": self._run.id})
        if cursor.rowcount != rises.height:
            what = f"{rises.height - cursor.rowcount} records were moved by another run at the same time"
            raise TryLater("CONCURRENT_RUN", self._run.where, what, "Nothing was changed; run it again")

    def _account_decided(self, table: pa.Table, decided: pl.DataFrame) -> None:
        # Back into input order, so that the intake table's key only ever grows at its end.
        by_place = decided.sort("n").select("disposition", "code").to_arrow()
        self._account(table, by_place.column("disposition"), by_place.column("code"))

    def _account(self, table: pa.Table, disposition: str | pa.ChunkedArray, code: str | pa.ChunkedArray) -> None:
        columns = {name: table.column(name) for name in ("ordinal", "position", "rows")}
        if "bridge_id" in table.column_names:
            columns["bridge_id"] = table.column("bridge_id")
        columns["run_id"] = self._constant(table, self._run.id, pa.int64())
        columns["input_id"] = self._input_column(table)
        for name, value in (("disposition", disposition), ("code", code)):
            columns[name] = self._constant(table, str(value), pa.string()) if isinstance(value, str) else value
        self._copier.copy(SCHEMA, "intake", pa.table(columns))

    def _input_column(self, table: pa.Table) -> pa.Array:
        """The numbers of the inputs that the rows name by hash."""
        column = table.column("input_sha256").combine_chunks()
        encoded = column.dictionary_encode() if len(column) else pa.array([], pa.string()).dictionary_encode()
        hashes = encoded.dictionary.to_pylist()
        unknown = [name for name in hashes if name not in self._inputs]
        if unknown:
            what = f"input {unknown[0]} was not registered in this run"
            raise Misconfigured("UNKNOWN_INPUT", self._run.where, what, "Register each input before its records")
        return pa.array([self._inputs[name] for name in hashes], pa.int64()).take(encoded.indices)

    @staticmethod
    def _constant(table: pa.Table, value: int | str, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), table.num_rows)


_VERSION: Final = (
    "record_status", "seizure_date", "seizure_country", "commodity_group", "operation_code", "ordinal", "payload",
)  # fmt: skip
_HELD: Final = ("ordinal", "position", "code", "field", "rule", "reason", "origin_record_id", "bridge_id")
