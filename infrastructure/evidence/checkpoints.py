"""Checkpoints: a follower hashes each row soon after it is there, and signs the trees beside the writes.

A checkpoint is signed once nothing new has come for a second; where something always comes, each
`WARDBOOK_CHECKPOINT_SECONDS` or 10,000 rows. One follower at a time leads.
"""

import logging
import threading
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from domain.errors import IntegrityError, WardbookError
from infrastructure.evidence.keeper import Keeper
from infrastructure.evidence.leaves import ACCESSES, AS_TEXT, TREES, Tree, rows_after
from infrastructure.evidence.merkle import Frontier
from infrastructure.evidence.signed_note import Checkpoint, InvalidNote, SignedNote, SigningKey
from infrastructure.postgres.database import Database, Log
from infrastructure.projections.runner import LEADER_LOCKS, connect, lock_of, wait_for_notification

REST_SECONDS = 1.0
GATHER_SECONDS = 0.5
RETRY_SECONDS = 5.0
MOST_ROWS = 10_000
"""The rows that one checkpoint adds at most."""

BATCH_ROWS = 1_000
BEFORE_ALL = -(2**63)
"""A number before that of every row."""

READINGS_LOCK = "1463898722, 7"
"""Shared by all who write readings: numbers are given, and rows committed, under it."""

log = logging.getLogger(__name__)


class NotSigned(IntegrityError):
    """A log of which nothing is signed; the message says why, and what to do."""


class StoredCheckpoint(NamedTuple):
    """A checkpoint as it is stored."""

    size: int
    epoch: int
    last: int
    note: str
    frontier: bytes
    signed_at: datetime


NEWEST = (
    "SELECT size, epoch, last, note, frontier, signed_at FROM record.checkpoints"
    " WHERE tree = %s ORDER BY no DESC LIMIT 1"
)


def newest_checkpoint(connection: Connection[TupleRow], tree: Tree) -> StoredCheckpoint | None:
    """Return the newest checkpoint of a tree."""
    row = connection.execute(NEWEST.encode(), [tree.name]).fetchone()
    return None if row is None else StoredCheckpoint(*row)


