"""Tests of the fast executor: it tells what graphql-core's does, also of what is unexpected."""

import asyncio
import enum
import gc
import json
import weakref
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql.execution.collect_fields import FieldDetails
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.execution.fast_executor import (
    READ,
    Executor,
    FallBack,
    SelectionPlan,
    install_fast_resolvers,
    result_without_io,
)
from api.graphql.execution.partial_executor import PartialExecutor
from api.graphql.schema import schema
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.postgres.database import Database
from tests.support.app_without_http import alone


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


ITEMS = 5
"""Of a subscription."""


class How(enum.Enum):
    """A way in which a thing shows another."""

    AT_ONCE, LATER, NOT, WRONGLY = range(4)


@strawberry.type
class Thing:
    name: str
    alias: str | None
    colour: Colour
    tags: list[str]
    holes: list[str | None] | None
    one: "Thing | None"
    many: list["Thing"]
    how: strawberry.Private[How]

    @strawberry.field
    def shown(self, info: Info[Any]) -> "Thing | None":
        return self._show(info)  # type: ignore[no-any-return]

    @strawberry.field
    def needed(self, info: Info[Any]) -> "Thing":
        return self._show(info)  # type: ignore[no-any-return]

    @strawberry.field
    def named(self, info: Info[Any]) -> str | None:
        shown = self._show(info)
        return self._named(shown) if self.how is How.LATER else self.alias  # type: ignore[return-value]

    async def _named(self, shown: Any) -> str | None:
        result = await shown
        return result.name if result else None

    @strawberry.field
    async def awaited(self, info: Info[Any]) -> list["Thing"]:
        return self.many

    def _show(self, info: Info[Any]) -> Any:
        assert info.context.shows, "the same context as of any other field"

        async def later() -> Thing | None:
            return self.one

        match self.how:
            case How.AT_ONCE:
                return self.one
            case How.LATER:
                return later()
            case How.NOT:
                raise ValueError(f"{self.name} is not shown")
            case How.WRONGLY:
                return "a text"


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, info: Info[Any]) -> Thing:
        return info.context.shows  # type: ignore[no-any-return]

    @strawberry.field
    async def things(self, info: Info[Any]) -> list[Thing]:
        return [info.context.shows, *info.context.shows.many]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def followed(self, info: Info[Any]) -> AsyncGenerator[Thing, None]:
        for _ in range(ITEMS):
            yield info.context.shows


USUAL = strawberry.Schema(Query, subscription=Subscription, execution_context_class=PartialExecutor)
DIRECT = strawberry.Schema(Query, subscription=Subscription, execution_context_class=Executor)
install_fast_resolvers(DIRECT)

ODD = [None, object()]
"""No text, and no colour."""

texts = st.sampled_from(["a", "b", *ODD])


def things(within: st.SearchStrategy[Thing]) -> st.SearchStrategy[Thing]:
    return st.builds(
        Thing,
        name=st.sampled_from(["a", "b", "c", *ODD]),
        alias=texts,
        colour=st.sampled_from([*Colour, *Colour, *ODD]),
        tags=st.lists(texts, max_size=2),
        holes=st.none() | st.lists(texts, max_size=2),
        one=st.none() | within,
        many=st.lists(within | st.sampled_from([None, "a text"]), max_size=2),
        how=st.sampled_from([How.AT_ONCE, *How]),
    )


PLAIN = Thing(
    name="a", alias=None, colour=Colour.RED, tags=[], holes=None, one=None, many=[], how=How.AT_ONCE
)

LEAVES = (
    "name",
    "alias",
    "colour",
    "tags",
    "holes",
    "__typename",
    "other: name",
    "colour @skip(if: $yes)",
)
LINKS = ("one", "many", "shown", "needed", "awaited", "same: one", "shown @include(if: $yes)")


