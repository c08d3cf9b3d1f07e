"""Files that are bad as a whole, as any drop folder sees them one day; nothing of them may flow."""

from __future__ import annotations

import gzip
from typing import Final

_RECORD: Final = (
    '  <Seizure ref="FR-BROKEN-1" updated="2026-01-01T06:00:00Z">\n    <Form>SIMPLIFIED</Form>\n'
    "    <Status>NEW</Status>\n    <ReportingCountry>FR</ReportingCountry>\n"
    "    <SeizureDate>2025-12-31</SeizureDate>\n    <Country>FR</Country>\n"
    '    <Goods>\n      <Item no="1">\n        <Group>OTH</Group>\n        <Type>FIREWORKS</Type>\n'
    "        <Quantity>5.00</Quantity>\n        <Unit>KGM</Unit>\n      </Item>\n    </Goods>\n  </Seizure>\n"
)
_START: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SOUND: Final = f"{_START}<CEN>\n{_RECORD}</CEN>\n"


def broken_files() -> dict[str, tuple[str, bytes]]:
    """By name of what is wrong: the code that intake must give the file, and its bytes."""
    accented = _SOUND.replace("<Country>FR</Country>", "<Country>FR</Country>\n    <Narrative>découvert</Narrative>")
    entity = '<!DOCTYPE CEN [<!ENTITY file SYSTEM "file:///etc/hostname">]>\n'
    laughs = '<!DOCTYPE CEN [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>\n'
    return {
        "truncated": ("TRUNCATED", _SOUND[: _SOUND.index("<Quantity>")].encode()),
        "doctype": ("DOCTYPE", _SOUND.replace("<CEN>", f"{entity}<CEN>").encode()),
        "laughs": ("DOCTYPE", _SOUND.replace("<CEN>", f"{laughs}<CEN>").encode()),
        "latin1": ("ENCODING", accented.encode("latin-1")),
        "empty": ("EMPTY", b""),
        "packed": ("PACKED", gzip.compress(_SOUND.encode(), mtime=0)),
        "other_root": ("ROOT", _SOUND.replace("CEN>", "Seizures>").encode()),
        "malformed": ("NOT_WELL_FORMED", _SOUND.replace("</Status>", "</Form>").encode()),
        "trailing": ("NOT_WELL_FORMED", f"{_SOUND}<CEN/>\n".encode()),
    }
