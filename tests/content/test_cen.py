"""The CEN profile, its mappings both ways, and that nothing personal has a place in what goes there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.batch import Batch
from bridge.content import Content
from bridge.mapping import Mapping, Severity, check, forward, load
from bridge.mapping.codes import read_codes
from bridge.mapping.samples import batch_of, json_record, read_sample
from bridge.release import release
from bridge.shape import Sensitivity, Shape
from bridge.shapes import read_shape

CONTENT = Content.find()
SAMPLES = sorted(CONTENT.path("mappings/cen/samples/tobacco.xml").parent.glob("*.xml"))
LONG = etree.XMLSchema(etree.parse(CONTENT.path("schemas/cen/cen.xsd")))
SIMPLIFIED = etree.XMLSchema(etree.parse(CONTENT.path("schemas/cen/cen-simplified.xsd")))
RECORD = "/CEN/Seizure"
GROUPS = {"DRG", "PRE", "TOB", "ALC", "TAX", "CIT", "ENV", "IPR", "MED", "WEA", "STR", "CUR", "CUL", "OTH"}


@pytest.fixture(scope="module")
def collect() -> Mapping:
    return load(CONTENT, "cen", "collect")


@pytest.fixture(scope="module")
def share() -> Mapping:
    return load(CONTENT, "cen", "share")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_valid(sample: Path) -> None:
    document = etree.parse(sample)
    LONG.assertValid(document)
    assert SIMPLIFIED.validate(document) == (document.findtext("Seizure/Form") == "SIMPLIFIED")


def test_there_is_a_sample_of_every_group_and_form() -> None:
    documents = [etree.parse(sample) for sample in SAMPLES]
    assert {group.text for document in documents for group in document.iter("Group")} == GROUPS
    assert {document.findtext("Seizure/Form") for document in documents} == {"LONG", "SIMPLIFIED"}


def test_the_profile_says_that_it_is_unofficial() -> None:
    for name in ("cen.xsd", "cen-simplified.xsd"):
        text = CONTENT.path(f"schemas/cen/{name}").read_text(encoding="utf-8")
        assert "Unofficial" in text
        assert 'status="unofficial"' in text


def test_cen_has_no_field_for_a_person() -> None:
    shape = read_shape(CONTENT, "cen/cen.xsd", RECORD)
    personal = {f.path for f in shape if f.sensitivity in (Sensitivity.NOMINAL, Sensitivity.SPECIAL_CATEGORY)}
    assert not personal
    assert not [f.path for f in shape if re.search("(?i)plate|surname|birth|passport|phone|person", f.path)]


def test_every_field_is_annotated() -> None:
    long, simplified = (read_shape(CONTENT, f"cen/{name}", RECORD) for name in ("cen.xsd", "cen-simplified.xsd"))
    free = {f.path for f in long if f.sensitivity is Sensitivity.FREE_TEXT}
    assert free == {"ConcealmentText", "ModusOperandi", "Narrative", "Goods/Item/Description", "Photos/Photo/File"}
    assert all(f.description for f in long)
    assert {f.path for f in simplified} < {f.path for f in long}


def test_codes_that_the_schema_lists_have_rows(collect: Mapping) -> None:
    listed = {rule.codes for _, _, rule in collect.spec.rules_of() if rule.codes}
    assert len(listed) >= 20
    lists = {name: read_codes(CONTENT, name) for name in listed}
    assert [name for name, codes in lists.items() if codes is None or codes.faults] == []
    assert set(lists["commodity_group"].rows) == GROUPS  # type: ignore[union-attr]  # none is None, as just seen


@pytest.mark.parametrize("direction", ["collect", "share"])
def test_mappings_have_no_fault(direction: Any) -> None:
    found = check(load(CONTENT, "cen", direction))
    assert [str(one) for one in found if one.severity is Severity.ERROR] == []
    assert {one.code for one in found} <= {"M011"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_become_common_records(collect: Mapping, sample: Path) -> None:
    mapped = forward(collect, read_sample(sample, collect.source_shape, RECORD))
    assert mapped.problems == []
    assert len(mapped.batch) == 1
    assert mapped.batch.root.column("seen_by").to_pylist() == [["CEN"]]


def full_record(shape: Shape) -> dict[str, Any]:
    """A common record in which every field has its example, and each sensitive text says its own path."""
    record: dict[str, Any] = {}
    for field in shape:
        value: Any = (
            field.example
            if field.type in ("text", "code", "date", "datetime", "decimal")
            else json.loads(field.example)
        )
        if field.sensitivity is not Sensitivity.NON_NOMINAL and field.type == "text" and not field.pattern:
            value = f"secret {field.path}"[: field.max_length]
        if field.sensitivity is not Sensitivity.NON_NOMINAL and field.type == "list":
            value = [f"secret {field.path}"]
        at = record.setdefault(field.list, [{}])[0] if field.list else record
        *above, name = field.name.split(".")
        for part in above:
            at = at.setdefault(part, {})
        at[name] = value
    return record | {"origin_system": "CIS", "seen_by": ["CIS"], "handling_code": "H0"}


def shared(mapping: Mapping, record: dict[str, Any]) -> tuple[Batch, list[str]]:
    """What goes to CEN of one common record, and the codes it is withheld by."""
    shape = mapping.source_shape
    batch = batch_of([json_record(record, shape)], shape, "test")
    released = release(mapping.release, shape, batch)
    mapped = forward(mapping, released.batch)
    assert mapped.problems == []
    return mapped.batch, released.withheld.column("rule").to_pylist()


def values(batch: Batch) -> str:
    return "\n".join(json.dumps(table.to_pylist(), default=str, ensure_ascii=False) for table in batch.tables.values())


def test_no_value_above_non_nominal_reaches_cen(share: Mapping) -> None:
    record = full_record(share.source_shape)
    assert record["persons"][0]["surname"] == "secret persons.surname"
    batch, withheld = shared(share, record)
    assert withheld == []
    assert len(batch) == 1
    text = values(batch)
    assert "secret" not in text
    for person in ("1980-02", "EX0000000", "Exampleville", "SIGHTING_REPORTING"):
        assert person not in text
    assert "CIGARETTES" in text
    assert "CSQU3054383" in text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"origin_system": "CEN"}, "ORIGIN_CEN"),
        ({"seen_by": ["CIS", "CEN"]}, "ORIGIN_CEN"),
        ({"handling_code": "H2"}, "NO_AUTHORISATION"),
        ({"handling_code": "H3"}, "NO_AUTHORISATION"),
        ({"recipients": ["CIS"]}, "NOT_A_RECIPIENT"),
        ({"goods": [{"commodity_group": "TOB"}, {"commodity_group": "DRG"}]}, "NOT_TOBACCO"),
    ],
)
def test_records_that_must_not_leave_are_withheld(share: Mapping, change: dict[str, Any], code: str) -> None:
    batch, withheld = shared(share, full_record(share.source_shape) | change)
    assert (len(batch), withheld) == (0, [code])
