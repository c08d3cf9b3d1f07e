"""Is this record sound? The common JSON Schema, then the few rules that a schema cannot say.

What decides is a record's document as a whole, both its pieces together. Where the
batch is at hand that the documents were made of, its columns tell first which records
are surely sound (bridge.sound), and only the others' documents are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pyarrow as pa
import pyarrow.compute as pc

from bridge.batch import POSITION, ROOT, ROW, Batch
from bridge.content import Content
from bridge.document import whole
from bridge.errors import MASKED, Misconfigured, Problem
from bridge.mapping.yaml import plain, read_yaml
from bridge.shape import Field, Sensitivity, Shape, Type
from bridge.shapes import read_shape
from bridge.sound import Columns, columns_of

SCHEMA: Final = "common/seizure.json"
RULES: Final = "schemas/quality/record.yaml"
_SHOWN: Final = 60
"""Characters of an open field's value that a reason shows."""
_CHECKS: Final = {"not_after", "not_before", "at_least", "required_with"}

Entry = Mapping[str, Any]
Fault = tuple[str, str]
"""A field's name below its list, and what is wrong with it."""
Test = Callable[[Entry, str], Fault | None]
"""A rule as a function of one entry and today's date."""


def validate(documents: pa.Table, content: Content, today: date, batch: Batch | None = None) -> list[Problem]:
    """What is wrong with these common records, in their order; sound ones give nothing.

    Args:
        documents: DOCUMENTS; with ``_pos``, problems tell the position.
        today: the latest date on which a seizure can have been made; a month or year that holds it passes.
        batch: what the documents were made of; the same is found with it and without, sooner with it.

    Problem codes: SCHEMA (the common schema refuses the field), BAD_DATE (no such day), and those that
    schemas/quality/record.yaml declares, which are looked at only where the schema has nothing to refuse.

    Raises:
        Misconfigured: the rules name a field that the schema lacks, or a check that does not exist.
    """
    files = (content.path(f"schemas/{SCHEMA}"), content.path(RULES))
    check = _checker(content, *((file, file.stat().st_mtime_ns) for file in files))
    day = today.isoformat()
    if batch is not None and check.columns is not None:
        suspects = check.columns.suspects(batch) | check.may_break(batch, day)
        if not suspects:
            return []
        documents = documents.filter(pc.is_in(documents.column(ROW), value_set=pa.array(suspects, pa.int64())))
    rows = documents.column(ROW).to_pylist()
    positions = documents.column(POSITION).to_pylist() if POSITION in documents.column_names else [None] * len(rows)
    found = []
    for row, position, document in zip(rows, positions, whole(documents), strict=True):
        if check.sound(document):
            faults: Iterable[tuple[str, str, str, str]] = check.broken(document, day)
        else:
            faults = check.refused(document)
        for code, field, rule, reason in faults:
            found.append(Problem(row, -1 if position is None else position, code, field, rule, reason))
    return found


@dataclass(frozen=True, slots=True)
class _Rule:
    code: str
    list: str
    key: str
    """What an entry must have for the rule to say anything."""
    reads: tuple[str, ...]
    """Fields that the test looks at."""
    says: str
    test: Test
    why: str

    def broken_by(self, values: Sequence[Any], today: str) -> bool:
        """Whether an entry with these values in ``reads`` surely or possibly breaks the rule."""
        entry: dict[str, Any] = {}
        for name, value in zip(self.reads, values, strict=True):
            if value is not None:
                *parents, leaf = name.split(".")
                node = entry
                for key in parents:
                    node = node.setdefault(key, {})
                node[leaf] = value
        try:
            return self.key in entry and self.test(entry, today) is not None
        except (ArithmeticError, ValueError):  # no number, no date: the schema refuses it
            return True


@dataclass(frozen=True, slots=True)
class _Checker:
    shape: Shape
    sound: Callable[[Any], bool]
    errors: Callable[[Any], Iterable[jsonschema_rs.ValidationError]]
    rules: Mapping[str, Sequence[_Rule]]
    columns: Columns | None
    """None where the schema says more than columns can tell."""

    def may_break(self, batch: Batch, today: str) -> set[int]:
        """Numbers of the records that do not surely keep every rule."""
        found: set[int] = set()
        for name, rules in self.rules.items():
            if name not in batch.tables:
                continue
            table = batch.tables[name]
            for rule in rules:
                filled = [key for key in rule.reads if key in table.column_names]
                if all(table.column(key).null_count == len(table) for key in filled):
                    continue
                columns = [table.column(key) if key in filled else pa.nulls(len(table)) for key in rule.reads]
                # One column's distinct values are had without looking at each row.
                told = [pc.unique(columns[0])] if len(columns) == 1 else columns
                bad = {one for one in set(_side_by_side(told)) if rule.broken_by(one, today)}
                if bad:
                    numbered = zip(table.column(ROW).to_pylist(), _side_by_side(columns), strict=True)
                    found.update(row for row, values in numbered if values in bad)
        return found

    def refused(self, document: Entry) -> Iterator[tuple[str, str, str, str]]:
        """Everything that the schema refuses: code, field, rule, reason."""
        for error in self.errors(document):
            place = [str(part) for part in error.instance_path]
            missing = getattr(error.kind, "property", None)
            if missing is not None:
                place.append(missing)
            says = error.message
            if self._open(place) and not isinstance(error.instance, dict | list):
                says = says.replace(MASKED, json.dumps(error.instance, ensure_ascii=False)[:_SHOWN], 1)
            reason = f"{says[:300]}. Correct it at the source, or how the mapping fills it"
            yield "SCHEMA", ".".join(place), f"schema:{error.kind.name}", reason

    def broken(self, document: Entry, today: str) -> Sequence[tuple[str, str, str, str]]:
        """Every rule that a document broke which the schema accepts: code, field, rule, reason."""
        found = []
        for name, rules in self.rules.items():
            entries = (document,) if name == ROOT else document.get(name, ())
            for place, entry in enumerate(entries):
                for rule in rules:
                    if rule.key in entry and (fault := rule.test(entry, today)) is not None:
                        field = fault[0] if name == ROOT else f"{name}.{place}.{fault[0]}"
                        reason = f"{fault[1]}: {rule.why}. Correct it at the source, or how the mapping fills it"
                        found.append((rule.code, field, rule.says, reason))
        return found

    def _open(self, place: list[str]) -> bool:
        """Whether the value at this place may be shown."""
        field = self.shape.find(".".join(part for part in place if not part.isdecimal()))
        return field is not None and field.sensitivity is Sensitivity.NON_NOMINAL


