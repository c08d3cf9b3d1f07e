# ruff: noqa: E501 -- each message stands on one line, as it is told
"""One broken mapping for each finding, and the exact words in which it is told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.errors import Misconfigured
from bridge.mapping import Severity, check, load_versions, refuse_findings, summary
from bridge.mapping.findings import FINDINGS
from bridge.mapping.review import approve
from tests.mapping.world import PERSONAL, TEXT, World, item

FILE = "mappings/here/collect.yaml"
SOURCE: dict[str, Any] = {
    "ref*": TEXT, "day*": TEXT, "country*": {"type": "string", "enum": ["TR", "FR"]}, "surname": {**TEXT, **PERSONAL},
    "signs": {"type": "array", "items": TEXT}, "note": {**TEXT, "maxLength": 40}, "mark": {**TEXT, "examples": ["no 7"]},
    "land": {"type": "string", "enum": ["TR", "DE"]}, "goods": item(kind=TEXT, amount=TEXT, unit=TEXT),
}  # fmt: skip
TARGET: dict[str, Any] = {
    "id*": TEXT, "on*": {"type": "string", "x-type": "date"}, "country*": {"type": "string", "enum": ["TR", "FR"]},
    "who": {**TEXT, **PERSONAL}, "count": {"type": "integer"}, "sure": {"type": "boolean"},
    "note": {**TEXT, "maxLength": 20}, "mark": {**TEXT, "pattern": "^[A-Z][0-9]$"},
    "lines": item(kind=TEXT, amount={"type": "string", "x-type": "decimal"}),
}  # fmt: skip
RULES = {
    "id": "{from: ref}",
    "on": '{from: day, date: "%d/%m/%Y"}',
    "country": "{from: country, codes: country}",
    "lines": "{each: goods, map: {kind: {from: kind}, amount: {from: amount, number: '.', unit: unit, codes: unit}}}",
}
IGNORE = dict.fromkeys(("surname", "signs", "note", "mark", "land"), "{why: not needed}")
ABSENT = dict.fromkeys(("who", "count", "sure", "note", "mark"), "{why: not given}")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made_world(tmp_path)


def made_world(tmp_path: Path) -> World:
    """A content root with a sound mapping's schemas, lists and sample."""
    made = World(tmp_path, SOURCE, TARGET)
    made.codes("country", "TR,TR,exact", "FR,FR,exact")
    made.codes("unit", "KG,KGM,exact", "LB,KGM,unit:0.45359237")
    (made.root / "mappings" / "here" / "samples" / "one.json").write_text(
        '{"ref": "a", "day": "09/03/2025", "country": "TR"}'
    )
    return made


def found(
    world: World, rules: dict[str, str | None] | None = None, *, ignore: dict[str, str | None] | None = None,
    absent: dict[str, str | None] | None = None, more: str = "",
) -> list[str]:  # fmt: skip
    """What check() says of the sound mapping with these changes; None takes a line out."""
    write(world, rules or {}, ignore or {}, absent or {}, more)
    return [str(one) for one in check(world.load())]


def write(
    world: World, rules: dict[str, str | None], ignore: dict[str, str | None], absent: dict[str, str | None], more: str
) -> None:
    sections = [{**RULES, **rules}, {**IGNORE, **ignore}, {**ABSENT, **absent}]
    texts = ["\n".join(f"{name}: {said}" for name, said in one.items() if said is not None) for one in sections]
    below = [
        f"{name}:\n  " + text.replace("\n", "\n  ") for name, text in zip(("ignore", "absent"), texts[1:], strict=True)
    ]
    world.write(texts[0], "\n".join([*below, more]))


