"""The bill of materials says what the lock says; the audit passes only if all was asked about and is well."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.supply import audit, bom
from tests.supply.lock import LOCK, read

TODAY = date(2026, 11, 22)
KNOWN = {"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2026-0001"], "fix_versions": ["9.9"], "description": ""}


def test_the_bill_and_the_lock_agree(tmp_path: Path) -> None:
    out = tmp_path / "bill.json"
    assert bom.write(out) == len(re.findall(r"^[a-z0-9]", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    found = json.loads(out.read_text(encoding="utf-8"))
    listed = {
        (one["name"], one["version"]): {ref["hashes"][0]["content"] for ref in one["externalReferences"]}
        for one in found["components"]
    }
    assert listed == {(one.name, one.version): set(one.hashes) for one in read()}
    digests = set(re.findall(r"sha256:([0-9a-f]{64})", LOCK.read_text(encoding="utf-8")))
    assert set().union(*listed.values()) == digests, "by another way of reading the lock"
    assert sum("licenses" in one for one in found["components"]) > 0.9 * len(listed)


def test_the_bill_is_valid_and_the_same_each_time(tmp_path: Path) -> None:
    some = read()[:20]
    once, again = (bom.text(some, b"lock") for _ in range(2))
    assert once == again != bom.text(some, b"another lock")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(once) is None


def test_a_line_that_is_no_package_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text("good==1 \\\n    --hash=sha256:" + "0" * 64 + "\n-e git+https://example.org\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.lock:3"):
        read(path)


def excepted(until: date, package: str = "good", id_: str = "CVE-2026-0001") -> audit.Excepted:
    """An exception."""
    return audit.Excepted(id_, package, until, "A. Reader", "not called by us")


@pytest.mark.parametrize(
    ("exceptions", "said"),
    [
        ([], ["good 1.0: GHSA-aaaa-bbbb-cccc, mended in 9.9"]),
        ([excepted(TODAY)], []),
        ([excepted(TODAY - timedelta(days=1))], ["good 1.0: GHSA", "good: the exception for CVE-2026-0001 is over"]),
        ([excepted(TODAY, "other")], ["good 1.0: GHSA", "other: nothing is known by CVE-2026-0001"]),
    ],
)
def test_an_exception_holds_for_its_package_until_its_day(exceptions: list[audit.Excepted], said: list[str]) -> None:
    answer = {"dependencies": [{"name": "good", "version": "1.0", "vulns": [KNOWN]}]}
    found = audit.judge(answer, exceptions, TODAY)
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True))


def test_a_package_that_was_not_asked_about_fails_the_audit() -> None:
    answer = {"dependencies": [{"name": "good", "skip_reason": "not found"}]}
    assert audit.judge(answer, [], TODAY) == ["good: could not be asked about"]


def test_an_exception_has_a_name_and_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "exceptions.csv"
    path.write_text("id,package,until,by,reason\nCVE-1,good,2026-12-01,,\n", encoding="utf-8")
    with pytest.raises(ValueError, match="CVE-1 lacks"):
        audit.exceptions(path)
    assert isinstance(audit.exceptions(), list)


class Database(BaseHTTPRequestHandler):
    """What the OSV service answers about two packages."""

    def do_POST(self) -> None:
        """One query, one answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {}
        if asked["package"]["name"] == "bad":
            affected = {
                "package": {"name": "bad", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
            }
            answer = {"vulns": [{"id": "GHSA-bad", "aliases": ["CVE-2026-2"], "affected": [affected]}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def database() -> Iterator[str]:
    """Address of a service as OSV's, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def test_pip_audit_is_asked_as_make_audit_asks_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock, listed = tmp_path / "a.lock", tmp_path / "exceptions.csv"
    digest = "--hash=sha256:" + "0" * 64
    lock.write_text(f"good==1.0 \\\n    {digest}\nbad==1.0 \\\n    {digest}\n", encoding="utf-8")
    monkeypatch.setenv(audit.SERVICE, database)
    listed.write_text("id,package,until,by,reason\nCVE-2026-2,bad,2026-11-22,A. Reader,not called\n", encoding="utf-8")
    assert audit.run(lock, listed, TODAY + timedelta(days=1)) == 1
    said = "bad 1.0: CVE-2026-2, mended in 2.0\nbad: the exception for CVE-2026-2 is over since 2026-11-22\n2 packages"
    assert said in capsys.readouterr().out
    monkeypatch.setenv(audit.SERVICE, "http://127.0.0.1:9/v1/query")
    assert audit.run(lock, listed, TODAY) == 2
    assert "could not be done" in capsys.readouterr().out
