"""Fast executor: completes fields that need no I/O without graphql-core's executor (docs/adr/0020).

Most fields are an attribute, or a method that looks at what was prefetched. For each of them Strawberry
and its executor call some twenty functions: they make an ``info``, look for arguments, and find out
again what type the value has and whether it can be awaited. That was half of the time of a board. Here
the selection of an object becomes one function per field, made once for an operation.

A resolver is run up to its first I/O. What needs I/O, raises or returns something unexpected is left to
the executor, which runs it again and reports what is wrong. Nothing else knows of this: it can be
switched off (``WARDBOOK_FAST_EXECUTOR=off``), and tests hold its answers to the executor's.
"""

from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from types import CoroutineType
from typing import Any, NamedTuple
from uuid import UUID

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
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.field import StrawberryField

from api.graphql.context import Context
from api.graphql.declarations import DEFINITION
from api.graphql.execution.partial_executor import PartialExecutor
from domain.errors import WardbookError

READ = "fast-resolver"
PLAIN = {"String": str, "ID": str, "Boolean": bool}
"""The Python types whose values leave as they are, by the name of the scalar."""

Resolver = Callable[[Any, Any], Any]
"""Returns the value of an object's field, given an `Info`."""

Completer = Callable[[Any], Any]
"""Returns a value as it leaves. Raises anything at all if it is not as expected."""


class FallBack(WardbookError):
    """A value that only the executor can complete."""


class WithoutIO:
    """A context that gives what was prefetched, and falls back for anything that would need I/O."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def load(self, query: Any, id: UUID | None, at: Any) -> Any:
        """Return a prefetched thing. Raises FallBack for any other."""
        is_known, view = self._context.prefetched(query, id, at)
        if not is_known:
            raise FallBack
        return view

    async def query(self, *_: Any, **__: Any) -> Any:
        """Raise FallBack."""
        raise FallBack

    versions = Context.versions
    snapshot = log_status = at = query


class Info(NamedTuple):
    """The part of Strawberry's ``info`` that resolvers use."""

    context: WithoutIO


def install_fast_resolvers(schema: strawberry.Schema) -> None:
    """Let attributes and methods of ``(self, info)`` be called without Strawberry's detour."""
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                definition = field.extensions.get(DEFINITION)
                if isinstance(definition, StrawberryField) and not definition.is_subscription:
                    _install(field, definition)


def _install(field: GraphQLField, definition: StrawberryField) -> None:
    resolver = definition.base_resolver
    if definition.is_basic_field:
        read = field.extensions[READ] = attrgetter(definition.python_name)
        field.resolve = lambda source, _: read(source)
    elif resolver and not field.args and not definition.extensions and not _is_result(field):
        method: Any = resolver.wrapped_func
        parameters = [*resolver.signature.parameters]
        if parameters == ["self", "info"]:
            field.resolve = field.extensions[READ] = method
        elif parameters == ["self"]:
            field.resolve = field.extensions[READ] = lambda source, _: method(source)


def _is_result(field: GraphQLField) -> bool:
    """Return whether Strawberry may turn a refusal into one of the field's results."""
    return isinstance(get_named_type(field.type), GraphQLUnionType)


