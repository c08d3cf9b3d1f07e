"""How the records of a batch are called at their origin, whatever else becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bridge.batch import Batch
from bridge.mapping.apply import forward
from bridge.mapping.model import Literal, Mapping
from bridge.shape import shape_of

SYSTEM: Final = "origin_system"
NUMBER: Final = "origin_record_id"


@dataclass(frozen=True, slots=True)
class Named:
    """What the records of a batch are called.

    Args:
        names: origin system and identifier of each record that tells both.
        unsure: whether a record tells none, or was not read whole, so that it may be any.
    """

    names: frozenset[tuple[str, str]]
    unsure: bool


def identify(mapping: Mapping, batch: Batch) -> Named:
    """The names that a mapping into the common schema gives the records of a batch, those that it holds or leaves out
    of scope among them.

    Args:
        batch: as for forward().
    """
    rules = tuple(rule for rule in mapping.spec.rules if rule.target in (SYSTEM, NUMBER))
    if any(rule.codes for rule in rules):  # its rows may hold for a time only, and what is called so is then not told
        return Named(frozenset(), unsure=True)
    fields = [field for name in (SYSTEM, NUMBER) if (field := mapping.target_shape.find(name)) is not None]
    shape = shape_of(mapping.target_shape.name, [replace(field, required=True) for field in fields])
    names: set[tuple[str, str]] = set()
    unsure = bool(batch.problems)
    # An identifier may count how often a content occurs among the records in scope.
    for scope in dict.fromkeys((mapping.spec.scope, ())):
        spec = replace(mapping.spec, rules=rules, blocks=(), scope=scope)
        mapped = forward(replace(mapping, spec=spec, target_shape=shape, plans={}), replace(batch, problems=()))
        root = mapped.batch.root
        names.update(zip(*(root.column(name).to_pylist() for name in (SYSTEM, NUMBER)), strict=True))
        unsure |= mapped.rows.num_rows > root.num_rows
    return Named(frozenset(names), unsure)


def system_of(mapping: Mapping) -> str:
    """The one system whose records a mapping makes; "" if their origin stands in each."""
    rule = next((rule for rule in mapping.spec.rules if rule.target == SYSTEM), None)
    said = rule.inputs[0] if rule is not None and rule.combine == "const" and not rule.when else ""
    return said.text if isinstance(said, Literal) else ""
