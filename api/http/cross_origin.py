"""Cross-origin requests (CORS): pages of the origins that the settings name may ask."""

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

REQUEST_HEADERS = ("authorization", "content-type", "x-purpose", "x-request-id", "if-none-match")
RESPONSE_HEADERS = ("x-request-id", "retry-after", "etag")

PREFLIGHT_SECONDS = 600
"""For how long a browser need not ask again whether it may."""


def cross_origin(origins: tuple[str, ...]) -> list[Middleware]:
    """Return the middleware; none without origins. A login is a header, never a cookie."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
    ]
