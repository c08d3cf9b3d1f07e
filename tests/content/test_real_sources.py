"""Three published sources, each with no code of its own: what becomes of every row, counted apart from the engine.

The expected numbers stand here as facts about the files and are, where that says more, also worked out from the raw
rows with nothing but the standard library.
"""

from __future__ import annotations

import calendar
import csv
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from bridge.batch import ROW, Batch
from bridge.connector import ORDERS, Input, Window
from bridge.content import Content
from bridge.document import encode
from bridge.mapping import Mapped, Mapping, forward, load
from bridge.quality import validate
from bridge.release import release
from connectors.files import FilesSource
from connectors.sql import SqlTarget

CONTENT = Content.find()
ALL_TIME = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
OPTIONS_OF_THE_FLOW = ("connector", "connection", "every", "start", "quality")
OVERFLOW = "-2147483648.0"
ABROAD = "Preclearance Field Office"
Row = dict[str, str]
Collect = Callable[[str, str], "Collected"]


@dataclass(frozen=True, slots=True)
class Collected:
    """One published file, read and mapped."""

    mapping: Mapping
    input: Input
    read: Batch
    mapped: Mapped

    @property
    def held(self) -> Counter[str]:
        """Held records by the code of their first problem."""
        first: dict[int, str] = {}
        for problem in self.mapped.problems:
            first.setdefault(problem.row, problem.code)
        return Counter(first.values())

    def lists(self, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The id of each sound record, with its entries of a list."""
        entries: dict[int, list[dict[str, Any]]] = {}
        for entry in self.mapped.batch.tables[name].to_pylist():
            entries.setdefault(entry[ROW], []).append(entry)
        for record in self.mapped.batch.root.to_pylist():
            yield record["origin_record_id"], entries.get(record[ROW], [])

    def goods(self) -> list[dict[str, Any]]:
        return list(self.mapped.batch.tables["goods"].to_pylist())


@pytest.fixture(scope="module")
def collect(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Collect:
    """Reads and maps a source's published file the way the flow does, once."""
    done: dict[str, Collected] = {}

    def run(system: str, folder: str) -> Collected:
        if system not in done:
            mapping = load(CONTENT, system, "collect")
            options = {name: said for name, said in (mapping.collect or {}).items() if name not in OPTIONS_OF_THE_FLOW}
            source = FilesSource(str(real_data / folder), options, mapping.source_shape)
            (offer,) = source.offers(ALL_TIME)
            found = source.fetch(offer, tmp_path_factory.mktemp(system))
            assert found.problem is None
            batches = list(source.read(found))
            tables = {name: pa.concat_tables([one.tables[name] for one in batches]) for name in batches[0].tables}
            problems = tuple(problem for one in batches for problem in one.problems)
            whole = Batch(tables, found.name, found.sha256, problems)
            done[system] = Collected(mapping, found, whole, forward(mapping, whole))
        return done[system]

    return run


@pytest.fixture
def lemis(collect: Collect) -> Collected:
    return collect("lemis", "lemis_fws")


@pytest.fixture
def cbp(collect: Collect) -> Collected:
    return collect("cbp_weapons", "cbp_weapons")


@pytest.fixture
def brazil(collect: Collect) -> Collected:
    return collect("brazil_pf", "brazil_pf")


@pytest.fixture(scope="module")
def lemis_rows(real_data: Path) -> list[Row]:
    (path,) = (real_data / "lemis_fws").glob("*.xlsx")
    header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Standard Report").to_python()
    names = [" ".join(str(name).split()) for name in header]
    return [dict(zip(names, map(str, row), strict=True)) for row in rows]


@pytest.fixture(scope="module")
def cbp_rows(real_data: Path) -> list[Row]:
    return list(raw(real_data / "cbp_weapons", ","))


@pytest.fixture(scope="module")
def brazil_rows(real_data: Path) -> list[Row]:
    return list(raw(real_data / "brazil_pf", ";"))


def raw(folder: Path, delimiter: str) -> Iterator[Row]:
    (path,) = folder.glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def books(collected: Collected) -> tuple[int, int, int, int, int, int]:
    """Counted rows, rows out of scope, rows in records, records, held records, sound records; three sums checked."""
    mapped = collected.mapped
    inside = sum(mapped.rows.column("rows").to_pylist())
    outside = mapped.out_of_scope.num_rows
    held = len({problem.row for problem in mapped.problems})
    assert collected.input.counted == len(collected.read) == inside + outside
    assert mapped.rows.num_rows == held + len(mapped.batch)
    return len(collected.read), outside, inside, mapped.rows.num_rows, held, len(mapped.batch)


# --- LEMIS -----------------------------------------------------------------------------------------------------------


def test_lemis_of_16366_lines_276_are_seized_and_make_262_records(lemis: Collected, lemis_rows: list[Row]) -> None:
    seized = [row for row in lemis_rows if row["Dp Cd"] == "S"]
    assert books(lemis) == (16366, 16090, 276, 262, 0, 262)
    assert (len(lemis_rows), len(seized), len({row["Control Number"] for row in seized})) == (16366, 276, 262)
    assert set(lemis.mapped.out_of_scope.column("rule").to_pylist()) == {"scope.Dp Cd"}
    assert Counter(len(goods) for _, goods in lemis.lists("goods")) == {1: 251, 2: 9, 3: 1, 4: 1}


def test_lemis_quantities_are_those_of_the_sheet_in_common_units(lemis: Collected, lemis_rows: list[Row]) -> None:
    into = {"NO": ("H87", "1"), "GM": ("GRM", "1"), "KG": ("KGM", "1"), "LB": ("KGM", "0.45359237"), "MG": ("MGM", "1")}
    expected: Counter[str] = Counter()
    for row in lemis_rows:
        if row["Dp Cd"] == "S":
            unit, factor = into[row["Unit"]]
            expected[unit] += Decimal(row["Qty"]) * Decimal(factor)  # type: ignore[assignment]
    found: Counter[str] = Counter()
    for line in lemis.goods():
        found[line["unit"]] += Decimal(line["quantity"] or 0)  # type: ignore[assignment]
    assert found == expected
    assert {line["quantity"] for line in lemis.goods() if line["reported_unit"] == "LB"} == {
        "3.17514659", "6.577089365", "0.45359237",
    }  # fmt: skip


def test_lemis_lines_of_quantity_nought_have_no_quantity_and_are_kept(lemis: Collected) -> None:
    # All twelve are medicinal products counted in pieces: something was seized, and nobody counted it.
    nought = [line for line in lemis.goods() if line["reported_quantity"] == "0"]
    assert len(nought) == 12
    assert {(line["quantity"], line["unit"], line["cites_specimen_code"]) for line in nought} == {(None, "H87", "MED")}
    assert all(line["quantity"] for line in lemis.goods() if line not in nought)


def test_lemis_origin_and_export_are_two_steps_and_unknown_origins_no_countries(
    lemis: Collected, lemis_rows: list[Row]
) -> None:
    routes = {key: {step["role"]: step for step in steps} for key, steps in lemis.lists("route")}
    assert {tuple(steps) for steps in routes.values()} == {("ORIGIN", "DEPARTURE")}
    expected = {
        f"{Decimal(row['Control Number']):f}".removesuffix(".0"): (
            None if row["Ctry Org"] in ("XX", "VS") else row["Ctry Org"],
            row["Ctry IE"],
            row["Ship Date"],
        )
        for row in lemis_rows
        if row["Dp Cd"] == "S"
    }
    found = {
        key: (steps["ORIGIN"]["country"], steps["DEPARTURE"]["country"], steps["DEPARTURE"]["date"])
        for key, steps in routes.items()
    }
    assert found == expected
    assert sum(origin is None for origin, _, _ in found.values()) == 68  # on 73 lines
    assert lemis.mapped.filtered == {"route.country codes:lemis_country none": 68}


def test_lemis_phrases_in_place_of_a_species_are_no_names(lemis: Collected, lemis_rows: list[Row]) -> None:
    seized = [row for row in lemis_rows if row["Dp Cd"] == "S"]
    nameless = sum(row["Genus"] in ("", "NONCITES", "NONCITES ENTRY") for row in seized)
    assert nameless == 23 + 18 + 66
    assert sum(line["species_scientific"] is None for line in lemis.goods()) == nameless
    assert "HOPLOBATRACHUS RUGULOSUS" in {line["species_scientific"] for line in lemis.goods()}


# --- CBP -------------------------------------------------------------------------------------------------------------


def test_cbp_of_22559_lines_14924_events_are_made_and_two_are_held(cbp: Collected, cbp_rows: list[Row]) -> None:
    assert books(cbp) == (22559, 0, 22559, 14924, 2, 14922)
    assert len({row["Event ID"] for row in cbp_rows}) == 14924
    assert cbp.held == {"NO_COUNTERPART": 1, "HEADER_CONFLICT": 1}


def test_cbp_the_number_that_did_not_fit_is_held_with_all_its_lines(cbp: Collected, cbp_rows: list[Row]) -> None:
    # -2147483648 is the smallest 32-bit integer: two events whose numbers were too large were given it.
    assert {row["Event ID"] for row in cbp_rows if row["Event ID"].startswith("-")} == {OVERFLOW}
    assert sum(row["Event ID"] == OVERFLOW for row in cbp_rows) == 5
    conflicts = [problem for problem in cbp.mapped.problems if problem.code == "HEADER_CONFLICT"]
    assert len({problem.row for problem in conflicts}) == 1
    assert {problem.field for problem in conflicts} == {
        "Area of Responsibility", "Inbound/Outbound", "Mode of Transportation",
    }  # fmt: skip
    rows = dict(zip(cbp.mapped.rows.column(ROW).to_pylist(), cbp.mapped.rows.column("rows").to_pylist(), strict=True))
    assert rows[conflicts[0].row] == 5


def test_cbp_a_seizure_abroad_is_held_since_nobody_says_where(cbp: Collected, cbp_rows: list[Row]) -> None:
    abroad = [place for place, row in enumerate(cbp_rows) if row["Area of Responsibility"] == ABROAD]
    (problem,) = [problem for problem in cbp.mapped.problems if problem.code == "NO_COUNTERPART"]
    assert (problem.row, problem.field) == (abroad[0], "seizure_country")
    assert len(abroad) == 1


def test_cbp_ids_and_months_are_those_of_the_file(cbp: Collected, cbp_rows: list[Row]) -> None:
    months = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
    expected = {}
    for row in cbp_rows:
        month = months[row["Month (abbv)"]]
        year = int(row["Fiscal Year"][:4]) - (1 if month >= 10 else 0)
        expected[str(int(Decimal(row["Event ID"])))] = f"{year}-{month:02}"
    root = cbp.mapped.batch.root
    found = dict(zip(root["origin_record_id"].to_pylist(), root["seizure_date"].to_pylist(), strict=True))
    assert len(found) == 14922
    assert found.items() <= expected.items()


def test_cbp_counts_that_are_missing_stay_missing(cbp: Collected, cbp_rows: list[Row]) -> None:
    # The file has no fraction at all; five counts are empty and three are 0.0, all of them ammunition.
    lines = [row for row in cbp_rows if row["Quantity Seized"] in ("", "0.0")]
    assert Counter(row["Quantity Seized"] for row in lines) == {"": 5, "0.0": 3}
    assert {(row["Category"], row["Component"]) for row in lines} == {("Ammunition", "U.S. Border Patrol")}
    assert all(row["Quantity Seized"].endswith(".0") for row in cbp_rows if row["Quantity Seized"])
    open_lines = [line for line in cbp.goods() if line["quantity"] is None]
    assert Counter(line["reported_quantity"] for line in open_lines) == {None: 5, "0": 3}
    assert {line["commodity_type"] for line in open_lines} == {"AMMUNITION"}
    held = {
        row["Event ID"] for row in cbp_rows if row["Event ID"] == OVERFLOW or row["Area of Responsibility"] == ABROAD
    }
    total = sum(Decimal(row["Quantity Seized"] or 0) for row in cbp_rows if row["Event ID"] not in held)
    assert sum(Decimal(line["quantity"] or 0) for line in cbp.goods()) == total


def test_cbp_explosives_have_a_number_and_no_unit(cbp: Collected) -> None:
    units = {(line["commodity_type"], line["unit"]) for line in cbp.goods()}
    assert {kind for kind, unit in units if unit is None} == {"EXPLOSIVES"}
    assert {unit for _, unit in units} == {None, "H87"}


def test_cbp_lines_that_repeat_another_of_their_event_are_kept(cbp: Collected, cbp_rows: list[Row]) -> None:
    assert sum(count - 1 for count in Counter(tuple(row.values()) for row in cbp_rows).values()) == 78
    assert len(cbp.goods()) == 22559 - 5 - 1


# --- Brazil ----------------------------------------------------------------------------------------------------------


def test_brazil_every_line_is_a_record_with_an_id_of_its_own(brazil: Collected, brazil_rows: list[Row]) -> None:
    assert books(brazil) == (6089, 0, 6089, 6089, 0, 6089)
    assert sum(count - 1 for count in Counter(tuple(row.values()) for row in brazil_rows).values()) == 216
    ids = brazil.mapped.batch.root["origin_record_id"].to_pylist()
    assert len(set(ids)) == 6089
    assert set(brazil.mapped.batch.root["id_basis"].to_pylist()) == {"CONTENT"}


def test_brazil_ids_do_not_depend_on_the_order_of_the_lines(brazil: Collected) -> None:
    order = list(range(len(brazil.read)))
    random.Random(20230711).shuffle(order)
    shuffled = brazil.read.root.take(pa.array(order)).set_column(0, ROW, pa.array(range(len(order)), pa.int64()))
    again = forward(brazil.mapping, replace(brazil.read, tables={"": shuffled}))
    ids = again.batch.root["origin_record_id"].to_pylist()
    assert ids != brazil.mapped.batch.root["origin_record_id"].to_pylist()
    assert sorted(ids) == sorted(brazil.mapped.batch.root["origin_record_id"].to_pylist())


def test_brazil_quantities_lose_no_digit_and_nought_is_no_quantity(brazil: Collected, brazil_rows: list[Row]) -> None:
    units = {"gramas": "GRM", "comprimidos": "H87", "pontos": "H87", "frascos": "H87", "": None}
    amounts = [row["QUANTIDADE"].replace(",", ".") for row in brazil_rows]
    expected = [
        (units[row["UNIDADE_MEDIDA"]], None if amount in ("", "0") else Decimal(amount))
        for row, amount in zip(brazil_rows, amounts, strict=True)
    ]
    found = [(line["unit"], None if line["quantity"] is None else Decimal(line["quantity"])) for line in brazil.goods()]
    assert found == expected
    assert Counter(row["QUANTIDADE"] for row in brazil_rows if row["QUANTIDADE"] in ("", "0")) == {"": 64, "0": 7}
    assert sum("," in row["QUANTIDADE"] for row in brazil_rows) == 145
    assert sum(unit is None for unit, _ in found) == 5


def test_brazil_days_are_month_first_and_places_have_codes(brazil: Collected, brazil_rows: list[Row]) -> None:
    root = brazil.mapped.batch.root
    expected = ["{2}-{0}-{1}".format(*row["DATA"].split("/")) for row in brazil_rows]
    assert root["seizure_date"].to_pylist() == expected
    codes = root["place_unlocode"].to_pylist()
    places = [row["UNIDADE_PADRAO_AEROPORTUARIO"] for row in brazil_rows]
    assert {place for place, code in zip(places, codes, strict=True) if code is None} == {"PMG", "TLS"}
    assert {code for code in codes if code} == {
        place if len(place) == 5 else f"BR{place}" for place in places if place not in ("PMG", "TLS")
    }


def test_brazil_coordinates_are_the_places_and_two_of_them_are_wrong(brazil_rows: list[Row]) -> None:
    """Why the mapping leaves them out: they say nothing that the place does not, and for two ports they lie."""
    of_place: dict[str, set[tuple[str, str]]] = {}
    for row in brazil_rows:
        of_place.setdefault(row["UNIDADE_PADRAO_AEROPORTUARIO"], set()).add((row["lat"], row["lon"]))
    assert max(len(pairs) for pairs in of_place.values()) == 1
    assert {place for place, pairs in of_place.items() if ("0" in {lat for lat, _ in pairs})} == {"BRIBB", "BRPOA"}


# --- all three -------------------------------------------------------------------------------------------------------

SOURCES = {"lemis": "lemis_fws", "cbp_weapons": "cbp_weapons", "brazil_pf": "brazil_pf"}


@pytest.mark.parametrize("system", SOURCES)
def test_no_source_has_code_of_its_own(system: str) -> None:
    root = CONTENT.path(f"mappings/{system}/collect.yaml").parents[2]
    assert not list((root / "mappings" / system).rglob("*.py"))
    assert not [path for path in (root / "connectors").rglob("*.py") if system in path.read_text(encoding="utf-8")]
    assert not [path for path in (root / "bridge").rglob("*.py") if system in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("system", SOURCES)
def test_every_sound_record_keeps_the_common_schema(collect: Collect, system: str) -> None:
    collected = collect(system, SOURCES[system])
    documents = encode(collected.mapped.batch, collected.mapping.target_shape)
    assert documents.num_rows == len(collected.mapped.batch)
    assert validate(documents, CONTENT, date(2026, 1, 1)) == []


@pytest.mark.parametrize(("system", "goes"), [("lemis", 262), ("cbp_weapons", 14922), ("brazil_pf", 6089)])
def test_every_sound_record_could_go_to_cis(collect: Collect, system: str, goes: int) -> None:
    """None is held for a quantity that nobody took: the Annex makes no item mandatory, and the seizure is a fact."""
    cases = as_cases(collect(system, SOURCES[system]))
    assert (cases.problems, len(cases.batch)) == ([], goes)


def as_cases(collected: Collected) -> Mapped:
    """What CIS would get of the sound records, under the ids that the exchange would give them."""
    mapping = load(CONTENT, "cis", "share")
    root = collected.mapped.batch.root
    names = zip(root["origin_system"].to_pylist(), root["origin_record_id"].to_pylist(), strict=True)
    ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, f"{system}/{record}")) for system, record in names]
    place = root.column_names.index("bridge_id")
    with_ids = root.set_column(place, "bridge_id", pa.array(ids, pa.string()))
    batch = replace(collected.mapped.batch, tables={**collected.mapped.batch.tables, "": with_ids})
    released = release(mapping.release, mapping.source_shape, batch)
    assert released.withheld.num_rows == 0
    return forward(mapping, released.batch)


