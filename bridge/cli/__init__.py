"""The commands a person types. Each ends by saying what to type next; tables for people, JSON for pipes."""

from bridge.cli import installing, mapping, records, rights, running
from bridge.cli.root import EXIT_BY_ERROR, main

__all__ = ["EXIT_BY_ERROR", "installing", "main", "mapping", "records", "rights", "running"]
