"""Migration: tables of the log by Alembic's revisions, its functions from SQL files, and
the tables of read models from their metadata.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import MetaData, delete, inspect, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable, DropSchema

from domain.errors import ConfigurationError
from infrastructure.postgres.database import APP_ROLE, Database, sqlalchemy_url
from infrastructure.projections import status
from infrastructure.projections.projection import ReadModel
from infrastructure.read_models import READ_MODELS

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIGRATION_LOCK = 1463898722, 3

FUNCTIONS = Path(__file__).resolve().parents[1] / "event_store" / "sql"
"""The current functions and views of the schemas ``record`` and ``audit``, one or a few a file."""

_DEFINITIONS = """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) || p.proacl::text
FROM pg_proc p WHERE p.pronamespace IN ('record'::regnamespace, 'audit'::regnamespace)
UNION ALL
SELECT c.oid::regclass::text, pg_get_viewdef(c.oid) || c.relacl::text
FROM pg_class c WHERE c.relnamespace = 'record'::regnamespace AND c.relkind = 'v'
"""


class NotMigrated(ConfigurationError):
    """The tables are not those of this program; run ``wardbook migrate``."""


def migrate(database: Database) -> None:
    """Make or bring up to date every table; several processes may call it at once.

    A read model whose tables are gone or of another program is made anew; it fills itself.
    Raises NotMigrated if a newer program made the tables.
    """
    with _migration_lock(database):
        with database.engine() as engine, engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            _check_known(database, revision)
        alembic.upgrade(alembic_config(database), "head")
        with psycopg.connect(database.owner_url) as owner:
            _load_functions(owner)
            owner.execute(f"GRANT SELECT ON alembic_version TO {APP_ROLE}".encode())
        _create_read_models(database, replace=True)


def create_missing_read_models(database: Database) -> None:
    """Make the tables of read models whose schema is gone; they fill themselves from the log."""
    with _migration_lock(database):
        _create_read_models(database, replace=False)


def check_migrated(database: Database) -> None:
    """Compare revision, functions and read models with the program's. Raises NotMigrated."""
    with database.engine() as engine, engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        functions = connection.exec_driver_sql(
            "SELECT obj_description(to_regnamespace('record'), 'pg_namespace')"
        ).scalar()
        others = [
            model.name
            for model in READ_MODELS
            if _schema_comment(connection, model) not in (None, _tables_comment(model))
        ]
    head = _check_known(database, revision)
    if revision != head:
        state = f"The database is at {revision}" if revision else "The database has no tables yet"
        raise NotMigrated(f"{state}, this program needs {head}. Run: wardbook migrate")
    if functions != _functions_comment():
        others.append("the functions of the log")
    if others:
        raise NotMigrated(
            f"The database differs from this program in {', '.join(others)}. Run: wardbook migrate"
        )


def _check_known(database: Database, revision: str | None) -> str | None:
    """Return this program's newest revision. Raises NotMigrated for one that is unknown to it."""
    scripts = ScriptDirectory.from_config(alembic_config(database))
    head = scripts.get_current_head()
    if revision not in (None, *(script.revision for script in scripts.walk_revisions())):
        raise NotMigrated(
            f"The database is at {revision}, which a newer program made; this one knows up to"
            f" {head}. Run the newer program, or restore a backup of before."
        )
    return head


def schema_differences(database: Database) -> list[Any]:
    """List the differences between the database and what the program declares.

    Functions and views by their signatures; tables of read models as Alembic's operations.
    """
    differences: list[Any] = _function_differences(database)
    with database.engine() as engine, engine.connect() as connection:
        for metadata in (status.metadata, *(model.metadata for model in READ_MODELS)):
            schema = metadata.schema
            context = MigrationContext.configure(
                connection,
                opts={
                    "include_schemas": True,
                    "compare_type": True,
                    "include_name": lambda name, kind, parents, schema=schema: (
                        kind != "schema" or name == schema
                    ),
                },
            )
            differences += compare_metadata(context, metadata)
    return differences


