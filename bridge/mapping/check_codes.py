"""Whether code lists are whole: every code of the source has a row, every target code is one the target knows."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.mapping import findings as f
from bridge.mapping.check_fit import not_allowed
from bridge.mapping.code_sets import codes_of
from bridge.mapping.codes import CodeList, Lookup, code_path, read_codes, read_lookup
from bridge.mapping.conform import conform
from bridge.mapping.faults import Fault
from bridge.mapping.findings import Finding
from bridge.mapping.model import Mapping, Rule
from bridge.mapping.names import find_name
from bridge.mapping.rules import TEXT_STEPS, Refused
from bridge.shape import Field, Type

EVENT = "seizure_date"


def code_findings(mapping: Mapping) -> Iterator[Finding]:
    """Findings of the code lists and look-ups that the mapping uses."""
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        if field is None:
            continue
        if rule.codes:
            codes = read_codes(mapping.content, rule.codes)
            if codes is None:
                yield _absent(mapping, rule, field, rule.codes)
            else:
                yield from _file_faults(code_path(codes.name), codes.faults)
                yield from _total(mapping, each, rule, field, codes)
                yield from _dated(mapping, rule, field, codes)
        if rule.lookup:
            table = read_lookup(mapping.content, rule.lookup)
            if table is None:
                yield _absent(mapping, rule, field, rule.lookup.partition(".")[0])
            else:
                yield from _file_faults(code_path(table.name), table.faults)
                yield from _cells(mapping, rule, field, table)


def _absent(mapping: Mapping, rule: Rule, field: Field, name: str) -> Finding:
    return f.NoList(mapping.where, rule.line, field.path, {"list": code_path(name)})


def _file_faults(file: str, faults: tuple[Fault, ...]) -> Iterator[Finding]:
    for fault in faults:
        yield f.BadRow(file, fault.line, fault.field or "the file", {"what": fault.what, "fix": fault.fix})


def _total(mapping: Mapping, each: str, rule: Rule, field: Field, codes: CodeList) -> Iterator[Finding]:
    """Both ways: source codes without a row, and targets that the field refuses."""
    coded = rule.unit or (rule.inputs[0] if rule.combine == "from" and isinstance(rule.inputs[0], str) else "")
    meant = find_name(mapping.source_shape, mapping.spec, each, coded) if coded else None
    read = meant.field if meant is not None else None
    schema = mapping.source["schema"]
    listed = codes_of(mapping.content, schema, read) if read is not None else ()
    possible = list(dict.fromkeys(_changed(code, rule) for code in listed if code not in rule.blank))
    for code in possible:
        if code not in codes.rows:
            yield f.NoRow(mapping.where, rule.line, field.path, {"value": code, "given": coded, "list": codes.file})
    if rule.unit or rule.join is not None or rule.lookup:
        return
    keep = conform(field)
    known = frozenset(codes_of(mapping.content, mapping.target["schema"], field))
    for code in possible or codes.rows:
        for row in codes.rows.get(code, ()):
            kept = keep(row.target) if row.target is not None else None
            if isinstance(kept, Refused) and row.target is not None:
                yield not_allowed(mapping, rule, field, row.target, kept, f"{codes.file}: {code} -> {row.target}")
            elif known and row.target is not None and row.target not in known:
                said = {"given": f"{codes.file}: {code} -> {row.target}", "why": f"it is not in {field.code_list}"}
                yield f.NotAllowed(mapping.where, rule.line, field.path, said)


def _changed(code: str, rule: Rule) -> str:
    """The code as the rule's text steps leave it."""
    for kind in rule.text:
        code = TEXT_STEPS[kind](code)
    return code


def _cells(mapping: Mapping, rule: Rule, field: Field, table: Lookup) -> Iterator[Finding]:
    keep = conform(field)
    for source, value in table.values.items():
        kept = keep(value) if value else None
        if isinstance(kept, Refused):
            yield not_allowed(mapping, rule, field, value, kept, f"{table.file}: {source} -> {value}")


def _dated(mapping: Mapping, rule: Rule, field: Field, codes: CodeList) -> Iterator[Finding]:
    """Rows that hold for a time need to know when the event was."""
    if not codes.dated:
        return
    source = mapping.source_shape.find(mapping.spec.codes_on or EVENT)
    if mapping.spec.codes_on or not any(one.target == EVENT and one.codes != rule.codes for one in mapping.spec.rules):
        known = source is not None and source.type is Type.DATE and not source.list
        if not known:
            yield f.NoEventDate(mapping.where, rule.line, field.path, {"list": codes.file})
