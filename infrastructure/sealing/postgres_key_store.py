"""Key store in a PostgreSQL of its own: another database than the log's, with other backups."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from infrastructure.sealing.key_store import BUSY_SECONDS, PEPPER, KeyCounts, KeyStoreUnreadable
from infrastructure.sealing.keys_missing import KeyStoreBusy

CONNECT_SECONDS = 5

_TABLES = """
CREATE SCHEMA wardbook_keys;
CREATE TABLE wardbook_keys.store (id text NOT NULL, generation bigint NOT NULL);
CREATE TABLE wardbook_keys.keys (
  subject text PRIMARY KEY, wrapped bytea NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(), destroyed_at timestamptz
);
"""

_PATIENCE = f"SET lock_timeout = '{BUSY_SECONDS}s'".encode()

_EXISTS = "SELECT to_regclass('wardbook_keys.keys') IS NOT NULL"

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('wardbook_keys'))"

_NEXT = "UPDATE wardbook_keys.store SET generation = generation + 1"


class PostgresKeyStore:
    """A key store in the schema ``wardbook_keys`` of a database.

    A key is made by one statement that the server ends, whatever becomes of who sent it: a process that
    is stopped holds nobody up, unless it is wrapping all keys anew.
    """

    def __init__(self, url: str) -> None:
        """Connect to it. Raises KeyStoreUnreadable."""
        self._url, self._lock = url, RLock()
        self._process, self._connection = os.getpid(), _connect(url)
        self._id: str = self._one("SELECT id FROM wardbook_keys.store")[0]

    @classmethod
    def open(cls, url: str) -> "PostgresKeyStore | None":
        """Return the store of a database; None if there is none. Raises KeyStoreUnreadable."""
        with _connect(url) as connection:
            row = connection.execute(_EXISTS).fetchone()
        return cls(url) if row == (True,) else None

    @classmethod
    def make(cls, url: str) -> "PostgresKeyStore":
        """Make the store if it is not there yet, whole or not at all; return it.

        Raises KeyStoreBusy and KeyStoreUnreadable, also for the database of a log: keys are kept
        apart from it.
        """
        with _connect(url) as connection, connection.transaction():
            try:
                connection.execute(_LOCK)
            except psycopg.errors.LockNotAvailable:
                raise KeyStoreBusy from None
            has_log = connection.execute("SELECT to_regnamespace('record') IS NOT NULL").fetchone()
            if has_log == (True,):
                raise KeyStoreUnreadable(
                    f"{name_of(url)} holds a log: keys are kept in another database than that."
                )
            if connection.execute(_EXISTS).fetchone() != (True,):
                connection.execute(_TABLES)
                connection.execute("INSERT INTO wardbook_keys.store VALUES (%s, 0)", [str(uuid4())])
        return cls(url)

    @property
    def id(self) -> str:
        return self._id

    def wrapped_key(self, subject: str) -> bytes | None:
        with self._used() as connection:
            row = connection.execute(
                "SELECT wrapped FROM wardbook_keys.keys WHERE subject = %s", [subject]
            ).fetchone()
        return row[0] if row else None

    def add(self, subject: str, wrapped: bytes, pepper: bytes | None = None) -> bytes | None:
        with self._used() as connection:  # waits for the lock of `rewrap`, and sees what that did
            connection.execute(
                "INSERT INTO wardbook_keys.keys SELECT %s, %s WHERE %s::bytea IS NULL"
                " OR EXISTS (SELECT FROM wardbook_keys.keys WHERE subject = %s AND wrapped = %s)"
                " ON CONFLICT DO NOTHING",
                [subject, wrapped, pepper, PEPPER, pepper],
            )
        return self.wrapped_key(subject)

    def destroy(self, subjects: Sequence[str]) -> int:
        with self._used() as connection:
            with connection.transaction():
                count = connection.execute(
                    "UPDATE wardbook_keys.keys SET wrapped = '', destroyed_at = now()"
                    " WHERE subject = ANY(%s) AND destroyed_at IS NULL",
                    [list(subjects)],
                ).rowcount
                connection.execute(
                    "INSERT INTO wardbook_keys.keys SELECT DISTINCT s, ''::bytea, now(), now()"
                    " FROM unnest(%s::text[]) s ON CONFLICT DO NOTHING",
                    [list(subjects)],
                )
                connection.execute(_NEXT)
            if count:
                _vacuum(connection)
        return count

    def destroyed_subjects(self) -> list[str]:
        with self._used() as connection:
            rows = connection.execute(
                "SELECT subject FROM wardbook_keys.keys WHERE destroyed_at IS NOT NULL"
            )
            return [subject for (subject,) in rows]

    def rewrap(self, rewrap: Callable[[str, bytes], bytes]) -> int:
        with self._used() as connection:
            with connection.transaction():
                connection.execute("LOCK TABLE wardbook_keys.keys IN EXCLUSIVE MODE")
                keys = connection.execute(
                    "SELECT subject, wrapped FROM wardbook_keys.keys WHERE destroyed_at IS NULL"
                ).fetchall()
                with connection.cursor() as cursor:
                    cursor.executemany(
                        "UPDATE wardbook_keys.keys SET wrapped = %s WHERE subject = %s",
                        [(rewrap(subject, key), subject) for subject, key in keys],
                    )
                connection.execute(_NEXT)
            _vacuum(connection)
        return len(keys)

    def counts(self) -> KeyCounts:
        row = self._one(
            "SELECT count(*) - count(destroyed_at), count(destroyed_at), max(destroyed_at)"
            " FROM wardbook_keys.keys"
        )
        return KeyCounts(*row)

    def generation(self) -> int:
        self._id, generation = self._one("SELECT id, generation FROM wardbook_keys.store")
        return int(generation)

    def _one(self, query: str) -> tuple[Any, ...]:
        with self._used() as connection:
            row = connection.execute(query.encode()).fetchone()
        if row is None:
            raise KeyStoreUnreadable(f"{name_of(self._url)} was emptied of its keys. Restore it.")
        return row

    @contextmanager
    def _used(self) -> Iterator[psycopg.Connection]:
        """Use the connection, one thread at a time. Raises KeyStoreBusy, KeyStoreUnreadable."""
        with self._lock:
            if self._process != os.getpid() or self._connection.closed:
                self._process, self._connection = os.getpid(), _connect(self._url)
            try:
                yield self._connection
            except psycopg.errors.LockNotAvailable:
                raise KeyStoreBusy from None
            except psycopg.OperationalError as error:
                self._connection.close()
                raise _unreadable(self._url, error) from None
            except psycopg.Error as error:
                raise _unreadable(self._url, error) from None


def name_of(url: str) -> str:
    """Return the name of a database without its password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}/{parts.get('dbname', '')}"


def _connect(url: str) -> psycopg.Connection:
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS)
        connection.execute(_PATIENCE)
    except psycopg.Error as error:
        raise _unreadable(url, error) from None
    return connection


def _vacuum(connection: psycopg.Connection) -> None:
    """Write the table anew, so that what was there is in its file no more, however long that waits."""
    connection.execute("SET lock_timeout = 0")
    connection.execute("VACUUM FULL wardbook_keys.keys")
    connection.execute(_PATIENCE)


def _unreadable(url: str, error: psycopg.Error) -> KeyStoreUnreadable:
    kind = type(error).__name__
    return KeyStoreUnreadable(f"{name_of(url)} cannot be used as a key store: {kind}.")
