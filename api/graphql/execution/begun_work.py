"""Coroutines that an executor has begun: those that nobody awaits in the end are closed.

graphql-core makes the coroutines of all fields of an object, and of all objects of a list, before it
awaits any. A task that is cancelled before its first step, since the client is gone or a sibling field
failed, drops those that its own coroutine was to await: Python warns of each.
"""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType
from typing import Any, TypeGuard

from graphql.pyutils import is_awaitable

Coroutines = list[Coroutine[Any, Any, Any]]


def noting(begun: Coroutines) -> Callable[[Any], TypeGuard[Awaitable[Any]]]:
    """Return graphql-core's `is_awaitable`, which notes each coroutine that it is asked about."""

    def is_noted_awaitable(value: Any) -> TypeGuard[Awaitable[Any]]:
        if type(value) is CoroutineType:
            begun.append(value)
            return True
        return is_awaitable(value)

    return is_noted_awaitable


async def closing_others(result: Awaitable[Any], begun: Coroutines) -> Any:
    """Return a result; close the coroutines that were begun for it and that nobody has awaited."""
    try:
        return await result
    finally:
        for coroutine in begun:
            if getcoroutinestate(coroutine) == CORO_CREATED:
                coroutine.close()
        begun.clear()
