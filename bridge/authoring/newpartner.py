"""A mapping for a partner that is new: from the common schema to its own, releasing nothing until a person gives the
legal grounds."""

from __future__ import annotations

from typing import Final

from bridge.authoring import drafting
from bridge.authoring.choosing import ENOUGH
from bridge.authoring.codedraft import CodeDraft
from bridge.authoring.drafting import Draft, Said
from bridge.authoring.likeness import alike, known_words, labels, meant, words
from bridge.authoring.sample import Column, Sample
from bridge.content import Content
from bridge.mapping.codes import read_codes
from bridge.mapping.suggested import SUGGESTED
from bridge.shape import Field, Shape, Type

_LISTS: Final = {
    "goods": ("goods", "item", "items", "commodity", "product", "line", "article", "seized goods"),
    "persons": ("person", "persons", "people", "subject", "suspect", "individual"),
    "businesses": ("business", "company", "organisation", "firm", "legal entity"),
    "conveyances": ("conveyance", "transport", "vehicle", "vessel", "means of transport"),
    "route": ("route", "leg", "step", "itinerary"),
    "cash": ("cash", "money", "currency"),
    "documents": ("document", "documents", "paper"),
    "actions": ("action", "actions"),
    "attachments": ("attachment", "file"),
    "nationality_count": ("nationality count", "nationalities"),
}

_PLACES: Final = frozenset(
    [
        "n",
        "no",
        "nr",
        "num",
        "number",
        "line",
        "line_no",
        "entry_no",
        "seq",
        "sequence",
        "position",
        "pos",
        "index",
        "step",
    ]
)
"""What a column that numbers the entries of a list is called."""


def draft_partner(name: str, sample: Sample, content: Content, shape: Shape) -> Draft:
    """The whole draft: rules by name and type, code lists for what the partner codes, and reasons for the rest.

    Args:
        shape: of the common schema.
    """
    draft = Draft(name, questions=list(sample.questions))
    homes = {list_: _home(list_, shape) for list_ in sample.lists}
    for column in sample.columns:
        list_ = column.field.list
        if list_ and not homes[list_]:
            continue
        found = _best(column, shape, homes.get(list_, ""))
        if found is None and not (list_ and column.field.type is Type.INTEGER and column.field.name.lower() in _PLACES):
            continue
        if found is None:
            rule: Said = {"index": "1", SUGGESTED: "a number by its name and type: the entry's place in the list"}
        else:
            field, score, word = found
            rule = _rule(draft, column, field, content, f"{score:.2f}: named like {word!r}")
        if not list_:
            draft.rules[column.field.name] = rule
        else:
            blocks = draft.blocks.setdefault(
                list_, [(homes[list_], {}, {}, f"entries of {homes[list_]}, by the list's name")]
            )
            blocks[0][2][column.field.name] = rule
    if sample.kind == "sql" and "key" not in sample.options:
        draft.questions.append("which column of the partner's table names a record? Say key: in deliver")
    _ignored(draft, shape)
    _absent(draft, sample)
    return draft


def _home(list_: str, shape: Shape) -> str:
    """The list of the common schema that a partner's list is like; "" if none is."""
    scored = [
        (max(alike(words(list_.rpartition("/")[2]), words(word)) for word in called), ours)
        for ours, called in _LISTS.items()
    ]
    score, ours = max(scored)
    return ours if score >= 0.6 and ours in shape.lists else ""


def _best(column: Column, shape: Shape, list_: str) -> tuple[Field, float, str] | None:
    """The common field that a partner's field is like, by name and type; inside an entry the entry's own first."""
    called = words(column.field.name.rpartition("/")[2].rpartition(".")[2])
    full = words(column.field.name)
    known = known_words()
    best: tuple[float, Field, str] | None = None
    for field in shape:
        if field.list != list_:
            continue
        for word in (*known.get(field.path, ()), field.name.replace("_", " "), field.title):
            score = max(alike(called, words(word)), alike(full, words(word))) if word else 0.0
            score *= 1.0 if _takes(column.field.type, field.type) else 0.7
            if best is None or score > best[0]:
                best = (score, field, word)
    return (best[1], best[0], best[2]) if best and best[0] >= ENOUGH else None


def _takes(theirs: Type, ours: Type) -> bool:
    texts = (Type.TEXT, Type.CODE)
    return (
        theirs is ours or (theirs in texts and ours is not Type.LIST) or (theirs is Type.DATE and ours is Type.DATETIME)
    )


