"""On which legal ground a partner may receive what: a mapping's release block, field by field, for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bridge.content import Content
from bridge.mapping import Release, load_on
from bridge.policy import may_leave


@dataclass(frozen=True, slots=True)
class Policy:
    """What one partner may see.

    Args:
        partner: the system's name here.
        fields: by class, the common schema's fields that may leave, and those that may not.
        fingerprint: of the mapping that this was read from.
    """

    partner: str
    mapping: str
    version: str
    fingerprint: str
    release: Release
    fields: Mapping[str, tuple[list[str], list[str]]]

    def why(self, code: str | None) -> str:
        """Why a rule of this policy withholds; "" if it has no such rule."""
        return "; ".join(dict.fromkeys(rule.why for rule in self.release.withhold if rule.code == code))


def partners() -> list[str]:
    """Systems that we share with."""
    return Content.find().partners()


def policy(partner: str) -> Policy | None:
    """The partner's policy as its mapping says it now; None if there is no such mapping any more."""
    content = Content.find()
    if partner not in content.partners():
        return None
    changed = content.mapping(partner, "share").stat().st_mtime_ns
    return _policy(content, partner, changed)


@lru_cache(maxsize=64)
def _policy(content: Content, partner: str, changed: int) -> Policy | None:  # noqa: ARG001 -- part of the key
    mapping = load_on(content, partner, "share")
    if mapping.release is None:
        return None
    fields: dict[str, tuple[list[str], list[str]]] = {}
    for field in mapping.source_shape:
        kept = 0 if may_leave(mapping.release, field) else 1
        fields.setdefault(field.cls.value, ([], []))[kept].append(field.path)
    return Policy(partner, mapping.name, mapping.version, mapping.fingerprint, mapping.release, fields)
