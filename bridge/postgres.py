"""An embedded PostgreSQL: the programs of a PyPI wheel, run with our own configuration.

A checkout needs a database and nobody should have to install one. The wheel's own starter runs without
passwords and adds a system account when started by root, so only its programs are used. This server listens
on 127.0.0.1 alone, has no socket file, asks every client for a random password (SCRAM-SHA-256) and writes no
row value into its log. It outlives the process that started it.

Everything lies in ``<home>/postgres``. That is a link to /var/lib/bridge-<hash of home> where root's server,
which runs as another account, cannot reach the home folder (a checkout below /root).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bridge.errors import Misconfigured, TryLater
from bridge.pgwheel import ACCOUNT, Account, account_for, anothers, programs, reachable, run

SUPERUSER: Final = "bridge"
ELSEWHERE: Final = Path("/var/lib")
"""Where data go that cannot lie in the home folder; not /var/tmp, which systems sweep after a month."""

_SECONDS: Final = 60
_LOG_BYTES: Final = 16 * 1024 * 1024
_NO_PROCESS: Final = 2**31 - 2
"""A process number that no system hands out."""
_DATABASE = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_SETTINGS: Final = {
    "listen_addresses": "'127.0.0.1'",
    # No socket file: nothing needs one, and its path would be limited to 107 bytes.
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "100",
    "shared_buffers": "'256MB'",
    "max_wal_size": "'2GB'",
    "wal_compression": "on",
    "maintenance_work_mem": "'128MB'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "datestyle": "'ISO, YMD'",
    "lc_messages": "'C'",
    "jit": "off",
    # Messages of level ERROR quote values (invalid input syntax for type date: "..."), their details whole rows.
    # The client still gets them; the log keeps what concerns the server: LOG, FATAL and PANIC.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "'none'",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "'%m [%p] '",
}
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_CLIENTS: Final = "# type  database  user  address       method\nhost    all       all   127.0.0.1/32  scram-sha-256\n"


class Server:
    """The PostgreSQL of one home folder.

    Args:
        home: folder that holds it; made when missing.
        durable: False only for tests: faster, and a power cut may damage everything.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self._home = home.absolute()
        self._durable = durable
        self._link = self._home / "postgres"

    def start(self) -> Server:
        """Run the server, if it does not yet run, and return itself; makes the database files the first time.

        Raises:
            Misconfigured: the wheel is missing, or this machine forbids what the server needs.
            TryLater: it did not come up in time.
        """
        with self._alone():
            if self.pid is None:
                account = account_for(self._data)
                self._settle(account)
                folder = programs(self.place, account)
                if not self._data.exists():
                    self._make(folder, account)
                self._launch(folder, account)
        return self

    def stop(self) -> None:
        """Stop the server: sessions are cut, committed work stays. Does nothing when it is not running.

        Raises:
            TryLater: it did not stop in time.
        """
        with self._alone():
            pid = self.pid
            if pid is not None:
                os.kill(pid, signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            deadline = time.monotonic() + _SECONDS
            while self.pid is not None:
                if time.monotonic() > deadline:
                    raise TryLater("POSTGRES_BUSY", str(self._link), "the server did not stop in a minute", "Try again")
                time.sleep(0.02)

    def remove(self) -> None:
        """Stop the server and delete its data, wherever they are."""
        if self._link.exists():
            self.stop()
            shutil.rmtree(self.place)
        self._link.unlink(missing_ok=True)

    @property
    def place(self) -> Path:
        """The folder with the data, the configuration and the log."""
        return self._link.resolve()

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.place / "postgres.log"

    @property
    def pid(self) -> int | None:
        """Process number of the running server, None if it is not running."""
        claimed = _claimed(self._data)
        return claimed if claimed is not None and _serves(claimed, self._data) else None

    @property
    def port(self) -> int:
        """Port the server listens on.

        Raises:
            TryLater: it is not running.
        """
        if self.pid is None:
            raise TryLater("POSTGRES_DOWN", str(self._link), "the embedded PostgreSQL is not running", "Run: make up")
        return int((self.place / "port").read_text(encoding="ascii"))

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of a database of the running server, with the superuser's password in it."""
        return self._url(SUPERUSER, self._password(), database)

    def ensure_login(self, name: str, role: str, database: str) -> str:
        """Make an account that is a member of the role and nothing else; gives its URL of the database.

        The role must be there. The password follows from the superuser's, so that it is kept nowhere else.
        """
        import psycopg
        from psycopg import errors, sql

        password = hmac.new(self._password().encode(), name.encode(), hashlib.sha256).hexdigest()
        words = [sql.Identifier(_checked(name)), sql.Literal(password)]
        with psycopg.connect(self.url().replace("+psycopg", "", 1), autocommit=True) as session:
            with suppress(errors.DuplicateObject, errors.UniqueViolation):
                session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(*words))
            session.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(_checked(role)), words[0]))
        return self._url(name, password, database)

    def ensure_database(self, name: str, template: str = "template1") -> str:
        """Make the database if it does not exist, as a copy of the template, and return its URL."""
        import psycopg  # costs 0.1 s, and starting or stopping needs none of it
        from psycopg import errors, sql

        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(  # four times as fast as wal_log
            sql.Identifier(_checked(name)), sql.Identifier(_checked(template))
        )
        with psycopg.connect(self.url().replace("+psycopg", "", 1), autocommit=True) as session:
            if session.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                with suppress(errors.DuplicateDatabase, errors.UniqueViolation):  # another process was faster
                    session.execute(make)
        return self.url(name)

    def _password(self) -> str:
        return (self.place / "password").read_text(encoding="ascii")

    def _url(self, account: str, password: str, database: str) -> str:
        return f"postgresql+psycopg://{account}:{password}@127.0.0.1:{self.port}/{_checked(database)}"

    @property
    def _data(self) -> Path:
        return self.place / "data"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the home's lock: of two processes that start the server at once, the second finds it running."""
        self._home.mkdir(parents=True, exist_ok=True)
        path = self._home / "postgres.lock"
        try:
            lock = path.open("w")
        except PermissionError as error:
            raise anothers(path) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _settle(self, account: Account | None) -> None:
        """Make the place, such that the account can reach it and own only its data."""
        if not self._link.exists():
            self._link.unlink(missing_ok=True)  # a link whose target is gone
            if account is None or reachable(self._home):
                self._link.mkdir()
            else:
                place = ELSEWHERE / f"bridge-{hashlib.sha256(os.fsencode(self._home)).hexdigest()[:12]}"
                place.mkdir(exist_ok=True)
                self._link.symlink_to(place)
        self.place.chmod(0o711)
        for left in self.place.glob("draft-*"):  # by a start that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        if account is not None and not reachable(self.place):
            raise Misconfigured(
                "POSTGRES_UNREACHABLE",
                str(self.place),
                f"PostgreSQL cannot run as root, and the account {ACCOUNT} cannot enter this folder",
                "Set BRIDGE_HOME to a folder whose parents everyone may enter, or run as an ordinary user",
            )

    def _make(self, folder: Path, account: Account | None) -> None:
        """Make the database files. They appear under their name only when whole: a killed start leaves no half."""
        password = secrets.token_urlsafe(32)
        _write_private(self.place / "password", password)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.place))
        with tempfile.NamedTemporaryFile("w", dir=self.place, prefix="draft-") as told:
            told.write(password)
            told.flush()
            if account is not None:
                os.chown(draft, account.user, account.group)
                os.chown(told.name, account.user, account.group)
            command = [folder / "initdb", "-D", draft, "-U", SUPERUSER, f"--pwfile={told.name}"]
            rules = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
            sorting = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # the same on every system
            done = run([*command, *rules, *sorting, *([] if self._durable else ["--no-sync"])], account)
        if done.code != 0:
            shutil.rmtree(draft)
            raise Misconfigured(
                "POSTGRES_INITDB", str(self._link), f"initdb failed: {done.last}", "Mend that and start again"
            )
        draft.rename(self._data)

    def _launch(self, folder: Path, account: Account | None) -> None:
        self._configure()
        _forget_stranger(self._data)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        command = [folder / "pg_ctl", "start", "-s", "-w", "-t", str(_SECONDS), "-D", self._data, "-o"]
        settings = shlex.quote(os.fspath(self.place / "postgres.conf"))
        deadline = time.monotonic() + _SECONDS
        port = _free_port(self.place / "port")
        while True:
            done = run([*command, f"-c config_file={settings} -p {port}"], account, self.log)
            if done.code == 0:
                (self.place / "port").write_text(str(port), encoding="ascii")
                return
            # Two causes pass by themselves: somebody took the port, sessions of a killed server are still ending.
            if "could not bind" in done.said:
                port = _free_port()
            elif "shared memory block" not in done.said:
                raise Misconfigured("POSTGRES_START", str(self.log), done.last, "Mend that and start again")
            if time.monotonic() > deadline:
                raise TryLater("POSTGRES_START", str(self.log), done.last, "Start again in a minute")
            time.sleep(0.2)

    def _configure(self) -> None:
        """Write the configuration anew, beside the data and not in them: the server cannot change its own rules."""
        clients = self.place / "clients.conf"
        values = {
            **_SETTINGS,
            "hba_file": "'{}'".format(os.fspath(clients).replace("'", "''")),
            **({} if self._durable else _NOT_DURABLE),
        }
        texts = {clients: _CLIENTS, self.place / "postgres.conf": "".join(f"{k} = {v}\n" for k, v in values.items())}
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)  # no secrets, and the account reads it


