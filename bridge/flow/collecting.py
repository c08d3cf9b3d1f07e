"""From a source into the exchange: extract, map and validate, quality, accept.

Each step can be done again: it reads archived bytes and staged files, and its
effect on the exchange is the same however often it runs. ``collect`` does all
of them in order; an orchestrator calls them one by one, each with the same run
key.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bridge import document, quality, settings
from bridge.batch import POSITION, ROW, Batch
from bridge.connector import Input, Proving, Source, Window
from bridge.content import Content
from bridge.errors import BridgeError, Problem, Stop
from bridge.exchange import Exchange, Role, Run
from bridge.flow import archive, drift, envelope
from bridge.flow.ahead import ahead
from bridge.flow.stage import Stage, mapping_changed
from bridge.flow.stamping import after_seal
from bridge.ledger import Books
from bridge.mapping import Mapped, Mapping, Versions, forward, load_versions, refuse_findings


@dataclass(frozen=True, slots=True)
class Collect:
    """One window of a source on its way: what every step needs.

    Args:
        versions: of the mapping; which of them reads an input is told by when the input came.
        run: the attempt in the exchange that all steps of one run key share.
    """

    source: str
    window: Window
    content: Content
    versions: Versions
    exchange: Exchange
    run: Run
    stage: Stage

    @property
    def mapping(self) -> Mapping:
        """The version that holds at the window's end, which speaks for the window as a whole."""
        return self.versions.on(self.window.until - timedelta(microseconds=1))


def collect(source: str, window: Window, *, fresh: bool = True, accept_quality: str = "") -> Books:
    """Bring one window of a source into the exchange and seal it; gives the books, which balance.

    ``fresh`` is False when an old window is collected again: how fresh its records are is then not
    judged. ``accept_quality`` names who lets a window pass that quality stopped, and why.
    """
    key = f"{source} {window} {uuid.uuid4()}"
    work = extract(source, window, key)
    try:
        map_and_validate(work)
        judge(work, fresh=fresh, accept=accept_quality)
    except BridgeError as error:
        work.exchange.fail(work.run, error)
        raise
    return accept(work)


def open_run(source: str, window: Window, run_key: str) -> Collect:
    """The work of a run that extract() began, for a later step."""
    content = Content.find()
    versions = load_versions(content, source, "collect")
    exchange = Exchange.of(Role.COLLECT)
    run = exchange.resume(run_key)
    if run.fingerprint != versions.fingerprint:
        raise mapping_changed(run.where, versions.name)
    return Collect(source, window, content, versions, exchange, run, Stage(source, str(window), run_key))


def extract(source: str, window: Window, run_key: str) -> Collect:
    """Begin the run: archive every input of the window, prove each complete and count it.

    The window's inputs are those that arrived in it, those that its last sealed run had, and late ones:
    what arrived in a window that was sealed without it.
    """
    content = Content.find()
    versions = load_versions(content, source, "collect")
    for version in versions.all:
        refuse_findings(version)
    exchange = Exchange.of(Role.COLLECT)
    run = exchange.begin_collect(source, window, versions.name, versions.fingerprint, run_key, versions.parts)
    work = Collect(source, window, content, versions, exchange, run, Stage(source, str(window), run_key))
    try:
        with archive.copies(source) as copies:
            _register(work, copies)
    except BridgeError as error:
        exchange.fail(run, error)
        raise
    return work


def _register(work: Collect, copies: archive.Copies) -> None:
    for one in work.exchange.former(work.source, work.window):
        work.exchange.register(work.run, _read_by(work, _again(work, one, copies)))
        copies.drop(one)
    for mapping in work.versions.all:
        if mapping.effective.first >= f"{work.window.until:%Y-%m-%dT}":
            continue
        reader = connect(mapping)
        offers = reader.offers(work.window)
        late = work.exchange.late(work.source, [offer for offer in offers if offer.arrival < work.window.since])
        wanted = (
            reader.fetch(offer, copies.apart())
            for offer in offers
            if (offer.arrival in work.window or offer in late) and work.versions.on(offer.arrival) is mapping
        )
        # While one is put into the archive, the next is fetched and proven.
        for fetched in ahead(wanted):
            copies.keep(fetched, work.source)
            work.exchange.register(work.run, _read_by(work, fetched))
            fetched.path.unlink(missing_ok=True)


