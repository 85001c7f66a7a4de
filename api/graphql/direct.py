"""Fields that are told without a detour: an attribute is read, a method that asks for nothing is called.

For each field Strawberry calls a handful of functions, and for a method it makes an `Info` and looks at
its arguments, also where there are none: a third of the time that a board takes.
"""

from operator import attrgetter
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLUnionType, get_named_type
from strawberry.types.field import StrawberryField

MADE_FROM = "strawberry-definition"


def direct(schema: strawberry.Schema) -> None:
    """Let plain attributes and methods of ``(self, info)`` be resolved by themselves.

    Their ``info`` is that of the executor: of both kinds only ``context`` is used.
    """
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                made_from = field.extensions.get(MADE_FROM)
                if isinstance(made_from, StrawberryField):
                    _shorten(field, made_from)


def _shorten(field: GraphQLField, made_from: StrawberryField) -> None:
    resolver = made_from.base_resolver
    if made_from.is_basic_field:
        field.resolve = _attribute(made_from.python_name)
    elif resolver and not field.args and not made_from.extensions and not _may_be_refused(field):
        method: Any = resolver.wrapped_func
        if [*resolver.signature.parameters] == ["self", "info"]:
            field.resolve = method


def _attribute(name: str) -> Any:
    read = attrgetter(name)

    def resolve(source: Any, _: Any) -> Any:
        return read(source)

    return resolve


def _may_be_refused(field: GraphQLField) -> bool:
    """Whether a refusal is told as one of the results, which Strawberry sees to."""
    return isinstance(get_named_type(field.type), GraphQLUnionType)
