"""Partial answers: what is refused or fails is null, with its error, and the rest is answered.

By GraphQL's rules an error at a field that is never null empties what it is part of, and at the root the
whole answer: a screen of six questions would lose five good answers for one that the role may not ask.
"""

from functools import partial
from typing import Any

from graphql import FieldNode, GraphQLObjectType, OperationType, get_nullable_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.graphql.context import Context
from api.graphql.execution.begun_work import Coroutines, closing_others, noting
from api.graphql.extensions.authorization import INTROSPECTION, needed_for, refusal_of
from api.graphql.refused_fields import RefusedFields
from api.work import in_thread


class PartialExecutor(StrawberryGraphQLCoreExecutionContext):
    """The executor of one operation: nothing that the role may not see is resolved."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._refused: RefusedFields = getattr(self.context_value, "refused_fields", {})
        self._told: set[int] = set()
        self._has_several_roots = False
        self._note_begun()

    def _note_begun(self) -> None:
        self._begun: Coroutines = []
        self.is_awaitable = noting(self._begun)

    def execute_operation(self, *args: Any, **named: Any) -> Any:
        """Execute the operation; what it began and nobody awaits is closed in the end."""
        result = super().execute_operation(*args, **named)
        return closing_others(result, self._begun) if self.is_awaitable(result) else result

    def build_per_event_executor(self, payload: Any) -> Any:
        """Return the executor of one item of a subscription, which notes what it begins itself."""
        executor: Any = super().build_per_event_executor(payload)
        executor._note_begun()
        return executor

    def execute_root_grouped_field_set(
        self, root_type: GraphQLObjectType, root_value: Any, fields: Any, *rest: Any
    ) -> Any:
        is_query = self.operation.operation is OperationType.QUERY
        self._has_several_roots = is_query and len(fields) > 1
        return super().execute_root_grouped_field_set(root_type, root_value, fields, *rest)

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, details: Any, path: Any, *rest: Any
    ) -> Any:
        if self._refused and (node := self.refused_node(parent_type.name, details)) is not None:
            if id(node) not in self._told:  # once, wherever in lists it is asked for
                self._told.add(id(node))
                field = f"{parent_type.name}.{node.name.value}"
                need = needed_for(parent_type.name, node.name.value) or field
                place = {"nodes": node, "path": path.as_list()}
                error = refusal_of(self.context_value, need, field, **place)
                self.collected_errors.add(error, path)
            return None
        if path.prev is None and details[0].node.name.value in INTROSPECTION:
            # a tenth of a second of the processor, without I/O
            execute = super().execute_field
            return in_thread(partial(execute, parent_type, source, details, path, *rest))
        return super().execute_field(parent_type, source, details, path, *rest)

    def refused_node(self, type_name: str, details: Any) -> FieldNode | None:
        """Return the node of a field that the role may not see; None if it may."""
        context: Context = self.context_value
        for detail in details:
            node: FieldNode = detail.node
            need = needed_for(type_name, node.name.value)
            if id(node) in self._refused or (need is not None and not context.may(need)):
                return node
        return None

    def build_response(self, data: dict[str, Any] | None) -> Any:
        """Build the response; what is refused is told also where nothing of it was reached."""
        for id, (need, field, node) in self._refused.items():
            if id not in self._told:
                error = refusal_of(self.context_value, need, field, nodes=node)
                self.collected_errors.errors.append(error)
        return super().build_response(data)

    def handle_field_error(
        self, raw_error: Exception, return_type: Any, details: Any, path: Any
    ) -> None:
        """Leave a root field that failed null, whatever its type, if it is one of several."""
        is_root = path.prev is None and self._has_several_roots
        kind = get_nullable_type(return_type) if is_root else return_type
        super().handle_field_error(raw_error, kind, details, path)
