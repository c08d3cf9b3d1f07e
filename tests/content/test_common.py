"""The common schema: sound, complete, and as personal as the policy says."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.content import Content
from bridge.mapping.codes import read_codes
from bridge.shape import Class, Sensitivity, Type
from bridge.shapes import read_shape

CONTENT = Content.find()
PATH = CONTENT.path("schemas/common/seizure.json")
SCHEMA: dict[str, Any] = json.loads(PATH.read_bytes())

# Field by field what the partner policy says of sensitivity: all are NON_NOMINAL but the ones listed.
FIELDS = {
    "": "bridge_id version record_status origin_system origin_record_id supplier_country supplier_service "
    "contact_person national_reference case_id operation_code report_type fraud_type information_quality "
    "handling_code seizure_status seizure_date seizure_country location_type place place_unlocode latitude "
    "longitude direction customs_procedure detection_method concealment_type concealment_details modus_operandi "
    "summary comment risk_indicators legal_basis",
    "goods": "commodity_group commodity_type description hs_code quantity unit net_weight_kg gross_weight_kg volume_m3 "
    "value_amount value_currency value_eur brand manufacturer genuine_or_counterfeit labels_warnings control_list_ref "
    "species_scientific cites_specimen_code serial_number isotope_activity purity_percent disposal",
    "conveyances": "mode conveyance_reference container_number vessel_name imo_number flag licence_plate carrier "
    "seals mrn",
    "route": "step role country place date",
    "persons": "involvement surname first_names maiden_name alias sex birth_date birth_place nationality address "
    "identity_document physical_characteristics warning suggested_action reason_for_inclusion",
    "nationality_count": "nationality count",
    "businesses": "involvement name registration_number address",
    "cash": "cash_type amount currency declared provenance intended_use",
    "attachments": "sha256 media_type content",
}
SENSITIVE = {
    "OFFICIAL_CONTACT": "contact_person",
    "FREE_TEXT": "concealment_details modus_operandi summary comment goods.description cash.provenance "
    "cash.intended_use attachments.content",
    "QUASI_NOMINAL": "goods.manufacturer goods.serial_number conveyances.vessel_name conveyances.licence_plate "
    "conveyances.carrier conveyances.mrn businesses.name businesses.registration_number businesses.address",
    "NOMINAL": "persons.involvement persons.surname persons.first_names persons.maiden_name persons.alias persons.sex "
    "persons.birth_date persons.birth_place persons.nationality persons.address persons.identity_document "
    "persons.physical_characteristics persons.warning persons.reason_for_inclusion",
}


def properties(node: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property with its path: structs and their members, lists' members by their list."""
    for name, child in node["properties"].items():
        path = f"{above}{name}"
        items = child.get("items", {})
        if items.get("type") == "object":
            yield from properties(items, f"{path}.")
            continue
        yield path, child
        if child["type"] == "object":
            yield from properties(child, f"{path}.")


ALL = dict(properties(SCHEMA))
LEAVES = {path: node for path, node in ALL.items() if node["type"] != "object"}


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_of_the_policy_has_its_place_and_its_sensitivity() -> None:
    wanted = {
        f"{list_}.{name}" if list_ else name: "NON_NOMINAL" for list_, names in FIELDS.items() for name in names.split()
    }
    for sensitivity, paths in SENSITIVE.items():
        wanted |= dict.fromkeys(paths.split(), sensitivity)
    assert len(wanted) == 101  # the policy's 100 fields, its nationality_count being two
    assert {path: ALL[path]["x-sensitivity"] for path in wanted if path in ALL} == wanted


def test_what_is_about_persons_is_of_class_person() -> None:
    about_persons = {path for path in ALL if path.startswith("persons.")}
    # What the supplier asks others to do about a person (Art. 27) needs the ground that the person needs.
    assert {path for path, node in ALL.items() if node["x-class"] == "person"} == about_persons | {
        "actions.requested_action"
    }


def test_no_field_holds_a_special_category() -> None:
    assert not [path for path, node in ALL.items() if node["x-sensitivity"] == "SPECIAL_CATEGORY"]


