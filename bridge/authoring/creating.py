"""The files of a new source or partner: drafted, tried in a folder of their own, and written only where none stands."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bridge.authoring import drafting
from bridge.authoring.drafting import Draft, Said
from bridge.authoring.examplefile import partner_example, source_example
from bridge.authoring.newpartner import deliver_options, draft_partner, release_lines
from bridge.authoring.newsource import COMMON, draft_source, options
from bridge.authoring.oneway import with_losses
from bridge.authoring.sample import Sample, of_shape, read_sample
from bridge.authoring.schemafile import schema_text
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping.suggested import SUGGESTED
from bridge.shapes import assigned_fields, read_shape

Kind = Literal["source", "partner"]
_EDITOR: Final = "# yaml-language-server: $schema=../../schemas/meta/mapping.json"
_FORMATS: Final = {".xsd": "xml", ".json": "jsonl", ".sql": "sql"}


@dataclass(frozen=True, slots=True)
class Created:
    """What was written, and what a person has to answer.

    Args:
        files: paths below the content root.
        said: how the shape was found out.
    """

    root: Path
    files: tuple[str, ...]
    said: tuple[str, ...]
    questions: tuple[str, ...]
    suggestions: int
    columns: int
    matched: int


def create(content: Content, kind: Kind, name: str, given: Sample) -> Created:
    """Write schema, mapping, code lists, sample and DAG of a new system below the first content root.

    Raises:
        Misconfigured: one of the files exists, or the drafted shape cannot be read as a schema.
    """
    shape = read_shape(content, COMMON)
    if kind == "source":
        draft = draft_source(name, given, content, shape, assigned_fields(content, COMMON))
    else:
        draft = draft_partner(name, given, content, shape)
    files = _files(kind, name, given, draft)
    root = content.roots[0]
    there = [path for path in files if (root / path).exists()]
    if there:
        raise Misconfigured(
            "EXISTS", str(root / there[0]), "the file exists, and nothing is ever overwritten",
            "Choose another name, or take the old files away first",
        )  # fmt: skip
    _prove(content, kind, name, files)
    files = with_losses(content, name, COLLECT if kind == "source" else SHARE, files)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="")
    matched = (
        sum(column.path not in draft.ignore for column in given.columns)
        if kind == "source"
        else len(drafting.filled_by(draft))
    )
    marks = sum(text.count(f"{SUGGESTED}: ") for path, text in files.items() if path.endswith(".yaml"))
    return Created(root, tuple(files), tuple(given.said), tuple(draft.questions), marks, len(given.columns), matched)


def given_by(schema: str, sample: str, table: str, record: str, name: str) -> Sample:
    """What a system looks like, from exactly one of a schema file, a sample file and a table.

    Raises:
        Misconfigured: none or several are named, or the one named cannot be read.
    """
    if sum(map(bool, (schema, sample, table))) != 1:
        raise Misconfigured(
            "ONE_SHAPE", f"bridge new {name}", "the shape comes from one of --schema, --sample and --table",
            "Name exactly one of them",
        )  # fmt: skip
    if sample:
        return read_sample(Path(sample), record)
    if table:
        from bridge.authoring.tablesample import table_sample

        return table_sample(table)
    path = Path(schema)
    if not path.is_file() or path.suffix not in _FORMATS:
        raise Misconfigured(
            "BAD_SCHEMA", schema, "no such .xsd, .json (JSON Schema) or .sql file", "Name the system's schema"
        )  # fmt: skip
    text = path.read_text(encoding="utf-8-sig")
    record = record or _record(path, text)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemas").mkdir()
        (Path(folder) / "schemas" / path.name).write_text(text, encoding="utf-8")
        shape = read_shape(Content((Path(folder),)), path.name, record or None)
    kind = _FORMATS[path.suffix]
    found = of_shape(shape, kind, text, path.suffix, record)
    found.said = [f"{len(shape.fields)} fields of {path.name}{f', record {record}' if record else ''}"]
    if kind == "jsonl" and not shape.lists and not any("." in one.name for one in shape):
        found.kind = "csv"
        found.questions.append("do files come as csv or as jsonl? The schema is flat and says neither: correct format:")
    found.options = {"format": found.kind, "pattern": f"*.{found.kind}"} if kind != "sql" else _key(text, record)
    return found


def _key(text: str, record: str) -> dict[str, str]:
    """The one column of a table's primary key."""
    from sqlglot import exp, parse

    for one in parse(text, dialect="postgres"):
        if isinstance(one, exp.Create) and isinstance(one.this, exp.Schema):
            table = one.this.this.sql().replace('"', "")
            named = [part.name for key in one.this.find_all(exp.PrimaryKey) for part in key.find_all(exp.Identifier)]
            named += [
                column.name
                for column in one.this.find_all(exp.ColumnDef)
                if any(isinstance(rule.kind, exp.PrimaryKeyColumnConstraint) for rule in column.constraints)
            ]
            if table == record and len(named) == 1:
                return {"key": named[0]}
    return {}


