"""What differs in meaning between two versions of a mapping, and whether it changes what was right before."""

from __future__ import annotations

import ast
import csv
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bridge.authoring.releasediff import Difference, conditions, release_differences, text_of
from bridge.authoring.revisions import content_at
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping import Mapping as Model
from bridge.mapping import load
from bridge.mapping.accounts import Names
from bridge.mapping.codes import code_path, read_lookup
from bridge.mapping.model import Block, Rule
from bridge.shape import Shape

_BY_HAND: Final = frozenset({"target", "line"})
_ABOUT_RUNS: Final = frozenset({"connection", "every", "start", "quality"})
"""Options of collect and deliver that do not touch how a record is read or written."""


def resolve(content: Content, said: str, stack: ExitStack) -> dict[Direction, Model]:
    """The mappings that a word names: a system, ``system@revision``, or a mapping file.

    Raises:
        Misconfigured: it names none.
    """
    if said.endswith((".yaml", ".yml")):
        path = Path(said).resolve()
        if not path.is_file() or path.parent.parent.name != "mappings":
            raise Misconfigured(
                "NO_FILE", said, "no mapping file stands there",
                "Name mappings/<system>/collect.yaml or share.yaml, or system@revision",
            )  # fmt: skip
        direction = SHARE if path.stem.startswith(SHARE) else COLLECT
        root = Content(tuple(dict.fromkeys((path.parents[2], *content.roots))))
        return {direction: load(root, path.parent.name, direction, path)}
    system, _, revision = said.partition("@")
    here = stack.enter_context(content_at(content, revision)) if revision else content
    directions: list[Direction] = [COLLECT] if system in here.sources() else []
    directions += [SHARE] if system in here.partners() else []
    if not directions:
        raise Misconfigured(
            "NO_SYSTEM",
            said,
            f"no mapping is named {system}" + (f" at {revision}" if revision else ""),
            "Name a system, system@revision or a file",
        )
    return {direction: load(here, system, direction) for direction in directions}


def differences(old: Model, new: Model) -> list[Difference]:
    """Every difference in meaning; comments, order and layout mean nothing."""
    if old.faults or new.faults:
        broken = old if old.faults else new
        first = broken.faults[0]
        raise Misconfigured(first.code, f"{broken.where}:{first.line}", first.what, first.fix)
    found = [
        *_about(old, new),
        *_shape("source", old.source_shape, new.source_shape),
        *_shape("target", old.target_shape, new.target_shape),
    ]
    found += [
        *_rules(old, new),
        *_reasons(old, new),
        *_records(old, new),
        *_codes(old, new),
        *_lookups(old, new),
        *_functions(old, new),
        *release_differences(old.release, new.release),
    ]
    found += [*_options("collect", old.collect, new.collect), *_options("deliver", old.deliver, new.deliver)]
    return found + list(_examples(old, new))


def _about(old: Model, new: Model) -> Iterator[Difference]:
    for word in ("name", "version", "owner", "status"):
        was, now = getattr(old, word), getattr(new, word)
        if was != now:
            yield Difference("mapping", word, f"{was} -> {now}", word == "name")
    if _span(old) != _span(new):
        yield Difference("effective", "", f"{_span(old)} -> {_span(new)}", True)
    yield from _options("drift", dict(old.drift), dict(new.drift))


def _span(mapping: Model) -> str:
    return f"from {mapping.effective.first or 'the beginning'} to {mapping.effective.last or 'further notice'}"


def _shape(section: str, old: Shape, new: Shape) -> Iterator[Difference]:
    was, now = {one.path: one for one in old}, {one.path: one for one in new}
    for path in sorted(was.keys() - now.keys()):
        yield Difference(section, path, "field removed", True)
    for path in sorted(now.keys() - was.keys()):
        yield Difference(
            section,
            path,
            f"field added{', required' if now[path].required else ''}",
            section == "target" and now[path].required,
        )
    for path in sorted(was.keys() & now.keys()):
        for word in ("type", "required", "cls", "sensitivity", "max_length", "scale", "pattern", "codes"):
            a, b = getattr(was[path], word), getattr(now[path], word)
            if a != b:
                looser = word == "codes" and set(a) < set(b)
                yield Difference(
                    section, path, f"{word.replace('cls', 'class')} {text_of(a)} -> {text_of(b)}", not looser
                )


# --- rules ------------------------------------------------------------------------------------------------------------


def _rules(old: Model, new: Model) -> Iterator[Difference]:
    was, now = _by_target(old), _by_target(new)
    for target in sorted(was.keys() | now.keys()):
        a, b = was.get(target), now.get(target)
        if a is None and b is not None:
            yield Difference("map", target, f"now made: {b}", not _said_absent(old, target))
        elif b is None and a is not None:
            yield Difference("map", target, f"no longer made; was {a}", True)
        elif a != b:
            yield Difference("map", target, f"{a} -> {b}", True)


def _said_absent(mapping: Model, target: str) -> bool:
    """Whether the field was said to be absent, so that filling it only adds."""
    bare = target.partition(" ")[0]
    return bare in Names(mapping.spec.absent)


def _by_target(mapping: Model) -> dict[str, str]:
    found = {rule.target: rule_words(rule) for rule in mapping.spec.rules}
    seen: Counter[tuple[str, str]] = Counter()
    for block in mapping.spec.blocks:
        several = sum(one.list == block.list for one in mapping.spec.blocks) > 1
        seen[block.list, _block(block)] += 1
        number = seen[block.list, _block(block)]
        at = f" ({_block(block)}{f', number {number}' if number > 1 else ''})" if several else ""
        if not several:
            found[block.list] = f"entries {_block(block)}"
        for rule in block.rules:
            found[f"{block.list}.{rule.target}{at}"] = rule_words(rule)
    return found


