"""Enter a feed's cases in a CIS database, as the partner's own services would."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from bridge.feed.partner import COLUMNS


def load_cases(folder: Path, url: str) -> int:
    """Copy the cases of every day into the tables of schemas/cis/cis.sql, in one transaction; how many are new.

    Cases that are there already stay as they are, so a feed can be loaded twice.

    Args:
        folder: ``cis`` of a feed: one folder a day with one CSV file for each table.
        url: SQLAlchemy URL of the database, of PostgreSQL by psycopg.
    """
    new = 0
    with psycopg.connect(url.replace("+psycopg", "", 1)) as session:
        # These cases were entered on their days: the tables' own triggers would date every change now.
        session.execute("SET LOCAL session_replication_role = replica")
        for day in sorted(path for path in folder.iterdir() if path.is_dir()):
            for table in COLUMNS:
                file = day / f"{table}.csv"
                if file.exists():
                    count = _copy(session, table, file)
                    new += count if table == "case" else 0
    return new


def _copy(session: psycopg.Connection[tuple[object, ...]], table: str, file: Path) -> int:
    with file.open(encoding="utf-8", newline="") as text:
        columns = sql.SQL(", ").join(map(sql.Identifier, text.readline().rstrip("\r\n").split(",")))
        target, draft = sql.Identifier("cis", table), sql.Identifier("draft")
        session.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0").format(draft, columns, target)
        )
        with session.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(draft)) as copy:
            while block := text.read(1 << 20):
                copy.write(block)
    done = session.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(target, columns, columns, draft)
    )
    session.execute(sql.SQL("DROP TABLE {}").format(draft))
    return done.rowcount
