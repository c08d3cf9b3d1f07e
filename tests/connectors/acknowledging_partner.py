"""A partner that takes documents from a folder on this machine and acknowledges each in a file of its own, later."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from lxml import etree

from bridge.testing_target import Held

SUFFIX: Final = ".manifest.json"
XSD: Final = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="Text">
    <xs:restriction base="xs:string"><xs:maxLength value="200"/></xs:restriction>
  </xs:simpleType>
  <xs:element name="Cases"><xs:complexType><xs:choice minOccurs="0" maxOccurs="unbounded">
    <xs:element name="Case"><xs:complexType><xs:sequence>
      <xs:element name="case_reference" type="xs:string"/>
      <xs:element name="summary" type="Text" minOccurs="0"/>
      <xs:element name="amount" type="xs:decimal" minOccurs="0"/>
      <xs:element name="seized_on" type="xs:date" minOccurs="0"/>
      <xs:element name="changed_at" type="xs:dateTime" minOccurs="0"/>
      <xs:element name="declared" type="xs:boolean" minOccurs="0"/>
      <xs:element name="goods" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
        <xs:element name="line" type="xs:integer"/>
        <xs:element name="description" type="Text" minOccurs="0"/>
        <xs:element name="quantity" type="xs:decimal" minOccurs="0"/>
        <xs:element name="seals" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="Withdrawal"><xs:complexType><xs:sequence>
      <xs:element name="case_reference" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:choice></xs:complexType></xs:element>
</xs:schema>"""
"""The schema of its documents: the fields of the conformance suite."""
OPTIONS: Final = {
    "record": "/Cases/Case",
    "withdraw": {"element": "Withdrawal", "key": "case_reference"},
    "acknowledge": {"folder": "acks", "reasons": "E042"},
}


class Acknowledging:
    """The partner: does once what each document says, in the order of their manifests, and says so in ``acks``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, tuple[str | None, str | None, list[tuple[int, str]]]] = {}
        self.carried = Counter[str]()
        """How often each document had an effect."""
        self._judged: set[str] = set()
        (folder / "acks").mkdir(parents=True)

    def held(self) -> Held:
        """The records that it has now, by key."""
        return dict(self.records)

    def work(self) -> None:
        """Take what has come, once."""
        manifests = sorted(self.folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
        for manifest in manifests:
            name = manifest.name.removesuffix(SUFFIX)
            if name not in self._judged:
                self._judged.add(name)
                self._acknowledge(name, self._take(name, json.loads(manifest.read_bytes())))

    def _take(self, name: str, told: dict[str, str]) -> str:
        document = (self.folder / name).read_bytes()
        assert (told["file"], told["sha256"]) == (name, hashlib.sha256(document).hexdigest())
        (self.folder / name).unlink()
        (record,) = etree.fromstring(document)
        key = record.findtext("case_reference") or ""
        amount = record.findtext("amount")
        if amount is not None and Decimal(amount) < 0:
            return f"refused E042 {record.findtext('summary')}"
        self.carried[name] += 1
        if record.tag == "Withdrawal":
            self.records.pop(key, None)
        else:
            goods = record.iter("goods")
            lines = [(int(one.findtext("line") or 0), one.findtext("description") or "") for one in goods]
            plain = None if amount is None else f"{Decimal(amount).normalize():f}"
            self.records[key] = (record.findtext("summary"), plain, lines)
        return "accepted"

    def _acknowledge(self, name: str, text: str) -> None:
        draft = self.folder / "acks" / f".{name}"
        draft.write_text(text, encoding="utf-8")
        draft.rename(self.folder / "acks" / f"{name}.ack")


@contextmanager
def acknowledging(folder: Path) -> Iterator[Acknowledging]:
    """The partner at work in this folder, stopped afterwards."""
    partner, ended = Acknowledging(folder), threading.Event()

    def run() -> None:
        while not ended.wait(0.005):
            partner.work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield partner
    finally:
        ended.set()
        thread.join()
