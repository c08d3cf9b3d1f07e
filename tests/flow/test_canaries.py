"""Names planted in every field of persons, of businesses and of free words; whatever fails and wherever, none is told.

What is looked through: the errors and all that hangs on them, the command line's output, the run's row and every
other table of the exchange but those of documents, both databases' server log, all files, the archive and what waits
between steps included, and all that a partner without a right to persons was given.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bridge import encrypted, settings
from bridge.cli import EXIT_BY_ERROR, main
from bridge.content import Content
from bridge.errors import MASKED, BridgeError
from bridge.exchange import Exchange
from bridge.feed.partner import CANARY
from bridge.flow import collecting, sharing
from bridge.postgres import Server
from bridge.testing_target import words
from tests.flow.conftest import Installation, windows

DOCUMENTS = {"record_version"}
"""Tables of the exchange whose work it is to hold what records say, in plain."""
WINDOW = windows()[0]
RANGE = ("--since", f"{WINDOW.since:%Y-%m-%d}", "--until", f"{WINDOW.until:%Y-%m-%d}")
QUOTING = '''
"""A connector as a careless colleague writes it: it fails and quotes all that it was given."""
from connectors import files, sql

class Source:
    def __init__(self, connection, options, shape):
        inner = (files if "format" in options else sql).source(connection, options, shape)
        self.fields, self.offers, self.fetch = inner.fields, inner.offers, inner.fetch
    def read(self, source_input):
        raise ValueError(source_input.path.read_bytes().decode(errors="replace"))

class Target:
    lanes = 1
    def __init__(self, connection, options, shape):
        self.shape = shape
    def fields(self):
        return self.shape
    def count(self):
        return None
    def deliver(self, batch, orders):
        raise ValueError(repr([table.to_pylist() for table in batch.tables.values()]))

source, target = Source, Target
'''


@dataclass
class Planted:
    """An installation full of planted names, and all that it was heard to say.

    Args:
        root: of content, before ours.
        said: every text that came out, by where it came out.
    """

    installation: Installation
    root: Path
    said: dict[str, str] = field(default_factory=dict)

    def change(self, path: str, *changes: tuple[str, str]) -> None:
        """Put a changed copy of a file before ours; every change must happen. Examples hold of our own file only."""
        text = Content.find().path(path).read_text(encoding="utf-8").partition("\nexamples:\n")[0] + "\n"
        for before, after in changes:
            assert before in text, f"{path} has no {before}"
            text = text.replace(before, after)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def fails(self, code: str, *command: str) -> None:
        """Collecting or sharing fails so, called from Python and typed; what the error and its causes say is kept."""
        verb, name = command
        with pytest.raises(BridgeError) as raised:
            collecting.collect(name, WINDOW, fresh=False) if verb == "run" else sharing.share(name)
        self.said["error"] = words(raised.value)
        assert raised.value.code == code
        assert self.types(*command) == EXIT_BY_ERROR[type(raised.value).__name__]

    def types(self, verb: str, *words: str) -> int:
        """The exit code of a command, for the planted day; its output is kept with all else."""
        with pytest.raises(SystemExit) as left:
            main([verb, *words, *(RANGE if verb == "run" else ())])
        return int(left.value.code or 0)


@pytest.fixture
def planted(
    fed: Installation,
    postgres: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Planted]:
    """After the test, whatever it did, all that was written and said is looked through."""
    root, drop, temporary = tmp_path / "content", fed.drop("cen"), tmp_path / "tmp"
    for folder in (root / "mappings", root / "connectors", drop, temporary):
        folder.mkdir(parents=True)
    (root / "connectors" / "quoting.py").write_text(QUOTING, encoding="utf-8")
    monkeypatch.setenv("BRIDGE_CONTENT", str(root))
    monkeypatch.setenv("BRIDGE_CONN_CEN_DROP", str(drop))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = Planted(fed, root)
    found.change("mappings/cis/collect.yaml", ('every: "0 * * * *"', 'every: "0 0 * * *"'))
    arrive(drop, "sound", document())
    yield found
    for command in (["held"], ["held", "--json"], ["books"], ["verify"]):
        found.types(*command)
    found.said["output"] = "".join(capfd.readouterr())
    found.said["exchange"] = rows(fed.exchange)
    found.said["server log"] = postgres.log.read_text(encoding="utf-8", errors="replace")
    for folder in (settings.home(), temporary, fed.cen_out):
        for path in folder.rglob("*"):
            if path.is_file():
                found.said[str(path)] = f"{path} {path.read_bytes().decode('utf-8', errors='replace')}"
    assert len(found.said["output"]) > 200
    archived = [plain(path).lower() for path in settings.archive().rglob("*") if path.is_file()]
    assert any(CANARY.encode() in text for text in archived), "there was something to tell"
    assert [where for where, text in found.said.items() if CANARY in text.casefold()] == []


def plain(path: Path) -> bytes:
    """An archived input, opened."""
    with path.open("rb") as kept:
        return b"".join(encrypted.read(kept, path.name, "archive"))


def arrive(drop: Path, name: str, text: str) -> None:
    """Drop a file at noon of the window."""
    path = drop / f"{name}.xml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    noon = WINDOW.since.timestamp() + 43200
    os.utime(path, (noon, noon))


def document(*changes: tuple[str, str]) -> str:
    """Our sample of CEN with a name in all its free words."""
    text = Content.find().path("mappings/cen/samples/tobacco.xml").read_text(encoding="utf-8")
    for element in ("Narrative", "ModusOperandi", "ConcealmentText", "Description"):
        assert f"<{element}>" in text
        text = text.replace(f"<{element}>", f"<{element}>Anna C{CANARY} ")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    return text


def rows(url: str) -> str:
    """Every row of every table of the exchange but those of documents."""
    told: list[str] = []
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        listed = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'exchange%'"
        names = session.execute(listed).fetchall()
        assert {table for _, table in names} > DOCUMENTS
        for schema, table in names:
            if table not in DOCUMENTS:
                found = session.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table)))
                told += [row[0] for row in found]
    return "\n".join(told)


def personal(url: str) -> list[str]:
    """The personal parts of accepted documents in which a planted name stands."""
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        asked = "SELECT bridge_id, version, payload, key_id FROM exchange_nominal.payload_nominal"
        opener = encrypted.Opener()
        texts = [
            opener.text(key, sealed, encrypted.owner(record.bytes, version))
            for record, version, sealed, key in session.execute(asked)
        ]
    return [text for text in texts if CANARY in text.lower()]


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as session:
        session.execute(statement.encode())


def test_records_that_cannot_be_read(planted: Planted) -> None:
    narrative, reference, whole = "<Narrative>", "FR-2026-0001234", document()
    bad = {
        "repeated": document((narrative, f"<Narrative>C{CANARY}</Narrative>{narrative}"), (reference, "A")),
        "unknown": document((narrative, f"<Officer>C{CANARY}</Officer>{narrative}"), (reference, "B")),
        "long": document((narrative, narrative + f"C{CANARY} " * 500), (reference, "C")),
        "number": document(("<Quantity>", "<Quantity>x"), (reference, "D")),
        "truncated": whole[: whole.index(CANARY) + 3],
        "tags": whole.replace("</Narrative>", f"</C{CANARY}>"),
        "doctype": whole.replace("<CEN", f'<!DOCTYPE CEN [<!ENTITY n "C{CANARY}">]><CEN', 1),
        "entity": whole.replace(narrative, f"{narrative}&C{CANARY};"),
        "encoding": whole.replace(CANARY, f"{CANARY}\udcff"),
    }
    for name, text in bad.items():
        arrive(planted.installation.drop("cen"), name, text)
    (source,) = collecting.collect("cen", WINDOW, fresh=False).sources
    assert (source.counts["accepted"], source.counts["held"], source.refused) == (1, 4, 5)
    assert planted.types("run", "cen") == 0


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("cen", "summary: {from: Narrative}"),
        ("cen", "description: {from: Description}"),
        ("cis", "surname:                  {from: surname}"),
    ],
)
def test_a_rule_that_refuses_the_value(planted: Planted, source: str, rule: str) -> None:
    planted.change(f"mappings/{source}/collect.yaml", (rule, rule.replace("}", ", codes: sex}")))
    assert planted.types("run", source) == 0
    with Exchange(settings.exchange_url()) as exchange:
        held = exchange.held(source=source)
    assert {one.field.rpartition(".")[2] for one in held} == {rule.partition(":")[0]}
    assert all(MASKED in one.reason for one in held)


@pytest.mark.parametrize("source", ["cen", "cis"])
def test_a_database_that_refuses_the_row(planted: Planted, source: str) -> None:
    table = "exchange_nominal.payload_nominal" if source == "cis" else "exchange.record_version"
    execute(planted.installation.exchange, f"ALTER TABLE {table} ADD CHECK (version < 0) NOT VALID")
    planted.fails("DATABASE_REFUSES", "run", source)


@pytest.mark.parametrize("source", ["cen", "cis"])
def test_a_window_that_quality_stops_and_a_person_lets_pass(planted: Planted, source: str) -> None:
    said = "  - present: origin_record_id\n    at_least: 1\n"
    never = "  - share: origin_system\n    of: [CEN, CIS]\n    at_most: 0\n"
    planted.change(f"schemas/quality/{source}.yaml", (said, never))
    planted.fails("QUALITY", "run", source)
    assert planted.types("run", source, "--accept-quality", "A. Officer: it is meant to be so") == 0


@pytest.mark.parametrize("source", ["cen", "cis"])
def test_a_reader_that_quotes_what_it_fails_on(planted: Planted, source: str) -> None:
    kind = {"cen": "files", "cis": "sql"}[source]
    planted.change(f"mappings/{source}/collect.yaml", (f"connector: {kind}", "connector: quoting"))
    assert planted.types("run", source) == EXIT_BY_ERROR["Stop"]


@pytest.fixture
def with_persons(planted: Planted) -> Planted:
    """CIS receives what it gave, its persons included, so that there is something personal to deliver."""
    gate = "when: {persons.suggested_action: present, persons.reason_for_inclusion: present}"
    planted.change(
        "mappings/cis/share.yaml",
        ("{code: ORIGIN_CIS, when: {origin_system: [CIS]}", "{code: NEVER, when: {origin_system: [NONE]}"),
        ("{code: ORIGIN_CIS, when: {seen_by: [CIS]}", "{code: NEVER, when: {seen_by: [NONE]}"),
        (gate, "when: {persons.surname: present}"),
    )
    for source in ("cen", "cis"):
        collecting.collect(source, WINDOW, fresh=False)
    assert personal(planted.installation.exchange)
    return planted


@pytest.mark.parametrize("column", ["person.surname", "commodity.description"])
def test_a_partner_whose_database_refuses_the_row(with_persons: Planted, column: str) -> None:
    table, _, name = column.partition(".")
    refused = f"CHECK ({name} !~* '{CANARY}') NOT VALID"
    execute(with_persons.installation.cis, f"ALTER TABLE cis.{table} ADD CONSTRAINT refused {refused}")
    with_persons.fails("DATABASE_REFUSES", "share", "cis")
    assert "refused" in with_persons.said["error"], "the constraint is named"


def test_a_partner_whose_trigger_quotes_the_row(with_persons: Planted) -> None:
    quoting = "BEGIN RAISE EXCEPTION 'not %', NEW USING DETAIL = NEW::text, HINT = NEW.surname; END"
    made = f"CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ {quoting} $$"
    trigger = "CREATE TRIGGER q BEFORE INSERT ON cis.person FOR EACH ROW EXECUTE FUNCTION quote()"
    execute(with_persons.installation.cis, f"{made}; {trigger}")
    with_persons.fails("DATABASE_REFUSES", "share", "cis")


def test_a_mapping_that_refuses_the_value_for_a_partner(with_persons: Planted) -> None:
    rule = "      surname:                  {from: surname}"
    with_persons.change("mappings/cis/share.yaml", (rule, rule.replace("}", ", codes: sex}")))
    assert with_persons.types("share", "cis") == 0
    with Exchange(settings.exchange_url()) as exchange:
        assert {one.code for one in exchange.held(partner="cis")} == {"UNKNOWN_CODE", "TEXT_NAMES"}


def test_a_writer_that_quotes_what_it_fails_on(with_persons: Planted) -> None:
    with_persons.change("mappings/cis/share.yaml", ("connector: sql", "connector: quoting"))
    assert with_persons.types("share", "cis") == EXIT_BY_ERROR["Stop"]


def test_a_partner_whose_schema_refuses_the_document(with_persons: Planted) -> None:
    alone = '<xs:unique name="alone"><xs:selector xpath="Seizure"/><xs:field xpath="Status"/></xs:unique>'
    end = '</xs:element>\n  <xs:complexType name="Seizure">'
    with_persons.change("schemas/cen/cen.xsd", (end, f"{alone}{end}"))
    with_persons.fails("XSD_INVALID", "share", "cen")
