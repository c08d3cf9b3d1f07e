"""Binary COPY of Arrow columns: what PostgreSQL then holds is what was sent, or nothing was taken."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.pgcopy import cast_text, columns, copy_table, misfits, safe_errors

TABLE = """
CREATE DOMAIN code AS varchar(3);
CREATE TYPE mood AS ENUM ('calm', 'CANARY-free');
CREATE TABLE t (
    k int PRIMARY KEY, small smallint, whole int, big bigint, money numeric(18,4), any_number numeric, day date,
    moment timestamptz, bare timestamp, second timestamp(0), yes boolean, id uuid, raw bytea, words text[], doc jsonb,
    plain json, short varchar(3), fixed char(2), dom code, mood mood, ratio double precision,
    own int GENERATED ALWAYS AS IDENTITY, positive int CHECK (positive > 0)
);
"""
CANARY = "Zebedee Canary-Quill"


@pytest.fixture
def session(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
        session.execute(TABLE)
        session.commit()
        session.execute("SET timezone = 'UTC'")
        yield session


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
MOMENT = st.datetimes().map(lambda m: m.isoformat() + "Z")
ROW = st.fixed_dictionaries(
    {
        "small": st.none() | st.integers(-(2**15), 2**15 - 1).map(str),
        "whole": st.none() | st.integers(-(2**31), 2**31 - 1),
        "big": st.none() | st.integers(-(2**63), 2**63 - 1).map(str),
        "money": st.none() | st.decimals(-(10**13), 10**13, places=4).map(lambda d: f"{d:f}"),
        "any_number": st.none() | st.decimals(-(10**20), 10**20, places=9).map(lambda d: f"{d:f}"),
        "day": st.none() | st.dates().map(str),
        "moment": st.none() | MOMENT,
        "bare": st.none() | MOMENT,
        "yes": st.none() | st.booleans(),
        "id": st.none() | st.uuids().map(str),
        "raw": st.none() | st.binary(max_size=5).map(bytes.hex),
        "words": st.none() | st.lists(st.none() | TEXT, max_size=3),
        "short": st.none() | TEXT.map(lambda t: t[:3]),
        "ratio": st.none() | st.decimals(-1000, 1000, places=3).map(lambda d: f"{d:f}"),
    }
)
TYPES = {"whole": pa.int64(), "yes": pa.bool_(), "words": pa.list_(pa.string()), "short": pa.large_string()}
_LAW = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _said(name: str, value: Any) -> Any:
    """The value as PostgreSQL must hold it."""
    if value is None or name in ("yes", "words", "short", "whole"):
        return value
    if name in ("money", "any_number"):
        return Decimal(value)
    if name in ("small", "big"):
        return int(value)
    if name == "raw":
        return bytes.fromhex(value)
    return {"id": uuid.UUID, "ratio": float}.get(name, str)(value)


@_LAW
@given(rows=st.lists(ROW, max_size=6))
def test_what_is_held_is_what_was_sent(session: psycopg.Connection[Any], rows: list[dict[str, Any]]) -> None:
    sent = {
        name: pa.array([row[name] for row in rows], TYPES.get(name, pa.string())) for name in (rows[0] if rows else {})
    }
    assert copy_table(session, "public", "t", pa.table({"k": range(len(rows)), **sent})) == len(rows)
    for name in sent:
        shown = {"day": "day::text", "moment": "to_json(moment)#>>'{}'", "bare": "to_json(bare)#>>'{}'"}.get(name, name)
        found = [value for (value,) in session.execute(f"SELECT {shown} FROM t ORDER BY k")]
        told = [row[name] for row in rows]
        if name in ("moment", "bare"):
            tail = "+00:00" if name == "moment" else ""
            told = [None if t is None else t.removesuffix("Z").rstrip("0" if "." in t else "") + tail for t in told]
            assert found == told
        else:
            assert found == [_said(name, value) for value in told]
    session.rollback()


def test_jsonb_enum_domain_and_padding(session: psycopg.Connection[Any]) -> None:
    row = {
        "k": [1],
        "doc": ['{"a": [1, "ü"]}'],
        "plain": ['{"a":  1}'],
        "mood": ["calm"],
        "dom": ["abc"],
        "fixed": ["x"],
    }
    copy_table(session, "public", "t", pa.table(row))
    found = session.execute("SELECT doc, plain::text, mood::text, dom, fixed::text FROM t").fetchone()
    assert found == ({"a": [1, "ü"]}, '{"a":  1}', "calm", "abc", "x")


def test_dictionary_null_and_bytes_columns(session: psycopg.Connection[Any]) -> None:
    key = uuid.uuid4()
    table = pa.table(
        {
            "k": [1, 2],
            "short": pa.array(["a", None]).dictionary_encode(),
            "day": pa.nulls(2),
            "id": pa.array([key.bytes, None], pa.binary(16)),
            "raw": pa.array([b"\0\1", None], pa.binary()),
            "money": pa.array([Decimal("1.5"), None], pa.decimal128(38, 9)),
        }
    )
    copy_table(session, "public", "t", table.slice(0, 1))
    copy_table(session, "public", "t", table.slice(1))
    found = session.execute("SELECT short, day, id, raw, money FROM t ORDER BY k").fetchall()
    assert found == [("a", None, key, b"\0\1", Decimal("1.5000")), (None,) * 5]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("small", "32768"),
        ("small", 40_000),
        ("whole", "0x1F"),
        ("whole", "+5"),
        ("whole", "1.0"),
        ("big", "9223372036854775808"),
        ("money", "1.23456"),
        ("money", "1e5"),
        ("money", "123456789012345.0"),
        ("any_number", "NaN"),
        ("any_number", "9" * 39),
        ("any_number", "1" * 39),
        ("any_number", "0." + "1" * 39),
        ("money", "9" * 15),
        ("day", "2025-02-30"),
        ("day", "2025-03"),
        ("moment", "2025-03-09T12:00:00"),
        ("moment", "2025-03-09T12:00:00+01:00"),
        ("moment", "2025-03-09T12:00:00.1234567Z"),
        ("second", "2025-03-09T12:00:00.5Z"),
        ("yes", "True"),
        ("yes", "1"),
        ("id", "not-a-uuid"),
        ("raw", "0"),
        ("short", "abcd"),
        ("short", "a\0"),
        ("dom", "abcd"),
        ("words", ["a", "b\0"]),
        ("ratio", "inf"),
    ],
)
def test_what_would_change_is_refused_by_name(session: psycopg.Connection[Any], column: str, value: Any) -> None:
    with pytest.raises(Misconfigured) as refused:
        copy_table(session, "public", "t", pa.table({"k": [1], column: [value]}))
    assert (refused.value.code, refused.value.where) == ("COLUMN_TYPE", "public.t")
    assert f"column {column} " in refused.value.what
    assert session.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize(
    ("table", "row", "says"),
    [
        ("t", {"k": [1], "positive": [0], "short": ["abc"]}, "23514, table t, constraint t_positive_check"),
        ("t", {"k": [1, 1]}, "23505, table t, constraint t_pkey"),
        ("t", {"k": [None], "fixed": ["ab"]}, "23502, table t, column k"),
        ("t", {"k": [1], "mood": [CANARY]}, "22P02, table t, column mood"),
        ("t", {"k": [1], "doc": [CANARY]}, "22P02"),
        ("t", {"k": [1], "nowhere": [CANARY]}, "nowhere"),
        ("t", {"k": [1], "own": [1]}, "own"),
        ("u", {"k": [1]}, "no such table"),
    ],
)
def test_what_the_server_refuses_is_told_without_values(
    session: psycopg.Connection[Any], table: str, row: dict[str, Any], says: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        copy_table(session, "public", table, pa.table(row))
    assert says in str(refused.value)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value.__context__)
    assert CANARY not in shown
    assert "Failing row" not in shown


def test_misfits_are_found_by_place(session: psycopg.Connection[Any]) -> None:
    known = columns(session, "public", "t")
    assert misfits(pa.chunked_array([["1", "x", None], ["2", "70000", "x"]]), known["small"]).to_pylist() == [1, 4, 5]
    assert misfits(pa.chunked_array([[["a"], None, ["\0"]]]), known["words"]).to_pylist() == [2]
    assert misfits(pa.chunked_array([pa.array([], pa.string())]), known["small"]).to_pylist() == []
    assert cast_text(pa.array(["1.5", None]), known["money"]).type == pa.decimal128(18, 4)
    assert list(columns(session, "public", "nowhere")) == []


@pytest.mark.parametrize(
    ("statement", "kind", "says"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", TryLater, "57P01"),
        ("SET statement_timeout = 10; SELECT pg_sleep(5)", TryLater, "57014"),
        ("SELECT 1 / 0", Misconfigured, "22012"),
        ("SELECT FROM nowhere", Misconfigured, "42P01"),
    ],
)
def test_errors_by_what_happens_next(
    session: psycopg.Connection[Any], statement: str, kind: type[BridgeError], says: str
) -> None:
    with pytest.raises(kind, match=says), safe_errors("here"):
        session.execute(statement)


def test_a_refused_login_is_no_passing_trouble(postgres_url: str) -> None:
    plain = postgres_url.replace("+psycopg", "")
    with pytest.raises(Misconfigured, match="lets us not in") as refused, safe_errors("partner"):
        psycopg.connect(plain, password="wrong")
    assert "wrong" not in str(refused.value)
    with pytest.raises(TryLater), safe_errors("partner"):
        psycopg.connect("postgresql://nobody@127.0.0.1:1/none")


def test_moments_keep_their_instant(session: psycopg.Connection[Any]) -> None:
    copy_table(session, "public", "t", pa.table({"k": [1], "moment": ["2025-10-26T00:30:00Z"]}))
    (found,) = session.execute("SELECT moment FROM t").fetchall()
    assert found[0].astimezone(UTC).isoformat() == "2025-10-26T00:30:00+00:00"
