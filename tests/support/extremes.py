"""Extreme inputs of every mutation, found by walking the input types of the schema."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
)

from api.graphql.schema import schema
from tests.support.api_dsl import Ward
from tests.support.api_example import EXAMPLES

Path = tuple[str | int, ...]

MOMENTS = (
    "0001-01-01T00:00:00Z",
    "1849-12-31T23:59:59Z",
    "1850-01-01T00:00:00Z",
    "1850-01-01T00:00:00.000001Z",
    "1970-01-01T00:00:00Z",
    "2038-01-19T03:14:08Z",
    "2999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999Z",
)
TEXTS = (
    "",
    " ",
    ".",
    "\u200b",
    "\\N",
    "\\.",
    "{}",
    '{"a":null}',
    "-infinity",
    "infinity",
    "null",
    "0001-01-01",
    "localtime",
    "Etc/GMT+12",
    "Pacific/Kiritimati",
    "00000000-0000-0000-0000-000000000000",
    "x" * 40,
    "x" * 41,
    "x" * 201,
    "\U0001f3e5\u0301" * 20,
    "x" * 20_001,
)
NUMBERS = (0, -1, 1, 24, 2**31 - 1, -(2**31))
TIMES = ("00:00", "00:00:01", "23:59", "23:59:59", "24:00")


def moments() -> tuple[str, ...]:
    """The moments at the edges of what may be named, and around now."""
    now = datetime.now(UTC)
    last = f"{now.year + 10}-12-31"
    near = [now + timedelta(seconds=s) for s in (-1, 1, 59, 61)]
    return (*MOMENTS, f"{last}T23:59:59Z", *(at.isoformat() for at in near))


def fields(kind: Any, at: Path = ()) -> Iterator[tuple[Path, tuple[Any, ...]]]:
    """Yield each field of an input type, those within it too, with its extremes."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            if name != "commandId":
                yield from fields(field.type, (*at, name))
    elif isinstance(kind, GraphQLList):
        yield at, ([],)
        yield from fields(kind.of_type, (*at, 0))
    else:
        yield at, _extremes(kind)


def _extremes(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, GraphQLEnumType):
        return tuple(kind.values)
    result: dict[str, tuple[Any, ...]] = {
        "DateTime": moments(),
        "Date": tuple(dict.fromkeys(m[:10] for m in moments())),
        "Time": TIMES,
        "Int": NUMBERS,
        "Long": NUMBERS,
        "Boolean": (True, False),
        "String": TEXTS,
        "ID": TEXTS,
    }
    return result[kind.name]


def inputs(mutation: str) -> list[tuple[Path, Any]]:
    """Return all extremes of a mutation: the place in its input, and the value."""
    root = schema._schema.mutation_type
    assert isinstance(root, GraphQLObjectType)
    kind = root.fields[mutation].args["input"].type
    return [(path, value) for path, values in fields(kind) for value in values]


class Extremes(Ward):
    """A ward that sends an example's own mutation with extremes first, then as it is."""

    def __init__(self, ward: Ward, mutation: str, chosen: list[tuple[Path, Any]]) -> None:
        super().__init__(ward.client, ward._named)
        self.answers: list[tuple[Path, Any, dict[str, Any]]] = []
        self._mutation, self._chosen = mutation, chosen
        self.execute = self._first(self.client.execute)
        self.record = self._first(self.client.record)

    def _first(self, give: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def send(command: str, **input: Any) -> dict[str, Any]:
            if command == self._mutation:
                while self._chosen:
                    path, value = self._chosen.pop()
                    self._send(
                        {**_with(input, path, value), "commandId": str(uuid4())}, path, value
                    )
            return give(command, **input)

        return send

    def _send(self, input: Any, path: Path, value: Any) -> None:
        name = self._mutation[0].upper() + self._mutation[1:]
        answer = self.client.raw(
            f"mutation($i: {name}Input!) {{ r: {self._mutation}(input: $i) {{ __typename"
            " ... on Refusal { message path } } }",
            {"i": input},
        )
        self.answers.append((path, value, answer))


def _with(input: Any, path: Path, value: Any) -> Any:
    """Return an input with the value at a place, which is made if it is not there."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        items = list(input or [None])
        return [_with(items[0], tuple(rest), value), *items[1:]]
    inner = input or {}
    return {**inner, step: _with(inner.get(step), tuple(rest), value)}


def send_extremes(ward: Ward, mutation: str, lot: Random, most: int) -> Extremes:
    """Send some extremes of a mutation, in an order of chance; return the answers."""
    chosen = inputs(mutation)
    chosen = lot.sample(chosen, min(most, len(chosen)))
    sender = Extremes(ward, mutation, chosen)
    _, give = EXAMPLES[mutation]
    # an extreme that was taken may have taken the example's own turn
    with suppress(AssertionError, LookupError, TypeError, ValueError):
        give(sender)
    return sender
