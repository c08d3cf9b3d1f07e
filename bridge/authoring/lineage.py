"""The picture of a mapping (SVG): source fields left, target fields right, a line for each value's way."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Final

from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name

WIDTH: Final = 1180
_LINE: Final = 20
_HEAD: Final = 26
_LEFT: Final = 400
_RIGHT: Final = 780


@dataclass
class _Side:
    """Fields of one side, gathered by list in the order in which they are met."""

    groups: dict[str, list[str]] = field(default_factory=dict)

    def add(self, list_: str, name: str) -> None:
        names = self.groups.setdefault(list_, [])
        if name not in names:
            names.append(name)

    def places(self) -> tuple[dict[tuple[str, str], float], list[tuple[str, float]], float]:
        """The height of each field, of each heading, and of the whole."""
        at: dict[tuple[str, str], float] = {}
        heads = []
        y = 42.0
        for list_, names in self.groups.items():
            if list_:
                y += 10
                heads.append((list_, y))
                y += _HEAD - 6
            for name in names:
                at[list_, name] = y
                y += _LINE
        return at, heads, y


@dataclass(frozen=True, slots=True)
class _Edge:
    source: tuple[str, str]
    target: tuple[str, str]
    kind: str
    says: str


def lineage(mapping: Mapping) -> str:
    """The picture as SVG; a field of which nothing is made does not stand in it."""
    left, right = _Side(), _Side()
    edges: list[_Edge] = []
    fixed: dict[tuple[str, str], str] = {}
    for list_, each, rule in mapping.spec.rules_of():
        target = (list_, rule.target)
        right.add(*target)
        reads = [find_name(mapping.source_shape, mapping.spec, each, name) for name in rule.inputs_read]
        found = [one.field for one in reads if one is not None and one.field is not None]
        for one in found:
            left.add(one.list, one.name)
            edges.append(_Edge((one.list, one.name), target, _kind(rule), _says(rule)))
        if not found:
            said = [fixed[target].removeprefix("always ")] if target in fixed else []
            fixed[target] = (
                _says(rule) if not said else f"always {', '.join([*said, _says(rule).removeprefix('always ')])}"
            )
    return _draw(mapping, left, right, edges, fixed)


def _kind(rule: Rule) -> str:
    if rule.codes or rule.lookup:
        return "coded"
    plain = rule.combine in ("from", "first_of") and not (
        rule.number or rule.date or rule.datetime or rule.text or rule.split
    )
    return "same" if plain else "made"


def _says(rule: Rule) -> str:
    if rule.combine == "const":
        return "always " + ", ".join(getattr(one, "text", str(one)) for one in rule.inputs)
    words = [rule.combine] if rule.combine not in ("from", "") else []
    words += [f"codes {rule.codes}"] if rule.codes else []
    words += ["date"] * bool(rule.date) + ["moment"] * bool(rule.datetime) + ["number"] * bool(rule.number)
    return ", ".join(words) or "as it is"


def _draw(mapping: Mapping, left: _Side, right: _Side, edges: list[_Edge], fixed: dict[tuple[str, str], str]) -> str:
    sources, source_heads, tall = left.places()
    targets, target_heads, high = right.places()
    height = max(tall, high) + 10
    out = [f'<svg class="lineage" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(mapping.name)}">']
    out += [f'<text class="side" x="{_LEFT}" y="14" text-anchor="end">{escape(mapping.source_shape.name)}</text>']
    out += [f'<text class="side" x="{_RIGHT}" y="14">{escape(mapping.target_shape.name)}</text>']
    for edge in edges:
        y, to = sources[edge.source] - 4, targets[edge.target] - 4
        middle = (_LEFT + _RIGHT) / 2
        way = f"M{_LEFT + 8},{y:.0f} C{middle:.0f},{y:.0f} {middle:.0f},{to:.0f} {_RIGHT - 8},{to:.0f}"
        names = f'data-a="{_name(edge.source)}" data-b="{_name(edge.target)}"'
        out.append(f'<path class="{edge.kind}" d="{way}" {names}><title>{escape(edge.says)}</title></path>')
    out += [
        f'<text class="list" x="{_LEFT}" y="{y:.0f}" text-anchor="end">{escape(name)}</text>'
        for name, y in source_heads
    ]
    out += [f'<text class="list" x="{_RIGHT}" y="{y:.0f}">{escape(name)}</text>' for name, y in target_heads]
    for place, y in sources.items():
        out.append(
            f'<text class="field" data-f="a:{_name(place)}" x="{_LEFT}" y="{y:.0f}" text-anchor="end">'
            f"{escape(_short(place[1]))}</text>"
        )
    for place, y in targets.items():
        always = f' <tspan class="fixed">{escape(_short(fixed[place], 34))}</tspan>' if place in fixed else ""
        out.append(
            f'<text class="field" data-f="b:{_name(place)}" x="{_RIGHT}" y="{y:.0f}">'
            f"{escape(_short(place[1]))}{always}</text>"
        )
    return "\n".join([*out, "</svg>"])


def _name(place: tuple[str, str]) -> str:
    return escape("/".join(place), quote=True)


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