def test_the_sound_mapping_has_no_finding_and_both_sums_agree(world: World) -> None:
    assert found(world) == []
    assert str(summary(world.load())) == "source 6 mapped + 5 ignored of 11; target 5 mapped + 5 absent of 10"
    refuse_findings(world.load())


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("M000", {"ignore": {"signs": None}}, ":1: M000 signs: source field neither mapped nor ignored. Map it, or say in ignore: why not."),
    ("M001", {"rules": {"id": "{from: reff}"}}, ":8: M001 id: no such source field reff; did you mean ref?"),
    (
        "M001",
        {"rules": {"lines": "{each: godos, map: {kind: {from: kind}}}"}},
        ":11: M001 lines: no such source field godos; did you mean goods?",
    ),
    (
        "M001",
        {"rules": {"id": "{from: ref, when: {goods.kindd: present}}"}},
        ":8: M001 id: no such source field goods.kindd; did you mean goods.kind?",
    ),
    ("M002", {"rules": {"idd": "{from: ref}"}}, ":12: M002 idd: no such target field; did you mean id?"),
    (
        "M002",
        {"rules": {"lins": "{each: goods, map: {kind: {from: kind}}}"}},
        ":12: M002 lins: no such target field; did you mean lines?",
    ),
    ("M003", {"ignore": {"gone": "{why: x}"}}, ":18: M003 gone: ignore: names no field of source.json. Delete the line."),
    ("M003", {"absent": {"gone.*": "{why: x}"}}, ":24: M003 gone.*: absent: names no field of target.json. Delete the line."),
    ("M004", {"ignore": {"ref": "{why: x}"}}, ":18: M004 ref: said to be ignored, yet it is mapped on line 8. Delete one of the two."),
    (
        "M004",
        {"absent": {"lines.*": "{why: x}"}},
        ":24: M004 lines.*: said to be absent, yet lines.kind is mapped on line 11 and 1 more of them. Delete it.",
    ),
    ("M005", {"absent": {"count": None}}, ":1: M005 count: target field neither mapped nor absent. Map it, or say in absent: why not."),
    (
        "M010",
        {"rules": {"on": "{from: day}"}},
        ":9: M010 on: day gives text, on wants a date. Say date:.",
    ),
    (
        "M010",
        {"rules": {"sure": "{from: day}"}, "absent": {"sure": None}},
        ":12: M010 sure: day gives text, sure wants true or false. Say codes:.",
    ),
    (
        "M010",
        {"rules": {"count": "{from: day, date: iso}"}, "absent": {"count": None}},
        ":12: M010 count: day gives a date, count wants a whole number. Say number:.",
    ),
    (
        "M010",
        {"rules": {"on": "{from: day, date: start}"}},
        ":9: M010 on: day gives text, on wants a canonical date before start or precision. Say date:.",
    ),
    (
        "M011",
        {"rules": {"id": "{from: goods.kind, take: first}"}, "ignore": {"ref": "{why: x}"}},
        ":8: M011 id: required, but goods.kind may be missing. Say default:, or hold: and why such records are held.",
    ),
    (
        "M011",
        {"rules": {"id": "{from: ref, when: {signs: [x]}}"}, "ignore": {"signs": None}},
        ":8: M011 id: required, but ref when signs x may be missing. Say default:, or hold: and why such records are held.",
    ),
    (
        "M012",
        {"rules": {"id": "{from: goods.kind}"}, "ignore": {"ref": "{why: x}"}},
        ":8: M012 id: goods.kind gives several values, id takes one. Say take: or join:.",
    ),
    ("M013", {"rules": {"id": None}, "absent": {"id": "{why: x}"}, "ignore": {"ref": "{why: x}"}}, ":24: M013 id: required, but it is said to be absent. Map it, or no record will pass."),
    (
        "M014",
        {"rules": {"id": "{text: trim}"}, "ignore": {"ref": "{why: x}"}},
        ":8: M014 id: a rule begins with one word, here is nothing. Say one of from, first_of, concat, const, hash, index, or a fiscal date.",
    ),
    (
        "M014",
        {"rules": {"id": "{from: ref, const: x}"}},
        ":8: M014 id: a rule begins with one word, here is from and const. Say one of from, first_of, concat, const, hash, index, or a fiscal date.",
    ),
    ("M014", {"rules": {"id": "{from: ref, join: x}"}}, ":8: M014 id: take and join choose among several values, and here is one. Delete it."),
    ("M014", {"rules": {"on": '{from: day, date: "%d/%m/%y"}'}}, ":9: M014 on: %d/%m/%y is no form of a date: the year has two digits; say pivot: 1950 if they are 1950 to 2049. Write one such as %d/%m/%Y."),
    ("M014", {"more": "group_by: {key: [ref], conflict: hold}"}, ":24: M014 group_by: rows are grouped only where the source is flat. Use each: instead."),
    ("M014", {"rules": {"id": "{from: ref, zone: Europe/Nowhere}"}}, ":8: M014 id: zone Europe/Nowhere is unknown, or stands without datetime:. Write one such as Europe/Brussels."),
    ("M050", {"rules": {"id": "{hash: {of: [ref]}}"}}, ":8: M050 id: cannot be turned back: a hash cannot be turned back. Say one_way: and what is lost, or change the rule."),
    ("M050", {"rules": {"lines": "{each: goods, when: {kind: present}, map: {kind: {from: kind}, amount: {from: amount, number: '.', unit: unit, codes: unit}}}"}}, ":11: M050 lines: cannot be turned back: nothing takes an entry with kind absent. Say one_way: and what is lost, or change the rule."),
    ("M051", {"rules": {"id": "{from: ref, one_way: it is}"}}, ":8: M051 id: one_way is said, yet nothing is lost on the way. Delete one_way:."),
    ("M052", {"rules": {"id": "{from: ref, use: goods.id}"}}, ":8: M052 id: goods.id: no such file below {root}. Correct the path, or add the file."),
    ("M060", {"more": "examples: [{name: a day, given: one.json, then: {on: 2025-03-10}}]"}, ':24: M060 example "a day": on is 2025-03-09, not 2025-03-10. Correct the mapping or the example.'),
    ("M060", {"more": "examples: [{name: none, given: two.json, then: {on: 2025-03-10}}]"}, ':24: M060 example "none": mappings/here/samples/two.json: no such file below {root}. Correct the mapping or the example.'),
    (
        "M060",
        {"more": "examples: [{name: held, given: {like: one.json, set: {country: XX}}, held: MISSING at id}]"},
        ':24: M060 example "held": MISSING at id does not hold it, but UNKNOWN_CODE at country. Correct the mapping or the example.',
    ),
    (
        "M060",
        {"more": "examples: [{name: held, given: {like: one.json, set: {day: 2025}}, then: {id: a}}]"},
        ':24: M060 example "held": held: BAD_DATE at on: day: "2025" is no date of the form %d/%m/%Y; correct it at the source, or name its form in date:. Correct the mapping or the example.',
    ),
    (
        "M014",
        {"rules": {"id": "{from: ref, hold: it has always been there}"}},
        ":8: M014 id: hold: says why records without a value are held, and none can be. Delete hold:.",
    ),
    (
        "M014",
        {"more": "effective: {from: 2026-02-01, to: 2026-01-31}"},
        ":24: M014 effective: it ends before it begins. Correct from: or to:.",
    ),
    (
        "M014",
        {"more": "drift: {new: warn}"},
        ":1: M014 drift.new: without a header, a record with a new field is read with it or not at all. Say hold or stop.",
    ),
    (
        "M015",
        {"rules": {"note": "{from: note}"}, "absent": {"note": None}, "ignore": {"note": None}},
        ":12: M015 note: note may have 40 characters, note keeps 20. Say hold: and why longer ones are held.",
    ),
    (
        "M016",
        {"rules": {"mark": "{from: mark}"}, "absent": {"mark": None}, "ignore": {"mark": None}},
        ":12: M016 mark: the schema's example of mark, no 7, does not fit: it is not of the form ^[A-Z][0-9]$. Say how it becomes one that does.",
    ),
    (
        "M021",
        {"rules": {"country": "{from: land}"}, "ignore": {"land": None, "country": "{why: x}"}},
        ":10: M021 country: land may be DE, which country does not allow (DE is not allowed here). Correct it.",
    ),
    ("M060", {"more": "examples: [{name: whole, given: one.json, whole: gone.json}]"}, ':24: M060 example "whole": there is no samples/gone.json: bridge check --fix writes it as the record is now. Correct the mapping or the example.'),
    ("M070", {"rules": {"id": "{from: ref, suggested: named like it}"}}, ":8: M070 id: suggested and confirmed by nobody: named like it. Look at it; then bridge confirm here."),
    ("M103", {"rules": {"id": "{form: ref}"}}, ":8: M103 map.id: form is no word here. Did you mean from?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "changes", "line"), CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_a_broken_mapping_is_told_in_these_words(world: World, code: str, changes: dict[str, Any], line: str) -> None:
    expected = FILE + line.replace("{root}", str(world.root))
    said = found(world, changes.get("rules"), **{name: one for name, one in changes.items() if name != "rules"})
    assert expected in said
    assert {one.split()[1] for one in said} >= {code}


# --- code lists --------------------------------------------------------------------------------------------------------

HEAD = "source,target,relation,why,reviewed_by,reviewed_on,valid_from,valid_to"
REVIEW = "office,2026-01-31"
LIST_CASES: list[tuple[str, str, str | None, str]] = [
    ("M020", "country", "TR,TR,exact,,{review},,", f"{FILE}:10: M020 country: code FR of country is not in codes/country.csv. Add a row, with relation none if it has no counterpart."),
    ("M021", "country", "TR,TR,exact,,{review},,\nFR,XF,exact,,{review},,", f'{FILE}:10: M021 country: codes/country.csv: FR -> XF, which country does not allow (XF is not allowed here). Correct it.'),
    ("M023", "country", None, f"{FILE}:10: M023 country: there is no mappings/codes/country.csv. Write it, or correct the name."),
    ("M022", "unit", "KG,KGM,exact", "mappings/codes/unit.csv:2: M022 the file: 3 cells under 8 headings. Quote cells that hold a comma."),
    ("M022", "unit", "KG,,,seen 9 times,,,,", "mappings/codes/unit.csv:2: M022 KG: nobody has said what it means. Write its target and one of exact, alias, renamed, broader, narrower, none, unit:<factor>; none, without a target, says that it has no counterpart."),
    ("M022", "unit", "KG,KGM,same,,{review},,", "mappings/codes/unit.csv:2: M022 KG: same is no relation. Write one of exact, alias, renamed, broader, narrower, none, unit:<factor>."),
    ("M022", "unit", "KG,KGM,unit:1e3,,{review},,", "mappings/codes/unit.csv:2: M022 KG: unit:1e3 names no factor. Write a plain number above zero after unit:."),
    ("M022", "unit", "KG,KGM,none,x,{review},,", "mappings/codes/unit.csv:2: M022 KG: a row has a target if and only if its relation is not none. Fill or empty the target."),
    ("M022", "unit", "KG,,none,,{review},,", "mappings/codes/unit.csv:2: M022 KG: a row with relation none says why. Give the reason in one sentence."),
    ("M022", "unit", "KG,KGM,exact,,,,,", "mappings/codes/unit.csv:2: M022 KG: nobody has reviewed the row on a day. Look at it; then bridge confirm SYSTEM codes --by NAME, or fill reviewed_by and reviewed_on (2026-01-31)."),
    ("M022", "unit", "KG,KGM,exact,,{review},2024-02-30,", "mappings/codes/unit.csv:2: M022 KG: 2024-02-30 is no day. Write valid_from as 2026-01-31, or leave it empty."),
    ("M022", "unit", "KG,KGM,exact,,{review},2025-01-01,2024-01-01", "mappings/codes/unit.csv:2: M022 KG: it ends before it begins. Correct valid_from or valid_to."),
    ("M022", "unit", "KG,KGM,exact,,{review},,\nKG,GRM,exact,,{review},2024-01-01,", "mappings/codes/unit.csv:3: M022 KG: KG has another row for the same time. Keep one, or date them apart."),
    ("M053", "unit", "KG,KILO,exact,,{review},,", "mappings/codes/unit.csv:2: M053 KG: KILO is no unit of measure. Write a code of UNECE Recommendation 20, such as KGM."),
    ("M024", "unit", "KG,KGM,exact,,{review},2024-01-01,", f"{FILE}:11: M024 lines.amount: rows of codes/unit.csv hold for a time only, and nothing says when the event was. Say codes_on:."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "name", "rows", "line"), LIST_CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(LIST_CASES)]
)
def test_a_broken_code_list_is_told_in_these_words(
    world: World, code: str, name: str, rows: str | None, line: str
) -> None:
    path = world.root / "mappings" / "codes" / f"{name}.csv"
    if rows is None:
        path.unlink()
    else:
        path.write_text(f"{HEAD}\n{rows.replace('{review}', REVIEW)}\n")
    said = found(world)
    assert line in said
    assert {one.split()[1] for one in said} == {code}


