"""Whether what a source field may hold fits its target field, where a rule takes it over as it is."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.mapping import findings as f
from bridge.mapping.code_sets import codes_of
from bridge.mapping.conform import conform
from bridge.mapping.findings import Finding
from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name
from bridge.mapping.rules import VALUE, Refused
from bridge.shape import Field, Type

STEPS = (
    "text",
    "split",
    "number",
    "unit",
    "date",
    "datetime",
    "codes",
    "lookup",
    "use",
    "take",
    "join",
    "default",
    "blank",
)
"""Steps of a rule that may change a text or tell what it is."""
_WORDED = (Type.TEXT, Type.CODE, Type.LIST)


def fit_findings(mapping: Mapping) -> Iterator[Finding]:
    """Lengths, patterns and codes of both schemas that clash."""
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is None or rule.combine != "from" or not as_it_is(rule) or field.type not in _WORDED:
            continue
        given = rule.inputs_read[0]
        meant = find_name(mapping.source_shape, mapping.spec, each, given)
        if meant is not None and meant.field is not None and meant.field.type in _WORDED:
            yield from _clashes(mapping, rule, field, meant.field)


def as_it_is(rule: Rule) -> bool:
    """Whether no step of the rule changes the text."""
    return not any(
        getattr(rule, word) not in ("", None, ()) for word in STEPS if word not in ("take", "default", "blank")
    )


def too_long(mapping: Mapping, each: str, rule: Rule, field: Field) -> bool:
    """Whether the source's schema allows a text longer than the target keeps."""
    if rule.combine != "from" or not as_it_is(rule) or field.max_length is None:
        return False
    meant = find_name(mapping.source_shape, mapping.spec, each, rule.inputs_read[0])
    longest = meant.field.max_length if meant is not None and meant.field is not None else None
    return longest is not None and longest > field.max_length


def _clashes(mapping: Mapping, rule: Rule, field: Field, given: Field) -> Iterator[Finding]:
    keep = conform(field)
    codes = codes_of(mapping.content, mapping.source["schema"], given)
    for code in codes:
        kept = keep(code)
        if isinstance(kept, Refused):
            yield not_allowed(mapping, rule, field, code, kept, f"{given.path} may be {code}")
    if codes:
        return
    longest, kept_long = given.max_length, field.max_length
    if longest is not None and kept_long is not None and longest > kept_long and not rule.hold:
        said = {"given": given.path, "long": str(longest), "short": str(kept_long)}
        yield f.TooLong(mapping.where, rule.line, field.path, said)
    if given.example:
        kept = keep(given.example)
        if isinstance(kept, Refused):
            why = kept.reason.replace(VALUE, "it").partition(";")[0]
            said = {"given": given.path, "example": given.example, "why": why}
            yield f.ExampleClash(mapping.where, rule.line, field.path, said)


def not_allowed(mapping: Mapping, rule: Rule, field: Field, text: str, why: Refused, given: str = "") -> Finding:
    """A value that a rule can give and the target refuses."""
    reason = why.reason.replace(VALUE, text).partition(";")[0]
    return f.NotAllowed(mapping.where, rule.line, field.path, {"given": given or text, "why": reason})
