"""A mapping as a page for people who do not read YAML: told once, shown in Airflow as Markdown and elsewhere as HTML.

Read while a DAG file is parsed, so nothing here imports more than a YAML reader, and no schema is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.content import SHARE, Direction
from bridge.mapping.suggested import SUGGESTED
from bridge.mapping.yaml import Block

Part = tuple[str, bool]
"""A piece of text, and whether it is a name or value of the mapping and stands as code."""
Cell = tuple[Part, ...]


_REASONS: Final = {"one_way": "one way", "hold": "held if it is missing"}
"""Words whose value is a sentence, and how people call them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What is told of one mapping.

    Args:
        lead: sentences above the tables.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]


def page_of(block: Block, direction: Direction) -> Page:
    """How each field is filled, what may leave on which ground, what is left out and why, and what examples show."""
    lead = [f"Version {block.get('version', '?')}, status {block.get('status', '?')}, owner {block.get('owner', '?')}."]
    sections: list[Section] = []
    release = block.get("release")
    if direction == SHARE and isinstance(release, Block):
        lead.append(f"Partner: {release.get('partner', '')}. Basis: {release.get('basis', '')}.")
        sections += _policy(release)
    sections.append(_table("Which rows are records", ("field", "must be"), _conditions(block.get("scope"))))
    fills = [(_code(name), _rule(rule)) for name, rule in _leaves(block.get("map"))]
    sections.append(_table("How each field is filled", ("field", "is made by"), fills))
    for title, part in (("Left out on the source side", "ignore"), ("Not filled on the target side", "absent")):
        said = block.get(part)
        rows = [(_code(name), _text(_why(why))) for name, why in said.items()] if isinstance(said, Block) else []
        sections.append(_table(title, ("field", "why"), rows))
    sections.append(
        _table("Examples, each run before the mapping may run", ("name", "given", "then"), _examples(block))
    )
    return Page(str(block.get("mapping", "")), tuple(lead), tuple(one for one in sections if one.rows))


def markdown(page: Page, also: str = "") -> str:
    """The page as Markdown.

    Args:
        also: a sentence after the first, such as where numbers are.
    """
    lines = [f"**{page.title}.** {' '.join([*page.lead, also]).strip()}"]
    for section in page.sections:
        lines += [
            "",
            f"### {section.title}",
            "",
            f"| {' | '.join(section.headings)} |",
            "|---" * len(section.headings) + "|",
        ]
        lines += [f"| {' | '.join(_marked(cell) for cell in row)} |" for row in section.rows]
    return "\n".join(lines)


def _marked(cell: Cell) -> str:
    """Text that stays inside its cell of a table."""
    out = []
    for text, code in cell:
        clean = text.replace("|", "\\|").replace("\n", " ")
        out.append(f"`{clean}`" if code and clean.strip() else clean)
    return "".join(out)


def _table(title: str, headings: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> Section:
    return Section(title, headings, tuple(rows))


def _text(value: Any) -> Cell:
    return ((str(value), False),)


def _code(value: Any) -> Cell:
    return ((str(value), True),)


def _why(said: Any) -> str:
    if not isinstance(said, Block):
        return str(said)
    ref = f" ({said['ref']})" if "ref" in said else ""
    return f"{said.get('why', '')}{ref}"


def _policy(release: Block) -> list[Section]:
    found = []
    allow = release.get("allow")
    if isinstance(allow, Block):
        grounds = [(_text(name.replace("_", " ")), _text(ground)) for name, ground in allow.items()]
        found.append(_table("What may leave", ("class of field", "legal ground"), grounds))
    withhold = release.get("withhold")
    rules = [rule for rule in withhold if isinstance(rule, Block)] if isinstance(withhold, list) else []
    rows = [
        (
            _code(rule.get("code")),
            _joined(_conditions(rule.get("when"))),
            _joined(_conditions(rule["unless"]))
            if isinstance(rule.get("unless"), Block)
            else _text(f"its supplier has {rule['unless']} it" if "unless" in rule else ""),
            _text(rule.get("why")),
        )
        for rule in rules
    ]
    found.append(_table("What is withheld", ("rule", "when", "unless", "why"), rows))
    nominal = release.get("nominal")
    if isinstance(nominal, Block):
        said = (_joined(_conditions(nominal.get("when"))), _text(nominal.get("why")))
        found.append(_table("When persons may leave", ("only when", "why"), [said]))
    return found


def _conditions(when: Any) -> list[tuple[Cell, ...]]:
    if not isinstance(when, Block):
        return []
    return [
        (_code(name), _text(" or ".join(map(str, value)) if isinstance(value, list) else value))
        for name, value in when.items()
    ]


def _joined(rows: Sequence[tuple[Cell, ...]]) -> Cell:
    """Conditions in one cell."""
    parts: list[Part] = []
    for number, row in enumerate(rows):
        parts += [(" and ", False)] if number else []
        parts += [*row[0], (" ", False), *row[1]]
    return tuple(parts)


def _leaves(block: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Each rule of a map block with its target path, lists included."""
    found: list[tuple[str, Any]] = []
    if not isinstance(block, Block):
        return found
    for name, rule in block.items():
        for one in rule if isinstance(rule, list) else [rule]:
            if isinstance(one, Block) and "map" in one:
                found += _leaves(one["map"], f"{prefix}{name}.")
            else:
                found.append((f"{prefix}{name}", one))
    return found


def _rule(rule: Any) -> Cell:
    """A rule in one line."""
    if isinstance(rule, Block):
        parts: list[Part] = []
        for name, value in rule.items():
            if name != SUGGESTED:
                parts += [(", ", False)] if parts else []
                words = _REASONS.get(name)
                parts += [(f"{words}: ", False), *_text(value)] if words else [(f"{name} ", False), *_rule(value)]
        if SUGGESTED in rule:
            parts.append((" (suggested, not confirmed)", False))
        return tuple(parts)
    if isinstance(rule, list):
        joined: list[Part] = []
        for one in rule:
            joined += [(" + ", False)] if joined else []
            joined += _rule(one)
        return tuple(joined)
    return _code(rule)


def _examples(block: Block) -> list[tuple[Cell, ...]]:
    said = block.get("examples")
    rows: list[tuple[Cell, ...]] = []
    for one in said if isinstance(said, list) else []:
        if not isinstance(one, Block):
            continue
        given = one.get("given")
        changes = given.get("set") if isinstance(given, Block) else None
        shown: list[Part] = [(str(given.get("like") if isinstance(given, Block) else given), True)]
        if isinstance(changes, Block):
            shown += [(" with ", False), *_pairs(changes)]
        if "held" in one:
            then: Cell = (("is held: ", False), (str(one["held"]), True))
        elif "out_of_scope" in one:
            then = (("is out of scope by ", False), (str(one["out_of_scope"]), True))
        else:
            expected = one.get("then")
            then = tuple(_pairs(expected)) if isinstance(expected, Block) else (("passes", False),)
        rows.append((_text(one.get("name", "")), tuple(shown), then))
    return rows


def _pairs(said: Block) -> list[Part]:
    parts: list[Part] = []
    for name, value in said.items():
        parts += [(", ", False)] if parts else []
        parts += [(f"{name} ", False), (str(value) or "nothing", True)]
    return parts