def _claimed(data: Path) -> int | None:
    """The process number in postmaster.pid, None if there is none."""
    path = data / "postmaster.pid"
    try:
        return int(path.read_text(encoding="ascii", errors="replace").split("\n", 1)[0])
    except PermissionError as error:
        raise anothers(path) from error
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a server of these data, not a zombie or a stranger that got the number since."""
    if Path("/proc/self").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False
    else:
        asked = ["/bin/ps", "-o", "command=", "-p", str(pid)]
        command = subprocess.run(asked, capture_output=True, check=False).stdout
    return b"postgres" in command and os.fsencode(data) in command


def _forget_stranger(data: Path) -> None:
    """Let PostgreSQL recover from a crash even if its old process number now belongs to somebody else.

    Only the number goes. The file also names the shared memory, by which PostgreSQL sees that sessions of the
    killed server still run; without it a second server would damage their data.
    """
    claimed = _claimed(data)
    if claimed is None or _serves(claimed, data):
        return
    handle = os.open(data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)  # root does not follow another's links
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        rest = file.read().partition("\n")[2]
        file.seek(0)
        file.truncate()
        file.write(f"{_NO_PROCESS}\n{rest}")


def _free_port(last: Path | None = None) -> int:
    """A free port of 127.0.0.1: the one of the last time if nobody took it, so that URLs stay good."""
    wished = [int(last.read_text(encoding="ascii"))] if last is not None and last.exists() else []
    for port in (*wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise TryLater("NO_PORT", "127.0.0.1", "the system has no free port", "Close some programs and start again")


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def _checked(database: str) -> str:
    if not _DATABASE.fullmatch(database):
        raise ValueError(f"not a plain database name: {database!r}")
    return database
