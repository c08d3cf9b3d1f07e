"""Which common records are sound, and what is said of those that are not."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import quality
from bridge.batch import POSITION, ROOT
from bridge.content import Content
from bridge.document import encode
from bridge.errors import MASKED, Misconfigured, Problem
from bridge.quality import validate
from bridge.shape import Sensitivity, Type
from bridge.shapes import read_shape
from bridge.sound import columns_of
from tests.quality.records import Row, batch, texts

CONTENT = Content.find()
COMMON = read_shape(CONTENT, "common/seizure.json")
SCHEMA = json.loads(CONTENT.path("schemas/common/seizure.json").read_bytes())
TODAY = date(2026, 3, 15)
ISSUED = "persons.0.identity_document.issued_on"


def example(node: dict[str, Any]) -> Any:
    """The document that the schema's own examples make."""
    if "properties" in node:
        return {name: example(child) for name, child in node["properties"].items()}
    if node.get("type") == "array" and "properties" in node["items"]:
        return [example(node["items"])]
    return node["examples"][0]


WHOLE = example(SCHEMA)


def flat(document: dict[str, Any], prefix: str = "") -> Row:
    found: Row = {}
    for key, value in document.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif not (isinstance(value, list) and value and isinstance(value[0], dict)):
            found[prefix + key] = value
    return found


def problems(document: dict[str, Any], today: date = TODAY) -> list[Problem]:
    """What validate() says of one document, after the way it takes through a batch."""
    record = {ROOT: [flat(document)]} | {
        name: [flat(entry) for entry in document.get(name, [])] for name in COMMON.lists
    }
    made = batch(COMMON, [record])
    found = validate(encode(made, COMMON), CONTENT, today)
    assert validate(encode(made, COMMON), CONTENT, today, made) == found, "columns hide what the document tells"
    return found


def changed(path: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(WHOLE)
    *parents, leaf = path.split(".")
    node: Any = document
    for key in parents:
        node = node[int(key) if isinstance(node, list) else key]
    if value is None:
        node.pop(leaf)
    else:
        node[leaf] = value
    return document


def said(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(problem.code, problem.field, problem.rule) for problem in problems(document)]


def test_the_schemas_own_examples_make_a_sound_record() -> None:
    assert problems(WHOLE) == []


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("seizure_country", "Xx", ("SCHEMA", "seizure_country", "schema:pattern")),
        ("seizure_country", None, ("SCHEMA", "seizure_country", "schema:required")),
        ("goods.0.commodity_group", "XYZ", ("SCHEMA", "goods.0.commodity_group", "schema:enum")),
        ("goods.0.line", 0, ("SCHEMA", "goods.0.line", "schema:minimum")),
        ("persons.0.surname", "x" * 101, ("SCHEMA", "persons.0.surname", "schema:maxLength")),
        (ISSUED, "09/03/2020", ("SCHEMA", ISSUED, "schema:pattern")),
        ("seizure_date", "2026-02-30", ("BAD_DATE", "seizure_date", "calendar")),
        ("persons.0.birth_date", "1980-13", ("SCHEMA", "persons.0.birth_date", "schema:pattern")),
        ("persons.0.birth_date", "1981-02-29", ("BAD_DATE", "persons.0.birth_date", "calendar")),
        (ISSUED, "2021-04-31", ("BAD_DATE", ISSUED, "calendar")),
        ("route.0.date", "2021-04-31", ("BAD_DATE", "route.0.date", "calendar")),
        ("seizure_date", "2026-03-16", ("FUTURE_DATE", "seizure_date", "not_after:today")),
        ("seizure_date", "2026-04", ("FUTURE_DATE", "seizure_date", "not_after:today")),
        ("seizure_date", "2027", ("FUTURE_DATE", "seizure_date", "not_after:today")),
        ("seizure_date", "1979-12-31", ("TOO_OLD", "seizure_date", "not_before:1980")),
        ("seizure_date", "1979", ("TOO_OLD", "seizure_date", "not_before:1980")),
        ("goods.0.gross_weight_kg", "0.1", ("NET_ABOVE_GROSS", "goods.0.gross_weight_kg", "at_least:net_weight_kg")),
        ("goods.0.value_currency", None, ("NO_CURRENCY", "goods.0.value_currency", "required_with:value_amount")),
        ("cash.0.currency", None, ("NO_CURRENCY", "cash.0.currency", "required_with:amount")),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_field_and_rule(path: str, value: Any, expected: tuple[str, str, str]) -> None:
    assert said(changed(path, value)) == [expected]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seizure_date", "2026-03-15"),
        ("seizure_date", "2026-03"),
        ("seizure_date", "2026"),
        ("seizure_date", "1980"),
        ("seizure_date", "2024-02-29"),
        ("goods.0.gross_weight_kg", WHOLE["goods"][0]["net_weight_kg"]),
        ("goods.0.gross_weight_kg", None),
        ("goods.0.gross_weight_kg", "100000000000000000000000000.1"),
        ("goods.0.species_scientific", None),
    ],
)
def test_what_only_looks_odd_passes(path: str, value: Any) -> None:
    assert problems(changed(path, value)) == []


