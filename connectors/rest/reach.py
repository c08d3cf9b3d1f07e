"""Reaching an HTTPS service: its certificate is always verified, one deadline holds for all of an exchange, and it is
known whether anything of a request had left when it broke off."""

from __future__ import annotations

import math
import re
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from bridge.errors import Misconfigured, TryLater
from connectors.rest.plain import PlainAdapter

FILES: Final = ("ca", "cert", "key", "token")
"""What a connection may name behind its question mark: files, all but the token in PEM."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""
_BLOCK: Final = 16_384


@dataclass(frozen=True, slots=True)
class Address:
    """A connection's parts.

    Args:
        url: without login and files.
        ca: the authority that the service's certificate must come from; "" for the public ones.
        cert, key: our own certificate and its key; "" for none.
        token: file with what is sent as Authorization: Bearer; "" for none.
    """

    url: str
    where: str
    login: tuple[str, str] | None = None
    ca: str = ""
    cert: str = ""
    key: str = ""
    token: str = ""

    @property
    def plain(self) -> bool:
        """Whether it is reached without TLS."""
        return self.url.startswith("http://")

    @classmethod
    def of(cls, connection: str, *, plain: bool = False) -> Address:
        """The address in ``https://[user:password@]host[:port]/path[?ca=FILE&cert=FILE&key=FILE&token=FILE]``.

        Args:
            plain: whether http:// will do, without any secret: for what is public and proves itself.

        Raises:
            Misconfigured: another scheme, no host, or a part that is not known.
        """
        parts = urlsplit(connection)
        where = f"{parts.scheme}://{parts.hostname or ''}"
        open_ = plain and parts.scheme == "http"
        if open_ and (parts.query or parts.username):
            what = "a login, token or certificate is named, and http:// would show or not use it"
            raise Misconfigured("BAD_CONNECTION", where, what, "Write https://, or leave it out")
        if (parts.scheme != "https" and not open_) or not parts.hostname:
            fix = "Write https://host/path; there is no way to a partner without TLS"
            raise Misconfigured("BAD_CONNECTION", where, "a service is reached by https only", fix)
        files = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = sorted(set(files) - set(FILES))
        if unknown or parts.fragment:
            fix = "Name ca, cert, key or token; nothing turns the verification of the service's certificate off"
            raise Misconfigured("BAD_CONNECTION", where, f"{' '.join(unknown) or 'a fragment'} is not known here", fix)
        if bool(files.get("cert")) != bool(files.get("key")):
            fix = "Name both, or neither"
            raise Misconfigured("BAD_CONNECTION", where, "of our certificate and its key only one is named", fix)
        if parts.username and files.get("token"):
            fix = "Leave one of them out"
            raise Misconfigured("BAD_CONNECTION", where, "both a login and a token are named", fix)
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        return cls(url, where, login, **files)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. With ``excess``, it was too long or packed in an unknown way, and ``body`` is empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    excess: bool = False


class Unanswered(Exception):
    """The request, or a part of it, has left, and no whole answer came."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Socket(ssl.SSLSocket):
    """Lets no single operation outlast the deadline of the exchange that it belongs to."""

    def recv_into(self, *args: Any, **named: Any) -> int:
        self._hurry()
        return super().recv_into(*args, **named)

    def send(self, *args: Any, **named: Any) -> int:
        self._hurry().said = True
        return super().send(*args, **named)

    def _hurry(self) -> _Context:
        context = self.context
        assert isinstance(context, _Context)  # noqa: S101 - it made this socket
        left = context.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left if left < math.inf else None)
        return context


class _Context(ssl.SSLContext):
    """TLS towards one service, with the deadline of the exchange under way."""

    sslsocket_class = _Socket
    until: float = math.inf
    said: bool = False
    """Something of the request has left."""


class _Adapter(HTTPAdapter):
    """Connections with our TLS and no other; nothing is tried twice here."""

    def __init__(self, context: _Context) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **named: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **named)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the context has all
        """Always; whom to trust stands in the context."""
        conn.cert_reqs = "CERT_REQUIRED"