def test_headings_and_look_ups_are_checked_too(world: World) -> None:
    path = world.root / "mappings" / "codes" / "unit.csv"
    path.write_text("source,target,relation\nKG,KGM,exact\n")
    assert f"mappings/codes/unit.csv:1: M022 the file: its headings are source,target,relation. Write {HEAD}." in found(
        world
    )
    path.write_text(f"{HEAD}\nKG,KGM,exact,,{REVIEW},,\n")
    world.codes("place", "a,TR", "b,XX", headings="source,land")
    said = found(world, {"country": "{from: country, lookup: place.land}"})
    assert (
        f"{FILE}:10: M021 country: codes/place.csv: b -> XX, which country does not allow (XX is not allowed here). Correct it."
        in said
    )
    said = found(world, {"country": "{from: country, lookup: place.town}"})
    assert "mappings/codes/place.csv:1: M022 the file: it has no column town beside source. Name one of land." in said


def test_an_example_may_expect_a_row_out_of_scope(world: World) -> None:
    more = "scope: {country: [FR]}\nexamples: [{name: not ours, given: one.json, out_of_scope: scope.country}]"
    assert found(world, more=more) == []
    more = more.replace("[FR]", "[TR]")
    assert found(world, more=more) == [
        f'{FILE}:25: M060 example "not ours": scope.country leaves no row out of scope. Correct the mapping or the example.'
    ]