@dataclass(frozen=True, slots=True)
class SelectionPlan:
    """The fields selected of an object: those with a fast completer, and those for the executor."""

    selected: dict[str, Any]
    fast: dict[str, Completer]
    others: dict[str, Any]

    def without(self, name: str) -> "SelectionPlan":
        """Return the plan that leaves one field more to the executor."""
        fast = {other: complete for other, complete in self.fast.items() if other != name}
        others = {field: self.selected[field] for field in self.selected if field not in fast}
        return SelectionPlan(self.selected, fast, others)

    def merge(self, data: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Return the data of all fields, in the order of the selection."""
        data |= others
        return {name: data[name] for name in self.selected}


class Executor(PartialExecutor):
    """The executor of one operation, with the fast path."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._info = Info(WithoutIO(self.context_value))
        self._plans: dict[int, SelectionPlan] = {}
        """By the identity of the selections, which they hold on to."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        selected: Any,
        position: Any,
    ) -> Any:
        """Complete the selected fields, in order; awaitable where the executor's part is."""
        plan = self._plan(parent_type, selected)
        data: dict[str, Any] = {}
        for name, complete in plan.fast.items():
            try:
                data[name] = complete(source_value)
            except Exception:  # left to the executor, here and for all others of this selection
                plan = self._plans[id(selected)] = plan.without(name)
        if data and not plan.others:
            return data
        fields = plan.others
        results: Any = super().execute_fields(parent_type, source_value, path, fields, position)
        if not self.is_awaitable(results):
            return plan.merge(data, results)

        async def await_others(executed: Awaitable[dict[str, Any]]) -> dict[str, Any]:
            return plan.merge(data, await executed)

        return await_others(results)

    def complete_list_value(
        self, kind: GraphQLList[Any], details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        """Complete a list as a whole, if all that is selected of its items is completed fast."""
        complete = self._value(kind, details, None)
        if complete:
            try:
                return complete(result)
            except Exception:  # left to the executor, item by item
                pass
        return super().complete_list_value(kind, details, info, path, result, position)

    def build_per_event_executor(self, payload: Any) -> Any:
        """Return the executor of one item of a subscription, with memory of its own.

        The library's copies share what they remember by identity, and remember more with each item.
        """
        executor: Any = super().build_per_event_executor(payload)
        executor._plans, executor._relevant_sub_fields = {}, {}
        return executor

    def build_response(self, data: dict[str, Any] | None) -> Any:
        """Build the response and break the executor's reference cycle, so that no collector is needed.

        Otherwise it stays until Python looks for cycles, which then takes a tenth of the time.
        """
        del self.async_helpers
        return super().build_response(data)

    def _plan(self, kind: GraphQLObjectType, fields: dict[str, Any]) -> SelectionPlan:
        plan = self._plans.get(id(fields))
        if plan is None:
            completers = {name: self._field(kind, details) for name, details in fields.items()}
            fast = {name: complete for name, complete in completers.items() if complete}
            others = {name: fields[name] for name in fields if name not in fast}
            plan = self._plans[id(fields)] = SelectionPlan(fields, fast, others)
        return plan

    def _field(self, kind: GraphQLObjectType, details: Any) -> Completer | None:
        if self._refused and self.refused_node(kind.name, details) is not None:
            return None
        field = self.schema.get_field(kind, details[0].node.name.value)
        resolve = field.extensions.get(READ) if field else None
        read = _of_source(resolve, self._info) if resolve else None
        return self._value(field.type, details, read) if field and read else None

    def _value(self, kind: Any, details: Any, read: Completer | None) -> Completer | None:
        """Return the completer of a source's value, which it reads; without `read` of the value."""
        is_required = isinstance(kind, GraphQLNonNull)
        if is_required:
            kind = kind.of_type
        complete: Completer | None = None
        if isinstance(kind, CustomGraphQLEnumType):
            complete = _enum_completer(kind)
        elif is_leaf_type(kind):
            complete = kind.coerce_output_value
        elif isinstance(kind, GraphQLObjectType):
            complete = self._object(kind, details)
        elif isinstance(kind, GraphQLList):
            item = self._value(kind.of_type, details, None)
            complete = _complete_items(item) if item else None
        leaf_type = PLAIN.get(getattr(kind, "name", ""))
        return _nullable(read or _itself, complete, is_required, leaf_type) if complete else None

    def _object(self, kind: GraphQLObjectType, details: Any) -> Completer | None:
        """Return the completer of objects of a type, if all that is selected of them has one."""
        plan = self._plan(kind, self.collect_subfields(kind, details).grouped_field_set)
        if plan.others:
            return None
        # the plans themselves would be part of a cycle, which only the collector frees
        completers, origin = [*plan.fast.items()], kind.extensions[DEFINITION].origin

        def complete(value: Any) -> Any:
            if type(value) is not origin:
                raise FallBack
            return {name: complete(value) for name, complete in completers}

        return complete


def result_without_io(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a resolver that awaits no I/O. Raises FallBack if it does."""
    try:
        future = coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    coroutine.close()
    if isinstance(future, Future):
        future.add_done_callback(_take_exception)
    raise FallBack


def _take_exception(future: Future[Any]) -> None:
    """Take the exception of what nobody awaits any more: it would be logged as one that was lost."""
    if not future.cancelled():
        future.exception()


@cache
def _enum_completer(kind: CustomGraphQLEnumType) -> Completer:
    """Return the completer of an enum: Strawberry's own looks at one member after the other."""
    cls = kind.wrapped_cls
    names: dict[str, str] = {cls(v.value)._name_: name for name, v in kind.values.items()}

    def complete(value: Any) -> Any:
        return names[value._name_] if type(value) is cls else kind.coerce_output_value(value)

    return complete


def _of_source(resolve: Any, info: Info) -> Completer:
    """Return the reader of a field of an object: of its attribute, or the result of its method."""
    if isinstance(resolve, attrgetter):
        return resolve

    def read(source: Any) -> Any:
        value = resolve(source, info)
        return result_without_io(value) if type(value) is CoroutineType else value

    return read


def _itself(value: Any) -> Any:
    return value


def _nullable(
    read: Completer, complete: Completer, is_required: bool, leaf_type: type | None
) -> Completer:
    """Return the completer of what is read; one call for the most frequent, a value as it leaves."""

    def complete_or_null(source: Any) -> Any:
        value = read(source)
        if type(value) is leaf_type:
            return value
        data = None if value is None else complete(value)
        if data is None and (is_required or value is not None):
            raise FallBack
        return data

    return complete_or_null


def _complete_items(complete: Completer) -> Completer:
    def complete_each(values: Any) -> Any:
        if type(values) is not list:
            raise FallBack
        return [complete(value) for value in values]

    return complete_each
