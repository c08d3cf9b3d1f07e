"""What a round trip between two systems loses, for people and for pipes: part of bridge check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import combinations

import click

from bridge.content import COLLECT, SHARE, Content
from bridge.mapping import load
from bridge.mapping.losses import Losses, Lost, round_trip
from bridge.mapping.travel import Trip


def trips(content: Content, names: Sequence[str]) -> Iterator[Trip]:
    """The round trips from each system named to those named after it; both ends must be a source and a partner."""
    both = [name for name in dict.fromkeys(names) if name in content.sources() and name in content.partners()]
    for one, other in combinations(both, 2):
        yield Trip(
            load(content, one, COLLECT),
            load(content, other, SHARE),
            load(content, other, COLLECT),
            load(content, one, SHARE),
        )


def run(content: Content, names: Sequence[str], *, as_json: bool) -> None:
    """Print what the round trips between these systems lose; their mappings have no errors."""
    for trip in trips(content, names):
        losses = round_trip(trip)
        if as_json:
            _pipe(losses)
        else:
            _people(losses)


def _people(losses: Losses) -> None:
    always = sum(one.always for one in losses.lost)
    click.echo(
        f"\n{losses.name}: of {losses.told} fields {len(losses.kept)} come home whole, "
        f"{len(losses.lost) - always} lose something, {always} do not come home, "
        f"{len({one.path for one in losses.held})} have values that are held on the way"
    )
    for one in losses.lost:
        read = f" ({', '.join(one.read)})" if one.read else ""
        click.echo(f"  {one.path}{read}: {_verdict(one)}")
        for reason in one.reasons or ("no mapping gives a reason: say one_way:",):
            click.echo(f"    {reason}")
    for held in losses.held:
        click.echo(f"  {held}")
    for rule in losses.withheld:
        click.echo(f"  whole records: {rule}")


def _verdict(one: Lost) -> str:
    return "does not come home" if one.always else "loses something"


def _pipe(losses: Losses) -> None:
    for one in losses.lost:
        said = {
            "loss": losses.name,
            "field": one.path,
            "read": list(one.read),
            "always": one.always,
            "reasons": [
                {"file": r.file, "line": r.line, "word": r.word, "name": r.name, "why": r.why} for r in one.reasons
            ],
        }
        click.echo(json.dumps(said, sort_keys=True, ensure_ascii=False))
    for held in losses.held:
        why = {"file": held.file, "code": held.code, "at": held.field}
        click.echo(json.dumps({"held": losses.name, "field": held.path, **why}, sort_keys=True, ensure_ascii=False))
    for rule in losses.withheld:
        told = {"file": rule.file, "line": rule.line, "word": rule.word, "name": rule.name, "why": rule.why}
        click.echo(json.dumps({"withheld": losses.name, **told}, sort_keys=True, ensure_ascii=False))
