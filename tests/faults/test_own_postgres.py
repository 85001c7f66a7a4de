"""PostgreSQL of the house's own, of each version that is installed: TLS, an owner without CREATEROLE."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.cli.imports import simulate_into
from api.http.app import app
from infrastructure.integrity.check import verify
from infrastructure.postgres.administrator import ADMINISTRATOR_SQL, OWNER_ROLE
from infrastructure.postgres.backup import BackupError, back_up, restore
from infrastructure.postgres.connection_failure import connection_failure
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.migrate import migrate, schema_differences
from infrastructure.postgres.migrated import NotMigrated
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.certificates import Authority
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import rows
from tests.support.own_server import SECRET, OwnServer, installed, own_server

pytestmark = pytest.mark.nightly

VERSIONS = installed()

BACK_SECONDS = 1.0
"""For how long a server is away after its database is back."""

DATABASES = {"simulated": "UTF8", "restored": "UTF8", "ascii": "SQL_ASCII"}
"""What the administrator makes besides, with its encoding."""

LOG = "SELECT position, command_id, body::text FROM record.events ORDER BY position"

REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"


@pytest.fixture(scope="module", params=list(VERSIONS.values()), ids=list(VERSIONS))
def own(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A server on which an administrator has made the logins and the databases."""
    with own_server(request.param) as server:
        passwords = (f"ALTER ROLE {role} PASSWORD '{SECRET}';" for role in (OWNER_ROLE, APP_ROLE))
        others = (
            f"CREATE DATABASE {name} OWNER {OWNER_ROLE} TEMPLATE template0 ENCODING '{encoding}'"
            " LOCALE 'C';"
            for name, encoding in DATABASES.items()
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


def dump_version() -> int:
    """Return the major version of the pg_dump of this machine, which is for TLS; 0 without one."""
    if shutil.which("pg_dump") is None:
        return 0
    answer = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", answer.stdout)[0])


def broken(database: Database) -> list[str]:
    """Return what does not hold of the log, the claims and the read models."""
    return [check.promise for check in verify(database) if check.broken]


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
    assert broken(database) == []


def test_two_days_of_a_house_are_kept_rebuilt_saved_and_restored(
    own: OwnServer, tmp_path: Path
) -> None:
    lived, restored = (
        Database(own.url(OWNER_ROLE, name), own.url(APP_ROLE, name))
        for name in ("simulated", "restored")
    )
    migrate(lived)
    until = datetime(2026, 11, 1, tzinfo=UTC)
    simulate_into(Settings(home=tmp_path), lived, 20, 2, 1, until, 0.5)
    ProjectionRunner(lived.app_url).catch_up()
    assert broken(lived) == []
    rebuilt = rebuild(lived, READ_MODELS, lambda done, of: None)
    assert {name: result.different for name, result in rebuilt.items() if result.different} == {}
    if own.speaks_tls and own.version > dump_version():
        with pytest.raises(BackupError, match="pg_dump of this machine is older than the server"):
            back_up(lived, tmp_path / "refused")
        lived = Database(own.socket_url(OWNER_ROLE, "simulated"))  # without TLS, by the wheel's
    back_up(lived, tmp_path / "backup")
    restore(restored, tmp_path / "backup")
    migrate(restored)
    assert rows(restored, LOG) == rows(lived, LOG)
    ProjectionRunner(restored.app_url).catch_up()
    assert broken(restored) == []


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
    with pytest.raises(psycopg.OperationalError) as refusal:
        psycopg.connect(url)
    assert words in connection_failure(refusal.value)
    assert SECRET not in connection_failure(refusal.value)


def test_servers_are_back_within_a_second_of_their_database(
    own: OwnServer, database: Database, tmp_path: Path
) -> None:
    with TestClient(app(Settings(home=tmp_path), database.serving(), LOGIN)) as http:
        client = GraphQLClient(http, TOKEN)

        def records_and_reads() -> bool:
            mrn = str(uuid4())
            command = {"i": {"commandId": str(uuid4()), "mrn": mrn}}
            result = client.raw(REGISTER, command).get("data") or {}
            if result.get("registerPatient", {}).get("__typename") != "PatientRecorded":
                return False
            read = client.raw(f'{{ patient(mrn: "{mrn}") {{ mrn }} }}')
            return "errors" not in read

        assert records_and_reads()
        took = []
        for thirds in range(1, 10):  # pauses between tries must not grow with the outage
            own.stop()
            start = monotonic()
            while monotonic() - start < thirds / 3:
                assert not records_and_reads()
            own.start()
            took.append(
                wait_until(records_and_reads, BACK_SECONDS, "a command is recorded and read")
            )
        print(f"back after {', '.join(f'{each:.2f}' for each in took)} s", flush=True)
