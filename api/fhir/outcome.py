"""OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html): what was refused and what to do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from api.errors import ErrorResponse
from api.fhir.values import Json
from domain.errors import WardbookError

ISSUES: dict[str, tuple[int, str]] = {
    "NOT_ALLOWED": (403, "forbidden"),
    "NotFound": (404, "not-found"),
    "InvalidInput": (400, "invalid"),
    "BAD_REQUEST": (400, "invalid"),
    "TOO_COSTLY": (400, "too-costly"),
    "TOO_LARGE": (413, "too-long"),
    "REQUEST_TIMEOUT": (408, "timeout"),
    "TIMED_OUT": (504, "timeout"),
    "TOO_MANY_REQUESTS": (429, "throttled"),
    "UNAUTHENTICATED": (401, "login"),
    "READ_MODELS_BEHIND": (503, "transient"),
    "DATABASE_AWAY": (503, "transient"),
    "INTERNAL": (500, "exception"),
}
"""HTTP status and issue type (https://hl7.org/fhir/R4/codesystem-issue-type.html) of our codes."""


class FhirError(WardbookError):
    """A request that gets an OperationOutcome; the text says what to do, and nothing of a patient."""

    def __init__(self, status: int, code: str, message: str, allow: str | None = None) -> None:
        """``allow``: the methods that are taken there instead, of a status 405."""
        super().__init__(message)
        self.status, self.code, self.allow = status, code, allow


class TypeClosed(FhirError):
    """A type of which nothing is looked up for who asks."""

    entity: ClassVar[str]
    """The reason as the record of reading names it."""


class OutOfScope(TypeClosed):
    """A type that the scopes of a token do not leave."""

    entity = "OutOfScope"


class NotForRole(TypeClosed):
    """A type that the role may see nothing of."""

    entity = "NotAllowed"


def not_found(type: str) -> FhirError:
    return FhirError(404, "not-found", f"There is no such {type}: look for it by a search.")


@contextmanager
def suppress_not_found() -> Iterator[None]:
    """Let a search go on where something that it names is not there."""
    try:
        yield
    except FhirError as error:
        if error.status != 404:
            raise


def refused(errors: Sequence[Any]) -> FhirError:
    """Return the error of an operation that GraphQL did not answer."""
    (first, *_) = errors
    code = str((first.extensions or {}).get("code", "INTERNAL"))
    status, issue = ISSUES.get(code, (400, "business-rule"))
    return FhirError(status, issue, first.message)


def of_response(response: ErrorResponse) -> tuple[int, Json]:
    """Return status and outcome of an error that the table of errors has an answer to."""
    status, issue = ISSUES.get(str(response.code), (response.status, "processing"))
    return status, outcome(issue, response.message)


def outcome(code: str, message: str, severity: str = "error") -> Json:
    """Return an OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code, "diagnostics": message}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
