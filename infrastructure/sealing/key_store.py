"""Key stores: where the keys of sealed texts are kept, outside of the log's database and its backups.

A key is kept wrapped by the key of the house, under the name of its subject. One that is destroyed
leaves its name behind, so that no other key is ever made in its place.
"""

import atexit
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from time import monotonic, sleep
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4
from weakref import WeakSet

from domain.errors import ConfigurationError
from infrastructure.private_file import check_private
from infrastructure.sealing.keys_missing import KeyStoreBusy

PEPPER = "pepper"
"""The subject of the key by which numbers of patients are claimed and looked up."""

BUSY_SECONDS = 4.0
"""The longest wait for another process that writes keys: that of a command for the database."""

POLL_SECONDS = 0.01

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}

T = TypeVar("T")


class KeyStoreUnreadable(ConfigurationError):
    """The key store is there and cannot be read, or is not one."""


class KeyCounts(NamedTuple):
    """The keys of a store: those that open something, and those that are destroyed."""

    kept: int
    destroyed: int
    last_destroyed_at: datetime | None = None


class KeyStore(Protocol):
    """The keys, wrapped, by their subjects. A key once destroyed is never there again.

    All raise KeyStoreUnreadable, and KeyStoreBusy while another process holds what they need.
    """

    @property
    def id(self) -> str:
        """Return the id of the store, by which a log knows it again."""

    def wrapped_key(self, subject: str) -> bytes | None:
        """Return the key of a subject, empty if it is destroyed; None if there never was one."""

    def add(self, subject: str, wrapped: bytes, pepper: bytes | None = None) -> bytes | None:
        """Keep a key; return the one that is kept now, which another process may have made.

        ``pepper``: how that of the store has to be wrapped still, or else nothing is kept (None): the
        key would be the only one that a former key of the house wraps.
        """

    def destroy(self, subjects: Sequence[str]) -> int:
        """Destroy the keys of subjects for ever, made or not; return how many there were."""

    def destroyed_subjects(self) -> list[str]:
        """Return the subjects whose keys are destroyed."""

    def rewrap(self, rewrap: Callable[[str, bytes], bytes]) -> int:
        """Keep every key wrapped anew, all or none; return how many."""

    def counts(self) -> KeyCounts:
        """Count the keys."""

    def generation(self) -> int:
        """Return a number that is another once somebody else has changed the store."""


