"""What a mapping as it stands on disk would do to what is already exchanged. What cannot be told is counted as such."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import orjson
import sqlalchemy as sa

from bridge import document, quality
from bridge.authoring.asking import reading
from bridge.authoring.revisions import with_fingerprint
from bridge.authoring.trying import common_batch, usable
from bridge.batch import ROW, Batch
from bridge.content import COLLECT, SHARE, Content
from bridge.errors import BridgeError
from bridge.exchange import authorisations, current, decisions
from bridge.flow.joining import Fetch, join
from bridge.flow.rereading import archived, batches
from bridge.mapping import Mapping as Model
from bridge.mapping import forward
from bridge.mapping.trace import masked
from bridge.mapping.versions import Versions, load_versions
from bridge.onward import Authorisation
from bridge.policy import Decided
from bridge.release import NOTHING_DECIDED, release
from bridge.shape import Shape

_INPUTS: Final = """
SELECT i.id, i.name, i.sha256, i.size, i.arrival, i.problem_code
FROM exchange.input i JOIN exchange.sealed_window w ON w.run_id = i.run_id
WHERE w.source = :source AND i.same_as IS NULL AND (CAST(:since AS timestamptz) IS NULL OR w.until > :since)
ORDER BY i.arrival, i.name, i.id
"""
_ENDED: Final = """
SELECT ordinal, disposition FROM exchange.intake WHERE input_id = :id AND disposition IN ('held', 'out_of_scope')
"""
Say = Callable[[str], None]
Delivered = tuple[dict[int, bytes], dict[int, str], dict[int, str], dict[int, dict[str, Any]]]
"""By row of a page: the hash of what is delivered, the code that holds it, the rule that withholds it, and the document
delivered."""


@dataclass
class Plan:
    """What would happen, in numbers of records.

    Args:
        looked: records looked at; ``same`` of them stay as they are.
        changed: records whose values change, and ``fields`` by field with old and new value, masked by class.
        news: by what would newly happen, such as ``held``, its codes with counts.
        unknown: what cannot be told, with the reason.
        without_fields: of the changed records, those of which it cannot be told which fields change.
    """

    name: str
    mapping: str
    looked: int = 0
    same: int = 0
    changed: int = 0
    fields: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    news: dict[str, Counter[str]] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    without_fields: Counter[str] = field(default_factory=Counter)

    def newly(self, what: str, code: str) -> None:
        """Count a record that would newly end so."""
        self.news.setdefault(what, Counter())[code] += 1


# --- a source ---------------------------------------------------------------------------------------------------------


def plan_source(content: Content, name: str, since: datetime | None, say: Say) -> Plan:
    """Read every archived input of the source's sealed windows once more and compare with what the exchange has."""
    usable(content, name, COLLECT)
    versions = load_versions(content, name, COLLECT)
    plan = Plan(name, f"{versions.name} {versions.fingerprint[:12]}")
    with reading() as connection:
        inputs = connection.execute(sa.text(_INPUTS), {"source": name, "since": since}).all()
        for number, row in enumerate(inputs, 1):
            say(f"{name}: input {number} of {len(inputs)}, {row.name}")
            taken = current.taken(connection, f"plan {name}", row.sha256)
            ended = {
                one.ordinal: one.disposition
                for one in connection.execute(sa.text(_ENDED), {"id": row.id})
                if one.ordinal >= 0
            }
            _input(plan, content, versions, row, taken, ended)
    return plan


def _input(
    plan: Plan, content: Content, versions: Versions, row: Any, taken: dict[int, Any], ended: dict[int, str]
) -> None:
    plan.looked += len(taken) + len(ended)
    if row.problem_code:
        plan.unknown[f"inputs held as a whole ({row.problem_code})"] += 1
        return
    one = archived(row)
    if one is None:
        plan.unknown["the bytes as received are no longer kept"] += len(taken) + len(ended)
        return
    open_ = {*taken, *ended}
    try:
        mapping = versions.on(row.arrival)
        for batch in batches(mapping, one):
            _compare(plan, content, mapping, batch, taken, ended, open_)
    except BridgeError as bad:
        plan.unknown[f"the input cannot be read by this mapping ({bad.code})"] += len(open_)
        return
    if open_:
        plan.unknown["the input no longer shows the record"] += len(open_)


