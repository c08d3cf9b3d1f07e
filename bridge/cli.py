"""The commands a person types. Each ends by saying what to type next; tables for people, JSON for pipes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from bridge import __version__

if TYPE_CHECKING:
    from bridge.content import Content

EXIT_BY_ERROR = {"Misconfigured": 2, "Held": 3, "TryLater": 75, "Stop": 4}
"""Exit codes: 2 mend a file, 3 a record is held, 4 a law is broken, 75 try again (EX_TEMPFAIL of sysexits.h)."""


class Commands(click.Group):
    """Shows our own errors as their one message, and any other without its words: they may quote a record."""

    def invoke(self, ctx: click.Context) -> Any:
        from bridge.errors import BridgeError, unforeseen

        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own ways to end, and a reader of our output who has had enough
        except BridgeError as error:
            told = error
        except Exception as error:  # noqa: BLE001 -- whatever it is, its text may quote a value
            told = unforeseen(error, f"bridge {ctx.invoked_subcommand}")
        click.echo(f"{type(told).__name__}: {told}", err=True)
        raise click.exceptions.Exit(EXIT_BY_ERROR[type(told).__name__])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """The bridge between enforcement databases.

    Collects seizures from one system, maps them to one common schema, and shares them with each
    partner that may see them. Begin with: bridge check
    """


@main.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding or loss, for pipes.")
@click.option("--fix", "mend", is_flag=True, help="First mend, in the files, what leaves no choice.")
def check(names: tuple[str, ...], as_json: bool, mend: bool) -> None:
    """Prove mappings before a record moves: NAMES of systems, all if none are given.

    Prints every finding with its file, line and what to do, and how both sides sum up. Of two systems
    that are each a source and a partner (bridge check cen cis) it also prints what a record loses that
    goes from the first to the second and comes home. Exits with 1 if a mapping may not run.
    """
    from bridge.commands import checking

    sys.exit(checking.run(_content(), names, as_json=as_json, mend=mend))


@main.group()
def new() -> None:
    """Draft the mapping of a system that is new: a source, or a partner."""


_SHAPES = (
    click.argument("name"),
    click.option("--schema", default="", metavar="FILE", help="Its schema: .xsd, .json (JSON Schema) or .sql."),
    click.option("--sample", default="", metavar="FILE", help="A file it has sent: .csv, .xlsx, .xml, .json, .jsonl."),
    click.option(
        "--table", default="", metavar="URL#TABLE", help="A table: a database URL or the name of a connection."
    ),
    click.option("--record", default="", help="Which element or table is a record, if several can be."),
    click.option("--json", "as_json", is_flag=True, help="What was written as JSON, for pipes."),
)


def _shaped(command: Any) -> Any:
    for one in reversed(_SHAPES):
        command = one(command)
    return command


@new.command("source")
@_shaped
def new_source(name: str, schema: str, sample: str, table: str, record: str, as_json: bool) -> None:
    """Draft everything for source NAME: schema, mapping, code lists, an invented sample, DAG.

    Every line is a suggestion, marked with what it rests on, and none runs before a person has confirmed
    it. Nothing is overwritten, no value of a personal field is written down, and what can be read two ways
    is asked.
    """
    from bridge.commands import authoring

    authoring.new(_content(), "source", name, schema, sample, table, record, as_json=as_json)


@new.command("partner")
@_shaped
def new_partner(name: str, schema: str, sample: str, table: str, record: str, as_json: bool) -> None:
    """Draft everything for partner NAME, as for a source; nothing leaves until release: names legal grounds."""
    from bridge.commands import authoring

    authoring.new(_content(), "partner", name, schema, sample, table, record, as_json=as_json)


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

    authoring.confirm(_content(), name, what, by, as_json=as_json)


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
    text masked. A system that is both is tried as a source, with --to NAME as a partner.
    """
    from bridge.commands import trying

    trying.run(_content(), name, last, file, to, show_all=show_all, as_json=as_json)


@main.command()
@click.argument("name")
@click.option("--as", "person", default="", metavar="PERSON", help="Your name; without it, only list what waits.")
def review(name: str, person: str) -> None:
    """Approve the mappings of system NAME, with their code lists and schemas, as they stand now.

    Written to mappings/reviewed.yaml, to be committed. With BRIDGE_MODE=production nothing else runs. Nobody
    approves a file that they changed, as far as git knows, since it was last approved.
    """
    from bridge.commands import reviewing

    reviewing.run(_content(), name, person)


