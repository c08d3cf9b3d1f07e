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
    """Shows our own errors as their one message, and nothing else of them."""

    def invoke(self, ctx: click.Context) -> Any:
        from bridge.errors import BridgeError

        try:
            return super().invoke(ctx)
        except BridgeError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(EXIT_BY_ERROR[type(error).__name__])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """The bridge between enforcement databases.

    Collects seizures from one system, maps them to one common schema, and shares them with each
    partner that may see them. Begin with: bridge check
    """


@main.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, for pipes.")
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Prove mappings before a record moves: NAMES of systems, all if none are given.

    Prints every finding with its file, line and what to do, and how both sides sum up. Exits with 1
    if a mapping may not run.
    """
    from bridge.commands import checking

    sys.exit(checking.run(_content(), names, as_json=as_json))


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
@click.option("--dlt-limit", default=10_000, show_default=True, help="Not for more records: dlt takes minutes.")
def bench(sizes: tuple[int, ...], rounds: int, seed: int, out: str, dlt: bool, dlt_limit: int) -> None:
    """Measure the way from CEN files to CIS tables, as ratios to bare decoding and copying, and to dlt."""
    from bridge.commands import benching

    benching.bench(sizes, rounds, seed, out, dlt=dlt, dlt_limit=dlt_limit)


@main.command()
@click.option("--quick", is_flag=True, help="Leave out the documents: only the chain and the counts.")
def verify(quick: bool) -> None:
    """Recompute every seal, oldest first, and name those that no longer hold. Exits with 4 if there is one."""
    from bridge.commands import reporting

    sys.exit(reporting.verify(quick=quick))
