"""Two roles: the application reads the record and appends through one function, and no more."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from api.cli.server import ready_database
from api.http.app import app as app_of
from application.hospital import Hospital
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.migrate import (
    create_missing_read_models,
    migrate,
    schema_differences,
)
from infrastructure.postgres.migrated import NotMigrated, check_migrated
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.conftest import LOGIN, RECORD_TABLES, TOKEN
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, at_once, room, rows

READ_TABLES = [
    (str(model.metadata.schema), table.name)
    for model in READ_MODELS
    for table in model.metadata.sorted_tables
]


@pytest.fixture
def app(hospital: Hospital, database: Database) -> Iterator[Connection[TupleRow]]:
    """Connect as the application's role to a log that is not empty."""
    room(hospital)
    admitted(hospital, "M1", "A/1/a")
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield connection


def run(connection: Connection[TupleRow], statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def test_the_tables_named_in_these_tests_are_all_there_are(database: Database) -> None:
    result = rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'record'")
    assert {name for (name,) in result} == set(RECORD_TABLES)


def test_the_application_works_as_its_own_role(app: Connection[TupleRow]) -> None:
    assert app.execute("SELECT current_user").fetchone() == (APP_ROLE,)
    answer = app.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user"
    ).fetchone()
    assert answer == (False, False, False, False)


def test_the_rights_of_the_application_are_these_and_no_others(
    app: Connection[TupleRow], database: Database
) -> None:
    tables = rows(
        database,
        "SELECT table_name, string_agg(privilege_type, ' ')"
        " FROM information_schema.role_table_grants"
        " WHERE table_schema = 'record' AND grantee IN (%s, 'PUBLIC') GROUP BY table_name",
        [APP_ROLE],
    )
    assert dict(tables) == dict.fromkeys([*RECORD_TABLES, "events"], "SELECT")
    functions = rows(
        database,
        "SELECT routine_name FROM information_schema.role_routine_grants"
        " WHERE routine_schema = 'record' AND grantee IN (%s, 'PUBLIC')",
        [APP_ROLE],
    )
    assert {name for (name,) in functions} == {
        "add_checkpoint",
        "append",
        "bind_keys",
        "fact_of",
        "gather_statistics",
        "in_utc",
        "open_log",
    }
    members = "SELECT FROM pg_auth_members WHERE member = %s::regrole"
    assert rows(database, members, [APP_ROLE]) == []


def test_the_application_reads_every_table_of_the_record(app: Connection[TupleRow]) -> None:
    for table in RECORD_TABLES:
        run(app, "SELECT * FROM record.{}", table)


def contents(database: Database) -> list[list[tuple[str]]]:
    return [rows(database, f"SELECT t::text FROM record.{table} t") for table in RECORD_TABLES]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO record.{} SELECT * FROM record.{}",
        "DELETE FROM record.{}",
        "TRUNCATE record.{} CASCADE",
        "DROP TABLE record.{} CASCADE",
        "ALTER TABLE record.{} ADD COLUMN mine text",
        "ALTER TABLE record.{} DISABLE TRIGGER ALL",
        "ALTER TABLE record.{} OWNER TO wardbook_app",
        "CREATE INDEX ON record.{} ((1))",
        "LOCK TABLE record.{} IN EXCLUSIVE MODE",
    ],
)
def test_the_application_changes_no_table_of_the_record(
    app: Connection[TupleRow], database: Database, statement: str
) -> None:
    before = contents(database)
    for table in RECORD_TABLES:
        with (
            pytest.raises((errors.InsufficientPrivilege, errors.GeneratedAlways)),
            app.transaction(),
        ):
            run(app, statement, *[table] * statement.count("{}"))
    assert contents(database) == before


def test_the_application_updates_no_column_of_the_record(
    app: Connection[TupleRow], database: Database
) -> None:
    columns = rows(
        database,
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'record'",
    )
    assert {table for table, _ in columns} == {*RECORD_TABLES, "events"}
    refusal = (errors.InsufficientPrivilege, errors.GeneratedAlways)
    for table, column in columns:
        # What the view puts together cannot be updated by anybody.
        with pytest.raises(
            (*refusal, errors.ObjectNotInPrerequisiteState, errors.FeatureNotSupported)
        ):
            run(app, "UPDATE record.{} SET {} = DEFAULT", table, column)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE record.mine (x int)",
        "CREATE FUNCTION record.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION record.append(commands jsonb) RETURNS jsonb"
        " LANGUAGE sql AS 'SELECT commands'",
        "ALTER FUNCTION record.append SECURITY INVOKER",
        "DROP FUNCTION record.append",
        "DROP SCHEMA record CASCADE",
        "ALTER SCHEMA record RENAME TO gone",
        "SELECT record.subject_no('bed')",
        "UPDATE alembic_version SET version_num = '0000'",
        "CREATE SCHEMA mine",
        "SET SESSION AUTHORIZATION postgres",
    ],
)
def test_the_application_makes_and_changes_nothing_around_the_record(
    app: Connection[TupleRow], statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.encode())


