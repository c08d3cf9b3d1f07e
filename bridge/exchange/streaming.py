"""What a share reads of the versions that it selected, batch by batch, with what is known of each at the partner."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from bridge.exchange import reads
from bridge.exchange.database import driver
from bridge.exchange.layouts import SELECTED
from bridge.exchange.nominal import opened
from bridge.exchange.packed import fetch
from bridge.exchange.revisions import require_in_force
from bridge.exchange.runs import Run

_ROWS: Final = """exchange.selection s
JOIN exchange.record_version v ON v.bridge_id = s.bridge_id AND v.version = s.version
JOIN exchange.record r ON r.bridge_id = s.bridge_id
CROSS JOIN LATERAL (
    SELECT string_agg(d.partner, E'\\x1f') FILTER (WHERE d.holds AND d.partner <> lower(r.origin_system)) AS partners,
           bool_or(d.holds) FILTER (WHERE d.partner = %(partner)s) AS holds,
           max(d.effect) FILTER (WHERE d.partner = %(partner)s) AS effect,
           max(d.version) FILTER (WHERE d.partner = %(partner)s) AS version,
           max(d.revision) FILTER (WHERE d.partner = %(partner)s) AS revision,
           (array_agg(d.released_hash) FILTER (WHERE d.partner = %(partner)s))[1] AS released_hash
    FROM (SELECT DISTINCT ON (d.partner) d.partner, d.holds, d.effect, d.version, d.revision, d.released_hash
          FROM exchange.delivery d WHERE d.bridge_id = s.bridge_id AND d.holds IS NOT NULL
          ORDER BY d.partner DESC, d.version DESC, d.run_id DESC) d) seen
{nominal}
WHERE s.run_id = %(run)s AND s.ordinal > %(after)s AND s.ordinal <= %(upto)s
ORDER BY s.ordinal"""
_NOMINAL: Final = """
LEFT JOIN LATERAL (SELECT chosen.payload, chosen.key_id FROM exchange_nominal.selected chosen
                   WHERE chosen.run_id = s.run_id AND chosen.ordinal = s.ordinal OFFSET 0) n ON true"""
"""One look-up a row: a plain join is not pushed into a view that is a security barrier, and reads it whole."""
_COLUMNS: Final = {
    "ordinal": "s.ordinal",
    "bridge_id": "uuid_send(s.bridge_id)",
    "version": "s.version",
    "source_version": "v.source_version",
    "revision": "v.revision",
    "content_hash": "v.content_hash",
    "cancelled": "v.cancelled",
    "record_status": "v.record_status",
    "origin_system": "r.origin_system",
    "origin_record_id": "r.origin_record_id",
    "payload": "v.payload",
    "nominal": "NULL::bytea",
    "nominal_key": "NULL::text",
    "seen_by": "concat_ws(E'\\x1f', r.origin_system, seen.partners)",
    "prior_holds": "seen.holds",
    "prior_effect": "seen.effect",
    "prior_version": "seen.version",
    "prior_revision": "seen.revision",
    "prior_hash": "seen.released_hash",
    "unsettled": """EXISTS (SELECT FROM exchange.unsettled u
                            WHERE u.partner = %(partner)s AND u.bridge_id = s.bridge_id)""",
    "outbox": "CASE WHEN s.version < r.version THEN 'superseded' END",
}
_OUTBOX: Final = """
CASE WHEN EXISTS (SELECT FROM exchange.delivery d
                  WHERE d.partner = %(partner)s AND d.bridge_id = s.bridge_id AND d.version = s.version
                    AND d.run_id = %(run)s AND d.disposition <> 'pending') THEN 'settled'
     WHEN s.version < r.version THEN 'superseded'
     WHEN EXISTS (SELECT FROM exchange.outbox o
                  WHERE o.partner = %(partner)s AND o.bridge_id = s.bridge_id) THEN 'waits' END"""
_SENDING: Final = {"outbox": _OUTBOX, "unsettled": "false"}
"""The outbox knows of all that it ever let go."""
_SEALED: Final = {"nominal": "n.payload", "nominal_key": "n.key_id"}
_SENT: Final = {"seen_by": pa.string(), "nominal": pa.binary()}
_FETCHED: Final = pa.schema(
    [field.with_type(_SENT.get(field.name, field.type)) for field in SELECTED] + [pa.field("nominal_key", pa.string())]
)


def selected(connection: sa.Connection, run: Run) -> int:
    """Versions that the share must settle; 0 if nothing was selected."""
    return connection.scalar(sa.text("SELECT selected FROM exchange.run WHERE id = :run"), {"run": run.id}) or 0


def stream(connection: sa.Connection, run: Run, after: int, size: int, nominal: bool, outbox: bool) -> pa.Table:
    """The selected versions with ordinals after < ordinal <= after + size (SELECTED), in that order.

    Raises:
        Stop: OLD_MAPPING, OLD_AUTHORISATION. A later step of an old run may be the only one that is done again, so
            begin() is not enough.
    """
    require_in_force(connection, run)
    place = {"partner": run.name, "run": run.id, "after": after, "upto": after + size}
    session = driver(connection)
    session.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
    columns = _COLUMNS | (_SEALED if nominal else {}) | (_SENDING if outbox else {})
    table = fetch(session, columns, _FETCHED, _ROWS.format(nominal=_NOMINAL if nominal else ""), place)
    if nominal:
        read = table.select(["bridge_id", "version"]).filter(table.column("nominal").is_valid())
        reads.by_share(connection, run.name, run.mapping, run.id, read)
    table = opened(table)
    seen = pc.split_pattern(table.column("seen_by"), "\x1f")
    return table.set_column(table.column_names.index("seen_by"), SELECTED.field("seen_by"), seen)