def _again(work: Collect, one: Input, copies: archive.Copies) -> Input:
    """A former input, proven anew where its source can: schema and mapping may have been mended since.

    One whose bytes are no longer kept is held as a whole, unless its source still has it; what was taken in of it
    earlier stands.
    """
    if not one.path.is_file():
        why = "its bytes are no longer kept, so it cannot be read again; what was taken in of it earlier stands"
        gone = Problem(-1, -1, "BYTES_NOT_KEPT", "", "keep_days", f"{one.name}: {why}; for the rest ask its supplier")
        return replace(one, counted=None, problem=gone)
    reader = connect(work.versions.on(one.arrival))
    return reader.prove(copies.open(one)) if isinstance(reader, Proving) else one


def _read_by(work: Collect, one: Input) -> Input:
    """The input with notes of the version of the mapping that it is read with, and of how it differs from its schema.

    Raises:
        Stop: DRIFT, where the mapping declares so.
    """
    mapping = work.versions.on(one.arrival)
    one = drift.watch_columns(work.run.where, mapping, one)
    return replace(one, notes={**one.notes, "mapping": f"{mapping.where} {mapping.version}"})


def map_and_validate(work: Collect) -> dict[str, int]:
    """Read the run's inputs, map each record to the common schema, check it, and stage what came of it.

    A run that is sealed stays as it is.
    """
    sealed = work.exchange.sealed(work.run)
    if sealed is not None:
        return {"read": sum(one.read for one in sealed.sources)}
    work.stage.clear("")
    with archive.copies(work.source) as copies:
        return _staged(work, copies)


def _staged(work: Collect, copies: archive.Copies) -> dict[str, int]:
    read = seen = part = 0
    watch: drift.Watch | None = None
    # While one batch is checked and staged, the next is mapped and the one after read, of this input or another.
    for one, mapping, made in ahead(_mapped(ahead(_records(work, copies)))):
        watch = watch or drift.Watch(work.run.where, mapping, one.name)
        if made is not None:
            batch, mapped = made
            seen += len(batch) + _unreadable(batch)
            watch.see(mapped.problems)
            for name, table in _told_apart(work, mapping, batch, mapped, one).items():
                if table.num_rows:
                    work.stage.write_table(f"{name}-{part:05}.parquet", table)
            part += 1
            continue
        watch.end(seen)
        work.exchange.note_read(work.run, one.sha256, seen)
        read, seen, watch = read + seen, 0, None
    return {"read": read}


def _records(work: Collect, copies: archive.Copies) -> Iterator[tuple[Input, Mapping, Batch | None]]:
    """Every batch of every input that can be read, with the mapping that reads it; None when an input ends."""
    readers: dict[str, Source] = {}
    for one in work.exchange.inputs(work.run):
        if one.problem is not None:
            continue
        if not one.path.is_file():
            what = f"the bytes of {one.name} were removed since the run began, for an erased record stood in them"
            raise Stop("BYTES_NOT_KEPT", work.run.where, what, "Clear the run from its first task on")
        mapping = work.versions.on(one.arrival)
        if mapping.where not in readers:
            readers[mapping.where] = connect(mapping)
        copy = copies.open(one)
        for batch in _batches(readers[mapping.where], copy, mapping):
            yield one, mapping, batch
        copies.drop(one)
        yield one, mapping, None


