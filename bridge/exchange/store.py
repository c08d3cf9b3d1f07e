"""The exchange as the flow sees it: every operation one transaction, or a stream of them."""

from __future__ import annotations

from bridge.exchange.asked import Asked
from bridge.exchange.collected import Collected
from bridge.exchange.lifecycle import Lifecycle
from bridge.exchange.reported import Reported
from bridge.exchange.shared import Shared


class Exchange(Collected, Shared, Asked, Lifecycle, Reported):
    """The store of record versions, runs and deliveries in one PostgreSQL database.

    All methods raise TryLater when the database is away or a lock was not had in time, and no error
    carries a value of a record.

    Args:
        url: postgresql+psycopg://user:password@host:port/database
        role: whose rights it has; without one those of the account, which migrates, erases and empties.
    """
