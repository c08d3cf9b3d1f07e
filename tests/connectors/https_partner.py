"""A partner with an HTTPS service on this machine, with certificates of its own, that misbehaves when told to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = "/v1/records"


@dataclass(frozen=True)
class Authority:
    """A certificate authority and what it signs, as PEM files in one folder."""

    folder: Path
    name: str = "authority"
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self._write(self.name, self._key, self._key, self.name, authority=True)

    @property
    def pem(self) -> Path:
        """Its own certificate."""
        return self.folder / f"{self.name}.pem"

    def sign(self, name: str, *hosts: str, days: int = 1) -> tuple[Path, Path]:
        """A certificate for these hosts (none for a client), and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._write(name, key, self._key, self.name, hosts=hosts, days=days)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _write(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        issuer: str,
        hosts: Iterable[str] = (),
        days: int = 1,
        *,
        authority: bool = False,
    ) -> None:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        names = [x509.IPAddress(ip_address(h)) if h[0].isdecimal() else x509.DNSName(h) for h in hosts]
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        form = serialization.Encoding.PEM
        (self.folder / f"{name}.pem").write_bytes(made.sign(signer, hashes.SHA256()).public_bytes(form))
        private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{name}.key").write_bytes(private)


Order = tuple[bool, str, int, str, bool]
Server = TypeVar("Server", bound="Https")


