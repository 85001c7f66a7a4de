"""The endpoint of GraphQL: over HTTP, and over WebSockets by graphql-transport-ws."""

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from functools import partial
from typing import Any, cast

import msgspec
from cross_web import HTTPException, StarletteRequestAdapter
from opentelemetry.trace import SpanKind
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET, UnsetType

from api.auth.authentication import Login, NotLoggedIn, UnknownPurpose, with_purpose
from api.container import AppState
from api.errors import (
    DocumentNotTrusted,
    NotAcceptable,
    TooLarge,
    TooManyRequests,
    formatted,
)
from api.graphql.context import Connected, Context
from api.graphql.error_masking import without_values
from api.graphql.execution.response_cache import (
    CachedResult,
    CachingExecutor,
    EncodedResponse,
    conditional,
)
from api.graphql.schema import schema
from api.http.errors import error_response, json_error
from api.http.persisted_documents import TrustedDocuments
from api.http.rate_limit import TokenBucket
from api.telemetry import metrics
from application.authorization.roles import Caller
from domain.errors import WardbookError
from infrastructure import tracing

CALLER = "wardbook.caller"
"""Where a request's scope says who is logged in."""

MAX_BODY = 1_000_000
"""Bytes of a request's body, and of a message over a WebSocket."""

MOST_SUBSCRIPTIONS = 20
"""Operations at once over one WebSocket."""

TOKEN_ENDED = 4403
"""The code with which a WebSocket is closed whose token ends: clients log in again, and go on."""

LOOK_AT_CLOCK_SECONDS = 60.0
"""A token's end is a moment of the wall clock, which may be set meanwhile."""

LOGIN_SECONDS = 10
"""How long a WebSocket may be open before its connection_init."""

TOO_SLOW = 4413
"""The code with which a WebSocket is closed whose client does not take what it is sent."""

TOO_MANY = "TOO_MANY_REQUESTS"

_TOO_LARGE = TooLarge(f"A request may have {MAX_BODY} bytes at most.")

JSON, RESPONSE_JSON = "application/json", "application/graphql-response+json"
_ANSWERS = {RESPONSE_JSON: RESPONSE_JSON, JSON: JSON, "application/*": JSON, "*/*": JSON}

_NO_MESSAGE = "this is no message of graphql-transport-ws"
_GO_ON = "too slow: subscribe again, after the last position that you got"

Operation = Context | Connected

log = logging.getLogger(__name__)


class Socket(BaseGraphQLTransportWSHandler[Operation, None]):
    """One WebSocket: bounded in what it takes, and in how long it waits for a slow client."""

    _giving_up: asyncio.Task[None] | None = None
    _ending: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        with metrics.SOCKETS.track_inprogress():
            await super().handle()

    async def handle_message(self, message: Any) -> None:
        """What is no message of the protocol closes the connection; it is never an error of ours."""
        if not _is_message(message):
            await self.handle_invalid_message(_NO_MESSAGE)
            return
        await super().handle_message(message)

    async def handle_invalid_message(self, error_message: str) -> None:
        """The library's reason repeats what was sent."""
        await super().handle_invalid_message(_NO_MESSAGE)

    async def handle_connection_init(self, message: Any) -> None:
        """From the login on, the connection lasts as long as the token does."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self._ending is None:
            self._ending = asyncio.create_task(self._end_with_token())
            self._ending.add_done_callback(self._task_done)

    async def _end_with_token(self) -> None:
        while (left := self._caller.seconds_left) > 0:
            await asyncio.sleep(min(left, LOOK_AT_CLOCK_SECONDS))
        await self.websocket.close(TOKEN_ENDED, "the token has expired: log in again")

    async def shutdown(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()

    async def handle_subscribe(self, message: Any) -> None:
        """Refuse one operation too many, of this connection or of the login."""
        if message["id"] in self.operations:
            await self.websocket.close(4409, "an operation with that id is under way")
            return
        if self.connection_acknowledged:
            wait = cast(Endpoint, self.view).pace.take(self._caller.actor)
            refused = too_many(wait) if wait else None
            if len(self.operations) >= MOST_SUBSCRIPTIONS:
                refused = TooManyRequests(
                    f"A WebSocket has {MOST_SUBSCRIPTIONS} operations at once at most."
                )
            if refused:
                metrics.REFUSALS.labels(TOO_MANY).inc()
                await self._refuse(message, refused)
                return
            payload = message["payload"]
            try:
                payload["query"] = cast(Endpoint, self.view).documents.text(payload) or ""
            except DocumentNotTrusted as error:
                await self._refuse(message, error)
                return
        await super().handle_subscribe(message)

    async def _refuse(self, message: Any, error: WardbookError) -> None:
        payload = [formatted(error)]
        await self.send_message({"id": message["id"], "type": "error", "payload": payload})

    @property
    def _caller(self) -> Caller:
        caller = cast(Connected, self.context).caller
        assert caller is not None, "asked for before the login"
        return caller

    async def send_message(self, message: Any) -> None:
        """Send it, or give up a client that has not taken anything for a while.

        Nothing is lost: it can go on after the last position that it got.
        """
        patience = cast(Endpoint, self.view).state.settings.slow_client_seconds
        try:
            async with asyncio.timeout(patience):
                await super().send_message(message)
        except TimeoutError:
            if self._giving_up is None:
                log.warning("a client takes nothing of what it is sent; its WebSocket is closed")
                metrics.TOO_SLOW.inc()
                # Of its own: this task is one of those that end with the operations.
                self._giving_up = asyncio.create_task(self.websocket.close(TOO_SLOW, _GO_ON))
                self._giving_up.add_done_callback(self._task_done)
            for id in list(self.operations):
                await self.cleanup_operation(id)

    async def handle_task_exception(self, error: Exception) -> None:
        """Tell that it happened, without what it said: a message may contain a patient's data."""
        log.error("an operation over a WebSocket failed: %s", type(error).__name__)


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    payload = message.get("payload", {})
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and (message["type"] == "complete" or _names_a_document(payload))
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _names_a_document(payload: dict[str, Any]) -> bool:
    query, id, extensions = (payload.get(n) for n in ("query", "documentId", "extensions"))
    return isinstance(query, str) or (
        query is None and (isinstance(id, str) or isinstance(extensions, dict))
    )


