"""The server: GraphQL over HTTP, health, and a page that says how to begin."""

import contextlib
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from api.graphql.context import Context
from api.graphql.schema import schema
from api.house import House
from api.token import actor_of
from infrastructure.database import Database
from infrastructure.follow import Follower
from infrastructure.queries import record
from infrastructure.readable import Readable
from infrastructure.settings import Settings
from infrastructure.wiring import hospital, seed

MAX_BODY = 1_000_000
"""Bytes of a request's body."""


class _TooLargeError(Exception):
    """A request's body turns out to be too large."""


class Endpoint(GraphQL[Context, None]):
    """GraphQL over HTTP for those who show the token."""

    def __init__(self, house: House, token: str) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._house, self._token = house, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._fault_of(Request(scope)) if scope["type"] == "http" else None
        received = 0

        async def at_most() -> Message:  # a body sent in chunks says no length beforehand
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise _TooLargeError
            return message

        try:
            await (fault or super().__call__)(scope, at_most, send)
        except _TooLargeError:
            await _TOO_LARGE(scope, receive, send)

    def _fault_of(self, request: Request) -> Response | None:
        if actor_of(_bearer(request), self._token) is None:
            return _UNAUTHENTICATED
        length = request.headers.get("content-length", "0")
        return _TOO_LARGE if length.isdigit() and int(length) > MAX_BODY else None

    def decode_json(self, data: str | bytes) -> object:
        """A body that is no JSON object in UTF-8, or nested without end, is its sender's fault."""
        with contextlib.suppress(UnicodeDecodeError, RecursionError):
            told = super().decode_json(data)
            if isinstance(told, dict | list) or isinstance(data, str):
                return told
        raise json.JSONDecodeError("no JSON object", "", 0)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        actor = actor_of(_bearer(request), self._token)
        if actor is None:
            raise PermissionError("only HTTP requests that show the token come here")
        return Context(self._house, actor)


def _bearer(request: Request | WebSocket) -> str | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _fault(status: int, code: str, message: str) -> JSONResponse:
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers)


_UNAUTHENTICATED = _fault(
    401, "UNAUTHENTICATED", "Show the token that the server printed: Authorization: Bearer TOKEN."
)
_TOO_LARGE = _fault(413, "TOO_LARGE", f"A request may have {MAX_BODY} bytes at most.")


def app(
    settings: Settings, database: Database, token: str, *, with_worker: bool = True
) -> Starlette:
    """The server's application. With a worker inside, it keeps the read models up to date itself."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log = database.open_log()
        the_hospital = hospital(settings, database)
        engine = database.async_engine()
        readable = Readable(database.app_url, engine)
        seed(settings, the_hospital, log)
        follower = Follower(database.app_url)
        worker = threading.Thread(target=follower.run, name="follower", daemon=True)
        if with_worker:
            worker.start()
        await readable.start()
        house = House(settings, database, log, the_hospital, engine, readable)
        endpoint = Endpoint(house, token)
        app.state.house = house
        app.routes.append(
            Route("/graphql", endpoint, methods=["GET", "POST", "OPTIONS", "PUT", "DELETE"])
        )
        try:
            yield
        finally:
            app.routes[:] = [r for r in app.routes if getattr(r, "endpoint", None) is not endpoint]
            follower.stop()
            await readable.stop()
            await engine.dispose()
            if with_worker:
                worker.join(timeout=5)
            the_hospital.close()

    return Starlette(
        routes=[
            Route("/", _home),
            Route("/livez", _alive),
            Route("/readyz", _ready),
        ],
        lifespan=lifespan,
    )


async def _home(request: Request) -> Response:
    return HTMLResponse(_PAGE)


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _ready(request: Request) -> Response:
    """Ready when the database answers, no read model has halted or is ten seconds behind."""
    house: House = request.app.state.house
    try:
        async with house.engine.connect() as connection:
            models = await record.projections(connection)
    except Exception:
        return JSONResponse({"ready": False, "why": "the database cannot be reached"}, 503)
    behind = [m.name for m in models if m.lag_seconds > 10]
    halted = [m.name for m in models if m.state == "HALTED"]
    parked = [m.name for m in models if m.state == "PARKED"]
    ready = not behind and not halted
    told: dict[str, Any] = {"ready": ready, "behind": behind, "halted": halted, "parked": parked}
    return JSONResponse(told, 200 if ready else 503)


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Wardbook</title>
<h1>Wardbook</h1>
<p>The hospital's record of every stay. Ask it by GraphQL at <code>/graphql</code>,
with the token that the server printed:</p>
<pre>curl -s "$URL/graphql" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"query": "{ roomOccupancy { room { ward number } beds { code state patient { mrn } } } }"}'
</pre>
"""
