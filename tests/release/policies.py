"""Release policies for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.mapping.model import Condition, Release, Withhold
from bridge.shape import Class, Sensitivity

EVERYTHING = tuple(one for one in Sensitivity if one is not Sensitivity.SPECIAL_CATEGORY)
ALL_CLASSES = tuple(one for one in Class if one is not Class.SPECIAL)
OPEN_CLASSES = (Class.ADMIN, Class.EVENT, Class.GOODS, Class.CONVEYANCE, Class.ROUTE)
ARTICLE_27 = {"persons.suggested_action": "present", "persons.reason_for_inclusion": "present"}


def conditions(when: Mapping[str, str | list[str]]) -> tuple[Condition, ...]:
    """Conditions as a mapping writes them: values, ``present`` or ``absent`` by field."""
    return tuple(Condition(field, (said,) if isinstance(said, str) else tuple(said), 1) for field, said in when.items())


def policy(
    allow: Iterable[Class] = ALL_CLASSES,
    cap: Iterable[Sensitivity] = (Sensitivity.NON_NOMINAL,),
    withhold: Iterable[tuple[Any, ...]] = (),
    scan: Iterable[str] = (),
    nominal: Mapping[str, Any] | None = None,
) -> Release:
    """A policy of an invented partner.

    Args:
        withhold: rules, each with its code, its conditions and perhaps those under which records leave all the same.
    """
    return Release(
        partner="Partner",
        basis="Act 1",
        allow={str(one): "Art. 1" for one in allow},
        cap=tuple(cap),
        withhold=tuple(
            Withhold(code, conditions(when), "why", 1, but=conditions(but[0]) if but else ())
            for code, when, *but in withhold
        ),
        scan=tuple(scan),
        nominal=None if nominal is None else Withhold("", conditions(nominal), "why", 1),
        keep={},
        withdraw="delete",
        line=1,
    )