# --- what leaves, and what is personal -----------------------------------------------------------------------------------

RELEASE = "release: {partner: There, basis: Art. 1, allow: {event: Art. 1}, cap: [NON_NOMINAL], withdraw: delete}"
RELEASE_CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "M041",
        {"rules": {"id": "{concat: [ref, surname]}"}, "ignore": {"surname": None}},
        f"{FILE}:8: M041 id: surname is person data, and id is declared event: map it elsewhere, or declare surname as event in its schema, if it never holds person data, or id as what it holds.",
    ),
    (
        "M040",
        {"rules": {"who": "{from: surname}"}, "absent": {"who": None}, "ignore": {"surname": None}, "more": RELEASE},
        f"{FILE}:12: M040 who: surname is person data: no legal ground is given for There. Give one in release.allow, or ignore the field.",
    ),
    (
        "M042",
        {
            "rules": {"who": "{from: surname}"}, "absent": {"who": None}, "ignore": {"surname": None},
            "more": RELEASE.replace("event: Art. 1", "event: Art. 1, person: Art. 2"),
        },
        f"{FILE}:12: M042 who: surname is NOMINAL, which release.cap does not let leave. Ignore the field, or have the cap decided anew.",
    ),
    (
        "M043",
        {"more": RELEASE.replace("withdraw", "withhold: [{code: X, when: {reff: present}, why: x}], withdraw")},
        f"{FILE}:24: M043 reff: release looks at reff, which source.json lacks. Correct the name.",
    ),
    (
        "M044",
        {"more": RELEASE.replace("[NON_NOMINAL]", "[NON_NOMINAL, NOMINAL]")},
        f"{FILE}:24: M044 release: release.cap has NOMINAL, and release.nominal does not say when persons may leave, so none ever do. "
        "Give release.nominal, or take NOMINAL out of the cap.",
    ),
    (
        "M045",
        {"more": RELEASE.replace("withdraw", "scan: [ref], withdraw")},
        f"{FILE}:24: M045 ref: release.scan lists ref, which is not free text. Take it out.",
    ),
    (
        "M046",
        {"more": RELEASE.replace("[NON_NOMINAL]", "[SPECIAL_CATEGORY]")},
        f"{FILE}:24: M046 release: special categories of data leave under no policy: Reg. (EC) No 515/97, Art. 25(5). Take them out of release.",
    ),
    (
        "M047",
        {
            "source": {"handling_code": {**TEXT, "enum": ["H0", "H2", "H3"]}}, "more": RELEASE,
            "ignore": {"handling_code": "{why: told by no rule}"},
        },
        f"{FILE}:25: M047 release: records handled as H2 or H3 would leave without their supplier's word. Write "
        "{code: NO_AUTHORISATION, when: {handling_code: [H2, H3]}, unless: authorised, why: ...} in release.withhold.",
    ),
    (
        "M048",
        {
            "source": {"recipients": {**TEXT, "type": "array", "items": {"type": "string"}, "x-type": "list"}}, "more": RELEASE,
            "ignore": {"recipients": "{why: told by no rule}"},
        },
        f"{FILE}:25: M048 release: records would leave for this partner though their supplier named others to receive them. Write "
        "{code: NOT_A_RECIPIENT, when: {recipients: present}, unless: {recipients: [...]}, why: ...} in release.withhold.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "changes", "line"), RELEASE_CASES, ids=[case[0] for case in RELEASE_CASES])
def test_what_a_lawyer_would_refuse_is_told_in_these_words(
    world: World, code: str, changes: dict[str, Any], line: str
) -> None:
    world.schema("source", {**SOURCE, **changes.get("source", {})})
    more = {name: one for name, one in changes.items() if name not in ("rules", "source")}
    said = found(world, changes.get("rules"), **more)
    assert line in said
    assert code in {one.split()[1] for one in said}


def test_free_text_may_become_a_code_or_a_number_but_not_an_open_text(world: World) -> None:
    open_text = {**TEXT, "x-class": "free_text", "x-sensitivity": "FREE_TEXT"}
    world.schema("source", {**SOURCE, "country*": open_text, "day*": open_text, "ref*": open_text})
    assert found(world) == [
        f"{FILE}:8: M041 id: ref is free_text data, and id is declared event: map it elsewhere, or declare ref as event in its "
        "schema, if it never holds free_text data, or id as what it holds."
    ]


def test_a_field_that_the_exchange_fills_is_no_mappings_business(world: World) -> None:
    world.schema("target", {**TARGET, "bridge_id": {**TEXT, "x-assigned": "exchange"}})
    assert found(world) == []
    assert f"{FILE}:12: M006 bridge_id: no mapping fills this field; the exchange does. Delete the rule." in found(
        world, {"bridge_id": "{from: ref}"}
    )


# --- the file itself -----------------------------------------------------------------------------------------------------

FILE_CASES: list[tuple[str, str, str, str]] = [
    ("M100", "version: 1.0.0", "version: [1.0.0", "{file}:3: M100 not YAML: did not find expected ',' or ']'. Correct the line or the one before."),
    ("M101", "  id: ", "  id: {const: x}\n  id: ", "{file}:9: M101 map.id: id is already said on line 8. Keep one of the two."),
    ("M102", "version: 1.0.0", "version: &v 1.0.0\nstatus: *v", "{file}:3: M102 status: an alias (*name) is used. Write the value out where it is meant."),
    ("M102", "  id: ", "  <<: {who: {from: surname}}\n  id: ", "{file}:8: M102 map: a merge key (<<) is used. Write the values out."),
    ("M102", "signs: {why: not needed}", "signs: {why: not needed, and not wanted}", "{file}:14: M102 ignore.signs: a comma ends the text before and not wanted. Put the whole text in quotes."),
    ("M102", "{from: ref}", "{from: ref, default: null}", "{file}:8: M102 map.id.default: null would be a text here, and other readers of YAML take it for nothing. Put it in quotes, or leave the name out."),
    ("M103", "version: 1.0.0\n", "", "{file}:1: M103 the file: version is not said. Add version:."),
    ("M103", "version: 1.0.0", "version: 1.0", "{file}:2: M103 version: 1.0 is not understood. Its form is ^[0-9]+\\.[0-9]+\\.[0-9]+$."),
    ("M103", "{from: ref}", "{from: ref, take: any}", "{file}:8: M103 map.id.take: any is not understood. Write first or last or only."),
    ("M103", "{from: ref}", "{from: }", "{file}:8: M103 map.id.from: nothing is said. Fill it in, or leave the name out."),
    ("M103", "{from: ref}", "ref", "{file}:8: M103 map.id: a text stands where something else is meant. See docs/reference/mapping.md for its form."),
    ("M104", "{schema: target.json}", "{schema: gone.json}", "{file}:5: M104 target: the schema cannot be read: schemas/gone.json: no such file below {root}. Correct the path, or add the file."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "old", "new", "line"), FILE_CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(FILE_CASES)]
)
def test_a_broken_file_is_told_in_these_words(world: World, code: str, old: str, new: str, line: str) -> None:
    assert found(world) == []
    path = world.root / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    said = [str(one) for one in check(world.load())]
    assert line.replace("{file}", FILE).replace("{root}", str(world.root)) in said
    assert {one.split()[1] for one in said} == {code}


