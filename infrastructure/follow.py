"""The follower: keeps the read models up to date.

It is woken by NOTIFY and looks by itself at least each second, whatever happens to the LISTEN. One
follower at a time leads (an advisory lock); others wait to take over.
"""

import contextlib
import logging
import threading
from collections.abc import Callable

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.filling import Filler, LogRewound

LEADER_LOCK = 1463898722, 2
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Follower:
    """Keeps all read models up to date. Use `run` in a thread of its own, or `catch_up` once."""

    def __init__(self, url: str, on_progress: Callable[[int, int], None] | None = None) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._on_progress = on_progress
        self._end = 0

    def run(self) -> None:
        """Follow the log until `stop` is called; comes back by itself when the database does."""
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    if self._lead(connection):
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

        Where another follower leads, waits until that one has done it, or takes over from it.
        """
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM record.events")
            self._end = int((row.fetchone() or [0])[0])
            filler = Filler(connection, on_progress=self._tell)
            while not self._lead(connection):
                with contextlib.suppress(LogRewound):  # the leader is only just beginning
                    reached = min(filler.positions().values())
                    if reached >= self._end:
                        return reached
                    self._tell(reached)
                self._stopping.wait(0.1)
            filler.prepare()
            while filler.step():
                pass
            return min(filler.positions().values())

    def _lead(self, connection: Connection[TupleRow]) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LEADER_LOCK).fetchone()
        return bool(row and row[0])

    def _follow(self, connection: Connection[TupleRow]) -> None:
        filler = Filler(connection, on_progress=self._tell)
        filler.prepare()
        connection.execute("LISTEN wardbook_log")
        while not self._stopping.is_set():
            while filler.step() and not self._stopping.is_set():
                pass
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass

    def _tell(self, reached: int) -> None:
        if self._on_progress:
            self._on_progress(reached, max(reached, self._end))
