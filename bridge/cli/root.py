"""The one command line, and how it ends: each command registers itself here."""

from __future__ import annotations

from typing import Any

import click

from bridge import __version__

EXIT_BY_ERROR = {"Misconfigured": 2, "Held": 3, "TryLater": 75, "Stop": 4}
"""Exit codes: 2 mend a file, 3 a record is held, 4 a law is broken, 75 try again (EX_TEMPFAIL of sysexits.h)."""


class Told(click.Command):
    """Its summary stands whole where commands are listed, on as many lines as it takes."""

    def get_short_help_str(self, limit: int = 1000) -> str:  # noqa: ARG002 -- what click would cut it to
        return super().get_short_help_str(1000)


class Family(Told, click.Group):
    """A command with commands below it."""

    command_class = Told


Family.group_class = Family


class Commands(Family):
    """Shows our own errors as their one message, and any other without its words: they may quote a record."""

    def invoke(self, ctx: click.Context) -> Any:
        from bridge.errors import BridgeError, unforeseen
        from bridge.logs import quiet

        words = tuple(ctx.args)  # taken away as they are understood
        try:
            with quiet():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own ways to end, and a reader of our output who has had enough
        except BridgeError as error:
            told: BridgeError = error
        except Exception as error:  # noqa: BLE001 -- whatever it is, its text may quote a value
            from bridge.cli.typed import unusable

            told = unusable(error, words) or unforeseen(error, f"bridge {ctx.invoked_subcommand}")
        click.echo(f"{type(told).__name__}: {told}", err=True)
        raise click.exceptions.Exit(EXIT_BY_ERROR[type(told).__name__])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """The bridge between enforcement databases.

    Collects seizures from one system, maps them to one common schema, and shares them with each
    partner that may see them. Begin with: bridge check
    """
