"""The embedded PostgreSQL: started, killed, restarted and removed for real, as root and as an ordinary user."""

from __future__ import annotations

import importlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from bridge import pgwheel
from bridge.errors import BridgeError, Misconfigured, TryLater
from bridge.postgres import Server

CANARY = "Canarini-Wexford"
"""An invented name that must never reach the server's log."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another account")
START = "import sys; from pathlib import Path; from bridge.postgres import Server; Server(Path(sys.argv[1])).start()"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every account may enter; a server left in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        Server(folder).remove()
        shutil.rmtree(folder)


def ask(server: Server, statement: str) -> object:
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as session:
        row = session.execute(statement.encode()).fetchone()
    return None if row is None else row[0]


def run_sql(server: Server, *statements: str) -> None:
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as session:
        for statement in statements:
            session.execute(statement.encode())


def kill(server: Server) -> None:
    """Kill the server's first process, as the system's memory killer would."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.pid is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_second_start_finds_the_running_server(postgres: Server) -> None:
    before = postgres.pid
    assert before is not None
    assert Server(postgres.place.parent, durable=False).start().pid == before


def test_the_server_is_durable_unless_told_otherwise(home: Path, postgres: Server) -> None:
    server = Server(home).start()
    assert [ask(server, f"SHOW {name}") for name in ("fsync", "full_page_writes", "data_checksums")] == ["on"] * 3
    assert ask(postgres, "SHOW fsync") == "off"


def test_the_server_outlives_its_starter(home: Path) -> None:
    subprocess.run([sys.executable, "-c", START, home], check=True, timeout=60)
    assert ask(Server(home), "SELECT 1") == 1


def test_two_starters_at_once_make_one_server(home: Path) -> None:
    starters = [subprocess.Popen([sys.executable, "-c", START, home]) for _ in range(2)]
    assert [starter.wait(timeout=60) for starter in starters] == [0, 0]
    assert ask(Server(home), "SELECT 1") == 1


def test_every_client_needs_the_password(postgres: Server) -> None:
    methods = "SELECT string_agg(DISTINCT type || ' ' || auth_method, ',') FROM pg_hba_file_rules"
    assert ask(postgres, methods) == "host scram-sha-256"
    assert ask(postgres, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'bridge'") is True
    unused = (postgres.place / "data" / "pg_hba.conf").read_text(encoding="utf-8")
    rules = [line.split() for line in unused.splitlines() if line.strip() and not line.startswith("#")]
    assert {rule[-1] for rule in rules} == {"scram-sha-256"}
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=postgres.port, user="bridge", password=password, dbname="postgres")


def test_only_this_machine_reaches_it_and_only_over_tcp(postgres: Server) -> None:
    assert ask(postgres, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(postgres, "SHOW unix_socket_directories") == ""


def test_secrets_and_log_are_the_owners_alone(postgres: Server) -> None:
    for path in (postgres.place / "password", postgres.log):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == os.geteuid()
    assert stat.S_IMODE((postgres.place / "data").stat().st_mode) == 0o700


def test_the_log_has_no_value_of_any_row(postgres: Server) -> None:
    run_sql(postgres, "CREATE TABLE person (name text PRIMARY KEY, born date CHECK (born > '1900-01-01'))")
    insert = f"INSERT INTO person VALUES ('{CANARY}', '1980-01-01')"
    run_sql(postgres, insert)
    refused: list[tuple[str, type[Exception]]] = [
        (insert, errors.UniqueViolation),
        (f"INSERT INTO person VALUES ('{CANARY} 2', '1800-01-01')", errors.CheckViolation),
        (f"SELECT '{CANARY}'::date", errors.InvalidDatetimeFormat),
        (f"SELECT '{{\"name\": {CANARY}}}'::jsonb", errors.InvalidTextRepresentation),
        (f"DO $$ BEGIN RAISE WARNING '{CANARY}'; RAISE '{CANARY}'; END $$", errors.RaiseException),
        (f"SELECT pg_sleep(5), '{CANARY}'", errors.QueryCanceled),
    ]
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as session:
        session.execute("SET statement_timeout = '200ms'")
        for statement, refusal in refused:
            with pytest.raises(refusal):
                session.execute(statement.encode())
        with pytest.raises(errors.UniqueViolation):
            session.execute("INSERT INTO person VALUES (%s, '1990-01-01')", (CANARY,))
        with pytest.raises(errors.InvalidDatetimeFormat), session.cursor().copy("COPY person FROM STDIN") as copy:
            copy.write(f"x\t{CANARY}\n")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=postgres.port, user="stranger", password="no", dbname="postgres")

    said = postgres.log.read_text(encoding="utf-8")
    assert 'password authentication failed for user "stranger"' in said  # the log does work
    assert CANARY not in said


