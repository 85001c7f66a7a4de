"""How far the read models can be read, and waiting for them: on a signal, not on a clock."""

import asyncio
import contextlib
import logging

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.queries.log import log_status
from infrastructure.queries.projection_status import models_that_parked
from infrastructure.read_models import READ_MODELS

LOOK_AGAIN_SECONDS = 1.0

HALTING = {model.name for model in READ_MODELS if model.halts}

log = logging.getLogger(__name__)


class ProjectionProgress:
    """Knows the position that all read models have reached; told by the follower's NOTIFY.

    It looks by itself each second as well, so a signal that is lost costs a second at most.
    """

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self._url, self._engine = url, engine
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.position = 0
        self.parked = self.halted = False
        """Whether a read model may have parked something by then, or stands still for good."""

    async def start(self) -> None:
        await self._look()
        self._task = asyncio.create_task(self._listen(), name="readable")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until the position can be read.

        False if that takes longer than ``timeout`` s, or cannot come because a read model halted.
        """
        if self.position < position:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout), self._changed:
                    await self._changed.wait_for(lambda: self.position >= position or self.halted)
        return self.position >= position

    async def past(self, position: int) -> None:
        """Wait until more than the position can be read, however long that takes."""
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
                        await self._look()
                        async for told in connection.notifies(timeout=LOOK_AGAIN_SECONDS):
                            position, _, parked = told.payload.partition(" ")
                            if parked:
                                await self._look()
                            else:
                                await self._reached(int(position))
            except (psycopg.Error, OSError):
                log.warning("the database cannot be reached; trying again")
            except Exception:
                log.exception("cannot tell how far the read models are; trying again")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _look(self) -> None:
        position = (await log_status(self._engine)).position
        async with self._engine.connect() as connection:
            parked = await models_that_parked(connection)
        self.parked, self.halted = bool(parked), not parked.isdisjoint(HALTING)
        await self._reached(position, exact=True)

    async def _reached(self, position: int, exact: bool = False) -> None:
        async with self._changed:
            self.position = position if exact else max(self.position, position)
            self._changed.notify_all()
