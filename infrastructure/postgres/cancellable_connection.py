"""Connection of psycopg whose statement can be cancelled while it is still being sent.

psycopg (3.3.9, the newest) goes on with a statement whose task was cancelled by ``next()``: its compiled
generator, if it was about to send the rest, wants the state of the socket there, and raises a TypeError;
psycopg then warns and closes the connection. Nothing is ready, is what it has to be told.
"""

import asyncio
import logging
from asyncio import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import QueryCanceled
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.waiting import Ready, wait_async
from sqlalchemy import ExceptionContext

T = TypeVar("T")

END_SECONDS = 5.0
"""The longest wait for the server to take a cancel, and to end the statement then."""

log = logging.getLogger(__name__)


class CancellableConnection(psycopg.AsyncConnection[TupleRow]):
    """Asynchronous connection that a cancelled task gives back as it was."""

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Run a generator of psycopg to its end; cancel its statement in the server if cancelled.

        Cancelled again meanwhile, it ends the statement all the same: psycopg closes the connection.
        """
        states = _resumable(gen)
        try:
            return await wait_async(states, self.pgconn.socket, interval, timeout)
        except CancelledError:
            ending = asyncio.create_task(self._end(states))
            while not ending.done():
                with suppress(CancelledError):
                    await asyncio.shield(ending)
            raise

    async def _end(self, states: PQGen[Any]) -> None:
        """Cancel the statement in the server and wait until it has ended, or close the connection."""
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        try:
            await self.cancel_safe(timeout=END_SECONDS)
            await wait_async(states, self.pgconn.socket, 0.1, END_SECONDS)
        except QueryCanceled:
            pass
        except (psycopg.Error, OSError) as error:
            log.warning("a cancelled statement did not end: %s", type(error).__name__)
            self.pgconn.finish()


def keep_if_idle(context: ExceptionContext) -> None:
    """Keep a connection whose statement was cancelled and has ended; SQLAlchemy would close it.

    For the event ``handle_error`` of an engine whose connections are of this class, in autocommit.
    """
    if isinstance(context.original_exception, CancelledError) and context.connection is not None:
        driver = context.connection.connection.driver_connection
        assert isinstance(driver, CancellableConnection)
        context.is_disconnect = driver.info.transaction_status != TransactionStatus.IDLE


def _resumable(gen: PQGen[T]) -> PQGen[T]:
    """Return a generator that may be resumed by ``next()``, as if nothing were ready."""
    try:
        states = next(gen)
        while True:
            states = gen.send((yield states) or Ready.NONE)
    except StopIteration as end:
        result: T = end.value
        return result
