"""What many ask for at the same time, done for all of them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

W = TypeVar("W")
R = TypeVar("R")


class BatchRunner(Generic[W, R]):
    """Rounds, one after the other: while one is under way the others wait, and share the next.

    So each is part of a round that began after it asked. One that is alone waits for nobody.
    """

    def __init__(self, name: str, do: Callable[[list[W]], Awaitable[R]]) -> None:
        self._name, self._do = name, do
        self._waiting: list[tuple[W, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, what: W) -> R:
        """What came of the round that this was part of. Raises what it raised."""
        told: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, told))
        if self._task is None:
            self._task = asyncio.create_task(self._rounds(), name=self._name)
        return await told

    async def _rounds(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._round(asked)
        finally:
            self._task = None

    async def _round(self, asked: list[tuple[W, asyncio.Future[R]]]) -> None:
        try:
            came = await self._do([what for what, _ in asked])
        except Exception as failed:
            for _, told in asked:
                if not told.cancelled():
                    told.set_exception(failed)
        else:
            for _, told in asked:
                if not told.cancelled():
                    told.set_result(came)


class SingleFlight:
    """Answers that are the same for all who ask: each is asked for once, and told to them all.

    What nobody waits for any more is given up.
    """

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Asked] = {}

    async def ask(self, what: Hashable, do: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """What came of it for the first who asked for this. Raises what it raised."""
        asked = self._asked.get(what)
        if asked is None:
            asked = self._asked[what] = _Asked(asyncio.create_task(do()))
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
        finally:
            asked.waiting -= 1
            if not asked.waiting and not asked.task.done():
                asked.task.cancel()
                del self._asked[what]


@dataclass(slots=True)
class _Asked:
    """What is asked for, and how many wait for it."""

    task: asyncio.Task[Any]
    waiting: int = 0