def test_every_fault_of_a_record_is_told_and_sound_records_beside_it_are_not() -> None:
    bad = changed("seizure_country", "Xx")
    bad["goods"][0]["hs_code"] = "12"
    records = [{ROOT: [flat(d)], "goods": [flat(g) for g in d["goods"]]} for d in (WHOLE, bad, WHOLE)]
    documents = encode(batch(COMMON, records), COMMON).append_column(POSITION, pa.array([10, 20, None], pa.int64()))
    found = validate(documents, CONTENT, TODAY)
    assert {(p.row, p.position, p.field) for p in found} == {(2, 20, "seizure_country"), (2, 20, "goods.0.hs_code")}


CANARY = "Zqxcanary\u0000"


def test_no_personal_value_is_in_any_reason() -> None:
    hidden = [
        f
        for f in COMMON
        if f.sensitivity is not Sensitivity.NON_NOMINAL and (f.arrow == pa.string() or f.type is Type.LIST)
    ]
    records = []
    for field in hidden:
        path = f"{field.list}.0.{field.name}" if field.list else field.name
        document = changed(path, [CANARY * 500] if field.type is Type.LIST else CANARY * 500)
        rows = {name: [flat(entry) for entry in document[name]] for name in COMMON.lists}
        records.append({ROOT: [flat(document)], **rows})
    made = batch(COMMON, records)
    found = validate(encode(made, COMMON), CONTENT, TODAY)
    assert validate(encode(made, COMMON), CONTENT, TODAY, made) == found
    assert {problem.row // 2 for problem in found} == set(range(len(hidden)))
    assert all(MASKED in problem.reason and "Zqxcanary" not in repr(problem) for problem in found)


def test_a_value_that_is_not_personal_is_shown_in_short() -> None:
    [problem] = problems(changed("seizure_country", "France" * 50))
    assert problem.reason.startswith('"FranceFrance')
    assert len(problem.reason) < 200
    assert problem.reason.endswith("Correct it at the source, or how the mapping fills it")


def exact(node: Any) -> Any:
    """The schema for Python's re: its $ also stands before a last line end, that of JSON Schema (ECMA 262) does not."""
    if isinstance(node, dict):
        return {
            key: value.replace("$", r"\Z") if key == "pattern" and isinstance(value, str) else exact(value)
            for key, value in node.items()
        }
    return [exact(one) for one in node] if isinstance(node, list) else node


REFERENCE = jsonschema.Draft202012Validator(exact(SCHEMA))
FAST = jsonschema_rs.validator_for(SCHEMA)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10), st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(["", "FR", "FR\n", "fr", "2026-02-30", "2026-1", "2026-01-05T09:30:00Z", "12.50", "1e3", "-0"]),
    st.sampled_from(["x" * 5000, "é"]), st.text("AZaz09.-:\n ", max_size=6),
)  # fmt: skip
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["surname", "line", "x"]), SCALARS, max_size=2),
)


def places(node: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [above, *(place for key, child in inner for place in places(child, (*above, key)))]


PLACES = [place for place in places(WHOLE) if place]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "drop", "add", "twice"]), VALUES),
        min_size=1,
        max_size=3,
    )
)
def test_the_fast_validator_and_the_reference_agree(changes: list[tuple[tuple[Any, ...], str, Any]]) -> None:
    document = copy.deepcopy(WHOLE)
    for (*parents, leaf), how, value in changes:
        node = document
        for key in parents:
            node = node.get(key) if isinstance(node, dict) else node[key] if isinstance(node, list) and node else None
        if not isinstance(node, dict) or leaf not in node:
            continue
        if how == "drop":
            del node[leaf]
        elif how == "add":
            node["unknown"] = value
        elif how == "twice" and isinstance(node[leaf], list):
            node[leaf] = node[leaf] * 2
        else:
            node[leaf] = value
    document = orjson.loads(orjson.dumps(document))
    assert FAST.is_valid(document) is REFERENCE.is_valid(document)
    ours = {".".join(map(str, e.instance_path)) for e in FAST.iter_errors(document)}
    theirs = {".".join(map(str, e.absolute_path)) for e in REFERENCE.iter_errors(document)}
    assert ours == theirs


