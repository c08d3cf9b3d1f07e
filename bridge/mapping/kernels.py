"""Fast accept: which texts a rule surely keeps as they are, judged for a whole column at once.

The scalar functions of bridge.mapping decide what a value means, and every refusal is theirs. What stands here may
overlook a text that they would keep, never accept one that they would change or refuse; a property test holds
it to that.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bridge.mapping.columns import Coded
from bridge.mapping.dates import ISO
from bridge.mapping.plan import Plan
from bridge.shape import Type

Mask = npt.NDArray[np.bool_]

_DAY: Final = (
    "[1-9][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
"""Days from the year 1000 on; 29 February is left to the calendar."""
_MOMENT: Final = rf"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z\z"
_DIGITS: Final = 18


def unchanged(plan: Plan, texts: pa.StringArray) -> Mask | None:
    """Per text whether the rule surely keeps it as it is; None if nothing can be said of this rule."""
    pattern = _pattern(plan)
    return None if pattern is None else _kept(plan, texts, pattern)


def unscaled(plan: Plan, start: Coded, unit: Coded) -> Mask | None:
    """Per row whether a quantity with this unit surely stays as it is; None if nothing can be said of this rule."""
    pattern = _pattern(plan)
    if pattern is None or plan.dated or plan.same_unit is None:
        return None
    kept = np.append(_kept(plan, start.texts, pattern), False)
    same = np.append(np.array([plan.same_unit(text) for text in unit.texts.to_pylist()], np.bool_), False)
    # NONE, -1, takes the False at the end.
    mask: Mask = kept[start.codes] & same[unit.codes]
    return mask


def _kept(plan: Plan, texts: pa.StringArray, pattern: str) -> Mask:
    fits = pc.match_substring_regex(texts, pattern)
    if plan.field.pattern:
        # Of digits and marks alone, so what expressions of two libraries mean by letters and line ends is no matter.
        try:
            fits = pc.and_(fits, pc.match_substring_regex(texts, plan.field.pattern))
        except pa.ArrowInvalid:
            fits = pa.repeat(pa.scalar(False), len(texts))
    found: Mask = fits.to_numpy(zero_copy_only=False)
    return found


def _pattern(plan: Plan) -> str | None:
    """What a text must be like that no step of the rule and no check of the field changes or refuses."""
    rule, field = plan.rule, plan.field
    others = (rule.text, rule.date, rule.use, rule.lookup, field.codes, field.max_length)
    if any(others) or (rule.codes and not rule.unit) or rule.split is not None or rule.join is not None:
        return None
    if rule.datetime == (ISO,) and rule.number is None and field.type in (Type.DATETIME, Type.TEXT):
        return _MOMENT
    number = rule.number
    plainly = number is None or (number.decimal == "." and not number.thousands and number.round is None)
    if field.type is Type.DECIMAL and plainly and not rule.datetime:
        whole = f"[1-9][0-9]{{0,{_DIGITS - 1}}}"
        after = _DIGITS if field.scale is None else min(field.scale, _DIGITS)
        part = f"|-?(?:{whole}|0)\\.[0-9]{{0,{after - 1}}}[1-9]" if after else ""
        return rf"^(?:-?{whole}|0{part})\z"
    return None
