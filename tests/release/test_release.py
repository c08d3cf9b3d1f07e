"""What leaves for a partner, and what never does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import INDEX, ROOT, ROW
from bridge.content import Content
from bridge.document import encode
from bridge.errors import Misconfigured
from bridge.mapping.model import Condition, Release, Withhold
from bridge.release import NO_POLICY, Released, may_leave, reads_nominal, release
from bridge.shape import Class, Field, Sensitivity, Type
from bridge.shapes import read_shape
from tests.quality.records import Record, Row, batch, records
from tests.release.policies import ALL_CLASSES, ARTICLE_27, EVERYTHING, OPEN_CLASSES, policy

COMMON = read_shape(Content.find(), "common/seizure.json")
CANARY = "Zqxcanary"
FREE_TEXTS = [field.path for field in COMMON if field.sensitivity is Sensitivity.FREE_TEXT]


def kept(released: Released) -> list[int]:
    return [int(row) for row in released.batch.rows().to_pylist()]


def values(released: Released, path: str) -> list[Any]:
    field = COMMON.find(path)
    assert field is not None
    return list(released.batch.tables[field.list].column(field.name).to_pylist())


def everywhere(canary: str) -> Record:
    """A record with the canary in each field that could name somebody, and something harmless in all others."""

    def value(field: Field) -> Any:
        open_ = field.sensitivity is Sensitivity.NON_NOMINAL and field.cls in OPEN_CLASSES
        match field.type:
            case Type.INTEGER:
                return 1
            case Type.BOOLEAN:
                return True
            case Type.LIST:
                return ["SAFE"] if open_ else [canary, f"with {canary}"]
        return "SAFE" if open_ else f"{canary} {field.name}"

    return {name: [{f.name: value(f) for f in COMMON.table(name)}] * 2 for name in COMMON.tables} | {
        ROOT: [{f.name: value(f) for f in COMMON.table(ROOT)}]
    }


@settings(deadline=None, max_examples=12)
@given(records(COMMON, most=3), st.sampled_from([OPEN_CLASSES, ALL_CLASSES]), st.sets(st.sampled_from(FREE_TEXTS)))
def test_a_non_nominal_partner_gets_no_byte_of_what_names_somebody(
    drawn: list[Record], allow: tuple[Class, ...], scan: set[str]
) -> None:
    full = batch(COMMON, [*drawn, everywhere(CANARY)])
    document = encode(full, COMMON)
    assert CANARY in document["nominal"][-1].as_py()
    out = encode(release(policy(allow, scan=scan), COMMON, full).batch, COMMON)
    assert out["nominal"].null_count == len(out)
    if allow == OPEN_CLASSES:
        assert CANARY not in out["payload"][-1].as_py()
    assert "SAFE" in out["payload"][-1].as_py()


@settings(deadline=None, max_examples=20)
@given(
    records(COMMON, most=3),
    st.sets(st.sampled_from(list(Class))),
    st.sets(st.sampled_from(list(Sensitivity))),
    st.sets(st.sampled_from(FREE_TEXTS)),
    st.sampled_from([None, ARTICLE_27, {"legal_basis": "present"}]),
)
def test_only_fields_that_may_leave_do_and_the_shape_stays(
    drawn: list[Record],
    allow: set[Class],
    cap: set[Sensitivity],
    scan: set[str],
    nominal: Mapping[str, str] | None,
) -> None:
    rules = policy(allow, cap, scan=scan, nominal=nominal)
    full = batch(COMMON, drawn)
    released = release(rules, COMMON, full)
    for name, table in released.batch.tables.items():
        assert table.schema.equals(full.tables[name].schema)
        for field in COMMON.table(name):
            assert may_leave(rules, field) or table.column(field.name).null_count == table.num_rows
    assert released.batch.rows().to_pylist() == full.rows().to_pylist()


def expected(rules: Release, record: Mapping[str, list[Row]]) -> tuple[str | None, list[Row]]:
    """Which rule withholds the record, and which of its persons pass the gate: record by record, entry by entry."""

    def met(condition: Condition, rows: list[Row], name: str, how: Any) -> bool:
        def one(row: Row) -> bool:
            value = row.get(name)
            if condition.values == ("present",):
                return value not in (None, [])
            if condition.values == ("absent",):
                return value in (None, [])
            return any(str(v) in condition.values for v in (value if isinstance(value, list) else [value]))

        return bool(how(one(row) for row in rows))

    def holds(condition: Condition) -> bool:
        if condition.field in COMMON.lists:
            return bool(record.get(condition.field)) is (condition.values == ("present",))
        field = COMMON.find(condition.field)
        assert field is not None
        how = all if condition.values == ("absent",) else any
        return met(condition, record[field.list], field.name, how)

    def keeps(rule: Withhold) -> bool:
        return all(map(holds, rule.when)) and not (rule.but and all(map(holds, rule.but)))

    rule = next((one.code for one in rules.withhold if keeps(one)), None)
    assert rules.nominal is not None
    gate = [(c, c.field.removeprefix("persons.")) for c in rules.nominal.when]
    passed = [p for p in record["persons"] if all(met(c, [p], name, any) for c, name in gate)]
    return rule, passed


WHEN = st.fixed_dictionaries(
    {},
    optional={
        "seen_by": st.sampled_from([["CIS"], ["CIS", "CEN"], "present", "absent"]),
        "recipients": st.sampled_from([["CIS"], ["CEN", "CIS"], "present", "absent"]),
        "handling_code": st.sampled_from([["H2"], ["H0", "H2"], "present", "absent"]),
        "goods.commodity_group": st.sampled_from([["TOB"], "present", "absent"]),
        "goods.line": st.sampled_from([["1"]]),
        "conveyances.seals": st.sampled_from([["S"], "present", "absent"]),
        "businesses": st.sampled_from(["present", "absent"]),
        "version": st.sampled_from([["1", "2"]]),
    },
).filter(bool)


def entry(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in fields.items()})


def entries(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    return st.lists(entry(**fields), max_size=2)


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2)


CASES = st.fixed_dictionaries(
    {
        ROOT: st.tuples(
            entry(
                seen_by=some("CIS", "CEN", "NCEN"),
                recipients=some("CIS", "CEN", "NCEN"),
                handling_code=st.sampled_from(["H0", "H2"]),
                version=st.integers(1, 3),
            )
        ).map(list),
        "goods": entries(commodity_group=st.sampled_from(["TOB", "DRG"]), line=st.integers(1, 2)),
        "conveyances": entries(seals=some("S", "T")),
        "businesses": entries(name=st.just("Exemple")),
        "persons": entries(
            suggested_action=st.just("SPECIFIC_CHECKS"), reason_for_inclusion=st.just("r"), surname=st.just("E")
        ),
    }
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(CASES, max_size=3),
    st.lists(st.tuples(st.sampled_from(["A", "B"]), WHEN, st.one_of(st.just({}), WHEN)), max_size=3),
)
def test_withholding_and_the_gate_for_persons_agree_with_a_plain_reading(
    drawn: list[Record], withhold: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    rules = policy(ALL_CLASSES, EVERYTHING, withhold, nominal=ARTICLE_27)
    released = release(rules, COMMON, batch(COMMON, drawn))
    plain = {2 * n: expected(rules, record) for n, record in enumerate(drawn)}
    assert released.withheld.to_pylist() == [{ROW: r, "rule": rule} for r, (rule, _) in plain.items() if rule]
    assert kept(released) == [row for row, (rule, _) in plain.items() if rule is None]
    persons = released.batch.tables["persons"].select([ROW, INDEX, "surname"]).to_pylist()
    assert persons == [
        {ROW: row, INDEX: place, "surname": person.get("surname")}
        for row, (rule, passed) in plain.items()
        if rule is None
        for place, person in enumerate(passed)
    ]
    gone = sum(len(record["persons"]) for n, record in enumerate(drawn) if plain[2 * n][0] is None) - len(persons)
    assert released.kept_back.get("persons", 0) == gone


def test_without_a_policy_nothing_leaves() -> None:
    released = release(None, COMMON, batch(COMMON, [everywhere("a"), everywhere("b")]))
    assert len(released.batch) == 0
    assert released.withheld.column("rule").to_pylist() == [NO_POLICY, NO_POLICY]
    assert all(table.num_rows == 0 for table in released.batch.tables.values())


def test_nominal_fields_never_leave_where_the_policy_does_not_say_when() -> None:
    released = release(policy(ALL_CLASSES, EVERYTHING), COMMON, batch(COMMON, [everywhere("a")]))
    assert values(released, "persons.surname") == [None, None]
    assert values(released, "businesses.name") == ["a name", "a name"]


def test_a_condition_on_the_record_gates_all_its_persons() -> None:
    rules = policy(ALL_CLASSES, EVERYTHING, nominal={"legal_basis": ["REG_515_97"], "actions.reason": "present"})
    persons = [{"surname": "Exemple"}]
    given_ = [
        {ROOT: [{"legal_basis": "REG_515_97"}], "persons": persons, "actions": [{"reason": "a"}]},
        {ROOT: [{"legal_basis": "REG_515_97"}], "persons": persons, "actions": [{"reason": "a"}, {}]},
        {ROOT: [{"legal_basis": "NATIONAL"}], "persons": persons, "actions": [{"reason": "a"}]},
        {ROOT: [{"legal_basis": "REG_515_97"}], "persons": persons},
    ]
    released = release(rules, COMMON, batch(COMMON, given_))
    assert released.batch.tables["persons"].column(ROW).to_pylist() == [0]
    assert released.kept_back == {"persons": 3}


def test_special_categories_leave_under_no_policy() -> None:
    special = Field("", "belief", sensitivity=Sensitivity.SPECIAL_CATEGORY, cls=Class.PERSON)
    assert not may_leave(policy(list(Class), list(Sensitivity), nominal=ARTICLE_27), special)


TEXTS: list[Record] = [
    {ROOT: [{"summary": "Cigarettes behind a cover load"}]},
    {ROOT: [{"summary": "Mr Exemple was driving"}]},
    {ROOT: [{"summary": "driven by exemple, camille"}], "persons": [{"surname": "Exemple", "first_names": "Camille"}]},
    {ROOT: [{"summary": "carried for transports primo"}], "businesses": [{"name": "Primo Ltd"}]},
    {ROOT: [{"summary": "in lorry ab123cd"}], "conveyances": [{"licence_plate": "AB-123-CD"}, {"licence_plate": None}]},
    {ROOT: [{"comment": ["clean", "call +32 470 12 34 56"]}]},
    {ROOT: [{"comment": ["clean"]}], "goods": [{"description": "tiles"}, {"description": "for Mme Exemple"}]},
]


def test_free_text_leaves_only_when_the_scan_finds_nothing() -> None:
    rules = policy((*OPEN_CLASSES, Class.FREE_TEXT), (Sensitivity.NON_NOMINAL, Sensitivity.FREE_TEXT),
                   scan=["summary", "comment", "goods.description"])  # fmt: skip
    released = release(rules, COMMON, batch(COMMON, TEXTS))
    assert values(released, "summary") == ["Cigarettes behind a cover load", *[None] * 6]
    assert values(released, "comment") == [*[None] * 6, ["clean"]]
    assert values(released, "goods.description") == ["tiles", None]
    assert released.kept_back == {"summary": 4, "comment": 1, "goods.description": 1}
    assert released.withheld.num_rows == 0


def test_free_text_that_is_not_listed_never_leaves() -> None:
    rules = policy(ALL_CLASSES, (Sensitivity.NON_NOMINAL, Sensitivity.FREE_TEXT), scan=["comment"])
    assert values(release(rules, COMMON, batch(COMMON, TEXTS)), "summary") == [None] * len(TEXTS)


def test_a_rule_about_a_field_that_does_not_exist_stops_everything() -> None:
    rules = policy(withhold=[("X", {"handlng_code": ["H2"]})])
    with pytest.raises(Misconfigured, match="handlng_code"):
        release(rules, COMMON, batch(COMMON, TEXTS))


def test_the_nominal_half_is_read_only_where_it_is_needed() -> None:
    assert not reads_nominal(None, COMMON)
    assert not reads_nominal(policy(scan=["summary"]), COMMON)
    assert reads_nominal(policy(cap=EVERYTHING), COMMON)
    assert reads_nominal(policy(withhold=[("X", {"conveyances.licence_plate": "present"})]), COMMON)
    assert not reads_nominal(policy(withhold=[("X", {"handling_code": ["H2"]})]), COMMON)
    lifted = ("X", {"handling_code": ["H2"]}, {"persons.surname": "absent"})
    assert reads_nominal(policy(withhold=[lifted]), COMMON)


@pytest.mark.parametrize(
    ("named", "leaves"),
    [(None, True), ([], True), (["CIS"], True), (["CEN", "CIS"], True), (["CEN"], False), (["CISX"], False)],
)
def test_whom_their_supplier_has_not_named_does_not_receive_them(named: list[str] | None, leaves: bool) -> None:
    rules = policy(withhold=[("NOT_A_RECIPIENT", {"recipients": "present"}, {"recipients": ["CIS"]})])
    released = release(rules, COMMON, batch(COMMON, [{ROOT: [{"recipients": named}]}]))
    assert released.withheld.column("rule").to_pylist() == ([] if leaves else ["NOT_A_RECIPIENT"])
