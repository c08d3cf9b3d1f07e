"""Mapped columns to the text of XML records: one expression per element, compiled from the shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa

from bridge.batch import INDEX, ROOT, ROW
from bridge.errors import Misconfigured
from bridge.shape import Shape
from connectors.files.xmlplan import Column, Node, plan

ILLEGAL: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
"""Characters that XML 1.0 has no way to write."""
SPECIAL: Final = "[&<>\r]"
SPECIAL_INSIDE_TAG: Final = '[&<>"\r\n\t]'
REFERENCES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records of one shape as elements of one name."""

    shape: Shape
    element: str
    root: Node

    @classmethod
    def of(cls, shape: Shape, element: str) -> Writer:
        return cls(shape, element, plan(shape))

    def write(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The text of each record as columns ``_row`` and ``xml``, in order of ``_row``.

        Raises:
            Misconfigured: a column that the shape does not have, or a character that XML cannot hold.
        """
        lists = {}
        for node in self.root.walk():
            if node.entry:
                entries = self._frame(tables.get(node.table), node.table)
                texts = entries.select(ROW, xml=_element(node, node.path.rpartition("/")[2], entries, {}))
                lists[node.table] = texts.group_by(ROW, maintain_order=True).agg(
                    pl.col("xml").str.join("").alias(_list_name(node.table))
                )
        frame = self._frame(tables[ROOT], ROOT)
        for texts in lists.values():
            frame = frame.join(texts, on=ROW, how="left", maintain_order="left")
        return frame.select(ROW, xml=_element(self.root, self.element, frame, lists)).to_arrow()

    def _frame(self, table: pa.Table | None, path: str) -> pl.DataFrame:
        """The table as texts without anything that needs escaping; columns it lacks are null."""
        fields = {f.name: f for f in self.shape.table(path)}
        if table is None:
            table = pa.table({ROW: pa.array([], pa.int64()), INDEX: pa.array([], pa.int64())})
        unknown = [name for name in table.column_names if name not in fields and not name.startswith("_")]
        if unknown:
            raise Misconfigured(
                "NO_FIELD",
                f"{self.shape.name}: {unknown[0]}",
                "the partner's schema has no such field",
                "Correct the mapping",
            )
        order = [ROW] if path == ROOT else [ROW, INDEX]
        frame = pl.DataFrame(pl.from_arrow(table)).sort(order)
        columns = [pl.col(ROW)]
        for name in fields:
            if name not in frame.columns:
                columns.append(pl.lit(None, pl.String).alias(name))
            elif isinstance(frame.schema[name], pl.List):
                columns.append(_joined(frame, path, name))
            else:
                text = frame.select(ROW, pl.col(name).cast(pl.String))
                columns.append(pl.lit(_escaped(text, path, name, inside_tag="@" in name)).alias(name))
        return frame.select(columns)


def _escaped(frame: pl.DataFrame, path: str, name: str, *, inside_tag: bool) -> pl.Series:
    texts = frame.get_column(name)
    special = SPECIAL_INSIDE_TAG if inside_tag else SPECIAL
    illegal = frame.filter(texts.str.contains(ILLEGAL))
    if illegal.height:
        where = f"record {illegal.get_column(ROW)[0]}, {path + '/' if path else ''}{name}"
        raise Misconfigured(
            "ILLEGAL_CHARACTER",
            where,
            "a control character, which XML cannot hold",
            "Have the mapping take it out, such as text: collapse",
        )
    if texts.str.contains(special).any():
        for char, reference in REFERENCES.items():
            if char in special:
                texts = texts.str.replace_all(char, reference, literal=True)
    return texts


def _joined(frame: pl.DataFrame, path: str, name: str) -> pl.Expr:
    """A list of values as the elements that they become, in one text per row; null where there is none."""
    numbered = frame.select(ROW, name).with_row_index("_at").explode(name).drop_nulls(name)
    tag = name.rpartition("/")[2]
    texts = _escaped(numbered.select(ROW, name), path, name, inside_tag=False)
    elements = numbered.select("_at", xml=pl.lit(f"<{tag}>") + texts + pl.lit(f"</{tag}>"))
    joined = elements.group_by("_at").agg(pl.col("xml").str.join(""))
    rows = pl.DataFrame({"_at": pl.Series(range(frame.height), dtype=elements.schema["_at"])})
    return pl.lit(rows.join(joined, on="_at", how="left", maintain_order="left").get_column("xml")).alias(name)


def _element(node: Node, name: str, frame: pl.DataFrame, lists: Mapping[str, pl.DataFrame]) -> pl.Expr:
    """The text of one element per row; empty where nothing is in it, unless it is a record or an entry."""
    parts = [_child(child, part, frame, lists) for part, child in node.children.items()]
    if node.text is not None:
        parts.append(_text(node.text))
    inner = pl.concat_str(parts) if parts else pl.lit("")
    attributes = [
        pl.when(pl.col(column.name).is_null())
        .then(pl.lit(""))
        .otherwise(pl.concat_str(pl.lit(f' {local}="'), pl.col(column.name), pl.lit('"')))
        for local, column in node.attributes.items()
    ]
    head = pl.concat_str(attributes) if attributes else pl.lit("")
    whole = (
        pl.when(inner == "")
        .then(pl.concat_str(pl.lit(f"<{name}"), head, pl.lit("/>")))
        .otherwise(pl.concat_str(pl.lit(f"<{name}"), head, pl.lit(">"), inner, pl.lit(f"</{name}>")))
    )
    if node.entry or not node.path:
        return whole
    return pl.when((inner == "") & (head == "")).then(pl.lit("")).otherwise(whole)


def _child(node: Node, name: str, frame: pl.DataFrame, lists: Mapping[str, pl.DataFrame]) -> pl.Expr:
    if node.entry:
        return pl.col(_list_name(node.table)).fill_null("")
    if node.text is not None and node.text.many:
        return pl.col(node.text.name).fill_null("")
    if node.text is not None and not node.attributes:
        return pl.concat_str(pl.lit(f"<{name}>"), pl.col(node.text.name), pl.lit(f"</{name}>")).fill_null("")
    return _element(node, name, frame, lists)


def _text(column: Column) -> pl.Expr:
    return pl.col(column.name).fill_null("")


def _list_name(path: str) -> str:
    return f"_list {path}"
