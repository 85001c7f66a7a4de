"""The database: where it is, as whom to connect, and how its tables are made.

Two roles: the owner makes tables; the application (``wardbook_app``) may read, append through
``record.append`` and keep read models, and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

import msgspec
import psycopg
from alembic import command as alembic
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateSchema

from infrastructure.postgres.embedded_server import ensure_server
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings

APP_ROLE = "wardbook_app"
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIGRATION_LOCK = 1463898722, 3


class NotMigrated(Exception):
    """The tables are not those of this program; run ``wardbook migrate``."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a log is: its identity, its epoch (raised by a restore), and whether it is simulated."""

    id: UUID
    epoch: int
    kind: str

    @property
    def is_simulated(self) -> bool:
        return self.kind == "simulated"


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL database, by the libpq URL of its owner."""

    owner_url: str

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """The database of the settings; starts the embedded server if none is named."""
        return cls(settings.database_url or ensure_server(settings.home))

    @property
    def app_url(self) -> str:
        """The same database as the application's role."""
        parts = urlsplit(self.owner_url)
        if "@" in parts.netloc and "host=" in parts.query and not parts.hostname:
            return _url(parts._replace(netloc=f"{APP_ROLE}@"))  # the embedded server
        query = dict(parse_qsl(parts.query))
        query["options"] = f"{query.get('options', '')} -c role={APP_ROLE}".strip()
        return _url(parts._replace(query=urlencode(query, quote_via=quote)))

    def migrate(self) -> None:
        """Make or bring up to date every table; several processes may call it at once.

        A read model whose schema is gone is made anew, empty; it fills itself from the log.
        """
        with self._alone():
            alembic.upgrade(self._alembic(), "head")
            self._make_read_models()

    def is_empty(self) -> bool:
        """Whether nothing was ever made in this database."""
        with psycopg.connect(self.owner_url, connect_timeout=5) as connection:
            row = connection.execute("SELECT to_regclass('alembic_version') IS NULL").fetchone()
        return bool(row and row[0])

    def beside(self, name: str) -> "Database":
        """The database of that name on the same server, whether it is there or not."""
        return Database(_url(urlsplit(self.owner_url)._replace(path=f"/{name}")))

    @contextmanager
    def scratch(self, name: str, template: str | None = None) -> Iterator["Database"]:
        """Another database on the same server, dropped in the end; for checks and tests."""
        made = self.beside(name)
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            source = sql.Identifier(template or "template1")
            owner.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source)
            )
            try:
                yield made
            finally:
                owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def check_migrated(self) -> None:
        """Raises NotMigrated if the tables are not at the newest revision."""
        with self.engine() as engine, engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory.from_config(self._alembic()).get_current_head()
        if found != wanted:
            here = f"The database is at {found}" if found else "The database has no tables yet"
            raise NotMigrated(f"{here}, this program needs {wanted}. Run: wardbook migrate")

    def differences(self) -> list[Any]:
        """How the tables of the read models differ from what the program says they are."""
        found: list[Any] = []
        with self.engine() as engine, engine.connect() as connection:
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
                found += compare_metadata(context, model.metadata)
        return found

    def open_log(self, kind: str = "real") -> Log:
        """Say what an empty log is for; afterwards, learn what it is."""
        with psycopg.connect(self.app_url) as connection:
            row = connection.execute(
                "SELECT log_id, epoch, kind FROM record.open(%s)", [kind]
            ).fetchone()
        assert row is not None
        return Log(*row)

    def async_engine(self, pool_size: int = 20) -> AsyncEngine:
        """For reading: pooled, each statement by itself.

        Its plans are made without looking at the moments asked for. Whether a row is true then and
        whether it is known there is not independent, so estimates from both are far too high.
        """
        engine = create_async_engine(
            sqlalchemy_url(self.app_url),
            pool_size=pool_size,
            max_overflow=0,  # one beyond these would be opened for a single question, and closed
            pool_timeout=5,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args={"connect_timeout": 5},
        )

        @event.listens_for(engine.sync_engine, "connect")
        def as_questions_need(connection: DBAPIConnection, _: object) -> None:
            set_json_loads(msgspec.json.decode, connection.driver_connection)
            cursor = connection.cursor()
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.close()

        return engine

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The owner's SQLAlchemy engine, for making tables."""
        engine = create_engine(sqlalchemy_url(self.owner_url), poolclass=NullPool)
        try:
            yield engine
        finally:
            engine.dispose()

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["url"] = sqlalchemy_url(self.owner_url)
        return config

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time makes tables."""
        with psycopg.connect(self.owner_url, autocommit=True) as lock:
            lock.execute("SELECT pg_advisory_lock(%s, %s)", MIGRATION_LOCK)
            yield

    def make_missing_read_models(self) -> None:
        """Make the tables of read models whose schema is gone; they fill themselves from the log."""
        with self._alone():
            self._make_read_models()

    def _make_read_models(self) -> None:
        with self.engine() as engine, engine.begin() as connection:
            for model in READ_MODELS:
                schema = str(model.metadata.schema)
                if not connection.dialect.has_schema(connection, schema):
                    connection.execute(CreateSchema(schema))
                model.metadata.create_all(connection)
        with psycopg.connect(self.owner_url) as owner:
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


def _url(parts: SplitResult) -> str:
    """A libpq URL; its slashes stay where no host is named (``urlunsplit`` drops them)."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def sqlalchemy_url(url: str) -> str:
    """A libpq URL as SQLAlchemy takes it."""
    scheme, _, rest = url.partition("://")
    assert scheme in ("postgresql", "postgres"), url
    return f"postgresql+psycopg://{rest}"
