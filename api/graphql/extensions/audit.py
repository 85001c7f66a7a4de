"""Audit of reads: the patients that a response shows are recorded before it leaves.

Whose data they are is noted where a view becomes a GraphQL type (`AsOf.record_access`).
"""

from collections.abc import AsyncIterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from api.graphql.context import Context
from api.graphql.extensions.authorization import analyse_document
from domain.refusals import NotAllowed, Refusal
from infrastructure import tracing
from infrastructure.access_log import NOBODY_SHOWN


class RecordReading(SchemaExtension):
    """Schema extension: holds a response back until its access record is durable, or drops it."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Record an operation that the role may not ask: it was refused before its execution."""
        yield
        context, document = self.execution_context.context, self.execution_context.graphql_document
        if isinstance(context, Context) and document is not None and not context.is_executed:
            errors = self.execution_context.pre_execution_errors or ()
            refusal = next((e.original_error for e in errors if e.original_error), None)
            if isinstance(refusal, NotAllowed):
                schema = self.execution_context.schema._schema
                operation = analyse_document(schema, document).operation
                await context.state.access_log.record(context.refused_reading(operation, refusal))

    async def on_execute(self) -> AsyncIterator[None]:
        if isinstance(self.execution_context.context, Context):
            self.execution_context.context.is_executed = True
        yield
        await self._record(self.execution_context.result)

    async def on_stream_result(self, result: Any) -> AsyncIterator[None]:
        await self._record(result)
        yield

    async def _record(self, result: Any) -> None:
        context = self.execution_context.context
        document = self.execution_context.graphql_document
        if not isinstance(context, Context) or document is None:
            return
        subjects, resources = context.viewer.flush(), context.viewer.flush_resources()
        operation = analyse_document(self.execution_context.schema._schema, document).operation
        entries = [
            context.refused_reading(operation, refusal) for refusal in _refusals(context, result)
        ]
        is_shown = getattr(result, "data", None) is not None
        if context.is_search and not subjects and not entries:
            context.note_entity(NOBODY_SHOWN)
        is_answer = is_shown or context.is_search
        if is_answer and (subjects or context.entity):
            context.recorded = context.reading(operation, subjects, resources)
            entries.append(context.recorded)
        try:
            with tracing.span("record the reading"):
                for entry in entries:
                    await context.state.access_log.record(entry)
        except Exception as fault:
            result.data = None
            result.errors = [GraphQLError("not recorded", original_error=fault)]


def _refusals(context: Context, result: Any) -> list[Refusal]:
    """Return the refusals of an operation that are recorded, each kind of the same patients once."""
    causes = [error.original_error for error in getattr(result, "errors", None) or ()]
    refusals = [*context.refusals, *(cause for cause in causes if isinstance(cause, Refusal))]
    context.refusals.clear()
    return list(
        {
            (refusal.code, refusal.patients): refusal
            for refusal in refusals
            if refusal.patients or isinstance(refusal, NotAllowed)
        }.values()
    )