class TreeSigner:
    """Goes on with one tree: hashes new rows, and signs checkpoints."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        tree: Tree,
        log: Log,
        keeper: Keeper,
        key: SigningKey,
        newest: StoredCheckpoint | None,
    ) -> None:
        self.connection, self.tree, self.log, self.keeper = connection, tree, log, keeper
        self.key = key
        self.frontier = Frontier.from_bytes(newest.size, newest.frontier) if newest else Frontier()
        self.last = newest.last if newest else BEFORE_ALL
        self.leaves: list[bytes] = []
        self.signed_at = float("-inf")

    def advance(self, seconds: float, stopping: threading.Event) -> None:
        """Hash what is new; sign at rest, or after so many seconds. Raises NotSigned."""
        has_new = False
        start = monotonic()
        while count := self.read():
            has_new = True
            if len(self.leaves) >= MOST_ROWS:
                self.sign()
            if stopping.wait(monotonic() - start if count == BATCH_ROWS else 0):
                break  # what comes after a long absence leaves others half of the time
            start = monotonic()
        if self.leaves and (not has_new or monotonic() - self.signed_at >= seconds):
            self.sign()

    def read(self, limit: int = BATCH_ROWS) -> int:
        """Hash the next rows, and return how many. Raises NotSigned if there are fewer than before."""
        end = self._end()
        if end == self.last or end is None:
            return 0
        if end < self.last:
            raise NotSigned(f"The {self.tree.noun}s after {end} are gone. Run: wardbook verify")
        rows = rows_after(self.connection, self.tree, self.last, end, limit)
        for number, leaf in rows:
            self.last = number
            self.frontier.append(leaf)
            self.leaves.append(leaf)
        return len(rows)

    def note(self) -> SignedNote:
        """Return the tree as it is, signed."""
        origin = self.tree.origin(self.log.id, self.log.epoch)
        return self.key.sign(Checkpoint(origin, self.frontier.size, self.frontier.root()))

    def sign(self) -> SignedNote:
        """Sign the tree as it is, and keep the checkpoint in the database and outside of it."""
        note = self.note()
        self.connection.execute(
            "SELECT record.add_checkpoint(%s, %s, %s, %s, %s, %s, %s)",
            [
                *(self.tree.name, self.log.epoch, self.frontier.size, self.last, str(note)),
                *(self.frontier.to_bytes(), b"".join(self.leaves)),
            ],
        )
        self.keeper.keep(self.tree, note)
        self.leaves.clear()
        self.signed_at = monotonic()
        return note

    def _end(self) -> int | None:
        """Return the number up to which no row is missing any more; None if that is not known now."""
        end = self._greatest()
        if self.tree is not ACCESSES or end == self.last:
            return end
        try:
            self.connection.execute(f"SELECT pg_advisory_lock({READINGS_LOCK})".encode())
        except LockNotAvailable:
            return None
        try:
            return self._greatest()
        finally:
            self.connection.execute(f"SELECT pg_advisory_unlock({READINGS_LOCK})".encode())

    def _greatest(self) -> int:
        statement = f"SELECT max({self.tree.number}) FROM {self.tree.table}"
        (greatest,) = self.connection.execute(statement.encode()).fetchone() or (None,)
        return BEFORE_ALL if greatest is None else int(greatest)


def open_signer(
    connection: Connection[TupleRow],
    tree: Tree,
    log: Log,
    keeper: Keeper,
    *,
    opening: bool = False,
) -> TreeSigner:
    """Return the signer of a tree at its newest checkpoint; make the first key of a log.

    ``opening``: somebody asks for it who knows that the log was restored, or the key replaced.
    Raises NotSigned, UnsafeKey, InvalidNote, KeyMissing.
    """
    connection.execute(AS_TEXT)
    connection.execute("SET lock_timeout = '1s'")
    newest, anchor = newest_checkpoint(connection, tree), keeper.newest_note(tree)
    if anchor is not None and not opening:
        _check_anchor(tree, anchor, newest, log)
    if keeper.has_key() or any(newest_checkpoint(connection, other) for other in TREES):
        key = keeper.key(log.id)
    else:
        key = keeper.create_key(log.id)
    if newest is not None and not opening:
        _check_newest(tree, newest, log, keeper)
    signer = TreeSigner(connection, tree, log, keeper, key, newest)
    if newest is not None and opening:
        _check_rows(signer, newest)
    return signer


def problem_of(database: Database, home: Path) -> str | None:
    """Return the reason why no checkpoint can be signed from this home, if so. Makes no key."""
    keeper = Keeper(home)
    try:
        with connect(database.app_url) as connection:
            if keeper.has_key() or any(newest_checkpoint(connection, tree) for tree in TREES):
                for tree in TREES:
                    open_signer(connection, tree, database.open_log(), keeper)
    except WardbookError as error:
        return str(error)
    return None


def sign_now(database: Database, home: Path, *, new_key: bool = False) -> list[SignedNote]:
    """Sign everything that is there, also in a new epoch or with a new key; return the checkpoints.

    Raises NotSigned, UnsafeKey, InvalidNote.
    """
    with connect(database.app_url) as connection:
        if not _leads(connection, wait=True):
            raise NotSigned("Another process signs checkpoints: stop it, or wait for it.")
        log, keeper = database.open_log(), Keeper(home)
        if new_key:
            keeper.replace_key(log.id)
        signers = [open_signer(connection, tree, log, keeper, opening=True) for tree in TREES]
        for signer in signers:
            while signer.read():
                pass
        return [signer.sign() for signer in signers]


def _check_anchor(
    tree: Tree, anchor: SignedNote, newest: StoredCheckpoint | None, log: Log
) -> None:
    """Raise NotSigned if the log is not the one, or is behind what was kept outside of it."""
    log_id, epoch = origin_parts(anchor)
    file = f"{tree.name}.checkpoint"
    if log_id != str(log.id):
        raise NotSigned(f"{file} is of the log {log_id}: another home belongs to this one.")
    size = anchor.checkpoint.size
    if newest is None or (newest.epoch, newest.size) < (epoch, size):
        raise NotSigned(
            f"The checkpoint of {size} {tree.noun}s in {file} is not in the database: the log was"
            " cut off, or restored by other means than 'wardbook restore'. Run: wardbook verify"
        )


def _check_newest(tree: Tree, newest: StoredCheckpoint, log: Log, keeper: Keeper) -> None:
    """Raise NotSigned unless the newest checkpoint is of this epoch and of a key that is known."""
    note = SignedNote.parse(newest.note)
    if newest.epoch != log.epoch:
        raise NotSigned(
            f"Nothing is signed of epoch {log.epoch} yet: the log was restored without the key."
            " Bring the key back, and run: wardbook checkpoint --sign"
        )
    if not any(note.is_signed_by(key) for key in keeper.trusted_keys(log.id)):
        raise NotSigned(
            f"The newest checkpoint is not signed by {keeper.key_file}, nor by a key in"
            f" {keeper.former_file}: bring back the key, or begin with this one by"
            " 'wardbook checkpoint --sign'."
        )
    frontier = Frontier.from_bytes(newest.size, newest.frontier)
    if (frontier.root(), newest.size) != (note.checkpoint.root, note.checkpoint.size):
        raise NotSigned(
            f"The newest checkpoint of the {tree.noun}s was altered. Run: wardbook verify"
        )


def _check_rows(signer: TreeSigner, newest: StoredCheckpoint) -> None:
    """Hash every row up to the newest checkpoint anew. Raises NotSigned if they are others."""
    frontier, number = Frontier(), BEFORE_ALL
    while rows := rows_after(signer.connection, signer.tree, number, newest.last, BATCH_ROWS):
        number = rows[-1][0]
        for _, leaf in rows:
            frontier.append(leaf)
    checkpoint = SignedNote.parse(newest.note).checkpoint
    if (frontier.size, frontier.root()) != (checkpoint.size, checkpoint.root):
        raise NotSigned(
            f"The {signer.tree.noun}s are not those of their newest checkpoint. Run: wardbook verify"
        )
    signer.frontier = frontier


def origin_parts(note: SignedNote) -> tuple[str, int]:
    """Return the log's id and the epoch of a checkpoint. Raises InvalidNote."""
    match note.checkpoint.origin.split("/"):
        case ["wardbook", log_id, epoch, name] if epoch.isdecimal():
            if name in [tree.name for tree in TREES]:
                return log_id, int(epoch)
    raise InvalidNote(f"{note.checkpoint.origin} is no origin of a log of Wardbook.")