def _compare(
    plan: Plan,
    content: Content,
    mapping: Model,
    batch: Batch,
    taken: dict[int, Any],
    ended: dict[int, str],
    open_: set[int],
) -> None:
    mapped = forward(mapping, batch)
    documents = document.encode(mapped.batch, mapping.target_shape)
    faults = quality.validate(documents, content, today=datetime.now(UTC).date())
    codes: dict[int, str] = {}
    for problem in [*mapped.problems, *faults]:
        codes.setdefault(problem.row, problem.code)
    outside = dict(zip(*(mapped.out_of_scope.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    made = {
        row: (payload, nominal)
        for row, payload, nominal in zip(
            *(documents.column(name).to_pylist() for name in (ROW, "payload", "nominal")), strict=True
        )
    }
    for row in sorted(open_ & (made.keys() | codes.keys() | outside.keys())):
        open_.discard(row)
        before = taken.get(row)
        if row in codes:
            known_held = before is None and ended.get(row) == "held"
            plan.same += known_held
            if not known_held:
                plan.newly("held", codes[row])
        elif row in outside:
            known_out = before is None and ended.get(row) == "out_of_scope"
            plan.same += known_out
            if not known_out:
                plan.newly("out of scope", outside[row])
        elif before is None:
            plan.newly("taken in", f"was {ended[row].replace('_', ' ')}")
        elif (before["payload"], before["nominal"]) == made[row]:
            plan.same += 1
        else:
            plan.changed += 1
            plan.fields.update(
                differences(_whole(before["payload"], before["nominal"]), _whole(*made[row]), mapping.target_shape)
            )


# --- a partner --------------------------------------------------------------------------------------------------------


def plan_partner(content: Content, name: str, since: datetime | None, say: Say) -> Plan:
    """Map every record of the exchange for the partner and compare with what was released to it."""
    usable(content, name, SHARE)
    versions = load_versions(content, name, SHARE)
    mapping = versions.on(datetime.now(UTC))
    plan = Plan(name, f"{versions.name} {versions.fingerprint[:12]}")
    changed: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    with reading() as connection:
        authorised = authorisations.now(connection, name)
        for page in current.each(connection, f"plan {name}", name, since):
            live = [row for row in page if not row["cancelled"]]
            if live:
                decided = decisions.of_page(connection, name, live)
                fetch = partial(decisions.of_reports, connection, name)
                _page(plan, mapping, live, changed, partial(_delivered, authorised, decided, fetch))
            say(f"{name}: {plan.looked} records")
    for fingerprint, pairs in changed.items():
        say(f"{name}: looking for the mapping {fingerprint[:12]} by which {len(pairs)} records were delivered")
        _details(plan, content, name, fingerprint, pairs, mapping, authorised)
    return plan


def _page(
    plan: Plan,
    mapping: Model,
    page: Sequence[dict[str, Any]],
    changed: dict[str, Any],
    delivered: Callable[[Model, Sequence[dict[str, Any]]], Delivered],
) -> None:
    hashes, codes, withheld, made = delivered(mapping, page)
    for row, record in enumerate(page):
        plan.looked += 1
        holds, before = record["prior_holds"], record["prior_disposition"]
        if row in withheld:
            if holds:
                plan.newly("recalled", withheld[row])
            elif before in (None, "withheld"):
                plan.same += before is not None
                if before is None:
                    plan.newly("withheld", withheld[row])
            else:
                plan.newly("withheld", withheld[row])
        elif row in codes:
            if before == "held":
                plan.same += 1
            else:
                plan.newly("held" if not holds else "held, while the partner keeps what it has", codes[row])
        elif not holds:
            plan.newly("delivered", f"was {before}" if before else "not offered yet")
        elif record["prior_hash"] == hashes[row]:
            plan.same += 1
        else:
            plan.changed += 1
            changed.setdefault(record["prior_fingerprint"] or "", []).append((record, made[row]))


def _delivered(
    authorised: Sequence[Authorisation],
    decided: Mapping[int, Decided],
    fetch: Fetch,
    mapping: Model,
    page: Sequence[dict[str, Any]],
) -> Delivered:
    """What is delivered of a page of records."""
    common = common_batch(page, mapping.source_shape)
    released = release(mapping.release, mapping.source_shape, common, decided, authorised)
    mapped = forward(mapping, join(mapping, common, released, decided, authorised, fetch).batch)
    codes: dict[int, str] = {}
    for problem in mapped.problems:
        codes.setdefault(problem.row, problem.code)
    documents = document.encode(mapped.batch, mapping.target_shape)
    rows = documents.column(ROW).to_pylist()
    hashes = dict(zip(rows, documents.column("content_hash").to_pylist(), strict=True))
    whole = dict(zip(rows, document.whole(documents), strict=True))
    withheld = dict(zip(*(released.withheld.column(name).to_pylist() for name in (ROW, "rule")), strict=True))
    return hashes, codes, withheld, whole


def _none(_: Collection[uuid.UUID]) -> tuple[list[dict[str, Any]], dict[int, Decided]]:
    return [], {}


def _details(
    plan: Plan,
    content: Content,
    name: str,
    fingerprint: str,
    pairs: Sequence[Any],
    mapping: Model,
    authorised: Sequence[Authorisation],
) -> None:
    """Which fields change, where the mapping of then can be found and makes just what was released."""
    with with_fingerprint(content, name, SHARE, fingerprint) as then:
        if then is None:
            plan.without_fields[f"the mapping of then ({fingerprint[:12]}) is not in the newest commits"] += len(pairs)
            return
        for start in range(0, len(pairs), 2_000):
            some = pairs[start : start + 2_000]
            records = [record for record, _ in some]
            hashes, _, _, made = _delivered(authorised, NOTHING_DECIDED, _none, then.all[0], records)
            for row, (record, now) in enumerate(some):
                # The same hash proves that the partner has just this; else the record itself has changed since.
                if hashes.get(row) == record["prior_hash"]:
                    plan.fields.update(differences(made[row], now, mapping.target_shape))
                else:
                    plan.without_fields["the record itself is newer than what the partner has"] += 1


# --- differences ------------------------------------------------------------------------------------------------------


def _whole(payload: str, nominal: str | None) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(payload)
    return document.merge(found, orjson.loads(nominal)) if nominal is not None else found


def differences(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> Iterator[tuple[str, str, str]]:
    """Field, old and new value of each difference; entries are compared by their place."""
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            bare = ".".join(part for part in path.split(".") if not part.isdigit())
            known = shape.find(bare) or shape.find(bare.replace(".", "/"))
            shown = [masked(known, value) if known else "<masked>" for value in (before.get(path), after.get(path))]
            yield bare, shown[0] or "nothing", shown[1] or "nothing"


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value):
            yield from _leaves(one, f"{at}.{place}")
    else:
        yield at, value
