"""Laws of the mapping, from generated texts: columns mean what scalars say, and every row is accounted for."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import ROW, Batch
from bridge.mapping import Mapping, check, forward
from bridge.mapping.columns import coded, combine, running_count
from bridge.mapping.conform import conform
from bridge.mapping.dates import date_precision, date_start, date_step
from bridge.mapping.findings import FINDINGS
from bridge.mapping.made import surely_kept
from bridge.mapping.model import Number
from bridge.mapping.plan import mapping_plans
from bridge.mapping.rules import WHITE, Refused, number_step, plain_number, scale_number
from bridge.mapping.samples import batch_of
from bridge.shape import Field
from tests.mapping.world import PERSONAL, TEXT, World, item

# The first call of a test imports libraries, so its time says nothing.
law = settings(deadline=None)
DECIMAL = {"type": "string", "x-type": "decimal"}
SOURCE = {"a": TEXT, "b": TEXT, "name": {**TEXT, **PERSONAL}, "list": item(c=TEXT, d=TEXT)}
TARGET = {
    "plain": {"type": "string", "maxLength": 4}, "upper": TEXT, "code": {"type": "string", "enum": ["X", "Y"]},
    "day": {"type": "string", "x-type": "date"}, "number": DECIMAL,
    "count": {"type": "integer"}, "flag": {"type": "boolean"},
    "parts": {"type": "array", "items": TEXT}, "needed*": TEXT, "who": {**TEXT, **PERSONAL},
    "lines": item(number=DECIMAL, code=TEXT),
}  # fmt: skip
RULES = """
plain: {from: a}
upper: {from: b, text: [trim, upper]}
code: {from: a, codes: list}
day: {from: b, date: ["%d/%m/%Y", "%Y"]}
number: {from: b, number: {decimal: ",", thousands: "."}}
count: {from: a, number: "."}
flag: {from: a}
parts: {from: b, split: ";", text: lower}
needed: {from: a, text: collapse}
who: {from: name}
lines: {each: list, map: {number: {from: c, number: "."}, code: {from: d, codes: list}}}
"""
# Few distinct texts, so that generated columns repeat them, and many of them are at an edge of some rule.
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "",
            " ",
            "x",
            "y",
            " X ",
            "none",
            "1",
            "0",
            "true",
            "12.50",
            "1.234,5",
            "09/03/2025",
            "31/02/2025",
            "2025",
            "a;b; ;C",
        ]
    ),
    st.text(max_size=6).filter(lambda text: text.isprintable()),
)
ENTRIES = st.fixed_dictionaries({"c": TEXTS, "d": TEXTS})
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"a": TEXTS, "b": TEXTS, "name": st.just("Canary"), "list": st.lists(ENTRIES, max_size=3)}
    ),
    max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def mapping() -> Iterator[Mapping]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "c", SOURCE, TARGET)
        world.codes("list", "x,X,exact", "y,Y,exact", "none,,none,no counterpart", "1,Q,exact")
        world.write(RULES)
        yield world.load()


@pytest.fixture(scope="module")
def damaged() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "c", SOURCE, TARGET)
        world.codes("list", "x,X,exact", "y,Y,exact")
        (world.root / "mappings" / "here" / "samples" / "one.json").write_text('{"a": "x", "list": [{"c": "1"}]}')
        world.write(RULES, "examples:\n  - {name: one, given: one.json, then: {plain: x}}")
        yield world


def one_by_one(mapping: Mapping, records: list[dict[str, Any]]) -> list[dict[str, Any] | set[tuple[str, str]]]:
    """For each record what its scalar functions make of it, without any column: its values, or its problems."""
    plans = mapping_plans(mapping)
    made: list[dict[str, Any] | set[tuple[str, str]]] = []
    for record in records:
        values: dict[str, Any] = {}
        bad: set[tuple[str, str]] = set()
        places = [(rule, record, rule.target) for rule in mapping.spec.rules]
        for block in mapping.spec.blocks:
            places += [
                (rule, one, f"lines.{at}.{rule.target}")
                for at, one in enumerate(record["list"])
                for rule in block.rules
            ]
        for rule, entry, path in places:
            text = entry[str(rule.inputs[0])]
            value = None if text is None or not text.strip(WHITE) else plans[id(rule)].make(text, None)
            if isinstance(value, Refused):
                bad.add((value.code, path))
            elif value is None and plans[id(rule)].field.required:
                bad.add(("MISSING", path))
            values[path] = value
        made.append(bad or values)
    return made


@law
@given(records=RECORDS)
def test_columns_mean_what_the_scalar_functions_say(mapping: Mapping, records: list[dict[str, Any]]) -> None:
    mapped = forward(mapping, batch_of(records, mapping.source_shape, "x"))
    rows = {row[ROW]: row for row in mapped.batch.root.to_pylist()}
    lines = mapped.batch.tables["lines"].to_pylist()
    told: dict[int, set[tuple[str, str]]] = {}
    for problem in mapped.problems:
        told.setdefault(problem.row, set()).add((problem.code, problem.field))
    for row, expected in enumerate(one_by_one(mapping, records)):
        if isinstance(expected, set):
            assert (told.get(row), row in rows) == (expected, False)
            continue
        assert row not in told
        got = {name: value for name, value in rows[row].items() if not name.startswith("_")}
        for at, line in enumerate(one for one in lines if one[ROW] == row):
            got |= {f"lines.{at}.{name}": value for name, value in line.items() if not name.startswith("_")}
        assert got == expected


@law
@given(records=RECORDS)
def test_every_record_is_either_made_or_has_a_problem_and_every_row_is_counted(
    mapping: Mapping, records: list[dict[str, Any]]
) -> None:
    mapped = forward(mapping, batch_of(records, mapping.source_shape, "x"))
    made = set(mapped.batch.root.column(ROW).to_pylist())
    held = {problem.row for problem in mapped.problems}
    assert made.isdisjoint(held)
    assert made | held == set(range(len(records)))
    assert sum(mapped.rows.column("rows").to_pylist()) + mapped.out_of_scope.num_rows == len(records)
    assert not any("Canary" in problem.reason for problem in mapped.problems)


@law
@given(records=RECORDS, cut=st.integers(0, 12))
def test_a_batch_cut_in_two_gives_the_same_records_and_problems(
    mapping: Mapping, records: list[dict[str, Any]], cut: int
) -> None:
    batch = batch_of(records, mapping.source_shape, "x")
    whole = forward(mapping, batch)
    early = pa.array([row for row in range(len(records)) if row < cut], pa.int64())
    parts = [forward(mapping, part) for part in (batch.only(early), batch.without(early))]
    for name, table in whole.batch.tables.items():
        assert pa.concat_tables([part.batch.tables[name] for part in parts]).to_pylist() == table.to_pylist()
    assert [problem for part in parts for problem in part.problems] == whole.problems
    assert sum((Counter(part.filtered) for part in parts), Counter()) == Counter(whole.filtered)


@law
@given(
    keys=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "", None]), st.sampled_from(["P", "Q", None]), st.sampled_from(["S", "T"])
        ),
        max_size=10,
    )
)
def test_grouped_rows_all_end_in_one_record_or_out_of_scope(keys: list[tuple[str | None, str | None, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(
            Path(folder) / "c",
            {"key": TEXT, "head": TEXT, "kind": TEXT},
            {"id": TEXT, "head": TEXT, "lines": item(kind=TEXT)},
        )
        records = [{"key": key, "head": head, "kind": kind} for key, head, kind in keys]
        rules = "id: {from: key}\nhead: {from: head}\nlines: {each: lines, map: {kind: {from: kind}}}"
        mapped = world.run(rules, records, "scope: {kind: [S]}\ngroup_by: {key: [key], conflict: hold}")
    inside = [record for record in records if record["kind"] == "S"]
    groups: dict[str, list[dict[str, str | None]]] = {}
    for record in inside:
        groups.setdefault(record["key"] or "", []).append(record)
    without = len(groups.pop("", []))
    torn = {key for key, rows in groups.items() if len({row["head"] for row in rows} - {None}) > 1}
    assert mapped.rows.num_rows == len(groups) + without
    assert sum(mapped.rows.column("rows").to_pylist()) == len(inside)
    assert mapped.out_of_scope.num_rows == len(records) - len(inside)
    assert mapped.batch.root.column("id").to_pylist() == [key for key in groups if key not in torn]
    assert (
        sorted(problem.code for problem in mapped.problems) == ["HEADER_CONFLICT"] * len(torn) + ["MISSING"] * without
    )
    for row, key in zip(
        mapped.batch.root.column(ROW).to_pylist(), [key for key in groups if key not in torn], strict=True
    ):
        assert sum(one == row for one in mapped.batch.tables["lines"].column(ROW).to_pylist()) == len(groups[key])


@law
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", None])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_ids_by_content_and_occurrence_are_distinct_and_the_same_in_any_order(
    rows: list[tuple[str, str | None]], chance: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "c", {"a": TEXT, "b": TEXT}, {"id": TEXT})
        records = [{"a": a, "b": b} for a, b in rows]
        rules = 'id: {hash: {of: "*", occurrence: true}}'
        ids = world.run(rules, records).batch.root.column("id").to_pylist()
        chance.shuffle(records)
        again = world.run(rules, records).batch.root.column("id").to_pylist()
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(again)


WORDS = [
    "from", "first_of", "concat", "const", "hash", "index", "text", "split", "join", "take", "number", "unit", "date",
    "datetime", "codes", "lookup", "when", "default", "each", "map", ".", "^a", "a", "list", "list.c", "present",
    "[a, b]", "{text: x}", "{a: [b]}", "%d", "lines", "", "{", "]", "&x", "*x", "<<", "!t", "'", '"', "\t", ": ", "- ",
]  # fmt: skip


@law
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 12), st.sampled_from(WORDS)), min_size=1, max_size=4))
def test_a_damaged_mapping_is_told_and_never_breaks_the_checker(
    damaged: World, cuts: list[tuple[int, int, str]]
) -> None:
    path = damaged.root / "mappings" / "here" / "collect.yaml"
    whole = path.read_text(encoding="utf-8")
    text = whole
    for place, length, word in cuts:
        text = text[:place] + word + text[place + length :]
    try:
        path.write_text(text, encoding="utf-8")
        told = check(damaged.load())
        assert all(one.line >= 1 and one.code in FINDINGS and str(one).startswith("mappings/") for one in told)
    finally:
        path.write_text(whole, encoding="utf-8")


# --- scalars ---------------------------------------------------------------------------------------------------------

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6)


@law
@given(DECIMALS)
def test_a_plain_number_has_the_same_value_and_is_its_own_canonical_form(value: Decimal) -> None:
    text = plain_number(f"{value:f}")
    assert text is not None
    assert Decimal(text) == value
    assert plain_number(text) == text


@law
@given(st.text(max_size=8))
def test_what_is_no_number_for_python_is_none_here_either(text: str) -> None:
    number = number_step(Number("."))(text)
    if isinstance(number, str):
        assert Decimal(number) == Decimal(text.strip(WHITE))


@law
@given(DECIMALS, st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]))
def test_a_number_written_with_marks_is_read_back(value: Decimal, marks: tuple[str, str]) -> None:
    point, thousands = marks
    written = f"{value:,f}".replace(",", "\0").replace(".", point).replace("\0", thousands)
    assert number_step(Number(point, thousands))(written) == plain_number(f"{value:f}")


@law
@given(DECIMALS, st.decimals(min_value="0.000001", max_value="100000", places=6))
def test_a_conversion_is_exact(value: Decimal, factor: Decimal) -> None:
    text = plain_number(f"{value:f}")
    assert text is not None
    product = scale_number(text, factor, None)
    assert isinstance(product, str)
    assert Fraction(product) == Fraction(value) * Fraction(factor)


@law
@given(
    st.dates(min_value=date(1000, 1, 1)), st.sampled_from(["%d/%m/%Y", "%Y%m%d", "%d %B %Y", "%b %d, %Y", "%Y-%m-%d"])
)
def test_every_day_written_by_a_pattern_is_read_back(day: date, pattern: str) -> None:
    assert date_step([pattern])(day.strftime(pattern)) == day.isoformat()


@law
@given(st.from_regex(r"[0-3][0-9]/[01][0-9]/[0-2][0-9]{3}", fullmatch=True))
def test_what_a_pattern_takes_is_a_day_that_it_would_write_so(text: str) -> None:
    read = date_step(["%d/%m/%Y"])(text)
    if isinstance(read, str):
        day = date.fromisoformat(read)
        assert f"{day.day:02}/{day.month:02}/{day.year:04}" == text


@law
@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from([4, 7, 10]))
def test_the_first_day_and_the_precision_give_the_date_back(day: date, length: int) -> None:
    given_date = day.isoformat()[:length]
    start, precision = date_start(given_date), date_precision(given_date)
    assert isinstance(start, str)
    assert start[: {"D": 10, "M": 7, "Y": 4}[str(precision)]] == given_date


# --- columns ---------------------------------------------------------------------------------------------------------


@law
@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=20))
def test_a_coded_column_gives_back_its_texts_without_the_blank_ones(texts: list[str | None]) -> None:
    kept = [None if text is None or not text.strip(WHITE) else text for text in texts]
    assert coded(pa.array(texts, pa.string())).array().to_pylist() == kept


@law
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", None]), st.sampled_from(["1", "2"])),
        max_size=20,
    )
)
def test_combinations_are_the_distinct_rows(rows: list[tuple[str | None, ...]]) -> None:
    columns = [coded(pa.array([row[at] for row in rows], pa.string())) for at in range(3)]
    first, number = combine(columns)
    assert len(first) == len(set(rows))
    assert [rows[first[one]] for one in number] == rows


@law
@given(st.lists(st.integers(0, 3), max_size=20))
def test_a_running_count_counts_what_came_before(numbers: list[int]) -> None:
    expected = [numbers[:place].count(number) for place, number in enumerate(numbers)]
    assert running_count(pa.array(numbers, pa.int64()).to_numpy()).tolist() == expected


@law
@given(
    st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), max_size=6),
    st.integers(1, 6),
)
def test_what_is_accepted_without_looking_is_what_the_scalar_check_accepts(texts: list[str], limit: int) -> None:
    keep = conform(Field("", "x", max_length=limit))
    if surely_kept(pa.array(texts, pa.string()), limit):
        assert [keep(text) for text in texts] == texts


def test_an_empty_batch_is_a_batch(mapping: Mapping) -> None:
    empty = batch_of([], mapping.source_shape, "x")
    assert isinstance(empty, Batch)
    assert forward(mapping, empty).problems == []
