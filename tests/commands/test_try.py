"""bridge try: real records, and nothing of them is sent, kept, or shown without a mask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.commands.conftest import Bridge
from tests.docs.render import TOP

SAMPLES = TOP / "mappings"


def tried(bridge: Bridge, *words: str) -> list[dict[str, Any]]:
    """Each record as JSON; beside them stands, on the other stream, that there is no exchange to be asked."""
    return [json.loads(line) for line in bridge("try", *words, "--json").splitlines() if line.startswith("{")]


def test_each_record_is_told_with_its_reason(bridge: Bridge, tmp_path: Path) -> None:
    """One that would go, one that would be held in the exchange, side by side with the partner's."""
    text = (SAMPLES / "brazil_pf/samples/one-line.csv").read_text(encoding="utf-8-sig")
    path = tmp_path / "two.csv"
    path.write_text(text + text.splitlines()[1].replace("03/18/2013", "18/03/2013") + "\n", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    told = tried(bridge, "brazil_pf", "--file", str(path), "--to", "cis")
    assert [[(fate["at"], fate["what"]) for fate in one["fates"]] for one in told] == [
        [("common", "would go"), ("cis", "would go")],
        [("common", "held")],
    ]
    assert "BAD_DATE at seizure_date" in told[1]["fates"][0]["why"][0]
    quantity = next(one for one in told[0]["fates"][0]["fields"] if one["path"] == "goods.0.quantity")
    assert quantity == {
        "path": "goods.0.quantity",
        "value": "24570.83333",
        "from": {"QUANTIDADE": "24570,83333", "UNIDADE_MEDIDA": "gramas"},
    }
    assert sorted(tmp_path.rglob("*")) == before
    summary = bridge("try", "brazil_pf", "--file", str(path), "--to", "cis")
    assert "the exchange: 1 would go, 1 held" in summary
    assert "1 x common, held: BAD_DATE at seizure_date" in summary
    assert "left out" not in summary
    path.write_text(text.replace(";RBR;", ";PMG;"), encoding="utf-8")
    summary = bridge("try", "brazil_pf", "--file", str(path), "--to", "cis")
    assert "1 x left out of what goes: place_unlocode codes:brazil_place none" in summary


def test_lists_inside_a_record_keep_their_places_and_persons_their_masks(bridge: Bridge) -> None:
    told = bridge("try", "cis", "--to", "cis", "--file", str(SAMPLES / "cis/samples/lorry.json"), "--json", code=0)
    assert json.loads(told.splitlines()[0])["fates"][0]["at"] == "cis"
    (cen,) = tried(bridge, "cen", "--file", str(SAMPLES / "cen/samples/tobacco.xml"), "--to", "cis")
    common, partner = cen["fates"]
    read = {one["path"]: one["from"] for one in common["fields"]}
    assert "Goods/Item.1.Quantity" in read["goods.1.quantity"]
    assert partner["what"] in ("would go", "withheld")
    shown = [one["value"] for one in common["fields"] if one["path"].endswith(("licence_plate", "description"))]
    assert shown
    assert set(shown) <= {"<masked>", None}


def test_a_file_that_cannot_be_read_is_held_as_a_whole(bridge: Bridge, tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    path.write_bytes((SAMPLES / "cen/samples/drugs.xml").read_bytes()[:-20])
    told = bridge("try", "cen", "--file", str(path), "--to", "cis", code=3)
    assert "the exchange: 1 held" in told
    assert "cut.xml: TRUNCATED, the whole input" in told
    assert "┏" not in told, "a table would have nothing in it"
    assert f"Next: mend what is said above, then bridge try cen --file {path}." in told
    assert json.loads(bridge("try", "cen", "--file", str(path), "--json", code=3))["fates"][0]["what"] == "held"
    assert "NO_SYSTEM" in bridge("try", "nowhere", code=2)
