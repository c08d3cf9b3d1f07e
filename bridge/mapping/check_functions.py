"""Whether the Python functions that a mapping uses are there, fit where they stand, and do what their examples say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from bridge.errors import Misconfigured
from bridge.mapping import findings as f
from bridge.mapping.findings import Finding
from bridge.mapping.functions import Function, read_function
from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name
from bridge.shape import Type

_FITS = {
    int: {Type.TEXT, Type.INTEGER, Type.DECIMAL},
    Decimal: {Type.TEXT, Type.INTEGER, Type.DECIMAL},
    date: {Type.TEXT, Type.DATE},
}
"""Types of a source field whose texts a function may take, other than str, which takes any."""


def function_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of every rule with use:."""
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if not rule.use or field is None:
            continue
        try:
            function = read_function(mapping.content, rule.use)
        except Misconfigured as bad:
            said = {"what": f"{rule.use}: {bad.what}", "fix": bad.fix}
            yield f.BadFunction(mapping.where, rule.line, field.path, said)
            continue
        for what in function.failures():
            said = {"what": f"{rule.use} ({function.where}): {what}", "fix": "Mend the function, or its example"}
            yield f.BadFunction(mapping.where, rule.line, field.path, said)
        yield from _takes(mapping, each, rule, field.path, function)


def _takes(mapping: Mapping, each: str, rule: Rule, path: str, function: Function) -> Iterator[Finding]:
    """A function that is given another type than it takes."""
    for name in rule.inputs_read:
        meant = find_name(mapping.source_shape, mapping.spec, each, name)
        given = meant.field.type if meant is not None and meant.field is not None else Type.TEXT
        if given is not Type.LIST and given not in _FITS.get(function.takes, {given}):
            what = f"{rule.use} ({function.where}) takes {function.takes.__name__}, and {name} is {given.value}"
            yield f.BadFunction(mapping.where, rule.line, path, {"what": what, "fix": "Name another field or function"})
