"""Commands about mappings: checked, drafted, confirmed, tried, compared."""

from __future__ import annotations

import sys

import click

from bridge.cli.options import content, shaped
from bridge.cli.root import main


@main.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding or loss, for pipes.")
@click.option("--fix", "mend", is_flag=True, help="First mend, in the files, what leaves no choice.")
@click.option("--all", "every", is_flag=True, help="Print every finding, not three of a kind in one file.")
def check(names: tuple[str, ...], as_json: bool, mend: bool, every: bool) -> None:
    """Prove mappings before a record moves: NAMES of systems, all if none are given.

    Prints findings with their file, line and what to do, and how both sides sum up. Of two systems
    that are each a source and a partner (bridge check cen cis) it also prints what a record loses that
    goes from the first to the second and comes home. Exits with 1 if a mapping may not run.
    """
    from bridge.commands import checking

    sys.exit(checking.run(content(), names, as_json=as_json, mend=mend, every=every))


@main.group()
def new() -> None:
    """Draft the mapping of a system that is new: a source, or a partner."""


@new.command("source")
@shaped
def new_source(name: str, schema: str, sample: str, table: str, record: str, as_json: bool) -> None:
    """Draft everything for source NAME: schema, mapping, code lists, an invented sample, DAG.

    Every line is a suggestion, marked with what it rests on, and none runs before a person has confirmed
    it. Nothing is overwritten, no value of a personal field is written down, and what can be read two ways
    is asked.
    """
    from bridge.commands import authoring

    authoring.new(content(), "source", name, schema, sample, table, record, as_json=as_json)


@new.command("partner")
@shaped
def new_partner(name: str, schema: str, sample: str, table: str, record: str, as_json: bool) -> None:
    """Draft everything for partner NAME, as for a source; nothing leaves until release: names legal grounds."""
    from bridge.commands import authoring

    authoring.new(content(), "partner", name, schema, sample, table, record, as_json=as_json)


@main.command()
@click.argument("name")
@click.argument("what", nargs=-1)
@click.option("--by", default="", metavar="NAME", help="Who reviewed the rows of code lists.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a suggestion, for pipes.")
def confirm(name: str, what: tuple[str, ...], by: str, as_json: bool) -> None:
    """Confirm suggestions of NAME: list them, or take the marks of WHAT away.

    WHAT is a field or column, a code list, or a whole section: map, ignore, absent, collect, release,
    examples, classes, codes. Deleting suggested: in the file by hand does the same.
    """
    from bridge.commands import authoring

    authoring.confirm(content(), name, what, by, as_json=as_json)


@main.command("try")
@click.argument("name")
@click.option("--last", default=20, show_default=True, help="The newest so many records.")
@click.option("--file", default="", metavar="FILE", help="The records of this file instead.")
@click.option("--to", multiple=True, metavar="PARTNER", help="Only at this partner; all if not given.")
@click.option("--all", "show_all", is_flag=True, help="Show every record side by side, not three of each outcome.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record, for pipes.")
def try_(name: str, last: int, file: str, to: tuple[str, ...], show_all: bool, as_json: bool) -> None:
    """Try real records of source or partner NAME: what would go, be held or withheld, and why.

    Nothing is sent and nothing is kept. Values stand side by side, those of persons, businesses and free
    text masked. A system that is both is tried as a source, with --to NAME as a partner. Exits with 3 if every
    input is held as a whole, so that there is no record to try.
    """
    from bridge.commands import trying

    sys.exit(trying.run(content(), name, last, file, to, show_all=show_all, as_json=as_json))


@main.command()
@click.argument("name")
@click.option("--as", "person", default="", metavar="PERSON", help="Your name; without it, only list what waits.")
def review(name: str, person: str) -> None:
    """Approve the mappings of system NAME, with their code lists and schemas, as they stand now.

    Written to mappings/reviewed.yaml, to be committed. With BRIDGE_MODE=production nothing else runs. Nobody
    approves a file that they changed, as far as git knows, since it was last approved.
    """
    from bridge.commands import reviewing

    reviewing.run(content(), name, person)


@main.command()
@click.argument("name")
@click.option("--since", help="Only what came in windows that end after this: 2026-11-01.")
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON, for pipes.")
def plan(name: str, since: str | None, as_json: bool) -> None:
    """Say what the mapping of NAME as it stands on disk would do to what is already exchanged.

    For a source its archived files are read once more and held against the exchange, for a partner the
    exchange against what was released. Nothing is changed; what cannot be told is counted as such.
    """
    from bridge.commands import planning

    planning.run(content(), name, since, as_json=as_json)


@main.command()
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a difference, for pipes.")
def diff(old: str, new: str, as_json: bool) -> None:
    """Compare two versions of a mapping by what they mean. Exits with 1 if a difference is breaking.

    OLD and NEW are a system, system@revision (of git), or a mapping file. A difference is breaking if
    a record that was right may come out otherwise, be held or withheld, or if more may leave than before.
    """
    from bridge.commands import differing

    sys.exit(differing.run(content(), old, new, as_json=as_json))


@main.command()
@click.option("--out", default="", metavar="DIR", help="Where the pages go; docs in BRIDGE_HOME if not given.")
def docs(out: str) -> None:
    """Write static pages of every mapping, code list and schema, for people who do not read YAML."""
    from bridge.commands import documenting

    documenting.run(content(), out)