def selections(within: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    link = st.tuples(st.sampled_from(LINKS), within).map(lambda link: " ".join(link))
    some = st.lists(st.sampled_from(LEAVES) | link | st.just("... on Thing { tags }"), min_size=1)
    return some.map(lambda fields: f"{{ {' '.join(fields)} }}")


selected = st.recursive(st.just("{ name }"), selections, max_leaves=8)


def answer_of(by: strawberry.Schema, document: str, shows: Thing, yes: bool) -> Any:
    answer = by.execute(document, {"yes": yes}, SimpleNamespace(shows=shows))
    result = asyncio.run(answer)
    errors = [json.dumps(error.formatted, sort_keys=True) for error in result.errors or ()]
    return json.dumps(result.data), sorted(errors)


@given(
    st.recursive(st.just(PLAIN), things, max_leaves=6),
    st.sampled_from(["thing", "things"]),
    selected,
    st.booleans(),
)
def test_the_same_is_told_directly(shows: Thing, root: str, asked: str, yes: bool) -> None:
    document = (
        f"query($yes: Boolean!) {{ {root} {asked} again: {root} @skip(if: $yes) {{ name }} }}"
    )

    assert answer_of(DIRECT, document, shows, yes) == answer_of(USUAL, document, shows, yes)


@pytest.mark.filterwarnings("error")
def test_what_has_to_be_awaited_is_left_to_the_executor_and_not_left_lying() -> None:
    later = replace(PLAIN, one=PLAIN, how=How.LATER)

    data, errors = answer_of(DIRECT, "{ thing { shown { name } named } }", later, True)

    assert (json.loads(data), errors) == ({"thing": {"shown": {"name": "a"}, "named": "a"}}, [])
    gc.collect()


def test_objects_are_told_without_the_executor() -> None:
    executed = 0

    class Counted(Executor):
        def execute_field(self, *args: Any, **named: Any) -> Any:
            nonlocal executed
            executed += 1
            return super().execute_field(*args, **named)

    counted = strawberry.Schema(Query, execution_context_class=Counted)
    install_fast_resolvers(counted)
    many = replace(PLAIN, many=[replace(PLAIN, one=PLAIN) for _ in range(20)])

    data, errors = answer_of(
        counted, "{ things { name many { colour shown { name } } } }", many, True
    )

    assert (data.count("RED"), errors, executed) == (20, [], 0)


def test_what_is_followed_for_long_takes_no_more_memory() -> None:
    document = "subscription { followed { name many { name awaited { name } } } }"
    shows = replace(PLAIN, many=[PLAIN, PLAIN])

    async def follow() -> list[int]:
        items: Any = await DIRECT.subscribe(document, context_value=SimpleNamespace(shows=shows))
        held = []
        async for item in items:
            assert not item.errors
            held.append(
                sum(isinstance(one, FieldDetails | SelectionPlan) for one in gc.get_objects())
            )
        return held

    gc.collect()
    gc.disable()
    try:
        _, *second_and_later = asyncio.run(follow())
    finally:
        gc.enable()

    assert len(second_and_later) == ITEMS - 1
    assert len(set(second_and_later)) == 1


def test_boards_are_told_directly() -> None:
    """All but their room's version and what is asked for by itself."""
    content = {
        "RoomOccupancy": ("room", "beds"),
        "Bed": ("code", "state", "stay", "patient", "occupants"),
        "BedOccupant": ("since", "stay", "patient"),
        "Stay": ("id", "specialty", "admittedAt"),
        "Patient": ("mrn", "familyName"),
    }
    for name, fields in content.items():
        kind: Any = schema._schema.type_map[name]
        assert all(READ in kind.fields[field].extensions for field in fields), name


def test_the_nodes_of_pages_are_told_directly() -> None:
    pages = [name for name in schema._schema.type_map if name.endswith("Connection")]
    assert "TimelineEntryConnection" in pages
    for name in pages:
        kind: Any = schema._schema.type_map[name]
        assert READ in kind.fields["nodes"].extensions, name


def test_nothing_of_an_answer_waits_for_the_collector(database: Database) -> None:
    caller = Caller(
        Actor(issuer="test", subject="nurse", role=Role.NURSE),
        None,
        datetime.now(UTC) + timedelta(hours=1),
    )

    async def ask() -> weakref.ref[Context]:
        async with alone(database) as house:
            context = Context(house, caller)
            told = await schema.execute("{ wards { name } }", context_value=context)
            assert told.data == {"wards": []}
            left = weakref.ref(context)
            del context, told
            return left

    gc.collect()
    gc.disable()
    try:
        left = asyncio.run(ask())
        assert left() is None
    finally:
        gc.enable()


def test_what_is_awaited_together_is_not_logged_as_lost() -> None:
    """The parts of a `gather` go on after their resolver was left to the executor."""
    lost: list[dict[str, Any]] = []

    async def part() -> None:
        raise FallBack

    async def resolver() -> None:
        await asyncio.gather(part(), part())

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        with pytest.raises(FallBack):
            result_without_io(resolver())
        parts = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(parts)

    asyncio.run(ask())
    gc.collect()
    assert lost == []
