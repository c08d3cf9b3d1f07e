"""Each kind of work under an account of its own: what it needs it may do, and the database refuses all else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from bridge.errors import Misconfigured
from bridge.exchange import Exchange, Role
from bridge.exchange.roles import GRANTS, script
from bridge.exchange.schema import metadata
from bridge.postgres import Server
from tests.exchange.samples import CANARY, Version, begin_share, collect, day, share

PERSON = Version("S1", nominal=f'{{"persons":[{{"surname":"{CANARY}"}}]}}')
DATABASE = "exchange_with_roles"


@pytest.fixture(scope="module")
def logins(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Role, str]]:
    """An exchange in which each work was done by its own account; the accounts' URLs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_HOME", str(tmp_path_factory.mktemp("roles")))
        with Exchange(postgres.ensure_database(DATABASE)) as owner:
            owner.migrate()
        urls = {role: postgres.ensure_login(f"roles_{role}", role.there, DATABASE) for role in Role}
        with Exchange(urls[Role.COLLECT], Role.COLLECT) as collecting:
            assert collect(collecting, [PERSON, Version("S2")], 0).balanced
            assert collect(collecting, [Version("S2", 1, "b")], 1).balanced
        with Exchange(urls[Role.SHARE_NOMINAL], Role.SHARE_NOMINAL) as sharing:
            books, offered = share(sharing, nominal=True)
            assert books.balanced
            assert CANARY in {row["origin_record_id"]: row["nominal"] for row in offered}["S1"]
        with Exchange(urls[Role.SHARE], Role.SHARE) as sharing:
            run = begin_share(sharing, "europol")
            assert sharing.select(run) == 2
        yield urls
    with psycopg.connect(postgres.url().replace("+psycopg", ""), autocommit=True) as session:
        session.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)".encode())


FORBIDDEN = {
    Role.COLLECT: [
        "SELECT payload FROM exchange.record_version",
        "SELECT * FROM exchange_nominal.payload_nominal",
        "SELECT bridge_id FROM exchange_nominal.payload_nominal",
        "SELECT * FROM exchange_nominal.selected",
        "SELECT * FROM exchange.delivery",
        "INSERT INTO exchange.delivery SELECT * FROM exchange.delivery",
        "UPDATE exchange.record_version SET payload = '{}'",
        "UPDATE exchange.intake SET disposition = 'unchanged'",
        "DELETE FROM exchange.intake",
        "DELETE FROM exchange.record",
        "UPDATE exchange.run SET fingerprint = 'other'",
        "UPDATE exchange.partner SET suspended = true",
    ],
    Role.SHARE: [
        "SELECT * FROM exchange_nominal.payload_nominal",
        "SELECT * FROM exchange_nominal.selected",
        "INSERT INTO exchange.record_version SELECT * FROM exchange.record_version",
        "UPDATE exchange.record_version SET payload = '{}'",
        "UPDATE exchange.record SET version = 9",
        "DELETE FROM exchange.delivery",
        "UPDATE exchange.delivery SET version = 9",
        "SELECT position FROM exchange.intake",
        "UPDATE exchange.partner SET suspended = false",
        "INSERT INTO exchange.authorisation (partner, entered_by, reason) VALUES ('cis', 'x', 'y')",
    ],
    Role.SHARE_NOMINAL: [
        "SELECT * FROM exchange_nominal.payload_nominal",
        "INSERT INTO exchange_nominal.payload_nominal VALUES (gen_random_uuid(), 1, '')",
        "DELETE FROM exchange_nominal.payload_nominal",
    ],
    Role.AUDIT: [
        "SELECT * FROM exchange_nominal.payload_nominal",
        "SELECT * FROM exchange_nominal.selected",
        "INSERT INTO exchange.partner (partner) VALUES ('x')",
        "UPDATE exchange.held SET state = 'redriven'",
        "DELETE FROM exchange.held",
    ],
    Role.NOMINAL: [
        "UPDATE exchange_nominal.payload_nominal SET payload = ''",
        "DELETE FROM exchange_nominal.payload_nominal",
        "UPDATE exchange.record SET version = 9",
    ],
}
EVERYBODY = [
    "UPDATE exchange.seal SET manifest = ''",
    "DELETE FROM exchange.seal",
    "UPDATE exchange.segment SET leaves = ''",
    "DELETE FROM exchange.segment",
    "DELETE FROM exchange.run",
    "DELETE FROM exchange.record_version",
    "TRUNCATE exchange.delivery",
    "ALTER TABLE exchange.run DISABLE ROW LEVEL SECURITY",
    "DROP VIEW exchange_nominal.selected",
    "CREATE TABLE exchange.mine (id int)",
    "SET ROLE bridge",
]


