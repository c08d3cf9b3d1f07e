"""What a release policy says of a field, and what is wrong with a policy before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bridge.shape import Class, Field, Sensitivity, Shape

if TYPE_CHECKING:
    from bridge.mapping.model import Release

_RANK: Final[Mapping[Class, int]] = {Class.FREE_TEXT: 1, Class.BUSINESS: 2, Class.PERSON: 3, Class.SPECIAL: 4}
"""What a class protects more than what: a target may hold what is of its own rank or below; all others are 0."""
_CAPS: Final = list(Sensitivity)
_CONTROL: Final = "handling_code"
_CONTROLLED: Final = ("H2", "H3")
"""Field of the common schema by which a supplier controls where its record goes, and the codes by which it does so
(Council manual 6261/18)."""
_RECIPIENTS: Final = "recipients"
"""Field of the common schema in which a supplier names who may have its record (Reg. (EC) No 515/97, Art. 29)."""
_NAMED: Final = (_RECIPIENTS, "present")


@dataclass(frozen=True, slots=True)
class Decided:
    """What people and the calendar decided about one version of a record at one partner, beyond the policy.

    Args:
        steps: how many decisions there are about the record and the other reports of its case, and how many versions of
            those; each makes what is released of it newer.
        withheld: the rule by which nothing of it leaves; "" if there is none.
        impersonal: nothing leaves but what is NON_NOMINAL.
        persons: entries of ``persons`` that do not leave, from 0; None for all of them.
        cleared: free-text fields that leave although the scan finds a form of personal data in them.
        later: other reports of the same case, the first first, which may add to this one.
        seen_by: the systems that they come from.
    """

    steps: int
    withheld: str = ""
    impersonal: bool = False
    persons: frozenset[int] | None = frozenset()
    cleared: frozenset[str] = frozenset()
    later: tuple[UUID, ...] = ()
    seen_by: tuple[str, ...] = ()


def may_leave(policy: Release, field: Field) -> bool:
    """Whether the policy lets this field leave at all; free text and personal fields may still be kept back."""
    return (
        field.cls.value in policy.allow
        and field.sensitivity in policy.cap
        and field.sensitivity is not Sensitivity.SPECIAL_CATEGORY
        and field.cls is not Class.SPECIAL
        and (field.sensitivity is not Sensitivity.FREE_TEXT or field.path in policy.scan)
        and (field.sensitivity is not Sensitivity.NOMINAL or policy.nominal is not None)
    )


def reads_nominal(policy: Release | None, shape: Shape) -> bool:
    """Whether the nominal half of documents is needed: some field of it may leave, or a rule looks at one."""
    if policy is None:
        return False
    looked_at = {condition.field for rule in policy.withhold for condition in rule.looks_at}
    return any(
        field.sensitivity is not Sensitivity.NON_NOMINAL and (may_leave(policy, field) or field.path in looked_at)
        for field in shape
    )


def looks_at_personal(policy: Release, shape: Shape) -> bool:
    """Whether a rule that withholds looks at a field that is not NON_NOMINAL."""
    looked_at = (shape.find(condition.field) for rule in policy.withhold for condition in rule.looks_at)
    return any(field is not None and field.sensitivity is not Sensitivity.NON_NOMINAL for field in looked_at)


def findings(
    policy: Release | None, source_shape: Shape, target_shape: Shape, uses: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, str]]:
    """What a lawyer would refuse in a mapping: code, field, message, ending with what to do.

    Args:
        policy: the release policy; None for a mapping into the common schema, which is checked only for M041.
        uses: by path of a target field, the paths of the source fields that it is made of.
    """
    found = list(_smuggled(source_shape, target_shape, uses))
    if policy is not None:
        found += _unfounded(policy, source_shape, uses)
        found += _unsound(policy, source_shape)
    return found


def _mend(one: Field, into: Field) -> str:
    """What to do about a field that is more personal than what it fills: one of the two schemas may be wrong."""
    held, holds = (
        (one.cls.value, into.cls.value)
        if _RANK.get(into.cls, 0) < _RANK.get(one.cls, 0)
        else (one.sensitivity.value, into.sensitivity.value)
    )
    own = f"declare {one.path} as {holds} in its schema, if it never holds {held} data"
    return f"map it elsewhere, or {own}, or {into.path} as what it holds"


def _smuggled(source: Shape, target: Shape, uses: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, str, str]]:
    for path, inputs in uses.items():
        into = target.find(path)
        for one in inputs:
            given = source.find(one)
            if into is None or given is None:
                continue
            if _RANK.get(into.cls, 0) < _RANK.get(given.cls, 0):
                what = f"{one} is {given.cls.value} data, and {path} is declared {into.cls.value}"
                yield "M041", path, f"{what}: {_mend(given, into)}"
            elif _CAPS.index(into.sensitivity) < _CAPS.index(given.sensitivity):
                what = f"{one} is {given.sensitivity.value}, and {path} is declared {into.sensitivity.value}"
                yield "M041", path, f"{what}: {_mend(given, into)}"


def _unfounded(policy: Release, source: Shape, uses: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, str, str]]:
    for path, inputs in uses.items():
        for one in inputs:
            field = source.find(one)
            if field is None:
                continue
            if field.cls.value not in policy.allow:
                what = f"{one} is {field.cls.value} data: no legal ground is given for {policy.partner}"
                yield "M040", path, f"{what}. Give one in release.allow, or ignore the field"
            elif field.sensitivity not in policy.cap:
                what = f"{one} is {field.sensitivity.value}, which release.cap does not let leave"
                yield "M042", path, f"{what}. Ignore the field, or have the cap decided anew"
            elif field.sensitivity is Sensitivity.FREE_TEXT and one not in policy.scan:
                what = f"{one} is free text and not listed in release.scan, so it never leaves"
                yield "M045", path, f"{what}. List it there, or ignore the field"


def _unsound(policy: Release, source: Shape) -> Iterable[tuple[str, str, str]]:
    gates = () if policy.nominal is None else (policy.nominal,)
    for rule in (*policy.withhold, *gates):
        for condition in rule.looks_at:
            if condition.field not in source.lists and source.find(condition.field) is None:
                what = f"release looks at {condition.field}, which {source.name} lacks"
                yield "M043", condition.field, f"{what}. Correct the name"
    yield from _uncontrolled(policy, source)
    yield from _unaddressed(policy, source)
    if Sensitivity.SPECIAL_CATEGORY in policy.cap or Class.SPECIAL.value in policy.allow:
        what = "special categories of data leave under no policy: Reg. (EC) No 515/97, Art. 25(5)"
        yield "M046", "", f"{what}. Take them out of release"
    if policy.nominal is None and Sensitivity.NOMINAL in policy.cap:
        what = "release.cap has NOMINAL, and release.nominal does not say when persons may leave, so none ever do"
        yield "M044", "", f"{what}. Give release.nominal, or take NOMINAL out of the cap"
    if policy.nominal is not None and Sensitivity.NOMINAL not in policy.cap:
        what = "release.nominal says when persons may leave, and release.cap does not let them"
        yield "M044", "", f"{what}. Take one of the two away"
    for path in policy.scan:
        field = source.find(path)
        if field is None:
            yield "M043", path, f"release.scan lists {path}, which {source.name} lacks. Correct the name"
        elif field.sensitivity is not Sensitivity.FREE_TEXT:
            yield "M045", path, f"release.scan lists {path}, which is not free text. Take it out"
        elif not may_leave(policy, field):
            what = (
                f"release.scan lists {path}, but lacks FREE_TEXT in release.cap or {field.cls.value} in release.allow"
            )
            yield "M045", path, f"{what}. Add what is missing, or take it out"


def _uncontrolled(policy: Release, source: Shape) -> Iterable[tuple[str, str, str]]:
    """Codes of originator control that no rule keeps back by itself."""
    field = source.find(_CONTROL)
    alone = [rule.when[0].values for rule in policy.withhold if [one.field for one in rule.when] == [_CONTROL]]
    kept = {value for values in alone for value in values}
    left = [code for code in _CONTROLLED if field is not None and code in field.codes and code not in kept]
    if left and "present" not in kept:
        what = f"records handled as {' or '.join(left)} would leave without their supplier's word"
        when = f"{{{_CONTROL}: [{', '.join(_CONTROLLED)}]}}"
        rule = f"{{code: NO_AUTHORISATION, when: {when}, unless: authorised, why: ...}}"
        yield "M047", "", f"{what}. Write {rule} in release.withhold"


def _unaddressed(policy: Release, source: Shape) -> Iterable[tuple[str, str, str]]:
    """No rule by itself keeps records from a partner that is not among those whom their supplier named."""
    alone = [rule for rule in policy.withhold if [(one.field, *one.values) for one in rule.when] == [_NAMED]]
    kept = any(
        not rule.unless
        and (not rule.but or any(one.field == _RECIPIENTS and "present" not in one.values for one in rule.but))
        for rule in alone
    )
    if source.find(_RECIPIENTS) is not None and not kept:
        what = "records would leave for this partner though their supplier named others to receive them"
        rule = "{code: NOT_A_RECIPIENT, when: {recipients: present}, unless: {recipients: [...]}, why: ...}"
        yield "M048", "", f"{what}. Write {rule} in release.withhold"
