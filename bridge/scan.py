"""May this text leave? A scan of free text for personal data, in English and French.

It looks for two things: the names and numbers of the record's own persons,
businesses and vehicles, however they are spaced, accented or written, and forms
that personal data have anywhere (addresses, telephone and document numbers,
titles before names). It errs towards finding: a text kept back can be released
by a person, a name that left cannot be called back.

What it cannot find is a name that stands nowhere else in the record and carries
no title, and a name written in another script than in the record.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, permutations
from typing import Final


class Kind(StrEnum):
    """What was found; never the text itself."""

    NAME = "name"
    """A name of a person or business of this record."""
    IDENTIFIER = "identifier"
    """A document, registration or telephone number, address or plate of this record."""
    BIRTH_DATE = "birth_date"
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    DOCUMENT = "document"
    """Something in the form of a passport, identity card or social security number."""
    PLATE = "plate"
    TITLED_NAME = "titled_name"
    """A title such as Mr or Mme before a capital letter."""
    SPECIAL = "special"
    """A word of belief, ethnic origin, health, sexual life or opinion: Reg. (EC) No 515/97, Art. 25(5)."""


def _any(*words: str) -> str:
    return "|".join(word.replace(" ", r"\s+") for line in words for word in line.split(" / "))


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TITLES: Final = _any(
    r"Mr / Mrs / Ms / Miss / Messrs / Dr / Prof / Sir / Madam / Capt / M\. / MM\. / Mme / Mlle / Monsieur / Madame",
    r"Mademoiselle / Me\. / Herr / Hr\.? / Frau / Sig\.? / Sr\. / Sra\.? / [Tt]he (?:named|suspect|driver|passenger)",
    r"[Ll]a (?:nommée|dénommée) / [Ll]e (?:nommé|dénommé|sieur) / [Dd]énommée? / [Nn]ommée? / [Aa]lias / a\.?k\.?a\.?",
)
_CUE_PHONE: Final = _any("tel / tél / phone / téléphone / mobile / gsm / portable / fax / whatsapp / viber / signal")
_CUE_DOCUMENT: Final = _any(
    "passports? / passeports? / identity / identité / id card / id no / id number / cni / permis / driving licen[cs]e",
    "residence permit / titre de séjour / social security / sécurité sociale",
)
_CUE_PLATE: Final = _any(
    r"plates? / registration / registered / reg / immatricul\w+ / plaques? / licen[cs]e plate / v[ée]hicule / vehicle"
)
_CUE_BIRTH: Final = _any(r"born / birth / dob / d\.o\.b\.? / née?s? / né\(e\) / naissance / date of birth")
_SPECIAL: Final = _any(
    "muslims? / musulmane?s? / jewish / juifs? / juives? / catholics? / catholiques? / protestante?s? / hindus?",
    r"sikhs? / buddhists? / bouddhistes? / atheists? / athées? / religio\w+ / religieu\w+ / gypsy / gypsies",
    "tsiganes? / romani",
    r"ethnic\w* / ethni\w+ / hiv / vih / pregnan\w+ / diabetic / diabétiques? / epileptic / épileptiques?",
    r"schizophren\w+ / homosexual\w* / homosexuel\w* / lesbian / lesbienne / sexual orientation / orientation sexuelle",
    r"trade unions? / trade unionists? / syndicalistes?",
)
_GAP: Final = r"[^\d\n]{0,20}?"
_FORMS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.EMAIL, r"[\w.+-]+\s?(?:@|[(\[]at[)\]])\s?[\w-]+(?:\s?\.\s?[\w-]+)+"),
        (Kind.PHONE, r"(?:\+|\b00)\s?\(?\d(?:[\s().\-/]{0,2}\d){6,13}(?!\d)"),
        (Kind.PHONE, r"\b0\d(?:[\s.\-/]\d\d){4}\b"),
        (Kind.PHONE, rf"(?i)(?<!\w)(?:{_CUE_PHONE})(?!\w){_GAP}\d(?:[\s().\-/]{{0,2}}\d){{5,13}}"),
        (Kind.IBAN, r"(?<!\w)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){3,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?!\w)"),
        (Kind.DOCUMENT, r"\b[A-Za-z]{1,2}[ -]?[0-9]{6,9}\b|\b[0-9]{2}[A-Za-z]{2}[0-9]{5}\b|\b[0-9]{8}[A-Za-z]\b"),
        (Kind.DOCUMENT, r"\b[12][ .]?\d\d[ .]?(?:0[1-9]|1[0-2])[ .]?\d\d[ .]?\d{3}[ .]?\d{3}(?:[ .]?\d\d)?\b"),
        (Kind.DOCUMENT, rf"(?i)(?<!\w)(?:{_CUE_DOCUMENT})(?!\w){_GAP}[a-z]{{0,3}}[ -]?\d[a-z0-9 -]{{4,}}"),
        (Kind.PLATE, r"(?<!\w)(?:[A-Z]{2}[ -]\d{3}[ -][A-Z]{2}|[A-Z]{2}\d{2} ?[A-Z]{3})(?!\w)"),
        (Kind.PLATE, rf"(?i)\b(?:{_CUE_PLATE})\b{_GAP}\b(?:[a-z]{{1,4}}[ -]?\d[a-z\d -]|\d{{1,4}}[ -]?[a-z]{{1,4}}\b)"),
        (Kind.BIRTH_DATE, rf"(?i)(?<!\w)(?:{_CUE_BIRTH})(?!\w){_GAP}(?:\d{{1,2}}[./ -]|(?:19|20)\d\d)"),
        (Kind.TITLED_NAME, rf"(?<!\w)(?:{_TITLES})[\s.:]+[\"«“']?\s?[A-ZÀ-ÖØ-ÞŠŽĆČĐ]"),
        (Kind.SPECIAL, rf"(?i)(?<!\w)(?:{_SPECIAL})(?!\w)"),
    )
)  # fmt: skip

SUSPECT: Final = tuple(re.sub(r"\(\?<?!.*?\)", "", pattern.pattern) for _, pattern in _FORMS)
"""The same without look-around, for engines that have none: where forms() finds something, one of them matches."""
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "\u0131": "i", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)
_MARKS: Final = re.compile(f"[{''.join(char for char in map(chr, range(0x10000)) if unicodedata.combining(char))}]")
_TWO_WAYS: Final = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))
"""Vowels that some write with one letter and some with two: Müller and Mueller."""
_PARTICLES: Final = _set(
    "de da do dos das di del della des du la le les van von der den ter ten zu el al bin ben ibn abu y e i and et of "
    "the"
)
_COMMON: Final = _set(
    "ltd limited llc inc corp corporation company compagnie gmbh sarl spa bvba societe group groupe holding holdings "
    "import imports export exports trading trade transport transports logistics logistique freight cargo shipping line "
    "lines services service international global general agency maritime marine airlines express customs brothers "
    "freres sons fils north south east west"
)
_WORD: Final = re.compile(r"[^\W_]+")
_LONG: Final = 5
"""Names from this many letters on are found inside longer words too; shorter ones only as words of their own."""
_REMEMBERED: Final = 8192
"""Texts and names whose letters are remembered, since carriers, vessels and remarks return from record to record."""
_MONTHS: Final = tuple(
    _set(names)
    for names in (
        "january janvier jan", "february fevrier feb fev", "march mars mar", "april avril apr avr", "may mai",
        "june juin jun", "july juillet jul juil", "august aout aug", "september septembre sep sept",
        "october octobre oct", "november novembre nov", "december decembre dec",
    )
)  # fmt: skip


def forms(text: str) -> frozenset[Kind]:
    """Kinds of personal data that the text holds by its form alone."""
    return frozenset(kind for kind, pattern in _FORMS if pattern.search(text))


def fold(text: str) -> str:
    """The text without case, accents and look-alike letters."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold())).casefold().translate(_PLAIN)