def _rule(draft: Draft, column: Column, field: Field, content: Content, why: str) -> Said:
    said: Said = {"from": field.name}
    notes = [why]
    if field.type is Type.LIST and column.field.type is not Type.LIST:
        said["take"] = "first"
        notes.append("it may have several values: take the first, or join:")
    if column.field.type is Type.DATE:
        said["date"] = "start"
        notes.append("the common date may be a month or a year: start is its first day")
    if column.field.codes and field.type in (Type.CODE, Type.LIST):
        ours = _codes_of(field, content)
        if not ours <= set(column.field.codes):
            made = _codes(draft, column, field, content, ours)
            said["codes"] = made.name
            notes.append(f"review codes/{made.name}.csv: {len(made.rows)} codes")
    said[SUGGESTED] = "; ".join(notes)
    return said


def _codes_of(field: Field, content: Content) -> set[str]:
    """The codes that a common field may have."""
    listed = read_codes(content, field.code_list) if field.code_list and not field.codes else None
    return set(field.codes) or (set(listed.targets) if listed else set())


def _codes(draft: Draft, column: Column, field: Field, content: Content, ours: set[str]) -> CodeDraft:
    name = f"{draft.name}_{field.code_list or field.name.rpartition('.')[2]}"
    made = next((one for one in draft.codes if one.name == name), None)
    if made is None:
        made = CodeDraft(name, [])
        draft.codes.append(made)
        theirs = {**labels(column.field, content), **{" ".join(words(code)): code for code in column.field.codes}}
        for code in sorted(ours):
            like = code if code in column.field.codes else meant(code, theirs)
            relation = "" if like is None else "exact" if like == code else "alias"
            made.rows.append((code, like or "", relation, "no word is like it" if like is None else "by its word"))
    return made


def _ignored(draft: Draft, shape: Shape) -> None:
    used = {str(said["from"]) for said in draft.rules.values()}
    for blocks in draft.blocks.values():
        for each, _, rules, _ in blocks:
            used |= {f"{each}.{said.get('from')}" for said in rules.values()}
    for list_ in shape.tables:
        paths = [one.path for one in shape.table(list_)]
        open_ = [path for path in paths if path not in used]
        note = {"why": "this partner has no field for it", SUGGESTED: "nothing there looked like it"}
        if list_ and len(open_) == len(paths):
            draft.ignore[f"{list_}.*"] = note
        else:
            draft.ignore |= dict.fromkeys(open_, note)


def _absent(draft: Draft, sample: Sample) -> None:
    for column in sample.columns:
        filled = draft.rules if not column.field.list else draft.blocks.get(column.field.list, [("", {}, {}, "")])[0][2]
        if column.field.name not in filled:
            draft.absent[column.path] = {
                "why": "the common schema has nothing like it",
                SUGGESTED: "nothing looked like it",
            }


def release_lines(name: str) -> list[str]:
    """A release policy that lets nothing leave: the grounds are for a lawyer to give."""
    upper = name.upper()[:16]
    ask = (
        "on which legal basis may this partner receive seizures? Nothing leaves until allow: gives each class a ground"
    )
    here, been = "one seizure, one report: it came from there", "one seizure, one report: it has been there"
    kept = "the originator has not authorised it to be passed on"
    named = "why: its supplier has named others to receive it"
    return [
        "release:",
        f"  suggested: {drafting.scalar(ask)}",
        f"  partner: {upper}",
        "  basis: not yet given",
        "  allow: {}",
        "  cap: [NON_NOMINAL]",
        "  withhold:",
        f'    - {{code: ORIGIN_{upper}, when: {{origin_system: [{upper}]}}, why: "{here}"}}',
        f'    - {{code: ORIGIN_{upper}, when: {{seen_by: [{upper}]}}, why: "{been}"}}',
        f"    - {{code: NO_AUTHORISATION, when: {{handling_code: [H2, H3]}}, unless: authorised, why: {kept}}}",
        f"    - {{code: NOT_A_RECIPIENT, when: {{recipients: present}}, unless: {{recipients: [{upper}]}}, {named}}}",
        "  withdraw: delete",
    ]


def deliver_options(sample: Sample, name: str) -> Said:
    """The deliver section: how its connector hands records over."""
    if sample.kind == "sql":
        key = sample.options.get("key", "")
        said: Said = {"connector": "sql", "connection": f"{name}_db", "root": sample.record}
        said |= {"key": key} if key else {}
        return said | {
            "inbox": "partner",
            SUGGESTED: "; ".join([*sample.said, "inbox: partner if we may create a table there, else none"]),
        }
    return {
        "connector": "files",
        "connection": f"{name}_out",
        SUGGESTED: "; ".join([*sample.said, "XML files into a folder"]),
    }
