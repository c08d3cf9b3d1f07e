"""Values that would be commands somewhere: to a database, a shell, a path, a page, a spreadsheet, a terminal, YAML.

They are taken in, stored, delivered and shown as the text that they are, or their record is held; nothing is done.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.sax.saxutils import escape

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from bridge import settings
from bridge.cli import main
from bridge.content import Content
from bridge.errors import Misconfigured
from bridge.exchange import Exchange
from bridge.flow import collecting, sharing
from bridge.mapping.yaml import read_yaml
from bridge.shape import Field, shape_of
from connectors.sql import SqlSource, SqlTarget
from tests.flow.conftest import Installation, windows

HOSTILE = {
    "sql": "x'); DROP SCHEMA exchange CASCADE; --",
    "copy": "a\\N\\.b\\x00c",
    "path": "../../../../tmp/injected",
    "formula": "=cmd|' /C calc'!A1",
    "page": "<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}%s{0}${HOME}$(id)`id`",
    "yaml": "!!python/object/apply:os.system [id]",
    "markup": "[red]no[/red]",
}
REFERENCE = "FR-2026-0001234"


def tables(url: str) -> set[str]:
    """Every table of a database."""
    asked = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^pg_|information_schema'"
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        return {name for (name,) in session.execute(asked)}


def test_values_are_text_all_the_way(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = installation.drop("cen")
    drop.mkdir()
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(drop))
    sample = Content.find().path("mappings/cen/samples/tobacco.xml").read_text(encoding="utf-8")
    noon = windows()[0].since.timestamp() + 43200
    for kind, value in HOSTILE.items():
        text = sample.replace(REFERENCE, escape(f"{kind} {value}")).replace("<City>", f"<City>{escape(value)} ")
        (drop / f"{kind}.xml").write_text(text, encoding="utf-8")
        os.utime(drop / f"{kind}.xml", (noon, noon))
    before = tables(installation.exchange) | tables(installation.cis)
    (source,) = collecting.collect("cen", windows()[0], fresh=False).sources
    assert source.read == len(HOSTILE)
    (partner,) = sharing.share("cis").partners
    assert partner.counts.get("delivered", 0) + partner.counts.get("held", 0) + partner.counts.get("withheld", 0) > 0
    made = {"bridge_inbox.epoch", "bridge_inbox.checkpoint", "bridge_inbox.cis_case"}
    assert tables(installation.exchange) | tables(installation.cis) == before | made
    assert not Path("/tmp/injected").exists()  # noqa: S108 -- where it would be
    known = {f"{kind} {value}" for kind, value in HOSTILE.items()}
    with psycopg.connect(installation.exchange.replace("+psycopg", "")) as session:
        stored = {name for (name,) in session.execute("SELECT origin_record_id FROM exchange.record")}
    assert stored
    assert stored <= known
    with Exchange(settings.exchange_url()) as exchange:
        assert exchange.verify() == []
        for name in stored:
            assert exchange.find("CEN", name) is not None
    for command in (["held"], ["books"], ["explain", f"CEN:{min(stored)}"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.output
        assert "49%s" not in done.output


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [touch /tmp/injected]",
        "a: !!python/name:os.system",
        "a: &x [*x]",
        "a: !include /etc/passwd",
    ],
)
def test_a_mapping_is_data_and_nothing_else(tmp_path: Path, text: str) -> None:
    file = tmp_path / "collect.yaml"
    file.write_text(text, encoding="utf-8")
    found, faults = read_yaml(file)
    assert faults
    assert "root" not in str(found)
    assert not Path("/tmp/injected").exists()  # noqa: S108 -- where it would be


@pytest.mark.parametrize("root", ['cis.case"; DROP TABLE cis.case; --', "cis.case; DROP TABLE cis.case", 'c"."d'])
def test_names_in_options_are_names(installation: Installation, root: str) -> None:
    shape = shape_of("x", [Field("", "a")])
    before = tables(installation.cis)
    for made in (SqlTarget, SqlSource):
        with pytest.raises(Misconfigured):
            made(installation.cis, {"root": root, "key": "a", "modified": "a", "lag": "60"}, shape).fields()
    with psycopg.connect(installation.cis.replace("+psycopg", "")) as session:
        assert session.execute(sql.SQL("SELECT count(*) FROM cis.case")).fetchone() == (0,)
    assert tables(installation.cis) == before