class Sent(StarletteRequestAdapter):
    """A request as the library reads it, which compares media types as they are written."""

    @property
    def content_type(self) -> str | None:
        return (super().content_type or "").lower()


class Endpoint(GraphQL[Operation, None]):
    """GraphQL for those who are logged in."""

    request_adapter_class = Sent
    graphql_transport_ws_handler_class = Socket

    def __init__(self, state: AppState, login: Login) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=LOGIN_SECONDS),
            allowed_origins=state.settings.allowed_origins,
        )
        self.state, self._login = state, login
        self.pace = TokenBucket(state.settings.requests_per_second)
        self.documents = TrustedDocuments.of(state.settings)
        self._answers = CachingExecutor()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        await self.guarded(scope, receive, send, super().__call__)

    async def guarded(self, scope: Scope, receive: Receive, send: Send, answer: ASGIApp) -> None:
        """Answer those who may ask, if what they send is not too much; counted either way."""
        received, begun, request = 0, False, Request(scope)

        async def at_most() -> Message:  # a body sent in chunks says no length beforehand
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise _TOO_LARGE
            return message

        async def counted(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                metrics.REQUESTS.labels(message["status"]).inc()
                tracing.note(**{"http.response.status_code": message["status"]})
            await send(message)

        traceparent = request.headers.get("traceparent")
        with (
            metrics.SECONDS.time(),
            tracing.span(
                f"{request.method} {request.url.path}",
                {"http.request.method": request.method, "url.path": request.url.path},
                kind=SpanKind.SERVER,
                traceparent=traceparent,
            ),
        ):
            try:
                refused = await self._fault_of(request)
                await (refused or answer)(scope, at_most, counted)
            except TooLarge as error:
                await error_response(error)(scope, receive, counted)
            except ClientDisconnect:  # nobody is answered
                raise
            except Exception:  # it is answered further out
                if not begun:
                    metrics.REQUESTS.labels(500).inc()
                raise

    async def _fault_of(self, request: Request) -> Response | None:
        try:
            caller = await self._login.caller(_bearer(request.headers.get("authorization")))
            request.scope[CALLER] = with_purpose(caller, request.headers.get("x-purpose"))
        except (NotLoggedIn, UnknownPurpose) as error:
            return error_response(error)
        if wait := self.pace.take(caller.actor):
            return error_response(too_many(wait))
        if _answered_as(request) is None:
            return error_response(NotAcceptable(f"Accept {RESPONSE_JSON} or {JSON}."))
        length = request.headers.get("content-length", "0")
        too_large = length.isdigit() and int(length) > MAX_BODY
        return error_response(_TOO_LARGE) if too_large else None

    async def run(self, request: Any, *args: Any, **named: Any) -> Any:
        """What cannot even be asked is told as any other fault: in JSON, with a code."""
        try:
            response = await super().run(request, *args, **named)
        except DocumentNotTrusted as error:
            response = error_response(error)
        except HTTPException as refused:
            reason = without_values(refused.reason)
            response = json_error(refused.status_code, "BAD_REQUEST", reason)
        if isinstance(request, Request):
            kind = _answered_as(request)
            if kind == RESPONSE_JSON:
                response.headers["content-type"] = f"{RESPONSE_JSON}; charset=utf-8"
                if getattr(request.state, "is_not_executed", False):
                    response.status_code = 400
            return conditional(request, response, kind)
        return response

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Never: who asks by GET without a query has named a document, or forgotten it."""
        return False

    async def parse_http_body(self, request: Any) -> Any:
        """The request, with the text of the document that it names."""
        asked = await super().parse_http_body(request)
        if isinstance(asked, GraphQLRequestData) and (self.documents.are_set or not asked.query):
            if request.method == "GET":
                asked.query = self.documents.text(self.parse_query_params(request.query_params))
            else:
                asked.query = self.documents.text(self.parse_json(await request.get_body()))
        return asked

    async def execute_single(  # type: ignore[override]
        self, request: Request, **named: Any
    ) -> ExecutionResult:
        async def encode(result: ExecutionResult) -> bytes:
            return _json(await self.process_result(request, result))

        execute = partial(super().execute_single, request=request, **named)
        return await self._answers.answer(named["request_data"], named["context"], execute, encode)

    def encode_json(self, data: object) -> str | bytes:
        """As text, which is what a WebSocket's clients take; what is kept is encoded already."""
        return data.answer.told if isinstance(data, EncodedResponse) else _json(data).decode()

    async def process_result(self, request: Request, result: ExecutionResult) -> Any:
        """What was not executed has no data, not even none: as the newer media type has it."""
        if isinstance(result, CachedResult):
            request.state.answer = result.encoded
            return result.encoded
        told: dict[str, Any] = dict(await super().process_result(request, result))
        if result.data is None and not any(error.path for error in result.errors or ()):
            request.state.is_not_executed = True
            if _answered_as(request) == RESPONSE_JSON:
                del told["data"]
        return told

    def decode_json(self, data: str | bytes) -> object:
        """A body that is no JSON object in UTF-8, or nested without end, is its sender's fault."""
        with contextlib.suppress(UnicodeDecodeError, RecursionError):
            told = super().decode_json(data)
            if isinstance(told, dict | list) or isinstance(data, str):
                return told
        raise json.JSONDecodeError("no JSON object", "", 0)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Operation:
        shown = request.headers.get("authorization")
        if isinstance(request, WebSocket):
            return Connected(self.state, shown)
        return Context(self.state, request.scope[CALLER])

    async def on_ws_connect(self, context: Operation) -> UnsetType | dict[str, object] | None:
        """The login of a WebSocket: as in HTTP, or in connection_init, which a browser can send."""
        assert isinstance(context, Connected)
        given = {name.lower(): value for name, value in context.connection_params.items()}
        shown = given.get("authorization", context.shown)
        purpose = given.get("purpose")
        try:
            caller = await self._login.caller(_bearer(shown if isinstance(shown, str) else None))
            context.caller = with_purpose(caller, None if purpose is None else str(purpose))
        except (NotLoggedIn, UnknownPurpose):
            raise ConnectionRejectionError from None
        without_payload: UnsetType = UNSET
        return without_payload


def too_many(wait: int) -> TooManyRequests:
    """Return the error of a login that may send again in some seconds."""
    return TooManyRequests(f"Too many requests: ask again in {wait} s.", wait)


def _answered_as(request: Request) -> str | None:
    """The media type that the client likes best of those there are; None if it likes neither."""
    liked, best = 0.0, None
    for accepted in (request.headers.get("accept") or JSON).split(","):
        name, *parameters = (part.strip().lower() for part in accepted.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        with contextlib.suppress(ValueError):
            if name in _ANSWERS and float(weight) > liked:
                liked, best = float(weight), _ANSWERS[name]
    return best


def _bearer(shown: str | None) -> str | None:
    scheme, _, given = (shown or "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def _json(data: object) -> bytes:
    """In UTF-8; what is no Unicode, as a client may send and is told again, escaped."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        return json.dumps(data).encode()
