"""CSV, spreadsheets and JSON lines: hostile and broken ones, and the published ones."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any, Literal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.batch import POSITION, ROOT, ROW, Batch
from bridge.connector import Input
from bridge.errors import Problem
from bridge.shape import Field, Shape, Type, shape_of
from connectors.files import FilesSource
from tests.connectors.test_files_hostile_xml import ALWAYS

ANY = shape_of("any", [])
FLAT = shape_of("flat.json", [Field("", "ref"), Field("", "place"), Field("", "weight")])
RESAVE = "Have the supplier open and save it in a spreadsheet program as .xlsx without a password"


def fetch(folder: Path, content: bytes, options: dict[str, Any], shape: Shape) -> tuple[FilesSource, Input]:
    drop = folder / "drop"
    drop.mkdir(exist_ok=True)
    (drop / f"a.{options['format']}").write_bytes(content)
    source = FilesSource(os.fspath(drop), options, shape)
    (offer,) = source.offers(ALWAYS)
    return source, source.fetch(offer, folder / "archive")


def refusal(folder: Path, content: bytes, shape: Shape = FLAT, **options: Any) -> tuple[str, int, str]:
    problem = fetch(folder, content, options, shape)[1].problem
    assert problem is not None
    return problem.code, problem.position, problem.reason


def read(
    folder: Path, content: bytes, shape: Shape = FLAT, **options: Any
) -> tuple[list[dict[str, Any]], list[Problem]]:
    source, fetched = fetch(folder, content, options, shape)
    assert fetched.problem is None
    batches: list[Batch] = list(source.read(fetched))
    rows = [row for batch in batches for row in batch.root.to_pylist()]
    problems = [problem for batch in batches for problem in batch.problems]
    assert fetched.counted == len(rows) + len(problems)
    return rows, problems


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(value for name, value in row.items() if name not in (ROW, POSITION)) for row in rows]


@pytest.mark.parametrize(
    ("content", "options", "code", "position", "reason"),
    [
        (
            b"ref;place;weight\n1;x;2\n",
            {},
            "DELIMITER",
            1,
            "a.csv, line 1: the header is not separated by comma; semicolon gives 3 of 3 expected columns. "
            "Set delimiter to semicolon, or have the supplier use comma",
        ),
        (
            b"ref,place,weight\n",
            {"delimiter": "tab"},
            "DELIMITER",
            1,
            "a.csv, line 1: the header is not separated by tab; comma gives 3 of 3 expected columns. "
            "Set delimiter to comma, or have the supplier use tab",
        ),
        (
            b"Zanzibarov,Igor,2\n1,x,2\n",
            {},
            "HEADER",
            1,
            "a.csv, line 1: this is no header line: it names fewer than half of the schema's 3 columns. Have the "
            "supplier write the column names there, or change the schema and the mapping together",
        ),
        (
            b"ref,place\n",
            {},
            "HEADER",
            1,
            "a.csv, line 1: the header lacks 'weight'. Have the columns restored, or change the schema and the "
            "mapping together",
        ),
        (
            b"ref,place,weight,colour\n",
            {},
            "HEADER",
            1,
            "a.csv, line 1: the header has 'colour', which the schema does not know. "
            "Have the columns restored, or change the schema and the mapping together",
        ),
        (
            b"ref,place,weight,ref\n",
            {},
            "HEADER",
            1,
            "a.csv, line 1: the header names 'ref' more than once. Give each column a name of its own",
        ),
        (b"ref,,weight\n", {}, "HEADER", 1, "a.csv, line 1: column 2 of the header has no name. Name every column"),
        (
            "ref,place,weight\n1,x,2\n2,Saône,3\n".encode("cp1252"),
            {},
            "ENCODING",
            27,
            "a.csv, line 3, byte 27: byte 0xF4 is not utf-8. "
            "Set encoding to what the file is written in, such as cp1252, or have the supplier write utf-8",
        ),
        (
            "ref,place,weight\n".encode("utf-16"),
            {},
            "ENCODING",
            0,
            "a.csv, byte 0: a byte order mark says utf-16, the mapping says utf-8. Set encoding to utf-16, or "
            "have the supplier write utf-8",
        ),
        (
            "ref,place,weight\n".encode("utf-16-le"),
            {},
            "ENCODING",
            0,
            "a.csv, line 1: a NUL character, which no text has. "
            "Set encoding to utf-16 if that is what the file is written in, or have the supplier send text",
        ),
        (
            b'ref,place,weight\n1,x,2\n2,"open,3\n3,y,4\n',
            {},
            "TRUNCATED",
            3,
            "a.csv, line 3: a quote is opened and never closed before the file ends. Have the supplier send the "
            "file again, or close the quote",
        ),
        (
            b"PK\x03\x04",
            {},
            "PACKED",
            0,
            "a.csv, byte 0: a zip file, where csv is expected. Unpack it, then drop its content",
        ),
    ],
)
def test_a_csv_that_is_none_is_refused_as_one(
    tmp_path: Path, content: bytes, options: dict[str, Any], code: str, position: int, reason: str
) -> None:
    assert refusal(tmp_path, content, format="csv", **options) == (code, position, reason)


def test_ragged_and_misquoted_rows_stop_no_other(tmp_path: Path) -> None:
    content = b'ref,place,weight\n1,"a\nb",2\n2,x\n3,x,4,5\n\n4,"x"y,6\n5,y,7\n'
    rows, problems = read(tmp_path, content, format="csv")
    assert rows == [
        {ROW: 0, POSITION: 2, "ref": "1", "place": "a\nb", "weight": "2"},
        {ROW: 4, POSITION: 8, "ref": "5", "place": "y", "weight": "7"},
    ]
    few = "Have the supplier send the whole line: it is cut off, or a value without quotes holds a line break"
    many = "Have the supplier quote values that hold a comma"
    assert problems == [
        Problem(1, 4, "RAGGED", "", "csv:columns", f"line 4: 2 values for 3 columns. {few}"),
        Problem(2, 5, "RAGGED", "", "csv:columns", f"line 5: 4 values for 3 columns. {many}"),
        Problem(
            3,
            7,
            "QUOTES",
            "",
            "csv:quotes",
            "line 7: a closing quote is followed by text. Have the supplier double the quotes inside values (RFC 4180)",
        ),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_empty_and_quoted_empty_are_null_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    content = 'ref;place;weight\r\n"";Saône;\r\n;" ";1,5\r\n'.encode(encoding)
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    rows, _ = read(tmp_path, content, format="csv", delimiter=";", encoding=declared)
    assert values(rows) == [(None, "Saône", None), (None, " ", "1,5")]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(cells, cells, cells).filter(any), max_size=6),
    st.sampled_from([",", ";", "tab", "|"]),
    st.booleans(),
)
def test_whatever_can_be_quoted_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]], delimiter: str, always: bool
) -> None:
    import csv

    text = io.StringIO()
    quoting: Literal[0, 1] = 1 if always else 0  # csv.QUOTE_ALL, csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter="\t" if delimiter == "tab" else delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([("ref", "place", "weight"), *table])
    folder = tmp_path_factory.mktemp("law")
    rows, problems = read(folder, text.getvalue().encode(), format="csv", delimiter=delimiter)
    assert problems == []
    assert values(rows) == [tuple(cell or None for cell in row) for row in table]


def workbook(rows: list[list[Any]], **cells: Any) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Data"
    for row in rows:
        sheet.append(row)
    for cell, value in cells.items():
        sheet[cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


HEADER = ["ref", "place", "weight"]


def test_cells_become_canonical_text(tmp_path: Path) -> None:
    from datetime import date, datetime, time, timedelta

    content = workbook(
        [
            HEADER,
            [3460425857.0, 0.1, 12.5],
            [date(2025, 3, 9), datetime(2025, 3, 9, 12, 30, 1), time(1, 2, 3)],  # noqa: DTZ001 - a sheet has no zone
            [None, None, None],
            [True, timedelta(days=1, hours=3), " x "],
            [1e22, 1e-7, -0.0],
        ]
    )
    rows, problems = read(tmp_path, content, format="xlsx")
    assert problems == []
    assert [row[POSITION] for row in rows] == [2, 3, 5, 6]
    assert values(rows) == [
        ("3460425857", "0.1", "12.5"),
        ("2025-03-09", "2025-03-09T12:30:01", "01:02:03"),
        ("true", "27:00:00", " x "),
        ("10000000000000000000000", "0.0000001", "0"),
    ]


def test_error_values_and_formulas_without_a_value_are_problems_of_their_row(tmp_path: Path) -> None:
    content = workbook([HEADER, ["1", "x", 1], ["2", "x", 1], ["3", "x", 1]], B2="#N/A", C3="=1+1", E4="stray")
    rows, problems = read(tmp_path, content, format="xlsx")
    assert rows == []
    assert problems == [
        Problem(
            0,
            2,
            "CELL_ERROR",
            "",
            "xlsx:cell",
            "row 2, cell B2: the cell holds an error value. Have the supplier correct or clear it",
        ),
        Problem(
            1,
            3,
            "FORMULA",
            "",
            "xlsx:cell",
            f"row 3, cell C3: the cell holds a formula whose value is not stored. {RESAVE}",
        ),
        Problem(
            2,
            4,
            "RAGGED",
            "",
            "xlsx:columns",
            "row 4: a value stands in a column without a name. Have the supplier name the column or clear it",
        ),
    ]


def test_sheet_and_header_row_can_be_chosen(tmp_path: Path) -> None:
    content = workbook([["Seizures of March"], [], HEADER, ["1", "x", 2]])
    assert values(read(tmp_path, content, format="xlsx", sheet="Data", header_row="3")[0]) == [("1", "x", "2")]
    assert refusal(tmp_path, content, format="xlsx", sheet="Dta") == (
        "NO_SHEET", -1, "a.xlsx: there is no sheet 'Dta'; it has Data. Correct sheet, or have the supplier name it so",
    )  # fmt: skip
    code, position, _ = refusal(tmp_path, content, format="xlsx", header_row="2")
    assert (code, position) == ("HEADER", 2)


@pytest.mark.parametrize("shape", [FLAT, ANY])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_values_where_a_header_should_be_are_told_nowhere(tmp_path: Path, kind: str, shape: Shape) -> None:
    rows = [["Zanzibarov", "Zanzibarov", "2"], ["1", "x", "2"]]
    content = workbook(rows) if kind == "xlsx" else "".join(f"{','.join(row)}\n" for row in rows).encode()
    _, fetched = fetch(tmp_path, content, {"format": kind, "drift": {"new": "warn", "missing": "warn"}}, shape)
    assert fetched.problem is not None
    assert fetched.problem.code == "HEADER"
    assert "Zanzibarov" not in f"{fetched.problem} {fetched.notes}"


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"ref,place\n", format="xlsx") == (
        "NOT_XLSX", 0, f"a.xlsx, byte 0: not a workbook in .xlsx format (BadZipFile). {RESAVE}",
    )  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("hello.txt", "hello")
    assert refusal(tmp_path, out.getvalue(), format="xlsx")[0] == "NOT_XLSX"
    good = workbook([HEADER, ["1", "x", 2]])
    assert refusal(tmp_path, good[: len(good) // 2], format="xlsx")[0] == "NOT_XLSX"
    assert refusal(tmp_path, good, format="xlsx", max_unpacked_bytes=1000)[0] == "TOO_LARGE"
    sheet, book_part = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
    declared = rewritten(good, sheet, b"<worksheet", b"<!DOCTYPE x><worksheet")
    what = "a part of the workbook has a document type declaration"
    assert refusal(tmp_path, declared, format="xlsx") == ("DOCTYPE", -1, f"a.xlsx: {what}. {RESAVE}")
    declared = rewritten(good, book_part, b"<workbook", b"<!DOCTYPE x><workbook")
    assert refusal(tmp_path, declared, format="xlsx")[0] == "DOCTYPE"
    assert refusal(tmp_path, rewritten(good, sheet, b"</sheetData>", b""), format="xlsx")[0] == "NOT_XLSX"


def rewritten(book: bytes, part: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as source, zipfile.ZipFile(out, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            assert name != part or old in content
            copy.writestr(name, content.replace(old, new, 1) if name == part else content)
    return out.getvalue()


NESTED = shape_of(
    "nested.json",
    [
        Field("", "ref"),
        Field("", "place.name"),
        Field("", "risk", Type.LIST),
        Field("goods", "hs"),
        Field("goods", "net.weight"),
        Field("goods", "serial", Type.LIST),
    ],
)


def test_nested_objects_become_linked_tables_and_numbers_keep_their_text(tmp_path: Path) -> None:
    lines = [
        '{"ref": 1.10, "place": {"name": "Kapikule"}, "risk": ["a", 2, null, ""], "goods": '
        '[{"hs": "240220", "net": {"weight": 1E+400}}, {}]}',
        '  ',
        '{"ref": 123456789012345678901234567890, "place": null, "risk": null, "goods": [{"serial": [true, -0.0]}]}',
        '{"ref": "", "goods": []}',
    ]  # fmt: skip
    source, fetched = fetch(tmp_path, ("\ufeff" + "\n".join(lines)).encode(), {"format": "jsonl"}, NESTED)
    (batch,) = source.read(fetched)
    assert batch.root.to_pylist() == [
        {ROW: 0, POSITION: 1, "ref": "1.10", "place.name": "Kapikule", "risk": ["a", "2"]},
        {ROW: 1, POSITION: 3, "ref": "123456789012345678901234567890", "place.name": None, "risk": None},
        {ROW: 2, POSITION: 4, "ref": None, "place.name": None, "risk": None},
    ]
    assert batch.tables["goods"].to_pylist() == [
        {ROW: 0, "_i": 0, "hs": "240220", "net.weight": "1E+400", "serial": None},
        {ROW: 0, "_i": 1, "hs": None, "net.weight": None, "serial": None},
        {ROW: 1, "_i": 0, "hs": None, "net.weight": None, "serial": ["true", "-0.0"]},
    ]


@pytest.mark.parametrize(
    ("line", "code", "field", "reason"),
    [
        (
            '{"ref": 1, "ref": 2}',
            "REPEATED",
            "ref",
            "the name 'ref' stands twice in one object. Have the supplier send it once, or as an array",
        ),
        (
            '{"goods": [{"hs": 1, "hs": 1}]}',
            "REPEATED",
            "hs",
            "the name 'hs' stands twice in one object. Have the supplier send it once, or as an array",
        ),
        (
            '{"mood": 1}',
            "UNKNOWN_FIELD",
            "mood",
            "'mood' is not in the schema. Add it to the schema and the mapping, or have it left out",
        ),
        (
            '{"goods": [{}, {"mood": 1}]}',
            "UNKNOWN_FIELD",
            "goods.1.mood",
            "'goods.1.mood' is not in the schema. Add it to the schema and the mapping, or have it left out",
        ),
        (
            '{"ref": {"x": 1}}',
            "WRONG_KIND",
            "ref",
            "'ref' holds an object or array. Have the supplier send it as the schema says",
        ),
        (
            '{"ref": [1]}',
            "WRONG_KIND",
            "ref",
            "'ref' holds an object or array. Have the supplier send it as the schema says",
        ),
        (
            '{"place": "x"}',
            "WRONG_KIND",
            "place",
            "'place' holds no object. Have the supplier send it as the schema says",
        ),
        (
            '{"goods": {}}',
            "WRONG_KIND",
            "goods",
            "'goods' holds no array. Have the supplier send it as the schema says",
        ),
        (
            '{"goods": ["Zebedee"]}',
            "WRONG_KIND",
            "goods",
            "'goods' holds something that is no object. Have the supplier send it as the schema says",
        ),
        ('{"risk": "a"}', "WRONG_KIND", "risk", "'risk' holds no array. Have the supplier send it as the schema says"),
        ("[1]", "NOT_JSON", "", "not an object. Have the supplier write each record as an object"),
        ('{"ref": NaN}', "NOT_JSON", "", "NaN is no JSON number. Have the supplier leave the value out"),
        (
            '{"ref": Zebedee}',
            "NOT_JSON",
            "",
            "not JSON at column 9 (Expecting value). Have the supplier send the record again",
        ),
        (
            '{"ref": "\\ud800"}',
            "ENCODING",
            "ref",
            "'ref' holds half of a surrogate pair. Have the supplier send the text again",
        ),
        (
            '{"risk": ' + "[" * 100_000 + "]" * 100_000 + "}",
            "TOO_DEEP",
            "",
            "nested too deeply to be a record. Have the supplier send the record as the schema says",
        ),
        (
            '{"ref": "' + "x" * 300_000 + '"}',
            "TOO_LARGE",
            "",
            "longer than max_record_bytes allows (250000). Raise it, or have the record split",
        ),
    ],
)
def test_one_bad_line_stops_no_other(tmp_path: Path, line: str, code: str, field: str, reason: str) -> None:
    content = f'{{"ref": 1}}\n\n{line}\n{{"ref": 2}}\n'.encode()
    rows, problems = read(tmp_path, content, NESTED, format="jsonl", max_record_bytes=250_000)
    assert [row["ref"] for row in rows] == ["1", "2"]
    assert problems == [Problem(1, 3, code, field, "json", f"line 3: {reason}")]


def test_a_file_of_lines_that_is_none_is_refused_as_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, b'{"ref": 1}\n{"ref": "Sa\xf4ne"}\n', NESTED, format="jsonl")[:2] == ("ENCODING", 22)
    assert refusal(tmp_path, b'{"ref": 1}\n{"ref": "Sa', NESTED, format="jsonl") == (
        "TRUNCATED", 2, "a.jsonl, line 2: the last line breaks off in the middle of an object. Have the supplier "
        "send the file again",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "options", "rows"),
    [
        ("lemis_fws", {"format": "xlsx"}, 16_366),
        ("brazil_pf", {"format": "csv", "delimiter": ";"}, 6_089),
        ("cbp_weapons", {"format": "csv"}, 22_559),
    ],
)
def test_published_data_are_read_whole(
    real_data: Path, tmp_path: Path, folder: str, options: dict[str, str], rows: int
) -> None:
    source = FilesSource(os.fspath(real_data / folder), options, ANY)
    (offer,) = source.offers(ALWAYS)
    fetched = source.fetch(offer, tmp_path)
    batches = list(source.read(fetched))
    assert [problem for batch in batches for problem in batch.problems] == []
    assert (fetched.counted, sum(map(len, batches))) == (rows, rows)
    assert all(batch.tables.keys() == {ROOT} for batch in batches)
