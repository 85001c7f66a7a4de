"""HTTP responses to requests that no GraphQL operation can answer."""

from typing import Any

from starlette.responses import JSONResponse

from api.errors import TooManyRequests, extensions_of, response_to
from api.telemetry import metrics
from domain.errors import WardbookError


def error_response(error: WardbookError) -> JSONResponse:
    """Return the HTTP response to an error of the table `api.errors.RESPONSES`."""
    response = response_to(error)
    assert response.code is not None
    retry_after = None
    if isinstance(error, TooManyRequests):
        metrics.REFUSALS.labels(response.code).inc()
        retry_after = error.retry_after
    return json_error(response.status, response.code, response.message, retry_after)


def json_error(
    status: int, code: str, message: str, retry_after: int | None = None
) -> JSONResponse:
    """Return a response in the form of a GraphQL response. ``retry_after``: seconds."""
    body = {"errors": [{"message": message, "extensions": extensions_of(code)}]}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(body, status, headers)


def fhir_error(
    status: int, outcome: dict[str, Any], retry_after: int | None = None
) -> JSONResponse:
    """Return the response of FHIR to an error: an OperationOutcome."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(outcome, status, headers, media_type="application/fhir+json")