def alembic_config(database: Database) -> Config:
    """Configure Alembic for a database: where the migrations are, and the owner's URL."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = sqlalchemy_url(database.owner_url)
    return config


@contextmanager
def _migration_lock(database: Database) -> Iterator[None]:
    """Hold the lock that lets one process at a time make tables."""
    with psycopg.connect(database.owner_url, autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(%s, %s)", MIGRATION_LOCK)
        yield


def _load_functions(owner: Connection[TupleRow]) -> None:
    """Create or replace the functions and views of the files; drop functions that are in no file."""
    statements = [path.read_text() for path in sorted(FUNCTIONS.glob("*.sql"))]
    for statement in statements:
        owner.execute(statement.encode())
    names = re.findall(r"CREATE OR REPLACE FUNCTION (\w+)\.(\w+)", "\n".join(statements))
    signatures = owner.execute(
        "SELECT pronamespace::regnamespace::text, proname, oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace IN ('record'::regnamespace, 'audit'::regnamespace)"
    )
    for schema, name, signature in signatures.fetchall():
        if (schema, name) not in names:
            owner.execute(f"DROP FUNCTION {signature}".encode())
    owner.execute(
        sql.SQL("COMMENT ON SCHEMA record IS {}").format(sql.Literal(_functions_comment()))
    )


def _functions_comment() -> str:
    """Describe the schema of the log, with a digest of the files that its functions come from."""
    digest = sha256(b"".join(path.read_bytes() for path in sorted(FUNCTIONS.glob("*.sql"))))
    return f"The log of events and its claims. Functions: sha256 {digest.hexdigest()}"


def _function_differences(database: Database) -> list[str]:
    """List the functions and views that loading the files would change, add or drop."""
    with psycopg.connect(database.owner_url) as owner:
        actual = set(owner.execute(_DEFINITIONS).fetchall())
        _load_functions(owner)
        definitions = set(owner.execute(_DEFINITIONS).fetchall())
        owner.rollback()
    return sorted({f"differs: {signature}" for signature, _ in actual ^ definitions})


def create_read_model(
    connection: sqlalchemy.Connection, model: type[ReadModel], tables: MetaData
) -> None:
    """Create a read model's tables, empty, in the schema of ``tables``: its own, or a draft's."""
    schema = str(tables.schema)
    connection.execute(DropSchema(schema, cascade=True, if_exists=True))
    for table in (status.status, status.dead_letters):
        connection.execute(delete(table).where(table.c.read_model == schema))
    connection.execute(CreateSchema(schema))
    tables.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS '{_tables_comment(model)}'")
    _grant(connection, schema)


def _create_read_models(database: Database, *, replace: bool) -> None:
    """Create the missing read models; with ``replace``, those too whose tables are others.

    Without a status, rows are of no known position: then every read model is made anew.
    """
    with database.engine() as engine, engine.begin() as connection:
        had_status = inspect(connection).has_table("status", schema="projections")
        if not had_status:
            connection.execute(CreateSchema("projections", if_not_exists=True))
            status.metadata.create_all(connection)
            _grant(connection, "projections")
        for model in READ_MODELS:
            comment = _schema_comment(connection, model)
            is_other = comment != _tables_comment(model) or not _has_tables(connection, model)
            if not (had_status and comment) or (replace and is_other):
                create_read_model(connection, model, model.metadata)


def _grant(connection: sqlalchemy.Connection, schema: str) -> None:
    for grant in (
        f"GRANT USAGE ON SCHEMA {schema} TO {APP_ROLE}",
        "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
        f" ON ALL TABLES IN SCHEMA {schema} TO {APP_ROLE}",
    ):
        connection.exec_driver_sql(grant)


def _schema_comment(connection: sqlalchemy.Connection, model: type[ReadModel]) -> str | None:
    """Return the comment on a read model's schema; None if there is no such schema."""
    comment: str | None = connection.execute(
        text("SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')"),
        {"schema": model.metadata.schema},
    ).scalar()
    return comment


def _has_tables(connection: sqlalchemy.Connection, model: type[ReadModel]) -> bool:
    names = inspect(connection).get_table_names(model.metadata.schema)
    return {table.name for table in model.metadata.sorted_tables} <= set(names)


def _tables_comment(model: type[ReadModel]) -> str:
    """Describe the schema of a read model, with a digest of the statements that make its tables."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    statements: list[str] = []
    for table in model.metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    digest = sha256("".join(statements).encode()).hexdigest()
    return f"Read model {model.name}. Tables: sha256 {digest}"
