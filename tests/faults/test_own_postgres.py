"""PostgreSQL of the house's own, of each version that is installed: TLS, an owner without CREATEROLE."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.integrity.check import verify
from infrastructure.postgres.administrator import ADMINISTRATOR_SQL, OWNER_ROLE
from infrastructure.postgres.backup import back_up, restore
from infrastructure.postgres.connection_failure import connection_failure
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.migrate import migrate, schema_differences
from infrastructure.postgres.migrated import NotMigrated
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.certificates import Authority
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.own_server import SECRET, OwnServer, installed, own_server

pytestmark = pytest.mark.nightly

VERSIONS = installed()

BACK_SECONDS = 1.0
"""For how long a server is away after its database is back."""

REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"


@pytest.fixture(scope="module", params=list(VERSIONS.values()), ids=list(VERSIONS))
def own(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A server on which an administrator has made the logins and the databases."""
    with own_server(request.param) as server:
        passwords = (f"ALTER ROLE {role} PASSWORD '{SECRET}';" for role in (OWNER_ROLE, APP_ROLE))
        others = (
            f"CREATE DATABASE {name} OWNER {OWNER_ROLE} TEMPLATE template0 {encoding} LOCALE 'C';"
            for name, encoding in (("restored", "ENCODING 'UTF8'"), ("ascii", ""))
        )
        server.run_script("\n".join((ADMINISTRATOR_SQL, *passwords, *others)))
        yield server


@pytest.fixture(scope="module")
def database(own: OwnServer) -> Database:
    """The owner's login and the application's, over TLS."""
    made = Database(own.url(OWNER_ROLE, "wardbook"), own.url(APP_ROLE, "wardbook"))
    migrate(made)
    made.open_log("real")
    return made


def test_an_owner_who_may_make_no_role_keeps_a_hospital_over_tls(
    own: OwnServer, database: Database, tmp_path: Path
) -> None:
    migrate(database)
    assert schema_differences(database) == []
    with TestClient(app(Settings(home=tmp_path), database.serving(), LOGIN)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        stay = ward.stay()
        assert stay in {
            node["id"] for node in ward.ask("{ stays { nodes { id } } }")["stays"]["nodes"]
        }
        with psycopg.connect(own.administrator_url) as administrator:
            sessions = administrator.execute(
                "SELECT usename, bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
                " WHERE datname = 'wardbook' AND usename LIKE 'wardbook%' GROUP BY usename"
            ).fetchall()
            rights = administrator.execute(
                "SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb) FROM pg_roles"
                " WHERE rolname LIKE 'wardbook%'"
            ).fetchone()
    assert sessions == [(APP_ROLE, own.speaks_tls)]
    assert rights == (False,)
    assert [check.promise for check in verify(database) if check.broken] == []


def test_a_backup_is_restored_into_a_database_that_the_administrator_made(
    own: OwnServer, database: Database, tmp_path: Path
) -> None:
    back_up(database, tmp_path / "backup")
    restored = Database(own.url(OWNER_ROLE, "restored"), own.url(APP_ROLE, "restored"))
    restore(restored, tmp_path / "backup")
    migrate(restored)
    assert restored.log_size() == database.log_size()


def test_a_database_in_another_encoding_is_refused_in_words(own: OwnServer) -> None:
    with pytest.raises(NotMigrated, match="SQL_ASCII"):
        migrate(Database(own.url(OWNER_ROLE, "ascii")))


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("disable", "does not admit the login"),
        ("verify-full", "certificate is not one"),
        ("wrong password", "does not take the password"),
    ],
)
def test_a_connection_that_is_refused_says_why(
    own: OwnServer, database: Database, tmp_path: Path, mode: str, words: str
) -> None:
    if mode == "wrong password":
        url = own.url(APP_ROLE, "wardbook", "wrong")
    elif not own.speaks_tls:
        pytest.skip("this server is built without TLS")
    else:
        stranger = Authority(tmp_path / "stranger", "another authority")
        url = own.url(APP_ROLE, "wardbook", mode=mode)
        url = url.replace(str(own.authority.file), str(stranger.file))
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(url)
    assert words in connection_failure(refused.value)
    assert SECRET not in connection_failure(refused.value)


def test_servers_are_back_within_a_second_of_their_database(
    own: OwnServer, database: Database, tmp_path: Path
) -> None:
    with TestClient(app(Settings(home=tmp_path), database.serving(), LOGIN)) as http:
        client = GraphQLClient(http, TOKEN)

        def records_and_reads() -> bool:
            mrn = str(uuid4())
            command = {"i": {"commandId": str(uuid4()), "mrn": mrn}}
            told = client.raw(REGISTER, command).get("data") or {}
            if told.get("registerPatient", {}).get("__typename") != "PatientRecorded":
                return False
            read = client.raw(f'{{ patient(mrn: "{mrn}") {{ mrn }} }}')
            return "errors" not in read

        assert records_and_reads()
        own.stop()
        for _ in range(3):  # pauses between tries to connect grow with each of them
            assert not records_and_reads()
        own.start()
        took = wait_until(records_and_reads, BACK_SECONDS, "a command is recorded and read")
        print(f"back after {took:.2f} s", flush=True)
