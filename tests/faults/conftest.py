"""One world for the small fault runs that belong to every test run; the long ones are ``make test-faults``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Two servers, durable as in operation; gone before other tests go on, and so is the content they put first."""
    with World() as made:
        yield made