def _block(block: Block) -> str:
    return f"each {block.each}" + (f" when {conditions(block.when)}" if block.when else "")


def rule_words(rule: Rule) -> str:
    """A rule in one line: only the words that are said."""
    said = []
    for field in dataclasses.fields(rule):
        value = getattr(rule, field.name)
        if field.name in _BY_HAND or field.name == "combine" or value == field.default or value in ("", (), None):
            continue
        name = rule.combine if field.name == "inputs" else field.name
        said.append(f"{name} {conditions(value) if field.name == 'when' else text_of(value)}")
    return ", ".join(said) or rule.combine


def _reasons(old: Model, new: Model) -> Iterator[Difference]:
    for section in ("ignore", "absent"):
        was, now = getattr(old.spec, section), getattr(new.spec, section)
        for name in sorted(was.keys() | now.keys()):
            a, b = was.get(name), now.get(name)
            if a is None or b is None:
                yield Difference(
                    section,
                    name,
                    f"{'no longer' if b is None else 'now'} {'ignored' if section == 'ignore' else 'absent'}",
                    False,
                )
            elif (a.why, a.ref) != (b.why, b.ref):
                yield Difference(section, name, f"reason: {a.why} -> {b.why}", False)


def _records(old: Model, new: Model) -> Iterator[Difference]:
    a, b = conditions(old.spec.scope), conditions(new.spec.scope)
    if a != b:
        yield Difference("scope", "", f"{a or 'every row'} -> {b or 'every row'}", True)
    groups = [(one.key, one.conflict, one.twins) if one else None for one in (old.spec.group, new.spec.group)]
    if groups[0] != groups[1]:
        yield Difference("group_by", "", f"{text_of(groups[0])} -> {text_of(groups[1])}", True)
    if old.spec.codes_on != new.spec.codes_on:
        yield Difference(
            "codes_on", "", f"{old.spec.codes_on or 'seizure_date'} -> {new.spec.codes_on or 'seizure_date'}", True
        )


def _codes(old: Model, new: Model) -> Iterator[Difference]:
    """Rows of the code lists that both versions use; what a row does not decide breaks nothing."""
    for name in sorted(_lists(old) & _lists(new)):
        was, now = _table(old.content, name), _table(new.content, name)
        for key in sorted(was.keys() | now.keys()):
            a, b = was.get(key), now.get(key)
            about = f"{name}: {key[0]}" + (f" from {key[1]}" if key[1] else "")
            if a is None and b is not None:
                yield Difference("codes", about, f"row added: {_row(b)}", False)
            elif b is None and a is not None:
                yield Difference("codes", about, f"row removed; was {_row(a)}", True)
            elif a is not None and b is not None:
                weighty = [word for word in ("target", "relation", "valid_to") if a.get(word) != b.get(word)]
                light = [word for word in ("why", "reviewed_by", "reviewed_on") if a.get(word) != b.get(word)]
                same = weighty == ["relation"] and "unit:" not in a["relation"] + b["relation"]
                if weighty:
                    yield Difference("codes", about, f"{_row(a)} -> {_row(b)}", not same)
                elif light:
                    yield Difference("codes", about, f"{', '.join(light)} changed", False)


def _lookups(old: Model, new: Model) -> Iterator[Difference]:
    """Cells of the look-up columns that both versions use."""
    used = [{rule.lookup for _, _, rule in mapping.spec.rules_of() if rule.lookup} for mapping in (old, new)]
    for said in sorted(used[0] & used[1]):
        tables = [read_lookup(mapping.content, said) for mapping in (old, new)]
        was, now = (table.values if table is not None else {} for table in tables)
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                what = f"{text_of(was.get(key))} -> {text_of(now.get(key))}" if key in now else "row removed"
                yield Difference(
                    "lookup", f"{said}: {key}", what if key in was else f"row added: {now[key]}", key in was
                )


def _functions(old: Model, new: Model) -> Iterator[Difference]:
    """Python modules that both versions use and whose code, not only its comments and layout, is another."""
    for file in sorted(old.parts.keys() & new.parts.keys()):
        if file.startswith("rules/") and old.parts[file] != new.parts[file]:
            was, now = (_code(mapping.content, file) for mapping in (old, new))
            if was != now:
                yield Difference("rules", file, "the code has changed", True)


def _code(content: Content, file: str) -> str:
    path = content.seek(file)
    text = path.read_bytes() if path is not None else b""
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return text.decode("utf-8", "replace")


def _lists(mapping: Model) -> set[str]:
    return {rule.codes for _, _, rule in mapping.spec.rules_of() if rule.codes}


def _table(content: Content, name: str) -> dict[tuple[str, str], dict[str, str]]:
    path = content.seek(code_path(name))
    if path is None:
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {(row["source"], row.get("valid_from") or ""): row for row in csv.DictReader(file)}


def _row(row: Mapping[str, str]) -> str:
    until = f" until {row['valid_to']}" if row.get("valid_to") else ""
    return f"{row['target'] or 'none'} ({row['relation']}){until}"


def _options(section: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[Difference]:
    was, now = old or {}, new or {}
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            what = f"{text_of(was.get(name))} -> {text_of(now.get(name))}"
            yield Difference(section, name, what, name not in _ABOUT_RUNS)


def _examples(old: Model, new: Model) -> Iterator[Difference]:
    was, now = ({one.name: dataclasses.replace(one, line=0) for one in mapping.spec.examples} for mapping in (old, new))
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            what = "added" if name not in was else "removed" if name not in now else "expects something else"
            yield Difference("examples", name, what, what == "expects something else")
