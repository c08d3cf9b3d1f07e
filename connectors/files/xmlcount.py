"""The independent count of an XML file's records: tags of one name, in bytes that hold nothing but elements."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.files.common import MIB


def count_bytes(path: Path, local: str) -> int | None:
    """Records that follow one another with white space between, or None where bytes alone cannot tell."""
    counts = _Counts(local.encode())
    with path.open("rb") as file:
        # The declaration is the one instruction that may be there.
        tail = re.sub(rb"^(\xef\xbb\xbf)?<\?xml\s.*?\?>", b"", file.read(1024), count=1, flags=re.DOTALL)
        while block := file.read(MIB):
            tail = counts.add(tail + block)
            if not counts.sure:
                return None
    counts.add(tail, last=True)
    # Joined end to start throughout, they are siblings of the first: none is inside another, none is elsewhere.
    sure = counts.sure and (counts.starts == counts.ends == counts.joints + 1 or counts.starts == counts.ends == 0)
    return counts.starts if sure else None


class _Counts:
    """Tags of one name, counted in bytes that hold nothing but elements."""

    def __init__(self, local: bytes) -> None:
        self.starts = self.ends = self.joints = 0
        self.sure = True
        self._local = local
        self._spelled = b""

    def add(self, data: bytes, *, last: bool = False) -> bytes:
        """Count in all but the end of the data, which is given back to be counted with what follows it."""
        # One byte is found far faster than two, and most files have neither.
        self.sure = self.sure and not any(mark[1:] in data and mark in data for mark in (b"<!", b"<?"))
        if not self._spelled and self._local in data:
            match = re.search(rb"<((?:[^\s<>/:]+:)?" + re.escape(self._local) + rb")[\s/>]", data)
            self._spelled = match[1] if match else b""
        cut = data.rfind(b"</" + self._spelled) if self._spelled else 0
        if cut <= 0:
            cut = max(data.rfind(b"<"), 0)
        data, tail = (data, b"") if last else (data[:cut], data[cut:])
        if self._spelled:
            name = re.escape(self._spelled)
            self.starts += len(re.findall(rb"<" + name + rb"(?=[\s/>])", data))
            # One pass for both: each end, and what joins it to the next start if that follows.
            found = re.findall(rb"</" + name + rb"\s*>(\s*<" + name + rb"(?=[\s/>]))?", data)
            self.ends += len(found)
            self.joints += len(found) - found.count(b"")
            self.sure = self.sure and self._is_only_spelling(data)
        return tail

    def _is_only_spelling(self, data: bytes) -> bool:
        """Whether no other prefix, or none, stands before the name."""
        prefixed = data.count(b":" + self._local)
        if b":" not in self._spelled:
            return prefixed == 0
        plain = data.count(b"<" + self._local) + data.count(b"</" + self._local)
        return plain == 0 and prefixed == data.count(b"<" + self._spelled) + data.count(b"</" + self._spelled)
