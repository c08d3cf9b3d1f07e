"""Good mappings with one thing wrong: random single edits, and whether the checker sees each.

    python -m tests.findings.mutations 500

makes them from a fixed seed, prints the share that is a finding or a failing example, and every survivor.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import yaml

from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.mapping import check, load

TOP: Final = Path(__file__).resolve().parents[2]
SEED: Final = 20261122
KINDS: Final = ("rename", "drop", "swap", "retype", "code removed")
BAR: Final = 0.98
OTHER: Final = {
    ".": ",", ",": ".", "iso": "%d/%m/%Y", "upper": "lower", "lower": "upper", "trim": "upper", "digits": "upper",
    "collapse": "upper", "title": "upper", "first": "last", "last": "first", "only": "first", "start": "precision",
    "precision": "start", "present": "absent", "absent": "present",
}  # fmt: skip
FORMS: Final = {
    "text", "split", "number", "date", "datetime", "zone", "codes", "lookup", "take", "join", "const", "default",
    "index", "decimal", "thousands", "starts", "when", "each",
}  # fmt: skip
"""Words whose value says how something is made."""
FIELDS: Final = {"from", "first_of", "concat", "unit", "of", "fiscal_year", "month"}
"""Words whose value names fields."""


@dataclass(frozen=True)
class Edit:
    """One change of one file: bytes between two places, replaced.

    Args:
        system: whose mapping it is.
    """

    system: str
    direction: Direction
    kind: str
    file: str
    start: int
    end: int
    text: str
    said: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}: {self.said}"


@dataclass(frozen=True)
class Site:
    """A name with its value in a mapping file, and where it stands."""

    path: tuple[str, ...]
    key: yaml.Node
    value: yaml.Node
    flow: bool


def sites(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Site]:
    """Every name with its value, in the order of the file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            yield Site(here, key, value, bool(node.flow_style))
            yield from sites(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for place, one in enumerate(node.value):
            yield from sites(one, (*path, str(place)))


def edits(content: Content, system: str, direction: Direction) -> dict[str, list[Edit]]:
    """All single edits of one mapping, by kind."""
    path = content.mapping(system, direction)
    text = path.read_text(encoding="utf-8")
    name = f"mappings/{system}/{path.name}"
    known = [one for one in sites(cast(yaml.Node, yaml.compose(text))) if one.path[0] in ("map", "ignore", "absent")]
    found: dict[str, list[Edit]] = {kind: [] for kind in KINDS}

    def add(kind: str, start: int, end: int, new: str, said: str) -> None:
        found[kind].append(Edit(system, direction, kind, name, start, end, new, said))

    for one in known:
        at, value = ".".join(one.path), one.value
        word = one.path[-1]
        if one.path[0] != "map" and len(one.path) > 2:
            continue  # The reason itself is prose.
        add("drop", *_span(text, one), "", f"{at} taken out")
        if word not in FORMS | FIELDS | {"map", "when", "one_way"} or len(one.path) == 2:
            add("rename", *_marks(one.key), quoted(str(one.key.value) + "x"), f"{at} renamed")
        for scalar in _scalars(value) if word in FIELDS else ():
            add("rename", *_marks(scalar), quoted(scalar.value + "x"), f"{at}: {scalar.value} renamed")
        for scalar in _scalars(value) if word in FORMS else ():
            new = other(word, scalar.value)
            if new != scalar.value:
                add("retype", *_marks(scalar), quoted(new), f"{at}: {scalar.value} is now {new}")
    found["swap"] = list(_swaps(text, known, system, direction, name))
    mapping = load(content, system, direction)
    for codes in sorted({rule.codes for _, _, rule in mapping.spec.rules_of() if rule.codes}):
        file = f"mappings/codes/{codes}.csv"
        rows = content.path(file).read_text(encoding="utf-8")
        for start, end, source in _rows(rows):
            found["code removed"].append(
                Edit(system, direction, "code removed", file, start, end, "", f"the row of {source} taken out")
            )
    return found


def other(word: str, value: str) -> str:
    """Another value that the word could have."""
    if value in OTHER:
        return OTHER[value]
    match word:
        case "date" | "datetime":
            new = value.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
        case "index" | "starts":
            new = str(int(value) + 1)
        case "codes":
            new = "yes_no" if value != "yes_no" else "sex"
        case "const" | "default":
            new = value + "X"
        case "split" | "join":
            new = "|"
        case _:
            new = value
    return new


def _swaps(text: str, known: list[Site], system: str, direction: Direction, name: str) -> Iterator[Edit]:
    """Two neighbours of one block that have changed places: rules, or parts of one rule."""
    rules = [one for one in known if one.path[0] == "map" and isinstance(one.value, yaml.MappingNode)]
    for place, one in enumerate(rules):
        same = [two for two in rules[place + 1 :] if two.path[:-1] == one.path[:-1]][:3]
        for two in same:
            (a, b), (c, d) = _marks(one.value), _marks(two.value)
            first, second = text[a:b], text[c:d]
            if first == second or "each" in (str(k.value) for k, _ in one.value.value + two.value.value):
                continue
            yield Edit(
                system, direction, "swap", name, a, d, second + text[b:c] + first,
                f"the rules of {'.'.join(one.path)} and {two.path[-1]}",
            )  # fmt: skip
    for one in known:
        if one.path[-1] in ("first_of", "concat") and isinstance(one.value, yaml.SequenceNode):
            for left, right in zip(one.value.value, one.value.value[1:], strict=False):
                (a, b), (c, d) = _marks(left), _marks(right)
                yield Edit(
                    system, direction, "swap", name, a, d, text[c:d] + text[b:c] + text[a:b],
                    f"two parts of {'.'.join(one.path)}",
                )  # fmt: skip


def _span(text: str, one: Site) -> tuple[int, int]:
    """The whole of a name with its value: its lines, or its place between commas."""
    start, end = one.key.start_mark.index, one.value.end_mark.index
    if one.flow:
        after = text[end:]
        comma = len(after) - len(after.lstrip(" \n"))
        if after[comma : comma + 1] == ",":
            return start, end + comma + 1
        before = text[:start].rstrip(" \n")
        return (len(before) - 1, end) if before.endswith(",") else (start, end)
    begin = text.rfind("\n", 0, start) + 1
    if isinstance(one.value, yaml.CollectionNode) and not one.value.flow_style:
        return begin, text.rfind("\n", 0, end) + 1 if end < len(text) else end
    stop = text.find("\n", end)
    return begin, stop + 1 if stop >= 0 else len(text)


def _marks(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _scalars(one)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) not in FORMS | FIELDS | {"text", "round", "occurrence"}:
                yield from _scalars(value)


def quoted(value: str) -> str:
    """The text as YAML that is read as just that."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rows(text: str) -> Iterator[tuple[int, int, str]]:
    at = 0
    for number, line in enumerate(io.StringIO(text, newline="")):
        if number and line.count('"') % 2 == 0:
            yield at, at + len(line), next(csv.reader([line]))[0]
        at += len(line)


def drawn(content: Content, count: int, seed: int = SEED) -> list[Edit]:
    """So many edits, each kind equally often and each at most once, over all mappings by their size."""
    pool: dict[str, list[Edit]] = {kind: [] for kind in KINDS}
    for system, direction in every(content):
        for kind, some in edits(content, system, direction).items():
            pool[kind] += some
    chance = random.Random(seed)
    wanted = [count // len(KINDS) + (place < count % len(KINDS)) for place in range(len(KINDS))]
    return [
        edit
        for kind, many in zip(KINDS, wanted, strict=True)
        for edit in chance.sample(pool[kind], min(many, len(pool[kind])))
    ]


def every(content: Content) -> list[tuple[str, Direction]]:
    """Every mapping of the content."""
    found: list[tuple[str, Direction]] = [(name, COLLECT) for name in content.sources()]
    return [*found, *((name, SHARE) for name in content.partners())]


def survivors(chosen: list[Edit]) -> list[Edit]:
    """Those edits after which the checker says no more than before."""
    lived: list[Edit] = []
    with TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(TOP / "mappings", root / "mappings")
        (root / "schemas").symlink_to(TOP / "schemas")
        content = Content((root,))
        before = {key: {_told(one) for one in check(load(content, *key))} for key in every(content)}
        for edit in chosen:
            first = (edit.system, edit.direction)
            # Whoever changes a code list has every mapping that uses it checked.
            keys = [first, *(key for key in before if key != first and edit.kind == "code removed")]
            path = root / edit.file
            whole = path.read_text(encoding="utf-8")
            path.write_text(whole[: edit.start] + edit.text + whole[edit.end :], encoding="utf-8")
            if all({_told(one) for one in check(load(content, *key))} <= before[key] for key in keys):
                lived.append(edit)
            path.write_text(whole, encoding="utf-8")
    return lived


def _told(finding: object) -> str:
    """A finding without its line, which another line taken out may move."""
    return str(finding).split(": ", 1)[1]


def main(count: int) -> int:
    """Print what becomes of so many edits; 1 if the bar is missed."""
    chosen = drawn(Content((TOP,)), count)
    lived = survivors(chosen)
    tell = sys.stdout.write
    kinds, lost = Counter(edit.kind for edit in chosen), Counter(edit.kind for edit in lived)
    for kind in KINDS:
        tell(f"{kind}: {kinds[kind] - lost[kind]} of {kinds[kind]} seen\n")
    share = 1 - len(lived) / len(chosen)
    tell(f"{len(chosen) - len(lived)} of {len(chosen)} single edits are a finding or a failing example: {share:.1%}\n")
    for edit in lived:
        tell(f"  survived: {edit}\n")
    return int(share < BAR)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
