"""What a target may promise, and which tests are about which promise."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

import pytest

from bridge.connector import Sending, Target
from bridge.testing_target.partner import Partner

Test = TypeVar("Test", bound=Callable[..., None])


def promised(name: str, *, made: bool = True) -> Callable[[Test], Test]:
    """Marks a test of a promise that a target may not make, or, with ``made=False``, of what holds without it.

    Args:
        name: the class attribute that says whether the target makes it.
    """

    def mark(test: Test) -> Test:
        test.promise = (name, made)  # type: ignore[attr-defined]
        return test

    return mark


class Promises:
    """What a target promises; a subclass says of which it promises less."""

    versioned: ClassVar[bool] = True
    """The partner's side knows versions: late and repeated ones change nothing, a withdrawn key stays away, a recalled
    one until a higher version comes."""
    fenced: ClassVar[bool] = True
    """The target has ``loader`` and ``epoch`` and refuses a past one."""
    counted: ClassVar[bool] = True
    """The partner can say how many records of ours it holds."""
    whole: ClassVar[bool] = True
    """A batch is carried out as a whole or not at all."""
    telling: ClassVar[bool] = True
    """A receipt says what was done: insert, update or withdraw. Without it, that it was done."""

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what this target does not promise: a skipped one would be noise in every run."""
        super().__init_subclass__()
        tests = [(name, test) for base in cls.__mro__[1:] for name, test in vars(base).items()]
        for name, test in tests:
            if not hasattr(test, "promise"):
                continue
            promise, made = test.promise
            kept = getattr(cls, promise) is made
            if kept is (getattr(cls, name) is None):
                setattr(cls, name, test if kept else None)

    @pytest.fixture
    def partner(self) -> Partner:
        """The partner under test, empty; each subclass gives its own."""
        pytest.fail("a conformance test gives the partner")

    def says(self, *effects: str) -> list[str]:
        """What receipts of these effects tell of them."""
        done = ("insert", "update", "withdraw")
        return [effect if self.telling or effect not in done else "delivered" for effect in effects]

    def counts(self, target: Target | Sending, records: int) -> None:
        """The partner, asked by the target, says that it holds so many, if it is promised to say so."""
        if self.counted:
            assert not isinstance(target, Sending)
            assert target.count() == records
