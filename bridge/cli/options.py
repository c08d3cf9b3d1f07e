"""Options that several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bridge.content import Content

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


def shaped(command: Any) -> Any:
    for one in reversed(_SHAPES):
        command = one(command)
    return command


_BY = (
    click.option("--by", required=True, help="Your name."),
    click.option("--reason", required=True, help="Why; no personal data."),
)


def signed(command: Any) -> Any:
    for one in reversed(_BY):
        command = one(command)
    return command


def content() -> Content:
    from bridge.content import Content

    return Content.find()
