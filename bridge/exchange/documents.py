"""Whether each document is the one that was accepted: all of them read and hashed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import psycopg
import sqlalchemy as sa

from bridge.encrypted import Opener, owner
from bridge.errors import Stop
from bridge.exchange.database import driver, transaction

# Hashed here and not by PostgreSQL: its sha256() took four times as long over a document, and only here can a nominal
# part be opened.
_DOCUMENTS: Final = """
COPY (
SELECT v.run_id, uuid_send(v.bridge_id), v.version, v.content_hash, convert_to(v.payload, 'UTF8'), n.payload, n.key_id
FROM exchange.record_version v LEFT JOIN exchange_nominal.payload_nominal n USING (bridge_id, version)
WHERE v.run_id IN (SELECT run_id FROM exchange.seal) AND v.payload <> ''
) TO STDOUT (FORMAT BINARY)
"""
_TYPES: Final = ("int8", "bytea", "int4", "bytea", "bytea", "bytea", "text")
READING: Final = "SET TRANSACTION READ ONLY; SET LOCAL work_mem = '64MB'"
"""For a transaction that reads all there is: what it joins and sorts should not go by way of a disk."""


class Document(NamedTuple):
    """A version of a record, by its bridge id's bytes."""

    bridge_id: bytes
    version: int


def altered(connection: sa.Connection) -> dict[int, Document]:
    """By run, the first document that is not what the run accepted, among all runs that are sealed.

    Raises:
        Misconfigured: NO_KEY, a nominal part cannot be opened here.
    """
    found: dict[int, Document] = {}
    for run, document in _others(driver(connection)):
        found[run] = min(found.get(run, document), document)
    return found


def altered_beside(engine: sa.Engine, where: str, snapshot: str) -> dict[int, Document]:
    """What altered() gives in another session, which sees what the one sees that exported this snapshot."""
    with transaction(engine, where, isolation="REPEATABLE READ") as connection:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        connection.exec_driver_sql(READING)
        return altered(connection)


def _others(session: psycopg.Connection[Any]) -> Iterator[tuple[int, Document]]:
    opener = Opener()
    # By COPY and not by a cursor's pages, so that the server reads on while these are hashed.
    with session.cursor() as cursor, cursor.copy(_DOCUMENTS) as copied:
        copied.set_types(_TYPES)
        for run, record, version, accepted, payload, sealed, key in copied.rows():
            try:
                nominal = opener.text(key, sealed, owner(record, version)).encode() if key else b""
            except Stop:
                yield run, Document(record, version)
                continue
            found = hashlib.sha256(payload)
            found.update(b"\0" + nominal)
            if found.digest() != accepted:
                yield run, Document(record, version)
