"""What is wrong with a mapping, found before a record moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.content import COLLECT
from bridge.errors import Misconfigured
from bridge.mapping import findings as f
from bridge.mapping.accounts import target_filled
from bridge.mapping.check_accounts import account_findings
from bridge.mapping.check_codes import code_findings
from bridge.mapping.check_fit import fit_findings
from bridge.mapping.check_functions import function_findings
from bridge.mapping.check_rules import rule_findings
from bridge.mapping.check_units import unit_findings
from bridge.mapping.findings import FINDINGS, Finding, Severity
from bridge.mapping.meant import meant_source, meant_target
from bridge.mapping.model import LINES, Condition, Mapping, Rule
from bridge.mapping.names import find_name, names_near, over
from bridge.mapping.passed import has_passed, keep_passed, mark_of
from bridge.mapping.review import refuse_unapproved, review_findings
from bridge.mapping.versions import period_findings
from bridge.shape import Sensitivity, Shape


def check(mapping: Mapping) -> list[Finding]:
    """Every finding of a mapping, errors and warnings, by file and line.

    As long as the file itself has faults, only these are found; examples run when there is no error.
    """
    if mapping.faults:
        found = [
            FINDINGS[one.code](
                mapping.where,
                one.line,
                one.field or "the file",
                {"what": one.what, "fix": _bare(one.fix), "wrong": one.wrong, "meant": one.meant},
            )
            for one in mapping.faults
        ]
        return _sorted(found)
    found = [*_sections(mapping), *period_findings(mapping), *_names(mapping), *account_findings(mapping)]
    found += [*rule_findings(mapping), *fit_findings(mapping), *code_findings(mapping), *_grounds(mapping)]
    found += [*function_findings(mapping), *unit_findings(mapping)]
    if not any(one.severity is Severity.ERROR for one in found):
        from bridge.mapping.check_back import back_findings
        from bridge.mapping.examples import example_findings

        found += [*back_findings(mapping), *example_findings(mapping)]
    # After the examples: whoever confirms a suggestion should see whether it does what is expected.
    return _sorted([*found, *_unconfirmed(mapping), *review_findings(mapping)])


def _unconfirmed(mapping: Mapping) -> Iterator[Finding]:
    """What a command has suggested and nobody has confirmed."""
    for one in mapping.suggestions:
        said = {"what": _bare(one.why), "system": mapping.system}
        yield f.Unconfirmed(one.file or mapping.where, one.line, one.field, said)


_SOUND: set[tuple[str, str, str]] = set()
"""Mappings that this process has found sound, by fingerprint: nothing that is made of records can change without it."""


def refuse_findings(mapping: Mapping) -> None:
    """Let a mapping pass only if nothing is wrong with it; warnings pass.

    Raises:
        Misconfigured: with the first error, and how many there are; or in production, if it is not approved.
    """
    refuse_unapproved(mapping)
    if (mapping.system, mapping.direction, mapping.fingerprint) in _SOUND:
        return
    mark = mark_of(mapping)
    if not has_passed(mark):
        _refuse_errors(mapping)
        if mark_of(mapping) == mark:  # else files changed under the check, and nobody knows which it has seen
            keep_passed(mark)
    _SOUND.add((mapping.system, mapping.direction, mapping.fingerprint))


def _refuse_errors(mapping: Mapping) -> None:
    errors = [one for one in check(mapping) if one.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = errors[0]
        raise Misconfigured(
            first.code,
            f"{first.file}:{first.line}",
            first.message.rstrip(".") + more,
            f"Run: bridge check {mapping.system}",
        )


def _bare(text: str) -> str:
    return text.rstrip(".")


def _sorted(found: Iterable[Finding]) -> list[Finding]:
    unique = {(one.file, one.line, one.code, one.field, one.message): one for one in found}
    return [unique[key] for key in sorted(unique)]


# --- names ------------------------------------------------------------------------------------------------------------


def _names(mapping: Mapping) -> Iterator[Finding]:
    """Names that mean nothing."""
    spec, source, target, file = mapping.spec, mapping.source_shape, mapping.target_shape, mapping.where
    for list_, each, rule in spec.rules_of():
        at = f"{list_}.{rule.target}" if list_ else rule.target
        yield from _unknown(mapping, each, rule.fields, rule, at)
        if list_ in ("", *target.lists) and target.at(list_, rule.target) is None:
            known = (
                [one.name for one in target.table(list_)]
                if list_
                else [one.path for one in target] + list(target.lists)
            )
            yield f.UnknownTarget(file, rule.line, at, meant_target(mapping, list_, rule.target, known))
        elif not list_ and rule.target in mapping.assigned:
            yield f.Assigned(file, rule.line, at)
    for block in spec.blocks:
        if block.list not in target.lists:
            said = meant_target(mapping, "", block.list, list(target.lists))
            yield f.UnknownTarget(file, block.line, block.list, said)
        if over(block.each) and block.each not in source.lists:
            yield _no_source(mapping, "", block.line, block.list, block.each, list(source.lists))
        for condition in block.when:
            yield from _unknown(mapping, block.each, [condition.field], condition, block.list)
    for condition in spec.scope:
        yield from _unknown(mapping, "", [condition.field], condition, "scope")
    if spec.codes_on and find_name(source, spec, "", spec.codes_on) is None:
        yield _no_source(mapping, "", 1, "codes_on", spec.codes_on, names_near(source, "", spec.codes_on))
    for key in spec.group.key if spec.group else ():
        if find_name(source, spec, "", key) is None:
            line = spec.group.line if spec.group else 1
            yield _no_source(mapping, "", line, "group_by", key, names_near(source, "", key))


def _unknown(mapping: Mapping, each: str, names: Iterable[str], at: Rule | Condition, field: str) -> Iterator[Finding]:
    if over(each) and each not in mapping.source_shape.lists:
        return  # That the list is unknown is said once, at the block.
    for name in names:
        if name != "*" and find_name(mapping.source_shape, mapping.spec, each, name) is None:
            yield _no_source(mapping, each, at.line, field, name, names_near(mapping.source_shape, each, name))


def _no_source(mapping: Mapping, each: str, line: int, field: str, name: str, known: list[str]) -> Finding:
    return f.UnknownSource(mapping.where, line, field, meant_source(mapping, each, name, known))


def _sections(mapping: Mapping) -> Iterator[Finding]:
    """Sections that a mapping of its direction must have, or cannot."""
    file, spec = mapping.where, mapping.spec
    needed = ["collect"] if mapping.direction == COLLECT else ["release", "deliver"]
    for word in needed:
        if getattr(mapping, word) is None:
            yield f.BadOption(file, 1, word, {"what": f"a {mapping.direction} mapping needs it", "fix": f"Add {word}:"})
    if spec.group is not None and mapping.source_shape.lists:
        yield f.BadOption(
            file,
            spec.group.line,
            "group_by",
            {"what": "rows are grouped only where the source is flat", "fix": "Use each: instead"},
        )
    connector = mapping.collect_option("connector")
    headless = connector == "rest" or (
        connector == "files" and mapping.collect_option("format") in ("", "xml", "jsonl")
    )
    if mapping.drift.get("new") == "warn" and headless:
        what = "without a header, a record with a new field is read with it or not at all"
        yield f.BadOption(file, 1, "drift.new", {"what": what, "fix": "Say hold or stop"})
    for block in spec.blocks:
        if block.each == LINES and spec.group is None:
            yield f.BadOption(
                file,
                block.line,
                block.list,
                {"what": "there are no lines without group_by", "fix": "Add group_by:, or name a list"},
            )


def _grounds(mapping: Mapping) -> Iterator[Finding]:
    """What is more personal than its target may hold, and what the release policy does not let leave."""
    # The policy's module reads batches with a library that a mapping alone does not need.
    from bridge.policy import findings

    source, target = mapping.source_shape, mapping.target_shape
    full, open_ = _uses(mapping)
    found = findings(None, source, target, open_)
    if mapping.release is not None:
        found += findings(mapping.release, source, Shape(target.name, ()), full)
    filled = target_filled(mapping)
    line = mapping.release.line if mapping.release else 1
    for code, field, message in found:
        yield FINDINGS[code](mapping.where, filled.get(field, line), field, {"what": _bare(message)})


def _uses(mapping: Mapping) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """By target path the source paths it is made of; and the same without free text that only a closed form leaves:
    a code, a number or a date cannot carry the words it was read from."""
    full: dict[str, list[str]] = {}
    open_: dict[str, list[str]] = {}
    for list_, each, rule in mapping.spec.rules_of():
        field = mapping.target_field(list_, rule.target)
        for name in rule.inputs_read:
            meant = find_name(mapping.source_shape, mapping.spec, each, name)
            if field is None or meant is None or meant.field is None:
                continue
            full.setdefault(field.path, []).append(meant.field.path)
            closed = rule.codes or rule.lookup or rule.number or rule.date or rule.datetime or rule.fiscal
            if not (closed and meant.field.sensitivity is Sensitivity.FREE_TEXT):
                open_.setdefault(field.path, []).append(meant.field.path)
    return full, open_
