"""Audit of reads: the patients that a response shows are recorded before it leaves.

Whose data they are is noted where a view becomes a GraphQL type (`AsOf.record_access`).
"""

from collections.abc import AsyncIterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from api.graphql.context import Context
from api.graphql.extensions.authorization import analyse_document
from infrastructure import tracing


class RecordReading(SchemaExtension):
    """Schema extension: holds a response back until its access record is durable, or drops it."""

    async def on_execute(self) -> AsyncIterator[None]:
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
        shown = context.viewer.flush()
        if not shown or getattr(result, "data", None) is None:
            return
        operation = analyse_document(self.execution_context.schema._schema, document).operation
        reading = context.recorded = context.reading(operation, shown)
        try:
            with tracing.span("record the reading"):
                await context.state.access_log.record(reading)
        except Exception as fault:
            result.data = None
            result.errors = [GraphQLError("not recorded", original_error=fault)]
