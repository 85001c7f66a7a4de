"""Descriptions in the schema that come from where the thing is defined, not from the field."""

from graphql import GraphQLEnumType, GraphQLSchema
from strawberry.types.enum import StrawberryEnumDefinition

from domain.described_enum import DescribedEnum

_INPUT = "What the command says, with the id that the client made for it."


def describe(schema: GraphQLSchema) -> None:
    """Describe each enum value by its member, and the input of each mutation."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            members = _members(kind)
            for name, value in kind.values.items():
                value.description = members[name].description
    mutations = schema.mutation_type
    for field in mutations.fields.values() if mutations else ():
        field.args["input"].description = _INPUT


def _members(kind: GraphQLEnumType) -> dict[str, DescribedEnum]:
    definition: StrawberryEnumDefinition = kind.extensions["strawberry-definition"]
    members: list[DescribedEnum] = list(definition.wrapped_cls)
    return {member.name: member for member in members}