class Https(ThreadingHTTPServer):
    """A server that is reached by TLS only, on a port of its own.

    Args:
        clients: the authority that a client's certificate must come from; None asks for no certificate.
    """

    daemon_threads = True

    def __init__(
        self, certificate: tuple[Path, Path], handler: type[BaseHTTPRequestHandler], clients: Path | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*certificate)
        if clients is not None:
            self._tls.verify_mode = ssl.CERT_REQUIRED
            self._tls.load_verify_locations(clients)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[Any, Any]:
        """A connection, whose handshake its own thread makes."""
        raw, address = super().get_request()
        return self._tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are what is tested."""


class Service(Https):
    """The partner: keeps the highest version of each record, answers a key once, and tells the receipt of any."""

    def __init__(self, certificate: tuple[Path, Path], clients: Path | None = None) -> None:
        super().__init__(certificate, _Handler, clients)
        self.lock = threading.Lock()
        self.records: dict[str, tuple[Order, dict[str, Any] | None]] = {}
        self.receipts: dict[str, tuple[str, str]] = {}
        self.carried = Counter[str]()
        """How often each key had an effect."""
        self.heard: list[tuple[str, str, dict[str, str], bytes]] = []
        self.troubles: deque[str] = deque()
        """What happens to the next requests: see _Handler."""
        self.stored: Callable[[], None] = lambda: None
        """Called when a record is kept and not yet answered for."""
        self.tells_effects = True

    def url(self, ca: Path, host: str = "localhost", port: int = 0, **files: Path) -> str:
        """The connection to it."""
        named = "".join(f"&{name}={path}" for name, path in files.items())
        return f"https://{host}:{port or self.port}{PATH}?ca={ca}{named}"

    def held(self) -> dict[str, dict[str, Any]]:
        """The documents that it has now, by key."""
        return {key: document for key, (_, document) in self.records.items() if document is not None}

    def carry(self, key: str, body: bytes) -> tuple[str, str, bool]:
        """Do what a message says, once; receipt, effect, and whether it had been done before."""
        with self.lock:
            told = json.loads(body)
            gone, place = told["action"] != "deliver", told["version"]
            order = (
                told["action"] == "withdraw", place["source_version"], place["revision"], place["content_hash"],
                told["action"] == "recall",
            )  # fmt: skip
            last, document = self.records.get(told["key"], (None, None))
            if key in self.receipts:
                overtaken = last is not None and order < last
                return self.receipts[key][0], "superseded" if overtaken else "", True
            if last is not None and order <= last:
                effect = "superseded" if order < last else "unchanged"
            else:
                same = last is not None and last[3] == order[3] and document is not None and not gone
                same = same or (gone and document is None)
                effect = "unchanged" if same else "withdraw" if gone else "insert" if document is None else "update"
                self.records[told["key"]] = (order, None if gone else told.get("document", {}))
                self.carried[key] += 1
            self.receipts[key] = (f"R-{len(self.receipts) + 1}", effect)
            return *self.receipts[key], False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Service
    LOST: ClassVar = "lost"
    """Read, and nothing done."""

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        self.server.heard.append(("GET", self.path, dict(self.headers), b""))
        trouble = self.server.troubles.popleft() if self.server.troubles else ""
        if trouble.isdecimal():
            self._say(int(trouble), b"no")
            return
        if self.path.startswith(f"{PATH}/list"):
            self._list(self.path.partition("?after=")[2])
            return
        key = self.path.rpartition("/")[2]
        known = self.server.receipts.get(key)
        if known is None:
            self._say(404, b'{"error":"unknown"}')
        else:
            self._say(200, json.dumps({"receipt": known[0], "effect": known[1]}).encode())

    def _list(self, after: str) -> None:
        """Three records a page."""
        held = sorted(key for key in self.server.held() if key > after)
        page = [{"key": key, "content_hash": self.server.records[key][0][3]} for key in held[:3]]
        following = f"/list?after={held[2]}" if len(held) > 3 else None
        self._say(200, json.dumps({"records": page, "next": following}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(("POST", self.path, dict(self.headers), body))
        trouble = self.server.troubles.popleft() if self.server.troubles else ""
        if trouble == self.LOST:
            self.close_connection = True
            return
        status, _, rest = trouble.partition(":")
        if status.isdecimal():
            self._say(int(status), b"<p>no: " + body + b"</p>", **({"Retry-After": rest} if rest else {}))
            return
        if body.startswith(b'{"messages"'):
            self._bundle(json.loads(body)["messages"], trouble)
            return
        document = json.loads(body).get("document", {})
        if str(document.get("amount", "")).startswith("-"):
            self._say(422, b'{"error":"amount","record":' + body + b"}")
            return
        receipt, effect, again = self.server.carry(self.headers["Idempotency-Key"].strip('"'), body)
        self.server.stored()
        told = {"receipt": receipt} | ({"effect": effect} if self.server.tells_effects and effect else {})
        headers = {"Idempotent-Replayed": "true"} if again else {}
        self._say(200, json.dumps(told).encode(), trouble=trouble, **headers)

    def _bundle(self, messages: list[dict[str, Any]], trouble: str) -> None:
        """Answer for each message, last first; with trouble "half", for every other one only."""
        answers = []
        for one in reversed(messages[::2] if trouble == "half" else messages):
            if str(one["message"].get("document", {}).get("amount", "")).startswith("-"):
                answers.append({"idempotency_key": one["idempotency_key"], "receipt": "none", "effect": "refused"})
                continue
            receipt, effect, again = self.server.carry(one["idempotency_key"], json.dumps(one["message"]).encode())
            self.server.stored()
            told = {"idempotency_key": one["idempotency_key"], "receipt": receipt, "replayed": again}
            answers.append(told | ({"effect": effect} if effect else {}))
        self._say(200, json.dumps({"answers": answers}).encode(), trouble=trouble)

    def _say(self, status: int, body: bytes, *, trouble: str = "", **headers: str) -> None:
        """Answer, or break off in one of these ways once the record is kept: cut, truncate, closed, drip, slow_head,
        large, packed, empty, other."""
        if trouble == "cut":
            self.close_connection = True
            return
        if trouble == "slow_head":
            self._drip(b"HTTP/1.1 200 OK\r\n" + b"X-Wait: " + b"z" * 1000)
            return
        if trouble == "large":
            body = b'{"receipt":"' + b"R" * 100_000 + b'"}'
        elif trouble == "empty":
            body = b""
        elif trouble == "other":
            body = b'{"thanks":true}'
        elif trouble == "packed":
            headers["Content-Encoding"] = "gzip"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if trouble == "closed":  # its end is told by the connection's, so that nothing tells where it should be
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if trouble in ("truncate", "closed"):
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif trouble == "drip":
            self._drip(body)
        else:
            self.wfile.write(body)

    def _drip(self, data: bytes) -> None:
        self.close_connection = True
        with suppress(OSError):
            for place in range(len(data)):
                self.wfile.write(data[place : place + 1])
                self.wfile.flush()
                time.sleep(0.1)


@contextmanager
def serving(service: Server) -> Iterator[Server]:
    """The service at work, stopped afterwards."""
    thread = threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
