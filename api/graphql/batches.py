"""Lookups of several things at once: their data loader reads them all by one statement."""

from asyncio import gather
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar
from uuid import UUID

from api.graphql.context import ById, Context
from infrastructure.queries.as_of import AsOf

T = TypeVar("T")


async def find_all(lookups: Iterable[Awaitable[T | None]]) -> list[T]:
    """Return the things that there are, in the order of the lookups."""
    return [view for view in await gather(*lookups) if view is not None]


async def load_all(context: Context, query: ById[T], ids: Iterable[UUID], at: AsOf) -> list[T]:
    """Return the things that there are of these ids, in their order."""
    lookups: list[Any] = [context.load(query, id, at) for id in ids]
    return await find_all(lookups)
