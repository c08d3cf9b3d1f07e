"""What a column does not show by itself, read as the other columns of the same file show it."""

from __future__ import annotations

from bridge.authoring import evidence
from bridge.authoring.sample import Sample


def settle_dates(sample: Sample) -> None:
    """Columns that do not show which of day and month comes first are read as one of the same file that does."""
    dated = [(column, found) for column in sample.columns if (found := column.dates) is not None]
    shown = [(column, found) for column, found in dated if not found.open and "first, as" in found.says]
    orders = {found.pattern.lstrip("%-").startswith("d") for _, found in shown}
    if len(orders) != 1:
        return
    by = shown[0][0].path
    for column, found in dated:
        if found.open:
            day = next(iter(orders))
            says = f"{'day' if day else 'month'} first, as in {by} of the same file; here both readings are possible"
            column.__dict__["dates"] = evidence.ordered(found.pattern, day, says, column.values)


def settle_numbers(sample: Sample) -> None:
    """Columns whose mark can stand before decimals or between thousands are read as the others of the same file."""
    numbered = [
        (column, found) for column in sample.columns if (found := column.numbers) is not None and not found.whole
    ]
    shown = [(column, found.decimal) for column, found in numbered if found.decimal]
    if len({mark for _, mark in shown}) != 1:
        return
    by, decimal = shown[0][0].path, shown[0][1]
    for column, found in numbered:
        if not found.decimal:
            same = found.thousands == decimal
            role = "before decimals" if same else "between thousands"
            says = f"{found.thousands} stands {role}, as {decimal} before decimals in {by} of the same file"
            column.__dict__["numbers"] = evidence.Numbers(decimal, "" if same else found.thousands, says)