class Line:
    """Exchanges with one service, one after another, over a connection that is kept.

    Args:
        seconds: within which an exchange must end, from the first byte sent to the last received.
        longest: bytes of an answer that are read, unpacked.
        packed: let the service pack its answers with gzip.

    Raises:
        Misconfigured: a certificate, key or token cannot be used.
    """

    def __init__(self, address: Address, seconds: int, longest: int, *, packed: bool = False) -> None:
        self._address, self._seconds, self._longest = address, seconds, longest
        self._packed = packed
        self._accepted = {"Accept": "application/json", "Accept-Encoding": "gzip" if packed else "identity"}
        self._context = _context(address)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies, no netrc, no other authorities from the environment
        self._session.auth = address.login
        if address.token:
            self._session.headers["Authorization"] = f"Bearer {_token(address.token)}"
        if address.plain:
            self._session.mount("http://", PlainAdapter(self._context))
        else:
            self._session.mount("https://", _Adapter(self._context))

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, until: float = math.inf
    ) -> Reply:
        """One request and its whole answer.

        Args:
            until: by time.monotonic(), if that is sooner than the seconds of an exchange.

        Raises:
            TryLater: the service cannot be reached, or it is not the one that it should be; nothing has left.
            Unanswered: the request may have arrived.
        """
        context, where = self._context, self._address.where
        context.until = min(until, time.monotonic() + self._seconds)
        context.said = False
        try:
            with self._session.request(
                method,
                self._address.url + path,
                headers={**self._accepted, **headers},
                data=body,
                timeout=max(context.until - time.monotonic(), 0.001),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = self._read(response)
                return Reply(response.status_code, response.headers, body or b"", excess=body is None)
        except (requests.RequestException, HTTPError, OSError, zlib.error) as error:
            failed = _tls_error(error)
            if context.said and not (failed and _turned_away(failed)):
                raise Unanswered("NO_ANSWER" if time.monotonic() >= context.until else "CUT_OFF") from None
            if failed:
                fix = "If it stays, compare the certificates of both sides; verification cannot be turned off"
                raise TryLater(
                    "TLS_FAILED", where, "TLS with the service fails, so that nothing was sent", fix
                ) from None
            fix = "Look whether the service and the way to it work"
            raise TryLater("SERVICE_AWAY", where, "the service cannot be reached; nothing was sent", fix) from None

    def _read(self, response: requests.Response) -> bytes | None:
        """The body, None if there is too much of it; the library sees to it that none is shorter than was promised."""
        packing = response.headers.get("Content-Encoding", "identity").lower()
        if packing == "gzip" and self._packed:
            return self._unpacked(response)
        if packing != "identity":  # a few bytes can unpack to any number
            return None
        body = bytearray()
        for block in response.iter_content(_BLOCK):
            body += block
            if len(body) > self._longest:
                return None
        return bytes(body)

    def _unpacked(self, response: requests.Response) -> bytes | None:
        """As _read(); no more is unpacked than is allowed, whatever was sent."""
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        body = bytearray()
        for block in response.raw.stream(_BLOCK, decode_content=False):
            body += unpacking.decompress(block, self._longest + 1 - len(body))
            if len(body) > self._longest:
                return None
        if not unpacking.eof or unpacking.unused_data:
            raise zlib.error("cut off, or followed by something else")
        return bytes(body)


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The error of TLS at the root of another, if there is one."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    return seen


def _turned_away(failed: ssl.SSLError) -> bool:
    """Whether the other side refused our certificate: in TLS 1.3 it says so only when we believe to have sent already,
    and takes nothing of what came."""
    return "ALERT" in failed.reason and ("CERTIFICATE" in failed.reason or "UNKNOWN_CA" in failed.reason)


def _context(address: Address) -> _Context:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies names and certificates
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if address.plain:  # nobody's certificate is asked for
        return context
    for name in FILES:
        path = getattr(address, name)
        if path and not Path(path).is_file():
            fix = "Put the PEM file there, readable by the bridge's account, or correct the connection"
            raise Misconfigured("NO_CERTIFICATE", path, f"there is no file that {name} names", fix)
    try:
        context.load_verify_locations(address.ca or DEFAULT_CA_BUNDLE_PATH)
        if address.cert:
            context.load_cert_chain(address.cert, address.key, password=_no_password)
    except (ssl.SSLError, OSError):
        fix = "Use PEM files: a certificate with its chain, and its key without a password"
        raise Misconfigured("BAD_CERTIFICATE", address.where, "a certificate or key cannot be used", fix) from None
    return context


def _token(path: str) -> str:
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not _TOKEN.fullmatch(token):
        fix = "Put nothing but the token there, as the service gave it, readable by the bridge's account"
        raise Misconfigured("BAD_TOKEN", path, "the file holds no token (RFC 6750)", fix)
    return token


def _no_password() -> bytes:
    """Asked of a person otherwise, which no task can answer."""
    return b""
