"""Partners with an HTTPS service: one JSON document per request, each with its own key and its own receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.shape import Shape
from connectors.rest.sending import RestTarget

__all__ = ["RestTarget", "target"]


def target(connection: str, options: Mapping[str, Any], shape: Shape) -> RestTarget:
    """The partner whose service is at ``connection``."""
    return RestTarget(connection, options, shape)
