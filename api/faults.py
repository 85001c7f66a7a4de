"""What is told over HTTP to those who cannot be answered at all."""

from starlette.responses import JSONResponse


def fault(status: int, code: str, message: str) -> JSONResponse:
    """In the form of a GraphQL answer, with a code for programs."""
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers)
