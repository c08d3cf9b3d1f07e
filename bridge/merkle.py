"""Merkle trees as in RFC 6962, section 2.1: one hash commits to a list, and a short path proves one entry of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

SIZE: Final = 32
"""Bytes of a hash (SHA-256)."""
LEAF: Final = b"\x00"
NODE: Final = b"\x01"
_BLOCK: Final = SIZE << 14
"""Bytes of leaf hashes that are hashed as a tree of their own: a power of two of leaves, so that it is a part of the
whole tree."""
EMPTY: Final = hashlib.sha256(b"").digest()
"""Root of the empty tree."""


def leaf(entry: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(LEAF + entry).digest()


def split(leaves: bytes) -> list[bytes]:
    """Leaf hashes that stand one after another.

    Raises:
        ValueError: the length is no multiple of 32.
    """
    if len(leaves) % SIZE:
        raise ValueError("leaf hashes are 32 bytes each")
    return [leaves[at : at + SIZE] for at in range(0, len(leaves), SIZE)]


def root(leaves: Sequence[bytes]) -> bytes:
    """Hash of the whole tree over these leaf hashes."""
    level = list(leaves)
    if not level:
        return EMPTY
    for following in _levels(level):
        level = following
    return level[0]


def root_of(leaves: bytes) -> bytes:
    """Hash of the whole tree over leaf hashes that stand one after another, in little memory.

    Raises:
        ValueError: the length is no multiple of 32.
    """
    return root([root(split(leaves[at : at + _BLOCK])) for at in range(0, len(leaves), _BLOCK)])


def path(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """The hashes with which one leaf leads to the root, from the bottom up (RFC 6962, 2.1.1).

    Raises:
        IndexError: there is no such leaf.
    """
    level = list(leaves)
    if not 0 <= place < len(level):
        raise IndexError(f"no leaf {place} of {len(level)}")
    found = []
    for following in _levels(level):
        sibling = place ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        place //= 2
        level = following
    return found


def leads(entry: bytes, place: int, size: int, way: Sequence[bytes], to: bytes) -> bool:
    """Whether the leaf hash at this place of a tree of this size leads by the path to that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= place < size:
        return False
    now, last, left = entry, size - 1, list(way)
    while last:
        if place % 2 or place < last:
            if not left:
                return False
            other = left.pop(0)
            now = _node(other, now) if place % 2 else _node(now, other)
        place //= 2
        last //= 2
    return not left and now == to


def _levels(level: list[bytes]) -> Iterator[list[bytes]]:
    """Each level above the leaves. A last one without a partner rises as it is, which makes RFC 6962's tree."""
    sha256 = hashlib.sha256
    while len(level) > 1:
        above = [sha256(NODE + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
        yield level


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()