# --- versions and approval ------------------------------------------------------------------------------------------------

VERSION_CASES: list[tuple[str, str, str, str]] = [
    ("M030", "{to: 2025-12-31}", "{from: 2026-02-01}", f"{FILE}:24: M030 effective: no version holds from 2026-01-01 to 2026-01-31. Extend this one, or begin mappings/here/collect-next.yaml earlier."),
    ("M031", "{to: 2026-01-31}", "{from: 2026-01-31}", f"{FILE}:24: M031 effective: mappings/here/collect-next.yaml holds from 2026-01-31 on too. End one the day before the other begins."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "first", "second", "line"), VERSION_CASES, ids=[case[0] for case in VERSION_CASES])
def test_versions_that_gap_or_overlap_are_told_in_these_words(
    world: World, code: str, first: str, second: str, line: str
) -> None:
    write(world, {}, {}, {}, f"effective: {first}")
    text = (world.root / FILE).read_text()
    (world.root / "mappings" / "here" / "collect-next.yaml").write_text(text.replace(first, second))
    assert [str(one) for one in check(world.load())] == [line]
    next_ = load_versions(world.content, "here", "collect").all[1]
    assert {one.code for one in check(next_)} <= {code}


def test_versions_side_by_side_without_gap_or_overlap_have_no_finding(world: World) -> None:
    write(world, {}, {}, {}, "effective: {to: 2025-12-31}")
    text = (world.root / FILE).read_text()
    path = world.root / "mappings" / "here" / "collect-next.yaml"
    path.write_text(text.replace("{to: 2025-12-31}", "{from: 2026-01-01}"))
    versions = load_versions(world.content, "here", "collect")
    assert [check(one) for one in versions.all] == [[], []]
    assert versions.on(datetime(2025, 12, 31, 23, 59, tzinfo=UTC)).file.name == "collect.yaml"
    assert versions.on(datetime(2026, 1, 1, tzinfo=UTC)).file.name == "collect-next.yaml"
    path.write_text(path.read_text().replace("mapping: here.record", "mapping: here.other"))
    assert [one.code for one in check(world.load())] == ["M014"]


