"""Where the bridge keeps its state and how it reaches other systems; read from the environment, never guessed.

| variable | meaning | default |
|---|---|---|
| BRIDGE_HOME | folder of the bridge's own state | ``.bridge`` in the checkout |
| BRIDGE_STORE | folder, shared by all workers, of the archive and of batches between tasks | BRIDGE_HOME |
| BRIDGE_CONN_<NAME> | how to reach a system: a URL or a folder | the line of that name in BRIDGE_HOME/connections.env |
| BRIDGE_CONN_EXCHANGE_<ROLE> | the exchange as collect, share, share_nominal, audit or nominal | the exchange's own |
| BRIDGE_CONN_TIMESTAMPS | time-stamping authority of seals, with ``?roots=FILE`` | none: seals are not stamped |
| BRIDGE_SEAL_KEY | PEM file of the Ed25519 key that signs seals | ``keys/seal.pem`` in BRIDGE_HOME, made on first use |
| BRIDGE_KEY_<SOURCE> | keys under which what it sent is kept, newest first | ``keys/<source>.key`` in BRIDGE_HOME |
| BRIDGE_MODE | ``production``: only mappings that stand approved in ``mappings/reviewed.yaml`` run | ``development`` |
| BRIDGE_REAL_DATA | published data that some tests and benchmarks read | ``../shared/data`` beside the checkout |
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.errors import Misconfigured

CONNECTION_PREFIX: Final = "BRIDGE_CONN_"
CONNECTIONS_FILE: Final = "connections.env"
EXCHANGE: Final = "exchange"
"""Name of the connection to the exchange."""

PRODUCTION: Final = "production"
DEVELOPMENT: Final = "development"

_OTHERS: list[Callable[[str], str | None]] = []
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_READABLE_BY_OTHERS = 0o007


def checkout() -> Path | None:
    """The folder of the source tree this engine runs from; None when it runs from an installed wheel."""
    top = Path(__file__).resolve().parents[1]
    return top if (top / "setup.cfg").is_file() else None


def home() -> Path:
    """The folder of the bridge's own state; it need not exist yet.

    Raises:
        Misconfigured: an installed engine has no checkout to fall back on, so BRIDGE_HOME must say.
    """
    told = os.environ.get("BRIDGE_HOME")
    if told:
        return Path(told).expanduser().absolute()
    top = checkout()
    if top is None:
        raise Misconfigured(
            "NO_HOME",
            "BRIDGE_HOME",
            "the bridge is installed as a package and was not told where to keep its state",
            "Set BRIDGE_HOME to a folder that outlives the process",
        )
    return top / ".bridge"


def mode() -> str:
    """PRODUCTION or DEVELOPMENT, from $BRIDGE_MODE.

    Raises:
        Misconfigured: it is set to anything else.
    """
    told = os.environ.get("BRIDGE_MODE") or DEVELOPMENT
    if told not in (PRODUCTION, DEVELOPMENT):
        raise Misconfigured(
            "BAD_MODE", "BRIDGE_MODE", f"there is no mode {told}", f"Set it to {PRODUCTION} or {DEVELOPMENT}"
        )
    return told


def archive() -> Path:
    """The folder of bytes as received, by hash."""
    return _store() / "archive"


def stage() -> Path:
    """The folder of batches that travel between the tasks of one run."""
    return _store() / "stage"


def _store() -> Path:
    told = os.environ.get("BRIDGE_STORE")
    if not told:
        return home()
    if "://" in told:
        raise Misconfigured(
            "BAD_STORE",
            "BRIDGE_STORE",
            "the store is a folder and this is a URL",
            "Mount the storage on every worker and name the folder",
        )
    return Path(told).expanduser().absolute()


def connection(name: str) -> str:
    """How to reach the system of this name: BRIDGE_CONN_<NAME>, else its line in connections.env.

    Raises:
        Misconfigured: it is set nowhere, or the file with its password is open to everyone.
    """
    told = _told(name)
    if told:
        return told
    variable = _variable(name)
    raise Misconfigured(
        "NO_CONNECTION",
        f"connection {name}",
        "nothing says how to reach this system",
        f"Set {variable}, or write the line {variable}=<URL or folder> in {home() / CONNECTIONS_FILE}",
    )


def known(name: str) -> str | None:
    """The same, None if it is set nowhere: of a system that an installation may do without."""
    return _told(name)


def also_ask(other: Callable[[str], str | None]) -> None:
    """Let connection() ask this too, after the environment and the file: an orchestrator's own connections."""
    if other not in _OTHERS:
        _OTHERS.append(other)


def exchange_url(role: str = "") -> str:
    """SQLAlchemy URL of the exchange's database.

    Args:
        role: the kind of work, whose connection is ``exchange_<role>`` where there is one, else ``exchange``.
    """
    return (_told(f"{EXCHANGE}_{role}") if role else None) or connection(EXCHANGE)


def _told(name: str) -> str | None:
    variable = _variable(name)
    told = os.environ.get(variable) or _connections().get(variable)
    for ask in _OTHERS:
        told = told or ask(name)
    return told


def remember(name: str, value: str) -> None:
    """Write a connection's line in connections.env, replacing an earlier one; only the owner can read the file."""
    if "\n" in value or value != value.strip() or not value:
        raise ValueError(f"connection {name}: a value is one line without blanks around it")
    variable = _variable(name)
    lines = {**_connections(), variable: value}
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{CONNECTIONS_FILE}.")  # created 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.writelines(f"{key}={text}\n" for key, text in lines.items())
    Path(draft).replace(folder / CONNECTIONS_FILE)


def real_data() -> Path | None:
    """The folder of published data, None where it is absent."""
    told = os.environ.get("BRIDGE_REAL_DATA")
    top = checkout()
    if told:
        folder = Path(told).expanduser().absolute()
    elif top is not None:
        folder = (top / "../shared/data").resolve()
    else:
        return None
    return folder if folder.is_dir() else None


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Misconfigured(
            "BAD_CONNECTION_NAME",
            f"connection {name!r}",
            "a connection's name is lower-case letters, digits and underscores, and begins with a letter",
            "Rename it where the mapping names it",
        )
    return CONNECTION_PREFIX + name.upper()


def _connections() -> dict[str, str]:
    """Lines of connections.env; the same syntax as a container's env file, so one file can serve both."""
    path = home() / CONNECTIONS_FILE
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    if mode & _READABLE_BY_OTHERS:
        raise Misconfigured(
            "OPEN_SECRETS",
            str(path),
            "the file holds passwords and every account of this machine can read it",
            f"Run: chmod 600 {path}",
        )
    known: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        key, equals, value = entry.partition("=")
        if not equals or not key.startswith(CONNECTION_PREFIX) or key != key.upper() or key in known:
            raise Misconfigured(
                "BAD_CONNECTIONS",
                f"{path}:{number}",
                f"the line is not {CONNECTION_PREFIX}<NAME>=<URL or folder>, or names a system twice",
                "Mend or remove the line",
            )
        known[key] = value.strip()
    return known
