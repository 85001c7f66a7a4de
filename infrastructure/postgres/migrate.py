"""Migration: tables of the log by Alembic's revisions, its functions from SQL files, and
the tables of read models from their metadata.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import MetaData, delete, inspect, text
from sqlalchemy.schema import CreateSchema, DropSchema

from infrastructure.postgres.database import APP_ROLE, Database, sqlalchemy_url
from infrastructure.postgres.migrated import (
    FUNCTIONS,
    MIGRATIONS,
    NotMigrated,
    check_known,
    functions_comment,
    tables_comment,
)
from infrastructure.projections import status
from infrastructure.projections.projection import ReadModel
from infrastructure.read_models import READ_MODELS

MIGRATION_LOCK = 1463898722, 3

_DEFINITIONS = """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) || p.proacl::text
FROM pg_proc p WHERE p.pronamespace IN ('record'::regnamespace, 'audit'::regnamespace)
UNION ALL
SELECT c.oid::regclass::text, pg_get_viewdef(c.oid) || c.relacl::text
FROM pg_class c WHERE c.relnamespace = 'record'::regnamespace AND c.relkind = 'v'
"""


def migrate(database: Database) -> None:
    """Make or bring up to date every table; several processes may call it at once.

    A read model whose tables are gone or of another program is made anew; it fills itself.
    Raises NotMigrated if a newer program made the tables, or the database is not in UTF-8.
    """
    with _migration_lock(database) as encoding:
        if encoding != "UTF8":
            raise NotMigrated(
                f"The database is encoded as {encoding}, and names need all letters:"
                " create it with TEMPLATE template0 ENCODING 'UTF8'."
            )
        with database.engine() as engine, engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            check_known(revision)
        alembic.upgrade(alembic_config(database), "head")
        with psycopg.connect(database.owner_url) as owner:
            _load_functions(owner)
            owner.execute(f"GRANT SELECT ON alembic_version TO {APP_ROLE}".encode())
        _create_read_models(database, replace=True)


def create_missing_read_models(database: Database) -> None:
    """Make the tables of read models whose schema is gone; they fill themselves from the log."""
    with _migration_lock(database):
        _create_read_models(database, replace=False)


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
def _migration_lock(database: Database) -> Iterator[str | None]:
    """Hold the lock that lets one process at a time make tables; yield the database's encoding."""
    with psycopg.connect(database.owner_url, autocommit=True) as lock:
        lock.execute("SELECT pg_advisory_lock(%s, %s)", MIGRATION_LOCK)
        yield lock.info.parameter_status("server_encoding")


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
        sql.SQL("COMMENT ON SCHEMA record IS {}").format(sql.Literal(functions_comment()))
    )


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
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {schema} IS '{tables_comment(model)}'")
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
            is_other = comment != tables_comment(model) or not _has_tables(connection, model)
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
