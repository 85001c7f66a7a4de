"""The schema, put together; and how faults are told."""

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import strawberry
from graphql import GraphQLError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from api.graphql.context import Context, ReadModelsBehind
from api.graphql.mutations import Mutation
from api.graphql.queries import Query
from api.graphql.recording import TellNotYetReadable, TellParked
from api.graphql.refusals import HANDLERS
from api.graphql.scalars import SCALARS
from application.issuing import FiguresNotReadable
from domain.refusals import Refusal
from infrastructure.event_store import DatabaseAway

log = logging.getLogger(__name__)


class Faults(SchemaExtension):
    """Tells what is nobody's refusal: a code for programs, no database text, no patient's data."""

    def on_operation(self) -> Iterator[None]:
        yield
        result: Any = self.execution_context.result
        errors = getattr(result, "errors", None)
        if errors:
            result.errors = [_told(error) for error in errors]


class Where(SchemaExtension):
    """Says with each answer at which position of the log it was computed."""

    async def on_execute(self) -> AsyncIterator[None]:
        context: Context | None = self.execution_context.context
        self._context = context
        yield

    def get_results(self) -> dict[str, Any]:
        context = getattr(self, "_context", None)
        if not isinstance(context, Context):
            return {}
        readable = context.house.readable.position
        answered_at = readable if context.answered_at is None else context.answered_at
        told: dict[str, Any] = {"position": context.position(answered_at)}
        if context.house.log.is_simulated:
            told["simulated"] = True
        return told


class Parsed(ParserCache):
    """Leaves what cannot be parsed to the schema, which tells it inside the operation.

    An error raised from here would pass `Faults` by and be told without a code.
    """

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        with contextlib.suppress(Exception):
            context.graphql_document = self.cached_parse_document(
                context.query, **context.parse_options
            )
        yield


def _told(error: GraphQLError) -> GraphQLError:
    cause = error.original_error
    if isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        return _coded(error, error.message, "BAD_REQUEST")
    if isinstance(cause, Refusal):
        return _coded(error, cause.message, cause.code)
    if isinstance(cause, DatabaseAway):
        return _coded(error, str(cause), "DATABASE_AWAY")
    if isinstance(cause, OperationalError | InterfaceError | PoolTimeout):
        return _coded(error, "The database cannot be reached; ask again.", "DATABASE_AWAY")
    if isinstance(cause, DataError | UnicodeEncodeError):
        return _coded(error, "A value in it cannot be looked for.", "BAD_REQUEST")
    if isinstance(cause, ReadModelsBehind | FiguresNotReadable):
        return _coded(error, str(cause), "READ_MODELS_BEHIND")
    log.error("internal error at %s: %s", error.path, type(cause).__name__, exc_info=_bare(cause))
    return _coded(error, "Internal error; it was logged.", "INTERNAL")


def _coded(error: GraphQLError, message: str, code: str) -> GraphQLError:
    extensions = {**(error.extensions or {}), "code": code}
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


def _bare(cause: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """Where it happened without what it said: a message may contain a patient's data."""
    return type(cause), type(cause).__new__(type(cause)), cause.__traceback__


class Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing here: the usual log would print the query, which may contain patients' data."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    extensions=[
        Where,
        Faults,
        lambda: Parsed(maxsize=1000),
        lambda: ValidationCache(maxsize=1000),
    ],
    exception_handlers=[*HANDLERS, TellNotYetReadable(), TellParked()],
)


def sdl() -> str:
    """The schema in the schema definition language."""
    return schema.as_str().strip() + "\n"
