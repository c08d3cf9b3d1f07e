"""Pages that a person has saved as files, read as the service's own, to try a mapping on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bridge import bundle
from bridge.connector import Input, Offer, Window
from connectors.rest.pages import Unreadable, Walk, opened
from connectors.rest.reading import RestSource


class SavedPages(RestSource):
    """The files of a folder, each a page; nothing is asked of any service.

    Args:
        connection: the folder.
        options, shape: as of RestSource.
    """

    def offers(self, window: Window) -> list[Offer]:
        """Every file that was saved before the window's end."""
        files = [path for path in Path(self._connection).iterdir() if path.is_file()]
        found = [Offer(one.name, datetime.fromtimestamp(one.stat().st_mtime, UTC)) for one in files]
        return sorted((one for one in found if one.arrival < window.until), key=lambda one: (one.arrival, one.name))

    def fetch(self, offer: Offer, archive: Path) -> Input:
        """Archive the file as a window of one page, and count its records."""
        with bundle.writing(archive, ".rest-") as out:
            walk = Walk(out)
            body = (Path(self._connection) / offer.name).read_bytes()
            walk.keep(body, 0)
            try:
                walk.counted = len(opened(body, offer.name, self._records)[1])
            except Unreadable as bad:
                walk.problem = bad.problem
            sha256, size, path = walk.close({"file": offer.name})
        counted = None if walk.problem else walk.counted
        return Input(offer.name, sha256, size, offer.arrival, path, counted, walk.problem)
