"""README's way of adding a source, typed line by line as it stands there; then what one asks and changes afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.commands.conftest import NAME, Bridge, bridge, root
from tests.docs.render import TOP
from tests.flow.conftest import Installation, installation

__all__ = ["bridge", "installation", "root"]
TITLE = "## Add a source in ten minutes"
BASH = shutil.which("bash") or "/bin/bash"
GIT = shutil.which("git") or "/usr/bin/git"


def lines() -> list[str]:
    """What the section tells to type, in order, without comments."""
    section = (TOP / "README.md").read_text(encoding="utf-8").partition(TITLE)[2].partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def typed(line: str, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> str:
    """The line as a shell would do it; bridge itself runs in this process."""
    if line.startswith("export "):
        name, _, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, _shell(f"printf %s {value}"))
        return ""
    if not line.startswith("bridge "):
        return _shell(line)
    return bridge(*_shell(f"printf '%s\\0' {line.removeprefix('bridge ')}").split("\0")[:-1])


def _shell(line: str) -> str:
    return subprocess.run([BASH, "-ec", line], check=True, capture_output=True, text=True).stdout


def test_the_way_of_the_readme_leads_to_the_partner(
    bridge: Bridge, root: Path, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a CSV to CIS without a line of Python; then explain, plan and diff after a code has changed."""
    (root / "docs").symlink_to(TOP / "docs")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    said = {line: typed(line, bridge, monkeypatch) for line in lines()}
    told = next(text for line, text in said.items() if line.startswith("bridge try"))
    assert "the exchange: 6 would go" in told
    assert "cis: 6 would go" in told
    assert not list(root.rglob("connectors"))
    assert [one.read_text().count("\n") for one in root.rglob("*.py")] == [3]
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        found = session.execute("SELECT count(*) FROM cis.commodity WHERE commodity_type = 'COCAINE'").fetchone()
    assert found == (2,)
    _explained(bridge)
    _planned(bridge, root)
    _corrected(bridge)
    _blind(bridge, root)


def _explained(bridge: Bridge) -> None:
    told = bridge("explain", "PORT_SEIZURES:HV-2026-1001", "goods.commodity_type")
    assert "port_seizures.csv, record 1" in told
    assert "position 3" in told
    assert "Soort goederen: Cocaïne" in told
    assert "Cocaïne -> COCAINE (alias), reviewed by you@customs.example" in told
    assert "commodity.0.commodity_type: COCAINE" in told
    whole = json.loads(bridge("explain", "PORT_SEIZURES:HV-2026-1000", "--json"))
    assert [hop["disposition"] for hop in whole["hops"]] == ["accepted", "delivered"]
    assert [side["unsure"] for side in whole["sides"]] == ["", ""]
    shown = json.dumps(whole)
    assert not [secret for secret in ("1-ABC-234", "Fictief", "Blokken") if secret in shown]


def _planned(bridge: Bridge, root: Path) -> None:
    """What a changed code list would do is counted, field by field, for the source and for the partner."""
    assert "0 cases change." in bridge("plan", NAME)
    assert "0 cases change." in bridge("plan", "cis")
    (root / "docs").unlink()
    shutil.copytree(TOP / "mappings" / "cis", root / "mappings" / "cis")
    who = ["-c", "user.name=office", "-c", "user.email=data@office.example"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run([GIT, *words], cwd=root, check=True)
    types = root / "mappings" / "codes" / f"{NAME}_commodity_type.csv"
    rows = types.read_text(encoding="utf-8").replace("XTC,MDMA,", "Xtc,MDMA,")
    types.write_text(rows.replace("Hasj,CANNABIS_RESIN,", "Hasj,CANNABIS_HERB,"), encoding="utf-8")
    assert "2 cases change: 1 newly held (UNKNOWN_CODE 1)" in bridge("plan", NAME)
    planned = json.loads(bridge("plan", NAME, "--json"))
    assert [(one["field"], one["old"], one["new"], one["cases"]) for one in planned["fields"]] == [
        ("goods.commodity_type", "CANNABIS_RESIN", "CANNABIS_HERB", 2)
    ]
    told = bridge("diff", f"{NAME}@HEAD", NAME, code=1)
    assert "3 of 4 differences are breaking" in told or "2 of 3 differences are breaking" in told
    share = root / "mappings" / "cis" / "share.yaml"
    share.write_text(share.read_text(encoding="utf-8").replace("X4", "A1"), encoding="utf-8")
    partner = [json.loads(line) for line in bridge("plan", "cis", "--json").splitlines()][-1]
    assert partner["changed"] == 6
    assert {(one["field"], one["old"], one["new"]) for one in partner["fields"]} == {
        ("information_quality", "X4", "A1")
    }


def _blind(bridge: Bridge, root: Path) -> None:
    """Bytes that are gone make the answer unknown, never nothing."""
    for one in Path(os.environ["BRIDGE_HOME"], "archive").rglob("*"):
        if one.is_file():
            one.unlink()
    blind = json.loads(bridge("plan", NAME, "--json"))
    assert blind["cannot_tell"] == {"the bytes as received are no longer kept": 7}, "six, and one corrected"
    assert (blind["changed"], blind["same"]) == (0, 0)
    assert "the bytes of the input are no longer kept" in bridge("explain", "PORT_SEIZURES:HV-2026-1001", "place")


def _corrected(bridge: Bridge) -> None:
    """A correction that the partner has not got is not told as the partner's; once shared it is."""
    day = datetime.now(UTC).date()
    window = ("--since", f"{day}", "--until", f"{day + timedelta(days=1)}")
    drop = Path(os.environ["BRIDGE_CONN_PORT_SEIZURES_DROP"])
    head, *rows = (drop / f"{NAME}.csv").read_bytes().splitlines(keepends=True)
    mine = next(row for row in rows if b"HV-2026-1001" in row)
    (drop / "corrected.csv").write_bytes(head + mine.replace(b";12,5;", b";99,5;"))
    bridge("run", NAME, *window)
    before = _at_cis(bridge)
    assert before["unsure"].startswith("cannot tell the partner's values: the partner has version 1, got on ")
    assert before["unsure"].endswith("the exchange has version 2")
    assert before["values"] == []
    bridge("share", "cis")
    after = _at_cis(bridge)
    assert after["unsure"] == ""
    assert "99.5" in [value["value"] for value in after["values"]]


def _at_cis(bridge: Bridge) -> dict[str, Any]:
    whole = json.loads(bridge("explain", "PORT_SEIZURES:HV-2026-1001", "--json"))
    return next(side for side in whole["sides"] if side["at"] == "cis")
