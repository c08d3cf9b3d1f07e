"""Who read the nominal part of which documents, when and what for: written before anybody has it, kept six months.

Reg. (EC) No 515/97, Art. 38, asks for it; Council Decision 2009/917/JHA, Art. 28(3), has at least one in a hundred
checked and the log erased after six months. ``verify`` is not among them: it writes nothing at all, hashes documents
and shows none.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from bridge.exchange.authority import nominal_read

_LISTED: Final = """
SELECT id, at, who, purpose, run_id, records, encode(commitment, 'hex') AS commitment, bridge_ids, total FROM (
    SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY
        CASE WHEN :seed <> '' THEN sha256(convert_to(:seed || ' ' || id, 'UTF8')) END, id DESC) AS place
    FROM exchange.nominal_read
    WHERE (CAST(:since AS timestamptz) IS NULL OR at >= :since) AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
) ordered
WHERE place <= CASE WHEN :seed <> '' THEN ceil(total / 100.0) ELSE :limit END ORDER BY id
"""
_RELAYED: Final = """
SELECT o.bridge_id, o.version FROM exchange.outbox o
JOIN exchange_nominal.message m ON m.number = o.number AND m.body <> ''
JOIN exchange.selection s ON s.run_id = :run AND s.bridge_id = o.bridge_id AND s.version = o.version
CROSS JOIN LATERAL (SELECT FROM exchange_nominal.selected chosen
                    WHERE chosen.run_id = s.run_id AND chosen.ordinal = s.ordinal OFFSET 0) n
WHERE o.number = ANY(:numbers) AND o.effect <> 'withdraw'
"""
"""One look-up a row, as a share reads them; whether there is a nominal part, and nothing of it."""
_ERASE: Final = "DELETE FROM exchange.nominal_read WHERE at < clock_timestamp() - interval '6 months'"


def by_share(connection: sa.Connection, partner: str, mapping: str, run_id: int, read: pa.Table) -> None:
    """Note what a share reads of documents, in the transaction that reads them.

    Args:
        read: bridge_id and version of each, in ascending order.
    """
    if read.num_rows:
        ids = np.frombuffer(b"".join(read.column("bridge_id").to_pylist()), np.uint8).reshape(-1, 16)
        versions = read.column("version").to_numpy().astype(">u4").view(np.uint8).reshape(-1, 4)
        digest = hashlib.sha256(np.hstack([ids, versions]).tobytes()).digest()
        _write(connection, f"share {partner}", f"delivery by {mapping}", read.num_rows, digest, run_id=run_id)


def by_relay(connection: sa.Connection, partner: str, mapping: str, run_id: int, numbers: Sequence[int]) -> None:
    """Note what a share reads of messages that earlier ones kept, in the transaction in which it takes them over.

    Args:
        numbers: the messages; counted are those that tell a version which has a nominal part.
    """
    found = connection.execute(sa.text(_RELAYED), {"run": run_id, "numbers": list(numbers)})
    pairs = [(row.bridge_id.bytes, row.version) for row in found]
    if pairs:
        who, purpose = f"share {partner}", f"relay of messages kept by {mapping}"
        _write(connection, who, purpose, len(pairs), commitment(pairs), run_id=run_id)


def by_person(connection: sa.Connection, purpose: str, read: Sequence[tuple[uuid.UUID, int]]) -> None:
    """Note what the account that runs this reads, in a transaction of its own that ends before the caller goes on.

    Args:
        connection: the one that reads, which may be unable to write.
    """
    if not read:
        return
    pairs = [(record.bytes, version) for record, version in read]
    ids = sorted({record for record, _ in read})
    with connection.engine.connect() as opened:
        # The engine's own options would win over another engine's, and they may say that it only reads.
        other = opened.execution_options(postgresql_readonly=False, isolation_level="READ COMMITTED")
        _write(other, _account(), purpose, len(pairs), commitment(pairs), ids=ids)
        other.commit()


def listed(
    connection: sa.Connection, since: datetime | None, until: datetime | None, seed: str, limit: int
) -> list[sa.Row[Any]]:
    """Reads of since <= t < until, oldest first, each with how many there were in all.

    Args:
        seed: draws one in a hundred, rounded up, to be checked by a person: the same for the same seed. "" for the
            newest ``limit`` of them.
    """
    asked = {"since": since, "until": until, "seed": seed, "limit": limit}
    return list(connection.execute(sa.text(_LISTED), asked))


def erase(connection: sa.Connection) -> int:
    """Erase what was noted more than six months ago; gives its number. The database erases nothing younger."""
    return int(connection.execute(sa.text(_ERASE)).rowcount)


def commitment(read: Sequence[tuple[bytes, int]]) -> bytes:
    """SHA-256 of bridge ids and versions (16 and 4 bytes each), in ascending order."""
    return hashlib.sha256(b"".join(one + version.to_bytes(4, "big") for one, version in sorted(read))).digest()


def _account() -> str:
    """The account that this process runs as, asked of the system: what its environment says anybody could have set."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container that knows no names
        return f"uid {number}"


def _write(
    connection: sa.Connection,
    who: str,
    purpose: str,
    count: int,
    digest: bytes,
    *,
    run_id: int | None = None,
    ids: Sequence[uuid.UUID] | None = None,
) -> None:
    values = {"who": who, "purpose": purpose, "run_id": run_id, "records": count, "bridge_ids": ids}
    # inline, so that it asks nothing back: who may add to the log need not be let read it
    connection.execute(nominal_read.insert().inline().values(commitment=digest, **values))
