"""The files connector over SFTP: the promises of a local folder, on a server whose key is known beforehand."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paramiko
import pytest

from bridge.errors import Misconfigured, TryLater
from bridge.shape import Field, shape_of
from bridge.testing_source import SourceConformance, Supply
from connectors.files import FilesSource, FilesTarget, source
from tests.connectors.sftp_server import USER, SftpServer, serving
from tests.connectors.test_files_source import EVER, FLAT, CsvFolder
from tests.connectors.test_files_target import SHAPE, WITHDRAW, XSD, Record, batch_of, document, files, ordered
from tests.faults.network import Proxy, Trouble


class Served:
    """A folder, its server, and connections to it."""

    def __init__(self, folder: Path, private: Path, server: SftpServer) -> None:
        self.folder, self.private, self.server = folder, private, server

    def url(self, port: int = 0, login: str = USER, key: bool = True) -> str:
        known = self.server.known_hosts(self.private / "known_hosts", port)
        named = f"&key={self.private / 'id'}" if key else ""
        return f"sftp://{login}@127.0.0.1:{port or self.server.port}/?known_hosts={known}{named}"


@contextmanager
def served(path: Path, *, renames: bool = True) -> Iterator[Served]:
    folder, private = path / "served", path / "private"
    folder.mkdir()
    private.mkdir()
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(private / "id"))
    with serving(SftpServer(folder, key, renames=renames)) as server:
        yield Served(folder, private, server)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


class RemoteFolder(CsvFolder):
    """CSV files on the server, put there as its own people would."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._served = stack.enter_context(served(path))
        self.path = self._served.folder
        self.source = source(self._served.url(), {"format": "csv"}, FLAT)
        self._number = 0


class TestSftp(SourceConformance):
    many = 21_000

    @pytest.fixture
    def supply(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supply]:
        with ExitStack() as stack:
            yield RemoteFolder(tmp_path_factory.mktemp("supplier"), stack)


def target_of(remote: Served, url: str = "") -> FilesTarget:
    schema = remote.private / "cen.xsd"
    schema.write_text(XSD % "")
    options = {"schema": os.fspath(schema), "record": "/CEN/Seizure", "withdraw": WITHDRAW}
    return FilesTarget(url or remote.url(), options, SHAPE)


RECORDS: list[Record] = [{"@ref": "A"}, {"@ref": "B"}]


def test_a_delivery_is_what_a_local_folder_gets(remote: Served, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    for target in (target_of(remote), target_of(remote, os.fspath(local))):
        first = target.deliver(batch_of(RECORDS), ordered(RECORDS, withdraw=("C",)))
        assert first.column("effect").to_pylist() == ["insert", "insert", "withdraw"]
        again = target.deliver(batch_of(RECORDS), ordered(RECORDS, withdraw=("C",)))
        assert again.column("effect").to_pylist() == ["unchanged"] * 3
    assert files(remote.folder) == files(local)
    assert len(files(local)) == 2


def test_the_manifest_comes_last_and_nothing_half_is_seen(remote: Served) -> None:
    seen: list[list[str]] = []
    remote.server.before_rename = lambda: seen.append(
        sorted(p.name for p in remote.folder.iterdir() if p.name[0] != ".")
    )
    target_of(remote).deliver(batch_of(RECORDS), ordered(RECORDS))
    name = json.loads(next(remote.folder.glob("*.json")).read_bytes())["file"]
    assert seen == [[], [name]]
    assert document(remote.folder).endswith(b"</CEN>\n")


def test_what_a_killed_sender_left_is_removed_a_day_later(remote: Served) -> None:
    old, new = remote.folder / ".delivering-old", remote.folder / ".delivering-new"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (time.time() - 90_000,) * 2)
    target_of(remote).deliver(batch_of(RECORDS), ordered(RECORDS))
    assert not old.exists()
    assert new.exists()


def test_a_server_without_an_atomic_rename_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, renames=False) as remote, pytest.raises(Misconfigured, match="NO_RENAME"):
        target_of(remote).deliver(batch_of(RECORDS), ordered(RECORDS))


def test_only_a_server_whose_key_is_known_is_spoken_to(remote: Served) -> None:
    (remote.folder / "a.csv").write_text("ref,place\n")
    url = remote.url()
    known = remote.private / "known_hosts"
    good = known.read_text()
    opened = FilesSource(url, {"format": "csv"}, FLAT)
    assert [offer.name for offer in opened.offers(EVER)] == ["a.csv"]
    known.write_text("")
    with pytest.raises(Misconfigured, match="HOST_UNKNOWN"):
        opened.offers(EVER)
    other = paramiko.ECDSAKey.generate()
    known.write_text(good.replace(remote.server.key.get_base64(), other.get_base64()))
    with pytest.raises(Misconfigured, match="HOST_KEY_CHANGED"):
        opened.offers(EVER)
    assert known.read_text() == good.replace(remote.server.key.get_base64(), other.get_base64()), "a key was added"


def test_a_password_and_a_wrong_login(remote: Served) -> None:
    FilesSource(remote.url(login=f"{USER}:an%20invented%20one", key=False), {"format": "csv"}, FLAT).offers(EVER)
    for login in (f"{USER}:another", "nobody:an%20invented%20one"):
        with pytest.raises(Misconfigured, match="LOGIN_REFUSED") as refused:
            FilesSource(remote.url(login=login, key=False), {"format": "csv"}, FLAT).offers(EVER)
        assert "invented" not in str(refused.value)


