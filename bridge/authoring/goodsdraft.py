"""What goods lines and means of transport have beside what a column gives: place, group, unit, mode."""

from __future__ import annotations

import re
from typing import Final

from bridge.authoring.codedraft import CodeDraft
from bridge.authoring.drafting import OWN_TYPE, Draft, Said, read_rows
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.mapping.codes import read_codes
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Shape

_HERE: Final = "."


def _group(draft: Draft, rules: dict[str, Said], goods: Column | None, shape: Shape, content: Content) -> None:
    """The group of the goods, which partners ask for, by the same codes as their type."""
    group, kind = shape.find("goods.commodity_group"), rules.get("commodity_type", {})
    if goods is None or group is None or "commodity_group" in rules or "codes" not in kind:
        return
    types = read_rows(content, "mappings/codes/commodity_type.csv")
    groups = {row["target"]: row["why"].partition(":")[0] for row in types}
    made = next((one for one in draft.codes if one.name == kind["codes"]), None)
    pairs = (
        made.rows if made else [(value, value.upper() if "text" in kind else value, "", "") for value in goods.distinct]
    )
    name = f"{draft.name}_commodity_group"
    rules["commodity_group"] = {
        "from": kind["from"], "codes": name,
        SUGGESTED: f"partners ask for the group; review codes/{name}.csv: {len(pairs)} values",
    }  # fmt: skip
    if any(one.name == name for one in draft.codes):
        return
    rows = []
    for source, target, _, why in pairs:
        code = groups.get(target, "")
        known = code in group.codes
        rows.append(
            (source, code if known else "", "broader" if known else "", f"the group of {target}" if known else why)
        )
    draft.codes.append(CodeDraft(name, rows))


def _currency(draft: Draft, rules: dict[str, Said], content: Content) -> None:
    """An amount without a currency is no value: its header may say which, else a person must."""
    if "value_amount" not in rules or "value_currency" in rules:
        return
    header = str(rules["value_amount"]["from"])
    known = read_codes(content, "currency")
    named = [word for word in re.findall(r"[A-Z]{3}", header.replace("€", " EUR ")) if known and word in known.rows]
    if len(named) == 1:
        rules["value_currency"] = {"const": named[0], SUGGESTED: f"the header of {header} says it"}
        return
    ask = f"in which currency are the values of {header}? Write its three letters for ???"
    if not any("value_currency" in other for _, _, other, _ in draft.blocks["goods"]):
        draft.questions.append(f"goods.value_currency: {ask}")
    rules["value_currency"] = {"const": "???", SUGGESTED: ask}


def complete_lists(draft: Draft, goods: Column | None, shape: Shape, content: Content) -> None:
    """What every goods line has, and what a means of transport cannot be without."""
    for each, _, rules, _ in draft.blocks.get("goods", ()):
        _group(draft, rules, goods, shape, content)
        rules.setdefault(
            "line", {"index": "1", SUGGESTED: "one line for each entry" if each != _HERE else "one line a record"}
        )
        if "quantity" in rules and "unit" in rules:
            unit, quantity = rules["unit"], rules["quantity"]
            if "codes" in unit:
                why = quantity.pop(SUGGESTED)
                if OWN_TYPE in why:
                    quantity["number"] = "."
                quantity |= {
                    "unit": unit["from"],
                    "codes": unit["codes"],
                    SUGGESTED: f"{why}; in the unit of {unit['from']}",
                }
            rules["reported_quantity"] = {
                **{word: quantity[word] for word in ("from", "number") if word in quantity},
                SUGGESTED: "as the source gives it",
            }  # fmt: skip
            rules["reported_unit"] = {"from": unit["from"], SUGGESTED: "as the source gives it"}
        _currency(draft, rules, content)
        order = [one.name for one in shape.table("goods")]
        ordered = sorted(rules, key=order.index)
        rules |= {name: rules.pop(name) for name in ordered}
    mode = draft.rules.get("transport_mode")
    for _, _, rules, _ in draft.blocks.get("conveyances", ()):
        if "mode" not in rules:
            same = {word: value for word, value in (mode or {"const": "UNKNOWN"}).items() if word != SUGGESTED}
            rules["mode"] = (
                {**same, "default": "UNKNOWN", SUGGESTED: "as transport_mode"}
                if mode
                else {**same, SUGGESTED: "no column says it"}
            )
