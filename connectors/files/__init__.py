"""Files in a folder: what a source system drops for us, and what we drop for a partner.

``source`` reads XML, CSV, XLSX and JSON lines; ``target`` writes XML. The
folder is one of this machine, named by a path or a ``file://`` URL, or one on a
server, named by an ``sftp://`` URL. Options of each are described at FilesSource,
FilesTarget and AcknowledgedTarget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.shape import Shape
from connectors.files.acknowledging import AcknowledgedTarget
from connectors.files.drop import FilesSource
from connectors.files.outdrop import FilesTarget

__all__ = ["AcknowledgedTarget", "FilesSource", "FilesTarget", "source", "target"]


def source(connection: str, options: Mapping[str, Any], shape: Shape) -> FilesSource:
    """The source whose files lie in the folder ``connection``."""
    return FilesSource(connection, options, shape)


def target(connection: str, options: Mapping[str, Any], shape: Shape) -> FilesTarget | AcknowledgedTarget:
    """The partner whose drop folder is ``connection``; with option ``acknowledge``, one that acknowledges each file."""
    kind = AcknowledgedTarget if "acknowledge" in options else FilesTarget
    return kind(connection, options, shape)
