"""Position that all read models have reached, and waiting for it by notification, not by polling."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.postgres.connection_failure import RETRY_SECONDS
from infrastructure.queries.log import has_erasures, log_status
from infrastructure.queries.projection_status import models_that_parked
from infrastructure.read_models import READ_MODELS

POLL_SECONDS = 1.0
"""Seconds after which the position is read again, should a notification have been lost."""

HALTING = {model.name for model in READ_MODELS if model.halts}

log = logging.getLogger(__name__)


class ProjectionProgress:
    """The position of the read models in a process, kept up to date by the projection runner's NOTIFY.

    It is read every `POLL_SECONDS` as well, so that a lost notification costs a second at most.
    """

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self._url, self._engine = url, engine
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.on_position: Callable[[int], None] = lambda position: None
        """Called with each new position, before anybody who waits for it goes on."""
        self.on_erasure: Callable[[], None] = lambda: None
        """Called once somebody was erased, before anybody who waits for that position goes on."""
        self.position = 0
        self.recorded_at_start = 0
        """The last position of the log when this began: before it is readable, boards may be empty."""
        self._erasures_seen: int | None = None
        """The position up to which erasures are known; None: nothing is remembered yet."""
        self.parked = self.halted = False
        """Whether there may be a parked command up to that position; whether a read model has halted."""

    async def start(self) -> None:
        """Read the position, then keep it up to date."""
        await self._refresh()
        self.recorded_at_start = (await log_status(self._engine)).recorded
        self._task = asyncio.create_task(self._listen(), name="projection progress")

    async def stop(self) -> None:
        """Stop keeping it up to date."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until all read models have reached a position; return whether they have.

        False after ``timeout`` s, or as soon as a read model that has halted makes it impossible.
        """
        if self.position < position:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout), self._changed:
                    await self._changed.wait_for(lambda: self.position >= position or self.halted)
        return self.position >= position

    async def wait_past(self, position: int) -> None:
        """Wait until all read models are past a position, however long that takes."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.position > position)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5
                ) as connection:
                    await connection.execute("LISTEN wardbook_read")
                    while True:
                        await self._refresh()
                        async for notification in connection.notifies(timeout=POLL_SECONDS):
                            position, _, remark = notification.payload.partition(" ")
                            if remark:  # dead letters, or somebody was erased
                                await self._refresh()
                            else:
                                await self._set(max(self.position, int(position)))
            except (psycopg.Error, OSError):
                log.warning("the database cannot be reached; trying again")
            except Exception:
                log.exception("cannot tell how far the read models are; trying again")
            await asyncio.sleep(RETRY_SECONDS)

    async def _refresh(self) -> None:
        """Read the position and what is parked."""
        position = (await log_status(self._engine)).position
        async with self._engine.connect() as connection:
            models = await models_that_parked(connection)
            known_position = position if self._erasures_seen is None else self._erasures_seen
            if position > known_position and await has_erasures(
                connection, known_position, position
            ):
                self.on_erasure()
            self._erasures_seen = max(known_position, position)
        self.parked, self.halted = bool(models), not models.isdisjoint(HALTING)
        await self._set(position)

    async def _set(self, position: int) -> None:
        async with self._changed:
            self.on_position(position)
            self.position = position
            self._changed.notify_all()
