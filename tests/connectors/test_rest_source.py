"""RestSource asks for a window page by page, believes only whole pages of the right service, and always ends."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bridge.connector import Input, Source, Window
from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.shape import Field, shape_of
from bridge.testing_source import BROKEN, DAY, NOON, SourceConformance, Supply
from bridge.testing_target import words
from connectors.rest import RestSource, source
from tests.connectors.https_partner import Authority, serving
from tests.connectors.https_supplier import PATH, Supplier

SHAPE = shape_of("flat", [Field("", "ref"), Field("", "place.name"), Field("goods", "hs")])
ENDS = {"path": "/records", "since": "from", "until": "to"}
STYLES: dict[str, dict[str, Any]] = {
    "link": {"pages": {"next": "link"}},
    "path": {"pages": {"next": "paging.next"}, "records": "data"},
    "cursor": {"pages": {"cursor": "meta.cursor", "as": "after"}, "records": "data"},
    "offset": {"pages": {"offset": "offset", "limit": "limit", "size": "100"}, "records": "data", "total": "total"},
}


@pytest.fixture
def supplier(certificate: tuple[Path, Path]) -> Iterator[Supplier]:
    with serving(Supplier(certificate)) as one:
        yield one


def opened(supplier: Supplier, authority: Authority, **options: Any) -> RestSource:
    said = {"deadline": "10", **ENDS, **STYLES[supplier.style], **options}
    return source(supplier.url(authority.pem), said, SHAPE)


def fill(supplier: Supplier, count: int, size: int = 1000, style: str = "link") -> None:
    supplier.style, supplier.size = style, size
    for number in range(count):
        supplier.add(NOON + timedelta(seconds=number), ref=f"R-{number}", goods=[{"hs": "2402"}] * (number % 3))


def fetched(one: RestSource, archive: Path) -> Input:
    (offer,) = one.offers(DAY)
    return one.fetch(offer, archive)


def references(one: RestSource, archive: Path) -> list[str]:
    return [ref for batch in one.read(fetched(one, archive)) for ref in batch.root.column("ref").to_pylist()]


class Api:
    """A source with a service that the tests fill."""

    reference = "ref"

    def __init__(self, supplier: Supplier, authority: Authority) -> None:
        self._supplier = supplier
        self.source: Source = opened(supplier, authority, pages=STYLES[supplier.style]["pages"] | self._size())

    def _size(self) -> dict[str, str]:
        return {"size": "5000"} if self._supplier.style == "offset" else {}

    def put(self, references: Sequence[str], arrival: datetime) -> None:
        for reference in references:
            mood = {"mood": 1} if reference.startswith(BROKEN) else {}
            self._supplier.add(arrival, ref=reference, place={"name": "Kapikule"}, **mood)

    def state(self) -> object:
        return list(self._supplier.records)


class TestLinked(SourceConformance):
    many = 10_500

    @pytest.fixture
    def supply(self, certificate: tuple[Path, Path], authority: Authority) -> Iterator[Supply]:
        with serving(Supplier(certificate, size=5000)) as one:
            yield Api(one, authority)


class TestCounted(SourceConformance):
    many = 10_500

    @pytest.fixture
    def supply(self, certificate: tuple[Path, Path], authority: Authority) -> Iterator[Supply]:
        with serving(Supplier(certificate, size=5000, style="offset")) as one:
            yield Api(one, authority)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [0, 1, 2, 10, 11])
def test_every_style_gives_each_record_once_and_keeps_each_page_as_it_came(
    supplier: Supplier, authority: Authority, tmp_path: Path, style: str, count: int
) -> None:
    fill(supplier, count, 5, style)
    rest = opened(supplier, authority)
    one = fetched(rest, tmp_path)
    assert (one.counted, one.problem, one.notes) == (count, None, {"pages": str(len(supplier.heard))})
    batches = list(rest.read(one))
    assert [ref for b in batches for ref in b.root.column("ref").to_pylist()] == [f"R-{n}" for n in range(count)]
    assert sum(b.tables["goods"].num_rows for b in batches) == sum(n % 3 for n in range(count))
    assert "from=2025-03-09T00%3A00%3A00Z&to=2025-03-10T00%3A00%3A00Z" in supplier.heard[0][0]
    with zipfile.ZipFile(one.path) as archived:
        contents = json.loads(archived.read("pages.json"))
        assert (contents["since"], contents["until"]) == ("2025-03-09T00:00:00Z", "2025-03-10T00:00:00Z")
        assert contents["url"] == f"https://localhost:{supplier.port}{PATH}"
        for page in contents["pages"]:
            assert len(archived.read(page["file"])) == page["bytes"]
    assert not list(tmp_path.glob(".rest-*"))


@pytest.mark.parametrize(
    ("moments", "since"),
    [("seconds", "1741478400"), ("milliseconds", "1741478400000"), ("iso", "2025-03-09T00:00:00Z")],
)
def test_ends_of_windows_are_written_as_declared_beside_the_fixed_query(
    supplier: Supplier, authority: Authority, tmp_path: Path, moments: str, since: str
) -> None:
    rest = opened(supplier, authority, moments=moments, query={"status": "final & closed"})
    supplier.troubles.append("404")
    with pytest.raises(BridgeError):
        fetched(rest, tmp_path)
    assert supplier.heard[0][0].startswith(f"{PATH}?status=final+%26+closed&from={since.replace(':', '%3A')}&to=")


def test_a_window_is_asked_for_when_its_lag_is_over(supplier: Supplier, authority: Authority) -> None:
    now = datetime.now(UTC)
    with pytest.raises(TryLater, match=r"WINDOW_OPEN at https://localhost:[0-9]+/v2/records"):
        opened(supplier, authority, lag="1 hour").offers(Window(now - timedelta(hours=2), now - timedelta(minutes=50)))
    assert supplier.heard == []


def test_packed_pages_are_unpacked_and_no_further_than_is_allowed(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 4)
    plain = fetched(opened(supplier, authority), tmp_path)
    supplier.troubles.append("gzip")
    assert fetched(opened(supplier, authority), tmp_path) == plain
    assert supplier.heard[-1][1]["Accept-Encoding"] == "gzip"
    rest = opened(supplier, authority, max_page_bytes="100000")
    begun = time.process_time()
    for trouble, kind, code in (
        ("bomb", Misconfigured, "TOO_LARGE"),
        ("long", Misconfigured, "TOO_LARGE"),
        ("br", Misconfigured, "PACKED"),
        ("half", TryLater, "PAGE_BROKEN"),
        ("more", TryLater, "PAGE_BROKEN"),
        ("truncate", TryLater, "PAGE_BROKEN"),
        ("closed", TryLater, "PAGE_BROKEN"),
        ("cut", TryLater, "PAGE_BROKEN"),
    ):
        supplier.troubles.append(trouble)
        with pytest.raises(kind, match=f"^{code} at page 1 of https://localhost:[0-9]+/v2/records: "):
            fetched(rest, tmp_path / trouble)
        assert not [path for path in (tmp_path / trouble).rglob("*") if path.is_file()]
    assert time.process_time() - begun < 5  # the bomb is made here, and costs most of it
    supplier.troubles.append("fewer")
    one = fetched(rest, tmp_path)
    assert one.problem is not None
    assert one.problem.code == "NOT_JSON"


@pytest.mark.parametrize(
    ("trouble", "kind", "code"),
    [
        ("401", Misconfigured, "SOURCE_DENIES"),
        ("403", Misconfigured, "SOURCE_DENIES"),
        ("302", Misconfigured, "NOT_A_PAGE"),
        ("404", Misconfigured, "NOT_A_PAGE"),
        ("422", Misconfigured, "NOT_A_PAGE"),
        ("500", TryLater, "SOURCE_FAILS"),
        ("502", TryLater, "SOURCE_FAILS"),
        ("429", TryLater, "SOURCE_BUSY"),
        ("503:3600", TryLater, "SOURCE_BUSY"),
    ],
)
def test_what_a_status_means_is_told_by_the_error(
    supplier: Supplier, authority: Authority, tmp_path: Path, trouble: str, kind: type[BridgeError], code: str
) -> None:
    fill(supplier, 10, 5)
    secret = uuid4().hex
    supplier.troubles.extend(["", trouble])
    with pytest.raises(kind, match=f"^{code} at page 2 of ") as stopped:
        fetched(opened(supplier, authority, query={"api_key": secret}), tmp_path)
    assert secret not in words(stopped.value)
    assert len(references(opened(supplier, authority), tmp_path)) == 10


def test_a_busy_service_is_asked_again_when_it_says(supplier: Supplier, authority: Authority, tmp_path: Path) -> None:
    fill(supplier, 10, 5)
    supplier.troubles.extend(["", "429:1", "503:0"])
    assert len(references(opened(supplier, authority), tmp_path)) == 10
    assert len(supplier.heard) == 4


def test_a_drip_is_ended_by_the_deadline_of_the_page_and_of_the_window(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 100)
    for options in ({"deadline": "1"}, {"window_deadline": "1"}):
        supplier.troubles.append("drip")
        begun = time.monotonic()
        with pytest.raises(TryLater, match="PAGE_BROKEN"):
            fetched(opened(supplier, authority, **options), tmp_path)
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("trouble", "code", "at"),
    [
        ("broken", "NOT_JSON", "byte 20: not JSON ("),
        ("latin", "ENCODING", "byte 40: byte 0xE9 is not UTF-8"),
        ("error", "NO_RECORDS", "the page has no array at 'data'"),
    ],
)
def test_a_page_that_is_none_is_named_and_all_that_came_is_kept(
    supplier: Supplier, authority: Authority, tmp_path: Path, trouble: str, code: str, at: str
) -> None:
    fill(supplier, 10, 5, "path")
    secret = uuid4().hex
    supplier.troubles.extend(["", trouble])
    rest = opened(supplier, authority, query={"api_key": secret})
    one = fetched(rest, tmp_path)
    assert one.problem is not None
    assert (one.counted, one.problem.row, one.problem.code) == (None, -1, code)
    assert one.problem.reason.startswith(f"page 2 of https://localhost:{supplier.port}{PATH}")
    assert at in one.problem.reason
    assert secret not in one.problem.reason
    with zipfile.ZipFile(one.path) as archived:
        assert archived.namelist() == ["page-000001.json", "page-000002.json", "pages.json"]
        assert secret.encode() not in archived.read("pages.json")
    with pytest.raises(Misconfigured, match=code):
        next(rest.read(one))
    assert len(references(rest, tmp_path)) == 10


def test_records_that_cannot_be_read_are_told_by_page_and_place(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 7, 5)
    supplier.records[5] = (NOON, {"ref": "R-5", "goods": [{"hs": "1", "mood": "x"}]})
    supplier.records[6] = (NOON, {"ref": float("nan")})
    rest = opened(supplier, authority)
    (batch,) = rest.read(fetched(rest, tmp_path))
    told = [(one.row, one.position, one.code, one.field, one.reason.partition(":")[0]) for one in batch.problems]
    assert told == [
        (5, 6, "UNKNOWN_FIELD", "goods.0.mood", "page 2, record 1"),
        (6, 7, "NOT_JSON", "", "page 2, record 2"),
    ]
    assert len(batch) == 5


@pytest.mark.parametrize("style", ["link", "path"])
def test_a_service_without_an_end_is_ended(
    supplier: Supplier, authority: Authority, tmp_path: Path, style: str
) -> None:
    fill(supplier, 10, 5, style)
    supplier.troubles.extend(["", "same"])
    with pytest.raises(Misconfigured, match="PAGES_REPEAT at page 3 of"):
        fetched(opened(supplier, authority), tmp_path)
    supplier.troubles.clear()
    supplier.troubles.extend(["endless"] * 30)
    with pytest.raises(Misconfigured, match=r"TOO_LARGE at page 21 of .*max_pages \(20\)"):
        fetched(opened(supplier, authority, max_pages="20"), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_link_to_another_address_gets_neither_question_nor_login(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 10, 5)
    supplier.troubles.append("elsewhere")
    rest = RestSource(supplier.url(authority.pem, login="me:secret@"), {**ENDS, **STYLES["link"]}, SHAPE)
    with pytest.raises(Misconfigured, match="FOREIGN_PAGE at page 2 of"):
        fetched(rest, tmp_path)
    assert len(supplier.heard) == 1
    assert supplier.heard[0][1]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("trouble", ["nonsense", "login", "port"])
def test_what_is_no_address_of_the_service_is_not_followed(
    supplier: Supplier, authority: Authority, tmp_path: Path, trouble: str
) -> None:
    fill(supplier, 10, 5, "path")
    supplier.troubles.append(trouble)
    with pytest.raises(Misconfigured, match=r"FOREIGN_PAGE at page [12] of"):
        fetched(opened(supplier, authority), tmp_path)
    assert len(supplier.heard) == 1


def test_archived_pages_are_read_where_the_service_cannot_be_reached(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 10, 5)
    one = fetched(opened(supplier, authority), tmp_path)
    elsewhere = source(str(tmp_path), {**ENDS, **STYLES["link"]}, SHAPE)
    assert sum(map(len, elsewhere.read(one))) == 10
    with pytest.raises(Misconfigured, match="BAD_CONNECTION"):
        elsewhere.offers(DAY)


def test_a_record_that_cannot_be_read_may_stand_where_pages_overlap(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 10, 5, "offset")
    supplier.records[4] = (supplier.records[4][0], {"ref": float("nan")})
    rest = opened(supplier, authority)
    (batch,) = rest.read(fetched(rest, tmp_path))
    assert (len(batch), [one.row for one in batch.problems]) == (9, [4])


def test_a_set_that_changes_while_it_is_counted_off_is_noticed(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 12, 5, "offset")
    rest = opened(supplier, authority, total="")
    for change in (lambda: supplier.records.pop(0), lambda: supplier.add(DAY.since, ref="before all")):
        supplier.heard.clear()
        supplier.asked = lambda number, change=change: change() if number == 2 else None  # type: ignore[misc]
        with pytest.raises(TryLater, match="SET_CHANGED at page 2 of"):
            fetched(rest, tmp_path)
    supplier.asked = lambda _: None
    assert references(rest, tmp_path) == [record["ref"] for _, record in supplier.records]


def test_the_services_own_total_is_held_against_what_came(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 10, 100, "offset")
    rest = opened(supplier, authority, pages={})
    assert len(references(rest, tmp_path)) == 10
    supplier.size = 5
    with pytest.raises(TryLater, match=r"SET_CHANGED at .*: pages have 5 records, and the service says 10"):
        fetched(rest, tmp_path)
    with pytest.raises(Misconfigured, match="NO_TOTAL"):
        fetched(opened(supplier, authority, total="paging.total"), tmp_path)


def test_pages_that_are_not_declared_are_not_overlooked(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    fill(supplier, 10, 5)
    with pytest.raises(Misconfigured, match="MORE_PAGES at page 1 of"):
        fetched(opened(supplier, authority, pages={}), tmp_path)


def test_a_token_and_a_certificate_are_shown(
    authority: Authority, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("abc.DEF-123~x==\n")
    mine, key = authority.sign("bridge")
    with serving(Supplier(certificate, clients=authority.pem)) as one:
        fill(one, 3)
        known = RestSource(one.url(authority.pem, cert=mine, key=key, token=token), {**ENDS, **STYLES["link"]}, SHAPE)
        assert len(references(known, tmp_path / "archive")) == 3
        assert one.heard[0][1]["Authorization"] == "Bearer abc.DEF-123~x=="
        with pytest.raises(TryLater, match=r"TLS_FAILED|PAGE_BROKEN"):
            fetched(opened(one, authority), tmp_path / "archive")
        token.write_text("two words")
        with pytest.raises(Misconfigured, match="BAD_TOKEN"):
            fetched(source(one.url(authority.pem, token=token), {**ENDS, **STYLES["link"]}, SHAPE), tmp_path)
        with pytest.raises(Misconfigured, match="both a login and a token"):
            source(one.url(authority.pem, login="me:secret@", token=token), {**ENDS, **STYLES["link"]}, SHAPE).offers(
                DAY
            )


def test_a_service_that_is_not_the_right_one_is_asked_nothing(
    supplier: Supplier, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    for url in (supplier.url(stranger.pem), supplier.url(authority.pem, host="127.0.0.1")):
        with pytest.raises(TryLater, match="TLS_FAILED"):
            fetched(source(url, {**ENDS, **STYLES["link"]}, SHAPE), tmp_path)
    assert supplier.heard == []


@pytest.mark.parametrize(
    "options",
    [
        {"since": ""},
        {"until": ["to"]},
        {"path": "records"},
        {"query": "a=b"},
        {"query": {"a": ["b"]}},
        {"moments": "roman"},
        {"lag": "soon"},
        {"pages": "link"},
        {"pages": {"next": ""}},
        {"pages": {"next": "link", "size": "5"}},
        {"pages": {"cursor": "meta.cursor"}},
        {"pages": {"offset": "o", "limit": "l", "size": "1"}},
        {"pages": {"offset": "o", "limit": "l", "size": "all"}},
        {"max_pages": "0"},
        {"deadline": "301"},
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as refused:
        source("https://supplier.example/v2", {**ENDS, **options}, SHAPE)
    assert refused.value.code == "BAD_OPTION"
