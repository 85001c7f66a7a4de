"""The part of an input that a refusal names: one that the input has, whatever the command is called."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import strawberry
from strawberry.types.base import (
    StrawberryContainer,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

COMMON_INPUT = ("commandId", "occurredAt", "reason")
"""Fields of each input that say nothing of what a command is about."""


def part_at_fault(path: Sequence[str], mutation: StrawberryField) -> list[str]:
    """Return the path of a refusal as the input of a mutation has it.

    A rule names what it is about (the stay, the bed), and an input may name that by another field (the
    consult, the movement): then the path is of that one, the first id that the input needs.
    """
    parts = [to_camel_case(part) for part in path]
    inputs = [argument.type for argument in mutation.arguments]
    if not parts or not inputs:
        return parts
    names, subject = _names_and_subject(inputs[0])
    return parts if parts[0] in names else [subject]


@cache
def _names_and_subject(input: type) -> tuple[frozenset[str], str]:
    """Return the names of all fields of an input, nested ones too, and that of what it is about."""
    required_fields = [
        (name, field.type)
        for name, field in _fields(input)
        if not isinstance(field.type, StrawberryOptional) and name not in COMMON_INPUT
    ]
    ids = [name for name, kind in required_fields if kind is strawberry.ID]
    others = [name for name, kind in required_fields if kind is not strawberry.ID]
    return frozenset(_names(input)), [*ids, *others, "commandId"][0]


def _names(kind: Any) -> Iterator[str]:
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    for name, field in _fields(kind):
        yield name
        yield from _names(field.type)


def _fields(kind: Any) -> list[tuple[str, StrawberryField]]:
    definition = get_object_definition(kind)
    fields = definition.fields if definition else []
    return [(field.graphql_name or to_camel_case(field.python_name), field) for field in fields]
