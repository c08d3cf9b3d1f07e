"""An SFTP server on this machine that gives one folder, for the tests."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK, SFTP_OP_UNSUPPORTED

USER = "bridge"


class SftpServer:
    """Takes one user with one key or password into one folder.

    Args:
        renames: whether it has posix-rename@openssh.com.
    """

    def __init__(self, folder: Path, user_key: paramiko.PKey, *, renames: bool = True) -> None:
        self.folder, self.user_key, self.renames = folder, user_key, renames
        self.key = paramiko.ECDSAKey.generate()
        self.before_rename: Callable[[], None] = lambda: None
        self.before_open: Callable[[], None] = lambda: None
        self.before_login: Callable[[], None] = lambda: None
        self.drip = 0.0
        """Seconds for each byte that it sends; 0: as fast as it can."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lines: list[paramiko.Transport] = []

    def known_hosts(self, path: Path, port: int = 0) -> Path:
        """A file of known hosts that has this server's key."""
        path.write_text(f"[127.0.0.1]:{port or self.port} {self.key.get_name()} {self.key.get_base64()}\n")
        return path

    def serve(self) -> None:
        """Take connections until stop()."""
        with suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                line = paramiko.Transport(cast("socket.socket", _Dripping(raw, self)))
                line.add_server_key(self.key)
                line.set_subsystem_handler("sftp", SFTPServer, _Folder, self)
                self._lines.append(line)
                with suppress(paramiko.SSHException, EOFError, OSError):
                    line.start_server(event=threading.Event(), server=_Door(self))

    def stop(self) -> None:
        """End all."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            line.close()


class _Dripping:
    """A socket that sends a byte at a time when its server is told to."""

    def __init__(self, raw: socket.socket, server: SftpServer) -> None:
        self._raw, self._server = raw, server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def send(self, data: bytes) -> int:
        if not self._server.drip:
            return self._raw.send(data)
        time.sleep(self._server.drip)
        return self._raw.send(data[:1])


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.before_login()
        known = username == USER and key == self._server.user_key
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        known = username == USER and password == "an invented one"
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: Any, sftp: SftpServer, *_: Any, **__: Any) -> None:
        super().__init__(server)
        self._sftp = sftp

    def _path(self, path: str) -> Path:
        return self._sftp.folder / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        try:
            return [SFTPAttributes.from_stat(one.lstat(), one.name) for one in self._path(path).iterdir()]
        except OSError as bad:
            return SFTPServer.convert_errno(bad.errno or 0)

    def lstat(self, path: str) -> Any:
        try:
            return SFTPAttributes.from_stat(self._path(path).lstat())
        except OSError as bad:
            return SFTPServer.convert_errno(bad.errno or 0)

    stat = lstat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> Any:  # noqa: ARG002
        self._sftp.before_open()
        try:
            number = os.open(self._path(path), flags, 0o600)
        except OSError as bad:
            return SFTPServer.convert_errno(bad.errno or 0)
        handle = SFTPHandle(flags)
        stream = os.fdopen(number, "wb" if flags & os.O_WRONLY else "r+b" if flags & os.O_RDWR else "rb")
        handle.readfile = handle.writefile = stream  # type: ignore[attr-defined]
        handle.stat = lambda: SFTPAttributes.from_stat(os.fstat(stream.fileno()))  # type: ignore[method-assign]
        return handle

    def remove(self, path: str) -> int:
        self._path(path).unlink()
        return SFTP_OK

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        if not self._sftp.renames:
            return SFTP_OP_UNSUPPORTED
        self._sftp.before_rename()
        self._path(oldpath).replace(self._path(newpath))
        return SFTP_OK


@contextmanager
def serving(server: SftpServer) -> Iterator[SftpServer]:
    """The server at work, stopped afterwards."""
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(5)
