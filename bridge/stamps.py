"""Time stamps of seals: an authority's signed word that a head of the chain existed at a moment (RFC 3161).

What is stamped is the head itself: it is the SHA-256 of the head before and of its manifest's SHA-256, so that whoever
has the head checks a stamp with ``openssl ts -verify -digest``. A stamp of one head is one of all seals up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bridge import settings
from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampRequest

CONNECTION: Final = "timestamps"
"""Name of the connection to the authority; there is none unless somebody sets it."""
OVERDUE: Final = timedelta(hours=36)
"""So long a seal may be without a stamp: upkeep asks every morning, and may miss one."""
CLOCKS: Final = timedelta(minutes=5)
"""So far may our clock be from the authority's before somebody is told."""
_SHA256: Final = "2.16.840.1.101.3.4.2.1"


class BadStamp(Exception):
    """Why an answer is no stamp of a head, in one sentence without a subject."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who is asked for stamps, and by which certificates their stamps are judged.

    Args:
        connection: how its service is reached, for the connector.
        roots: PEM file of the certificates that are trusted.
        every: runs that seal ask no sooner after the last stamp.
    """

    connection: str
    roots: Path
    every: timedelta


def authority() -> Authority | None:
    """The authority of the connection ``timestamps``; None if nobody set one.

    It is ``https://host/path?roots=FILE``, with ``every=MINUTES`` (0) and what any HTTPS connection may name; or
    ``http://``, for stamps are signed themselves.

    Raises:
        Misconfigured: BAD_CONNECTION.
    """
    told = settings.known(CONNECTION)
    if told is None:
        return None
    parts = urlsplit(told)
    named = parse_qsl(parts.query, keep_blank_values=True)
    ours = dict(named)
    where, minutes = f"connection {CONNECTION}", ours.get("every", "0")
    if not ours.get("roots"):
        fix = "Write https://host/path?roots=FILE with the PEM file of the authority's root certificates"
        raise Misconfigured("BAD_CONNECTION", where, "it does not say by which roots stamps are judged", fix)
    if not (minutes.isascii() and minutes.isdecimal()):
        raise Misconfigured("BAD_CONNECTION", where, "every is no number of minutes", "Write it in digits: every=60")
    rest = urlencode([(name, value) for name, value in named if name not in ("roots", "every")])
    connection = urlunsplit((parts.scheme, parts.netloc, parts.path, rest, parts.fragment))
    return Authority(connection, Path(ours["roots"]), timedelta(minutes=int(minutes)))


def trusted_roots(path: Path) -> list[Certificate]:
    """The certificates of a PEM file.

    Raises:
        Misconfigured: BAD_ROOTS.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(
            "BAD_ROOTS",
            str(path),
            f"the root certificates of the time-stamping authority cannot be read ({type(error).__name__})",
            "Name a PEM file with the certificates that the authority publishes; keep earlier ones in it",
        ) from None


def request(previous: bytes, manifest: bytes) -> TimeStampRequest:
    """What an authority is asked for the head of these two, with a nonce of its own.

    Args:
        previous: the head before, 32 bytes.
        manifest: SHA-256 of the manifest.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    return TimestampRequestBuilder().data(previous + manifest).hash_algorithm(HashAlgorithm.SHA256).build()


def judge(answer: bytes, head: bytes, roots: Sequence[Certificate], nonce: int | None = None) -> datetime:
    """The moment at which the authority says that the head existed, once all of the stamp holds.

    Its certificates must have been valid at that moment, not now (RFC 3161, 4.3).

    Args:
        answer: a TimeStampResp in DER.
        nonce: the request's, where it is at hand.

    Raises:
        BadStamp: it is damaged, over something else, or not of an authority that is trusted.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(answer)
        if response.status != 0:
            raise BadStamp(f"was not granted (status {response.status})")
        info = response.tst_info
        imprint = info.message_imprint
        if (imprint.hash_algorithm.dotted_string, imprint.message) != (_SHA256, head):
            raise BadStamp("is over another head")
        if nonce is not None and info.nonce != nonce:
            raise BadStamp("answers another request")
        VerifierBuilder(roots=list(roots)).build().verify(response, head)
    except VerificationError as error:
        # Its own words come from OpenSSL and name no more than the step that failed.
        chain = "certificate verify error" in str(error)
        why = "does not come from a trusted authority" if chain else "has a signature that does not hold"
        raise BadStamp(why) from None
    except ValueError:
        raise BadStamp("cannot be read") from None
    moment = info.gen_time
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
