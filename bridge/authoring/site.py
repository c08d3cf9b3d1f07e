"""The static pages of all mappings, code lists and schemas: nothing but files, for people who do not read YAML."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bridge.authoring.lineage import lineage
from bridge.content import COLLECT, SHARE, Content
from bridge.errors import Misconfigured
from bridge.mapping import Mapping, Severity, check, load_versions, summary
from bridge.mapping.page import Cell, Page, page_of
from bridge.mapping.yaml import read_yaml
from bridge.shape import Shape

_HERE: Final = Path(__file__).parent
TEMPLATES: Final = (_HERE / "templates", _HERE.parent / "airflow" / "templates")
"""Our own, and those of the pages in Airflow, whose style is ours."""
MARK: Final = "written by bridge docs"
"""Stands at the head of every file of the site."""


@dataclass(frozen=True, slots=True)
class Told:
    """One mapping with all that its page needs."""

    mapping: Mapping
    page: Page
    picture: str
    sums: str
    errors: int
    warnings: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The page's file, without suffix; each version of a mapping has its own."""
        return f"mapping-{self.mapping.system}-{self.mapping.file.stem}"

    @property
    def period(self) -> str:
        """On inputs of which days the version is used; empty if it is the only one and for ever."""
        first, last = self.mapping.effective.first, self.mapping.effective.last
        return " ".join([f"from {first}"] * bool(first) + [f"to {last}"] * bool(last))


@dataclass(frozen=True, slots=True)
class Listed:
    """One code list."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    used: tuple[tuple[str, str, str], ...]

    @property
    def users(self) -> dict[tuple[str, str], list[str]]:
        """By page and name of a mapping the fields that it fills by this list."""
        found: dict[tuple[str, str], list[str]] = {}
        for slug, mapping, path in dict.fromkeys(self.used):
            found.setdefault((slug, mapping), []).append(path)
        return found


def write_site(content: Content, out: Path, say: Callable[[str], None]) -> int:
    """Write every page below ``out``; gives their number. Done again it writes the same bytes.

    Raises:
        Misconfigured: the folder holds files that are not ours; nothing is then written or deleted.
    """
    out.mkdir(parents=True, exist_ok=True)
    strange = sorted(one.name for one in out.iterdir() if not _ours(one))
    if strange:
        what = f"it holds {strange[0]}, which bridge docs has not written"
        raise Misconfigured("NOT_OURS", str(out), what, "Name an empty folder, or take the file away")
    told = [_told(mapping, say) for name in _systems(content) for mapping in load_versions(content, *name).all]
    lists = list(_lists(content, told))
    shapes = _shapes(told)
    pages = {"index.html": _render("index.html", told=told, lists=lists, shapes=shapes)}
    for one in told:
        pages[f"{one.slug}.html"] = _render("mapping.html", one=one, picture=one.picture, lists={x.name for x in lists})
    for code in lists:
        pages[f"codes-{code.name}.html"] = _render("codes.html", one=code)
    for name, (shape, users) in shapes.items():
        pages[f"schema-{_slug(name)}.html"] = _render(
            "schema.html", name=name, shape=shape, users=users, lists={x.name for x in lists}
        )
    for old in out.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (out / name).write_text(text, encoding="utf-8")
    (out / "search.js").write_text(_search(told, lists, shapes), encoding="utf-8")
    return len(pages)


def _ours(file: Path) -> bool:
    """Whether a file carries the mark of these pages, without which nothing is overwritten or deleted."""
    if file.is_symlink() or not file.is_file() or file.suffix not in (".html", ".js"):
        return False
    with file.open("rb") as opened:
        return MARK.encode() in opened.read(1000)


def _systems(content: Content) -> list[tuple[str, Any]]:
    return [(name, COLLECT) for name in content.sources()] + [(name, SHARE) for name in content.partners()]


def _told(mapping: Mapping, say: Callable[[str], None]) -> Told:
    say(f"{mapping.system} {mapping.file.stem}")
    block, _ = read_yaml(mapping.file)
    found = check(mapping)
    errors = sum(one.severity is Severity.ERROR for one in found)
    warnings = tuple(one.message for one in found if one.severity is not Severity.ERROR)
    return Told(mapping, page_of(block, mapping.direction), lineage(mapping), str(summary(mapping)), errors, warnings)


def _lists(content: Content, told: list[Told]) -> Iterator[Listed]:
    users: dict[str, list[tuple[str, str, str]]] = {}
    for one in told:
        for list_, _, rule in one.mapping.spec.rules_of():
            name = rule.codes or rule.lookup.partition(".")[0]
            if name:
                path = f"{list_}.{rule.target}" if list_ else rule.target
                users.setdefault(name, []).append((one.slug, one.mapping.name, path))
    files = {file.stem: file for root in reversed(content.roots) for file in sorted(root.glob("mappings/codes/*.csv"))}
    for name, file in sorted(files.items()):
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            yield Listed(name, tuple(reader.fieldnames or ()), tuple(reader), tuple(users.get(name, ())))


def _shapes(told: list[Told]) -> dict[str, tuple[Shape, list[Told]]]:
    """Every schema that a mapping names, with the mappings."""
    found: dict[str, tuple[Shape, list[Told]]] = {}
    for one in told:
        for said, shape in (
            (one.mapping.source, one.mapping.source_shape),
            (one.mapping.target, one.mapping.target_shape),
        ):
            if shape.fields:
                found.setdefault(said["schema"], (shape, []))[1].append(one)
    return dict(sorted(found.items()))


def _search(told: list[Told], lists: list[Listed], shapes: dict[str, tuple[Shape, list[Told]]]) -> str:
    """What can be searched for, beside the script that does: read from disk too, so nothing is fetched."""
    entries: list[tuple[str, str, str, str]] = []
    for one in told:
        entries.append((one.mapping.name, "mapping", f"{one.slug}.html", one.mapping.owner))
        for section in one.page.sections:
            for row in section.rows:
                name = plain(row[0])
                entries.append(
                    (
                        name,
                        f"{one.mapping.name}: {section.title.lower()}",
                        f"{one.slug}.html#{anchor(section.title)}",
                        " ".join(map(plain, row[1:])),
                    )
                )
    for code in lists:
        entries.append((code.name, "code list", f"codes-{code.name}.html", ""))
        entries += [
            (
                row["source"],
                f"code list {code.name}",
                f"codes-{code.name}.html",
                f"{row.get('target') or ''} {row.get('why') or ''}",
            )
            for row in code.rows
            if row.get("source")
        ]
    for name, (shape, _) in shapes.items():
        entries += [
            (one.path, f"schema {name}", f"schema-{_slug(name)}.html#{one.path}", f"{one.title} {one.description}")
            for one in shape
        ]
    data = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return f"// {MARK}\nconst ENTRIES = {data};\n" + (_HERE / "templates" / "search.js").read_text(encoding="utf-8")


def plain(cell: Cell) -> str:
    """A cell's text."""
    return "".join(text for text, _ in cell)


def anchor(title: str) -> str:
    """A heading's name in an address."""
    return "-".join("".join(char if char.isalnum() else " " for char in title.lower()).split())


def _slug(name: str) -> str:
    return name.replace("/", "-").replace(".", "-")


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(anchor=anchor, slug=_slug)
    return environment.get_template(f"site-{template}").render(mark=MARK, **values)
