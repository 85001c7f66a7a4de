"""ASGI middlewares around every GraphQL request over HTTP, outermost first: `middlewares`.

WebSockets pass them by: a WebSocket may log in after it is open, and has many operations
(`api.http.websocket`).
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth.authentication import (
    Authenticator,
    NotLoggedIn,
    bearer_token,
    check_not_for_fhir,
    check_not_idle,
    check_not_revoked,
    log_failed_login,
    with_purpose,
)
from api.disconnect import RECEIVE
from api.errors import INTERNAL, NotAcceptable, RequestTimeout, TooLarge, response_to
from api.fhir.outcome import FhirError, of_response, outcome
from api.fhir.paths import OPEN as FHIR_OPEN
from api.fhir.paths import PATH as FHIR_PATH
from api.fhir.registry import RESOURCES
from api.http.allowances import Allowances
from api.http.anonymous import FAILED_LOGIN
from api.http.errors import error_response, fhir_error
from api.telemetry import logs, metrics
from api.work import WORK, MeteredCoroutine
from domain.errors import WardbookError
from infrastructure import tracing

REQUEST_ID_HEADER = "X-Request-ID"
_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

MAX_BODY = 1_000_000
"""Bytes of a request's body, and of a message over a WebSocket."""

BODY_SECONDS = 30.0
"""The time for a request's body to arrive."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Headers of every response that does not set them itself: a GET's address has MRNs in it."""

DENIAL = "websocket.http.response"
"""The extension of ASGI by which a handshake is refused."""

RESPONSE_STARTS = ("http.response.start", f"{DENIAL}.start")

WITH_LOGIN = {"/graphql", "/commands"}
"""Paths that ask for a login themselves."""

HEALTH = {"/readyz", "/metrics"}
"""Paths for those who watch over the server."""

JSON, RESPONSE_JSON = "application/json", "application/graphql-response+json"
_MEDIA_TYPES = {RESPONSE_JSON: RESPONSE_JSON, JSON: JSON, "application/*": JSON, "*/*": JSON}


def middlewares(
    login: Authenticator, allowances: Allowances, *, of_fhir: bool = False
) -> list[Middleware]:
    """Return the middlewares of a route, outermost first."""
    return [
        Middleware(Telemetry),
        Middleware(FhirErrors if of_fhir else ErrorResponses),
        Middleware(Authentication, login, allowances, of_fhir=of_fhir),
        Middleware(WorkLimits, allowances),
        # FHIR has a parameter for the format, which may be in the body
        *([] if of_fhir else [Middleware(ContentNegotiation)]),
        Middleware(BodyLimits),
    ]


class RequestId:
    """Give each request and WebSocket an id, for its log lines and for its response.

    A proxy's ``X-Request-ID`` is taken if it is a UUID: another text could say who a patient is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        proxy_id = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        id = proxy_id if _UUID.fullmatch(proxy_id) else str(uuid4())
        # not reset: the server logs an error after this, and each request is a task of its own
        logs.REQUEST_ID.set(id)

        async def identified_send(message: Message) -> None:
            if message["type"] in (*RESPONSE_STARTS, "websocket.accept"):
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = id
            await send(message)

        await self._app(scope, receive, identified_send)


class SecurityHeaders:
    """Set the security headers of each response that has none of its own.

    A refused handshake of a WebSocket is a response, too, where the server lets it have headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handshake = DENIAL in (scope.get("extensions") or {})

        async def guarded_send(message: Message) -> None:
            nonlocal handshake
            if handshake and message["type"] == "websocket.close":
                await guarded_send({"type": f"{DENIAL}.start", "status": 403, "headers": []})
                message = {"type": f"{DENIAL}.body", "body": b""}
            elif message["type"] in RESPONSE_STARTS:
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            handshake = False
            await send(message)

        await self._app(scope, receive, guarded_send)


class AnonymousPace:
    """Hold back what is asked without a login, wherever none is asked for."""

    def __init__(self, app: ASGIApp, allowances: Allowances) -> None:
        self._app, self._allowances = app, allowances

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _has_login(scope["path"]):
            await self._allowances.anonymous.turn()
        await self._app(scope, receive, send)


def _has_login(path: str) -> bool:
    """Return whether what is there asks for a login by itself."""
    return path in WITH_LOGIN or (path.startswith(f"{FHIR_PATH}/") and path not in FHIR_OPEN)


