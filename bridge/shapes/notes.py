"""What a schema says about a field beside its type: class, sensitivity, code list, source of the definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from bridge.errors import Misconfigured
from bridge.shape import Class, Sensitivity, Type

_E = TypeVar("_E", bound=StrEnum)
NAMES = ("class", "sensitivity", "codes", "type", "cite")


@dataclass(frozen=True, slots=True)
class Notes:
    """Annotations of one field; unsaid ones come from the group or list around it, at last free text."""

    cls: Class = Class.FREE_TEXT
    sensitivity: Sensitivity = Sensitivity.FREE_TEXT
    code_list: str = ""
    type: Type | None = None
    cite: str = ""

    def read(self, said: Mapping[str, str], where: str) -> Notes:
        """Notes of a field inside what these notes describe.

        Raises:
            Misconfigured: a name or value that does not exist.
        """
        for name in said:
            if name not in NAMES:
                raise Misconfigured("BAD_SCHEMA", where, f"unknown annotation {name}", f"Use {', '.join(NAMES)}")
        return replace(
            self,
            cls=_member(Class, said["class"], where) if "class" in said else self.cls,
            sensitivity=_member(Sensitivity, said["sensitivity"], where) if "sensitivity" in said else self.sensitivity,
            code_list=said.get("codes", ""),
            type=_member(Type, said["type"], where) if "type" in said else None,
            cite=said.get("cite", self.cite),
        )


def _member(kind: type[_E], value: str, where: str) -> _E:
    try:
        return kind(value)
    except ValueError:
        raise Misconfigured(
            "BAD_SCHEMA", where, f"{value} is no {kind.__name__.lower()}", f"Use one of {', '.join(kind)}"
        ) from None


FULL_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""Pattern of a date field that cannot hold a month or a year alone."""
