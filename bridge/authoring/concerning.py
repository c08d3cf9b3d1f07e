"""What of a record concerns one field, by whichever schema on the record's way the field is named."""

from __future__ import annotations

from difflib import get_close_matches

from bridge.authoring.explaining import COMMON, Explained, Side
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping.trace import Way
from bridge.mapping.versions import load_versions
from bridge.shape import Field
from bridge.shapes import read_shape


def about(explained: Explained, wanted: str) -> list[tuple[Side, Way]]:
    """The ways that concern a field: of that path, or below it, and at partners what is read from it."""
    common = [way for side in explained.sides if side.at == "common" for way in side.ways]
    paths = {way.path for way in common if _is(way.path, wanted) or any(_is(read.path, wanted) for read in way.reads)}
    return [
        (side, way)
        for side in explained.sides
        for way in side.ways
        if _is(way.path, wanted)
        or way.path in paths
        or any(read.path in paths or _is(read.path, wanted) for read in way.reads)
    ]


def require_field(content: Content, explained: Explained, wanted: str) -> None:
    """Make sure that a schema on the record's way has this field, or fields below it.

    Raises:
        Misconfigured: NO_SUCH_FIELD, with the nearest that there is.
    """
    common = [_dotted(one) for one in read_shape(content, COMMON)]
    name = _bare(wanted)
    if any(_is(path, name) for path in common):
        return
    ends: set[tuple[str, Direction]] = {(hop.name, COLLECT) for hop in explained.hops if hop.side == "intake"}
    ends |= {(side.at, SHARE) for side in explained.sides if side.at != "common"}
    for system, direction in ends:
        try:
            mappings = load_versions(content, system, direction).all
        except Misconfigured:
            return  # whose fields they are can no longer be told
        shapes = (one.source_shape if direction == COLLECT else one.target_shape for one in mappings)
        if any(_is(_dotted(one), name) for shape in shapes for one in shape):
            return
    near = get_close_matches(name, common, 1)
    fix = f"Did you mean {near[0]}?" if near else "bridge explain RECORD, without a field, shows those that it has"
    raise Misconfigured("NO_SUCH_FIELD", wanted, "the common schema has no such field", fix)


def _dotted(one: Field) -> str:
    """A field as the ways of a value name it, but for the places in lists."""
    return f"{one.list}.{one.name}" if one.list else one.name


def _bare(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdigit())


def _is(path: str, wanted: str) -> bool:
    bare = _bare(path)
    return wanted in (path, bare) or path.startswith(f"{wanted}.") or bare.startswith(f"{wanted}.")