REVIEW_CASES: list[tuple[str, str]] = [
    ("M080", f"{FILE}:1: M080 {FILE}: changed since A. Reader approved it on 2026-11-22. Have someone other than its author look at it and run bridge review here --as NAME."),
]  # fmt: skip


def test_what_nobody_approved_is_told_in_these_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(world) == []
    assert len(approve(world.content, [world.load()], "A. Reader")) == 7
    assert found(world) == []
    register = world.root / "mappings" / "reviewed.yaml"
    register.write_text(re.sub(r"on: [0-9-]+", "on: 2026-11-22", register.read_text()))
    assert found(world, more="status: unofficial") == [REVIEW_CASES[0][1]]
    refuse_findings(world.load())  # in development a warning
    monkeypatch.setenv("BRIDGE_MODE", "production")
    with pytest.raises(Misconfigured, match="NOT_APPROVED"):
        refuse_findings(world.load())
    monkeypatch.setenv("BRIDGE_CONTENT", str(world.root))
    told = CliRunner().invoke(main, ["check", "here"])
    assert (told.exit_code, "; 1 errors" in told.output) == (1, True), "bridge check says what production would do"
    assert list(approve(world.content, [world.load()], "A. Reader")) == [FILE]
    refuse_findings(world.load())
    monkeypatch.setenv("BRIDGE_MODE", "prod")
    with pytest.raises(Misconfigured, match="BAD_MODE"):
        refuse_findings(world.load())


