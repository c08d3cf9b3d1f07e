"""Classes of source fields that nothing was found out about: a rule that reads such a field says more of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bridge.mapping import findings as f
from bridge.mapping.findings import Finding
from bridge.mapping.model import Mapping
from bridge.mapping.names import find_name
from bridge.mapping.suggested import IN_SCHEMA, NOTHING_FOUND
from bridge.shape import Class, Field, Sensitivity

_ORDER = (Class.FREE_TEXT, Class.BUSINESS, Class.PERSON, Class.SPECIAL)
"""Classes that need looking after, the least first."""


def declare(mapping: Mapping, found: Sequence[Finding]) -> list[str]:
    """Give source fields of a drafted JSON Schema the class of what they fill; gives a line for each.

    Only where nothing was found out about the field, and as a suggestion again: a person still has to confirm it. A
    field that fills several takes the strictest of them.
    """
    path = mapping.content.seek(f"schemas/{mapping.source['schema']}")
    asked = [one.field for one in found if isinstance(one, f.MorePersonal)]
    if not asked or path is None or path.suffix != ".json":
        return []
    schema = json.loads(path.read_text(encoding="utf-8"))
    told = []
    for name, said in schema.get("properties", {}).items():
        into = _filled_by(mapping, name)
        if said.get(IN_SCHEMA) == NOTHING_FOUND and any(one.path in asked for one in into):
            strict = max(into, key=_strictness)
            said["x-class"], said["x-sensitivity"] = strict.cls.value, strict.sensitivity.value
            said[IN_SCHEMA] = f"as {strict.path}, which it fills"
            told.append(f"schemas/{mapping.source['schema']}: M041 {name}: suggested as {strict.cls.value}")
    if told:
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return told


def _filled_by(mapping: Mapping, name: str) -> list[Field]:
    """Target fields whose rules read a source field of the record."""
    found = []
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        read = (find_name(mapping.source_shape, mapping.spec, each, one) for one in rule.inputs_read)
        if field is not None and any(
            one is not None and one.field is not None and one.field.path == name for one in read
        ):
            found.append(field)
    return found


def _strictness(field: Field) -> tuple[int, int]:
    order = _ORDER.index(field.cls) + 1 if field.cls in _ORDER else 0
    return list(Sensitivity).index(field.sensitivity), order
