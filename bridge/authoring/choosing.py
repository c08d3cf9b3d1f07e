"""Which column fills which field: the likest pairs first, and none that the values forbid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.authoring.likeness import ALIKE, Fit, alike, known_words, path_of, rank, words
from bridge.authoring.sample import Column
from bridge.content import Content
from bridge.shape import Shape

ENOUGH: Final = 0.55
"""A column is suggested for a field from this likeness on."""
_SURE: Final = 0.9
"""From this likeness of names on a column of old dates may be days of seizures."""
_NOT_ALONE: Final = frozenset({"street", "address", "sex", "gender", "city"})
"""Words of persons' fields that as often speak of something else."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A column, the field it was suggested for, and the next best."""

    column: Column
    fit: Fit
    next: Fit | None

    @property
    def why(self) -> str:
        """Both in words."""
        other = f"; next best {self.next.target} {self.next.score:.2f}" if self.next else ""
        return f"{self.fit.score:.2f}: {self.fit.why}{other}"


def choose(
    columns: list[Column],
    shape: Shape,
    content: Content,
    varying: frozenset[str] = frozenset(),
    repeated: frozenset[str] = frozenset(),
) -> tuple[dict[str, Choice], dict[str, list[Fit]]]:
    """One column for each field and one field for each column, the likest pairs first; and all that was weighed.

    Args:
        varying: columns that differ between the lines of a record, and so can fill its goods only.
        repeated: columns that go with others, and so are not chosen themselves.
    """
    ranked = {column.path: rank(column, shape, content) for column in columns}
    by_path = {column.path: column for column in columns}
    pairs = sorted(
        (
            (fit, path)
            for path, fits in ranked.items()
            for fit in fits
            if fit.score >= ENOUGH
            and _apt(by_path[path], fit)
            and (path not in varying or fit.target.startswith("goods."))
            and path not in repeated
        ),
        key=lambda pair: -pair[0].score,
    )
    chosen: dict[str, Choice] = {}
    used: set[str] = set()
    for fit, path in pairs:
        if fit.target not in chosen and path not in used:
            others = [one for one in ranked[path] if one.target != fit.target]
            chosen[fit.target] = Choice(by_path[path], fit, others[0] if others else None)
            used.add(path)
    return chosen, ranked


def _apt(column: Column, fit: Fit) -> bool:
    """Whether values forbid what the name suggests; a column of a list cannot fill a field of the record."""
    if column.births and path_of(fit.target) != "persons.birth_date" and fit.name < _SURE:
        return False
    return not (fit.value == 0.0 and column.values) and not (column.field.list and "." not in fit.target)


def names_someone(column: Column) -> bool:
    """Whether a word of the header is one by which persons, or their papers, are called."""
    of_persons = (called for target, called in known_words().items() if target.startswith("persons."))
    called = {words(one)[0] for several in of_persons for one in several if len(words(one)) == 1} - _NOT_ALONE
    return any(alike([word], [one]) >= ALIKE for word in words(column.path) for one in called)