class SqliteKeyStore:
    """A key store in a SQLite file that only its owner can read.

    One process writes at a time: one that is stopped amid that holds up those that make keys, each for
    BUSY_SECONDS, and nobody who reads them.
    """

    def __init__(self, file: Path) -> None:
        """Open the file. Raises KeyStoreBusy, KeyStoreUnreadable, UnsafeKey."""
        check_private(file, "Restore it from its backup: without it nothing sealed can be read.")
        self._file, self._lock = file, RLock()
        self._connection: sqlite3.Connection | None = None
        self._id: str = self._one("SELECT id FROM store")[0]
        self._inode = file.stat().st_ino
        _OPEN_STORES.add(self)

    @classmethod
    def open(cls, file: Path) -> "SqliteKeyStore | None":
        """Return the store of a file; None if there is none. Raises KeyStoreUnreadable."""
        return cls(file) if os.path.lexists(file) else None

    @classmethod
    def make(cls, file: Path) -> "SqliteKeyStore":
        """Make the store if it is not there yet, whole or not at all; return it."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{uuid4()}")
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                connection.execute("CREATE TABLE store (id TEXT NOT NULL)")
                connection.execute(
                    "CREATE TABLE keys (subject TEXT PRIMARY KEY, wrapped BLOB NOT NULL,"
                    " made_at TEXT NOT NULL, destroyed_at TEXT) WITHOUT ROWID"
                )
                connection.execute("INSERT INTO store VALUES (?)", [str(uuid4())])
                connection.execute("PRAGMA journal_mode = WAL")
            with suppress(FileExistsError):  # another process was first
                os.link(draft, file)
        finally:
            draft.unlink()
        return cls(file)

    @property
    def id(self) -> str:
        return self._id

    def wrapped_key(self, subject: str) -> bytes | None:
        row = self._one("SELECT wrapped FROM keys WHERE subject = ?", subject)
        return row[0] if row else None

    def add(self, subject: str, wrapped: bytes, pepper: bytes | None = None) -> bytes | None:
        def add(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO keys SELECT ?, ?, ?, NULL WHERE ? IS NULL"
                " OR EXISTS (SELECT 1 FROM keys WHERE subject = ? AND wrapped = ?)"
                " ON CONFLICT DO NOTHING",
                [subject, wrapped, _now(), pepper, PEPPER, pepper],
            )

        self._run(add)
        return self.wrapped_key(subject)

    def destroy(self, subjects: Sequence[str]) -> int:
        def destroy(connection: sqlite3.Connection) -> int:
            count = 0
            connection.execute("BEGIN IMMEDIATE")
            for subject in subjects:
                count += connection.execute(
                    "UPDATE keys SET wrapped = x'', destroyed_at = ?"
                    " WHERE subject = ? AND destroyed_at IS NULL",
                    [_now(), subject],
                ).rowcount
                connection.execute(
                    "INSERT INTO keys VALUES (?, x'', ?, ?) ON CONFLICT DO NOTHING",
                    [subject, _now(), _now()],
                )
            return count

        count = self._run(destroy)
        if count:
            self._checkpoint()
        return count

    def destroyed_subjects(self) -> list[str]:
        query = "SELECT subject FROM keys WHERE destroyed_at IS NOT NULL"
        return self._run(lambda connection: [subject for (subject,) in connection.execute(query)])

    def rewrap(self, rewrap: Callable[[str, bytes], bytes]) -> int:
        def rewrap_all(connection: sqlite3.Connection) -> int:
            connection.execute("BEGIN IMMEDIATE")
            keys = connection.execute(
                "SELECT subject, wrapped FROM keys WHERE destroyed_at IS NULL"
            ).fetchall()
            connection.executemany(
                "UPDATE keys SET wrapped = ? WHERE subject = ?",
                [(rewrap(subject, key), subject) for subject, key in keys],
            )
            return len(keys)

        count = self._run(rewrap_all)
        self._checkpoint()
        return count

    def counts(self) -> KeyCounts:
        row = self._one(
            "SELECT count(*) - count(destroyed_at), count(destroyed_at), max(destroyed_at) FROM keys"
        )
        return KeyCounts(row[0], row[1], row[2] and datetime.fromisoformat(row[2]))

    def generation(self) -> int:
        try:
            inode = self._file.stat().st_ino
        except OSError:
            raise KeyStoreUnreadable(f"{self._file} is gone. Restore it.") from None
        if inode != self._inode:  # another file is in its place: perhaps that of a backup
            with self._lock:
                self.close()
                self._inode = inode
            self._id = self._one("SELECT id FROM store")[0]
        return (inode << 32) + int(self._one("PRAGMA data_version")[0])

    def back_up(self, file: Path) -> None:
        """Write all keys, as they are at one moment, into a new file that only its owner can read.

        The store's file alone is no backup: its newest keys may be in its WAL. Raises FileExistsError.
        """

        def copy(connection: sqlite3.Connection) -> None:
            with closing(sqlite3.connect(file)) as target:
                connection.backup(target)

        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._run(copy)
        except BaseException:
            file.unlink()
            raise

    def _one(self, query: str, *values: str) -> sqlite3.Row:
        def one(connection: sqlite3.Connection) -> sqlite3.Row:
            row: sqlite3.Row = connection.execute(query, values).fetchone()
            return row

        return self._run(one)

    def _checkpoint(self) -> None:
        """Take what was there before out of the file's WAL too, unless others are at it for long."""

        def checkpoint(connection: sqlite3.Connection) -> None:
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise KeyStoreBusy

        with suppress(KeyStoreBusy):
            self._run(checkpoint)

    def _run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the connection, one thread at a time, in whole or not at all.

        While another process is at it, it is tried again, and other threads have their turn. Raises
        KeyStoreBusy, KeyStoreUnreadable.
        """
        start = monotonic()
        while True:
            try:
                with self._lock:
                    self._connection = self._connection or self._connect()
                    with self._connection as connection:
                        return act(connection)
            except KeyStoreBusy:
                if monotonic() - start > BUSY_SECONDS:
                    raise
            except sqlite3.Error as error:
                if error.sqlite_errorcode & 0xFF not in _BUSY:
                    reason = f"{self._file} cannot be read as a key store: {error}."
                    raise KeyStoreUnreadable(reason) from None
                if monotonic() - start > BUSY_SECONDS:
                    raise KeyStoreBusy from None
            sleep(POLL_SECONDS)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def hold(self) -> None:
        """Close the connection, and let no thread open another before the release."""
        self._lock.acquire()
        self.close()

    def release(self) -> None:
        """Let threads open a connection again."""
        self._lock.release()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, isolation_level=None, check_same_thread=False, timeout=0
        )
        connection.execute("PRAGMA synchronous = FULL")  # a key lost is a text lost
        connection.execute("PRAGMA secure_delete = ON")  # what was destroyed is overwritten
        connection.execute("SELECT id FROM store")
        return connection


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


_OPEN_STORES: WeakSet[SqliteKeyStore] = WeakSet()
_held_stores: list[SqliteKeyStore] = []


@atexit.register
def _close_stores() -> None:
    """Let the last process that ends take all keys into the file, and remove its WAL."""
    for store in list(_OPEN_STORES):
        store.close()


def _hold_stores() -> None:
    """Close all connections before a fork: SQLite in the child would believe in the parent's locks."""
    _held_stores.extend(_OPEN_STORES)
    for store in _held_stores:
        store.hold()


def _release_stores() -> None:
    while _held_stores:
        _held_stores.pop().release()


os.register_at_fork(
    before=_hold_stores, after_in_parent=_release_stores, after_in_child=_release_stores
)
