"""The follower: keeps the read models up to date.

It is woken by NOTIFY and looks by itself at least each second, whatever happens to the LISTEN. One
follower at a time leads a read model (an advisory lock of its connection, one a model); any number of
others stay warm and take over what is no longer led.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from zlib import crc32

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.postgres.database import PLAN_BY_INDEX
from infrastructure.projections.batch import LIVE, BatchProjector
from infrastructure.projections.dead_letters import ProjectionTarget

LEADER_LOCKS = 1463898723
"""The first key of the locks of leaders; the second tells the read model."""

POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class ProjectionRunner:
    """Keeps the read models up to date. Use `run` in a thread of its own, or `catch_up` once."""

    def __init__(
        self,
        url: str,
        on_progress: Callable[[int, int], None] | None = None,
        targets: Sequence[ProjectionTarget] = LIVE,
    ) -> None:
        self._url, self._targets = url, targets
        self._stopping = threading.Event()
        self._on_progress = on_progress
        self._end = 0

    def run(self) -> None:
        """Follow the log until `stop` is called; comes back by itself when the database does."""
        while not self._stopping.is_set():
            try:
                with self._connected() as connection:
                    self._follow(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                log.warning("the database cannot be reached; trying again")
            except Exception:
                log.exception("the read models stand still; trying again")
            self._stopping.wait(POLL_SECONDS)

    def stop(self) -> None:
        """Stop following; returns at once, `run` within about a second."""
        self._stopping.set()

    def catch_up(self) -> int:
        """Fill the read models up to the end of the log as it is now; returns that position.

        What another follower leads is waited for, or taken over from it. A read model that has
        halted is not waited for.
        """
        with self._connected() as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM record.events")
            self._end = int((row.fetchone() or [0])[0])
            led: list[ProjectionTarget] = []
            while True:
                taken = self._take_over(connection, led)
                if taken:
                    led += taken
                    filler = BatchProjector(connection, led, self._tell)
                    filler.prepare()
                    while filler.step():
                        pass
                others = [t for t in self._targets if t not in led]
                done = all(_position(connection, t, self._end) >= self._end for t in others)
                reached = min(_position(connection, t) for t in self._targets)
                if done:
                    return reached
                self._tell(reached)
                self._stopping.wait(0.1)

    def _connected(self) -> Connection[TupleRow]:
        """A connection that notices within seconds, at both ends, that the other end is gone."""
        connection = psycopg.connect(
            self._url,
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

    def _take_over(
        self, connection: Connection[TupleRow], led: Sequence[ProjectionTarget]
    ) -> list[ProjectionTarget]:
        """The read models that nobody led, and this follower leads from now on."""
        free = {lock_of(t.model.name): t for t in self._targets if t not in led}
        if not free:
            return []
        rows = connection.execute(
            "SELECT key FROM unnest(%s::int[]) AS key WHERE pg_try_advisory_lock(%s, key)",
            [list(free), LEADER_LOCKS],
        )
        return [free[key] for (key,) in rows]

    def _follow(self, connection: Connection[TupleRow]) -> None:
        led: list[ProjectionTarget] = []
        filler = BatchProjector(connection, led, self._tell)
        while not self._stopping.is_set():
            taken = self._take_over(connection, led)
            if taken:
                led += taken
                filler = BatchProjector(connection, led, self._tell)
                filler.prepare()
                connection.execute("LISTEN wardbook_log")
            while filler.step() and not self._stopping.is_set():
                pass
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass

    def _tell(self, reached: int) -> None:
        if self._on_progress:
            self._on_progress(reached, max(reached, self._end))


def lock_of(name: str) -> int:
    """The second key of a leader's lock: the same number in every process."""
    return crc32(name.encode()) - 2**31


def _position(
    connection: Connection[TupleRow], target: ProjectionTarget, halted: int | None = None
) -> int:
    """Where a read model is, 0 before it began; ``halted`` instead for one that has halted."""
    row = connection.execute(
        "SELECT position, EXISTS (SELECT FROM projections.dead_letters d"
        "   WHERE d.read_model = s.read_model)"
        " FROM projections.status s WHERE read_model = %s",
        [target.schema],
    ).fetchone()
    if row is None:
        return 0
    if halted is not None and target.model.halts and row[1]:
        return halted
    return int(row[0])