def test_every_finding_has_its_broken_mapping() -> None:
    cases = (*CASES, *LIST_CASES, *RELEASE_CASES, *FILE_CASES, *VERSION_CASES, *REVIEW_CASES)
    shown = {case[0] for case in cases} | {"M006"}
    assert shown == set(FINDINGS)


def test_findings_stand_in_the_order_of_files_and_lines(world: World) -> None:
    write(world, {"id": "{from: reff}", "country": "{from: landd}", "zz": "{from: ref}"}, {"gone": "{why: x}"}, {}, "")
    told = check(world.load())
    assert [(one.file, one.line) for one in told] == sorted((one.file, one.line) for one in told)
    assert len(told) == len({str(one) for one in told})


def test_an_error_keeps_a_mapping_from_running_and_a_warning_does_not(world: World) -> None:
    write(
        world, {"id": "{from: goods.kind, take: first, one_way: the first stands for all}"}, {"ref": "{why: x}"}, {}, ""
    )
    assert [one.severity for one in check(world.load())] == [Severity.WARNING]
    refuse_findings(world.load())
    write(world, {"id": "{from: reff}"}, {}, {}, "")
    with pytest.raises(Misconfigured) as refused:
        refuse_findings(world.load())
    assert (refused.value.code, refused.value.where) == ("M000", f"{FILE}:1")
    assert (
        refused.value.what
        == "ref: source field neither mapped nor ignored. Map it, or say in ignore: why not (and 1 more)"
    )
    assert refused.value.fix == "Run: bridge check here"


