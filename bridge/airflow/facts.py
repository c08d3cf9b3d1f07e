"""What a mapping says about its DAG: when it runs, and its page for people who do not read YAML.

Read while a DAG file is parsed, so nothing here imports more than a YAML reader, Airflow's SDK and its cron library.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Asset
from croniter import croniter

from bridge import settings
from bridge.content import Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping.page import markdown, page_of
from bridge.mapping.yaml import Block, plain, read_yaml


@dataclass(frozen=True, slots=True)
class Facts:
    """What a mapping says about when and how its DAG runs, read without the schemas.

    Args:
        options: the mapping's ``collect`` or ``deliver`` block.
        docs: Markdown for the DAG's page.
    """

    system: str
    options: dict[str, Any]
    docs: str

    def text(self, name: str, otherwise: str = "") -> str:
        """An option as text."""
        return str(self.options.get(name, otherwise))


def content() -> Content:
    """The content of this DAG's bundle, else what bridge.content finds.

    Airflow puts a bundle's root last on the import path. Where that root holds content, every step of the
    run must use it before any other, so it is also written into $BRIDGE_CONTENT of this process: a run of
    an old commit that is cleared runs again with the mappings of its commit.
    """
    named = [part for part in os.environ.get("BRIDGE_CONTENT", "").split(os.pathsep) if part]
    roots = [Path(entry) for entry in sys.path if entry and (Path(entry) / "mappings").is_dir()]
    bundles = [root for root in roots if root != settings.checkout()]  # the checkout comes last by itself
    found = Content.find(*bundles[-1:], *map(Path, named))
    os.environ["BRIDGE_CONTENT"] = os.pathsep.join(map(str, found.roots))
    return found


def facts(system: str, direction: Direction) -> Facts:
    """The facts of one mapping file.

    Raises:
        Misconfigured: the file cannot be read as a mapping; its DAG file alone fails, and the import error
            names file and line.
    """
    path = content().mapping(system, direction)
    block, faults = read_yaml(path)
    if faults:
        first = faults[0]
        raise Misconfigured(first.code, f"{path}:{first.line}", first.what, first.fix)
    options = block.get("collect" if direction == "collect" else "deliver")
    if not isinstance(options, Block):
        raise Misconfigured(
            "NO_OPTIONS", f"{path}:1", f"a {direction} mapping says how records come or go", "Add the block"
        )
    said: Any = plain(options)
    numbers = "Numbers and held records: **Browse → Reconciliation**."
    return Facts(system, said, markdown(page_of(block, direction), numbers))


def asset(source: str) -> Asset:
    """What a sealed window of this source moves."""
    return Asset(name=f"exchange_{source}", uri=f"bridge://exchange/{source}")


def start_of(options: Facts) -> datetime:
    """First moment of a source's first scheduled window.

    $BRIDGE_START says it for all sources of an installation, which need not catch up on all that the
    mappings cover; earlier windows can still be backfilled. Where it falls into one of the source's windows, that
    window is the first: were it the next one, nothing would ever collect the rest of this.
    """
    told = os.environ.get("BRIDGE_START") or options.text("start", "2026-01-01")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise Misconfigured(
            "BAD_MOMENT", f"start of {options.system}", f"{told!r} is no date", "Write it as 2026-11-01"
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    every = options.text("every")
    if not every:
        return moment
    begins: datetime = croniter(every, moment + timedelta(seconds=1)).get_prev(datetime)
    return begins