def _leads(connection: Connection[TupleRow], *, wait: bool = False) -> bool:
    """Return whether this connection leads: it does until it ends."""
    if wait:
        connection.execute("SET lock_timeout = '10s'")
    how = "pg_advisory_lock(%s, %s)::text = ''" if wait else "pg_try_advisory_lock(%s, %s)"
    try:
        row = connection.execute(
            f"SELECT {how}".encode(), [LEADER_LOCKS, lock_of("checkpoints")]
        ).fetchone()
    except LockNotAvailable:
        return False
    return bool(row and row[0])


class CheckpointRunner:
    """Signs checkpoints until it is stopped. Use `run` in a thread of its own."""

    def __init__(self, database: Database, home: Path, seconds: float) -> None:
        self._database, self._keeper, self._seconds = database, Keeper(home), seconds
        self._stopping = threading.Event()
        self._problem: str | None = None

    def run(self) -> None:
        """Follow the log until `stop` is called; reconnect when the database is back."""
        while not self._stopping.wait(REST_SECONDS):
            try:
                with connect(self._database.app_url) as connection:
                    self._follow(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._report("the database cannot be reached")
            except Exception:
                log.exception("no checkpoint is signed; trying again")

    def stop(self) -> None:
        """Stop following: returns at once, `run` returns soon."""
        self._stopping.set()

    def _follow(self, connection: Connection[TupleRow]) -> None:
        while not _leads(connection):
            if self._stopping.wait(RETRY_SECONDS):
                return
        connection.execute("LISTEN wardbook_log")
        signers: dict[Tree, TreeSigner] = {}
        retry_at = dict.fromkeys(TREES, float("-inf"))
        while not self._stopping.wait(GATHER_SECONDS):
            for tree in TREES:
                try:
                    if tree not in signers and monotonic() >= retry_at[tree]:
                        signers[tree] = self._open(connection, tree)
                    if tree in signers:
                        signers[tree].advance(self._seconds, self._stopping)
                except (WardbookError, psycopg.errors.RaiseException) as error:
                    self._report(str(error))
                    signers.pop(tree, None)
                    retry_at[tree] = monotonic() + RETRY_SECONDS
            wait_for_notification(connection, REST_SECONDS, self._stopping)
        for signer in signers.values():
            if signer.read() or signer.leaves:
                signer.sign()

    def _open(self, connection: Connection[TupleRow], tree: Tree) -> TreeSigner:
        return open_signer(connection, tree, self._database.open_log(), self._keeper)

    def _report(self, problem: str) -> None:
        """Log a problem, once until another one comes."""
        if problem != self._problem:
            log.warning("no checkpoint is signed: %s", problem)
        self._problem = problem
