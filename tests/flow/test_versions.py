"""Mappings that change: corrected, brought back, and several versions side by side, through the real exchange."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from bridge import settings
from bridge.connector import Window
from bridge.errors import Misconfigured, Stop
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from tests.flow.conftest import Installation
from tests.flow.test_recall import Policy

pytestmark = pytest.mark.usefixtures("unjudged")

TOP = Path(__file__).resolve().parents[2]
PLAIN = "supplier_service: {from: CustomsOffice}"
LOUD = "supplier_service: {from: CustomsOffice, text: upper}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content root before ours with the mapping of CEN, without examples, and one file in its drop folder."""
    folder = tmp_path / "content" / "mappings" / "cen"
    folder.mkdir(parents=True)
    (folder / "collect.yaml").write_text(mapping(PLAIN))
    drop = tmp_path / "drop"
    drop.mkdir()
    put(drop / "one.xml", 3)
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(drop))
    monkeypatch.setenv("BRIDGE_CONTENT", str(tmp_path / "content"), prepend=os.pathsep)
    return folder


def mapping(service: str, head: str = "") -> str:
    text = (TOP / "mappings" / "cen" / "collect.yaml").read_text(encoding="utf-8").partition("\nexamples:")[0] + "\n"
    text = re.sub(r", quality: [a-z.]+|\n  quality: [a-z.]+", "", text)  # its library takes seconds to import
    line = next(one for one in text.splitlines() if one.strip().startswith("supplier_service:"))
    return text.replace(line, f"  {service}").replace("\nversion:", f"\n{head}version:", 1)


def put(path: Path, day: int) -> None:
    """A file as CEN writes it, come on this day of March 2026, with an office that no other file names."""
    shutil.copy(TOP / "mappings" / "cen" / "samples" / "tobacco.xml", path)
    text = path.read_text(encoding="utf-8").replace('ref="', f'ref="{day}-', 1)
    path.write_text(text.replace("</CustomsOffice>", f" {day}</CustomsOffice>", 1), encoding="utf-8")
    moment = datetime(2026, 3, day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def days(first: int, last: int) -> Window:
    return Window(datetime(2026, 3, first, tzinfo=UTC), datetime(2026, 3, last, tzinfo=UTC))


def services(installation: Installation) -> list[str]:
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        return sorted(row[0] for row in session.execute("SELECT service FROM cis.case"))


def counts() -> dict[str, int]:
    collecting.collect("cen", days(3, 4), fresh=False)
    return shared()


def shared() -> dict[str, int]:
    (partner,) = sharing.share("cis").partners
    return {effect: count for effect, count in partner.effects.items() if count}


def test_a_corrected_mapping_reaches_the_partner_and_so_does_going_back(installation: Installation, root: Path) -> None:
    assert counts() == {"insert": 1}
    before = services(installation)
    (root / "collect.yaml").write_text(mapping(LOUD))
    assert counts() == {"update": 1}
    assert services(installation) == [f"{before[0][:2]}{before[0][2:].upper()}"] != before
    (root / "collect.yaml").write_text(mapping(PLAIN))
    assert counts() == {"update": 1}
    assert services(installation) == before
    assert counts() == {}


def test_a_share_goes_back_under_a_new_version_and_never_by_an_old_mapping(
    installation: Installation, root: Path, tmp_path: Path
) -> None:
    release = Policy(tmp_path / "content")
    file = tmp_path / "content" / "mappings" / "cis" / "share.yaml"
    collecting.collect("cen", days(3, 4), fresh=False)
    release.withhold()
    open_to_all = file.read_text(encoding="utf-8")
    sharing.select("cis", "half-way")  # and its process is killed
    sharing.share("cis", days(1, 2))
    release.withhold("FR")
    assert shared() == {}
    file.write_text(open_to_all, encoding="utf-8")
    for begun_again in (
        lambda: sharing.select("cis", "half-way"),
        lambda: sharing.deliver(sharing.open_share("cis", "half-way")),
        lambda: sharing.share("cis"),
    ):
        with pytest.raises(Stop, match="change the mapping's version") as stopped:
            begun_again()
        assert stopped.value.code == "OLD_MAPPING"
    assert services(installation) == []
    release.withhold()
    assert shared() == {"insert": 1}
    assert len(services(installation)) == 1


def test_a_middle_step_of_a_sealed_run_done_again_leaves_it_alone(installation: Installation, root: Path) -> None:
    work = collecting.extract("cen", days(3, 4), "key")
    assert collecting.map_and_validate(work) == {"read": 1}
    collecting.judge(work, fresh=False)
    collecting.accept(work)
    again = collecting.open_run("cen", days(3, 4), "key")
    assert collecting.map_and_validate(again) == {"read": 1}
    assert not again.stage.folder.exists()
    work.stage.write_table("staging-0.parquet", pa.table({"left": ["over"]}))
    assert collecting.judge(again, fresh=False) == []


def test_each_input_is_read_with_the_version_of_its_day(installation: Installation, root: Path, tmp_path: Path) -> None:
    put(tmp_path / "drop" / "two.xml", 5)
    (root / "collect.yaml").write_text(mapping(LOUD, "effective: {from: 2026-03-05}\n"))
    (root / "collect-2025.yaml").write_text(mapping(PLAIN, "effective: {to: 2026-03-04}\n"))
    books = collecting.collect("cen", days(3, 6), fresh=False)
    assert books.balanced
    sharing.share("cis")
    old, new = sorted(services(installation), key=lambda one: one[-1])
    assert old[:-1].upper() == new[:-1] != old[:-1]
    with Exchange(settings.exchange_url()) as exchange, exchange.engine.connect() as connection:
        noted = connection.exec_driver_sql("SELECT name, notes ->> 'mapping' FROM exchange.input ORDER BY 1").fetchall()
        (parts,) = connection.exec_driver_sql(
            "SELECT parts FROM exchange.mapping_revision WHERE mapping = 'cen.seizure -> common.seizure'"
        ).one()
    assert [tuple(row) for row in noted] == [
        ("one.xml", "mappings/cen/collect-2025.yaml 1.0.0"),
        ("two.xml", "mappings/cen/collect.yaml 1.0.0"),
    ]
    assert {"mappings/cen/collect.yaml", "mappings/cen/collect-2025.yaml", "mappings/codes/country.csv"} <= set(parts)


def test_an_input_of_a_day_without_a_version_stops_the_run(installation: Installation, root: Path) -> None:
    (root / "collect.yaml").write_text(mapping(PLAIN, "effective: {to: 2026-03-02}\n"))
    with pytest.raises(Misconfigured, match=r"no version of cen.seizure -> common.seizure holds on 2026-03-03"):
        collecting.collect("cen", days(3, 4), fresh=False)
    (root / "collect.yaml").write_text(mapping(PLAIN, "effective: {to: 2026-03-03}\n"))
    assert counts() == {"insert": 1}
    assert len(services(installation)) == 1
