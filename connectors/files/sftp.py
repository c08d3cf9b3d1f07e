"""A folder on a server that is reached by SFTP, whose host key is known beforehand and always compared."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO as Binary
from typing import Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import paramiko

from bridge.draft import ABANDONED
from bridge.errors import BridgeError, Misconfigured, TryLater
from connectors.files.place import Entry, Opened, Status, unspell

ARRIVING: Final = ".delivering-"
"""How the names of files begin that are not yet whole; other readers pass over names that begin with a dot."""
SECONDS: Final = {"timeout": 20, "operation": 60, "deadline": 1800}
"""For each step of reaching the server; for one answer of it; for all that is done over a line, however it drips, where
the connection says nothing else."""
LONGEST: Final = 86_400
_NAMES: Final = ("known_hosts", "key")
_UNANSWERED: Final = ("timeout", "eof")
"""What paramiko says of a login that the server said nothing to."""
_GONE: Final = (paramiko.SSHException, EOFError, OSError)


class SftpPlace:
    """Files below a folder of an SFTP server; links are neither listed nor followed, and nothing is deleted.

    Args:
        connection: ``sftp://user[:password]@host[:port]/folder?known_hosts=FILE[&key=FILE][&deadline=SECONDS]``.
            ``known_hosts`` is in OpenSSH's form and must have the server's key: none is ever added. ``key`` is a
            private key without a password; agents and keys of the account are not used. Within ``deadline`` (1800) one
            file, or the list of all files, must have come or gone. ``/~/folder`` is below the login's own.

    Raises:
        Misconfigured: the connection lacks a part, or a file that it names.
    """

    def __init__(self, connection: str) -> None:
        parts = urlsplit(connection)
        port = parts.port or paramiko.config.SSH_PORT
        self.where = f"sftp://{parts.hostname or ''}:{port}{parts.path}"
        files = dict(parse_qsl(parts.query, keep_blank_values=True))
        seconds = files.pop("deadline", str(SECONDS["deadline"]))
        if not (seconds.isascii() and seconds.isdecimal() and 0 < int(seconds) <= LONGEST):
            what = f"deadline is no whole number of seconds from 1 to {LONGEST}"
            raise Misconfigured("BAD_CONNECTION", self.where, what, "Write it in digits: deadline=600")
        self._deadline = int(seconds)
        unknown = sorted(set(files) - set(_NAMES))
        if unknown or not parts.hostname or not parts.username or not files.get("known_hosts"):
            what = f"{unknown[0]} is not known here" if unknown else "host, user or known_hosts is missing"
            fix = "Write sftp://user@host/folder?known_hosts=FILE&key=FILE; no host key is ever taken unseen"
            raise Misconfigured("BAD_CONNECTION", self.where, what, fix)
        for name, path in files.items():
            if not Path(path).is_file():
                fix = "Put the file there, readable by the bridge's account, or correct the connection"
                raise Misconfigured("NO_KEY_FILE", path, f"there is no file that {name} names", fix)
        self._host, self._port, self._files = parts.hostname, port, files
        self._login = (unquote(parts.username), unquote(parts.password) if parts.password else None)
        path = unquote(parts.path) or "/"
        self._root = (path.removeprefix("/~/") if path.startswith("/~/") else path) or "."

    def walk(self) -> Iterator[Entry]:
        """Regular files below the folder, in no order."""
        with self._line() as line:
            pending = [PurePosixPath()]
            while pending:
                below = pending.pop()
                for entry in line.listdir_attr(str(self._root / below)):
                    if entry.filename.startswith("."):
                        continue
                    kind = stat.S_IFMT(entry.st_mode or 0)
                    if kind == stat.S_IFDIR:
                        pending.append(below / entry.filename)
                    elif kind == stat.S_IFREG:
                        yield Entry(str(below / entry.filename), _status(entry))

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """The file of that name, read ahead."""
        below = PurePosixPath(unspell(name))
        if below.is_absolute() or ".." in below.parts:
            raise Misconfigured(
                "OUTSIDE", name, "the name leads out of the drop folder", "Fetch only what offers() gave"
            )
        path = str(self._root / below)
        with self._line(name) as line:
            found = line.lstat(path)
            if stat.S_IFMT(found.st_mode or 0) != stat.S_IFREG:
                raise Misconfigured("NOT_A_FILE", name, "a link, pipe, socket or folder", "Drop regular files only")
            with line.open(path, "rb") as stream:
                stream.prefetch(found.st_size)
                yield Opened(cast(Binary, stream), _status(found))

    def status(self, opened: Opened) -> Status:
        """How it stands now."""
        return _status(cast(paramiko.SFTPFile, opened.stream).stat())

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        with self._line() as line:
            try:
                line.lstat(str(self._root / PurePosixPath(name)))
            except FileNotFoundError:
                return False
        return True

    def workshop(self) -> Path:
        """The folder of this machine for files that pass by; a file in it is readable by its owner alone."""
        return Path(tempfile.gettempdir())

    def put(self, draft: Path, name: str) -> None:
        """Send a file under a temporary name, compare its size, then rename it.

        Whether a server makes durable what it has taken, SFTP does not tell.
        """
        with self._line(name) as line:
            self._sweep(line)
            arriving = str(self._root / PurePosixPath(f"{ARRIVING}{secrets.token_hex(8)}"))
            line.put(os.fspath(draft), arriving, confirm=True)
            line.posix_rename(arriving, str(self._root / PurePosixPath(name)))

    def _sweep(self, line: paramiko.SFTPClient) -> None:
        """Remove what senders that were killed long ago have left."""
        for entry in line.listdir_attr(self._root):
            if entry.filename.startswith(ARRIVING) and (entry.st_mtime or 0) < time.time() - ABANDONED:
                with suppress(OSError):
                    line.remove(str(self._root / PurePosixPath(entry.filename)))

    @contextmanager
    def _line(self, about: str = "") -> Iterator[paramiko.SFTPClient]:
        """A line to the server that is closed at the end, and by force when its time is over.

        Raises:
            TryLater, Misconfigured: what went wrong, in none of the server's words.
        """
        where = f"{self.where}: {about}" if about else self.where
        client = paramiko.SSHClient()
        until = time.monotonic() + self._deadline
        watch = threading.Timer(self._deadline, client.close)
        watch.daemon = True
        watch.start()
        try:
            self._reach(client)
            if time.monotonic() >= until:  # closed before there was anything to close
                raise EOFError
            line = client.open_sftp()
            channel = line.get_channel()
            if channel is not None:
                channel.settimeout(SECONDS["operation"])
            yield line
        except BridgeError:
            raise
        except FileNotFoundError:
            raise TryLater("VANISHED", where, "the file or folder is not there now", "List the folder again") from None
        except PermissionError:
            fix = "Let the login read the folder, and write in it if it is a partner's"
            raise Misconfigured("NO_ACCESS", where, "the login may not do that there", fix) from None
        except _GONE as bad:
            if isinstance(bad, OSError) and "unsupported" in str(bad).lower():
                fix = "Have the server allow posix-rename@openssh.com, without which a partner could read half a file"
                raise Misconfigured("NO_RENAME", where, "the server has no rename that replaces", fix) from None
            if time.monotonic() >= until:
                what = f"it was not done within {self._deadline} s, and the line was closed"
                fix = "Look whether the server is slow; for files that need longer, raise deadline= in the connection"
                raise TryLater("SFTP_SLOW", where, what, fix) from None
            what = f"the line to the server broke ({type(bad).__name__})"
            raise TryLater("SFTP_AWAY", where, what, "Look whether the server and the way to it work") from None
        finally:
            watch.cancel()
            client.close()

    def _reach(self, client: paramiko.SSHClient) -> None:
        known = self._files["known_hosts"]
        name = self._host if self._port == paramiko.config.SSH_PORT else f"[{self._host}]:{self._port}"
        fix = f"Compare with the server's administrator by another way, then write its key for {name} into {known}"
        try:
            client.load_host_keys(known)
            if client.get_host_keys().lookup(name) is None:
                raise Misconfigured("HOST_UNKNOWN", self.where, "known_hosts has no key of this server", fix)
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            client.connect(
                self._host,
                self._port,
                *self._login,
                key_filename=self._files.get("key"),
                allow_agent=False,
                look_for_keys=False,
                timeout=SECONDS["timeout"],
                banner_timeout=SECONDS["timeout"],
                auth_timeout=SECONDS["timeout"],
                channel_timeout=SECONDS["timeout"],
            )
        except paramiko.BadHostKeyException:
            what = "the server shows another key than known_hosts has: it was changed, or it is not the server"
            raise Misconfigured("HOST_KEY_CHANGED", self.where, what, fix) from None
        except (paramiko.AuthenticationException, paramiko.PasswordRequiredException) as bad:
            if any(said in str(bad).lower() for said in _UNANSWERED):
                raise EOFError from None
            what = "the server does not let this login in"
            raise Misconfigured("LOGIN_REFUSED", self.where, what, "Correct the user, password or key") from None


def _status(found: paramiko.SFTPAttributes) -> Status:
    seconds = found.st_mtime or 0
    return Status(datetime.fromtimestamp(seconds, UTC), seconds, found.st_size or 0)
