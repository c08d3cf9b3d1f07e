"""HTTPS services: what one gives page by page as a source, and what one takes as a partner, each record a request with
its own key and its own receipt. Options of each are described at RestSource and RestTarget. Also a time-stamping
authority, which is neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.shape import Shape
from connectors.rest.reading import RestSource
from connectors.rest.saved import SavedPages
from connectors.rest.sending import RestTarget
from connectors.rest.stamping import StampService

__all__ = ["RestSource", "RestTarget", "SavedPages", "StampService", "saved", "source", "stamping", "target"]


def saved(folder: str, options: Mapping[str, Any], shape: Shape) -> SavedPages:
    """What reads pages of the source that were saved as files of a folder."""
    return SavedPages(folder, options, shape)


def source(connection: str, options: Mapping[str, Any], shape: Shape) -> RestSource:
    """The source whose service is at ``connection``."""
    return RestSource(connection, options, shape)


def target(connection: str, options: Mapping[str, Any], shape: Shape) -> RestTarget:
    """The partner whose service is at ``connection``."""
    return RestTarget(connection, options, shape)


def stamping(connection: str, seconds: int) -> StampService:
    """The time-stamping authority whose service is at ``connection``."""
    return StampService(connection, seconds)
