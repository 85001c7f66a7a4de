"""What changes, told to all who follow it: one look at the log for each change, one question a topic.

Nothing is kept for those who follow but the log itself. Who begins, comes back, or cannot keep up is
told from the log until he has caught up with the present, and then as it happens: no gap, no double.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from infrastructure.queries.feed import Touched, touched
from infrastructure.subscriptions.projection_progress import LOOK_AGAIN_SECONDS, ProjectionProgress

T = TypeVar("T")

BUFFERED_CHANGES = 500
"""What is kept for one who is slow, before he is told from the log instead."""

TOO_MUCH = 10_000
"""Events at once of which nobody looks what they are about: every topic is asked."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """Something that changed, and the place in the log after which to go on."""

    position: int
    what: T
    shared: dict[Any, Any] = field(default_factory=dict)
    """What those who are told it work out once for all of them."""


class Topic(Protocol[T]):
    """Something that can be followed. Those whose topics have the same key are told together."""

    @property
    def key(self) -> Hashable: ...

    due: float | None
    """The loop's time at which it changes by itself; None: only by what is recorded."""

    def is_about(self, touched: Touched) -> bool:
        """Whether such events may have changed it."""
        ...

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[T]], int]:
        """What changed after one position, in order, and up to which this is all: ``until`` or less."""
        ...


class Broker:
    """One for each process: wakes once for each change, whoever follows."""

    def __init__(self, readable: ProjectionProgress, engine: AsyncEngine) -> None:
        self._readable, self._engine = readable, engine
        self._tails: dict[Hashable, _Tail] = {}
        self._task: asyncio.Task[None] | None = None
        self._joined = asyncio.Event()
        self._reached = 0

    @property
    def followers(self) -> int:
        return sum(len(tail.followers) for tail in self._tails.values())

    def start(self) -> None:
        self._reached = self._readable.position
        self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def follow(self, topic: Topic[T], after: int | None) -> AsyncGenerator[Change[T], None]:
        """What changed after a position, then what changes; from now on if no position is given."""
        reached = self._readable.position if after is None else after
        while True:
            while True:
                until = max(reached, self._readable.position)
                found, reached = await self._ask(topic, reached, until)
                for told in found:
                    yield told
                if reached >= self._readable.position:
                    break
            tail = self._tails.get(topic.key)
            if tail and tail.reached > reached:  # read models that were dropped are behind again
                await self._readable.past(tail.reached - 1)
                continue
            # Nothing is awaited since that look at the present: what comes now is told below.
            tail = self._tails.setdefault(topic.key, _Tail(topic, reached))
            follower: _Follower[T] = _Follower(reached)
            tail.followers.add(follower)
            self._joined.set()
            try:
                async for told in follower:
                    yield told
            finally:
                tail.followers.discard(follower)
                if not tail.followers and self._tails.get(topic.key) is tail:
                    del self._tails[topic.key]
            reached = follower.reached

    async def _run(self) -> None:
        while True:
            try:
                await self._step()
            except Exception as failed:
                log.warning("cannot tell what changes, trying again: %s", type(failed).__name__)
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _step(self) -> None:
        """Tell one change, or those who came while the last one was told."""
        late = [tail for tail in self._tails.values() if tail.reached < self._reached]
        if late:
            for tail in late:
                await self._tell(tail, self._reached)
            return
        await self._wait()
        now, until = asyncio.get_running_loop().time(), self._readable.position
        about = await self._about(until) if until > self._reached else None
        for tail in list(self._tails.values()):
            is_due = tail.topic.due is not None and tail.topic.due <= now
            if is_due or (until > self._reached and (about is None or tail.topic.is_about(about))):
                await self._tell(tail, until)
            tail.reached = max(tail.reached, until)
        self._reached = max(self._reached, until)

    async def _wait(self) -> None:
        """Until something can be read that was not told, or something changes by itself."""
        self._joined.clear()
        dues = [t.topic.due for t in self._tails.values() if t.topic.due is not None]
        waits = [
            asyncio.ensure_future(self._readable.past(self._reached)),
            asyncio.ensure_future(self._joined.wait()),
        ]
        loop = asyncio.get_running_loop()
        try:
            timeout = max(0.0, min(dues) - loop.time()) if dues else None
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _about(self, until: int) -> Touched | None:
        if until - self._reached > TOO_MUCH:
            return None
        async with self._engine.connect() as connection:
            return await touched(connection, self._reached, until)

    async def _tell(self, tail: "_Tail", until: int) -> None:
        """All that changed in a topic, to all who follow it; those who came meanwhile, the rest."""
        while tail.followers:
            after = tail.reached
            found, reached = await self._ask(tail.topic, after, max(after, until))
            tail.reached = reached
            for follower in list(tail.followers):
                follower.push(found, after)
            if reached >= until:
                return

    async def _ask(
        self, topic: Topic[T], after: int, until: int
    ) -> tuple[Sequence[Change[T]], int]:
        async with self._engine.connect() as connection:
            return await topic.changes(connection, after, until)


class _Tail:
    """A topic that is followed, and how far all of its followers have been told."""

    def __init__(self, topic: Topic[Any], reached: int) -> None:
        self.topic, self.reached = copy(topic), reached
        self.followers: set[_Follower[Any]] = set()


class _Follower(Generic[T]):
    """What one who follows has not taken yet."""

    def __init__(self, reached: int) -> None:
        self.reached = self._joined = reached
        self._waiting: deque[Change[T]] = deque()
        self._wake = asyncio.Event()
        self._is_behind = False

    def push(self, found: Sequence[Change[T]], after: int) -> None:
        """What changed after a position; what he knew when he came is not told again."""
        new = [told for told in found if after >= self._joined or told.position > self._joined]
        if len(self._waiting) + len(new) > BUFFERED_CHANGES:
            self._waiting.clear()
            self._is_behind = True
        elif not self._is_behind:
            self._waiting.extend(new)
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Change[T]]:
        """As it is told; ends when he is too far behind."""
        while True:
            while self._waiting:
                told = self._waiting.popleft()
                self.reached = told.position
                yield told
            if self._is_behind:
                return
            self._wake.clear()
            await self._wake.wait()
