"""Work of one request: the processor time that it takes of the event loop, which all requests share.

A request is known by a context variable, so that what it does in tasks of its own is counted as well.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Lock
from time import thread_time
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

T = TypeVar("T")

COUNTED_SECONDS = 0.002
"""Processor time after which what a request took of the event loop is counted for its login."""

SWITCH_SECONDS = 0.001
"""Longest time for which a thread keeps the interpreter from another one that wants it.

Who wants it looks again after each: with a fifth of that, threads of commands take a tenth more."""

SWITCH_SECONDS_BESIDE = 0.0002
"""The same while a thread computes for long beside the event loop, which wants it for each answer."""

_computing = 0
"""The count of threads that compute beside the event loop."""
_count_lock = Lock()


class Work:
    """The work of one request, which comes out of the allowance of its login."""

    def __init__(
        self,
        spend: Callable[[int], None],
        owe: Callable[[int], None],
        use: Callable[[float], None],
        finish: Callable[[float], None],
        go_on: Callable[[], Awaitable[None]],
        slots: asyncio.Semaphore,
    ) -> None:
        """Take what counts it for the login.

        ``spend``: units, raises TooManyRequests; ``owe``: units of what is done already;
        ``use``: seconds of processor time; ``finish``: the same, all together, at the end;
        ``go_on``: waits for the turn of another step; ``slots``: for the login's statements.
        """
        self.spend, self.owe, self._use, self._finish = spend, owe, use, finish
        self.go_on, self.slots = go_on, slots
        self.used = 0.0
        self.longest = 0.0
        """The longest time for which it held the event loop, in seconds."""
        self._held = 0.0
        """Of the time for which it held the event loop: what is not counted yet."""

    def use(self, seconds: float) -> None:
        """Count processor time that was used beside the event loop."""
        self.used += seconds
        self._use(seconds)

    def hold(self, seconds: float) -> None:
        """Count processor time for which the event loop was held, many short times as one."""
        self._held += seconds
        if seconds > self.longest:
            self.longest = seconds
        if self._held >= COUNTED_SECONDS:
            self._count_held()

    def end(self) -> None:
        """End the request."""
        self._count_held()
        self._finish(self.used)

    def _count_held(self) -> None:
        seconds, self._held = self._held, 0.0
        self.use(seconds)


WORK: ContextVar[Work | None] = ContextVar("WORK", default=None)
"""The work of this request; None where none is counted: on the command line."""


def statement_slot() -> AbstractAsyncContextManager[None]:
    """Return the slot of a statement or command, of those that its login may have at once."""
    work = WORK.get()
    return nullcontext() if work is None else work.slots


async def next_step() -> None:
    """Wait until the login's share allows another step of what has begun."""
    if work := WORK.get():
        await work.go_on()


class MeteredCoroutine(Coroutine[Any, Any, T]):
    """A coroutine of which each step is timed."""

    __slots__ = ("_coroutine", "_hold", "_send")

    def __init__(self, coroutine: Coroutine[Any, Any, T], work: Work) -> None:
        self._coroutine, self._send, self._hold = coroutine, coroutine.send, work.hold

    def send(self, value: Any) -> Any:
        start = thread_time()
        try:
            return self._send(value)
        finally:
            self._hold(thread_time() - start)

    def throw(self, *error: Any) -> Any:
        start = thread_time()
        try:
            return self._coroutine.throw(*error)
        finally:
            self._hold(thread_time() - start)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self

    def __iter__(self) -> "MeteredCoroutine[T]":
        return self

    def __next__(self) -> Any:  # what a task calls: `send`, without a call more
        start = thread_time()
        try:
            return self._send(None)
        finally:
            self._hold(thread_time() - start)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)  # its state, by which tasks are told apart


def metered_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], **options: Any
) -> "asyncio.Task[T]":
    """Return a task, metered if it is part of a request: the task factory of a server's loop."""
    context = options.get("context")
    work = WORK.get() if context is None else context.get(WORK)
    if work is not None:
        coroutine = MeteredCoroutine(coroutine, work)
    return asyncio.Task(coroutine, loop=loop, **options)


@contextmanager
def computing_beside() -> Iterator[None]:
    """Let the event loop have the interpreter sooner, while this thread computes for long."""
    _count_beside(1)
    try:
        yield
    finally:
        _count_beside(-1)


def _count_beside(change: int) -> None:
    global _computing
    with _count_lock:
        _computing += change
        sys.setswitchinterval(SWITCH_SECONDS_BESIDE if _computing else SWITCH_SECONDS)


async def in_thread(function: Callable[[], T], *, is_short: bool = False) -> T:
    """Run a function beside the event loop; its processor time is part of the request's work.

    Also if nobody waits for it any more. ``is_short``: it waits for the database more than it computes.
    """
    loop, work = asyncio.get_running_loop(), WORK.get()

    def run_timed() -> T:
        start = thread_time()
        try:
            with nullcontext() if is_short else computing_beside():
                return function()
        finally:
            if work is not None and not loop.is_closed():
                loop.call_soon_threadsafe(work.use, thread_time() - start)

    async with statement_slot():
        return await run_in_threadpool(run_timed)
