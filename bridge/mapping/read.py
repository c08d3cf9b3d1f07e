"""From a mapping's YAML to plain values: load() reads the file, its schemas and its code lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from bridge.content import SHARE, Content, Direction
from bridge.errors import Misconfigured
from bridge.mapping.codes import code_path
from bridge.mapping.faults import Fault
from bridge.mapping.functions import function_path
from bridge.mapping.model import (
    Block,
    Condition,
    Example,
    Fiscal,
    Group,
    Literal,
    Mapping,
    Number,
    Period,
    Release,
    Rule,
    Said,
    Spec,
    Withhold,
)
from bridge.mapping.structure import structure_faults
from bridge.mapping.suggested import SUGGESTED, schema_suggestions, suggestions
from bridge.mapping.yaml import Block as Names
from bridge.mapping.yaml import Series, Text, Value, plain, read_yaml
from bridge.shape import Sensitivity, Shape
from bridge.shapes import assigned_fields, read_shape

EMPTY = Spec((), (), {}, {}, (), None, "", ())


def load(content: Content, system: str, direction: Direction, file: Path | None = None) -> Mapping:
    """One system's mapping with both its shapes.

    What is wrong inside the file stands in ``faults``, and check() says it; as long as the file's structure is wrong,
    its rules are empty.

    Args:
        file: one of several versions; ``<direction>.yaml`` if none is named.

    Raises:
        Misconfigured: there is no such file.
    """
    file = file or content.mapping(system, direction)
    names, faults = read_yaml(file)
    if not faults:
        faults = structure_faults(content, names)
    sound = not faults
    source = _texts(names.get("source"))
    target = _texts(names.get("target"))
    record = source.get("record") if direction != SHARE else target.get("record")
    source_shape, target_shape = Shape("", ()), Shape("", ())
    if sound:
        try:
            source_shape = read_shape(content, source["schema"], source.get("record"))
            target_shape = read_shape(content, target["schema"], target.get("record"))
        except Misconfigured as bad:
            at = "source" if not source_shape.name else "target"
            faults.append(
                Fault("M104", names.lines[at], at, f"the schema cannot be read: {bad.where}: {bad.what}", bad.fix)
            )
    spec = read_spec(names) if sound else EMPTY
    shapes = (source_shape, target_shape)
    parts = _parts(content, f"mappings/{system}/{file.name}", file, spec, (source, target))
    return Mapping(
        content=content,
        system=system,
        direction=direction,
        file=file,
        name=str(names.get("mapping", "")),
        version=str(names.get("version", "")),
        owner=str(names.get("owner", "")),
        status=str(names.get("status", "")),
        fingerprint=_fingerprint(parts, shapes),
        source_shape=source_shape,
        target_shape=target_shape,
        record=record,
        source=source,
        target=target,
        assigned=assigned_fields(content, target["schema"]) if target_shape.name else frozenset(),
        promised=assigned_fields(content, source["schema"], "exchange") if source_shape.name else frozenset(),
        collect=_options(names.get("collect")),
        deliver=_options(names.get("deliver")),
        release=_release(names["release"]) if sound and "release" in names else None,
        spec=spec,
        faults=tuple(faults),
        effective=read_period(names),
        drift=_texts(names.get("drift")) if sound else {},
        parts=parts,
        suggestions=tuple(suggestions(names)) + tuple(schema_suggestions(content, source, target)),
    )


def read_period(names: Names) -> Period:
    """When a version holds: always, unless the file says otherwise."""
    said = _texts(names.get("effective"))
    return Period(said.get("from", ""), said.get("to", ""), names.lines.get("effective", 1))


def _parts(content: Content, name: str, file: Path, spec: Spec, sides: Iterable[dict[str, str]]) -> dict[str, str]:
    """sha256, hex, of every file that decides what is made; "" for one that is not there."""
    named = [
        code_path(list_)
        for _, _, rule in spec.rules_of()
        for list_ in (rule.codes, rule.lookup.partition(".")[0])
        if list_
    ]
    named += [function_path(rule.use) for _, _, rule in spec.rules_of() if rule.use]
    named += [f"schemas/{side['schema']}" for side in sides if "schema" in side]
    found = {name: file.read_bytes()}
    for one in sorted(set(named)):
        path = content.seek(one)
        found[one] = path.read_bytes() if path else b""
    return {one: hashlib.sha256(data).hexdigest() if data else "" for one, data in found.items()}


def _fingerprint(parts: dict[str, str], shapes: Iterable[Shape]) -> str:
    total = hashlib.sha256("".join(f"{one}\0{digest}\n" for one, digest in parts.items()).encode())
    for shape in shapes:
        # A schema may take fields from files beside it, so what was read counts, not only the file named.
        total.update(shape.digest)
    return total.hexdigest()


# --- parts of the file; its structure has been checked, so kinds are as the meta schema says --------------------------


def read_spec(names: Names) -> Spec:
    """The rules of a file whose structure is sound."""
    rules: list[Rule] = []
    blocks: list[Block] = []
    top = cast(Names, names["map"])
    for target, value in top.items():
        for one in value if isinstance(value, Series) else [value]:
            said = cast(Names, one)
            line = said.line if isinstance(value, Series) else top.lines[target]
            if "each" in said:
                blocks.append(_block(str(target), line, said))
            else:
                rules.append(_rule(str(target), line, said))
    group = cast("Names | None", names.get("group_by"))
    return Spec(
        rules=tuple(rules),
        blocks=tuple(blocks),
        ignore=_reasons(names.get("ignore")),
        absent=_reasons(names.get("absent")),
        scope=_conditions(names.get("scope")),
        group=_group(group, names.lines["group_by"]) if group else None,
        codes_on=str(names.get("codes_on", "")),
        examples=tuple(_example(cast(Names, one)) for one in names.get("examples", ())),
    )


def _group(said: Names, line: int) -> Group:
    return Group(_series(said["key"]), str(said["conflict"]), line, str(said.get("twins", "keep")))


def _block(target: str, line: int, said: Names) -> Block:
    inner = cast(Names, said["map"])
    rules = tuple(_rule(str(name), inner.lines[name], cast(Names, rule)) for name, rule in inner.items())
    one_way = str(said.get("one_way", ""))
    return Block(target, line, str(said["each"]), _conditions(said.get("when")), rules, one_way)


def _rule(target: str, line: int, said: Names) -> Rule:
    date = said.get("date")
    fiscal = (
        Fiscal(str(date["fiscal_year"]), str(date["month"]), int(str(date["starts"])))
        if isinstance(date, Names)
        else None
    )
    combine, inputs = _inputs(said)
    hashed = said.get("hash")
    return Rule(
        target=target,
        line=line,
        combine="fiscal" if fiscal and not combine else combine,
        inputs=inputs,
        text=_series(said.get("text")),
        split=_text(said, "split"),
        number=_number(said.get("number")),
        unit=str(said.get("unit", "")),
        date=() if fiscal else _series(date),
        datetime=_series(said.get("datetime")),
        zone=str(said.get("zone", "")),
        pivot=int(str(said["pivot"])) if "pivot" in said else None,
        unclear=str(said.get("unclear", "")),
        fiscal=fiscal,
        codes=str(said.get("codes", "")),
        use=str(said.get("use", "")),
        lookup=str(said.get("lookup", "")),
        blank=_series(said.get("blank")),
        take=str(said.get("take", "")),
        join=_text(said, "join"),
        start=int(str(said.get("index", "1"))),
        occurrence=isinstance(hashed, Names) and "occurrence" in hashed,
        when=_conditions(said.get("when")),
        default=_text(said, "default"),
        hold=str(said.get("hold", "")),
        one_way=str(said.get("one_way", "")),
    )


COMBINES = ("from", "first_of", "concat", "const", "hash", "index")


def _inputs(said: Names) -> tuple[str, tuple[str | Literal, ...]]:
    """The words that say what a rule begins with, joined by ``+`` if there are several, and what it reads."""
    words = [word for word in COMBINES if word in said]
    word = words[0] if words else ""
    value = said.get(word)
    inputs: tuple[str | Literal, ...] = ()
    if word == "from":
        inputs = (str(value),)
    elif word in ("first_of", "concat"):
        inputs = tuple(_part(one, word) for one in cast(Series, value))
    elif word == "const":
        inputs = tuple(Literal(text) for text in _series(value))
    elif word == "hash":
        inputs = _series(cast(Names, value)["of"])
    return "+".join(words), inputs


def _part(one: Value, word: str) -> str | Literal:
    if isinstance(one, Names):
        return Literal(str(one["text"]))
    # Between fields, mere punctuation can only be meant as itself.
    return Literal(str(one)) if word == "concat" and not any(char.isalnum() for char in str(one)) else str(one)


def _number(said: Value | None) -> Number | None:
    if said is None:
        return None
    if isinstance(said, Names):
        digits = said.get("round")
        return Number(
            str(said["decimal"]), str(said.get("thousands", "")), int(str(digits)) if digits is not None else None
        )
    return Number(str(said))


def _conditions(said: Value | None) -> tuple[Condition, ...]:
    if not isinstance(said, Names):
        return ()
    return tuple(Condition(str(name), _series(value), said.lines[name]) for name, value in said.items())


def _reasons(said: Value | None) -> dict[str, Said]:
    if not isinstance(said, Names):
        return {}
    found: dict[str, Said] = {}
    for name, one in said.items():
        reason = cast(Names, one)
        found[str(name)] = Said(str(reason["why"]), str(reason.get("ref", "")), said.lines[name])
    return found


def _example(said: Names) -> Example:
    given = said["given"]
    like = str(given["like"]) if isinstance(given, Names) else str(given)
    changes = _texts(given.get("set")) if isinstance(given, Names) else {}
    held: tuple[str, ...] = ()
    if "held" in said:
        code, _, field = str(said["held"]).partition(" at ")
        held = (code, field)
    return Example(
        name=str(said["name"]),
        line=said.line,
        given=like,
        set=changes,
        then=_texts(said.get("then")),
        held=held,
        out_of_scope=str(said.get("out_of_scope", "")),
        withheld=str(said.get("withheld", "")),
        whole=str(said.get("whole", "")),
    )


def _release(value: Value) -> Release:
    said = cast(Names, value)
    nominal = said.get("nominal")
    return Release(
        partner=str(said["partner"]),
        basis=str(said["basis"]),
        allow=_texts(said["allow"]),
        cap=tuple(Sensitivity(one) for one in _series(said["cap"])),
        withhold=tuple(_withhold(cast(Names, one)) for one in said.get("withhold", ())),
        scan=_series(said.get("scan")),
        nominal=_withhold(nominal) if isinstance(nominal, Names) else None,
        keep=_texts(said.get("keep")),
        withdraw=str(said["withdraw"]),
        line=said.line,
    )


def _withhold(said: Names) -> Withhold:
    unless = said.get("unless", "")
    return Withhold(
        code=str(said.get("code", "")),
        when=_conditions(said["when"]),
        why=str(said["why"]),
        line=said.line,
        unless="" if isinstance(unless, Names) else str(unless),
        but=_conditions(unless if isinstance(unless, Names) else None),
    )


def _text(said: Names, name: str) -> str | None:
    return str(said[name]) if name in said else None


def _texts(said: Value | None) -> dict[str, str]:
    if not isinstance(said, Names):
        return {}
    return {str(name): str(value) for name, value in said.items() if name != SUGGESTED}


def _series(said: Value | None) -> tuple[str, ...]:
    if said is None:
        return ()
    return tuple(str(one) for one in said) if isinstance(said, Series) else (str(said),)


def _options(said: Value | None) -> dict[str, Any] | None:
    if not isinstance(said, Names):
        return None
    return {name: value for name, value in cast(dict[str, Any], plain(said)).items() if name != SUGGESTED}


__all__ = ["Text", "load", "read_spec"]
