"""Ways to spoil a record on purpose: one thing wrong, all else as it was."""

from __future__ import annotations

from typing import Final

_INSTEAD: Final = {
    "unknown_country": ("    <Country>", "</Country>", "QQ"),
    "unknown_unit": ("<Unit>", "</Unit>", "ZZZ"),
    "bad_date": ("<SeizureDate>", "</SeizureDate>", "2025-02-30"),
    "future_date": ("<SeizureDate>", "</SeizureDate>", "2999-01-01"),
    "malformed_number": ("<Quantity>", "</Quantity>", "12,5O"),
}
_WITHOUT: Final = {
    "missing_country": ("    <Country>", "</Country>\n"),
    "missing_date": ("    <SeizureDate>", "</SeizureDate>\n"),
}
_COUNTRY: Final = "    <Country>"
_GOODS: Final = "    <Goods>\n"


def spoil(text: str, fault: str) -> str:
    """The record with the one thing wrong that the fault of this name means."""
    if fault in _INSTEAD:
        before, after, value = _INSTEAD[fault]
        at = text.index(before) + len(before)
        return text[:at] + value + text[text.index(after, at) :]
    if fault in _WITHOUT:
        return _cut(text, *_WITHOUT[fault])
    if fault == "negative_quantity":
        return text.replace("<Quantity>", "<Quantity>-", 1)
    if fault == "repeated_leaf":
        at = text.index(_COUNTRY)
        return text[:at] + text[at : text.index("\n", at) + 1] + text[at:]
    if fault == "unknown_element":
        return text.replace(_GOODS, f"    <Colour>green</Colour>\n{_GOODS}", 1)
    if fault == "too_long":
        short = _cut(text, "    <Narrative>", "</Narrative>\n") if "<Narrative>" in text else text
        before = "    <Departure>" if "    <Departure>" in short else _GOODS
        return short.replace(before, f"    <Narrative>{'x' * 4001}</Narrative>\n{before}", 1)
    raise ValueError(f"no fault is called {fault}")


def _cut(text: str, before: str, after: str) -> str:
    at = text.index(before)
    return text[:at] + text[text.index(after, at) + len(after) :]