def test_lemis_in_a_partners_database(lemis: Collected, postgres_url: str) -> None:
    cases = as_cases(lemis)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
        session.execute(CONTENT.path("schemas/cis/cis.sql").read_text(encoding="utf-8"))
    mapping = load(CONTENT, "cis", "share")
    options = {name: said for name, said in (mapping.deliver or {}).items() if name not in ("connector", "connection")}
    target = SqlTarget(postgres_url, options, mapping.target_shape)
    receipts = target.deliver(cases.batch, orders(cases.batch))
    assert Counter(receipts.column("effect").to_pylist()) == {"insert": 262}
    assert target.count() == 262
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as session:
        sums = session.execute("SELECT unit, sum(quantity) FROM cis.commodity GROUP BY unit").fetchall()
    found: Counter[str] = Counter()
    for line in lemis.goods():
        found[line["unit"]] += Decimal(line["quantity"] or 0)  # type: ignore[assignment]
    assert dict(sums) == found


def orders(batch: Batch) -> pa.Table:
    rows = batch.root.column(ROW).to_pylist()
    keys = batch.root["case_reference"].to_pylist()
    hashes = [uuid.UUID(key).bytes * 2 for key in keys]
    moment = [datetime(2026, 1, 5, tzinfo=UTC)] * len(rows)
    no = [False] * len(rows)
    return pa.table([rows, keys, no, no, moment, [1] * len(rows), hashes, hashes], schema=ORDERS)
