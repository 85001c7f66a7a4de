"""Descriptions in the schema that come from where the thing is defined, not from the field."""

from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema, get_named_type
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.utils.str_converters import to_camel_case

from api.graphql.extensions.authorization import snake
from application.hospital import COMMANDS
from domain.described_enum import DescribedEnum

_INPUT = "What the command says, with the id that the client made for it."


_RIGHT_TIME = (
    "When the fact really happened; unchanged by default, never in the future. It is put right now."
)
_NO_TIME = "Refused here: the fact is taken back now, as if it never was."
_IN_OTHER_FIELDS = "Refused here: the times of the fact are fields of their own."


def describe(schema: GraphQLSchema) -> None:
    """Describe each enum value by its member, the input of each mutation, and a correction's time."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            members = _members(kind)
            for name, value in kind.values.items():
                value.description = members[name].description
    mutations = schema.mutation_type
    for name, field in mutations.fields.items() if mutations else ():
        field.args["input"].description = _INPUT
        command = COMMANDS[snake(name)]
        if command.corrects:
            input_type: Any = get_named_type(field.args["input"].type)
            occurred_at = input_type.fields["occurredAt"]
            occurred_at.description = _RIGHT_TIME
            if command.own_times is not None:
                times = " or ".join(to_camel_case(time) for time in command.own_times)
                occurred_at.description = _IN_OTHER_FIELDS if times else _NO_TIME
                occurred_at.deprecation_reason = f"Give {times}." if times else "Leave it out."


def _members(kind: GraphQLEnumType) -> dict[str, DescribedEnum]:
    definition: StrawberryEnumDefinition = kind.extensions["strawberry-definition"]
    members: list[DescribedEnum] = list(definition.wrapped_cls)
    return {member.name: member for member in members}