def test_the_application_may_append_and_ask_what_the_log_is(app: Connection[TupleRow]) -> None:
    assert app.execute("SELECT record.append(%s)", [Jsonb([])]).fetchone() == ([],)
    assert app.execute("SELECT (record.open_log('simulated')).kind").fetchone() == ("real",)


def test_the_functions_of_the_record_cannot_be_led_astray(app: Connection[TupleRow]) -> None:
    """A table of the caller's own must not be found in place of the record's."""
    app.execute("CREATE TEMP TABLE log (kind text)")
    app.execute("INSERT INTO log VALUES ('simulated')")
    app.execute("SET search_path = pg_temp, record")
    command = {
        "command_id": "00000000-0000-0000-0000-000000000001",
        "reads": {},
        "events": [{}],
        "unique": [],
        "recorded_at": "2020-01-01T00:00:00Z",
    }
    with pytest.raises(errors.RaiseException):
        app.execute("SELECT record.append(%s)", [Jsonb([command])])


def test_the_application_keeps_the_read_models(app: Connection[TupleRow]) -> None:
    for schema, table in READ_TABLES:
        for statement in (
            "SELECT * FROM {}.{}",
            "INSERT INTO {}.{} SELECT * FROM {}.{} LIMIT 0",
            "DELETE FROM {}.{}",
            "TRUNCATE {}.{}",
        ):
            run(app, statement, *[schema, table] * (statement.count("{}") // 2))
        with pytest.raises(errors.InsufficientPrivilege):
            run(app, "DROP TABLE {}.{}", schema, table)


def test_read_models_that_were_made_anew_can_be_kept_too(
    app: Connection[TupleRow], database: Database
) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP SCHEMA visits_v1 CASCADE")
    migrate(database)
    app.execute("DELETE FROM visits_v1.visits")


def test_processes_that_start_at_once_make_the_tables_once(database: Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP SCHEMA visits_v1 CASCADE")
    start = [partial(create_missing_read_models, database)] * 4 + [partial(migrate, database)] * 2

    assert at_once(*start * 2) == [None] * 12

    assert schema_differences(database) == []


def test_the_address_of_the_application_names_its_role_and_no_other() -> None:
    embedded = Database("postgresql://postgres@/wardbook?host=/tmp/x&port=5432")
    assert embedded.app_url == "postgresql://wardbook_app@/wardbook?host=/tmp/x&port=5432"

    given = Database("postgresql://owner:secret@db.example:5433/house?sslmode=require").app_url
    parts = urlsplit(given)
    assert parts.netloc == "owner:secret@db.example:5433"
    assert parse_qs(parts.query) == {
        "sslmode": ["require"],
        "options": ["-c role=wardbook_app"],
    }


def test_a_server_that_is_given_is_used_as_the_applications_role(database: Database) -> None:
    parts = urlsplit(database.owner_url)
    query = parse_qs(parts.query)
    host, port = query["host"][0], query["port"][0]
    given = Database(f"postgresql:///{parts.path[1:]}?user=postgres&host={host}&port={port}")

    with psycopg.connect(given.app_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP_ROLE,)


# -- functions --


def test_functions_that_differ_from_their_files_are_named_and_replaced(database: Database) -> None:
    assert schema_differences(database) == []
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("ALTER FUNCTION record.append(jsonb) RESET enable_seqscan")
        owner.execute("CREATE FUNCTION record.told() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        owner.execute("GRANT EXECUTE ON FUNCTION record.subject_no(text) TO PUBLIC")
    assert schema_differences(database) == [
        "differs: record.append(jsonb)",
        "differs: record.subject_no(text)",
        "differs: record.told()",
    ]
    migrate(database)
    assert schema_differences(database) == []


def test_functions_of_another_program_have_to_be_migrated(database: Database) -> None:
    check_migrated(database)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("COMMENT ON SCHEMA record IS 'Functions: sha256 0'")
    with pytest.raises(NotMigrated, match="wardbook migrate"):
        check_migrated(database)
    migrate(database)
    check_migrated(database)


def test_serving_needs_no_more_than_the_applications_login(
    database: Database, settings: Settings
) -> None:
    alone = replace(settings, app_url=database.app_url)
    served = ready_database(alone)
    assert served.owner_url == served.app_url == database.app_url
    with TestClient(app_of(alone, served, LOGIN)) as http:
        client = GraphQLClient(http, TOKEN)
        client.record("openRoom", ward="A", room="1", beds=["a"])
        assert client.ask("{ wards { name } }")["wards"] == [{"name": "A"}]
        assert http.get("/readyz").status_code == 200
    with_owner = replace(alone, database_url=database.owner_url)
    assert ready_database(with_owner).owner_url == database.app_url


@pytest.mark.parametrize("become", ["RESET ROLE", "SET ROLE NONE", "SET ROLE postgres"])
def test_the_applications_login_becomes_nobody_else(database: Database, become: str) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        if become == "SET ROLE postgres":
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(become.encode())
        else:
            connection.execute(become.encode())
        for statement in (
            "DELETE FROM record.commands",
            "UPDATE record.stored_events SET reason = 'another'",
            "DELETE FROM audit.accesses",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())
