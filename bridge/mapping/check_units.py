"""Whether quantities are converted within their dimension, by the right factor, and together with their unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from bridge.mapping import findings as f
from bridge.mapping.codes import CodeList, code_path, read_codes
from bridge.mapping.findings import Finding
from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name
from bridge.mapping.units import exact_factor, units
from bridge.shape import Field

REC20 = "unit"
"""Code list of fields whose codes are those of UNECE Recommendation 20 (x-codes in a schema)."""


def unit_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of every rule that converts a quantity."""
    groups = [("", "", mapping.spec.rules), *((one.list, one.each, one.rules) for one in mapping.spec.blocks)]
    for list_, each, rules in groups:
        for rule in rules:
            field = mapping.target_field(list_, rule.target)
            codes = read_codes(mapping.content, rule.codes) if rule.codes else None
            if field is None or codes is None:
                continue
            if not rule.unit:
                yield from _alone(mapping, rule, field, rules, codes)
                continue
            meant = find_name(mapping.source_shape, mapping.spec, each, rule.unit)
            known = meant is not None and meant.field is not None and meant.field.code_list == REC20
            yield from _rows(codes, known)
            yield from _beside(mapping, rule, field, rules, codes)


def _rows(codes: CodeList, known: bool) -> Iterator[Finding]:
    """Rows that convert into another dimension, or by another factor than the two units have.

    Args:
        known: whether the codes of the source are those of Rec. 20; others name what only their source knows.
    """
    for source, rows in codes.rows.items():
        for row in rows:
            if row.target is None:
                continue
            file, into = code_path(codes.name), units().get(row.target)
            if into is None:
                fix = "Write a code of UNECE Recommendation 20, such as KGM"
                yield f.UnitClash(file, row.line, source, {"what": f"{row.target} is no unit of measure", "fix": fix})
                continue
            unit = units().get(source) if known else None
            if unit is None:
                continue
            factor, told = exact_factor(unit, into), Fraction(row.factor if row.factor is not None else 1)
            if factor is None:
                what = f"{unit.name} is {unit.dimension} and {into.name} is {into.dimension}"
                yield f.UnitClash(file, row.line, source, {"what": what, "fix": "Convert within one dimension"})
            elif factor != told:
                what = f"a {unit.name} is not {told.limit_denominator(10**12)} of a {into.name}"
                exact = f"unit:{unit.factor / into.factor:f}"
                yield f.UnitClash(file, row.line, source, {"what": what, "fix": f"Correct the factor: {exact}"})


def _beside(mapping: Mapping, rule: Rule, field: Field, rules: Sequence[Rule], codes: CodeList) -> Iterator[Finding]:
    """A converted quantity without its unit beside it, or with another."""
    name = field.name.replace("quantity", "unit")
    unit = next((one for one in rules if one.target == name and one.target != rule.target), None)
    targets = sorted({row.target for rows in codes.rows.values() for row in rows if row.target is not None})
    if unit is None and len(targets) > 1:
        what = f"{codes.file} gives quantities in {', '.join(targets[:4])}, and nothing beside the field tells which"
        fix = "Map a unit field by the same list, or use a list with one unit"
        yield f.UnitClash(mapping.where, rule.line, field.path, {"what": what, "fix": fix})
    elif unit is not None and (unit.codes != rule.codes or unit.inputs != (rule.unit,)):
        what = f"the quantity is converted by {rule.unit} and {codes.file}, and {name} is made otherwise"
        fix = f"Say {name}: {{from: {rule.unit}, codes: {rule.codes}}}"
        yield f.UnitClash(mapping.where, rule.line, field.path, {"what": what, "fix": fix})


def _alone(mapping: Mapping, rule: Rule, field: Field, rules: Sequence[Rule], codes: CodeList) -> Iterator[Finding]:
    """A unit that its list converts, beside a quantity that stays as it was counted."""
    factors = any(row.factor is not None for rows in codes.rows.values() for row in rows)
    if factors and not any(one.codes == rule.codes and (one.unit,) == rule.inputs for one in rules):
        what = f"{codes.file} converts quantities, and no quantity beside the unit is converted by it"
        said = rule.inputs[0] if len(rule.inputs) == 1 else "FIELD"
        fix = f"Say unit: {said} and codes: {rule.codes} at the quantity, or use a list without factors"
        yield f.UnitClash(mapping.where, rule.line, field.path, {"what": what, "fix": fix})
