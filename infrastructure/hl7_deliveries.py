"""Deliveries of HL7 messages: how far each receiver has been told of the log, and what it refused."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import TupleRow, dict_row

from domain.errors import ConfigurationError
from domain.patient import Patient
from domain.stay.aggregate import Stay
from infrastructure.access_log import RECORD, AccessRecord
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.postgres.database import Database
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy

PAGE = 500
"""Rows of the log that are read at once, at least; a page ends where a command ends."""

REST_SECONDS = 1.0
"""Seconds after which the log is looked at again, if nothing was told of it."""

LOCK = 1463898722
"""First key of the advisory locks of this program."""

PERSONS = tuple(
    event.TOPIC
    for event in (
        Patient.Merged,
        Patient.Unmerged,
        Patient.DetailsCorrected,
        Patient.DetailsChanged,
    )
)
"""Events of patients of which receivers are told."""

_CHANGES = (
    "SELECT command_end, stream, min(version), max(version), max(recorded_at), min(subject),"
    " bool_or(topic LIKE %s) AS of_stay"
    " FROM record.events WHERE position > %s AND position <= %s AND (topic LIKE %s OR topic = ANY(%s))"
    " GROUP BY command_end, stream ORDER BY command_end, min(position)"
)
_END = (
    "SELECT max(command_end) FROM (SELECT command_end FROM record.events"
    " WHERE position > %s ORDER BY position LIMIT %s) AS first"
)


@dataclass(frozen=True, slots=True)
class StayChange:
    """The versions of a stay that a command recorded, from the first to the last."""

    stay: UUID
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PatientChange:
    """The versions of a patient's record between which a command told who it is of."""

    patient: UUID
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Change:
    """The change by a command: its end in the log, when it was recorded, and what was changed."""

    position: int
    recorded_at: datetime
    recorded_by: str
    stays: tuple[StayChange, ...]
    patients: tuple[PatientChange, ...] = ()


class AnotherSends(ConfigurationError):
    """Another process tells this receiver."""


AWAY = (
    *(AnotherSends, DatabaseUnavailable, KeysMissing, KeyStoreBusy),
    *(psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction),
)
"""Exceptions that end by themselves: a session that was cut may be held for a while by the server."""


class Deliveries:
    """The position of one receiver, kept in the database; it is one process's at a time."""

    def __init__(self, url: str, receiver: str) -> None:
        self._url, self._receiver = url, receiver
        self._connection = self._connect()
        self._from_start = False
        self.position, self.sent = 0, 0

    def _connect(self) -> Connection[TupleRow]:
        return psycopg.connect(self._url, autocommit=True)

    def close(self) -> None:
        """Close the connection: another process may tell the receiver."""
        self._connection.close()

    def begin_again(self) -> None:
        """Begin by another connection, where that of before may be cut. Raises what `begin` does."""
        self.close()
        self._connection = self._connect()
        self.begin(self._from_start)

    def begin(self, from_start: bool) -> None:
        """Read the position; a new receiver is told from now on, or from the start of the log.

        Raises AnotherSends, and ConfigurationError where the log is another one.
        """
        self._from_start = from_start
        self._connection.execute("LISTEN wardbook_log")
        key = f"hl7 {self._receiver}"
        lock = "SELECT pg_try_advisory_lock(%s, hashtext(%s)), log_id FROM record.log"
        is_free, log = self._connection.execute(lock, (LOCK, key)).fetchone() or (False, None)
        if not is_free:
            raise AnotherSends(f"another process sends to {self._receiver} already")
        self._connection.execute(
            "INSERT INTO hl7.deliveries (receiver, log_id, position) SELECT %s, %s, CASE WHEN %s"
            " THEN 0 ELSE (SELECT coalesce(max(position), 0) FROM record.events) END"
            " ON CONFLICT DO NOTHING",
            (self._receiver, log, from_start),
        )
        row = self._connection.execute(
            "SELECT log_id, position, sent FROM hl7.deliveries WHERE receiver = %s",
            (self._receiver,),
        ).fetchone()
        assert row is not None
        if row[0] != log:
            raise ConfigurationError(
                f"{self._receiver} was told of another log; delete its row of hl7.deliveries to begin"
            )
        self.position, self.sent = row[1:]

    def changes(self) -> Iterator[Change]:
        """Return the changes of stays and persons that follow, by command; advance over the rest."""
        ((end,),) = self._connection.execute(_END, (self.position, PAGE)).fetchall()
        if end is None:
            return
        stays = f"{Stay.TOPIC}.%"
        rows = self._connection.execute(
            _CHANGES, (stays, self.position, end, stays, list(PERSONS))
        ).fetchall()
        for position, group in groupby(rows, key=lambda row: row[0]):
            of_command = list(group)
            yield Change(
                position,
                of_command[0][4],
                of_command[0][5],
                tuple(StayChange(*row[1:4]) for row in of_command if row[6]),
                tuple(PatientChange(*row[1:4]) for row in of_command if not row[6]),
            )
        if end > self.position:
            self.advance(end)

    def advance(self, position: int, sent: int = 0) -> None:
        """Note that everything up to a command is told, and so many messages of the next one."""
        self._connection.execute(
            "UPDATE hl7.deliveries SET position = %s, sent = %s, told_at = clock_timestamp()"
            " WHERE receiver = %s",
            (position, sent, self._receiver),
        )
        self.position, self.sent = position, sent

    def record_reading(self, reading: AccessRecord) -> None:
        """Record whose data a message tells, durably."""
        entries = msgspec.json.encode([reading.row()]).decode()
        self._connection.execute(RECORD, {"readings": entries})

    def park(
        self, control_id: str, position: int, stay: UUID | None, trigger: str, code: str
    ) -> None:
        """Note a message that the receiver refused for good."""
        self._connection.execute(
            "INSERT INTO hl7.parked (receiver, control_id, position, stay, trigger, code)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (self._receiver, control_id, position, stay, trigger, code),
        )

    def wait(self) -> None:
        """Wait until something is recorded, or a moment."""
        for _ in self._connection.notifies(timeout=REST_SECONDS, stop_after=1):
            pass


@contextmanager
def deliveries(database: Database, receiver: str) -> Iterator[Deliveries]:
    """Open the deliveries of a receiver on a connection of their own."""
    with closing(Deliveries(database.app_url, receiver)) as of_receiver:
        yield of_receiver


def parked_messages(database: Database) -> list[dict[str, Any]]:
    """Return the messages that receivers refused for good, the oldest first."""
    with psycopg.connect(database.app_url, row_factory=dict_row) as connection:
        rows = connection.execute(
            'SELECT receiver, position, stay AS "stayId", trigger, code, control_id AS "controlId",'
            ' parked_at AS "parkedAt" FROM hl7.parked ORDER BY parked_at, control_id'
        )
        return list(rows)