def test_a_restart_keeps_data_and_url(home: Path) -> None:
    server = Server(home, durable=False).start()
    run_sql(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    url = server.url()
    server.stop()
    assert server.pid is None
    server.stop()  # nothing to do
    with pytest.raises(TryLater, match="POSTGRES_DOWN"):
        server.url()
    assert server.start().url() == url
    assert ask(server, "SELECT answer FROM kept") == 42


def test_a_restart_takes_another_port_when_the_old_one_is_taken(home: Path) -> None:
    server = Server(home, durable=False).start()
    port = server.port
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        assert server.start().port != port
        assert ask(server, "SELECT 1") == 1


def test_a_killed_server_recovers_with_what_was_committed(home: Path) -> None:
    server = Server(home).start()
    run_sql(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    kill(server)
    assert ask(server.start(), "SELECT answer FROM kept") == 42


def test_a_killed_server_recovers_when_its_process_number_was_given_away(home: Path) -> None:
    server = Server(home, durable=False).start()
    kill(server)
    owner = (server.place / "data").stat()
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid)
    try:
        claim = server.place / "data" / "postmaster.pid"
        claim.write_text(f"{stranger.pid}\n{claim.read_text().partition(chr(10))[2]}")
        assert ask(server.start(), "SELECT 1") == 1
        server.stop()
        assert stranger.poll() is None  # stopping the server hurts nobody else
    finally:
        stranger.kill()
        stranger.wait()


def test_a_start_that_was_killed_leaves_no_half(home: Path) -> None:
    place = home / "postgres"
    (place / "draft-data").mkdir(parents=True)
    (place / "draft-data" / "PG_VERSION").write_text("18")
    (place / "password").write_text("of the start that was killed")
    assert ask(Server(home, durable=False).start(), "SELECT 1") == 1
    assert not list(place.glob("draft-*"))


def test_a_start_that_fails_says_why(home: Path) -> None:
    server = Server(home, durable=False).start()
    server.stop()
    (server.place / "data" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(Misconfigured, match="POSTGRES_START"):
        server.start()


def test_databases_are_made_once_and_copied_from_a_template(postgres: Server) -> None:
    url = postgres.ensure_database("original")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert postgres.ensure_database("original") == url
    with psycopg.connect(postgres.ensure_database("copied", "original").replace("+psycopg", "")) as session:
        assert session.execute("SELECT answer FROM kept").fetchone() == (42,)
    with pytest.raises(ValueError, match="plain database name"):
        postgres.ensure_database('x"; DROP DATABASE original; --')


def test_remove_leaves_nothing(home: Path) -> None:
    server = Server(home, durable=False).start()
    pid = server.pid
    server.remove()
    assert not (home / "postgres").exists()
    assert server.pid is None
    assert pid is not None
    assert not _runs(pid)
    server.remove()  # nothing to do


@as_root
def test_root_with_a_closed_home_keeps_the_data_elsewhere_and_removes_both(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    server = Server(closed / "home", durable=False).start()
    try:
        place = server.place
        assert closed not in place.parents
        assert (closed / "home" / "postgres").is_symlink()
        assert (place.stat().st_uid, stat.S_IMODE(place.stat().st_mode)) == (0, 0o711)
        assert (place / "data").stat().st_uid == pwd.getpwnam(pgwheel.ACCOUNT).pw_uid
        assert ask(server, "SELECT 1") == 1
    finally:
        server.remove()
    assert not place.exists()
    assert not (closed / "home" / "postgres").is_symlink()


@as_root
def test_root_with_a_closed_virtual_environment_runs_a_copy_of_the_programs(home: Path) -> None:
    nobody = pwd.getpwnam(pgwheel.ACCOUNT)
    account = pgwheel.Account(nobody.pw_uid, nobody.pw_gid)
    copied = home / "copied"
    pgwheel.copy(pgwheel.wheel(), copied)
    folder = copied / pgwheel.WHEEL / pgwheel.TREE / "bin"
    assert {path.name for path in folder.iterdir()} == {"postgres", "initdb", "pg_ctl"}
    for program in folder.iterdir():
        done = pgwheel.run([program, "--version"], account)
        assert (done.code, done.said.split()[-1].split(".")[0]) == (0, "18")


@as_root
def test_an_ordinary_user_has_a_server_of_their_own(home: Path) -> None:
    nobody = pwd.getpwnam(pgwheel.ACCOUNT)
    mine = home / "mine"
    mine.mkdir()
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)

    def start_ask_stop() -> str:
        server = Server(mine / "home", durable=False).start()
        answer = ask(server, "SELECT current_user || ' ' || fsync FROM (SELECT current_setting('fsync')) AS _(fsync)")
        owner = (server.place / "data").stat().st_uid
        server.stop()
        return f"{answer} {owner == os.geteuid()} {server.pid}"

    assert _as_user(nobody, home, start_ask_stop) == "bridge off True None"
    # Root goes on with the same data, as their owner.
    assert ask(Server(mine / "home", durable=False).start(), "SELECT 1") == 1
    Server(mine / "home").remove()


@as_root
def test_an_ordinary_user_is_told_that_the_data_are_anothers(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    Server(home, durable=False).start().stop()

    def start() -> str:
        with pytest.raises(BridgeError) as refused:
            Server(home).start()
        return refused.value.code

    assert _as_user(daemon, home, start) == "POSTGRES_OWNER"
    (home / "postgres.lock").chmod(0o666)
    assert _as_user(daemon, home, start) == "POSTGRES_OWNER"


def _as_user(user: pwd.struct_passwd, folder: Path, act: Callable[[], str]) -> str:
    """What act() returns in a child process that is this user, as it would be without root."""
    wheels = folder / "wheels"
    if not wheels.exists():
        pgwheel.copy(pgwheel.wheel(), wheels)  # the virtual environment may be closed to this user
        (wheels / pgwheel.WHEEL / "__init__.py").touch()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            sys.path.insert(0, str(wheels))
            importlib.invalidate_caches()
            said = act()
        except BaseException as error:  # noqa: BLE001 - the parent shows it
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def _runs(pid: int) -> bool:
    """Whether the process exists and is no zombie (in a container nobody may be there to bury it)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False
