"""Inputs that no longer look as their schema says: what the mapping declares happens, with a patch proposed.

What columns an input has its connector notes once, from the header or the table; in formats without a header the
records that show a new field are problems already. So nothing here looks at a record that is sound.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from bridge.connector import Input
from bridge.errors import Problem, Stop
from bridge.mapping import Mapping as FieldMapping
from bridge.shape import Type

log = logging.getLogger(__name__)

HOLD: Final = "hold"
STOP: Final = "stop"
UNKNOWN: Final = frozenset({"UNKNOWN_ELEMENT", "UNKNOWN_ATTRIBUTE", "UNKNOWN_FIELD"})
"""Problems of records that have a field which the schema does not know."""
FORM: Final = frozenset({"BAD_DATE", "BAD_DATETIME", "BAD_NUMBER", "BAD_BOOLEAN"})
"""Problems of values that are not of their field's form."""
HEADLESS: Final = frozenset({"HEADER", "DELIMITER"})
"""Problems of inputs whose first line names too few columns to be a header."""
SHARE: Final = 0.5
ENOUGH: Final = 20
"""Of at least so many records, a field in which that share is not of its form has another type."""
SHOWN: Final = 8
"""So many names of fields that the schema does not know are told."""
LONGEST: Final = 60
"""So many characters of each: it is written by the supplier, and may be anything."""
_SAME: Final = {Type.CODE: Type.TEXT, Type.INTEGER: Type.DECIMAL}


@dataclass(frozen=True, slots=True)
class Drift:
    """Fields by which an input and its schema differ."""

    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = [f"and {len(self.new) - SHOWN} more"] * (len(self.new) > SHOWN)
        new = [*map(_told, self.new[:SHOWN]), *more]
        kinds = {"new": new, "missing": self.missing, "of another type": self.retyped}
        return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)

    def stops(self, said: Mapping[str, str]) -> bool:
        """Whether the mapping declares that one of them stops the run."""
        kinds = {"new": self.new, "missing": self.missing, "retyped": self.retyped}
        return any(names and said.get(kind, HOLD) == STOP for kind, names in kinds.items())


def columns_drift(mapping: FieldMapping, noted: Mapping[str, str]) -> Drift:
    """How the columns that an input has, by path with their type if that is known, differ from the schema's."""
    shape = mapping.source_shape
    retyped = [
        f"{path} ({kind})"
        for path, kind in noted.items()
        if kind and (field := shape.find(path)) is not None and _plain(Type(kind)) != _plain(field.type)
    ]
    # A text may hold what the schema types more narrowly; the rules see to each value.
    return Drift(
        tuple(path for path in noted if shape.find(path) is None),
        tuple(field.path for field in shape if field.path not in noted),
        tuple(one for one in retyped if not one.endswith(f"({Type.TEXT})")),
    )


def _told(name: str) -> str:
    """A supplier's name for a field as one short word, in which no line ends."""
    return repr(name[:LONGEST])


def _plain(kind: Type) -> Type:
    return _SAME.get(kind, kind)


def watch_columns(where: str, mapping: FieldMapping, one: Input) -> Input:
    """The input, with a note of its drift if it has any and the run goes on.

    What was noted of an earlier state of the schema does not stay.

    Raises:
        Stop: DRIFT, where the mapping declares so.
    """
    one = replace(one, notes={name: note for name, note in one.notes.items() if name not in ("drift", "patch")})
    noted = json.loads(one.notes.get("columns", "{}"))
    if not noted and one.problem is not None and one.problem.code in HEADLESS and STOP in mapping.drift.values():
        # Nothing of its first line is told here: it may be somebody's record.
        raise Stop(
            "DRIFT",
            where,
            f"{one.name} has no header line by schemas/{mapping.source['schema']}, which stops by {mapping.where}",
            "Nothing of the window was taken in. Have the supplier write the column names there, or mend schema and "
            "mapping, then run the window again",
        )
    drift = columns_drift(mapping, noted) if noted and len(mapping.source_shape.fields) else Drift()
    if not str(drift):
        return one
    _stop(where, mapping, one.name, drift)
    log.warning("%s: %s differs from schemas/%s: %s", where, one.name, mapping.source["schema"], drift)
    return replace(one, notes={**one.notes, "drift": str(drift), "patch": patch(mapping, drift)})


class Watch:
    """What the problems of one input's records tell of its shape."""

    def __init__(self, where: str, mapping: FieldMapping, name: str) -> None:
        self._where, self._mapping, self._name = where, mapping, name
        self._new: dict[str, None] = {}
        self._form: Counter[str] = Counter()

    def see(self, problems: Iterable[Problem]) -> None:
        """Take in the problems of one batch."""
        for problem in problems:
            if problem.code in UNKNOWN:
                self._new[problem.field] = None
            elif problem.code in FORM:
                self._form[problem.field] += 1

    def end(self, read: int) -> None:
        """After so many records were read of it.

        Raises:
            Stop: DRIFT, where the mapping declares so.
        """
        many = [field for field, count in self._form.items() if read >= ENOUGH and count > SHARE * read]
        drift = Drift(tuple(self._new), (), tuple(many))
        if str(drift):
            _stop(self._where, self._mapping, self._name, drift)
            log.warning("%s: %s differs from its schema: %s", self._where, self._name, drift)


def _stop(where: str, mapping: FieldMapping, name: str, drift: Drift) -> None:
    if drift.stops(mapping.drift):
        raise Stop(
            "DRIFT",
            where,
            f"{name} differs from schemas/{mapping.source['schema']} ({drift}), which stops by {mapping.where}",
            f"Nothing of the window was taken in. Mend schema and mapping, then run the window again. Proposed:\n"
            f"{patch(mapping, drift)}",
        )


def patch(mapping: FieldMapping, drift: Drift) -> str:
    """What schema and mapping would need to say, for a person to look at: lines to add and to take out."""
    lines = [f"schemas/{mapping.source['schema']}"]
    lines += [f"- {path}" for path in drift.missing]
    lines += [f"+ {_told(path)}: text, x-class: ?, x-sensitivity: ?" for path in drift.new[:SHOWN]]
    lines += [f"~ {path}: another type" for path in drift.retyped]
    lines.append(mapping.where)
    rules = {name: rule.line for _, _, rule in mapping.spec.rules_of() for name in rule.fields}
    gone = list(drift.missing)
    for path in drift.new[:SHOWN]:
        near = get_close_matches(path, gone, 1, 0.5)
        if near:
            gone.remove(near[0])
            lines.append(f"~ line {rules.get(near[0], 1)}: {near[0]} is now called {_told(path)}?")
        else:
            lines.append(f"+ ignore: {{{_told(path)}: {{why: ?}}}}   (or map it)")
    lines += [f"- line {rules[path]}: what reads {path}" for path in gone if path in rules]
    return "\n".join(lines)