@pytest.mark.parametrize("path", LEAVES)
def test_a_property_says_all_that_others_rely_on(path: str) -> None:
    node = LEAVES[path]
    assert node["title"]
    assert node["description"].endswith(".")
    assert Class(node["x-class"])
    assert Sensitivity(node["x-sensitivity"])
    assert Type(node["x-type"])
    assert node["x-cite"]
    assert len(node["examples"]) == 1
    jsonschema.Draft202012Validator(node).validate(node["examples"][0])
    if node["x-type"] in ("date", "datetime", "decimal"):
        assert node["type"] == "string"
        assert node["pattern"]


def test_nothing_unknown_is_let_in_anywhere() -> None:
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if node.get("type") == "object":
                yield node
            for child in node.values():
                yield from objects(child)

    found = list(objects(SCHEMA))
    assert len(found) > 10
    assert all(node["additionalProperties"] is False for node in found)


def test_few_fields_are_required() -> None:
    assert SCHEMA["required"] == [
        "origin_system",
        "origin_record_id",
        "record_status",
        "seizure_date",
        "seizure_country",
    ]


def test_every_item_of_the_regulation_has_one_home() -> None:
    with PATH.parents[1].joinpath("cis/items.csv").open(encoding="utf-8", newline="") as file:
        items = [_item(row) for row in csv.DictReader(file)]
    homes = [item for node in LEAVES.values() for item in node.get("x-items", ())]
    assert len(items) == 178
    assert sorted(homes) == sorted(items)


def _item(row: dict[str, str]) -> str:
    section = row["section"].split()[0]
    group = row["group"]
    where = group if re.match(r"6\.", group) else f"{section} {group}" if group else section
    return f"{where}: {row['item']}"


def test_code_lists_end_in_values_the_schema_allows() -> None:
    held = 0
    for path, node in LEAVES.items():
        codes = node.get("enum") or node.get("items", {}).get("enum")
        listed = read_codes(CONTENT, node["x-codes"]) if codes and "x-codes" in node else None
        if listed is None:
            continue
        held += 1
        assert set(listed.targets) == set(codes), path
    assert held >= 20


def test_the_engine_reads_every_field() -> None:
    shape = read_shape(CONTENT, "common/seizure.json")
    assert [field.path for field in shape] == list(LEAVES)
    assert shape.find("persons.address.city") is not None
    assert not any(shape.lists.values())


GOOD_DATES = ["2026", "2026-01", "2026-01-31", "1999-12"]
BAD_DATES = ["26", "2026-13", "2026-1", "2026-01-32", "2026-01-1", "01/02/2026", "2026-01-31T00:00:00Z", "", "२०२६"]
GOOD_DECIMALS = ["0", "-3", "12.5", "0.001", "1000000000000000000000.1"]
BAD_DECIMALS = ["", "+1", "1.", ".5", "1.50", "01", "1e3", "NaN", "1,5", "-", "٣"]


@pytest.mark.parametrize(("path", "good", "bad"), [
    ("seizure_date", GOOD_DATES, BAD_DATES),
    ("goods.reported_quantity", GOOD_DECIMALS, BAD_DECIMALS),
    ("goods.quantity", ["1", "0.5", "120"], [*BAD_DECIMALS, "0", "-1", "0.0"]),
    ("goods.net_weight_kg", ["0", "1.5"], ["-1", "-0.5", "1.0"]),
    ("goods.purity_percent", ["0", "99.9", "100"], ["100.1", "101", "-1", "1000"]),
    ("latitude", ["90", "-90", "0", "-0.5", "51.2167"], ["90.1", "91", "-091", "+1", "100"]),
    ("longitude", ["180", "-180", "0", "179.9", "-0.25"], ["180.5", "181", "200", "1.50"]),
    ("conveyances.imo_number", ["9074729"], ["907472", "IMO9074729"]),
    ("goods.hs_code", ["2402", "240220", "24022090", "2402209000"], ["24", "24022", "2402.20", ""]),
])  # fmt: skip
def test_patterns_take_canonical_text_only(path: str, good: list[str], bad: list[str]) -> None:
    check = jsonschema.Draft202012Validator(LEAVES[path])
    assert [text for text in good if not check.is_valid(text)] == []
    assert [text for text in bad if check.is_valid(text)] == []


def test_the_sample_of_a_share_is_a_valid_record() -> None:
    sample = Path(CONTENT.path("mappings/cen/samples/lorry.json"))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(sample.read_bytes()))
