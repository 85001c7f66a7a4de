"""Nodes, connections and cursors (Relay's conventions)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry import argument

from api.graphql.declarations import DataKind, shows
from domain.refusals import InvalidInput

T = TypeVar("T")
V = TypeVar("V")
Count = Callable[[], Awaitable[int]]
"""A query for the number of entries of a list."""

MOST, PAGE = 500, 50
"""The most entries of a page, and the default."""

First = Annotated[int | None, argument(description="How many, 1 to 500; 50 by default.")]
After = Annotated[str | None, argument(description="The cursor after which to go on.")]


@shows(DataKind.HOUSE)
@strawberry.interface(description="Something that can be fetched again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and globally unique.")


@shows(DataKind.HOUSE, cached_from=())
@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first entry.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last entry: the next after."
    )


@strawberry.type(description="One entry of a page, with its place in the list.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Its place; give it back as after.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list, by keyset: nothing is skipped or doubled.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The entries with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    count: strawberry.Private[Count | None] = None

    @strawberry.field(description="The entries alone.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @strawberry.field(
        description="How many entries the whole list has; null where counting them would take long."
    )
    async def total_count(self) -> int | None:
        return None if self.count is None else await self.count()


def page_size(first: int | None) -> int:
    """Return the size of a page. Raises InvalidInput if it is too small or too large."""
    size = PAGE if first is None else first
    if not 1 <= size <= MOST:
        raise InvalidInput("first", f"ask for 1 to {MOST} entries")
    return size


def page(
    views: Sequence[V],
    first: int,
    after: str | None,
    cursor: Callable[[V], str],
    node: Callable[[V], T],
    count: Count | None = None,
) -> Connection[T]:
    """Return a page of views; there is one view more than ``first`` if another page follows."""
    page_views = views[:first]
    edges = [Edge(cursor=cursor(view), node=node(view)) for view in page_views]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(views) > first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )
