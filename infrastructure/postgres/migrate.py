"""Making the database: tables of the log by Alembic's migrations, its functions from SQL files, and
the tables of read models from their metadata.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy.schema import CreateSchema

from domain.errors import ConfigurationError
from infrastructure.postgres.database import APP_ROLE, Database, sqlalchemy_url
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

    A read model whose schema is gone is made anew, empty; it fills itself from the log.
    """
    with _migration_lock(database):
        alembic.upgrade(alembic_config(database), "head")
        with psycopg.connect(database.owner_url) as owner:
            _load_functions(owner)
        _create_read_models(database)


def create_missing_read_models(database: Database) -> None:
    """Make the tables of read models whose schema is gone; they fill themselves from the log."""
    with _migration_lock(database):
        _create_read_models(database)


def check_migrated(database: Database) -> None:
    """Compare the database's revision and functions with the program's. Raises NotMigrated."""
    with database.engine() as engine, engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(alembic_config(database)).get_current_head()
    if revision != head:
        here = f"The database is at {revision}" if revision else "The database has no tables yet"
        raise NotMigrated(f"{here}, this program needs {head}. Run: wardbook migrate")
    with psycopg.connect(database.owner_url, connect_timeout=5) as owner:
        row = owner.execute(
            "SELECT obj_description('record'::regnamespace, 'pg_namespace')"
        ).fetchone()
    if row != (_comment(),):
        raise NotMigrated(
            "The database has other functions than this program's. Run: wardbook migrate"
        )


def schema_differences(database: Database) -> list[Any]:
    """List what of the database is not as the program declares it.

    Functions and views by their signatures; tables of read models as Alembic's operations.
    """
    differences: list[Any] = _function_differences(database)
    with database.engine() as engine, engine.connect() as connection:
        for model in READ_MODELS:
            schema = model.metadata.schema
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
            differences += compare_metadata(context, model.metadata)
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
    declared = re.findall(r"CREATE OR REPLACE FUNCTION (\w+)\.(\w+)", "\n".join(statements))
    existing = owner.execute(
        "SELECT pronamespace::regnamespace::text, proname, oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace IN ('record'::regnamespace, 'audit'::regnamespace)"
    )
    for schema, name, signature in existing.fetchall():
        if (schema, name) not in declared:
            owner.execute(f"DROP FUNCTION {signature}".encode())
    owner.execute(sql.SQL("COMMENT ON SCHEMA record IS {}").format(sql.Literal(_comment())))


def _comment() -> str:
    """Describe the schema of the log, with a digest of the files that its functions come from."""
    digest = sha256(b"".join(path.read_bytes() for path in sorted(FUNCTIONS.glob("*.sql"))))
    return f"The log of events and its claims. Functions: sha256 {digest.hexdigest()}"


def _function_differences(database: Database) -> list[str]:
    """List the functions and views that loading the files would change, add or drop."""
    with psycopg.connect(database.owner_url) as owner:
        actual = set(owner.execute(_DEFINITIONS).fetchall())
        _load_functions(owner)
        declared = set(owner.execute(_DEFINITIONS).fetchall())
        owner.rollback()
    return sorted({f"differs: {signature}" for signature, _ in actual ^ declared})


def _create_read_models(database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        for model in READ_MODELS:
            schema = str(model.metadata.schema)
            if not connection.dialect.has_schema(connection, schema):
                connection.execute(CreateSchema(schema))
            model.metadata.create_all(connection)
    with psycopg.connect(database.owner_url) as owner:
        for model in READ_MODELS:
            name = sql.Identifier(str(model.metadata.schema))
            role = sql.Identifier(APP_ROLE)
            owner.execute(
                sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, role),
            )
            owner.execute(
                sql.SQL(
                    "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
                    " ON ALL TABLES IN SCHEMA {} TO {}"
                ).format(name, role)
            )
