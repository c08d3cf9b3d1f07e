"""Every word of the vocabulary as the scalar function that decides it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.mapping.conform import conform
from bridge.mapping.dates import date_pattern, date_precision, date_start, date_step, datetime_step, fiscal_month
from bridge.mapping.model import Number
from bridge.mapping.rules import (
    PROBLEMS,
    Refused,
    concat_text,
    hash_texts,
    number_step,
    plain_number,
    round_number,
    scale_number,
    split_text,
    text_step,
)
from bridge.shape import Field, Type


def code(value: object) -> str:
    """The code of a refusal."""
    assert isinstance(value, Refused), value
    assert value.code in PROBLEMS
    return value.code


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("upper", "straße", "STRASSE"),
        ("lower", "İZMIR", "i̇zmir"),
        ("trim", " \t a  b \r\n", "a  b"),
        ("collapse", "\n a \t b\n\nc ", "a b c"),
        ("digits", "HS 2939.91-00", "29399100"),
        ("digits", "no digits", None),
        ("digits", "٣٤", None),
        ("title", "SAINT-PIERRE et MIQUELON", "Saint-Pierre Et Miquelon"),
        ("trim", "   ", None),
    ],
)
def test_text_is_changed_as_said(kind: str, text: str, expected: str | None) -> None:
    assert text_step(kind)(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"), ("-0", "0"), ("007.50", "7.5"), ("12", "12"), (".5", "0.5"), ("5.", "5"), ("+3", "3"),
        ("-0.10", "-0.1"), ("1e5", None), ("inf", None), ("nan", None), ("1_000", None), ("", None), (".", None),
        ("-", None), ("٣", None), ("1 000", None), ("0x1F", None), ("9" * 39, None), ("1,5", None), ("--1", None),
    ],
)  # fmt: skip
def test_a_plain_number_is_canonical_or_none(text: str, expected: str | None) -> None:
    assert plain_number(text) == expected


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        (Number("."), " 12.50 ", "12.5"),
        (Number(","), "1,130", "1.13"),
        (Number(",", "."), "1.234.567,80", "1234567.8"),
        (Number(",", "."), "1234,5", "1234.5"),
        (Number(".", ","), "1,234", "1234"),
        (Number(".", "\u202f"), "1\u202f234.5", "1234.5"),
        (Number(".", "", 2), "2.345", "2.34"),
        (Number(".", "", 2), "2.355", "2.36"),
        (Number(".", "", 0), "-0.5", "0"),
        (Number("."), "3460425857.0", "3460425857"),
    ],
)
def test_a_number_is_read_with_its_marks(how: Number, text: str, expected: str) -> None:
    assert number_step(how)(text) == expected


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (Number(","), "1.130"),
        (Number(","), "1,1,1"),
        (Number("."), "1,130"),
        (Number(",", "."), "1.23,5"),
        (Number(",", "."), "12.34.567,8"),
        (Number(",", "."), ".123,5"),
        (Number("."), "1e5"),
        (Number("."), "NaN"),
        (Number("."), "5O"),
    ],
)
def test_a_number_written_otherwise_is_refused(how: Number, text: str) -> None:
    assert code(number_step(how)(text)) == "BAD_NUMBER"


def test_a_half_goes_to_the_even_neighbour_exactly() -> None:
    assert [round_number(text, 2) for text in ("0.125", "0.135", "1.005", "2.675", "1")] == [
        "0.12",
        "0.14",
        "1",
        "2.68",
        "1",
    ]


def test_a_quantity_is_converted_exactly() -> None:
    pounds = Decimal("0.45359237")
    assert scale_number("14", pounds, None) == "6.35029318"
    assert scale_number("14", pounds, 3) == "6.35"
    assert scale_number("12345678901234567890.1234567", Decimal("0.001"), None) == "12345678901234567.8901234567"
    assert code(scale_number("1" * 38, pounds, None)) == "BAD_NUMBER"


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (["%d/%m/%Y"], "09/03/2025", "2025-03-09"),
        (["%d/%m/%Y"], " 29/02/2024 ", "2024-02-29"),
        (["%-d/%-m/%Y"], "9/3/2025", "2025-03-09"),
        (["%b %Y"], "oct 2023", "2023-10"),
        (["%d %B %Y"], "01 May 2024", "2024-05-01"),
        (["%Y"], "1999", "1999"),
        (["%Y%m%d", "%Y%m"], "202403", "2024-03"),
        (["iso"], "2024-03", "2024-03"),
        (["iso"], "2024-03-09", "2024-03-09"),
        (["%Y-%m-%dT%H:%M:%S"], "2024-03-09T23:59:59", "2024-03-09"),
        (["%d.%m.%Y (%%)"], "09.03.2025 (%)", "2025-03-09"),
    ],
)
def test_a_date_keeps_the_precision_it_was_given_with(patterns: list[str], text: str, expected: str) -> None:
    assert date_step(patterns)(text) == expected


@pytest.mark.parametrize(
    ("patterns", "text"),
    [
        (["%d/%m/%Y"], "31/02/2025"),
        (["%d/%m/%Y"], "9/3/2025"),
        (["%-d/%-m/%Y"], "09/3/2025"),
        (["%d/%m/%Y"], "09/03/25"),
        (["%d/%m/%Y"], "09/03/2025x"),
        (["%d/%m/%Y"], "٠٩/03/2025"),
        (["%Y-%m-%d"], "0000-01-01"),
        (["iso"], "2024-13"),
        (["iso"], "20240309"),
        (["%b %Y"], "Okt 2023"),
    ],
)
def test_a_date_that_is_none_or_is_written_otherwise_is_refused(patterns: list[str], text: str) -> None:
    assert code(date_step(patterns)(text)) == "BAD_DATE"


@pytest.mark.parametrize("pattern", ["%y", "%d/%Y", "%d/%m", "%Y %Y", "%m %b %Y", "%Q", "%Y%", "date"])
def test_a_pattern_that_cannot_name_a_day_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"year|known|twice|alone|month"):
        date_pattern(pattern)


@pytest.mark.parametrize(
    ("text", "start", "precision"),
    [("2024-03-09", "2024-03-09", "D"), ("2024-03", "2024-03-01", "M"), ("2024", "2024-01-01", "Y")],
)
def test_a_canonical_date_tells_its_first_day_and_its_precision(text: str, start: str, precision: str) -> None:
    assert (date_start(text), date_precision(text)) == (start, precision)


@pytest.mark.parametrize(
    ("year", "month", "starts", "expected"),
    [
        ("2024", "OCT", 10, "2023-10"),
        ("2024", "SEP", 10, "2024-09"),
        ("FY2024", "December", 10, "2023-12"),
        ("2025 (FYTD)", "APR", 10, "2025-04"),
        ("2024", "1", 1, "2024-01"),
        ("2024", "12", 1, "2024-12"),
        ("2024", "04", 4, "2023-04"),
    ],
)
def test_a_month_of_a_fiscal_year_is_a_calendar_month(year: str, month: str, starts: int, expected: str) -> None:
    assert fiscal_month(year, month, starts) == expected


def test_a_fiscal_year_without_a_month_is_refused_and_nothing_is_nothing() -> None:
    assert code(fiscal_month("2024", None, 10)) == "BAD_DATE"
    assert code(fiscal_month("24", "OCT", 10)) == "BAD_DATE"
    assert fiscal_month(None, "OCT", 10) is None


@pytest.mark.parametrize(
    ("patterns", "zone", "text", "expected"),
    [
        (["iso"], "", "2025-03-09T12:00:00Z", "2025-03-09T12:00:00Z"),
        (["iso"], "", "2025-03-09T12:00:00.120+02:00", "2025-03-09T10:00:00.12Z"),
        (["iso"], "", "2025-01-01 00:30:00-0100", "2025-01-01T01:30:00Z"),
        (["iso"], "Europe/Brussels", "2025-07-01T12:00:00", "2025-07-01T10:00:00Z"),
        (["iso"], "Europe/Brussels", "2025-01-01T00:30:00", "2024-12-31T23:30:00Z"),
        (["%d/%m/%Y %H:%M"], "UTC", "09/03/2025 07:05", "2025-03-09T07:05:00Z"),
    ],
)
def test_a_moment_is_brought_to_utc(patterns: list[str], zone: str, text: str, expected: str) -> None:
    assert datetime_step(patterns, zone)(text) == expected


@pytest.mark.parametrize(
    ("zone", "text", "says"),
    [
        ("", "2025-03-09T12:00:00", "does not say its zone"),
        ("Europe/Brussels", "2025-03-30T02:30:00", "twice or never"),
        ("Europe/Brussels", "2025-10-26T02:30:00", "twice or never"),
        ("", "2025-03-09T24:00:00Z", "no moment"),
        ("", "2025-03-09T12:00:60Z", "no moment"),
        ("", "2025-03-09T12:00:00.1234567Z", "no moment"),
        ("", "0001-01-01T00:00:00+05:00", "no moment"),
        ("", "2025-03-09", "no moment"),
    ],
)
def test_a_moment_that_nobody_can_place_is_refused(zone: str, text: str, says: str) -> None:
    refused = datetime_step(["iso"], zone)(text)
    assert code(refused) == "BAD_DATETIME"
    assert isinstance(refused, Refused)
    assert says in refused.reason


@pytest.mark.parametrize(
    ("parts", "literal", "expected"),
    [
        (["A", ", ", "B"], [False, True, False], "A, B"),
        (["A", ", ", None], [False, True, False], "A"),
        ([None, ", ", "B"], [False, True, False], "B"),
        ([None, ", ", None], [False, True, False], None),
        (["Method: ", None], [True, False], None),
        (["Method: ", "dog"], [True, False], "Method: dog"),
        (["A", " (", None, ")"], [False, True, False, True], "A"),
        (["A", " (", "B", ")"], [False, True, False, True], "A (B)"),
    ],
)
def test_a_literal_stands_only_between_values(
    parts: list[str | None], literal: list[bool], expected: str | None
) -> None:
    assert concat_text(parts, literal) == expected


def test_split_drops_white_space_and_empty_parts() -> None:
    assert split_text(" a ; b;;  ", ";") == ["a", "b"]


def test_a_hash_tells_values_and_their_places_apart() -> None:
    ids = [
        hash_texts(["ab", "c"], None),
        hash_texts(["a", "bc"], None),
        hash_texts(["ab", "c"], 0),
        hash_texts(["ab", "c"], 1),
        hash_texts(["ab", None, "c"], None),
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 64 for one in ids)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        (Field("", "x"), "a\x00b", "BAD_TEXT"),
        (Field("", "x"), "a\ud800", "BAD_TEXT"),
        (Field("", "x", max_length=2), "äöü", "TOO_LONG"),
        (Field("", "x", pattern="^[A-Z]+$"), "AB\n", "PATTERN"),
        (Field("", "x", codes=("A", "B")), "C", "NOT_ALLOWED"),
        (Field("", "x", Type.DATE), "2025-02-30", "BAD_DATE"),
        (Field("", "x", Type.DATE), "20250209", "BAD_DATE"),
        (Field("", "x", Type.DATETIME), "2025-02-09T00:00:00", "BAD_DATETIME"),
        (Field("", "x", Type.DECIMAL), "1,5", "BAD_NUMBER"),
        (Field("", "x", Type.DECIMAL, scale=2), "1.005", "TOO_PRECISE"),
        (Field("", "x", Type.INTEGER), "1.5", "BAD_NUMBER"),
        (Field("", "x", Type.INTEGER), "9223372036854775808", "BAD_NUMBER"),
        (Field("", "x", Type.BOOLEAN), "yes", "BAD_BOOLEAN"),
    ],
)
def test_what_does_not_fit_the_target_is_refused(field: Field, text: str, expected: str) -> None:
    assert code(conform(field)(text)) == expected


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        (Field("", "x", max_length=3), "äöü", "äöü"),
        (Field("", "x", Type.DECIMAL, scale=2), " 1.500", "1.5"),
        (Field("", "x", Type.INTEGER), "0012", 12),
        (Field("", "x", Type.BOOLEAN), "1", True),
        (Field("", "x", Type.DATETIME), "2025-02-09T01:00:00+01:00", "2025-02-09T00:00:00Z"),
        (Field("", "x", Type.DATE), "2025-02", "2025-02"),
    ],
)
def test_what_fits_is_kept_as_the_target_keeps_it(field: Field, text: str, expected: object) -> None:
    assert conform(field)(text) == expected
