"""The GraphQL schema with its extensions; execution within time limits."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.disconnect import cancelled_on_disconnect
from api.errors import TooManyRequests
from api.graphql.context import Connected, Context
from api.graphql.descriptions import describe
from api.graphql.documents import DocumentCache
from api.graphql.error_masking import ErrorMasking, mask_error, suggests_names
from api.graphql.execution.fast_executor import Executor, install_fast_resolvers
from api.graphql.execution.partial_executor import PartialExecutor
from api.graphql.extensions.audit import RecordReading
from api.graphql.extensions.authorization import Authorization, use_declarations
from api.graphql.extensions.limits import Document, Limits, too_long
from api.graphql.extensions.tracing import Tracing
from api.graphql.mutations import Mutation
from api.graphql.mutations.refusals import HANDLERS
from api.graphql.queries import Query
from api.graphql.scalars import SCALARS
from api.graphql.subscriptions import Subscription
from api.telemetry import metrics
from api.work import WORK

log = logging.getLogger(__name__)


class OperationContext(SchemaExtension):
    """Schema extension: gives each operation over a WebSocket a context with a clock of its own."""

    def on_operation(self) -> Iterator[None]:
        if isinstance(self.execution_context.context, Connected):
            self.execution_context.context = self.execution_context.context.operation()
        yield


class SubscriptionTimeout(SchemaExtension):
    """Schema extension: ends the time limit of a subscription once it has begun."""

    async def on_execute(self) -> AsyncIterator[None]:
        yield
        if self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            LIMIT.get().reschedule(None)


class ResponsePosition(SchemaExtension):
    """Schema extension: adds the log position at which the response was computed."""

    async def on_execute(self) -> AsyncIterator[None]:
        context: Context | None = self.execution_context.context
        self._context = context
        yield

    def get_results(self) -> dict[str, Any]:
        context = getattr(self, "_context", None)
        if not isinstance(context, Context):
            return {}
        readable = context.state.progress.position
        answered_at = readable if context.answered_at is None else context.answered_at
        results: dict[str, Any] = {"position": context.position(answered_at)}
        if context.source is not context.state:
            results["readFrom"] = "replica"
        if context.state.log.is_simulated:
            results["simulated"] = True
        return results


class PreparedDocument(SchemaExtension):
    """Schema extension: takes the document as it was prepared, and does not validate it again."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = DOCUMENT.get()
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.validation_rules = ()
        yield


DOCUMENT: ContextVar[Document | None] = ContextVar("DOCUMENT", default=None)
"""The document of this operation."""

COST_OF_UNIT = 2_000
"""The cost that is taken out of an allowance like one more root field."""

ONE_ANSWER = {OperationType.QUERY, OperationType.MUTATION}
"""The operations that have one response, so that HTTP can carry it."""


LIMIT: ContextVar[asyncio.Timeout] = ContextVar("LIMIT")
"""The time limit of this operation over a WebSocket."""

_TIMED_OUT = GraphQLError(
    "It took too long. A command may have been recorded: send it again with the same commandId.",
    path=[],
    extensions={"code": "TIMED_OUT"},
)


class Schema(strawberry.Schema):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.documents = DocumentCache(self._schema)

    async def execute(self, query: str | None, *args: Any, **named: Any) -> ExecutionResult:
        """Execute an operation within its time limit, a question while its client is there.

        Raises TooManyRequests, ClientDisconnect.
        """
        operation_types = named.get("allowed_operation_types") or ONE_ANSWER
        named["allowed_operation_types"] = ONE_ANSWER.intersection(operation_types)
        context: Context = named["context_value"]
        try:
            async with asyncio.timeout(context.state.settings.request_timeout_seconds):
                if refusal := await self._prepare(query, context):
                    return refusal
                document = DOCUMENT.get()
                if document is None or not document.only_asks:
                    return await super().execute(query, *args, **named)
                async with cancelled_on_disconnect():
                    return await super().execute(query, *args, **named)
        except TimeoutError:
            metrics.REFUSALS.labels("TIMED_OUT").inc()
            return ExecutionResult(data=None, errors=[_TIMED_OUT])

    async def stream(
        self, query: str | None, *args: Any, **named: Any
    ) -> AsyncGenerator[Any, None]:
        """Execute an operation over a WebSocket, within the same time limit."""
        context: Connected | Context = named["context_value"]
        try:
            if refusal := await self._prepare(query, context):
                return _single_result(refusal)
        except TooManyRequests as error:
            masked_error = GraphQLError(str(error), original_error=error)
            return _single_result(PreExecutionError(data=None, errors=[mask_error(masked_error)]))
        results = cast(AsyncGenerator[Any, None], await super().stream(query, *args, **named))
        return _with_timeout(context.state.settings.request_timeout_seconds, results)

    async def _prepare(
        self, query: str | None, context: Connected | Context
    ) -> PreExecutionError | None:
        """Set the document of an operation; return the refusal of one that is not valid.

        Raises TooManyRequests if it asks for more than the login's allowance has left.
        """
        if refusal := too_long(query):
            return PreExecutionError(data=None, errors=[mask_error(refusal)])
        DOCUMENT.set(None)
        if not query or context.caller is None:
            return None
        by = context.caller.actor
        document, errors = await self.documents.document(query, (by.issuer, by.subject))
        if document is None:
            suggests, types = suggests_names(context.caller), self._schema.type_map
            masked_errors = [mask_error(error, suggests=suggests, types=types) for error in errors]
            return PreExecutionError(data=None, errors=masked_errors)
        if work := WORK.get():  # the request itself was counted as it came
            work.spend(document.fields - 1 + document.cost // COST_OF_UNIT)
        DOCUMENT.set(document)
        return None

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing: the usual log prints the query, which may contain patients' data."""


async def _single_result(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


async def _with_timeout(
    seconds: float, results: AsyncGenerator[Any, None]
) -> AsyncGenerator[Any, None]:
    """Yield the results, if the first comes in time or the subscription has begun by then."""
    async with contextlib.aclosing(results):
        try:
            async with asyncio.timeout(seconds) as limit:
                LIMIT.set(limit)
                first = await anext(results)
        except TimeoutError:
            metrics.REFUSALS.labels("TIMED_OUT").inc()
            yield PreExecutionError(data=None, errors=[_TIMED_OUT])
            return
        except StopAsyncIteration:
            return
        yield first
        async for result in results:
            yield result


def make_schema(fast_executor: bool = True) -> Schema:
    """Return the schema; ``fast_executor``: with the fast path for fields without I/O."""
    schema = Schema(
        query=Query,
        execution_context_class=Executor if fast_executor else PartialExecutor,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[
            SubscriptionTimeout,
            OperationContext,
            ResponsePosition,
            Tracing,
            RecordReading,
            ErrorMasking,
            PreparedDocument,
            Limits,
            Authorization,
        ],
        exception_handlers=HANDLERS,
    )
    describe(schema._schema)
    use_declarations(schema._schema)
    if fast_executor:
        install_fast_resolvers(schema)
    return schema


schema = make_schema()


def sdl() -> str:
    """Return the schema in the schema definition language."""
    return schema.as_str().strip() + "\n"
