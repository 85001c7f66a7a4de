"""Single flight and batches: concurrent requests for the same share one execution (docs/adr/0019)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from infrastructure.queries.as_of import AsOf

W = TypeVar("W")
R = TypeVar("R")

AS_NUMBER = attrgetter("int")
"""An id as a number: hashed and compared without a call of Python's own for each of thousands."""


class BatchRunner(Generic[W, R]):
    """Request coalescing in rounds: while one is under way, the others wait and share the next.

    So each item is part of a round that began after it was added. An item that is alone does not wait.
    """

    def __init__(self, name: str, run_round: Callable[[list[W]], Awaitable[R]]) -> None:
        self._name, self._run_round = name, run_round
        self._waiting: list[tuple[W, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: W) -> R:
        """Return, or raise again, the result of the round that the item is part of."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._task is None:
            self._task = asyncio.create_task(self._run_rounds(), name=self._name)
        return await result

    async def _run_rounds(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: list[tuple[W, asyncio.Future[R]]]) -> None:
        """Run one round, and give its result to all that wait for it."""
        try:
            value = await self._run_round([item for item, _ in batch])
        except Exception as error:
            for _, result in batch:
                if not result.cancelled():
                    result.set_exception(error)
        else:
            for _, result in batch:
                if not result.cancelled():
                    result.set_result(value)


class SingleFlight:
    """Single flight: identical calls run once, and all callers get that result.

    A call that nobody waits for any more is cancelled. Switched off, each call runs by itself.
    """

    def __init__(self, is_on: bool = True) -> None:
        self._is_on = is_on
        self._calls: dict[Hashable, _Call] = {}

    async def run(self, key: Hashable, function: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Return, or raise again, the result of the first call with this key."""
        if not self._is_on:
            return await function()
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call(asyncio.create_task(function()))
        call.waiting += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.waiting -= 1
            if not call.waiting and not call.task.done():
                call.task.cancel()
                del self._calls[key]


@dataclass(slots=True)
class _Call:
    """A call under way or done, and how many callers wait for it."""

    task: asyncio.Task[Any]
    waiting: int = 0


def query_key(args: Collection[Any]) -> Hashable | None:
    """Return the key of a query as of a moment, by its arguments; None if it may not be shared."""
    if not any(isinstance(arg, AsOf) for arg in args):
        return None
    key = tuple(_key_of(arg) for arg in args)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _key_of(arg: Any) -> Any:
    if isinstance(arg, AsOf):
        return arg.as_of, arg.known, arg.viewer.cache_key
    if not isinstance(arg, list):
        return arg
    return tuple(map(AS_NUMBER, arg)) if arg and type(arg[0]) is UUID else tuple(arg)
