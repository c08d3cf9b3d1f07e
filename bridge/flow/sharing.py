"""From the exchange to a partner: select, deliver (release, map, hand over, settle), reconcile.

Records go through release, mapping and delivery in batches of bounded memory
within one step, so that nothing personal lies in a file between steps. Every
version that was selected ends in exactly one disposition; done again, a share
changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from bridge import document, settings
from bridge.batch import ROW, Batch
from bridge.connector import Judging, Sending, Target, Window
from bridge.content import Content
from bridge.errors import BridgeError, Problem
from bridge.exchange import Exchange, Role, Run
from bridge.flow.ahead import abreast, ahead
from bridge.flow.handing import Limits, Made, compose, hand
from bridge.flow.joining import assigned, join
from bridge.flow.relaying import relay
from bridge.flow.settling import CANCELLED, Settling
from bridge.flow.stage import mapping_changed
from bridge.flow.stamping import after_seal
from bridge.ledger import Books, Delivery
from bridge.mapping import Mapping, forward, load_on, load_versions, refuse_findings
from bridge.onward import Authorisation
from bridge.policy import Decided, reads_nominal
from bridge.release import Released, release


@dataclass(frozen=True, slots=True)
class Share:
    """A partner's turn: what every step needs.

    Args:
        selected: versions that the run must settle; 0 where a later step did not ask.
        authorised: what suppliers had authorised for the partner when the run began.
    """

    partner: str
    content: Content
    mapping: Mapping
    exchange: Exchange
    run: Run
    selected: int = 0
    authorised: tuple[Authorisation, ...] = ()


def share(partner: str, window: Window | None = None, *, redeliver: bool = False, approve: str = "") -> Books:
    """Deliver to a partner what it may see and has not yet had; gives the books, which balance.

    ``window`` keeps to what was collected in windows within it. ``redeliver`` sends again what the partner
    has. ``approve`` names who lets this run pass the partner's limits.
    """
    work = select(partner, f"{partner} {uuid.uuid4()}", window, redeliver=redeliver)
    try:
        deliver(work, approve=approve)
    except BridgeError as error:
        work.exchange.fail(work.run, error)
        raise
    return reconcile(work)


def select(partner: str, run_key: str, window: Window | None = None, *, redeliver: bool = False) -> Share:
    """Begin the run and fix which versions it must settle."""
    content = Content.find()
    mapping = load_on(content, partner, "share")
    refuse_findings(mapping)
    exchange = _exchange([mapping])
    run = exchange.begin_share(
        partner, mapping.name, mapping.fingerprint, run_key, window, redeliver, parts=mapping.parts
    )
    liftable = [rule.code for rule in mapping.release.withhold if rule.unless] if mapping.release else []
    selected = exchange.select(run, liftable)
    return Share(partner, content, mapping, exchange, run, selected, exchange.authorised(run))


def open_share(partner: str, run_key: str) -> Share:
    """The work of a run that select() began, for a later step."""
    content = Content.find()
    versions = load_versions(content, partner, "share")
    exchange = _exchange(versions.all)
    run = exchange.resume(run_key)
    mapping = next((one for one in versions.all if one.fingerprint == run.fingerprint), None)
    if mapping is None:
        raise mapping_changed(run.where, versions.name)
    return Share(partner, content, mapping, exchange, run, authorised=exchange.authorised(run))


def _exchange(mappings: Sequence[Mapping]) -> Exchange:
    """The exchange with the rights of a share, which reads nominal parts only for a partner that may see some."""
    nominal = any(reads_nominal(one.release, one.source_shape) for one in mappings)
    return Exchange.of(Role.SHARE_NOMINAL if nominal else Role.SHARE)


def deliver(work: Share, *, approve: str = "") -> dict[str, int]:
    """Release, map and hand over all that was selected, batch by batch; orders by kind.

    A partner that takes messages is first asked for, or sent again, what earlier runs have no answer to; what this
    run has for it is all kept before the first of it is sent.

    Raises:
        Stop: LIMIT when the run would deliver or withdraw more than the partner's limits and nobody approved
            that; what was handed over before stays settled.
    """
    if work.exchange.sealed(work.run) is not None:
        return {}
    newest = work.exchange.checkpoint()
    target = opened(work.mapping, work.run.id, str(newest) if newest else "")
    nominal = reads_nominal(work.mapping.release, work.mapping.source_shape)
    tried: set[int] = set()
    if isinstance(target, Sending):
        relay(work.exchange, work.run, target, tried, nominal=nominal)
        give, lanes = partial(compose, target), 1
    else:
        give, lanes = partial(hand, target, work.exchange, work.run, work.exchange.turn(work.run)), target.lanes
    limits = Limits(work.mapping, work.exchange, work.run, approve)
    selected = work.exchange.candidates(work.run, nominal=nominal, outbox=isinstance(target, Sending))
    # While some batches are with the partner's database, the next is made ready.
    made = ahead(limits.kept(_made(work, selected, target)))
    for handed in abreast(made, give, lanes):
        work.exchange.settle(
            work.run, handed.settled, handed.refused, handed.messages, nominal=nominal, upto=handed.upto
        )
    if isinstance(target, Sending):
        relay(work.exchange, work.run, target, tried, nominal=nominal)
    return limits.sums


def reconcile(work: Share) -> Books:
    """Prove that every selected version has its end state, and close the run."""
    sealed = work.exchange.sealed(work.run)
    if sealed is not None:
        return sealed
    books = work.exchange.finish(work.run)
    after_seal(work.exchange, work.content)
    return books


def _made(work: Share, selected: Iterator[pa.Table], target: Target | Sending) -> Iterator[Made]:
    while (made := settle(work, selected, target)) is not None:
        yield made


def settle(work: Share, selected: Iterator[pa.Table], target: Target | Sending) -> Made | None:
    """Decide for each version of the next table: order it, withdraw it, or end it here with the reason. None at the
    end.

    What a partner holds and may hold no longer is taken back: withdrawn for ever if its supplier cancelled it,
    recalled if a rule now withholds it, so that it can come again when the rule or the record changes. So is what it
    may hold from a share that died before it could say so.
    """
    shape = work.mapping.source_shape
    # Taken here, so that no caller's hold on it keeps the documents longer than they are needed.
    chosen = next(selected, None)
    if chosen is None:
        return None
    chosen = chosen.append_column(ROW, pa.array(range(chosen.num_rows), pa.int64()))
    # A moment stays a number on its way into the orders: as a Python object it costs more than all else of a row.
    moments = chosen.column("source_version").cast(pa.int64())
    versions = chosen.set_column(chosen.column_names.index("source_version"), "source_version", moments)
    versions = versions.select(_NEEDED).to_pylist()
    decided = work.exchange.decided(work.partner, chosen)
    steps = {row: one.steps for row, one in decided.items()}
    settling = Settling(work.partner, work.run.revision, versions, steps)
    open_ = pc.is_null(chosen.column("outbox"))
    if not pc.all(open_).as_py():
        settling.leave()
    live = chosen.filter(pc.and_(open_, pc.invert(chosen.column("cancelled"))))
    documents = live.select([ROW, "payload", "nominal"])
    live = live.drop_columns(["payload", "nominal"])
    del chosen
    common = assigned(document.decode(documents, shape), live)
    del documents
    released = release(work.mapping.release, shape, common, decided, work.authorised)
    mapped = forward(work.mapping, _joined(work, target, versions, common, released, decided))
    del common
    sound = mapped.batch
    problems = [*mapped.problems, *(target.unfit(sound) if isinstance(target, Judging) else [])]
    if len(problems) > len(mapped.problems):
        sound = sound.without(pa.array(sorted({problem.row for problem in problems}), pa.int64()))
    hashes = document.encode(sound, work.mapping.target_shape).select([ROW, document.HASH])
    rules = {
        row: CANCELLED for row, version in enumerate(versions) if version["cancelled"] and version["outbox"] is None
    }
    rules |= dict(_pairs(released.withheld, ROW, "rule"))
    for row, rule in rules.items():
        if versions[row]["prior_holds"] or versions[row]["unsettled"]:
            settling.withdraw(row, rule)
        else:
            settling.end(row, Delivery.WITHHELD, rule)
    held: dict[int, str] = {}
    for problem in problems:
        held.setdefault(problem.row, problem.code)
    for row, code in held.items():
        settling.end(row, Delivery.HELD, code)
    for row, content in _pairs(hashes, ROW, document.HASH):
        known = versions[row]["prior_holds"] and not versions[row]["unsettled"] and not work.run.redeliver
        if known and versions[row]["prior_hash"] == content:
            settling.end(row, Delivery.UNCHANGED, released=content)
        else:
            settling.order(row, content)
    ordered = pa.array([order[ROW] for order in settling.orders], pa.int64())
    return Made(settling, sound.only(ordered), [*problems, *_kept_back(released.texts)])


def _joined(
    work: Share,
    target: Target | Sending,
    versions: Sequence[dict[str, Any]],
    common: Batch,
    released: Released,
    decided: dict[int, Decided],
) -> Batch:
    """What is released with what later reports add to it; how it came to be is kept."""
    fetch = partial(work.exchange.later_reports, work.partner)
    unfit = partial(_unfit, target) if isinstance(target, Judging) else None
    joined = join(work.mapping, common, released, decided, work.authorised, fetch, unfit)
    used = [(versions[row]["bridge_id"], versions[row]["version"], n) for row, n in released.authorised.items()]
    if used or joined.authorised:
        work.exchange.note_authorised(work.run, [*used, *joined.authorised])
    if joined.contributions:
        work.exchange.note_contributions(work.run, joined.contributions)
    return joined.batch


def _unfit(target: Judging, batch: Batch) -> set[int]:
    return {problem.row for problem in target.unfit(batch)}


_NEEDED: Final = [
    "ordinal", "bridge_id", "version", "cancelled", "source_version", "revision", "content_hash", "prior_holds",
    "prior_hash", "unsettled", "outbox",
]  # fmt: skip
"""What decides of a selected version."""


def _kept_back(texts: pa.Table) -> Iterator[Problem]:
    """A problem for each text that the scan took out of a record, which leaves without it."""
    for row, path, firm in zip(*(texts.column(name).to_pylist() for name in texts.column_names), strict=True):
        if firm:
            why = "the scan finds in this text a name of the record's own, or a special category of data"
            yield Problem(row, -1, "TEXT_NAMES", path, "scan", f"{why}; have it changed at its source")
        else:
            why = "the scan finds personal data in this text, by its form; the record leaves without it"
            yield Problem(row, -1, "TEXT_KEPT_BACK", path, "scan", f"{why}; have it changed, or released by two people")


def opened(mapping: Mapping, epoch: int | None = None, checkpoint: str = "") -> Target | Sending:
    """The mapping's partner, opened by its connector with its connection.

    Args:
        epoch: the run's number: once a later run has delivered, an earlier one that wakes up again is refused. None
            only to ask.
        checkpoint: the newest, which goes with what is delivered, so that the partner holds the head of our seals.
    """
    options: dict[str, Any] = {**mapping.target, **(mapping.deliver or {}), "epoch": epoch, "checkpoint": checkpoint}
    options["schema"] = str(mapping.content.path(f"schemas/{options['schema']}"))
    module = mapping.content.connector(options["connector"])
    target: Target | Sending = module.target(settings.connection(options["connection"]), options, mapping.target_shape)
    return target


def _pairs(table: pa.Table, key: str, value: str) -> list[tuple[Any, Any]]:
    return list(zip(table.column(key).to_pylist(), table.column(value).to_pylist(), strict=True))
