"""make audit and make sbom."""

from __future__ import annotations

import sys

import click

from tests.supply import audit, bom
from tests.supply.lock import TOP

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["audit"]:
            sys.exit(audit.run())
        case ["sbom"]:
            click.echo(f"{bom.write()} packages stand in {bom.OUT.relative_to(TOP)}.")
        case _:
            sys.exit("python -m tests.supply audit | sbom")
