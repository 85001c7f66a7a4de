"""Answers to errors: one table of codes, HTTP statuses, texts and exit codes.

GraphQL (`api.graphql.error_masking`), HTTP (`api.http.errors`), batches of commands and the command
line (`api.cli.main`) look an error up here, by its class or the nearest base class that has a row.
"""

import re
from dataclasses import dataclass, replace

from sqlalchemy.exc import DataError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.utils.str_converters import to_camel_case

from api.auth.authentication import NotLoggedIn, UnknownPurpose
from api.exit_codes import ExitCode
from application.reports.service import FiguresNotReadable
from domain.errors import ConfigurationError, TransientError, WardbookError
from domain.refusals import AlreadyExists, NotAllowed, NotFound, Refusal
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.event_store.mapper import NewerEvent
from infrastructure.postgres.connection_failure import (
    InsufficientPrivilege,
    ReadOnlySqlTransaction,
    connection_failure,
)
from infrastructure.postgres.database import CONNECTION_ERRORS
from infrastructure.postgres.embedded_server import EmbeddedServerError
from infrastructure.postgres.migrated import NotMigrated
from infrastructure.postgres.sessions import SharedSession
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy


class ReadModelsBehind(TransientError):
    """The read models have not reached the position that was asked for, in the time given."""


class BadRequest(WardbookError):
    """A request that cannot be understood."""


class UnsupportedMediaType(BadRequest):
    """A request whose body is of another media type than those that are read."""


class NotAcceptable(BadRequest):
    """A request that accepts no media type in which it could be answered."""


class TooLarge(WardbookError):
    """A request with too large a body, or with too many commands."""


class RequestTimeout(TransientError):
    """A request whose body does not come in time."""


class DocumentNotTrusted(WardbookError):
    """A document that is none of the trusted documents of this server."""


class TooManyRequests(TransientError):
    """A login's rate limit is exceeded. ``retry_after``: seconds after which to send again."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The answer to an error, as clients and as the command line get it.

    ``code``: for programs; None: an internal error, of which a client is told nothing and which is
    logged. ``status``: of HTTP, for an error outside of GraphQL operations.
    ``message``: to clients; ``advice``: to who sits at a terminal. ``exit_code``: of the command line;
    None: the error is a fault of the program, and ends it with a traceback. ``failure`` in
    an advice: see `_failure`.
    """

    code: str | None = None
    status: int = 500
    message: str = "{text}"
    exit_code: ExitCode | None = None
    advice: str = "{error}"


_REFUSED, _USAGE, _NO_DATABASE = ExitCode.REFUSED, ExitCode.USAGE, ExitCode.NO_DATABASE
_UNREACHABLE = ErrorResponse(
    "DATABASE_AWAY",
    message="The database cannot be reached; ask again.",
    exit_code=_NO_DATABASE,
    advice="{failure}",
)
_NO_OPERATION = ErrorResponse("BAD_REQUEST", message="The document has no such operation.")
_UNSEARCHABLE = ErrorResponse(
    "BAD_REQUEST",
    message="A value in it cannot be looked for.",
    exit_code=_USAGE,
    advice="A value that was given is no text that can be looked for.",
)

