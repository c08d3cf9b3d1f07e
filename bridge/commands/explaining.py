"""bridge explain: the way of every value of one record."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.table import Table

from bridge.authoring.concerning import about, require_field
from bridge.authoring.explaining import Explained, Side, explain_record
from bridge.commands import tables
from bridge.content import Content
from bridge.mapping.trace import Read, Way


def run(content: Content, record: str, field: str, *, as_json: bool) -> None:
    """Tell where the record came from, how each value was made, and what each partner got."""
    found = explain_record(content, record)
    chosen = about(found, field) if field else [(side, way) for side in found.sides for way in side.ways]
    if field and not chosen:
        require_field(content, found, field)
    if as_json:
        click.echo(json.dumps(_said(found, chosen), default=str))
        return
    name = f"{found.record.origin_system}:{found.record.origin_record_id}"
    click.echo(f"{name}  {found.record.bridge_id}  version {found.record.version}")
    click.echo(f"came in as {found.origin}")
    for side in found.sides:
        _show(side, [way for at, way in chosen if at is side], name)
    if not field:
        _hops(found)
    if field and not chosen:
        click.echo(f"No value of this record concerns {field}.")
    click.echo(f"Next: bridge explain {name} FIELD for one field, or bridge held for what is held.")


def _show(side: Side, ways: list[Way], name: str) -> None:
    where = "in the exchange" if side.at == "common" else f"at {side.at}"
    if ways:
        table = Table(title=f"{name} {where}: {side.mapping}", title_justify="left", caption_justify="left")
        for column in ("value", "rule", "read from", "code row"):
            table.add_column(column, overflow="fold")
        for way in ways:
            value = f"{way.path}: {way.value if way.value is not None else '-'}"
            rows = [_code(row) for read in way.reads for row in read.codes]
            table.add_row(value, rule_text(way), "\n".join(map(_read, way.reads)), "\n".join(rows))
        tables.console.print(table)
    if side.unsure:
        click.echo(f"{where}: {side.unsure}")


def rule_text(way: Way) -> str:
    """The rule in the words of the mapping, with its line."""
    rule = way.rule
    if rule.combine == "unknown":
        return "cannot tell"
    words = [rule.combine or "from"]
    for word in ("text", "split", "number", "date", "datetime", "zone", "codes", "lookup", "take", "join", "default"):
        value = getattr(rule, word)
        if value:
            shown = getattr(value, "decimal", value)
            words.append(f"{word} {', '.join(shown) if isinstance(shown, tuple) else shown}")
    return f"{' | '.join(words)} (line {rule.line})"


def _read(read: Read) -> str:
    return f"{read.path}: {read.value if read.value is not None else '-'}"


def _code(row: Any) -> str:
    valid = (
        f", {row['valid_from'] or '...'} to {row['valid_to'] or '...'}" if row["valid_from"] or row["valid_to"] else ""
    )
    meant = f"{row['source']} -> {row['target'] or 'none'} ({row['relation']})"
    return f"{meant}, reviewed by {row['reviewed_by']} {row['reviewed_on']}{valid}"


def _hops(found: Explained) -> None:
    table = Table(title="every hop", title_justify="left")
    for column in ("when (UTC)", "hop", "version", "became", "where", "mapping"):
        table.add_column(column, overflow="fold")
    for hop in found.hops:
        way = {"intake": "from", "delivery": "to"}.get(hop.side, "decided for")
        became = f"{hop.disposition} {hop.details}".rstrip()
        version = "-" if hop.version is None else str(hop.version)
        mapping = f"{hop.mapping} revision {hop.revision} {hop.fingerprint[:12]}"
        where = "\n".join(part for part in (hop.authorisation, hop.place) if part)
        table.add_row(f"{hop.at:%Y-%m-%d %H:%M}", f"{way} {hop.name}", version, became, where, mapping)
    tables.console.print(table)
    for one in found.problems:
        click.echo(f"held at {one.name}: {one.code} at {one.field or 'the record'}: {one.reason} ({one.state})")


def _said(found: Explained, chosen: list[tuple[Side, Way]]) -> dict[str, Any]:
    sides = [
        {
            "at": side.at, "mapping": side.mapping, "unsure": side.unsure,
            "values": [
                {
                    "path": way.path, "value": way.value, "rule": rule_text(way),
                    "from": [{"path": read.path, "value": read.value, "codes": list(read.codes)} for read in way.reads],
                }
                for at, way in chosen if at is side
            ],
        }
        for side in found.sides
    ]  # fmt: skip
    hops = [{name: getattr(hop, name) for name in hop.__slots__} for hop in found.hops]
    held = [dict(one._mapping) for one in found.problems]
    return {"record": dict(found.record._mapping), "origin": found.origin, "sides": sides, "hops": hops, "held": held}