@dataclass(slots=True)
class Known:
    """What a record says of persons, businesses and vehicles, as a text would have to say it to give them away."""

    names: set[str] = field(default_factory=set)
    identifiers: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)

    def add_person(self, *names: str) -> None:
        """All names of one person: surname, first names, alias. Each is looked for alone and with each other."""
        self.names |= _person(names)

    def add_business(self, name: str) -> None:
        """A name of a business, vessel or carrier: whole, and each word of it that is not every business's."""
        self.names |= _business(name)

    def add_identifier(self, text: str) -> None:
        """A document, telephone or registration number, plate or address; shorter than four signs it says nothing."""
        if len(whole := "".join(_words(text))) > 3:
            self.identifiers.add(whole)

    def add_birth_date(self, text: str) -> None:
        """An ISO date; a year or month alone says nothing."""
        if len(text) == len("1980-03-09"):
            self.dates.add(text)

    def find(self, text: str) -> frozenset[Kind]:
        """Which of it the text gives away."""
        if not (self.names or self.identifiers or self.dates):
            return frozenset()
        words = _words(text)
        letters = "".join(words)
        found = set()
        if self.names and (
            _holds(letters, words, self.names)
            or (any(two in letters for two, _ in _TWO_WAYS) and _holds_one_way(words, self.names))
        ):
            found.add(Kind.NAME)
        if self.identifiers and _holds(letters, words, self.identifiers):
            found.add(Kind.IDENTIFIER)
        for day in self.dates:
            if day[2:4] in letters and _holds(letters, words, _written(day), inside=False):
                found.add(Kind.BIRTH_DATE)
        return frozenset(found)


