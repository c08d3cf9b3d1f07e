"""The nominal part of documents: encrypted before it enters the database, opened after it left it.

The database never has it in plain, nor the key. Each part is bound to its record and version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from bridge import keys
from bridge.encrypted import Opener, encrypt, owner

_SUPPLIERS: Final = """
SELECT DISTINCT ON (i.sha256) i.sha256, c.name FROM exchange.input i JOIN exchange.run c ON c.id = i.run_id
WHERE c.name <> 'erasure' ORDER BY i.sha256, i.id
"""
_UNDER: Final = """
SELECT bridge_id, version, payload FROM exchange_nominal.payload_nominal WHERE key_id = :key
ORDER BY 1, 2 LIMIT 5000 FOR UPDATE
"""
_MOVE: Final = """
UPDATE exchange_nominal.payload_nominal SET payload = :payload, key_id = :key
WHERE bridge_id = :id AND version = :version
"""


def sealed(supplier: str, bridge_ids: pa.ChunkedArray, versions: pa.Array, nominal: pa.ChunkedArray) -> pa.Table:
    """Rows of payload_nominal for those versions that have a nominal part, under the supplier's key of now."""
    known = nominal.is_valid()
    texts = nominal.filter(known).to_pylist()
    if not texts:
        return pa.table({"bridge_id": bridge_ids.filter(known)})
    records, numbers = bridge_ids.filter(known), versions.filter(known)
    owners = list(map(owner, records.to_pylist(), numbers.to_pylist()))
    key = keys.current(supplier)
    return pa.table(
        {
            "bridge_id": records,
            "version": numbers,
            "payload": pa.array(encrypt(key, texts, owners), pa.binary()),
            "key_id": pa.repeat(key.id, len(texts)),
        }
    )


def opened(found: pa.Table) -> pa.Table:
    """The table with its column nominal, and nominal_key beside it, turned into plain text in one column."""
    opener = Opener()
    names = ("bridge_id", "version", "nominal", "nominal_key")
    texts = [
        None if text is None else opener.text(key, text, owner(record, version))
        for record, version, text, key in zip(*(found.column(name).to_pylist() for name in names), strict=True)
    ]
    place = found.column_names.index("nominal")
    plain = found.set_column(place, "nominal", pa.array(texts, pa.string()))
    return plain.drop_columns(["nominal_key"])


def plain(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with bridge_id, version, nominal and nominal_key, without that and with nominal in plain."""
    opener = Opener()
    told = []
    for row in rows:
        key = row.pop("nominal_key")
        if key is not None:
            row["nominal"] = opener.text(key, bytes(row["nominal"]), owner(row["bridge_id"].bytes, row["version"]))
        told.append(row)
    return told


def keys_in_use(connection: sa.Connection) -> dict[str, int]:
    """How many nominal parts are under each key, by its id."""
    asked = "SELECT key_id, count(*) AS parts FROM exchange_nominal.payload_nominal GROUP BY 1 ORDER BY 1"
    return {row.key_id: row.parts for row in connection.execute(sa.text(asked))}


def suppliers(connection: sa.Connection) -> dict[str, str]:
    """The source that each input came from, by the hash of its bytes."""
    return {row.sha256: row.name for row in connection.execute(sa.text(_SUPPLIERS))}


def reencrypt(connection: sa.Connection, key_id: str) -> int:
    """Bring some nominal parts that are under this key under the one in use; gives their number, 0 at the end."""
    key = keys.current(key_id.partition("/")[0])
    if key.id == key_id:
        return 0
    opener = Opener()
    found = connection.execute(sa.text(_UNDER), {"key": key_id}).all()
    moved = []
    for row in found:
        bound = owner(row.bridge_id.bytes, row.version)
        (payload,) = encrypt(key, [opener.text(key_id, bytes(row.payload), bound)], [bound])
        moved.append({"payload": payload, "key": key.id, "id": row.bridge_id, "version": row.version})
    if moved:
        connection.execute(sa.text(_MOVE), moved)
    return len(moved)
