"""What every Target must do, as tests to inherit.

    class TestMine(TargetConformance):
        @pytest.fixture
        def partner(self) -> Partner: ...

The suite brings its own records (``SHAPE``): a key, a few typed fields and one
list. A target that promises less says so in a class attribute, and the tests of that
promise are not among its tests. A target that sends messages (Sending) may have its
receipts later than the messages; the suite waits for them as a later share would.
"""

from __future__ import annotations

from bridge.testing_target.carrying import Carrying
from bridge.testing_target.failing import Failing
from bridge.testing_target.ordering import Ordering
from bridge.testing_target.partner import PROCESSES, Partner, deliver, deliver_in_process, words
from bridge.testing_target.promises import promised
from bridge.testing_target.versions import CANARY, SHAPE, Held, Version, any_version, batch, highest, orders

__all__ = [
    "CANARY",
    "PROCESSES",
    "SHAPE",
    "Held",
    "Partner",
    "TargetConformance",
    "Version",
    "any_version",
    "batch",
    "deliver",
    "deliver_in_process",
    "highest",
    "orders",
    "promised",
    "words",
]


class TargetConformance(Carrying, Ordering, Failing):
    """Promises of a Target, each a test."""
