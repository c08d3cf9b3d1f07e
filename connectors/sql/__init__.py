"""Connector for relational databases: records out of, or into, a root table and the tables that refer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.shape import Shape
from connectors.sql.loading import SqlTarget
from connectors.sql.reading import SqlSource

__all__ = ["SqlSource", "SqlTarget", "source", "target"]


def source(connection: str, options: Mapping[str, Any], shape: Shape) -> SqlSource:
    """Records of a database by when they were last modified."""
    return SqlSource(connection, options, shape)


def target(connection: str, options: Mapping[str, Any], shape: Shape) -> SqlTarget:
    """Records into a database, each with its proof."""
    return SqlTarget(connection, options, shape)
