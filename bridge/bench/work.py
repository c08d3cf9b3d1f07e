"""One measured run in a process of its own, so that its memory and CPU are its own: the whole job, or the floor."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from xml2arrow import XmlToArrowParser

from bridge import settings
from bridge.bench import floor, rows
from bridge.bench.meter import Meter, peak_memory
from bridge.bench.proving import proof
from bridge.connector import Window
from bridge.content import Content
from bridge.exchange import Exchange, Role
from bridge.flow import collecting, sharing
from bridge.mapping import load, refuse_findings

SOURCE, PARTNER = "cen", "cis"


def job(told: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """Collect the window and share it, as an orchestrator's tasks do one after another."""
    with proof() as proving:
        books = _job(told, meter)
    return {"books": books, "proof": asdict(proving)}


def _job(told: Mapping[str, Any], meter: Meter) -> list[dict[str, Any]]:
    since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
    with meter.measure("extract"):
        work = collecting.extract(SOURCE, Window(since, until), "bench collect")
    with meter.measure("map and validate"):
        collecting.map_and_validate(work)
    if told["judge"]:
        with meter.measure("expectations"):
            collecting.judge(work, fresh=False, accept="Bench: a feed of one day")
    with meter.measure("accept"):
        taken = collecting.accept(work)
    with meter.measure("select"):
        share = sharing.select(PARTNER, "bench share")
    with meter.measure("deliver"):
        sharing.deliver(share, approve="the bench")
    with meter.measure("reconcile"):
        given = sharing.reconcile(share)
    return [taken.as_dict(), given.as_dict()]


def verify(_told: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """Verify what the last job sealed, as ``bridge verify`` does, with the documents and without."""
    flaws = 0
    with Exchange.of(Role.NOMINAL) as exchange:
        for name, contents in (("verify", True), ("quick", False)):
            with meter.measure(name):
                flaws += len(exchange.verify(contents=contents))
    with psycopg.connect(settings.exchange_url().replace("+psycopg", "", 1)) as connection:
        entries = connection.execute("SELECT sum(octet_length(leaves)) / 32 FROM exchange.segment").fetchone()
    return {"flaws": flaws, "entries": int(entries[0]) if entries else 0}


def check(_told: Mapping[str, Any], _: Meter) -> dict[str, Any]:
    """Check both mappings, as is done before anything runs; their shapes are known from then on."""
    refuse_findings(load(Content.find(), SOURCE, "collect"))
    refuse_findings(load(Content.find(), PARTNER, "share"))
    return {}


def parser() -> XmlToArrowParser:
    """The bare parser for what the job reads."""
    mapping = load(Content.find(), SOURCE, "collect")
    with tempfile.TemporaryDirectory() as folder:
        return floor.parser(mapping.source_shape, mapping.source["record"], Path(folder))


def least(told: Mapping[str, Any], meter: Meter) -> dict[str, Any]:
    """Decode the same files and copy the same rows, one after the other, with nothing between."""
    bare = parser()
    with meter.measure("decode"):
        decoded = floor.decode(bare, sorted(Path(told["files"]).glob("*.xml")))
    copied = 0
    for place, url in enumerate(told["databases"]):
        with psycopg.connect(url) as connection, meter.measure("copy"):
            copied += rows.put_back(connection, Path(told["rows"]) / str(place))
    return {"decoded": dict(decoded), "copied": copied}


def prepare(told: Mapping[str, Any], _: Meter) -> dict[str, Any]:
    """Write the files again without what the bare parser refuses."""
    bare = parser()
    copies = Path(told["copies"])
    copies.mkdir()
    files = sorted(Path(told["files"]).glob("*.xml"))
    return {"refused": sum(floor.readable(bare, path, copies / path.name, "Seizure") for path in files)}


def main() -> None:
    """Do what standard input says in JSON, and print costs in JSON."""
    told = json.load(sys.stdin)
    meter = Meter(told["server"])
    found = {"check": check, "job": job, "verify": verify, "floor": least, "prepare": prepare}[told["what"]](
        told, meter
    )
    costs = {name: asdict(cost) for name, cost in meter.costs.items()}
    memory = max([peak_memory(), *(cost.memory for cost in meter.costs.values())])
    print(json.dumps({**found, "costs": costs, "memory": memory}))  # noqa: T201 - its only way to answer


if __name__ == "__main__":
    main()
