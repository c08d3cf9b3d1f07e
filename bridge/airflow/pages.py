"""The bridge's pages in Airflow: what came in, what left, what was held and why, and on which legal ground.

Whoever may open Airflow may read them, so they show codes, counts, identifiers and masked reasons. Every
address asks Airflow who is there; all text is escaped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final

import sqlalchemy as sa
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from bridge import settings
from bridge.airflow import grounds, questions
from bridge.airflow.links import PREFIX
from bridge.content import Content
from bridge.errors import BridgeError
from bridge.exchange import Exchange, Role, corrections, decisions, explain, likeness, stamped
from bridge.flow.clearing import Overdue, overdue
from bridge.flow.delays import delays
from bridge.ledger import AWAITING, LAWS, Books, Delivery, Intake

SECONDS: Final = 30
"""No question of a page may keep the database longer."""
KEEP: Final = 15
"""Seconds for which the books of everything, counted anew from the tables, are shown again."""
MOST: Final = 2000
NOTHING: Final = "-"


def application() -> FastAPI:
    """The pages. Anonymous requests get 401, users without access to Airflow's pages or runs 403."""
    may_read = [
        Depends(requires_access_view(AccessView.WEBSITE)),
        Depends(requires_access_dag("GET", DagAccessEntity.RUN)),
    ]
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=may_read)
    app.add_api_route("/", overview, response_class=HTMLResponse)
    app.add_api_route("/held", held, response_class=HTMLResponse)
    app.add_api_route("/record", record, response_class=HTMLResponse)
    app.add_api_route("/grounds", legal_grounds, response_class=HTMLResponse)
    app.add_api_route("/run/{key:path}", run, response_class=HTMLResponse)
    app.add_exception_handler(BridgeError, _refused)
    return app


def overview() -> HTMLResponse:
    """All sources and partners, the laws with their numbers, windows, failed runs and suspended partners."""
    books, counted_at, late = _all_books(int(time.monotonic() // KEEP))
    with _connection() as connection:
        windows = {s.source: questions.windows(connection, s.source) for s in books.sources}
        return _page(
            "overview.html",
            books=books,
            counted_at=counted_at,
            windows=windows,
            latest=questions.latest(connection),
            held=questions.held_by_code(connection),
            troubled=questions.troubled(connection),
            suspended=questions.suspended(connection),
            undecided=questions.undecided(connection),
            proposals=decisions.waiting(connection),
            duplicates=likeness.waiting(connection),
            requests=corrections.listed(connection, every=False, limit=50),
            requests_waiting=corrections.waiting(connection),
            overdue=late,
            stamps=stamped.waiting(connection),
            delays=delays(connection, Content.find(), counted_at),
        )


def held(
    source: str = "",
    partner: str = "",
    code: str = "",
    state: str = "open",
    run: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 200,
) -> HTMLResponse:
    """Held records, one row per problem, with file, position, field, rule and reason."""
    with _connection() as connection:
        number = None
        if run:
            found = questions.attempts(connection, run)
            number = found[0].id if found else -1
        codes = questions.held_by_code(connection)
    with _exchange() as exchange:
        problems = exchange.held(
            source=source or None,
            partner=partner or None,
            run=number,
            code=code or None,
            state=None if state == "all" or run else state,
            limit=limit,
        )
    chosen = {"source": source, "partner": partner, "code": code, "state": state, "run": run, "limit": limit}
    return _page("held.html", problems=problems, codes=codes, chosen=chosen, most=MOST)


def record(id: str = "") -> HTMLResponse:  # noqa: A002 -- the word in the page's address
    """Every hop of one record, found by its bridge id or its identifier at the origin."""
    with _connection() as connection:
        records = explain.records(connection, id) if id.strip() else []
        one = records[0] if len(records) == 1 else None
        hops = explain.explain(connection, one.bridge_id) if one else []
        problems = explain.problems(connection, one.bridge_id) if one else []
    partners = {hop.name for hop in hops if hop.side == "delivery"}
    return _page(
        "record.html",
        asked=id.strip(),
        records=records,
        one=one,
        hops=hops,
        problems=problems,
        policies={partner: grounds.policy(partner) for partner in partners},
    )


def legal_grounds() -> HTMLResponse:
    """For each partner what may leave, by class of field, on which ground, and what is withheld."""
    return _page("grounds.html", policies=[grounds.policy(partner) for partner in grounds.partners()])


def run(key: str) -> HTMLResponse:
    """One run: its books, its inputs with hashes and the positions of held records, its reasons."""
    with _connection() as connection:
        attempts = questions.attempts(connection, key)
        last = attempts[0] if attempts else None
        inputs = questions.inputs(connection, last.id) if last else []
    problems, checkpoint = [], None
    if last:
        with _exchange() as exchange:
            problems = exchange.held(run=last.id, state=None, limit=50)
            checkpoint = exchange.checkpoint(last.id)
    return _page(
        "run.html", key=key, attempts=attempts, last=last, inputs=inputs, problems=problems, checkpoint=checkpoint
    )


def _refused(request: Request, error: Exception) -> HTMLResponse:  # noqa: ARG001 -- FastAPI's signature
    """Our own errors say what to do and quote nothing."""
    return _page("error.html", status=503, error=error)


@cache
def _exchange_of(url: str) -> Exchange:
    return Exchange(url, Role.AUDIT)


@contextmanager
def _exchange() -> Iterator[Exchange]:
    yield _exchange_of(settings.exchange_url(Role.AUDIT))


@contextmanager
def _connection() -> Iterator[sa.Connection]:
    """One read-only transaction with a time limit; database errors as ours."""
    from bridge.exchange.database import refusals

    with (
        _exchange() as exchange,
        refusals("exchange"),
        exchange.engine.execution_options(postgresql_readonly=True).begin() as connection,
    ):
        questions.limit(connection, SECONDS * 1000)
        yield connection


_last: dict[int, tuple[Books, datetime, list[Overdue]]] = {}


def _all_books(slot: int) -> tuple[Books, datetime, list[Overdue]]:
    """The books of everything, when they were counted, and what was overdue then; at most once in KEEP seconds."""
    if slot not in _last:
        with _exchange() as exchange:
            now = datetime.now(UTC)
            found = exchange.books(), now, overdue(exchange, Content.find(), now)
        _last.clear()
        _last[slot] = found
    return _last[slot]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("bridge.airflow"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    environment.filters["number"] = _number
    environment.filters["codes"] = _codes
    environment.globals.update(
        PREFIX=PREFIX, INTAKE=list(Intake), DELIVERY=list(Delivery), AWAITING=AWAITING, LAWS=LAWS, ground=grounds.ground
    )
    return environment


def _page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    text = _templates().get_template(template).render(page=template.removesuffix(".html"), **values)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(text, status_code=status, headers=headers)


def _number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _moment(value: datetime | None) -> str:
    """A moment as people read it, to the minute, in UTC."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def _codes(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    """Codes with their counts, most frequent first."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