def _written(day: str) -> Iterator[str]:
    """An ISO date in the orders, and with the names of months, in which people write one; nothing between."""
    year, month, number = day.split("-")
    yield from (year + month + number, number + month + year, month + number + year, number + month + year[2:])
    yield number.lstrip("0") + month.lstrip("0") + year
    for name in _MONTHS[int(month) - 1]:
        for figure in {number, number.lstrip("0")}:
            yield from (figure + name + year, name + figure + year)


@lru_cache(maxsize=_REMEMBERED)
def _person(names: tuple[str, ...]) -> frozenset[str]:
    parts = [_words(name) for name in names]
    wholes = [whole for words in parts if len(whole := "".join(words)) > 1]
    single = (word for words in parts for word in words if len(word) > 1 and word not in _PARTICLES)
    return _both_ways((*wholes, *single, *(one + other for one, other in permutations(wholes, 2))))


@lru_cache(maxsize=_REMEMBERED)
def _business(name: str) -> frozenset[str]:
    words = _words(name)
    whole = "".join(words)
    single = (word for word in words if len(word) > 3 and word.isalpha() and word not in _COMMON)
    return _both_ways((*([whole] if len(whole) > 1 else ()), *single))


def _both_ways(names: Iterable[str]) -> frozenset[str]:
    return frozenset(way for name in names for way in (name, _one_way(name)))


@lru_cache(maxsize=_REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(text)))


def _one_way(word: str) -> str:
    for two, one in _TWO_WAYS:
        if two in word:
            word = word.replace(two, one)
    return word


def _holds_one_way(words: Sequence[str], names: Iterable[str]) -> bool:
    single = [_one_way(word) for word in words]
    return _holds("".join(single), single, map(_one_way, names))


def _holds(letters: str, words: Sequence[str], needles: Iterable[str], *, inside: bool = True) -> bool:
    """Whether a needle stands among the letters as whole words, however spaced; a long one also inside of words."""
    there = [needle for needle in needles if needle in letters]
    if not there:
        return False
    edges = set(accumulate(map(len, words), initial=0))
    for needle in there:
        at = letters.find(needle)
        while at >= 0:
            if (inside and len(needle) >= _LONG) or (at in edges and at + len(needle) in edges):
                return True
            at = letters.find(needle, at + 1)
    return False
