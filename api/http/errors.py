"""What is told over HTTP to those who cannot be answered at all."""

from starlette.responses import JSONResponse


def fault(status: int, code: str, message: str, after: int | None = None) -> JSONResponse:
    """In the form of a GraphQL answer, with a code for programs. ``after``: seconds; ask again then."""
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if after is not None:
        headers["Retry-After"] = str(after)
    return JSONResponse(body, status, headers)
