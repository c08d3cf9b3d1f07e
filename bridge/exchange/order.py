"""Which of several versions of one record wins, decided so that the order of arrival never matters.

A version's place is (cancelled, source version, mapping revision, content hash),
the highest wins. The record's state is the maximum of the set of all versions
ever met, and a maximum does not depend on the order in which it is taken:

* higher than the current one, other content: accepted, a new version;
* higher, same content: unchanged, and the record's place still rises. Without
  that, "A at noon, A at three, B at two" would end in B and "A, B, A" in A;
* equal: unchanged (the same thing again);
* lower: superseded, whatever its content.

Cancelled stands first, so a cancelled record never comes back from late or
replayed input. Two contents under one source version are told apart by their
hash, which is arbitrary but the same on every machine, and flagged TIE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from bridge.ledger import Intake

CANCELLED: Final = ("CANCELLED", "ERASED")
"""Record status codes of a seizure that no longer stands."""
TIE: Final = "TIE"
ECHO: Final = "ECHO"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A batch's candidates put in order.

    Args:
        keys: one row per candidate: n (its place in the batch), bridge_id, cancelled, source_version,
            content_hash, supplier, last (it is the highest of its record in this batch), same (it is that one again),
            tie (it differs from that one in nothing but its content).
    """

    keys: pl.DataFrame

    @property
    def winners(self) -> pl.DataFrame:
        """The highest candidate of each record, by record."""
        return self.keys.filter("last")


def cancelled(table: pa.Table) -> pa.Array:
    """For each candidate, whether its status says that the record no longer stands."""
    found = pc.is_in(table.column("record_status"), value_set=pa.array(CANCELLED))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def rank(table: pa.Table) -> Ranked:
    """Put candidates (CANDIDATES) in the order of their versions; the mapping revision is the same for all."""
    keys = pl.DataFrame(
        {
            "bridge_id": pl.from_arrow(table.column("bridge_id").cast(pa.binary())),
            "cancelled": pl.from_arrow(cancelled(table)),
            "source_version": pl.from_arrow(table.column("source_version")),
            "content_hash": pl.from_arrow(table.column("content_hash").cast(pa.binary())),
            "supplier": pl.from_arrow(table.column("supplier")),
        }
    ).with_row_index("n")
    place = ["bridge_id", "cancelled", "source_version", "content_hash"]
    keys = keys.sort(place, maintain_order=True)
    keys = keys.with_columns(last=(pl.col("bridge_id") != pl.col("bridge_id").shift(-1)).fill_null(True))
    if keys.get_column("last").all():
        return Ranked(keys.with_columns(same=pl.lit(True), tie=pl.lit(False)))
    highest = {name: pl.col(name).last().over("bridge_id") for name in place[1:]}
    equal = (pl.col("cancelled") == highest["cancelled"]) & (pl.col("source_version") == highest["source_version"])
    same = pl.col("content_hash") == highest["content_hash"]
    return Ranked(keys.with_columns(same=equal & same, tie=equal & ~same))


def foreign(ranked: Ranked, known: pl.DataFrame) -> pl.DataFrame:
    """Candidates that another country supplies than the one that first supplied the record: n and owner.

    Args:
        known: winners whose record is in the exchange: n, and owner (who first supplied it).
    """
    owned = ranked.winners.select("n", "bridge_id", "supplier").join(known.select("n", "owner"), on="n")
    strange = pl.col("supplier") != pl.col("owner")  # of one that names nobody nothing can be told
    if ranked.winners.height == ranked.keys.height:
        return owned.filter(strange).select("n", "owner")
    came = ranked.keys.sort("n").group_by("bridge_id").agg(first=pl.col("supplier").drop_nulls().first())
    owners = came.join(owned.select("bridge_id", "owner"), on="bridge_id", how="left")
    owners = owners.select("bridge_id", owner=pl.coalesce("owner", "first"))
    return ranked.keys.join(owners, on="bridge_id").filter(strange).sort("n").select("n", "owner")


def named(decided: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Records of which nobody had said who supplies them, and of which a candidate says it: bridge_id and supplier."""
    nobodys = known.filter(pl.col("owner").is_null()).select("n")
    return decided.filter(pl.col("supplier").is_not_null()).join(nobodys, on="n").select("bridge_id", "supplier")


def decide(ranked: Ranked, known: pl.DataFrame) -> pl.DataFrame:
    """The disposition of every candidate.

    Args:
        known: winners whose record is in the exchange: n (uint32), version (int32), above (int8: 1 higher than
            the current version, 0 equal, -1 lower), content (bool: same content and status), tie (bool).

    Returns:
        The keys with supplier (of the record, where any of its candidates names one), disposition, code, version (the
        record's version after this; null if the candidate is not the winner) and rises (the record's place must be
        raised).
    """
    fate = ranked.winners.select("n", "bridge_id").join(known, on="n", how="left")
    raises = pl.col("above") > 0
    fate = fate.with_columns(
        fate=pl.when(pl.col("version").is_null() | (raises & ~pl.col("content")))
        .then(pl.lit(str(Intake.ACCEPTED)))
        .when(pl.col("above") >= 0)
        .then(pl.lit(str(Intake.UNCHANGED)))
        .otherwise(pl.lit(str(Intake.SUPERSEDED))),
        rises=pl.col("version").is_not_null() & raises,
        known_tie=pl.col("tie").fill_null(False),
        before=pl.col("version").fill_null(0),
    ).select("bridge_id", "fate", "rises", "known_tie", "before")
    out = ranked.keys.join(fate, on="bridge_id", how="left", maintain_order="left")
    lost = pl.col("fate") == str(Intake.SUPERSEDED)
    unchanged, superseded = pl.lit(str(Intake.UNCHANGED)), pl.lit(str(Intake.SUPERSEDED))
    again = pl.when(lost | ~pl.col("same")).then(superseded).otherwise(unchanged)
    if ranked.winners.height < ranked.keys.height:  # whichever candidate names who supplies the record
        first = out.sort("n").group_by("bridge_id").agg(supplier=pl.col("supplier").drop_nulls().first())
        out = out.drop("supplier").join(first, on="bridge_id", how="left", maintain_order="left")
    tied = pl.when("last").then("known_tie").otherwise(pl.col("tie"))
    return out.with_columns(
        disposition=pl.when("last").then("fate").otherwise(again),
        code=pl.when(tied).then(pl.lit(TIE)),
        rises=pl.col("rises") & pl.col("last"),
        version=pl.when("last").then(pl.col("before") + (pl.col("fate") == str(Intake.ACCEPTED)).cast(pl.Int32)),
    )