def test_examples_of_a_partner_go_through_its_release_first(world: World) -> None:
    release = RELEASE.replace("withdraw", "withhold: [{code: TURKEY, when: {country: [TR]}, why: x}], withdraw")
    release = release.replace("event: Art. 1", "event: Art. 1, goods: Art. 1")
    example = "examples: [{name: theirs, given: one.json, withheld: TURKEY}]"
    assert found(world, more=f"{release}\n{example}") == []
    (said,) = found(world, more=f"{release}\n{example.replace('TURKEY', 'SEALED')}")
    assert said.endswith('M060 example "theirs": withheld by TURKEY. Correct the mapping or the example.')
    (said,) = found(world, more=f"{RELEASE}\n{example}")
    assert said.endswith('M060 example "theirs": not withheld. Correct the mapping or the example.')
    policy = RELEASE.replace("event: Art. 1", "event: Art. 1, goods: Art. 1, person: Art. 2")
    policy = policy.replace("[NON_NOMINAL]", "[NON_NOMINAL, NOMINAL]")
    policy = policy.replace("withdraw", "nominal: {when: {country: [TR]}, why: x}, withdraw")
    named = "examples: [{name: named, given: {like: one.json, set: {country: TR, surname: Doe}}, then: {who: Doe}}]"
    changes: dict[str, Any] = {"absent": {"who": None}, "ignore": {"surname": None}}
    assert found(world, {"who": "{from: surname}"}, **changes, more=f"{policy}\n{named}") == []
    (said,) = found(world, {"who": "{from: surname}"}, **changes, more=f"{policy}\n{named.replace('TR', 'FR')}")
    assert said.endswith('M060 example "named": who is absent, not Doe. Correct the mapping or the example.')
