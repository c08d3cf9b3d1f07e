# ruff: noqa: E501 -- each case stands on one line
"""Two-digit years by a declared pivot, unclear hours by a declared choice, precision kept, and all of it both ways."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import check
from bridge.mapping.dates import date_pattern, date_step, datetime_step, full_year, two_digits
from bridge.mapping.model import Rule
from bridge.mapping.rules import Refused
from bridge.mapping.written import date_texts, fiscal_texts, moment_texts
from tests.mapping.world import TEXT, World, values

BRUSSELS = ZoneInfo("Europe/Brussels")
DATE = {"type": "string", "x-type": "date"}
MOMENT = {"type": "string", "x-type": "datetime"}


@pytest.mark.parametrize(
    ("text", "pivot", "expected"),
    [("09/03/25", 1950, "2025-03-09"), ("09/03/50", 1950, "1950-03-09"), ("09/03/49", 1950, "2049-03-09"), ("31/12/99", 2000, "2099-12-31")],
)  # fmt: skip
def test_two_digits_are_a_year_of_the_declared_century(text: str, pivot: int, expected: str) -> None:
    assert date_step(["%d/%m/%y"], pivot)(text) == expected


def test_two_digits_without_a_pivot_are_refused_before_anything_runs() -> None:
    with pytest.raises(ValueError, match=r"two digits; say pivot: 1950"):
        date_pattern("%d/%m/%y")


@given(st.integers(1, 9900), st.integers(0, 99))
def test_a_year_of_the_century_and_its_two_digits_are_one_to_one(pivot: int, after: int) -> None:
    year = pivot + after
    assert full_year(two_digits(f"{year:04}", pivot), pivot) == year
    with pytest.raises(ValueError, match=r"[0-9]"):
        two_digits(f"{year + 100 if year < 9900 else year - 100:04}", pivot)


@pytest.mark.parametrize(
    ("text", "unclear", "expected"),
    [
        ("2025-10-26T02:30:00", "earlier", "2025-10-26T00:30:00Z"),
        ("2025-10-26T02:30:00", "later", "2025-10-26T01:30:00Z"),
        ("2025-03-30T02:30:00", "earlier", "2025-03-30T00:30:00Z"),
        ("2025-03-30T02:30:00", "later", "2025-03-30T01:30:00Z"),
        ("2025-07-01T12:00:00", "earlier", "2025-07-01T10:00:00Z"),
        ("2025-07-01T12:00:00", "later", "2025-07-01T10:00:00Z"),
    ],
)
def test_an_hour_shown_twice_or_never_is_the_declared_one(text: str, unclear: str, expected: str) -> None:
    assert datetime_step(["iso"], "Europe/Brussels", None, unclear)(text) == expected


def test_an_hour_shown_twice_or_never_is_held_where_nothing_is_declared() -> None:
    for text in ("2025-10-26T02:30:00", "2025-03-30T02:30:00"):
        refused = datetime_step(["iso"], "Europe/Brussels")(text)
        assert isinstance(refused, Refused)
        assert refused.code == "BAD_DATETIME"
        assert refused.reason.endswith("have the source send its zone, or say unclear: earlier or later")


@given(st.datetimes(datetime(1980, 1, 1), datetime(2037, 12, 31)).map(lambda at: at.replace(microsecond=0)))  # noqa: DTZ001
def test_the_earlier_is_never_after_the_later_and_both_are_what_the_clocks_showed_unless_never(at: datetime) -> None:
    earlier, later = (
        datetime.fromisoformat(str(datetime_step(["iso"], "Europe/Brussels", None, unclear)(at.isoformat())))
        for unclear in ("earlier", "later")
    )
    assert earlier <= later
    shown = {moment.astimezone(BRUSSELS).replace(tzinfo=None) for moment in (earlier, later)}
    held = isinstance(datetime_step(["iso"], "Europe/Brussels")(at.isoformat()), Refused)
    assert held is (earlier != later)
    assert shown == {at} or (held and at not in shown)


@given(
    st.dates(date(1950, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["%d/%m/%y", "%-d.%-m.%Y", "%d %B %Y", "%b %Y", "%Y"]),
)
def test_what_a_pattern_writes_is_read_back_as_precisely(day: date, pattern: str) -> None:
    rule = Rule("x", 1, "from", ("a",), date=(pattern,), pivot=1950)
    precision = 10 if "d" in pattern else 7 if "b" in pattern else 4
    value = day.isoformat()[:precision]
    (text,) = date_texts(value, rule)
    assert date_step([pattern], 1950)(text) == value
    assert not list(date_texts(day.isoformat()[: 7 if precision != 7 else 4], rule))


@given(st.datetimes(datetime(1980, 1, 1), datetime(2037, 12, 31)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)))  # noqa: DTZ001
def test_a_moment_written_by_the_clocks_of_a_zone_is_read_back_or_is_unclear(at: datetime) -> None:
    rule = Rule("x", 1, "from", ("a",), datetime=("%d/%m/%Y %H:%M:%S",), zone="Europe/Brussels")
    value = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    (text,) = moment_texts(value, rule)
    read = datetime_step(rule.datetime, rule.zone)(text)
    assert read == value or isinstance(read, Refused)


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(1, 12))
def test_a_fiscal_month_goes_back_to_its_fiscal_year(year: int, month: int, starts: int) -> None:
    from bridge.mapping.dates import fiscal_month

    for fiscal, name in fiscal_texts(f"{year}-{month:02}", starts):
        assert fiscal_month(fiscal, name, starts) == f"{year}-{month:02}"


def test_a_mapping_says_pivot_and_unclear(tmp_path: Path) -> None:
    world = World(tmp_path, {"a": TEXT, "b": TEXT}, {"on": DATE, "at": MOMENT})
    rules = """
    on: {from: a, date: "%d.%m.%y", pivot: 1960}
    at: {from: b, datetime: "%d.%m.%Y %H:%M", zone: Europe/Brussels, unclear: later}
    """
    mapped = world.run(rules, [{"a": "01.02.59", "b": "26.10.2025 02:30"}])
    assert values(mapped, "on") == ["2059-02-01"]
    assert values(mapped, "at") == ["2025-10-26T01:30:00Z"]
    assert [str(one) for one in check(world.load())] == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('on: {from: a, date: "%d.%m.%y"}', "the year has two digits; say pivot: 1950 if they are 1950 to 2049"),
        (
            'on: {from: a, date: "%d.%m.%Y", pivot: 1960}',
            "pivot speaks of years of two digits (%y), and there are none",
        ),
        (
            'at: {from: b, datetime: ["%d.%m.%Y %H:%M%z", "%d.%m.%Y %H:%M"]}',
            "texts of the form %d.%m.%Y %H:%M name no zone. Say zone:, such as Europe/Brussels or UTC.",
        ),
        ("at: {from: b, datetime: iso, unclear: later}", "unclear speaks of the clocks of a zone, and none is named"),
    ],
)
def test_words_that_do_nothing_are_findings(tmp_path: Path, rule: str, says: str) -> None:
    world = World(tmp_path, {"a": TEXT, "b": TEXT}, {"on": DATE, "at": MOMENT})
    world.write(rule)
    assert any(says in str(one) for one in check(world.load()))
