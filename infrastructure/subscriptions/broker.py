"""In-process publish/subscribe broker: one inspection of the log per change, one query per topic.

The log is the only store of changes. A new, reconnecting or slow subscriber replays the log until it has
caught up, then gets live changes: no gap, no duplicate.
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

from domain.errors import IntegrityError
from infrastructure.queries.log import TouchedSubjects, touched_subjects
from infrastructure.subscriptions.projection_progress import POLL_SECONDS, ProjectionProgress

T = TypeVar("T")

BUFFERED_CHANGES = 500
"""Changes that are buffered for a slow subscriber, before it has to replay the log instead."""

MAX_INSPECTED_EVENTS = 10_000
"""Events at once whose subjects are inspected; after more of them every topic is queried."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A change of a topic, and the log position after which to resume."""

    position: int
    payload: T
    shared: dict[Any, Any] = field(default_factory=dict)
    """A cache shared by all subscribers of this change."""


class Topic(Protocol[T]):
    """A topic to subscribe to. Subscribers of topics with equal keys share its queries."""

    @property
    def key(self) -> Hashable: ...

    due: float | None
    """The event loop's time at which it changes by itself; None: only by recorded events."""

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        """Tell whether events about these subjects may have changed it."""
        ...

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[T]], int]:
        """Return its changes after a position, in order, and the position up to which they are all.

        That position is ``until``, or less where there are more changes than fit one page.
        """
        ...


class Broker:
    """Publisher of changes to the subscribers of a process; wakes once per change."""

    def __init__(self, progress: ProjectionProgress, engine: AsyncEngine) -> None:
        self._progress, self._engine = progress, engine
        self._active: dict[Hashable, _ActiveTopic] = {}
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._published = 0

    @property
    def subscribers(self) -> int:
        """Return the number of subscribers of all topics."""
        return sum(len(active.subscribers) for active in self._active.values())

    def start(self) -> None:
        """Start to publish, from the present position on."""
        self._published = self._progress.position
        self._task = asyncio.create_task(self._run(), name="broker")

    async def stop(self) -> None:
        """Stop publishing."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def forget_all(self) -> None:
        """Have slow subscribers read the log again: what waits for them may name who is erased."""
        for active in self._active.values():
            for subscriber in active.subscribers:
                subscriber.forget()

    async def subscribe(
        self, topic: Topic[T], after: int | None
    ) -> AsyncGenerator[Change[T], None]:
        """Yield the changes of a topic after a position, then live ones; only live ones for None."""
        position = self._progress.position if after is None else after
        while True:
            while True:
                until = max(position, self._progress.position)
                changes, position = await self._changes(topic, position, until)
                for change in changes:
                    yield change
                if position >= self._progress.position:
                    break
            active = self._active.get(topic.key)
            if active and active.published > position:  # dropped read models are behind again
                await self._progress.wait_past(active.published - 1)
                continue
            # Nothing is awaited between that comparison and this line: later changes are published.
            active = self._active.setdefault(topic.key, _ActiveTopic(topic, position))
            subscriber: _Subscriber[T] = _Subscriber(position)
            active.subscribers.add(subscriber)
            self._subscribed.set()
            try:
                async for change in subscriber:
                    yield change
            finally:
                active.subscribers.discard(subscriber)
                if not active.subscribers and self._active.get(topic.key) is active:
                    del self._active[topic.key]
            position = subscriber.position

    async def _run(self) -> None:
        while True:
            try:
                await self._step()
            except Exception as error:
                log.warning("cannot publish changes, trying again: %s", type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)

    async def _step(self) -> None:
        """Publish to topics that became active during the last step; else wait for a change."""
        subscribers = [
            active for active in self._active.values() if active.published < self._published
        ]
        if subscribers:
            for active in subscribers:
                await self._publish(active, self._published)
            return
        await self._wait()
        now, until = asyncio.get_running_loop().time(), self._progress.position
        is_new = bool(self._active) and until > self._published
        subjects = await self._subjects(until) if is_new else None
        for active in list(self._active.values()):
            is_due = active.topic.due is not None and active.topic.due <= now
            is_touched = until > self._published and (
                subjects is None or active.topic.is_touched(subjects)
            )
            if is_due or is_touched:
                await self._publish(active, until)
            active.published = max(active.published, until)
        self._published = max(self._published, until)

    async def _wait(self) -> None:
        """Wait for a readable position that is not published, a new subscriber, or a due topic."""
        self._subscribed.clear()
        dues = [a.topic.due for a in self._active.values() if a.topic.due is not None]
        waits = [
            asyncio.ensure_future(self._progress.wait_past(self._published)),
            asyncio.ensure_future(self._subscribed.wait()),
        ]
        loop = asyncio.get_running_loop()
        try:
            timeout = max(0.0, min(dues) - loop.time()) if dues else None
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _subjects(self, until: int) -> TouchedSubjects | None:
        """Return the subjects of the events that are not published; None if there are too many."""
        if until - self._published > MAX_INSPECTED_EVENTS:
            return None
        async with self._engine.connect() as connection:
            return await touched_subjects(connection, self._published, until)

    async def _publish(self, active: "_ActiveTopic", until: int) -> None:
        """Publish the changes of a topic up to a position to all its subscribers."""
        while active.subscribers:
            after = active.published
            try:
                changes, position = await self._changes(active.topic, after, max(after, until))
            except IntegrityError as error:  # of this topic alone: the others go on
                self._active.pop(active.topic.key, None)
                for subscriber in active.subscribers:
                    subscriber.fail(error)
                return
            active.published = position
            for subscriber in list(active.subscribers):
                subscriber.receive(changes, after)
            if position >= until:
                return

    async def _changes(
        self, topic: Topic[T], after: int, until: int
    ) -> tuple[Sequence[Change[T]], int]:
        async with self._engine.connect() as connection:
            return await topic.changes(connection, after, until)


class _ActiveTopic:
    """A topic with subscribers, and the position up to which its changes are published."""

    def __init__(self, topic: Topic[Any], position: int) -> None:
        self.topic, self.published = copy(topic), position
        self.subscribers: set[_Subscriber[Any]] = set()


class _Subscriber(Generic[T]):
    """A bounded buffer of changes that a subscriber has not consumed."""

    def __init__(self, position: int) -> None:
        self.position = self._subscribed_at = position
        self._buffer: deque[Change[T]] = deque()
        self._wake = asyncio.Event()
        self._is_behind = False
        self._error: IntegrityError | None = None

    def receive(self, changes: Sequence[Change[T]], after: int) -> None:
        """Buffer the changes after a position, without those before it subscribed."""
        since = self._subscribed_at
        new = [change for change in changes if after >= since or change.position > since]
        if len(self._buffer) + len(new) > BUFFERED_CHANGES:
            self._buffer.clear()
            self._is_behind = True
        elif not self._is_behind:
            self._buffer.extend(new)
        self._wake.set()

    def forget(self) -> None:
        """Drop what is buffered: it is read from the log again."""
        if self._buffer:
            self._buffer.clear()
            self._is_behind = True
            self._wake.set()

    def fail(self, error: IntegrityError) -> None:
        """End with an error, after what is buffered."""
        self._error = error
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Change[T]]:
        """Yield the changes as they come; end when the buffer has overflowed, or with an error."""
        while True:
            while self._buffer:
                change = self._buffer.popleft()
                self.position = change.position
                yield change
            if self._error is not None:
                raise self._error
            if self._is_behind:
                return
            self._wake.clear()
            await self._wake.wait()