def _record(path: Path, text: str) -> str:
    """The record of a schema that has one candidate only; "" for JSON."""
    if path.suffix == ".sql":
        from sqlglot import exp, parse

        tables = [
            one.this.this.sql()
            for one in parse(text, dialect="postgres")
            if isinstance(one, exp.Create) and isinstance(one.this, exp.Schema)
        ]
        if len(tables) == 1:
            return str(tables[0]).replace('"', "")
        raise Misconfigured("NO_RECORD", path.name, f"it has {len(tables)} tables", "Say --record schema.table")
    if path.suffix != ".xsd":
        return ""
    import xmlschema

    try:
        schema = xmlschema.XMLSchema(str(path), allow="local", defuse="always")
    except (xmlschema.XMLSchemaException, SyntaxError) as bad:
        raise Misconfigured("BAD_SCHEMA", path.name, str(bad).splitlines()[0], "Correct the schema") from None
    found = [
        f"/{top.local_name}/{child.local_name}"
        for top in schema.elements.values()
        for child in getattr(getattr(top.type, "content", None), "iter_elements", list)()
        if isinstance(child, xmlschema.XsdElement) and child.max_occurs != 1
    ]
    if len(found) == 1:
        return found[0]
    what = f"the record could be {' or '.join(found)}" if found else "no element repeats right below a root"
    raise Misconfigured("NO_RECORD", path.name, what, "Say --record /Root/Record")


# --- files ------------------------------------------------------------------------------------------------------------


def _files(kind: Kind, name: str, given: Sample, draft: Draft) -> dict[str, str]:
    schema = f"{name}/{name}{given.suffix}"
    direction = "collect" if kind == "source" else "share"
    suffix, sample, example = source_example(given, draft) if kind == "source" else partner_example(draft)
    lines = _collect_lines(name, schema, given, draft) if kind == "source" else _share_lines(name, schema, given, draft)
    files = {
        f"schemas/{schema}": schema_text(name, given, draft.classes),
        f"mappings/{name}/{direction}.yaml": "\n".join([*lines, *example]) + "\n",
        f"mappings/{name}/samples/invented{suffix}": sample,
    }
    files |= {f"mappings/codes/{one.name}.csv": one.text for one in draft.codes}
    files[f"dags/{direction}_{name}.py"] = (
        f'from bridge.airflow import {direction}_dag\n\ndag = {direction}_dag("{name}")\n'
    )
    return files


def _head(name: str, draft: Draft, given: Sample) -> list[str]:
    about = [
        "Drafted by bridge new. Every suggestion is marked and none runs: look at each, then type "
        f"bridge confirm {name}.",
        *(f"Found: {one}" for one in given.said),
        *(f"Question: {one}" for one in draft.questions),
    ]
    return [_EDITOR, *drafting.comment(about)]


def _side(schema: str, given: Sample) -> Said:
    said: Said = {"schema": schema} | ({"record": given.record} if given.record else {})
    if given.suffix != ".json":
        said[SUGGESTED] = (
            "classes of fields were suggested in the schema where its names were clear: look at them there"
        )
    return said


def _block(name: str, said: Said) -> list[str]:
    told = {key: drafting.flow(one) if isinstance(one, Mapping) else drafting.scalar(one) for key, one in said.items()}
    return [f"{name}:", *(f"  {drafting.scalar(key)}: {value}" for key, value in told.items())]


def _collect_lines(name: str, schema: str, given: Sample, draft: Draft) -> list[str]:
    return [
        *_head(name, draft, given),
        f"mapping: {name}.record -> common.seizure",
        "version: 0.1.0",
        "owner: enforcement-data@customs.example",
        "status: unofficial",
        f"source: {drafting.flow(_side(schema, given))}",
        f"target: {{schema: {COMMON}}}",
        *_block("collect", options(given, name)),
        *([f"group_by: {drafting.flow(draft.group)}"] if draft.group else []),
        "",
        *drafting.map_lines(draft),
        *drafting.section("ignore", draft.ignore),
        *drafting.section("absent", draft.absent),
    ]


def _share_lines(name: str, schema: str, given: Sample, draft: Draft) -> list[str]:
    return [
        *_head(name, draft, given),
        f"mapping: common.seizure -> {name}.record",
        "version: 0.1.0",
        "owner: enforcement-data@customs.example",
        "status: unofficial",
        f"source: {{schema: {COMMON}}}",
        f"target: {drafting.flow(_side(schema, given))}",
        *_block("deliver", deliver_options(given, name)),
        "",
        *release_lines(name),
        "",
        *drafting.map_lines(draft),
        *drafting.section("ignore", draft.ignore),
        *drafting.section("absent", draft.absent),
    ]


def _prove(content: Content, kind: Kind, name: str, files: dict[str, str]) -> None:
    """Let only files be written whose structure and schema can be read; that a person must confirm them is well."""
    from bridge.mapping import load

    direction: Direction = COLLECT if kind == "source" else SHARE
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", newline="")
        faults = load(Content((root, *content.roots)), name, direction).faults
    if faults:
        first = faults[0]
        raise Misconfigured(first.code, f"{name}: {first.field}", first.what, first.fix)