@pytest.mark.parametrize(
    ("role", "statement"),
    [(role, one) for role, listed in FORBIDDEN.items() for one in (*listed, *EVERYBODY)],
)
@pytest.mark.parametrize("reset", [False, True])
def test_the_database_refuses(logins: dict[Role, str], role: Role, statement: str, reset: bool) -> None:
    with psycopg.connect(logins[role].replace("+psycopg", "")) as session:
        session.execute("RESET ROLE" if reset else f"SET ROLE {role.there}".encode())
        with pytest.raises(errors.InsufficientPrivilege):
            session.execute(statement.encode())


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.COLLECT, "UPDATE exchange.run SET state = 'failed' WHERE kind = 'collect'"),
        (Role.COLLECT, "UPDATE exchange.input SET counted = 7"),
        (Role.SHARE, "UPDATE exchange.run SET state = 'failed' WHERE state = 'sealed'"),
        (Role.SHARE_NOMINAL, "UPDATE exchange.delivery SET receipt = 'forged' WHERE partner = 'cis'"),
    ],
)
def test_rows_of_a_sealed_run_are_shut(logins: dict[Role, str], role: Role, statement: str) -> None:
    with psycopg.connect(logins[role].replace("+psycopg", "")) as session:
        assert session.execute(statement.encode()).rowcount == 0


def test_a_share_reads_the_nominal_part_of_what_is_selected_and_of_nothing_else(logins: dict[Role, str]) -> None:
    asked = (
        "SELECT run_id, n.payload FROM exchange_nominal.selected n JOIN exchange.selection s USING (run_id, ordinal)"
    )
    with psycopg.connect(logins[Role.SHARE_NOMINAL].replace("+psycopg", "")) as session:
        seen = session.execute(asked).fetchall()
        session.execute("DELETE FROM exchange.selection")
        assert session.execute("SELECT * FROM exchange_nominal.selected").fetchall() == []
        session.rollback()
    assert len(seen) == 1, "of the run that is under way, its one record with a nominal part"


def test_the_auditor_reads_all_the_rest(logins: dict[Role, str]) -> None:
    with psycopg.connect(logins[Role.AUDIT].replace("+psycopg", "")) as session:
        for table in metadata.tables.values():
            if table.schema == "exchange":
                session.execute(f"SELECT count(*) FROM {table.fullname}".encode())
    with Exchange(logins[Role.AUDIT], Role.AUDIT) as exchange:
        assert exchange.books().balanced
        assert exchange.verify(contents=False) == []


def test_documents_are_hashed_anew_under_the_role_that_reads_them(logins: dict[Role, str]) -> None:
    with Exchange(logins[Role.NOMINAL], Role.NOMINAL) as exchange:
        assert exchange.verify() == []


def test_every_table_stands_in_the_list_of_rights() -> None:
    assert {table.fullname for table in metadata.tables.values()} == set(GRANTS)


def test_an_account_without_the_role_is_told_what_to_do(logins: dict[Role, str]) -> None:
    with (
        Exchange(logins[Role.AUDIT], Role.COLLECT) as exchange,
        pytest.raises(Misconfigured, match=r"NO_ROLE.*bridge_collect.*bridge roles"),
    ):
        exchange.late("cen", [])


def test_an_owner_who_may_make_no_roles_migrates_and_another_grants(postgres: Server) -> None:
    """Then a person with the right runs what `bridge roles` prints."""
    admin = postgres.url().replace("+psycopg", "")
    name, account = "owned_by_another", "plain_owner"
    with psycopg.connect(admin, autocommit=True) as session:
        session.execute(f"CREATE ROLE {account} LOGIN PASSWORD 'a'".encode())
        session.execute(f"CREATE DATABASE {name} OWNER {account}".encode())
    url = postgres.url(name)
    try:
        owned = url.replace(url[url.index("//") + 2 : url.index("@")], f"{account}:a")
        with Exchange(owned) as owner:
            owner.migrate()
            assert owner.differences() == []
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as session:
            session.execute(b"REVOKE ALL ON ALL TABLES IN SCHEMA exchange FROM bridge_audit")
            for _ in range(2):
                session.execute(script().encode())
        with Exchange(postgres.ensure_login("roles_audit", "bridge_audit", name), Role.AUDIT) as exchange:
            assert exchange.books().balanced
    finally:
        with psycopg.connect(admin, autocommit=True) as session:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            session.execute(f"DROP ROLE {account}".encode())


def test_a_run_that_is_sealed_says_so_to_a_second_attempt(logins: dict[Role, str]) -> None:
    with Exchange(logins[Role.COLLECT], Role.COLLECT) as exchange:
        run = exchange.last_sealed("collect", "cen")
        assert run is not None
        with pytest.raises(Exception, match="this run is sealed"):
            exchange.note_read(run[0], "0" * 64, 1)
        assert run[0].window in (day(0), day(1))
