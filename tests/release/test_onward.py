"""Which records an authorisation covers, read plainly; and that nothing leaves without one where a rule asks for it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import ROOT
from bridge.mapping.model import Withhold
from bridge.onward import Authorisation
from bridge.release import release
from tests.quality.records import Record, batch
from tests.release.policies import conditions, policy
from tests.release.test_release import COMMON, values

COUNTRIES, GROUPS = ("FR", "DE", None), ("TOB", "DRG", None)
ID = "2b6f0cc9-04d1-5c5b-9e3a-4b8f9e5a1c1{}"
RULE = Withhold("NO_AUTHORISATION", conditions({"handling_code": ["H2", "H3"]}), "why", 1, "authorised")
POLICY = policy(withhold=[("OTHER", {"record_status": ["EXPIRED"]})])
POLICY = type(POLICY)(**{name: getattr(POLICY, name) for name in POLICY.__slots__} | {
    "withhold": (RULE, *POLICY.withhold)
})  # fmt: skip

RECORDS = st.builds(
    lambda root, goods: {ROOT: [root], "goods": [{"commodity_group": group} for group in goods]},
    st.fixed_dictionaries(
        {
            "handling_code": st.sampled_from(["H0", "H2", "H3", None]),
            "supplier_country": st.sampled_from(COUNTRIES),
            "origin_system": st.sampled_from(["CIS", "NCEN"]),
            "operation_code": st.sampled_from(["STOP", None]),
            "record_status": st.sampled_from(["NEW", "EXPIRED"]),
            "bridge_id": st.sampled_from([ID.format(n) for n in range(3)]),
        }
    ),
    st.lists(st.sampled_from(GROUPS), max_size=2),
)
GIVEN = st.lists(
    st.builds(
        Authorisation,
        number=st.integers(1, 9),
        supplier=st.sampled_from(["FR", "DE", "CIS"]),
        groups=st.sampled_from([(), ("TOB",), ("TOB", "DRG")]),
        operation=st.sampled_from(["", "STOP"]),
        record=st.sampled_from(["", ID.format(1)]),
        conditions=st.sampled_from(["", "not as evidence"]),
    ),
    max_size=3,
    unique_by=lambda one: one.number,
)


def covers(one: Authorisation, record: Record) -> bool:
    (root,) = record[ROOT]
    groups = [goods["commodity_group"] for goods in record["goods"]]
    return (
        (root["supplier_country"] or root["origin_system"]) == one.supplier
        and (not one.operation or root["operation_code"] == one.operation)
        and (not one.record or root["bridge_id"] == one.record)
        and (not one.groups or (bool(groups) and all(group in one.groups for group in groups)))
    )


@settings(deadline=None, max_examples=80)
@given(st.lists(RECORDS, max_size=4), GIVEN)
def test_a_record_leaves_under_the_lowest_authorisation_that_covers_it_with_its_conditions(
    drawn: list[Record], authorised: list[Authorisation]
) -> None:
    rules: list[str] = []
    under: dict[int, int] = {}
    said: list[Any] = []
    given_ = batch(COMMON, drawn)
    for row, record in zip(given_.rows().to_pylist(), drawn, strict=True):
        (root,) = record[ROOT]
        asks = root["handling_code"] in ("H2", "H3")
        lets = sorted((one for one in authorised if covers(one, record)), key=lambda one: one.number)
        if asks and not lets:
            rules.append(RULE.code)
        elif root["record_status"] == "EXPIRED":
            rules.append("OTHER")
        else:
            said.append(lets[0].conditions or None if asks else None)
            if asks:
                under[row] = lets[0].number
    released = release(POLICY, COMMON, given_, authorisations=authorised)
    assert released.withheld.column("rule").to_pylist() == rules
    assert released.authorised == under
    assert values(released, "conditions_of_use") == said


def test_without_an_authorisation_the_rule_holds_for_all_and_no_other_rule_is_lifted() -> None:
    record = {"handling_code": "H2", "supplier_country": "FR", "record_status": "EXPIRED"}
    one = batch(COMMON, [{ROOT: [record], "goods": []}])
    assert release(POLICY, COMMON, one).withheld.column("rule").to_pylist() == ["NO_AUTHORISATION"]
    lifted = release(POLICY, COMMON, one, authorisations=[Authorisation(1, "FR")])
    assert (lifted.withheld.column("rule").to_pylist(), lifted.authorised) == (["OTHER"], {})
