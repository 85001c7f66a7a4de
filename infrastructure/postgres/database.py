"""Connections to the database: its URL for each role, SQLAlchemy engines, and what the log is.

Two roles: the owner makes tables; the application (``wardbook_app``) may read, append through
``record.append`` and keep read models, and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.postgres.cancellable_connection import CancellableConnection, keep_if_idle
from infrastructure.postgres.embedded_server import ensure_server
from infrastructure.postgres.reused_connection import ReusingEngine
from infrastructure.settings import InvalidSetting, Settings

APP_ROLE = "wardbook_app"

CONNECTION_ERRORS = (psycopg.OperationalError, OperationalError)
"""The errors of psycopg and of SQLAlchemy when the database cannot be reached."""


SCAN_NO_TABLE = "SET enable_seqscan = off; SET jit = off"
"""Settings of a connection that reads a part of tables that grow, which statistics take for too much."""

PLAN_BY_INDEX = (
    f"{SCAN_NO_TABLE}; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    " SET plan_cache_mode = force_generic_plan"
)
"""Settings of a connection that looks up a few rows of tables that grow.

Plans are cached, and a log fills faster than statistics are gathered: what was planned on a table of
no rows would read it from end to end when it has millions. With these settings a plan is right for
any number of rows, whatever the statistics say. So it is made once: to plan such a statement for each
of its values takes longer than to execute it.
"""


class LogSize(NamedTuple):
    """The number of events in a log, and the moment at which the last one was recorded (UTC)."""

    events: int
    last_recorded: datetime | None


@dataclass(frozen=True, slots=True)
class Log:
    """The identity of a log, its epoch (raised by a restore), and its kind: real or simulated."""

    id: UUID
    epoch: int
    kind: str

    @property
    def is_simulated(self) -> bool:
        return self.kind == "simulated"


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL database, by the libpq URL of its owner.

    ``login_url`` is the application's own login. Where that is all that is known, it stands for the
    owner's too: then nothing can be made or changed that the application may not.
    """

    owner_url: str
    login_url: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """Return the database of the settings; start the embedded server if none is named.

        Raises InvalidSetting.
        """
        _check_url("WARDBOOK_DATABASE_URL", settings.database_url)
        _check_url("WARDBOOK_APP_URL", settings.app_url)
        _check_url("WARDBOOK_READ_DATABASE_URL", settings.read_database_url)
        _check_url("WARDBOOK_KEYS_URL", settings.keys_url)
        if settings.app_url is not None:
            return cls(settings.database_url or settings.app_url, settings.app_url)
        return cls(settings.database_url or ensure_server(settings.home))

    def serving(self) -> "Database":
        """Return the database as serving knows it: without the owner's login, where it needs none."""
        return self if self.login_url is None else Database(self.login_url, self.login_url)

    @property
    def app_url(self) -> str:
        """Return the URL of the same database for the application's role."""
        if self.login_url is not None:
            return self.login_url
        parts = urlsplit(self.owner_url)
        if "@" in parts.netloc and "host=" in parts.query and not parts.hostname:
            return _url(parts._replace(netloc=f"{APP_ROLE}@"))  # the embedded server
        query = dict(parse_qsl(parts.query))
        query["options"] = f"{query.get('options', '')} -c role={APP_ROLE}".strip()
        return _url(parts._replace(query=urlencode(query, quote_via=quote)))

    def is_empty(self) -> bool:
        """Return whether no migration ever ran in this database."""
        with psycopg.connect(self.owner_url, connect_timeout=5) as connection:
            row = connection.execute("SELECT to_regclass('alembic_version') IS NULL").fetchone()
        return bool(row and row[0])

    def sibling(self, name: str) -> "Database":
        """Return the database of that name on the same server, whether it exists or not."""
        return Database(_url(urlsplit(self.owner_url)._replace(path=f"/{name}")))

    @contextmanager
    def scratch(self, name: str, template: str | None = None) -> Iterator["Database"]:
        """Create another database on the same server, dropped at exit; for checks and tests."""
        database = self.sibling(name)
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            source = sql.Identifier(template or "template1")
            owner.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source)
            )
            try:
                yield database
            finally:
                owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def server_version(self) -> str:
        """Return the version of the PostgreSQL server."""
        with psycopg.connect(self.owner_url, connect_timeout=5) as connection:
            return str(connection.info.parameter_status("server_version"))

    def has_events(self) -> bool:
        """Return whether the log has any event."""
        with psycopg.connect(self.app_url, connect_timeout=5) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM record.stored_events)").fetchone()
        return bool(row and row[0])

    def log_size(self) -> LogSize:
        """Count the events of the log."""
        with psycopg.connect(self.app_url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT count(*), max(recorded_at) FROM record.stored_events"
            ).fetchone()
        assert row is not None
        return LogSize(*row)

    def open_log(self, kind: str = "real") -> Log:
        """Set the kind of an empty log, ``real`` or ``simulated``; return what the log is."""
        with psycopg.connect(self.app_url) as connection:
            row = connection.execute(
                "SELECT log_id, epoch, kind FROM record.open_log(%s)", [kind]
            ).fetchone()
        assert row is not None
        return Log(*row)

    def async_engine(self, pool_size: int = 20) -> ReusingEngine:
        """Return an engine for queries: pooled, in autocommit, as the application's role.

        Its plans are generic: made without looking at the moments asked for. Whether a row is true
        then and whether it is known there is not independent, so estimates from both are far too high.
        They scan no table, and are made anew where one has grown (docs/adr/0089): a plan that was made
        while a table was empty is kept.
        """
        engine = create_async_engine(
            sqlalchemy_url(self.app_url),
            pool_size=pool_size,
            max_overflow=0,  # one beyond these would be opened for a single question, and closed
            pool_timeout=5,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args={
                "connect_timeout": 5,
                "async_creator_fn": CancellableConnection.connect,
            },
        )
        event.listen(engine.sync_engine, "handle_error", keep_if_idle)

        @event.listens_for(engine.sync_engine, "connect")
        def as_questions_need(connection: DBAPIConnection, _: object) -> None:
            set_json_loads(msgspec.json.decode, connection.driver_connection)
            cursor = connection.cursor()
            cursor.execute(f"{SCAN_NO_TABLE}; SET plan_cache_mode = force_generic_plan")
            cursor.close()

        return ReusingEngine(engine.sync_engine)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Return the owner's engine, for making tables; disposed at exit."""
        engine = create_engine(sqlalchemy_url(self.owner_url), poolclass=NullPool)
        try:
            yield engine
        finally:
            engine.dispose()


def _check_url(name: str, url: str | None) -> None:
    """Raise InvalidSetting, which repeats no password, unless it is a libpq URL, or None."""
    if url is None:
        return
    try:
        if urlsplit(url).scheme not in ("postgresql", "postgres"):
            raise ValueError
        conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        raise InvalidSetting(
            f"{name} is no URL of PostgreSQL; write postgresql://LOGIN:PASSWORD@HOST/DATABASE."
        ) from None


def _url(parts: SplitResult) -> str:
    """Return a libpq URL, with its slashes where no host is named (``urlunsplit`` drops them)."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def sqlalchemy_url(url: str) -> str:
    """Return a libpq URL in SQLAlchemy's form, which names several hosts in the query."""
    parts = urlsplit(url)
    assert parts.scheme in ("postgresql", "postgres"), url
    if "," in parts.netloc:
        hosts = {
            name: value for name, value in conninfo_to_dict(url).items() if name in ("host", "port")
        }
        login, at, _ = parts.netloc.rpartition("@")
        query = "&".join(filter(None, (parts.query, urlencode(hosts))))
        parts = parts._replace(netloc=login + at, query=query)
    return _url(parts._replace(scheme="postgresql+psycopg"))
