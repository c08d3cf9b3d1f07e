"""A small content root of its own for each test: schemas, code lists, one mapping."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from bridge.content import Content
from bridge.mapping import Mapped, Mapping, forward, load
from bridge.mapping.samples import batch_of
from bridge.shape import Shape

META = Path(__file__).resolve().parents[2] / "schemas" / "meta" / "mapping.json"
HEADINGS = "source,target,relation,why,reviewed_by,reviewed_on,valid_from,valid_to"
OPEN = {"x-class": "event", "x-sensitivity": "NON_NOMINAL"}
PERSONAL = {"x-class": "person", "x-sensitivity": "NOMINAL"}
TEXT = {"type": "string"}


def item(**fields: Any) -> dict[str, Any]:
    """A list of objects with these fields."""
    return {"type": "array", "items": {"type": "object", "properties": fields}}


class World:
    """Content below a folder.

    Args:
        source: fields of the source's record; all open unless they say otherwise.
        target: fields of the target's record, with a star behind the name of required ones.
    """

    def __init__(self, root: Path, source: dict[str, Any], target: dict[str, Any]) -> None:
        self.root = root
        for folder in ("mappings/codes", "mappings/here/samples", "schemas/meta"):
            (root / folder).mkdir(parents=True)
        shutil.copy(META, root / "schemas" / "meta")
        self.schema("source", source)
        self.schema("target", target)

    def schema(self, name: str, fields: dict[str, Any]) -> None:
        """Write one of the two schemas."""
        required = [field[:-1] for field in fields if field.endswith("*")]
        properties = {field.rstrip("*"): said for field, said in fields.items()}
        document = {"type": "object", **OPEN, "required": required, "properties": properties}
        (self.root / "schemas" / f"{name}.json").write_text(json.dumps(document))

    def codes(self, name: str, *rows: str, headings: str = HEADINGS) -> None:
        """Write a code list; a row is ``source,target,relation`` and what follows, with a review if none is said."""
        lines = [headings]
        for row in rows:
            cells = row.split(",")
            if headings == HEADINGS:
                cells += ["", "office", "2026-01-31", "", ""][len(cells) - 3 :]
            lines.append(",".join(cells))
        (self.root / "mappings" / "codes" / f"{name}.csv").write_text("\n".join(lines) + "\n")

    def write(self, rules: str, more: str = "", *, collect: str = "{connector: files, connection: drop}") -> None:
        """Write the mapping: what stands under ``map:``, and other sections."""
        text = dedent(
            """\
            mapping: here.record -> there.record
            version: 1.0.0
            owner: data@office.example
            source: {schema: source.json}
            target: {schema: target.json}
            """
        )
        text += f"collect: {collect}\n" if collect else ""
        text += f"map:\n{indent(dedent(rules).strip(), '  ')}\n{dedent(more).strip()}\n"
        (self.root / "mappings" / "here" / "collect.yaml").write_text(text)

    @property
    def content(self) -> Content:
        return Content((self.root,))

    def load(self) -> Mapping:
        """The mapping as it stands."""
        return load(self.content, "here", "collect")

    def run(self, rules: str, records: Sequence[dict[str, Any]], more: str = "") -> Mapped:
        """These records, through a mapping with these rules."""
        self.write(rules, more)
        mapping = self.load()
        assert not mapping.faults, mapping.faults
        return forward(mapping, batch_of(records, mapping.source_shape, "given.json"))


def shape(world: World) -> Shape:
    """The target's shape."""
    return world.load().target_shape


def values(mapped: Mapped, field: str, table: str = "") -> list[Any]:
    """One column of the sound records."""
    found: list[Any] = mapped.batch.tables[table].column(field).to_pylist()
    return found


def problems(mapped: Mapped) -> list[tuple[int, str, str]]:
    """Record, code and field of every problem."""
    return [(problem.row, problem.code, problem.field) for problem in mapped.problems]
