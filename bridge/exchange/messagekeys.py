"""Keys of partners: under which of them open messages are, and bringing those under the ones in use."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from bridge import keys
from bridge.encrypted import Opener, encrypt, order

_IN_USE: Final = """
SELECT coalesce(coalesce(m.key_id, o.key_id), '') AS key_id, count(*) AS messages
FROM exchange.outbox o LEFT JOIN exchange_nominal.message m USING (number)
WHERE coalesce(m.body, o.body) <> '' GROUP BY 1 ORDER BY 1
"""
_UNDER: Final = """
SELECT o.number, o.partner, o.bridge_id, o.version, coalesce(m.body, o.body) AS body,
       coalesce(m.key_id, o.key_id) AS key_id, m.number IS NOT NULL AS nominal
FROM exchange.outbox o LEFT JOIN exchange_nominal.message m USING (number)
WHERE coalesce(m.body, o.body) <> '' AND o.number > :after ORDER BY o.number LIMIT 1000 FOR UPDATE OF o
"""
_MOVE: Final = "UPDATE exchange.outbox SET body = :body, key_id = :key WHERE number = :number"
_MOVE_NOMINAL: Final = "UPDATE exchange_nominal.message SET body = :body, key_id = :key WHERE number = :number"


def in_use(connection: sa.Connection) -> dict[str, int]:
    """How many open messages are under each key, by its id; "" for those in plain."""
    return {row.key_id: row.messages for row in connection.execute(sa.text(_IN_USE))}


def reencrypt(connection: sa.Connection, after: int) -> tuple[int, int | None]:
    """Bring some open messages, those after this number, under the keys in use; gives how many were moved, and the
    last number, None at the end. Messages of a partner that has no key stay in plain."""
    opener = Opener()
    found = connection.execute(sa.text(_UNDER), {"after": after}).all()
    moved: dict[str, list[dict[str, object]]] = {_MOVE: [], _MOVE_NOMINAL: []}
    for row in found:
        key = next(iter(keys.keys_of(row.partner)), None)
        if key is None or key.id == row.key_id:
            continue
        bound = order(row.bridge_id.bytes, row.version)
        body = bytes(row.body)
        plain = opener.text(row.key_id, body, bound) if row.key_id else body.decode("latin-1")
        (sealed,) = encrypt(key, [plain], [bound])
        moved[_MOVE_NOMINAL if row.nominal else _MOVE].append({"body": sealed, "key": key.id, "number": row.number})
    for statement, rows in moved.items():
        if rows:
            connection.execute(sa.text(statement), rows)
    return sum(map(len, moved.values())), found[-1].number if found else None
