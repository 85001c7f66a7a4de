"""Error masking: an error has a code for programs, and never a value that was sent or stored.

Any value may be a patient's name, and the text of a database error may contain one.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from api.errors import INTERNAL, extensions_of, response_to
from api.graphql.mutations.refusals import parameters_of
from api.telemetry import metrics
from application.authorization.roles import Caller, may
from domain.refusals import Refusal
from infrastructure import tracing

log = logging.getLogger(__name__)

_VALUES = (
    (
        re.compile(r"^Syntax Error(?!: Document contains more than \d+ tokens).*", re.DOTALL),
        "Syntax Error: this cannot be read as GraphQL.",
    ),
    (re.compile(r"(cannot represent [^:]*):.*", re.DOTALL), r"\1."),
    (re.compile(r",? found:? .*", re.DOTALL), "."),
    (re.compile(r"Value .* does not exist in '(\w+)' enum.*", re.DOTALL), r"No value of '\1'."),
    (re.compile(r"unknown field '(?![a-z][A-Za-z0-9]{0,39}'[.,]).*'", re.DOTALL), "unknown field"),
    (re.compile(r"^Unknown operation named .*", re.DOTALL), "The document has no such operation."),
)
"""Ends of graphql-core's sentences with a value, and what is left of them."""

_NAMES = re.compile(r"[\w '.,]*\?")


class ErrorMasking(SchemaExtension):
    """Mask the errors of an operation's result, and of each item of a subscription."""

    def on_operation(self) -> Iterator[None]:
        yield
        result: Any = self.execution_context.result
        self._mask(result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        self._mask(result)
        yield

    def _mask(self, result: Any) -> None:
        if getattr(result, "errors", None):
            suggests = suggests_names(self.execution_context.context.caller)
            result.errors = [mask_error(error, suggests=suggests) for error in result.errors]


def suggests_names(caller: Caller | None) -> bool:
    """Return whether a caller is told names of the schema that are like an unknown one."""
    return caller is not None and may(caller.role, "introspection")


def mask_error(error: GraphQLError, *, suggests: bool = False) -> GraphQLError:
    """Return an error as clients get it; log an internal one, without its text.

    ``suggests``: whether names of the schema that are like an unknown one are told.
    """
    cause = error.original_error
    if isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        code = (error.extensions or {}).get("code", "BAD_REQUEST")
        return _error_with_code(error, without_values(error.message, suggests=suggests), str(code))
    response = response_to(cause)
    if response.code == INTERNAL.code:
        # by the field's name in the schema: in the path it has the name that the client gave it
        field = " ".join(getattr(getattr(n, "name", None), "value", "?") for n in error.nodes or ())
        log.error("internal error at %s: %s", field, type(cause).__name__, exc_info=_bare(cause))
    parameters = parameters_of(cause) if isinstance(cause, Refusal) else {}
    return _error_with_code(error, response.message, str(response.code), **parameters)


def without_values(message: str, *, suggests: bool = False) -> str:
    """Return a message of graphql-core about a malformed operation without the values in it."""
    sentence, did_you_mean, names = message.partition(" Did you mean ")
    for pattern, replacement in _VALUES:
        sentence = pattern.sub(replacement, sentence)
    is_known = suggests and did_you_mean and _NAMES.fullmatch(names)
    return f"{sentence}{did_you_mean}{names}" if is_known else sentence


def _error_with_code(
    error: GraphQLError, message: str, code: str, **parameters: object
) -> GraphQLError:
    metrics.REFUSALS.labels(code).inc()
    tracing.note(fault=code)
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={
            **(error.extensions or {}),
            **extensions_of(code),
            **({"parameters": parameters} if parameters else {}),
        },
    )


def _bare(cause: BaseException) -> tuple[type[BaseException], BaseException, Any]:
    """Return an error's type and traceback without its text, which may contain a patient's data."""
    return type(cause), type(cause).__new__(type(cause)), cause.__traceback__
