"""Projection runner: keeps the read models up to date.

It is woken by NOTIFY, and polls each second in case a notification is lost. One runner at a time leads
a read model (an advisory lock of its connection for each); others stand by and take over what is no
longer led. A runner of an older program stops at what only a newer one can read (docs/adr/0065).
"""

import logging
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from zlib import crc32

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.event_store.mapper import EventMapper, NewerEvent
from infrastructure.postgres.connection_failure import RETRY_SECONDS
from infrastructure.postgres.database import PLAN_BY_INDEX
from infrastructure.postgres.migrated import NotMigrated
from infrastructure.projections.batch import LIVE, BatchProjector
from infrastructure.projections.dead_letters import ProjectionTarget

LEADER_LOCKS = 1463898723
"""The first key of leader locks; the second is of the read model."""

POLL_SECONDS = 1.0

STOP_SECONDS = 0.1
"""Seconds after which one who waits sees that it is to stop."""

log = logging.getLogger(__name__)


class ProjectionRunner:
    """Keeps the read models up to date. Use `run` in a thread of its own, or `catch_up` once."""

    def __init__(
        self,
        url: str,
        on_progress: Callable[[int, int], None] | None = None,
        targets: Sequence[ProjectionTarget] = LIVE,
        mapper: EventMapper | None = None,
    ) -> None:
        self._url, self._targets, self._mapper = url, targets, mapper
        self.problem: str | None = None
        """The reason for which it follows no further: a newer program has to go on."""
        self._stopping = threading.Event()
        self._on_progress = on_progress
        self._end = 0

    def run(self) -> None:
        """Follow the log until `stop` is called; reconnect when the database is back.

        Returns, with `problem` set, where only a newer program can go on: one that runs takes over.
        """
        while not self._stopping.is_set():
            try:
                with connect(self._url) as connection:
                    self._follow(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                log.warning("the database cannot be reached; trying again")
            except (NewerEvent, NotMigrated) as error:
                self.problem = str(error)
                log.error("follows no further, a newer program has to: %s", error)
                return
            except Exception:
                log.exception("the read models stand still; trying again")
            self._stopping.wait(RETRY_SECONDS)

    def stop(self) -> None:
        """Stop following: returns at once, `run` returns soon."""
        self._stopping.set()

    def catch_up(self) -> int:
        """Fill the read models up to the present end of the log; return the position reached.

        Read models that another runner leads are waited for, or taken over from it; one that has
        halted is not waited for.
        """
        with connect(self._url) as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM record.events")
            self._end = int((row.fetchone() or [0])[0])
            own_targets: list[ProjectionTarget] = []
            while True:
                taken_over = self._take_over(connection, own_targets)
                if taken_over:
                    own_targets += taken_over
                    projector = self._projector(connection, own_targets)
                    projector.prepare()
                    while projector.step():
                        pass
                others = [t for t in self._targets if t not in own_targets]
                is_done = all(_position(connection, t, self._end) >= self._end for t in others)
                position = min(_position(connection, t) for t in self._targets)
                if is_done:
                    return position
                self._report(position)
                self._stopping.wait(0.1)

    def _take_over(
        self, connection: Connection[TupleRow], own_targets: Sequence[ProjectionTarget]
    ) -> list[ProjectionTarget]:
        """Lock the read models that no runner leads, and return them."""
        targets_by_lock = {lock_of(t.schema): t for t in self._targets if t not in own_targets}
        if not targets_by_lock:
            return []
        rows = connection.execute(
            "SELECT key FROM unnest(%s::int[]) AS key WHERE pg_try_advisory_lock(%s, key)",
            [list(targets_by_lock), LEADER_LOCKS],
        )
        return [targets_by_lock[key] for (key,) in rows]

    def _follow(self, connection: Connection[TupleRow]) -> None:
        own_targets: list[ProjectionTarget] = []
        projector = self._projector(connection, own_targets)
        log_end: int | None = None
        while not self._stopping.is_set():
            taken_over = self._take_over(connection, own_targets)
            if taken_over:
                own_targets += taken_over
                projector = self._projector(connection, own_targets)
                projector.prepare()
                connection.execute("LISTEN wardbook_log")
            while projector.step(recorded=log_end) and not self._stopping.is_set():
                if log_end is not None and projector.reached >= log_end:
                    break  # what is recorded from here on is notified
            payload = wait_for_notification(connection, POLL_SECONDS, self._stopping)
            log_end = int(payload) if payload else None

    def _projector(
        self, connection: Connection[TupleRow], targets: Sequence[ProjectionTarget]
    ) -> BatchProjector:
        return BatchProjector(connection, targets, self._report, self._mapper)

    def _report(self, position: int) -> None:
        if self._on_progress:
            self._on_progress(position, max(position, self._end))


def connect(url: str) -> Connection[TupleRow]:
    """Connect so that both ends notice within seconds that the other one is gone."""
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        keepalives_idle=2,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5_000,
    )
    for setting in ("idle = 2", "interval = 1", "count = 3"):
        connection.execute(f"SET tcp_keepalives_{setting}".encode())
    connection.execute(PLAN_BY_INDEX)
    return connection


def wait_for_notification(
    connection: Connection[TupleRow], seconds: float, stopping: threading.Event
) -> str | None:
    """Wait for a notification for up to so long; not much longer once it is to stop.

    Returns the payload of the last one that has come; None if none has.
    """
    until = monotonic() + seconds
    while not stopping.is_set() and (seconds := until - monotonic()) > 0:
        timeout = min(seconds, STOP_SECONDS)
        payloads = [n.payload for n in connection.notifies(timeout=timeout, stop_after=1)]
        if payloads:
            return payloads[-1]
    return None


def lock_of(name: str) -> int:
    """Return the second key of the leader lock of a schema: the same number in every process.

    So a new version of a read model is led beside the former one, which an older program keeps.
    """
    return crc32(name.encode()) - 2**31


def _position(
    connection: Connection[TupleRow], target: ProjectionTarget, halt_position: int | None = None
) -> int:
    """Return the position of a read model, 0 before it began; ``halted`` for one that has halted."""
    row = connection.execute(
        "SELECT position, EXISTS (SELECT FROM projections.dead_letters d"
        "   WHERE d.read_model = s.read_model)"
        " FROM projections.status s WHERE read_model = %s",
        [target.schema],
    ).fetchone()
    if row is None:
        return 0
    if halt_position is not None and target.model.halts and row[1]:
        return halt_position
    return int(row[0])