FITTING = {field.path: [] if field.list else [flat(WHOLE)[field.name]] for field in COMMON}
FITTING |= {f"{name}.{key}": [value] for name in COMMON.lists for key, value in flat(WHOLE[name][0]).items()}
KINDS = {Type.INTEGER: st.integers(-3, 10), Type.BOOLEAN: st.booleans(), Type.LIST: st.lists(texts(), max_size=2)}
TEXTS = st.one_of(
    st.sampled_from(["", "FR", "FR\n", "fr", "2026-02-30", "2027", "1979-12", "0.01", "1e3", "-0", "x" * 5000]), texts()
)


@st.composite
def seizures(draw: st.DrawFn) -> dict[str, list[Row]]:
    """A record of fitting and unfitting values, in any of its fields, with any of its lists once or twice."""
    record: dict[str, list[Row]] = {ROOT: [flat(WHOLE)]}
    for name in draw(st.lists(st.sampled_from(list(COMMON.lists)), max_size=3, unique=True)):
        record[name] = [flat(entry) for entry in WHOLE[name] * draw(st.integers(1, 2))]
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.sampled_from([row for rows in record.values() for row in rows]))
        name = next(name for name, rows in record.items() if any(one is row for one in rows))
        field = draw(st.sampled_from(COMMON.table(name)))
        kept = st.sampled_from([None, *FITTING[f"{name}.{field.name}" if name else field.name]])
        row[field.name] = draw(st.one_of(kept, KINDS.get(field.type, TEXTS)))
    return record


@settings(deadline=None, max_examples=60)
@given(st.lists(seizures(), min_size=1, max_size=4))
def test_columns_and_documents_find_the_same(records: list[dict[str, list[Row]]]) -> None:
    made = batch(COMMON, records)
    documents = encode(made, COMMON)
    assert validate(documents, CONTENT, TODAY, made) == validate(documents, CONTENT, TODAY)


def test_columns_prove_sound_records_without_a_document() -> None:
    made = batch(COMMON, [{ROOT: [flat(WHOLE)]} | {name: [flat(e) for e in WHOLE[name]] for name in COMMON.lists}] * 2)
    none = encode(made, COMMON).slice(0, 0)
    assert validate(none, CONTENT, TODAY, made) == []
    columns = columns_of(SCHEMA, COMMON)
    assert columns is not None
    assert columns.suspects(made) == set()


@pytest.mark.parametrize("more", [{"allOf": []}, {"minProperties": 3}, {"dependentRequired": {"place": ["route"]}}])
def test_a_schema_that_says_more_than_columns_tell_is_left_to_documents(more: dict[str, Any]) -> None:
    assert columns_of(SCHEMA | more, COMMON) is None


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("{code: X, field: seizure_dat, not_before: '1980', why: w}", "no field seizure_dat"),
        ("{code: X, field: goods.quantity, at_least: weight, why: w}", "no field goods.weight"),
        ("{code: X, field: seizure_date, why: w}", "one check"),
        ("{code: X, field: seizure_date, not_before: '1980', not_after: today, why: w}", "one check"),
        ("{code: X, field: persons.birth_date, not_after: today, why: w}", "personal"),
        ("{code: X, field: persons.ticket.starts_on, not_after: today, why: w}", "inside an object"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(tmp_path: Path, rule: str, what: str) -> None:
    for folder in ("mappings", "schemas/quality"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / quality.RULES).write_text(f"rules:\n  - {rule}\n")
    documents = encode(batch(COMMON, [{ROOT: [flat(WHOLE)]}]), COMMON)
    with pytest.raises(Misconfigured, match=what):
        validate(documents, Content.find(tmp_path), TODAY)


def test_rows_keep_their_numbers() -> None:
    found = validate(encode(batch(COMMON, [{ROOT: [{"place": "x"}]}], first=41), COMMON), CONTENT, TODAY)
    assert {problem.row for problem in found} == {41}
