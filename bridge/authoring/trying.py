"""What would become of real records: mapped, checked, released and mapped for each partner; nothing is sent or kept."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bridge import document, quality, settings
from bridge.authoring.asking import reading
from bridge.authoring.people import Known, Said, said
from bridge.batch import POSITION, ROOT, ROW, Batch
from bridge.connector import Input, Source, Window
from bridge.content import COLLECT, SHARE, Content, Direction
from bridge.errors import Misconfigured, Problem, TryLater
from bridge.exchange import current, decisions
from bridge.flow import envelope
from bridge.flow.joining import Joined, assigned, join
from bridge.mapping import Mapping, Severity, check, forward
from bridge.mapping.findings import Unconfirmed
from bridge.mapping.samples import read_sample
from bridge.mapping.trace import Way, trace
from bridge.mapping.versions import load_on
from bridge.release import release
from bridge.shape import Shape

_SPANS: Final = (timedelta(days=1), timedelta(days=30), timedelta(days=365), timedelta(days=3650))
GO, HELD, WITHHELD, OUT = "would go", "held", "withheld", "out of scope"


@dataclass
class Fate:
    """What would become of one record at one place.

    Args:
        at: ``common`` for the exchange, or the partner.
        what: would go, held, withheld or out of scope.
        why: problem codes with fields, or the rule.
        ways: how each value came to be; of a held record what was read.
        adds: of a record that would go, what each later report of the same seizure adds to it, or why it adds nothing.
    """

    at: str
    what: str
    why: tuple[str, ...] = ()
    ways: list[Way] = field(default_factory=list)
    adds: tuple[str, ...] = ()


@dataclass
class Tried:
    """One record and its fates: in the exchange first, then at each partner.

    Args:
        whole: it is no record but an input, which would be held as a whole.
    """

    where: str
    fates: list[Fate]
    whole: bool = False


def usable(content: Content, name: str, direction: Direction) -> tuple[Mapping, int]:
    """The mapping, and how many suggestions nobody has confirmed; any other error refuses it.

    Raises:
        Misconfigured: the first of these errors.
    """
    mapping = load_on(content, name, direction)
    errors = [one for one in check(mapping) if one.severity is Severity.ERROR]
    grave = [one for one in errors if not isinstance(one, Unconfirmed)]
    if grave:
        first = grave[0]
        more = f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        raise Misconfigured(
            first.code, f"{first.file}:{first.line}", first.message.rstrip(".") + more, f"Run: bridge check {name}"
        )  # fmt: skip
    return mapping, len(errors) - len(grave)


def try_source(
    content: Content,
    name: str,
    last: int,
    file: str,
    partners: Sequence[str],
    say: Callable[[str], None],
    left: Counter[str],
) -> Iterator[Tried]:
    """The newest ``last`` records that a source has, or those of a file, in the exchange and at partners.

    Args:
        say: is told so where the exchange cannot be asked what people have authorised and decided.
        left: counts the list entries, by the condition, that ``when`` leaves out, and codes without a counterpart.
    """
    mapping, _ = usable(content, name, COLLECT)
    shares = [usable(content, partner, SHARE)[0] for partner in partners]
    known = Known(say)
    for batch in _read(mapping, last, file):
        if isinstance(batch, Problem):
            reason = f"{batch.code}, the whole input: {batch.reason}"
            yield Tried(Path(file).name if file else "an input", [Fate("common", HELD, (reason,))], whole=True)
        else:
            yield from _collected(content, mapping, shares, batch, known, left)


def try_partner(content: Content, name: str, last: int, file: str) -> Iterator[Tried]:
    """The newest ``last`` records of the exchange, or the common documents of a file, at one partner."""
    share, _ = usable(content, name, SHARE)
    if file:
        common = read_sample(Path(file), share.source_shape, None)
        yield from _shared(share, common, [f"{Path(file).name} record {row}" for row in common.rows().to_pylist()])
        return
    with reading() as connection:
        page = current.newest(connection, f"try {name}", last, name)
        found = said(connection, name, decisions.of_page(connection, name, page))
    if page:
        common = common_batch(page, share.source_shape)
        names = [f"{one['origin_system']}:{one['origin_record_id']}" for one in page]
        yield from _shared(share, common, names, found)


def _collected(
    content: Content, mapping: Mapping, shares: Sequence[Mapping], batch: Batch, known: Known, left: Counter[str]
) -> Iterator[Tried]:
    """Each record of a source's batch with its fate in the exchange and at the partners."""
    mapped = forward(mapping, batch)
    left.update(mapped.filtered)
    documents = document.encode(mapped.batch, mapping.target_shape)
    faults = quality.validate(documents, content, today=datetime.now(UTC).date())
    problems = by_row([*mapped.problems, *faults])
    sound = mapped.batch.without(pa.array(sorted({fault.row for fault in faults}), pa.int64()))
    ways = trace(mapping, batch, sound)
    outside = dict(zip(*(mapped.out_of_scope.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    common = _identified(sound)
    at = {
        share.system: {one.row: one.fate for one in _fates(share, common, known.of(share.system, common, documents))}
        for share in shares
    }
    places = dict(zip(batch.rows().to_pylist(), batch.root.column(POSITION).to_pylist(), strict=True))
    unread = sorted({problem.row for problem in batch.problems} - places.keys() - {-1})
    for row in [*places, *unread]:
        where = f"{batch.where} record {row}" + (f", position {places[row]}" if places.get(row) is not None else "")
        if row in outside:
            yield Tried(where, [Fate("common", OUT, (outside[row],))])
        elif row in problems:
            yield Tried(where, [Fate("common", HELD, problems[row], ways.get(row, []))])
        elif row in ways:  # of rows that are one record, the first stands for it
            fates = [found[row] for found in at.values() if row in found]
            yield Tried(where, [Fate("common", GO, (), ways[row]), *fates])


@dataclass(frozen=True, slots=True)
class _At:
    row: int
    fate: Fate


def _shared(share: Mapping, common: Batch, names: Sequence[str], known: Said | None = None) -> Iterator[Tried]:
    for one, name in zip(_fates(share, common, known or Said()), names, strict=True):
        yield Tried(name, [one.fate])


def _fates(share: Mapping, common: Batch, known: Said) -> list[_At]:
    """What would become of common records at one partner, in their order."""
    released = release(share.release, share.source_shape, common, known.decided, known.authorised)
    withheld = dict(zip(*(released.withheld.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    joined = join(share, common, released, known.decided, known.authorised, lambda _: known.later)
    adds = _added(common, known, joined)
    mapped = forward(share, joined.batch)
    problems = by_row(mapped.problems)
    ways = trace(share, joined.batch, mapped.batch)
    found = []
    for row in common.rows().to_pylist():
        if row in withheld:
            found.append(_At(row, Fate(share.system, WITHHELD, (withheld[row],))))
        elif row in problems:
            found.append(_At(row, Fate(share.system, HELD, problems[row], ways.get(row, []))))
        else:
            found.append(_At(row, Fate(share.system, GO, (), ways.get(row, []), tuple(adds.get(row, ())))))
    return found


def _added(common: Batch, known: Said, joined: Joined) -> dict[int, list[str]]:
    """By row, what later reports of the same seizure add to a record, or why one adds nothing."""
    rows = dict(zip(common.root.column("bridge_id").to_pylist(), common.rows().to_pylist(), strict=True))
    plain = {one["bridge_id"]: json.loads(one["payload"]) for one in known.later[0]}
    names = {key: f"{one['origin_system']}:{one['origin_record_id']}" for key, one in plain.items()}
    found: dict[int, list[str]] = {}
    for one in joined.contributions:
        what = ", ".join(one["added"]) or "nothing" + (f": {one['why']}" if one["why"] else "")
        found.setdefault(rows[str(one["first"])], []).append(f"{names[one['bridge_id']]} adds {what}")
    return found


def common_batch(page: Sequence[dict[str, Any]], shape: Shape) -> Batch:
    """Records of the exchange as a batch of the common schema."""
    table = current.documents(list(page))
    return assigned(document.decode(table.select([ROW, "payload", "nominal"]), shape), table)


def by_row(problems: Sequence[Problem]) -> dict[int, tuple[str, ...]]:
    """Problems of each record in words."""
    found: dict[int, list[str]] = {}
    for one in problems:
        found.setdefault(one.row, []).append(f"{one.code} at {one.field or 'the record'}: {one.reason}")
    return {row: tuple(said) for row, said in found.items()}


def _identified(common: Batch) -> Batch:
    """The common batch with what the exchange would give: an id, a first version, and only the origin has seen it."""
    root = common.root
    systems, ids = (root.column(name).to_pylist() for name in ("origin_system", "origin_record_id"))
    given: dict[str, Any] = {
        "bridge_id": [str(envelope.bridge_id(*pair)) for pair in zip(systems, ids, strict=True)],
        "version": [1] * len(root),
        "seen_by": [[system] for system in systems],
    }
    for name, values in given.items():
        at = root.schema.get_field_index(name)
        root = root.set_column(at, name, pa.array(values, root.schema.field(at).type))
    return Batch({**common.tables, ROOT: root}, common.where, common.sha256)


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(mapping: Mapping, last: int, file: str) -> Iterator[Batch | Problem]:
    """Batches of real records, whole inputs of a grouped mapping, or the problem of an input that would be held as a
    whole; their bytes lie in a folder that goes away."""
    with _reader(mapping, file) as (reader, folder):
        left = last
        for one in _inputs(reader, folder):
            if one.problem is not None:
                yield one.problem
                continue
            batches = list(reader.read(one))
            batch = envelope.joined(batches) if batches else None
            if batch is None or not len(batch):
                continue
            if not file and len(batch) > left:
                batch = _tail(batch, left)
            left -= len(batch)
            yield batch
            if not file and left <= 0:
                return


def _tail(batch: Batch, count: int) -> Batch:
    return batch.only(batch.rows().slice(len(batch) - count))


@contextmanager
def _reader(mapping: Mapping, file: str) -> Iterator[tuple[Source, Path]]:
    """The source's connector, looking at one file or at its own connection, and a folder that goes away."""
    options: dict[str, Any] = {**mapping.source, **(mapping.collect or {})}
    module = mapping.content.connector(options["connector"])
    with tempfile.TemporaryDirectory(prefix="bridge-try-") as name:
        if file:
            path = Path(file).absolute()
            if not path.is_file():
                raise Misconfigured("NO_SAMPLE", file, "there is no such file", "Name a file as the source sends it")
            drop = Path(name) / "drop"
            drop.mkdir()
            (drop / path.name).write_bytes(path.read_bytes())
            saved = getattr(module, "saved", module.source)  # of a service, a page as it was saved
            yield saved(str(drop), {**options, "pattern": "*"}, mapping.source_shape), Path(name)
        else:
            yield module.source(settings.connection(options["connection"]), options, mapping.source_shape), Path(name)


def _inputs(reader: Source, folder: Path) -> Iterator[Input]:
    """Inputs, the newest first: of the shortest span of time up to now that has any."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    for until in (now, now - timedelta(hours=1)):  # a database's newest window has to be closed before it is read
        for span in _SPANS:
            try:
                offers = reader.offers(Window(until - span, until))
            except TryLater:
                break
            inputs = [reader.fetch(offer, folder / "archive") for offer in reversed(offers[-50:])]
            if any(one.problem or one.counted != 0 for one in inputs):
                yield from inputs
                return


def counts(tried: Sequence[Tried]) -> dict[str, Counter[str]]:
    """By place how many records would go, be held, withheld or out of scope."""
    found: dict[str, Counter[str]] = {}
    for one in tried:
        for fate in one.fates:
            found.setdefault(fate.at, Counter())[fate.what] += 1
    return found
