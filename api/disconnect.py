"""Disconnect: a question ends, in the database too, when its client goes away. A command never does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

RECEIVE: ContextVar[Receive | None] = ContextVar("RECEIVE", default=None)
"""By which this request learns that its client is gone; None over a WebSocket, which cancels itself."""


@asynccontextmanager
async def cancelled_on_disconnect() -> AsyncIterator[None]:
    """Cancel what is done within when the client of this request goes away. Raises ClientDisconnect.

    The request's body has to be read by then.
    """
    receive = RECEIVE.get()
    if receive is None:
        yield
        return
    limit = asyncio.timeout(None)
    try:
        async with limit:
            watch = asyncio.create_task(_expire_on_disconnect(limit, receive))
            try:
                yield
            finally:
                watch.cancel()
    except TimeoutError:
        if limit.expired():
            raise ClientDisconnect from None
        raise


async def _expire_on_disconnect(limit: asyncio.Timeout, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # the body of a GET, which is empty
    limit.reschedule(asyncio.get_running_loop().time())
