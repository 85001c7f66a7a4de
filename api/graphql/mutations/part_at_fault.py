"""The part of an input that a refusal names: one that the input has, whatever the command is called."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLSchema, get_named_type
from strawberry.utils.str_converters import to_camel_case

ENVELOPE = ("commandId", "occurredAt", "reason")
"""Fields of each input that say nothing of what a command is about."""


def part_at_fault(path: Sequence[str], schema: GraphQLSchema, mutation: str) -> list[str]:
    """Return the path of a refusal as the input of a mutation has it.

    A rule names what it is about (the stay, the bed), and an input may name that by another field (the
    consult, the movement): then the path is of that one, the first id that the input needs.
    """
    parts = [to_camel_case(part) for part in path]
    fields, subject = _fields_of(schema, mutation)
    return parts if not parts or parts[0] in fields else [subject]


@cache
def _fields_of(schema: GraphQLSchema, mutation: str) -> tuple[frozenset[str], str]:
    """Return all fields of a mutation's input, nested ones too, and that of what it is about."""
    assert schema.mutation_type is not None
    input = _input(schema.mutation_type.fields[mutation].args["input"].type)
    required_fields = [
        name
        for name, field in input.fields.items()
        if isinstance(field.type, GraphQLNonNull) and name not in ENVELOPE
    ]
    ids = [name for name in required_fields if get_named_type(input.fields[name].type).name == "ID"]
    names = [name for name in required_fields if name not in ids]
    return frozenset(_names(input)), [*ids, *names, "commandId"][0]


def _names(input: GraphQLInputObjectType) -> Iterator[str]:
    for name, field in input.fields.items():
        yield name
        if isinstance(get_named_type(field.type), GraphQLInputObjectType):
            yield from _names(_input(field.type))


def _input(type: Any) -> GraphQLInputObjectType:
    return cast(GraphQLInputObjectType, get_named_type(type))