def _mapped(
    records: Iterator[tuple[Input, Mapping, Batch | None]],
) -> Iterator[tuple[Input, Mapping, tuple[Batch, Mapped] | None]]:
    """The same with what its mapping makes of each batch."""
    for one, mapping, batch in records:
        yield one, mapping, None if batch is None else (batch, forward(mapping, batch))


def judge(work: Collect, *, fresh: bool = True, accept: str = "") -> list[dict[str, Any]]:
    """Hold the window as a whole against its declared expectations; what was found, without values.

    A run that is sealed is not judged again.

    Raises:
        Stop: an expectation that stops is not met and nobody accepted that by name.
    """
    if work.exchange.sealed(work.run) is not None:
        return []
    for table in work.stage.tables("staging"):
        work.exchange.stage(work.run, table)
    rules = (work.mapping.collect or {}).get("quality")
    if not rules:
        return []
    from bridge.expectations import judge as judge_window  # its library takes seconds to import

    path = work.content.path(f"schemas/quality/{rules}")
    return judge_window(work.exchange, work.run, path, fresh=fresh, accept=accept)


def accept(work: Collect) -> Books:
    """Take the staged records into the exchange, balance the books and seal the window, all or nothing."""
    sealed = work.exchange.sealed(work.run)
    if sealed is not None:
        return sealed
    with work.exchange.intake(work.run) as intake:
        # While one table is decided on, the next is read.
        for table in ahead(work.stage.tables("candidates")):
            intake.accept(table)
        for table in work.stage.tables("holds"):
            intake.hold(table)
        for table in work.stage.tables("outside"):
            intake.skip(table)
        books = intake.seal()
    work.stage.remove()
    after_seal(work.exchange, work.content)
    return books


def connect(mapping: Mapping) -> Source:
    """The mapping's source, opened by its connector with its connection."""
    options = {**mapping.source, **(mapping.collect or {}), "drift": mapping.drift}
    module = mapping.content.connector(options["connector"])
    source: Source = module.source(settings.connection(options["connection"]), options, mapping.source_shape)
    return source


def _batches(reader: Source, one: Input, mapping: Mapping) -> Iterator[Batch]:
    """Batches as read; a mapping that must see an input whole gets it as one."""
    if not mapping.grouped:
        yield from reader.read(one)
        return
    batches = list(reader.read(one))
    if batches:
        yield envelope.joined(batches)


def _unreadable(batch: Batch) -> int:
    """Records that stand only among the problems."""
    known = set(batch.rows().to_pylist()) if batch.problems else set()
    return len({problem.row for problem in batch.problems} - known - {-1})


def _told_apart(work: Collect, mapping: Mapping, batch: Batch, mapped: Mapped, one: Input) -> dict[str, pa.Table]:
    """One mapped batch checked and told apart: tables to stage, by name."""
    documents = document.encode(mapped.batch, mapping.target_shape)
    faults = quality.validate(documents, work.content, today=datetime.now(UTC).date(), batch=mapped.batch)
    positions = batch.root.select([ROW, POSITION])
    where = (
        dict(zip(positions.column(ROW).to_pylist(), positions.column(POSITION).to_pylist(), strict=True))
        if faults
        else {}
    )
    placed = [
        Problem(f.row, -1 if where.get(f.row) is None else where[f.row], f.code, f.field, f.rule, f.reason)
        for f in faults
    ]
    sound = mapped.batch
    if faults:
        bad = pa.array(sorted({fault.row for fault in faults}), pa.int64())
        sound = sound.without(bad)
        documents = documents.filter(pc.invert(pc.is_in(documents.column(ROW), value_set=bad)))
    problems = [*mapped.problems, *placed]
    accepted = envelope.candidates(sound, documents, mapped.rows, positions, one)
    return {
        "candidates": accepted,
        "staging": envelope.staging(sound, accepted),
        "holds": envelope.holds(problems, mapped.rows, one),
        "outside": envelope.outside(mapped.out_of_scope, one),
    }