@main.command()
@click.argument("source")
@click.option("--since", help="First moment, a bound of a window: 2026-11-01 or 2026-11-01T06:00:00Z.")
@click.option("--until", help="Moment after the last window.")
@click.option("--accept-quality", default="", metavar="NAME: REASON", help="Let windows pass that quality would stop.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def run(source: str, since: str | None, until: str | None, accept_quality: str, as_json: bool) -> None:
    """Collect SOURCE, window by window, into the exchange: the last whole window if no range is given."""
    from bridge.commands import running

    running.run(source, since, until, accept_quality=accept_quality, as_json=as_json)


@main.command()
@click.argument("partner")
@click.option("--since", help="Only what was collected in windows from here on.")
@click.option("--until", help="Only what was collected in windows before.")
@click.option("--redeliver", is_flag=True, help="Send again what the partner already has.")
@click.option("--approve", metavar="NAME", default="", help="The person who lets this run pass the partner's limits.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def share(partner: str, since: str | None, until: str | None, redeliver: bool, approve: str, as_json: bool) -> None:
    """Deliver to PARTNER what it may see and has not yet had."""
    from bridge.commands import running

    running.share(partner, since, until, redeliver=redeliver, approve=approve, as_json=as_json)


@main.command()
@click.option("--source", help="Only this source.")
@click.option("--partner", help="Only this partner.")
@click.option("--json", "as_json", is_flag=True, help="The books as JSON, for pipes.")
def books(source: str | None, partner: str | None, as_json: bool) -> None:
    """Show what came in and what left, and whether every record is accounted for. Exits with 4 if not."""
    from bridge.commands import reporting

    sys.exit(reporting.books(source, partner, as_json=as_json))


@main.command()
@click.option("--source", help="Only this source.")
@click.option("--partner", help="Only what this partner's mapping refused.")
@click.option("--code", help="Only problems of this code, such as UNKNOWN_CODE.")
@click.option("--limit", default=50, show_default=True, help="At most so many records.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for pipes.")
def held(source: str | None, partner: str | None, code: str | None, limit: int, as_json: bool) -> None:
    """List records that are held, each with file, position, field, rule and reason."""
    from bridge.commands import reporting

    reporting.held(source, partner, code, limit, as_json=as_json)


@main.command()
@click.argument("record")
@click.argument("field", default="")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, for pipes.")
def explain(record: str, field: str, as_json: bool) -> None:
    """Tell the way of each value of RECORD, or of one FIELD: file and place, rule, code row, mapping, partners.

    RECORD is SYSTEM:ID as the origin calls it, or the bridge id. Values of persons, businesses and free
    text are masked. What can no longer be told is said to be so.
    """
    from bridge.commands import explaining

    explaining.run(_content(), record, field, as_json=as_json)


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

    planning.run(_content(), name, since, as_json=as_json)


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

    sys.exit(differing.run(_content(), old, new, as_json=as_json))


@main.command()
@click.option("--out", default="", metavar="DIR", help="Where the pages go; docs in BRIDGE_HOME if not given.")
def docs(out: str) -> None:
    """Write static pages of every mapping, code list and schema, for people who do not read YAML."""
    from bridge.commands import documenting

    documenting.run(_content(), out)


def _content() -> Content:
    from bridge.content import Content

    return Content.find()


@main.command()
@click.argument("partner")
@click.option("--by", required=True, help="Your name.")
@click.option("--reason", required=True, help="Why; no personal data.")
def suspend(partner: str, by: str, reason: str) -> None:
    """Stop all deliveries to PARTNER; nothing is lost, what it misses goes when it is resumed."""
    from bridge.commands import switching

    switching.suspend(partner, by, reason)


@main.command()
@click.argument("partner")
@click.option("--by", required=True, help="Your name.")
@click.option("--reason", required=True, help="Why; no personal data.")
def resume(partner: str, by: str, reason: str) -> None:
    """Let deliveries to PARTNER go again."""
    from bridge.commands import switching

    switching.resume(partner, by, reason)


@main.command()
def up() -> None:
    """Start PostgreSQL and Airflow on this machine, in the background."""
    from bridge.commands import local

    local.announce(local.up(click.echo))
    click.echo("Next: open that address, or stop everything with: make down")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def airflow(words: tuple[str, ...]) -> None:
    """Run one of Airflow's own commands in the installation that `up` started, such as: airflow dags list"""
    import subprocess

    from bridge.commands import local

    sys.exit(subprocess.call([sys.executable, "-m", "airflow", *words], env=local.environment()))


@main.command()
def down() -> None:
    """Stop what up or demo started; data stay."""
    from bridge.commands import local

    stopped = local.down()
    click.echo(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")


@main.command()
def demo() -> None:
    """Five days of invented seizures from CEN to CIS+ and back, in Airflow, and what came of each record."""
    from bridge.commands import demo as showing

    showing.demo()


@main.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--days", default=5, show_default=True, help="Windows of one UTC day each.")
@click.option("--per-day", default=1000, show_default=True, help="CEN records a day.")
@click.option("--seed", default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--start", default="2026-01-01", show_default=True, help="The first day.")
@click.option("--bad-share", default=0.02, show_default=True, help="Share of new records bad in a declared way.")
@click.option("--bad-files", is_flag=True, help="Also one file of each kind that is bad as a whole, on the first day.")
def feed(folder: str, days: int, per_day: int, seed: int, start: str, bad_share: float, bad_files: bool) -> None:
    """Write invented CEN files and CIS cases of any size into FOLDER, with the truth of what must become of them."""
    from bridge.commands import feeding

    feeding.feed(folder, days, per_day, seed, start, bad_share=bad_share, bad_files=bad_files)


@main.command()
@click.option("--records", "sizes", type=int, multiple=True, default=(10_000, 100_000), show_default=True)
@click.option("--rounds", default=2, show_default=True, help="Job and floor by turns, so many times.")
@click.option("--seed", default=1, show_default=True, help="Of the feed.")
@click.option("--out", default="", metavar="FILE", help="Where all numbers go; bench.json in BRIDGE_HOME if not given.")
@click.option("--dlt/--no-dlt", default=True, show_default=True, help="Also give the same input to dlt.")
@click.option("--dlt-limit", default=10_000, show_default=True, help="For more records neither dlt nor expectations.")
def bench(sizes: tuple[int, ...], rounds: int, seed: int, out: str, dlt: bool, dlt_limit: int) -> None:
    """Measure the way from CEN files to CIS tables, as ratios to bare decoding and copying, and to dlt."""
    from bridge.commands import benching

    benching.bench(sizes, rounds, seed, out, dlt=dlt, dlt_limit=dlt_limit)


@main.command()
@click.argument("partner")
@click.option("--catch-up", is_flag=True, help="After a restore: go on from where the partner last was delivered to.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON, for pipes.")
def reconcile(partner: str, catch_up: bool, as_json: bool) -> None:
    """Hold what PARTNER has of ours against the books, record by record (E4 to E6); changes nothing there.

    Exits with 4 if they differ, or if the exchange was restored from a backup older than what PARTNER has had.
    """
    from bridge.commands import reconciling

    sys.exit(reconciling.run(partner, catch_up=catch_up, as_json=as_json))


@main.command()
@click.option("--quick", is_flag=True, help="Leave out the documents: only the chain and every entry.")
@click.option("--key", default="", metavar="FILE", help="Public key (PEM) that must have signed every seal.")
@click.option("--against", default="", metavar="FILE", help="A checkpoint kept elsewhere, which must still stand.")
@click.option("--save", default="", metavar="FILE", help="Write the newest checkpoint here, to be kept elsewhere.")
def verify(quick: bool, key: str, against: str, save: str) -> None:
    """Recompute every seal, oldest first, and name those that no longer hold, with the first entry that was changed.

    Reads the exchange and changes nothing. Exits with 4 if a seal does not hold.
    """
    from bridge.commands import sealing

    sys.exit(sealing.verify(key, against, save, quick=quick))


@main.command()
@click.argument("record")
@click.option("--out", default="", metavar="FILE", help="Where the proof goes; proof-<bridge id>.json if not given.")
def prove(record: str, out: str) -> None:
    """Write a proof of all that was sealed of RECORD, which an outsider can check without the bridge.

    RECORD is SYSTEM:ID as the origin calls it, or the bridge id. No document is in the proof.
    """
    from bridge.commands import sealing

    sealing.prove(record, out)
