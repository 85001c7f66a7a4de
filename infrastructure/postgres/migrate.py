"""Making the tables: the record by Alembic's migrations, read models from their metadata."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy.schema import CreateSchema

from domain.errors import ConfigurationError
from infrastructure.postgres.database import APP_ROLE, Database, sqlalchemy_url
from infrastructure.read_models import READ_MODELS

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIGRATION_LOCK = 1463898722, 3


class NotMigrated(ConfigurationError):
    """The tables are not those of this program; run ``wardbook migrate``."""


def migrate(database: Database) -> None:
    """Make or bring up to date every table; several processes may call it at once.

    A read model whose schema is gone is made anew, empty; it fills itself from the log.
    """
    with _migration_lock(database):
        alembic.upgrade(alembic_config(database), "head")
        _create_read_models(database)


def create_missing_read_models(database: Database) -> None:
    """Make the tables of read models whose schema is gone; they fill themselves from the log."""
    with _migration_lock(database):
        _create_read_models(database)


def check_migrated(database: Database) -> None:
    """Compare the database's revision with the newest one. Raises NotMigrated if they differ."""
    with database.engine() as engine, engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(alembic_config(database)).get_current_head()
    if revision != head:
        here = f"The database is at {revision}" if revision else "The database has no tables yet"
        raise NotMigrated(f"{here}, this program needs {head}. Run: wardbook migrate")


def schema_differences(database: Database) -> list[Any]:
    """List how the tables of the read models differ from their metadata, as Alembic's operations."""
    differences: list[Any] = []
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
