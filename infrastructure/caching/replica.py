"""Replica: a hot standby that answers what is asked as of a moment, as far as it has got.

An answer is a function of the log up to its position, so a replica gives the same answer as the
primary, or none: it is asked only while it has all that this server knows to be readable. Whoever
was told of a change by this server sees it in the next answer, wherever that comes from.
"""

import asyncio
import logging
from functools import partial
from time import monotonic
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.caching.read_snapshot import Snapshot, Snapshots
from infrastructure.caching.response_cache import ResponseCache
from infrastructure.postgres.database import CONNECTION_ERRORS, Database, Log
from infrastructure.queries.log import replica_status
from infrastructure.reports.report_data import open_report_service
from infrastructure.settings import Settings
from infrastructure.subscriptions.projection_progress import ProjectionProgress

CATCH_UP_SECONDS = 0.1
"""The longest wait of an answer for the replica before the primary gives it."""

REST_SECONDS = 1.0
"""The time for which a replica that is away or behind is not asked again."""

ANSWER_SECONDS = 1.0
"""The longest wait for the replica to say how far it is."""

POLL_SECONDS = 0.005

FAILURES = CONNECTION_ERRORS
"""The errors by which a replica fails; also where it had to end a query to keep up."""

OK, BEHIND, AWAY, ANOTHER_LOG = "ok", "behind", "away", "another log"
"""The states of a replica, as it was found last."""

log = logging.getLogger(__name__)


class ReadSource(Protocol):
    """A server of the database that is read from, and what is remembered of it."""

    @property
    def engine(self) -> AsyncEngine: ...

    @property
    def snapshots(self) -> Snapshots: ...

    @property
    def response_cache(self) -> ResponseCache: ...


class Replica:
    """The hot standby of a process, with snapshots and cached responses of its own."""

    def __init__(self, settings: Settings, log: Log, progress: ProjectionProgress) -> None:
        assert settings.read_database_url is not None
        self.database = Database(settings.read_database_url)
        self._log, self._progress = log, progress
        self.open_reports = partial(open_report_service, self.database.app_url, settings.hospital)
        self.engine = self.database.async_engine()
        self.snapshots = Snapshots(
            self.engine,
            is_shared=settings.read_snapshot,
            single_flight=settings.single_flight,
            read_status=replica_status,
        )
        capacity = settings.kept_answers_mb * 1_000_000
        self.response_cache = ResponseCache(self.engine, self.snapshots, capacity)
        self.state = OK
        self._rests_until = 0.0
        self._position = self._told = 0

    @property
    def lag_events(self) -> int:
        """Return the number of events that it was behind when it was asked last."""
        return max(0, self._progress.position - self._position)

    async def snapshot(self) -> Snapshot | None:
        """Return a snapshot with all that is known to be readable; None if the primary has to answer."""
        if monotonic() < self._rests_until:
            return None
        needed_position = max(self._progress.position, self._told)
        until = monotonic() + CATCH_UP_SECONDS
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    snapshot = await self.snapshots.snapshot()
            except Exception:
                self._rest(AWAY)
                return None
            status = snapshot.log_status
            self._position = status.position
            if (status.log_id, status.epoch) != (self._log.id, self._log.epoch):
                self._rest(ANOTHER_LOG)
                return None
            if status.position >= needed_position:
                self._note(OK)
                return snapshot
            if monotonic() > until:
                self._rest(BEHIND)
                return None
            await asyncio.sleep(POLL_SECONDS)

    def note_told(self, position: int) -> None:
        """Note that something was told as known at a position: no later answer is older."""
        self._told = max(self._told, position)

    def fail(self) -> None:
        """Note that a query failed on it: the primary answers for a while."""
        self._rest(AWAY)

    async def stop(self) -> None:
        """Close its connections."""
        await self.engine.dispose()

    def _rest(self, state: str) -> None:
        self._note(state)
        self._rests_until = monotonic() + REST_SECONDS

    def _note(self, state: str) -> None:
        if state != self.state:
            log.warning("the replica is %s", "asked again" if state == OK else state)
        self.state = state
