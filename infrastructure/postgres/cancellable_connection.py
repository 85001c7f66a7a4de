"""Connection of psycopg whose statement can be cancelled while it is still being sent.

psycopg (3.3.9, the newest) goes on with a statement whose task was cancelled by ``next()``: its compiled
generator, if it was about to send the rest, wants the state of the socket there, and raises a TypeError;
psycopg then warns and closes the connection. Nothing is ready, is what it has to be told.
"""

from asyncio import CancelledError
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.waiting import Ready
from sqlalchemy import ExceptionContext

T = TypeVar("T")


class CancellableConnection(psycopg.AsyncConnection[TupleRow]):
    """Asynchronous connection that a cancelled task gives back as it was."""

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Run a generator of psycopg to its end; cancel its statement in the server if cancelled."""
        return await super().wait(_resumable(gen), interval, timeout)


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