def _side_by_side(columns: Sequence[pa.Array | pa.ChunkedArray]) -> Iterator[tuple[Any, ...]]:
    """The values of each row."""
    return zip(*(column.to_pylist() for column in columns), strict=True)


@lru_cache(maxsize=4)
def _checker(content: Content, *_versions: tuple[Path, int]) -> _Checker:
    schema = json.loads(content.path(f"schemas/{SCHEMA}").read_bytes())
    shape = read_shape(content, SCHEMA)
    validator = jsonschema_rs.validator_for(schema, mask=MASKED, validate_formats=True)
    rules: dict[str, list[_Rule]] = {}
    for rule in (*_calendar(shape), *_read(content.path(RULES), shape)):
        rules.setdefault(rule.list, []).append(rule)
    return _Checker(shape, validator.is_valid, validator.iter_errors, rules, columns_of(schema, shape))


def _calendar(shape: Shape) -> Iterator[_Rule]:
    """Every date must be a day that there was: the schema's pattern lets 30 February pass."""
    for field in shape:
        if field.type is Type.DATE:
            yield _Rule(
                "BAD_DATE",
                field.list,
                field.name.partition(".")[0],
                (field.name,),
                "calendar",
                _real_date(field.name),
                "there is no such day",
            )


def _real_date(name: str) -> Test:
    *parents, leaf = name.split(".")

    def test(entry: Entry, _: str) -> Fault | None:
        for key in parents:
            entry = entry.get(key, {})
        value = entry.get(leaf)
        return None if value is None or _is_date(value) else (name, f"{MASKED} is not in the calendar")

    return test


@lru_cache(maxsize=65536)
def _is_date(text: str) -> bool:
    """Whether a text that the schema's pattern accepts is a year, month or day of the calendar."""
    try:
        date.fromisoformat((text + "-01-01")[:10] if len(text) != 7 else f"{text}-01")
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def _below(one: str, other: str) -> bool:
    return Decimal(one) < Decimal(other)


def _read(path: Path, shape: Shape) -> Iterator[_Rule]:
    block, faults = read_yaml(path)
    for fault in faults:
        raise Misconfigured("BAD_RULES", f"{path}:{fault.line}", fault.what, fault.fix)
    said: Any = plain(block)
    for number, rule in enumerate(said.get("rules", ()), 1):
        where = f"{path}: rule {number}"
        checks = set(rule) - {"code", "field", "why"}
        if len(checks) != 1 or not checks <= _CHECKS or not {"code", "field", "why"} <= set(rule):
            fix = f"Give code, field, why and one of {', '.join(sorted(_CHECKS))}"
            raise Misconfigured("BAD_RULES", where, "a rule has a code, a field, one check and a reason", fix)
        check = checks.pop()
        name = rule["field"]
        beside = f"{name.rpartition('.')[0]}.{rule[check]}".strip(".")
        for one in (name, beside) if check in ("at_least", "required_with") else (name,):
            _refuse(where, shape.find(one), one)
        list_, _, leaf = name.rpartition(".")
        key = rule[check] if check == "required_with" else leaf
        reads = (leaf, rule[check]) if check in ("at_least", "required_with") else (leaf,)
        says = f"{check}:{rule[check]}"
        yield _Rule(rule["code"], list_, key, reads, says, _test(check, leaf, rule[check]), rule["why"])


def _refuse(where: str, field: Field | None, name: str) -> None:
    if field is None:
        raise Misconfigured("BAD_RULES", where, f"{SCHEMA} has no field {name}", "Correct the name")
    if "." in field.name:
        raise Misconfigured("BAD_RULES", where, f"{name} stands inside an object", "Rules are for fields of an entry")
    if field.sensitivity is not Sensitivity.NON_NOMINAL:
        raise Misconfigured(
            "BAD_RULES", where, f"{name} is personal, and a rule shows values", "Check it in the schema"
        )


def _test(check: str, name: str, value: str) -> Test:
    """The check as a plain function of one entry and today; values it shows are of open fields."""

    def not_after(entry: Entry, today: str) -> Fault | None:
        given = entry[name]
        # A month or year is in the future only if it began after today's.
        return (name, f"{given} is after {today}") if given > today[: len(given)] else None

    def not_before(entry: Entry, _: str) -> Fault | None:
        given = entry[name]
        return (name, f"{given} is before {value}") if given < value[: len(given)] else None

    def at_least(entry: Entry, _: str) -> Fault | None:
        given, other = entry[name], entry.get(value)
        if other is None or not _below(given, other):
            return None
        return name, f"{given} is less than {value}, which is {other}"

    def required_with(entry: Entry, _: str) -> Fault | None:
        return (name, f"{value} is given without it") if name not in entry else None

    return {"not_after": not_after, "not_before": not_before, "at_least": at_least, "required_with": required_with}[
        check
    ]