@pytest.mark.parametrize(
    "connection",
    [
        "sftp://host.example/in?known_hosts=/etc/hosts",
        "sftp://me@host.example/in",
        "sftp://me@host.example/in?known_hosts=/etc/hosts&auto_add=true",
        "sftp://me@host.example/in?known_hosts=/etc/hosts&deadline=for ever",
    ],
)
def test_a_connection_that_leaves_the_server_unknown_is_refused(connection: str) -> None:
    with pytest.raises(Misconfigured, match="BAD_CONNECTION"):
        source(connection, {"format": "csv"}, FLAT)


def test_links_hidden_files_and_names_that_lead_out_are_not_read(remote: Served, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("ref,place\n")
    (remote.folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (remote.folder / ".hidden.csv").write_text("ref,place\n")
    (remote.folder / "sub").mkdir()
    (remote.folder / "sub" / "b.csv").write_text("ref,place\n")
    opened = FilesSource(remote.url(), {"format": "csv"}, FLAT)
    (offer,) = opened.offers(EVER)
    assert offer.name == "sub/b.csv"
    for name, code in (("../secret.csv", "OUTSIDE"), ("link.csv", "NOT_A_FILE")):
        with pytest.raises(Misconfigured, match=code):
            opened.fetch(type(offer)(name, offer.arrival), tmp_path / "archive")
    with pytest.raises(TryLater, match="VANISHED"):
        opened.fetch(type(offer)("gone.csv", offer.arrival), tmp_path / "archive")


def test_a_server_that_drips_is_waited_for_no_longer_than_declared(remote: Served, tmp_path: Path) -> None:
    (remote.folder / "a.csv").write_text("ref,place\n1,Kapikule\n")
    opened = FilesSource(
        f"{remote.url()}&deadline=1", {"format": "csv"}, shape_of("flat", [Field("", "ref"), Field("", "place")])
    )
    (offer,) = opened.offers(EVER)
    target = target_of(remote, f"{remote.url()}&deadline=1")

    def drip(seconds: float) -> None:
        remote.server.drip = seconds

    def dripping(work: Callable[[], object]) -> None:
        began = time.monotonic()
        with pytest.raises(TryLater, match="SFTP_SLOW"):
            work()
        assert 0.9 < time.monotonic() - began < 2.5
        drip(0)

    drip(0.05)  # from the server's first word on
    dripping(lambda: opened.fetch(offer, tmp_path / "archive"))
    remote.server.before_login = lambda: drip(0.05)
    dripping(lambda: opened.fetch(offer, tmp_path / "archive"))
    remote.server.before_login = lambda: None
    remote.server.before_open = lambda: drip(0.05)
    dripping(lambda: opened.fetch(offer, tmp_path / "archive"))
    remote.server.before_open = lambda: None
    remote.server.before_rename = lambda: drip(0.05)
    dripping(lambda: target.deliver(batch_of(RECORDS), ordered(RECORDS)))
    remote.server.before_rename = lambda: None
    assert not list((tmp_path / "archive").rglob("*.*"))
    assert opened.fetch(offer, tmp_path / "archive").counted == 1
    assert target.deliver(batch_of(RECORDS), ordered(RECORDS))["effect"].to_pylist() == ["insert"] * 2
    assert len(list(remote.folder.glob("*.xml"))) == len(list(remote.folder.glob("*.json"))) == 1


def test_through_a_network_that_fails_nothing_is_half_taken_or_half_given(remote: Served, tmp_path: Path) -> None:
    proxy = Proxy("127.0.0.1", remote.server.port)
    try:
        url = remote.url(proxy.port)
        rows = "".join(f"{n},Kapikule\n" for n in range(40_000))
        (remote.folder / "large.csv").write_text(f"ref,place\n{rows}")
        opened = FilesSource(url, {"format": "csv"}, shape_of("flat", [Field("", "ref"), Field("", "place")]))
        (offer,) = opened.offers(EVER)
        archive = tmp_path / "archive"
        for trouble in (Trouble.REFUSE, Trouble.RESET, Trouble.TRUNCATE):
            proxy.make(trouble)
            with pytest.raises(TryLater):
                opened.fetch(offer, archive)
            remote.server.before_rename = lambda what=trouble: proxy.make(what)  # type: ignore[misc]
            proxy.make(Trouble.NONE if trouble is not Trouble.REFUSE else trouble)
            with pytest.raises(TryLater):
                target_of(remote, url).deliver(batch_of(RECORDS), ordered(RECORDS))
            remote.server.before_rename = lambda: None
            proxy.make(Trouble.NONE)
        assert not [path for path in archive.rglob("*") if path.is_file()]
        assert opened.fetch(offer, archive).counted == 40_000
        assert set(target_of(remote, url).deliver(batch_of(RECORDS), ordered(RECORDS))["effect"].to_pylist()) <= {
            "insert",
            "unchanged",
        }
        assert len(list(remote.folder.glob("*.xml"))) == len(list(remote.folder.glob("*.json"))) == 1
    finally:
        proxy.close()
