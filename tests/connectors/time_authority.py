"""A time-stamping authority on this machine (RFC 3161), with a root of its own, that misbehaves when told to.

Its answers are genuine: `openssl ts -verify` takes them. They are put together here, byte by byte (X.690, RFC 5652), so
that a test can name the moment, or break one thing at a time.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.connectors.https_partner import serving

SHA256 = "2.16.840.1.101.3.4.2.1"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
POLICY = "1.3.6.1.4.1.99999.1"
_DER = serialization.Encoding.DER


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value in DER."""
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 0x80 else bytes([0x80 | len(size)]) + size) + body


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def number(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def set_of(*parts: bytes, tag: int = 0x31) -> bytes:
    return tlv(tag, *sorted(parts))


def parts_of(body: bytes) -> list[tuple[int, bytes]]:
    """Tag and contents of each value in a sequence's contents."""
    found = []
    while body:
        tag, size, start = body[0], body[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(body[2:start], "big")
        found.append((tag, body[start : start + size]))
        body = body[start + size :]
    return found


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, root: bool
) -> x509.Certificate:
    """A root, or who signs stamps."""
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=10))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not root:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(signer, hashes.SHA256())


@dataclass
class Signer:
    """A root and who signs stamps under it."""

    name: str = "tsa"
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        root = f"{self.name} root"
        self.root = certificate(root, self.root_key, root, self.root_key, root=True)
        self.certificate = certificate(self.name, self.key, root, self.root_key, root=False)

    def roots(self, folder: Path) -> Path:
        """Its root as a PEM file."""
        path = folder / f"{self.name}-roots.pem"
        path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        return path

    def stamp(self, digest: bytes, moment: datetime, nonce: bytes = b"", *, broken: bool = False) -> bytes:
        """A whole answer: that this SHA-256 existed at the moment.

        Args:
            nonce: contents of the request's, "" for none.
            broken: with a signature of something else.
        """
        algorithm = seq(oid(SHA256))
        parts = [
            number(1), oid(POLICY), seq(algorithm, tlv(0x04, digest)), number(time.time_ns()),
            tlv(0x18, f"{moment:%Y%m%d%H%M%SZ}".encode()),
        ]  # fmt: skip
        info = seq(*parts, tlv(0x02, nonce)) if nonce else seq(*parts)
        named = hashlib.sha256(self.certificate.public_bytes(_DER)).digest()
        attributes = [
            seq(oid(CONTENT_TYPE), set_of(oid(TST_INFO))),
            seq(oid(MESSAGE_DIGEST), set_of(tlv(0x04, hashlib.sha256(info).digest()))),
            seq(oid(SIGNING_CERTIFICATE), set_of(seq(seq(seq(tlv(0x04, named)))))),
        ]
        signed = set_of(*attributes)
        signature = self.key.sign(b"other" if broken else signed, ec.ECDSA(hashes.SHA256()))
        signer = seq(
            number(1),
            seq(self.certificate.issuer.public_bytes(), number(self.certificate.serial_number)),
            algorithm,
            set_of(*attributes, tag=0xA0),
            seq(oid(ECDSA_SHA256)),
            tlv(0x04, signature),
        )
        content = seq(oid(TST_INFO), tlv(0xA0, tlv(0x04, info)))
        chain = tlv(0xA0, self.certificate.public_bytes(_DER))
        data = seq(number(3), set_of(algorithm), content, chain, set_of(signer))
        return seq(seq(number(0)), seq(oid(SIGNED_DATA), tlv(0xA0, data)))


REJECTION = seq(seq(number(2)))
"""An answer without a token (RFC 3161, 2.4.2)."""


class TimeAuthority(ThreadingHTTPServer):
    """Answers queries over HTTP, or over TLS with a certificate and its key."""

    daemon_threads = True

    def __init__(self, folder: Path, tls: tuple[Path, Path] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.signer = Signer()
        self.pem = self.signer.roots(folder)
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.troubles: deque[str] = deque()
        """What becomes of the next queries: a status, or rejected, other, replayed, broken, stranger, rubbish, large,
        drip, cut."""
        self.asked = 0

    @property
    def connection(self) -> str:
        """What goes into BRIDGE_CONN_TIMESTAMPS."""
        return f"{self._scheme}://127.0.0.1:{self.server_address[1]}/tsr?roots={self.pem}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what is tested."""

    def answer(self, query: bytes, trouble: str) -> bytes:
        """The answer to a query, wrong in one way."""
        ((_, body),) = parts_of(query)
        fields = parts_of(body)
        (_, imprint) = fields[1]
        (_, digest) = parts_of(imprint)[1]
        nonce = next((contents for tag, contents in fields[2:] if tag == 0x02), b"")
        if trouble == "rejected":
            return REJECTION
        if trouble == "rubbish":
            return b"<html>welcome</html>"
        if trouble == "other":
            digest = hashlib.sha256(digest).digest()
        if trouble == "replayed":
            nonce = b"\x05"
        signer = Signer("stranger") if trouble == "stranger" else self.signer
        made = signer.stamp(digest, self.now(), nonce, broken=trouble == "broken")
        return made + bytes(100_000) if trouble == "large" else made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TimeAuthority

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        trouble = self.server.troubles.popleft() if self.server.troubles else ""
        right = self.headers["Content-Type"] == "application/timestamp-query"
        if trouble.isdecimal() or not right:
            self.send_response(int(trouble or "415"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if trouble == "cut":
            self.close_connection = True
            return
        answer = self.server.answer(query, trouble)
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if trouble != "drip":
            self.wfile.write(answer)
            return
        with suppress(OSError):
            for place in range(len(answer)):
                self.wfile.write(answer[place : place + 1])
                time.sleep(0.1)


@contextmanager
def stamping(folder: Path, tls: tuple[Path, Path] | None = None) -> Iterator[TimeAuthority]:
    """An authority at work."""
    with serving(TimeAuthority(folder, tls)) as made:  # type: ignore[type-var]
        yield made
