"""What suppliers are asked to correct stands on Reconciliation, without any value."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.airflow import pages
from bridge.content import Content
from bridge.exchange import Exchange
from bridge.flow.correcting import compare_cases
from tests.flow.reports import decide, said, take


def test_requests_are_listed_with_who_is_asked_and_no_value(
    exchange_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CONN_EXCHANGE", exchange_url)
    monkeypatch.setenv("BRIDGE_HOME", str(tmp_path))
    take("cen", said("CEN", "A", place="Antwerpen"))
    take("ncen", said("NCEN", "B", place="Zeebrugge"))
    take("cen_upload", said("CEN", "A", 1, supplier_country="IT"))
    decide(("CEN:A", "NCEN:B", True))
    with Exchange(exchange_url) as exchange:
        assert compare_cases(exchange, Content.find()) == 2
    shown = bytes(pages.overview().body).decode()
    assert "What suppliers are asked to correct" in shown
    assert all(word in shown for word in (">place<", ">DE<", ">FR<", ">IT<", "held as problem 1"))
    assert "Antwerpen" not in shown
    assert "Zeebrugge" not in shown
