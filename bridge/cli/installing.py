"""Commands about the installation on this machine."""

from __future__ import annotations

import sys

import click

from bridge.cli.root import main


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