RESPONSES: dict[type[BaseException], ErrorResponse] = {
    WardbookError: ErrorResponse(exit_code=_REFUSED),
    ConfigurationError: ErrorResponse(exit_code=_USAGE),
    # refusals: a client is not told the name that was looked for
    Refusal: ErrorResponse("{error.code}", exit_code=_REFUSED),
    NotAllowed: ErrorResponse("NOT_ALLOWED", exit_code=_REFUSED),
    NotFound: ErrorResponse(
        "{error.code}", message="There is no {error.without_key}.{error.hint}", exit_code=_REFUSED
    ),
    AlreadyExists: ErrorResponse(
        "{error.code}", message="There is already {error.without_key}.", exit_code=_REFUSED
    ),
    KeysMissing: ErrorResponse(
        "KEYS_MISSING",
        503,
        message="The keys by which texts about persons are sealed cannot be used; tell who runs this.",
        exit_code=_REFUSED,
    ),
    NewerEvent: ErrorResponse(
        "SERVER_OUTDATED",
        503,
        message="A newer program recorded what this server cannot read; ask again, of another server.",
        exit_code=_REFUSED,
    ),
    # requests
    NotLoggedIn: ErrorResponse("UNAUTHENTICATED", 401),
    UnknownPurpose: ErrorResponse("BAD_REQUEST", 400),
    BadRequest: ErrorResponse("BAD_REQUEST", 400),
    UnsupportedMediaType: ErrorResponse("BAD_REQUEST", 415),
    NotAcceptable: ErrorResponse("BAD_REQUEST", 406),
    DocumentNotTrusted: ErrorResponse("DOCUMENT_NOT_TRUSTED", 400),
    TooLarge: ErrorResponse("TOO_LARGE", 413),
    RequestTimeout: ErrorResponse("REQUEST_TIMEOUT", 408),
    TooManyRequests: ErrorResponse("TOO_MANY_REQUESTS", 429),
    CannotGetOperationTypeError: _NO_OPERATION,
    MissingQueryError: _NO_OPERATION,
    DataError: _UNSEARCHABLE,
    UnicodeEncodeError: _UNSEARCHABLE,
    # files, of the command line alone
    OSError: ErrorResponse(exit_code=_REFUSED, advice="{failure}"),
    **dict.fromkeys(
        (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError),
        ErrorResponse(exit_code=_USAGE, advice="{failure}"),
    ),
    UnicodeDecodeError: ErrorResponse(
        exit_code=_USAGE, advice="A file or the input is not UTF-8, at byte {error.start}."
    ),
    # the database, and what is read from it
    **dict.fromkeys(
        (DatabaseUnavailable, KeyStoreBusy),
        ErrorResponse("DATABASE_AWAY", 503, exit_code=_NO_DATABASE),
    ),
    EmbeddedServerError: ErrorResponse(exit_code=_NO_DATABASE),
    **dict.fromkeys((NotMigrated, SharedSession), ErrorResponse(exit_code=_NO_DATABASE)),
    **dict.fromkeys(CONNECTION_ERRORS, _UNREACHABLE),
    InsufficientPrivilege: ErrorResponse(exit_code=_NO_DATABASE, advice="{failure}"),
    ReadOnlySqlTransaction: replace(  # a primary that is one no longer, until its sessions are cut
        _UNREACHABLE, advice="The database takes no writes: it is a standby, or fails over."
    ),
    InterfaceError: ErrorResponse("DATABASE_AWAY", message=_UNREACHABLE.message),
    PoolTimeout: ErrorResponse(  # the database is there, and so is a client that asks too much of it
        "DATABASE_AWAY", message="Too much is asked of the database at once; ask again in a moment."
    ),
    ReadModelsBehind: ErrorResponse("READ_MODELS_BEHIND"),
    FiguresNotReadable: ErrorResponse("READ_MODELS_BEHIND", exit_code=_REFUSED),
}
"""The answers by class of error. Texts are templates of `str.format` with the ``error``.

``text``: that of the error as clients get it, with the names of fields in camelCase.
"""

INTERNAL = ErrorResponse("INTERNAL", message="Internal error; it was logged.")
"""The answer to an error that is a fault of the program."""

CODES = {
    "UNAUTHENTICATED": "The login has ended, was revoked, or is none: log in again.",
    "BAD_REQUEST": "The document or its variables cannot be understood: a fault of the client.",
    "DOCUMENT_NOT_TRUSTED": "The document is none of those that this server answers.",
    "TOO_LARGE": "The request is too large.",
    "TOO_COSTLY": "The document asks for too much at once.",
    "TOO_MANY_REQUESTS": "The login asks too much: send it again, later.",
    "REQUEST_TIMEOUT": "The request did not come in time: send it again.",
    "TIMED_OUT": "The answer took too long.",
    "DATABASE_AWAY": "Whether a command was recorded is not known: send it again.",
    "READ_MODELS_BEHIND": "What is asked for is recorded, and cannot be read yet: ask again.",
    "KEYS_MISSING": "Texts about persons cannot be read now: tell who runs this.",
    "SERVER_OUTDATED": "Another server has to be asked.",
    "INTERNAL": "A fault of the server, which was logged.",
}
"""The codes of errors that are no refusals, each with what a client does about it."""


def error_code(code: str) -> str:
    """Return a code in the one style of errors and refusals: NOT_ALLOWED of ``NotAllowed``."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", code).upper()


def extensions_of(code: str) -> dict[str, object]:
    """Return the codes of an error for programs: as it ever was, and in the one style."""
    return {"code": code, "errorCode": error_code(code)}


_UNKNOWN = ErrorResponse()


def response_to(error: BaseException) -> ErrorResponse:
    """Return the answer to an error, its texts filled in; an internal error is INTERNAL's."""
    cause = getattr(error, "orig", None)
    error = cause if isinstance(cause, InsufficientPrivilege | ReadOnlySqlTransaction) else error
    text = error.text(to_camel_case) if isinstance(error, Refusal) else str(error)
    row = next((RESPONSES[kind] for kind in type(error).__mro__ if kind in RESPONSES), _UNKNOWN)
    advice = row.advice.format(error=error, failure=_failure(error))
    if row.code is None:
        return replace(INTERNAL, exit_code=row.exit_code, advice=advice)
    return ErrorResponse(
        row.code.format(error=error),
        row.status,
        row.message.format(error=error, text=text),
        row.exit_code,
        advice,
    )


def _failure(error: BaseException) -> str:
    """Return the fault of a connection to the database, or of a file, in a sentence."""
    if isinstance(error, (*CONNECTION_ERRORS, InsufficientPrivilege)):
        return connection_failure(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error)


def format_error(error: WardbookError) -> dict[str, object]:
    """Return an error that has a code as GraphQL formats it: message and ``extensions.code``."""
    response = response_to(error)
    return {"message": response.message, "extensions": extensions_of(str(response.code))}
