"""FilesSource keeps the promises of a Source in every format, and takes from the folder what belongs to it."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from bridge.connector import Offer, Source, Window
from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, shape_of
from bridge.testing_source import BROKEN, NOON, SourceConformance, Supply
from connectors.files import FilesSource, source

FLAT = shape_of("flat", [Field("", "ref"), Field("", "place")])
NESTED = shape_of("nested", [Field("", "@ref"), Field("", "Place/Name"), Field("Goods/Item", "HS")])


class Folder(ABC):
    """A drop folder in one format."""

    suffix: str
    reference = "ref"

    def __init__(self, path: Path) -> None:
        self.path = path / "drop"
        self.path.mkdir()
        self.source: Source = self.open()
        self._number = 0

    def open(self) -> Source:
        return source(os.fspath(self.path), {"format": self.suffix}, FLAT)

    @abstractmethod
    def write(self, path: Path, references: Sequence[str]) -> None:
        """Write a file with these records."""

    def put(self, references: Sequence[str], arrival: datetime) -> None:
        self._number += 1
        path = self.path / f"{self._number:03d}.{self.suffix}"
        self.write(path, references)
        moment = (arrival - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        os.utime(path, ns=(moment, moment))

    def state(self) -> object:
        return {
            path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in self.path.iterdir()
        }


class XmlFolder(Folder):
    suffix = "xml"
    reference = "@ref"

    def open(self) -> Source:
        return source(self.path.as_uri(), {"record": "/CEN/Seizure", "chunk_bytes": 1 << 20}, NESTED)

    def write(self, path: Path, references: Sequence[str]) -> None:
        text = "".join(
            f'<Seizure ref="{ref}"><Place><Name>Kapikule</Name></Place>{"<Mood/>" if ref.startswith(BROKEN) else ""}'
            "<Goods><Item><HS>240220</HS></Item></Goods></Seizure>\n"
            for ref in references
        )
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<CEN>\n{text}</CEN>\n')


class CsvFolder(Folder):
    suffix = "csv"

    def write(self, path: Path, references: Sequence[str]) -> None:
        lines = [f'{ref},"{ref}\nsecond line"{",more" if ref.startswith(BROKEN) else ""}' for ref in references]
        path.write_text("\n".join(["ref,place", *lines]) + "\n")


class JsonFolder(Folder):
    suffix = "jsonl"

    def write(self, path: Path, references: Sequence[str]) -> None:
        lines = [
            json.dumps({"ref": ref, "place": None, **({"mood": 1} if ref.startswith(BROKEN) else {})})
            for ref in references
        ]
        path.write_text("\n".join(lines) + "\n")


class XlsxFolder(Folder):
    suffix = "xlsx"

    def write(self, path: Path, references: Sequence[str]) -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Data")
        sheet.append(["ref", "place"])
        for ref in references:
            sheet.append([ref, "=1/0" if ref.startswith(BROKEN) else "Kapikule"])
        book.save(path)


class TestXml(SourceConformance):
    @pytest.fixture
    def supply(self, tmp_path_factory: pytest.TempPathFactory) -> Supply:
        return XmlFolder(tmp_path_factory.mktemp("supplier"))


class TestCsv(SourceConformance):
    @pytest.fixture
    def supply(self, tmp_path_factory: pytest.TempPathFactory) -> Supply:
        return CsvFolder(tmp_path_factory.mktemp("supplier"))


class TestJsonLines(SourceConformance):
    @pytest.fixture
    def supply(self, tmp_path_factory: pytest.TempPathFactory) -> Supply:
        return JsonFolder(tmp_path_factory.mktemp("supplier"))


class TestXlsx(SourceConformance):
    many = 21_000

    @pytest.fixture
    def supply(self, tmp_path_factory: pytest.TempPathFactory) -> Supply:
        return XlsxFolder(tmp_path_factory.mktemp("supplier"))


def folder_of(path: Path, **content: bytes) -> FilesSource:
    for name, data in content.items():
        (path / name).write_bytes(data)
    return FilesSource(os.fspath(path), {"format": "csv"}, FLAT)


def names(source: FilesSource) -> list[str]:
    return [offer.name for offer in source.offers(EVER)]


EVER = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def test_hidden_unfinished_linked_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    drop, outside = tmp_path / "drop", tmp_path / "outside"
    (drop / "2025" / "march").mkdir(parents=True)
    (drop / ".git").mkdir()
    outside.mkdir()
    passed_over = [".hidden.csv", ".git/d.csv", "~$e.csv", "f.csv.part", "g.csv~", "h.csv.tmp", "i.xml"]
    for name in ("a.csv", "B.CSV", "2025/march/c.csv", *passed_over):
        (drop / name).write_text("ref,place\n")
    (outside / "secret.csv").write_text("ref,place\n")
    (drop / "link.csv").symlink_to(outside / "secret.csv")
    (drop / "folder").symlink_to(outside)
    os.mkfifo(drop / "pipe.csv")
    source = folder_of(drop)
    assert sorted(names(source)) == ["2025/march/c.csv", "B.CSV", "a.csv"]
    below = FilesSource(os.fspath(drop), {"format": "csv", "pattern": "2025/*/*.csv"}, FLAT)
    assert names(below) == ["2025/march/c.csv"]


@pytest.mark.parametrize(
    "name",
    [
        "../outside/secret.csv",
        "/etc/passwd",
        "..",
        "link.csv",
        "folder/secret.csv",
        "pipe.csv",
        "a%2F..%2F..%2Foutside%2Fsecret.csv",
        "a%00.csv",
        "2025",
    ],
)
def test_no_name_leads_out_of_the_folder_or_to_anything_but_a_file(tmp_path: Path, name: str) -> None:
    drop, outside = tmp_path / "drop", tmp_path / "outside"
    (drop / "2025").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.csv").write_text("ref,place\n")
    (drop / "link.csv").symlink_to(outside / "secret.csv")
    (drop / "folder").symlink_to(outside)
    os.mkfifo(drop / "pipe.csv")
    with pytest.raises(Misconfigured, match=r"OUTSIDE|NOT_A_FILE"):
        folder_of(drop).fetch(Offer(name, NOON), tmp_path / "archive")
    assert not [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]


def test_names_with_anything_in_them_are_offered_printable_and_fetched(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    strange = [b"a\nINFO forged line.csv", b"50%.csv", b"\xff\xfe.csv", "Sa\u00f4ne \u202egnp.csv".encode(), b"%41.csv"]
    for name in strange:
        (drop / os.fsdecode(name)).write_bytes(b"ref,place\n" + name.hex().encode() + b",x\n")
    source = folder_of(drop)
    offers = source.offers(EVER)
    assert all(offer.name.isprintable() for offer in offers)
    read = []
    for offer in offers:
        for batch in source.read(source.fetch(offer, tmp_path / "archive")):
            read += batch.root.column("ref").to_pylist()
    assert sorted(read) == sorted(name.hex() for name in strange)


def test_a_file_that_went_away_or_changed_is_tried_later(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    source = folder_of(drop, **{"a.csv": b"ref,place\n1,x\n", "b.csv": b"ref,place\n1,x\n"})
    first, second = source.offers(EVER)
    (drop / "a.csv").unlink()
    with pytest.raises(TryLater, match=r"VANISHED at a\.csv: the file is no longer in the drop folder"):
        source.fetch(first, tmp_path / "archive")
    with (drop / "b.csv").open("ab") as file:
        file.write(b"2,y\n")
    os.utime(drop / "b.csv", (2_000_000_000, 2_000_000_000))
    with pytest.raises(TryLater, match=r"GROWING at b\.csv"):
        source.fetch(second, tmp_path / "archive")


def test_a_damaged_file_in_the_archive_is_replaced(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    source = folder_of(drop, **{"a.csv": b"ref,place\n1,x\n"})
    (offer,) = source.offers(EVER)
    fetched = source.fetch(offer, tmp_path / "archive")
    fetched.path.write_bytes(b"")
    assert source.fetch(offer, tmp_path / "archive").path.read_bytes() == b"ref,place\n1,x\n"


@pytest.mark.parametrize(
    ("connection", "options", "code"),
    [
        ("sftp://host/drop", {}, "BAD_CONNECTION"),
        ("file://elsewhere/drop", {}, "BAD_CONNECTION"),
        ("/nowhere/at/all", {}, "NO_FOLDER"),
        (".", {"format": "pdf"}, "BAD_OPTION"),
        (".", {"format": "xml"}, "BAD_OPTION"),
        (".", {"format": "csv", "delimiter": "::"}, "BAD_OPTION"),
        (".", {"format": "csv", "encoding": "klingon"}, "BAD_OPTION"),
        (".", {"format": "csv", "max_input_bytes": "0"}, "BAD_OPTION"),
        (".", {"format": "xlsx", "header_row": "first"}, "BAD_OPTION"),
    ],
)
def test_a_wrong_connection_or_option_is_refused_at_once(connection: str, options: dict[str, str], code: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        FilesSource(connection, options, FLAT)
    assert refused.value.code == code
