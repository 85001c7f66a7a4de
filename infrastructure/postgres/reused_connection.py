"""Connections of questions, used again without SQLAlchemy's greenlets (docs/adr/0088).

To take a connection from SQLAlchemy's pool and give it back costs two greenlets and a task, more than
psycopg needs for a statement. A connection that is as it was is left open, as checked out, and the next
question takes it as it is. The pool and its bound stay SQLAlchemy's.
"""

from types import TracebackType
from typing import Self, cast

from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, QueuePool
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from infrastructure.postgres.cancellable_connection import CancellableConnection


class ReusedConnection(AsyncConnection):
    """A connection that goes to the next question when it is left, if it is as it was."""

    engine: "ReusingEngine"
    _breaks = 0
    """The count of the engine's broken connections when this one was opened."""

    async def start(self, is_ctxmanager: bool = False) -> Self:
        """Take a connection out of the pool, unless this one is still open from another question."""
        if self.sync_connection is None:
            self.engine.waiting += 1
            self._breaks = self.engine.breaks
            try:
                await super().start(is_ctxmanager)
            finally:
                self.engine.waiting -= 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the connection to the next question; give it back to the pool if somebody waits."""
        if self._is_reusable() and not self.engine.waiting:
            self.engine.idle.append(self)
            return
        if self.sync_connection is not None and self.sync_connection.invalidated:
            self.engine.breaks += 1  # all others are broken as well, as the pool knows
            await self.engine.close_idle()
        await super().__aexit__(kind, error, traceback)

    def _is_reusable(self) -> bool:
        """Return whether psycopg alone has used it, in autocommit, and no statement is under way."""
        sync = self.sync_connection
        if sync is None or sync.closed or sync.invalidated or sync.in_transaction():
            return False
        if self._breaks != self.engine.breaks:
            return False
        if sync.get_execution_options() != sync.engine.get_execution_options():
            return False
        driver = cast(CancellableConnection, sync.connection.driver_connection)
        return driver.pgconn.transaction_status == TransactionStatus.IDLE


class ReusingEngine(AsyncEngine):
    """An engine whose connections go from one question to the next."""

    _connection_cls = ReusedConnection

    def __init__(self, sync_engine: Engine) -> None:
        super().__init__(sync_engine)
        self.idle: list[ReusedConnection] = []
        """Connections that are open and that nobody uses; for the pool they are checked out."""
        self.waiting = 0
        """The count of those who wait for one out of the pool."""
        self.breaks = 0
        """The count of connections that broke so far."""

    def connect(self) -> AsyncConnection:
        """Return the connection that was used last, or one to be started."""
        return self.idle.pop() if self.idle else super().connect()

    def counts(self) -> tuple[int, int]:
        """Return how many connections are in use, and how many are open and idle."""
        pool, idle = cast(QueuePool, self.sync_engine.pool), len(self.idle)
        return pool.checkedout() - idle, pool.checkedin() + idle

    async def close_idle(self) -> None:
        """Give all idle connections back to the pool."""
        while self.idle:
            await self.idle.pop().close()

    async def dispose(self, close: bool = True) -> None:
        """Close all connections that nobody uses."""
        await self.close_idle()
        await super().dispose(close)
