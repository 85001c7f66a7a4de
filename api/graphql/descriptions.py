"""Descriptions in the schema that come from where the thing is defined, not from the field."""

from typing import Any

from graphql import GraphQLEnumType, GraphQLSchema, get_named_type
from strawberry.types.enum import StrawberryEnumDefinition

from api.graphql.extensions.authorization import snake
from application.hospital import COMMANDS
from domain.described_enum import DescribedEnum

_INPUT = "What the command says, with the id that the client made for it."


_RIGHT_TIME = (
    "When the fact really happened; unchanged by default, never in the future. It is put right now."
)
_OF_NO_EFFECT = "Of no effect here: the fact is taken back now."
_IN_OTHER_FIELDS = "Of no effect here: the times of the fact are fields of their own."


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
            time = _IN_OTHER_FIELDS if command.has_other_times else _RIGHT_TIME
            time = _OF_NO_EFFECT if name.startswith("cancel") else time
            input_type.fields["occurredAt"].description = time


def _members(kind: GraphQLEnumType) -> dict[str, DescribedEnum]:
    definition: StrawberryEnumDefinition = kind.extensions["strawberry-definition"]
    members: list[DescribedEnum] = list(definition.wrapped_cls)
    return {member.name: member for member in members}
