"""Extreme values of every argument of every query, and of fields below, found by walking the schema."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)

from api.graphql.schema import schema
from tests.support.canaries import Planted, item, values
from tests.support.extremes import MOMENTS, NUMBERS, TEXTS, TIMES

CURSORS: tuple[list[Any], ...] = (
    [],
    ["p"],
    ["stays", "0001-01-01T00:00:00+14:00", "0" * 32],
    ["stays", "9999-12-31T23:59:59-14:00", "0" * 32],
    ["stays LATEST_ADMISSION", "9999-12-31T23:59:59-14:00", "0" * 32],
    ["patients", "\0", "\0", "\0"],
    ["practitioners", "\0"],
    ["arrivals", 2**70, "0001-01-01T00:00:00+14:00", "0" * 32],
    ["pending", "0001-01-01T00:00:00", "0" * 32],
    ["accesses", 2**70, "0" * 32],
    ["accesses", -(2**70), "0" * 32],
    ["issues", 2**70],
    ["issues", -1],
)


def packed(parts: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def extremes(kind: Any, positions: list[str]) -> Iterator[Any]:
    """Yield the extremes of a type; of an input, each of its fields with each of its extremes."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        yield []
        yield [None] * 3
        for value in extremes(kind.of_type, positions):
            yield [value]
        (first, *_) = [*extremes(kind.of_type, positions), "x"]
        yield [first] * 4_000
    elif isinstance(kind, GraphQLInputObjectType):
        needed = {
            name: next(extremes(field.type, positions))
            for name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull)
        }
        for name, field in kind.fields.items():
            for value in extremes(field.type, positions):
                yield {**needed, name: value}
    else:
        by_name: dict[str, Any] = {
            "DateTime": (*MOMENTS, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
            "Date": [moment[:10] for moment in MOMENTS],
            "Time": TIMES,
            "Int": (*NUMBERS, 2**31, -(2**63), 10**400),
            "Position": (*positions, *TEXTS),
            "Boolean": (True, 1, "true"),
        }
        texts = (*TEXTS, "\0", "a\0b", "\ud800", "%", "_", "\\", *map(packed, CURSORS))
        yield from getattr(kind, "values", None) or by_name.get(kind.name, texts)


def forged(position: str) -> list[str]:
    """Return positions of this log that were never given out, and of others."""
    kind, log, epoch, _ = json.loads(base64.urlsafe_b64decode(position + "=="))
    places: list[list[Any]] = [
        [kind, log, epoch, place] for place in (-1, 0, 10**9, 2**63, 2**70, True, 1.5, None)
    ]
    others: list[list[Any]] = [
        [kind, log, epoch + 1, 1],
        [kind, log, epoch - 1, 1],
        [kind, "0" * 12, epoch, 1],
    ]
    return [packed(parts) for parts in (*places, *others)]


OWNERS = {"Patient": "patient", "Stay": "stay", "Viewer": "viewer"}
"""The queries that lead to fields with arguments, by the type that has them."""


def arguments() -> list[tuple[str, str]]:
    """Return each field with an argument: of the queries, then those below."""
    root = _query()
    kinds = [
        kind
        for kind in schema._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
    ]
    others = (root, schema._schema.mutation_type, schema._schema.subscription_type)
    of_root = [(name, a) for name, field in root.fields.items() for a in field.args]
    return of_root + [
        (f"{kind.name}.{name}", a)
        for kind in kinds
        if kind not in others
        for name, field in kind.fields.items()
        for a in field.args
    ]


def asked(planted: Planted, name: str, argument: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the questions that give an argument of a field each of its extremes."""
    positions = forged(planted.given["position"][0])
    type_name, _, inner = name.rpartition(".")
    root = OWNERS[type_name] if type_name else name  # a new owner needs a query that leads to it
    of = _query().fields[root]
    given = {
        a: values(planted, root, a, known.type)[0]
        for a, known in of.args.items()
        if isinstance(known.type, GraphQLNonNull) and a not in ("orderBy", "read")
    }
    if root == "patient":
        given["mrn"] = planted.given["mrn"][0]
    field = schema._schema.type_map[type_name].fields[inner] if type_name else of  # type: ignore[attr-defined]
    kind = field.args[argument].type
    types = {a: of.args[a].type for a in given} | ({"v": kind} if type_name else {argument: kind})
    selection = "" if is_leaf_type(item(field.type)) else "{ __typename }"
    if type_name:
        selection = f"{{ {inner}({argument}: $v) {selection} }}"
    for value in extremes(kind, positions):
        variables = {**given, ("v" if type_name else argument): value}
        call = " ".join(f"{a}: ${a}" for a in variables if a != "v")
        head = " ".join(f"${a}: {types[a]}" for a in variables)
        yield f"query({head}) {{ {root}{f'({call})' if call else ''} {selection} }}", variables


def _query() -> GraphQLObjectType:
    root = schema._schema.query_type
    assert root is not None
    return root