class HealthPort:
    """Answer HEALTH at a port of its own alone, and nothing else there."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app, self._port = app, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] != "/livez":
            is_here = scope["server"][1] == self._port
            if is_here != (scope["path"] in HEALTH):
                scope = {**scope, "path": "/-", "raw_path": b"/-"}  # as what is not there
        await self._app(scope, receive, send)


class Telemetry:
    """Trace each request and count it by the status of its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, has_started = scope["method"], False

        async def counting_send(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                metrics.REQUESTS.labels(message["status"]).inc()
                tracing.note(**{"http.response.status_code": message["status"]})
            await send(message)

        path = _path_without_ids(scope["path"])
        span = tracing.span(
            f"{method} {path}",
            {"http.request.method": method, "url.path": path},
            kind=SpanKind.SERVER,
            traceparent=Headers(scope=scope).get("traceparent"),
        )
        with metrics.SECONDS.time(), span:
            try:
                await self._app(scope, receive, counting_send)
            except ClientDisconnect:  # nobody is left to respond to
                return
            except Exception:  # the server's outermost middleware responds
                if not has_started:
                    metrics.REQUESTS.labels(500).inc()
                raise


def _path_without_ids(path: str) -> str:
    """Return the path that a trace may tell: one of FHIR has the type alone, as ids are of patients."""
    if not path.startswith(f"{FHIR_PATH}/") or path in FHIR_OPEN:
        return path
    type = path.split("/")[2]
    return f"{FHIR_PATH}/{type}" if type in RESOURCES else FHIR_PATH


class ErrorResponses:
    """Respond to errors that have an HTTP status of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except WardbookError as error:
            if response_to(error).status == 500:
                raise
            await error_response(error)(scope, receive, send)


class FhirErrors:
    """Respond to errors that have an HTTP status of their own as FHIR does: by an OperationOutcome."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except FhirError as error:
            refusal = fhir_error(error.status, outcome(error.code, str(error)))
            if error.allow is not None:
                refusal.headers["Allow"] = error.allow
            await refusal(scope, receive, send)
        except Exception as error:
            response = response_to(error)
            if response.code == INTERNAL.code:
                raise
            retry = getattr(error, "retry_after", None)
            await fhir_error(*of_response(response), retry)(scope, receive, send)


class Authentication:
    """Put the caller that a bearer token names into ``request.state``. Raises NotLoggedIn."""

    def __init__(
        self, app: ASGIApp, login: Authenticator, allowances: Allowances, *, of_fhir: bool = False
    ) -> None:
        self._app, self._login, self._allowances = app, login, allowances
        self._of_fhir = of_fhir

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        address = request.client.host if request.client else None
        try:
            caller = await self._login.authenticate(
                bearer_token(request.headers.get("authorization"))
            )
            await check_not_revoked(caller, request.state.container.revocations)
            await check_not_idle(caller, request.state.container.token_uses)
            if not self._of_fhir:
                check_not_for_fhir(caller)
        except NotLoggedIn as error:
            log_failed_login(error, address)
            await self._allowances.anonymous.turn(FAILED_LOGIN)
            raise
        caller = with_purpose(caller, request.headers.get("x-purpose"))
        request.state.caller = replace(caller, address=address)
        await self._app(scope, receive, send)


class WorkLimits:
    """Count a request and its work against its login's allowances. Raises TooManyRequests."""

    def __init__(self, app: ASGIApp, allowances: Allowances) -> None:
        self._app, self._allowances = app, allowances

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._allowances.collections.postponed():
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = await self._allowances.admit(Request(scope).state.caller.actor)
        WORK.set(work)
        try:
            await MeteredCoroutine(self._respond(scope, receive, send), work)
        finally:
            work.end()
            metrics.LOOP_HELD.observe(work.longest)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class ContentNegotiation:
    """Put the media type of the response into ``request.state``. Raises NotAcceptable."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        media_type = preferred_media_type(request.headers)
        if media_type is None:
            raise NotAcceptable(f"Accept {RESPONSE_JSON} or {JSON}.")
        request.state.media_type = media_type
        await self._app(scope, receive, send)


def preferred_media_type(
    headers: Mapping[str, str], media_types: Mapping[str, str] = _MEDIA_TYPES
) -> str | None:
    """Return the media type that a client likes best of those there are; None: it likes neither."""
    highest, media_type = 0.0, None
    for item in (headers.get("accept") or JSON).split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        with contextlib.suppress(ValueError):
            if name in media_types and float(weight) > highest:
                highest, media_type = float(weight), media_types[name]
    return media_type


class BodyLimits:
    """Limit a request's body to MAX_BODY bytes and BODY_SECONDS. Raises TooLarge, RequestTimeout."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, is_complete = 0, False
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS

        async def limited_receive() -> Message:
            nonlocal size, is_complete
            try:
                async with asyncio.timeout_at(None if is_complete else deadline):
                    message = await receive()
            except TimeoutError:
                raise RequestTimeout(f"The body has to come within {BODY_SECONDS} s.") from None
            is_complete = not message.get("more_body", False)
            size += len(message.get("body", b""))
            _check_size(size)
            return message

        length = Headers(scope=scope).get("content-length", "0")
        _check_size(int(length) if length.isdigit() else 0)
        RECEIVE.set(receive)
        await self._app(scope, limited_receive, send)


def _check_size(size: int) -> None:
    if size > MAX_BODY:
        raise TooLarge(f"A request may have {MAX_BODY} bytes at most.")
