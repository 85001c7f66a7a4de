"""Error masking: an error has a code for programs, and never a value that was sent or stored.

Any value may be a patient's name, and the text of a database error may contain one.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from graphql import GraphQLEnumType, GraphQLError, GraphQLNamedType
from strawberry.extensions import SchemaExtension

from api.errors import INTERNAL, extensions_of, response_to
from api.graphql.mutations.refusals import parameters_of
from api.telemetry import metrics
from application.authorization.roles import Caller, may
from domain.refusals import Refusal
from domain.text import nearest
from infrastructure import tracing
from infrastructure.sealing.keys_missing import KeysMissing

log = logging.getLogger(__name__)

_VALUES = (
    (
        re.compile(r"^Syntax Error(?!: Document contains more than \d+ tokens).*", re.DOTALL),
        "Syntax Error: this cannot be read as GraphQL.",
    ),
    (re.compile(r"Value '.*", re.DOTALL), "No such value."),
    (re.compile(r"(cannot represent [^:]*):.*", re.DOTALL), r"\1."),
    (re.compile(r",? found:? .*", re.DOTALL), "."),
    (re.compile(r"unknown field '(?![a-z][A-Za-z0-9]{0,39}'[.,]).*", re.DOTALL), "unknown field."),
    (re.compile(r"^Unknown operation named .*", re.DOTALL), "The document has no such operation."),
)
"""Ends of graphql-core's sentences with a value, and what is left of them."""

_NAMES = re.compile(r"[\w '.,]*\?")

_UNKNOWN_FIELD = re.compile(r"unknown field '[a-z][A-Za-z0-9]{0,39}'\.$")

_FOUND = re.compile(r"(?<=\?) Found: .*", re.DOTALL)
"""Ends of the sentences about an unknown field of an input, with its value."""

_ENUM = re.compile(
    r"(?P<where>(?:(?:Variable '\$\w+'|Argument '\w+') has invalid (?:default )?value"
    r"(?: at [\w.\[\]]+)?: )?)"
    r"(?:Value '(?P<value>.*)' does not exist in '(?P<name>\w+)' enum.*"
    r"|Enum '(?P<other_name>\w+)' (?P<problem>cannot represent [a-z-]+ value): (?P<other_value>.*))",
    re.DOTALL,
)
"""graphql-core's sentences about a value that an enum has not."""

MOST_VALUES = 12
"""Of how many values an enum is told whole; of one that has more, the nearest are."""

NEAREST = 5
"""The values that are told of an enum of more."""


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
            types = self.execution_context.schema._schema.type_map
            result.errors = [
                mask_error(error, suggests=suggests, types=types) for error in result.errors
            ]


def suggests_names(caller: Caller | None) -> bool:
    """Return whether a caller is told names of the schema that are like an unknown one."""
    return caller is not None and may(caller.role, "introspection")


def mask_error(
    error: GraphQLError,
    *,
    suggests: bool = False,
    types: Mapping[str, GraphQLNamedType] = MappingProxyType({}),
) -> GraphQLError:
    """Return an error as clients get it; log one that is not the sender's, without its text.

    ``suggests``: whether names of the schema that are like an unknown one are told; ``types``: of
    the schema, whose enums' values are told to all, as in /schema.graphql.
    """
    cause = error.original_error
    if isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        code = (error.extensions or {}).get("code", "BAD_REQUEST")
        message = without_values(error.message, suggests=suggests, types=types)
        return _error_with_code(error, message, str(code))
    response = response_to(cause)
    if response.code == INTERNAL.code:
        # by the field's name in the schema: in the path it has the name that the client gave it
        field = " ".join(getattr(getattr(n, "name", None), "value", "?") for n in error.nodes or ())
        log.error("internal error at %s: %s", field, type(cause).__name__, exc_info=_bare(cause))
    elif response.code in ("DATABASE_AWAY", "KEYS_MISSING"):
        # who runs this is told which: a full disk, a standby, too many connections
        reason = type(getattr(cause, "orig", None) or cause).__name__
        log.warning("%s: %s", response.code, cause if isinstance(cause, KeysMissing) else reason)
    parameters = parameters_of(cause) if isinstance(cause, Refusal) else {}
    return _error_with_code(error, response.message, str(response.code), **parameters)


def without_values(
    message: str,
    *,
    suggests: bool = False,
    types: Mapping[str, GraphQLNamedType] = MappingProxyType({}),
) -> str:
    """Return a message of graphql-core about a malformed operation without the values in it."""
    if (match := _ENUM.fullmatch(message)) and (
        values := _values_of(types.get(match["name"] or match["other_name"]), match)
    ):
        return values
    sentence, did_you_mean, names = message.partition(" Did you mean ")
    for pattern, replacement in _VALUES:
        sentence = pattern.sub(replacement, sentence)
    if _UNKNOWN_FIELD.search(sentence):
        names = _FOUND.sub("", names)
    is_known = suggests and did_you_mean and _NAMES.fullmatch(names)
    return f"{sentence}{did_you_mean}{names}" if is_known else sentence


def _values_of(enum: GraphQLNamedType | None, match: re.Match[str]) -> str | None:
    """Return the sentence about a value that an enum has not, and those it has; None for no enum."""
    if not isinstance(enum, GraphQLEnumType):
        return None
    problem = match["problem"] or "has no such value"
    sentence = f"{match['where']}'{enum.name}' {problem}."
    if len(enum.values) <= MOST_VALUES:
        return f"{sentence} Its values are {', '.join(enum.values)}."
    value = (match["value"] or match["other_value"] or "").strip("\"'.").upper()
    names = ", ".join(nearest(value, enum.values, NEAREST))
    return f"{sentence} The nearest of its {len(enum.values)} values are {names}."


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
