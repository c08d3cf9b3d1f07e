"""How alike a column and a field are: by the words of their names, and by what the column's values are."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Final

from bridge.authoring import evidence
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.shape import Field, Sensitivity, Shape, Type

_HERE: Final = Path(__file__).parent
_ARTICLES: Final = ("the", "der", "die", "das", "den", "la", "le", "les", "el", "los", "het", "een")
_OF: Final = ("of", "de", "da", "do", "du", "des", "van", "von", "zum", "zur", "in", "am", "at", "by")
_NOISE: Final = frozenset([*_ARTICLES, *_OF, "no", "nr", "num"])
_LETTERS: Final = str.maketrans("đĐłŁøØ\u0131@", "dDlLoOi ", "") | {ord("ß"): "ss", ord("æ"): "ae", ord("œ"): "oe"}
"""Letters that do not fall into a plain one and an accent."""
_NAME, _VALUE = 0.6, 0.4
_STANDARDS: Final = frozenset({"country", "currency"})
ALIKE: Final = 0.84
"""Two words are the same word from here on; shorter ones differ by a letter at most."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a field fits a column.

    Args:
        target: the field's path; of a step of the route with its role, ``route.ORIGIN.country``.
        name: likeness of the names, 0 to 1, and ``word`` what the header is like.
        value: likeness of the values, 0 to 1, and ``shown`` what they show.
    """

    target: str
    name: float
    word: str
    value: float
    shown: str

    @property
    def score(self) -> float:
        """Both likenesses together, 0 to 1."""
        return _NAME * self.name + _VALUE * self.value if self.name else 0.5 * self.value

    @property
    def why(self) -> str:
        """Both likenesses in words."""
        named = f"header is like {self.word!r} ({self.name:.2f})" if self.name else "header is like nothing known"
        return f"{named}; {self.shown}" if self.shown else named


def path_of(target: str) -> str:
    """A target's path in the schema, without the role of a step of the route."""
    return re.sub(r"^(\w+)\.[A-Z_]+\.", r"\1.", target)


def role_of(target: str) -> str:
    """The role of a step of the route; "" for any other target."""
    found = re.match(r"^\w+\.([A-Z_]+)\.", target)
    return found[1] if found else ""


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words of a name or value: without accents, capitals, punctuation and words that say nothing."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain).lower()
    found = tuple(word for word in re.split(r"[^a-z0-9]+", plain) if word)
    kept = tuple(word for word in found if word not in _NOISE)
    return kept or found


@lru_cache(maxsize=1)
def known_words() -> Mapping[str, tuple[str, ...]]:
    """By target the words by which systems call it, in several languages."""
    with (_HERE / "words.csv").open(encoding="utf-8", newline="") as file:
        return {row["field"]: tuple(row["words"].split("|")) for row in csv.DictReader(file)}


