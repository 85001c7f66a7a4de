"""What can be told directly: nothing is asked for it, nothing waited for, and nothing goes wrong.

Most fields are an attribute, or a method that looks at what is there already. For each of them
Strawberry and its executor call some twenty functions: they make an `Info`, look for arguments, and find
out again what type the value has and whether it can be awaited. That was half of the time of a board.
Here what is asked of an object becomes one function, made once for an operation: it tells all of them.

Whatever is not as it expects is left to the executor, which does it again, and says what is wrong and
where. So a method that is told directly must not do anything: it may be called twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import attrgetter
from types import CoroutineType
from typing import Any, NamedTuple

import strawberry
from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from domain.errors import WardbookError

MADE_FROM = "strawberry-definition"
READ = "read-directly"

Resolver = Callable[[Any, Any], Any]
"""Reads a field of an object, given an `Info`."""

Completer = Callable[[Any], Any]
"""Tells a value, or a field of an object. Raises anything at all if it is not as expected."""


class Info(NamedTuple):
    """Of what a resolver is given, what ours use."""

    context: Any


class FallBack(WardbookError):
    """The executor has to see to it."""


def install_fast_resolvers(schema: strawberry.Schema) -> None:
    """Let plain attributes and methods of ``(self, info)`` be read without Strawberry's detour."""
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                made_from = field.extensions.get(MADE_FROM)
                if isinstance(made_from, StrawberryField) and not made_from.is_subscription:
                    _install(field, made_from)


def _install(field: GraphQLField, made_from: StrawberryField) -> None:
    resolver = made_from.base_resolver
    if made_from.is_basic_field:
        field.resolve = field.extensions[READ] = _attribute(made_from.python_name)
    elif resolver and not field.args and not made_from.extensions and not _may_be_refused(field):
        method: Any = resolver.wrapped_func
        if [*resolver.signature.parameters] == ["self", "info"]:
            field.resolve = method
            if not resolver.is_async:
                field.extensions[READ] = method


def _attribute(name: str) -> Resolver:
    read = attrgetter(name)
    return lambda source, _: read(source)


def _may_be_refused(field: GraphQLField) -> bool:
    """Whether a refusal is told as one of the results, which Strawberry sees to."""
    return isinstance(get_named_type(field.type), GraphQLUnionType)


@dataclass(frozen=True, slots=True)
class SelectionPlan:
    """What is asked of an object: what is tried directly, and what is left to the executor."""

    asked: dict[str, Any]
    directly: dict[str, Completer]
    others: dict[str, Any]

    def together(self, told: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """In the order in which it was asked for."""
        told |= others
        return {name: told[name] for name in self.asked}


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation, and tells directly what can be."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._info = Info(self.context_value)
        self._plans: dict[int, SelectionPlan] = {}
        """By the identity of what they are for, which they hold on to."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        asked: Any,
        position: Any,
    ) -> Any:
        plan = self._plan(parent_type, asked)
        try:
            told = {name: tell(source_value) for name, tell in plan.directly.items()}
        except Exception:  # so that others of its kind are not tried in vain
            plan = self._plans[id(asked)] = SelectionPlan(asked, {}, asked)
            told = {}
        if told and not plan.others:
            return told
        executed = super().execute_fields(parent_type, source_value, path, plan.others, position)
        if isinstance(executed, dict):
            return plan.together(told, executed)

        async def await_others(executed: Awaitable[dict[str, Any]]) -> dict[str, Any]:
            return plan.together(told, await executed)

        return await_others(executed)

    def build_per_event_executor(self, payload: Any) -> Any:
        """A copy for one item of a subscription: with what is remembered by identity its own.

        The library's copies share it, and remember more with each item that is told.
        """
        executor: Any = super().build_per_event_executor(payload)
        executor._plans, executor._relevant_sub_fields = {}, {}
        return executor

    def build_response(self, data: dict[str, Any] | None) -> Any:
        """The answer; and let go of it: by these the executor holds on to itself and to all it told.

        Otherwise that stays until Python looks for cycles, which then takes a tenth of the time.
        """
        del self.async_helpers
        return super().build_response(data)

    def _plan(self, kind: GraphQLObjectType, asked: dict[str, Any]) -> SelectionPlan:
        plan = self._plans.get(id(asked))
        if plan is None:
            fields = {name: self._field(kind, details) for name, details in asked.items()}
            directly = {name: tell for name, tell in fields.items() if tell}
            others = {name: asked[name] for name in asked if name not in directly}
            plan = self._plans[id(asked)] = SelectionPlan(asked, directly, others)
        return plan

    def _field(self, kind: GraphQLObjectType, details: Any) -> Completer | None:
        field = self.schema.get_field(kind, details[0].node.name.value)
        read: Resolver | None = field.extensions.get(READ) if field else None
        tell = self._value(field.type, details) if field and read else None
        if read is None or tell is None:
            return None
        info = self._info

        def tell_field(source: Any) -> Any:
            value = read(source, info)
            if type(value) is CoroutineType:
                value.close()
                raise FallBack
            return tell(value)

        return tell_field

    def _value(self, kind: Any, details: Any) -> Completer | None:
        needed = isinstance(kind, GraphQLNonNull)
        if needed:
            kind = kind.of_type
        tell: Completer | None = None
        if is_leaf_type(kind):
            tell = kind.coerce_output_value
        elif isinstance(kind, GraphQLObjectType):
            tell = self._object(kind, details)
        elif isinstance(kind, GraphQLList):
            one = self._value(kind.of_type, details)
            tell = _each(one) if one else None
        return _maybe(tell, needed) if tell else None

    def _object(self, kind: GraphQLObjectType, details: Any) -> Completer | None:
        """Tells objects of a type, if all that is asked of them can be told directly."""
        plan = self._plan(kind, self.collect_subfields(kind, details).grouped_field_set)
        if plan.others:
            return None
        fields, made_from = [*plan.directly.items()], kind.extensions[MADE_FROM].origin

        def tell(value: Any) -> Any:
            if type(value) is not made_from:
                raise FallBack
            return {name: tell(value) for name, tell in fields}

        return tell


def _maybe(tell: Completer, needed: bool) -> Completer:
    def tell_or_none(value: Any) -> Any:
        told = None if value is None else tell(value)
        if told is None and (needed or value is not None):
            raise FallBack
        return told

    return tell_or_none


def _each(tell: Completer) -> Completer:
    def tell_each(values: Any) -> Any:
        if type(values) is not list:
            raise FallBack
        return [tell(value) for value in values]

    return tell_each
