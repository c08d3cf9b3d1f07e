"""Does this window look like what its source always sends? Great Expectations, once, by SQL on the staging table.

A record can be sound and its window still be wrong: half of the file missing,
a column empty since the source's last release, the same day sent twice. What a
source's windows must look like stands in schemas/quality/<source>.yaml. Great
Expectations gives the verdicts, and only those: its results hold no value of a
record. The numbers beside them are counted by one query of our own.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import median
from typing import Any, Final

import sqlalchemy as sa

from bridge.errors import Misconfigured, Stop
from bridge.exchange import Exchange
from bridge.exchange.database import refusals
from bridge.exchange.outbound import staging
from bridge.exchange.runs import Run
from bridge.exchange.tables import run as runs
from bridge.exchange.tables import sealed_window
from bridge.ledger import Books, Intake
from bridge.mapping.yaml import plain, read_yaml

_NEEDS: Final[Mapping[str, frozenset[str]]] = {
    "volume": frozenset({"low", "high", "windows", "least"}),
    "present": frozenset({"at_least"}),
    "unique": frozenset({"at_least"}),
    "within": frozenset({"min", "max", "at_least"}),
    "share": frozenset({"of", "at_most"}),
    "fresh": frozenset({"days"}),
}
_UNSOUND: Final = frozenset({str(Intake.HELD), str(Intake.OUT_OF_SCOPE)})
_ACCEPTED: Final = re.compile(r"[^:]*\w[^:]*\w[^:]*:\s*\S.{5,}")
_SAME: Final = 0.2
"""Windows whose lengths differ by less than this part are comparable: months are not equally long."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of a source's quality file.

    Args:
        kind: volume (records, against the median of recent windows), present (share of records that have the
            column), unique (share of records that alone have their values), within (share of values between min
            and max), share (of values that are among ``of``), fresh (days from the newest value to the window's end).
        columns: of the staging table; empty for volume.
        limits: numbers by name; ``of`` is a tuple of texts.
        stops: whether a window that fails it is stopped, or only reported.
    """

    kind: str
    columns: tuple[str, ...]
    limits: Mapping[str, Any]
    stops: bool
    why: str

    @property
    def says(self) -> str:
        """The limit in words."""
        limits = self.limits
        match self.kind:
            case "volume":
                return f"{limits['low']:g} to {limits['high']:g} times the median of {limits['windows']:g} windows"
            case "share":
                return f"at most {limits['at_most']:g} are {', '.join(limits['of'])}"
            case "fresh":
                return f"at most {limits['days']:g} days old"
            case "within":
                return f"at least {limits['at_least']:g} are {limits['min']:g} to {limits['max']:g}"
            case _:
                return f"at least {limits['at_least']:g}"


def judge(exchange: Exchange, run: Run, path: Path, *, fresh: bool = True, accept: str = "") -> list[dict[str, Any]]:
    """Hold a run's staged records against the expectations in a file; one JSON object each, without values.

    Keys: ``expectation``, ``columns``, ``ok`` (true, false, or null for "cannot tell"), ``observed`` (a count, a
    share or days; null where there is nothing to count), ``limit``, ``severity`` (stop or warn), ``why``, ``note``,
    and ``accepted`` where a person let a failure pass.

    Args:
        fresh: False for an old window that is collected again; freshness is then not judged.
        accept: "Name: reason" of the person who lets a window pass that would be stopped.

    Raises:
        Stop: QUALITY, naming each expectation that stops the window and what to type to let it pass.
        Misconfigured: the file declares what does not exist, or ``accept`` lacks a name or a reason.
    """
    if accept and not _ACCEPTED.fullmatch(accept):
        fix = 'Give both, such as "A. Officer: the source closed two offices"'
        raise Misconfigured("BAD_ACCEPT", run.where, "accepting a window needs a name and a reason", fix)
    expectations = read(path)
    with refusals(run.where), exchange.engine.connect() as connection:
        past = _past(connection, run, expectations)
        observed = _observed(connection, run, expectations)
    notes = [_cannot_tell(e, n, past, fresh) for e, n in zip(expectations, observed, strict=True)]
    asked = [e for e, note in zip(expectations, notes, strict=True) if not note]
    verdicts = iter(_verdicts(exchange, run, asked, past) if asked else ())
    found = [
        {
            "expectation": e.kind,
            "columns": list(e.columns),
            "ok": None if note else next(verdicts),
            "observed": number,
            "limit": e.says,
            "severity": "stop" if e.stops else "warn",
            "why": e.why,
            "note": note or (f"the median is {_usual(e, past):g}" if e.kind == "volume" else ""),
        }
        for e, number, note in zip(expectations, observed, notes, strict=True)
    ]
    failed = [one for one in found if one["ok"] is False and one["severity"] == "stop"]
    for one in failed if accept else ():
        one["accepted"] = accept
    exchange.note_judgement(run, found)
    if failed and not accept:
        said = "; ".join(f"{_name(one)} is {one['observed']}, expected {one['limit']}" for one in failed)
        fix = 'Look at what the source sent. If it is right, collect it again with --accept-quality "Your Name: reason"'
        raise Stop("QUALITY", run.where, f"the window is not what this source sends: {said}", fix)
    return found


def read(path: Path) -> list[Expectation]:
    """The expectations that a file declares, in its order.

    Raises:
        Misconfigured: with the file and what is wrong.
    """
    block, faults = read_yaml(path)
    for fault in faults:
        raise Misconfigured("BAD_QUALITY", f"{path}:{fault.line}", fault.what, fault.fix)
    said: Any = plain(block)
    return [_expectation(f"{path}: expectation {n}", one) for n, one in enumerate(said.get("expect", ()), 1)]


def _expectation(where: str, said: Any) -> Expectation:
    kinds = [kind for kind in _NEEDS if isinstance(said, dict) and kind in said]
    if len(kinds) != 1:
        raise Misconfigured("BAD_QUALITY", where, "it declares no expectation", f"Give one of {', '.join(_NEEDS)}")
    kind = kinds[0]
    needed = _NEEDS[kind] | {kind, "severity", "why"}
    if set(said) != needed:
        raise Misconfigured(
            "BAD_QUALITY", where, f"{kind} has other parts than it needs", f"Give {', '.join(sorted(needed))}"
        )
    if said["severity"] not in ("stop", "warn"):
        raise Misconfigured("BAD_QUALITY", where, f"severity {said['severity']} does not exist", "Say stop or warn")
    named = said[kind] if isinstance(said[kind], list) else [said[kind]]
    columns = () if kind == "volume" else tuple(named)
    for column in columns:
        if column not in staging.c:
            fix = f"Name one of {', '.join(c.name for c in staging.c)}"
            raise Misconfigured("BAD_QUALITY", where, f"the staging table has no column {column}", fix)
    if len(columns) > 1 and kind != "unique":
        raise Misconfigured("BAD_QUALITY", where, f"{kind} is about one column", "Name one")
    limits: dict[str, Any] = {}
    for name in _NEEDS[kind]:
        try:
            limits[name] = tuple(said[name]) if name == "of" else float(Decimal(said[name]))
        except InvalidOperation:
            raise Misconfigured("BAD_QUALITY", where, f"{name} is no number", "Give a number") from None
    return Expectation(kind, columns, limits, said["severity"] == "stop", said["why"])


def _past(connection: sa.Connection, run: Run, expectations: Sequence[Expectation]) -> list[int]:
    """Sound records of the source's last sealed windows before this one that were about as long, newest first."""
    most = max((int(e.limits["windows"]) for e in expectations if e.kind == "volume"), default=0)
    if not most or run.window is None:
        return []
    length = run.window.until - run.window.since
    span = sealed_window.c.until - sealed_window.c.since
    asked = (
        sa.select(runs.c.books)
        .join_from(sealed_window, runs, runs.c.id == sealed_window.c.run_id)
        .where(sealed_window.c.source == run.name, sealed_window.c.until <= run.window.since)
        .where(span > length * (1 - _SAME), span < length * (1 + _SAME))
        .order_by(sealed_window.c.since.desc())
        .limit(most)
    )
    return [
        sum(n for source in Books.from_dict(books).sources for name, n in source.counts.items() if name not in _UNSOUND)
        for books in connection.scalars(asked)
        if books
    ]


def _observed(connection: sa.Connection, run: Run, expectations: Sequence[Expectation]) -> list[int | float | None]:
    """The number that each expectation is about."""
    mine = sa.select(staging).where(staging.c.run_id == run.id).subquery()
    asked = [_number(e, mine, run).label(f"n{place}") for place, e in enumerate(expectations)]
    row = connection.execute(sa.select(*asked)).one() if asked else ()
    return [
        None if n is None else int(n) if e.kind == "volume" else round(float(n), 6)
        for e, n in zip(expectations, row, strict=True)
    ]


def _number(e: Expectation, mine: sa.Subquery, run: Run) -> sa.ColumnElement[Any]:
    columns = [mine.c[name] for name in e.columns]
    every = sa.func.nullif(sa.func.count(*columns[:1]), 0)
    match e.kind:
        case "volume":
            return sa.select(sa.func.count()).select_from(mine).scalar_subquery()
        case "present":
            return sa.select(sa.func.avg(sa.cast(columns[0].is_not(None), sa.Integer))).scalar_subquery()
        case "unique":
            times = sa.select(sa.func.count().label("n")).select_from(mine).group_by(*columns).subquery()
            alone = sa.func.sum(times.c.n).filter(times.c.n == 1)
            return sa.select(sa.func.coalesce(alone, 0) / sa.func.sum(times.c.n)).scalar_subquery()
        case "within":
            inside = sa.func.count().filter(columns[0].between(e.limits["min"], e.limits["max"]))
            return sa.select(sa.cast(inside, sa.Numeric) / every).scalar_subquery()
        case "share":
            among = sa.func.count().filter(columns[0].in_(e.limits["of"]))
            return sa.select(sa.cast(among, sa.Numeric) / every).scalar_subquery()
        case _:
            end = run.window.until if run.window else sa.func.now()
            age = sa.func.extract("epoch", sa.literal(end, sa.DateTime(timezone=True)) - sa.func.max(columns[0]))
            return sa.select(age / 86400).scalar_subquery()


def _usual(e: Expectation, past: list[int]) -> float:
    return float(median(past[: int(e.limits["windows"])]))


def _cannot_tell(e: Expectation, number: int | float | None, past: list[int], fresh: bool) -> str:
    """Why an expectation cannot be judged; "" if it can."""
    if e.kind == "volume" and len(past) < e.limits["least"]:
        return f"cannot tell: {len(past)} earlier windows, and {e.limits['least']:g} are needed"
    if e.kind == "fresh" and not fresh:
        return "cannot tell: an old window is collected again"
    return "cannot tell: nothing to count" if number is None else ""


def _verdicts(exchange: Exchange, run: Run, asked: Sequence[Expectation], past: list[int]) -> Iterator[bool]:
    """Great Expectations' answers, in order."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Takes seconds to import, and whoever only reads a quality file needs none of it.
    import great_expectations as gx
    import great_expectations.expectations as library
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_postgres(
        "exchange", connection_string=exchange.engine.url.render_as_string(hide_password=False), create_temp_table=False
    )
    asset = source.add_query_asset("window", query=f"SELECT * FROM {staging.fullname} WHERE run_id = {run.id:d}")  # noqa: S608
    suite = gx.ExpectationSuite(name=run.name)
    for place, expectation in enumerate(asked):
        name, options = _declared(expectation, run, past)
        suite.add_expectation(getattr(library, name)(**options, meta={"place": place}))
    result = asset.add_batch_definition_whole_table("window").get_batch().validate(suite, result_format="BOOLEAN_ONLY")
    found = {one.expectation_config.meta["place"]: one for one in result.results if one.expectation_config}
    for place, expectation in enumerate(asked):
        one = found[place]
        if not one.success and _raised(one.exception_info):
            what = f"{expectation.kind} {' '.join(expectation.columns)} could not be evaluated".replace("  ", " ")
            raise Misconfigured("BAD_QUALITY", run.where, what, "Correct its column or limits in the quality file")
        yield bool(one.success)


def _declared(e: Expectation, run: Run, past: list[int]) -> tuple[str, dict[str, Any]]:
    """The expectation as the library calls it, and its parameters."""
    limits = e.limits
    one = {"column": e.columns[0]} if e.columns else {}
    most = {"mostly": limits["at_least"]} if "at_least" in limits else {}
    match e.kind:
        case "volume":
            low, high = (_usual(e, past) * limits[name] for name in ("low", "high"))
            return "ExpectTableRowCountToBeBetween", {"min_value": math.floor(low), "max_value": math.ceil(high)}
        case "present":
            return "ExpectColumnValuesToNotBeNull", one | most
        case "unique":
            several = len(e.columns) > 1
            name = "ExpectCompoundColumnsToBeUnique" if several else "ExpectColumnValuesToBeUnique"
            return name, ({"column_list": list(e.columns)} if several else one) | most
        case "within":
            span = {"min_value": limits["min"], "max_value": limits["max"]}
            return "ExpectColumnValuesToBeBetween", one | most | span
        case "share":
            others = {"value_set": list(limits["of"]), "mostly": 1 - limits["at_most"]}
            return "ExpectColumnValuesToNotBeInSet", one | others
    oldest = run.window.until - timedelta(days=limits["days"]) if run.window else None
    return "ExpectColumnMaxToBeBetween", one | {"min_value": oldest}


def _raised(info: Mapping[str, Any]) -> bool:
    return bool(info.get("raised_exception")) or any(isinstance(v, Mapping) and _raised(v) for v in info.values())


def _name(one: Mapping[str, Any]) -> str:
    return " ".join([one["expectation"], *one["columns"]])