@lru_cache(maxsize=1)
def known_values() -> Mapping[str, Mapping[str, str]]:
    """By code list the words by which systems call its codes."""
    found: dict[str, dict[str, str]] = {}
    with (_HERE / "values.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for word in row["words"].split("|"):
                found.setdefault(row["list"], {})[" ".join(words(word))] = row["target"]
    return found


@lru_cache(maxsize=65536)
def _same(one: str, other: str) -> float:
    """How far two words are one word."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return max(0.75, len(short) / len(long))
    if len(short) >= 5 and short in long:
        return 0.7
    # A slip of the pen leaves the first letter and nearly the length; all else need not be compared.
    if len(short) <= 3 or short[0] != long[0] or len(long) - len(short) > 3:
        return 0.0
    ratio = SequenceMatcher(None, one, other).ratio()
    return ratio if ratio >= ALIKE else 0.0


def alike(one: Iterable[str], other: Iterable[str]) -> float:
    """How alike two names are, by their words."""
    ours, theirs = tuple(one), tuple(other)
    if not ours or not theirs:
        return 0.0
    if "".join(ours) == "".join(theirs):
        return 1.0
    here = sum(max(_same(word, to) for to in theirs) for word in ours) / len(ours)
    there = sum(max(_same(word, to) for to in ours) for word in theirs) / len(theirs)
    return round(0.35 * max(here, there) + 0.65 * min(here, there), 3)


def rank(column: Column, shape: Shape, content: Content) -> list[Fit]:
    """The fields that a column may fill, the best first."""
    header = words(re.split(r"[/.]", column.path)[-1])
    within = words(column.path)
    fits = []
    for target, called in candidates(shape).items():
        field = shape.find(path_of(target))
        if field is None:
            continue
        scored = [(max(alike(name, words(word)) for name in {header, within}), word) for word in called]
        name, word = max(scored)
        name = name if name >= 0.45 else 0.0
        # Without a likeness of names only values that are codes of a list say anything.
        if not name and not (field.code_list and len(column.distinct) > 2):
            continue
        value, shown = likely(column, field, content)
        if name or value >= 0.8:
            fits.append(Fit(target, name, word, value, shown))
    return sorted(fits, key=lambda fit: (-fit.score, fit.target))


def candidates(shape: Shape) -> dict[str, tuple[str, ...]]:
    """By target the names it is known by; the steps of a route stand apart by their role."""
    known = known_words()
    found = {}
    for field in shape:
        own = (field.name.replace("_", " "), field.title) if field.title else (field.name.replace("_", " "),)
        found[field.path] = (*known.get(field.path, ()), *(own if not field.list or field.path in known else ()))
    found |= {target: called for target, called in known.items() if role_of(target)}
    return {target: called for target, called in found.items() if called}


def likely(column: Column, field: Field, content: Content) -> tuple[float, str]:
    """How far the values of a column are what a field takes, and what shows it."""
    values = column.values
    if not values:
        return 0.3, "no value was seen"
    match field.type:
        case Type.DATE | Type.DATETIME | Type.DECIMAL | Type.INTEGER:
            return _measured(column, field)
        case Type.BOOLEAN:
            truths = known_values()["yes_no"]
            return (1.0 if {" ".join(words(one)) for one in values} <= truths.keys() else 0.0), "yes and no"
        case Type.CODE | Type.LIST if field.sensitivity is not Sensitivity.FREE_TEXT:
            return _codes(column, field, content)
    return _text(column, field)


def _measured(column: Column, field: Field) -> tuple[float, str]:
    """Dates, moments and numbers."""
    if field.type in (Type.DATE, Type.DATETIME):
        found = column.dates
        right = found is not None and found.moment == (field.type is Type.DATETIME)
        return (0.0, "") if found is None else (1.0 if right else 0.6, found.says)
    numbers = column.numbers
    if numbers is None or (field.type is Type.INTEGER and not numbers.whole):
        return 0.0, ""
    return (0.6 if evidence.unique(column.values, column.rows) else 1.0), numbers.says


def _codes(column: Column, field: Field, content: Content) -> tuple[float, str]:
    distinct = column.distinct
    listed = labels(field, content)
    if not listed:
        if not field.pattern:
            return 0.0, ""
        hits = sum(re.search(field.pattern, one) is not None for one in distinct)
        return hits / len(distinct), f"{hits} of {len(distinct)} distinct values have the form that {field.path} wants"
    if len(distinct) > evidence.CODES:
        return 0.0, ""
    # Units of another size are words of the list, too, though no value of the field.
    hits = sum(meant(one, {**known_values().get(field.code_list, {}), **listed}) is not None for one in distinct)
    called = field.code_list or field.path
    shown = f"{hits} of {len(distinct)} distinct values are known to the list {called}"
    if field.code_list in _STANDARDS:
        # Nobody has codes of their own for these: values that are none of theirs mean something else.
        return (hits / len(distinct) if hits > len(distinct) / 2 else 0.0), shown
    few = len(distinct) <= max(3, column.rows / 2)
    return max(hits / len(distinct), 0.4 if few and column.numbers is None else 0.0), shown


def _text(column: Column, field: Field) -> tuple[float, str]:
    values = column.values
    if field.path == "origin_record_id":
        if evidence.numbered(values):
            return 0.0, "values only count the rows: the next file would use them again"
        alone = evidence.unique(values, column.rows)
        return (1.0 if alone else 0.3), "every row has a value of its own" if alone else "rows share values"
    if column.dates or column.numbers:
        return 0.2, ""
    if evidence.wordy(values):
        return (0.9, "sentences") if field.sensitivity is Sensitivity.FREE_TEXT else (0.1, "sentences")
    return (0.3 if field.sensitivity is Sensitivity.FREE_TEXT and field.path != "goods.description" else 0.6), ""


def labels(field: Field, content: Content) -> Mapping[str, str]:
    """By code, label or word in lower case the code of the target that it means; exact codes by themselves."""
    return _labels(content, field.code_list, field.codes)


@lru_cache(maxsize=256)
def _labels(content: Content, name: str, codes: tuple[str, ...]) -> Mapping[str, str]:
    found = dict(known_values().get(name, {}))
    allowed = set(codes)
    for code in codes:
        found[" ".join(words(code))] = code
    path = content.seek(f"mappings/codes/{name}.csv") if name else None
    if path is not None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if (
                    row["target"]
                    and (not allowed or row["target"] in allowed)
                    and not row["relation"].startswith("unit:")
                ):
                    for label in (row["why"].partition(";")[0].rpartition(":")[2], row["target"], row["source"]):
                        found.setdefault(" ".join(words(label)), row["target"])
    found.pop("", None)
    return {word: code for word, code in found.items() if not allowed or code in allowed}


def meant(value: str, listed: Mapping[str, str]) -> str | None:
    """The code that a value means by its word, or by one that is nearly the same; None if nothing shows it."""
    word = " ".join(words(value))
    if word in listed:
        return listed[word]
    if len(word) < 5:
        return None
    near = get_close_matches(word, [one for one in listed if one[0] == word[0]], 1, 0.87)
    return listed[near[0]] if near else None
