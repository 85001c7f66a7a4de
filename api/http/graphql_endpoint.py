"""The GraphQL endpoint: how an operation comes out of a request, and its result into a response.

Who may send what is seen to by `api.http.middleware`, WebSockets by `api.http.websocket`.
"""

import contextlib
import json
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from cross_web import HTTPException, StarletteRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET, UnsetType

from api.auth.authentication import Authenticator
from api.errors import DocumentNotTrusted, UnsupportedMediaType
from api.graphql.context import Connected, Context
from api.graphql.error_masking import without_values
from api.graphql.execution.response_cache import (
    CachedResult,
    CachingExecutor,
    EncodedResponse,
    conditional,
)
from api.graphql.extensions.limits import check_variables
from api.graphql.schema import make_schema, schema
from api.http.allowances import Allowances
from api.http.errors import error_response, json_error
from api.http.middleware import JSON, RESPONSE_JSON
from api.http.persisted_documents import TrustedDocuments
from api.http.websocket import Operation, WebSocketHandler, log_in
from infrastructure.settings import Settings

LOGIN_SECONDS = 10
"""Seconds for which a WebSocket may be open before its connection_init."""

TODO = {
    "Unable to parse request body as JSON": "The body, or the variables of a GET, are no JSON object.",
    "Batching is not enabled": "Send one operation in a request; it may have several commands.",
    "mutations are not allowed when using GET": "Send a mutation by POST.",
    "subscriptions are not allowed when using GET": (
        "Send a subscription over a WebSocket, by graphql-transport-ws."
    ),
}
"""By a reason of Strawberry: a sentence that says what to do."""


class RequestAdapter(StarletteRequestAdapter):
    """A request for Strawberry, which compares media types as they are written."""

    @property
    def content_type(self) -> str | None:
        """The media type alone: Strawberry takes any text that contains the one it looks for."""
        name = (super().content_type or "").partition(";")[0].strip().lower()
        return name if name == JSON else ""


class GraphQLEndpoint(GraphQL[Operation, None]):
    """Strawberry's ASGI view with persisted documents, a response cache and media types."""

    request_adapter_class = RequestAdapter
    graphql_transport_ws_handler_class = WebSocketHandler

    def __init__(self, settings: Settings, login: Authenticator, allowances: Allowances) -> None:
        self.schema_used = schema if settings.fast_executor else make_schema(fast_executor=False)
        super().__init__(
            self.schema_used,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=LOGIN_SECONDS),
            allowed_origins=settings.allowed_origins,
        )
        self.settings, self._login, self.allowances = settings, login, allowances
        self.documents = TrustedDocuments.of(settings)
        self._executor = CachingExecutor()

    async def run(self, request: Any, *args: Any, **options: Any) -> Any:
        """Respond to a request. One that is no operation is told so in JSON, with a code."""
        if isinstance(request, WebSocket):  # nobody is logged in before it is open
            await self.allowances.anonymous.turn()
        try:
            response = await super().run(request, *args, **options)
        except (DocumentNotTrusted, UnsupportedMediaType) as error:
            response = error_response(error)
        except HTTPException as error:
            message = TODO.get(error.reason) or without_values(error.reason)
            response = json_error(error.status_code, "BAD_REQUEST", message)
        if isinstance(request, WebSocket):
            return response
        media_type = request.state.media_type
        if media_type == RESPONSE_JSON:
            response.headers["content-type"] = f"{RESPONSE_JSON}; charset=utf-8"
            if getattr(request.state, "is_not_executed", False):
                response.status_code = 400
        return conditional(request, response, media_type)

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Return False: a GET without a query names a document, or has forgotten it."""
        return False

    async def parse_http_body(self, request: Any) -> Any:
        """Return the request's data, with the text of the document that it names.

        Raises TooLarge, and UnsupportedMediaType.
        """
        if request.method == "POST" and not request.content_type:
            raise UnsupportedMediaType("Send the operation as application/json.")
        data = await super().parse_http_body(request)
        if isinstance(data, GraphQLRequestData) and (self.documents.are_set or not data.query):
            if request.method == "GET":
                data.query = self.documents.text(self.parse_query_params(request.query_params))
            else:
                data.query = self.documents.text(self.parse_json(await request.get_body()))
        if isinstance(data, GraphQLRequestData):
            check_variables(data.variables)
        return data

    async def execute_single(  # type: ignore[override]
        self, request: Request, **named: Any
    ) -> ExecutionResult:
        """Execute an operation, or take its response from the cache."""

        async def encode(result: ExecutionResult) -> bytes:
            return encode_json(await self.process_result(request, result))

        execute = partial(super().execute_single, request=request, **named)
        return await self._executor.answer(named["request_data"], named["context"], execute, encode)

    def encode_json(self, data: object) -> str | bytes:
        """Encode as text, which is what a WebSocket's clients take; the cache has bytes already."""
        return (
            data.response.body if isinstance(data, EncodedResponse) else encode_json(data).decode()
        )

    async def process_result(self, request: Request, result: ExecutionResult) -> Any:
        """Return the response of a result: one that was not executed has no ``data``, not even null.

        GraphQL over HTTP has it so for its own media type.
        """
        if isinstance(result, CachedResult):
            request.state.answer = result.encoded
            return result.encoded
        response: dict[str, Any] = dict(await super().process_result(request, result))
        if result.data is None and not any(error.path for error in result.errors or ()):
            request.state.is_not_executed = True
            if request.state.media_type == RESPONSE_JSON:
                del response["data"]
        return response

    def decode_json(self, data: str | bytes) -> object:
        """Decode a body. One that is no JSON object in UTF-8, or nested without end, is malformed."""
        with contextlib.suppress(
            ValueError, RecursionError
        ):  # of a number with too many digits, too
            body = super().decode_json(data)
            if isinstance(body, dict | list) or isinstance(data, str):
                return body
        raise json.JSONDecodeError("no JSON object", "", 0)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Operation:
        """Return the context of a request's operation, or of a WebSocket's connection."""
        if isinstance(request, WebSocket):
            address = request.client.host if request.client else None
            return Connected(request.state.container, request.headers.get("authorization"), address)
        return Context(request.state.container, request.state.caller)

    async def on_ws_connect(self, context: Operation) -> UnsetType | dict[str, object] | None:
        """Log a WebSocket in. Raises ConnectionRejectionError."""
        assert isinstance(context, Connected)
        await log_in(context, self._login, self.allowances.anonymous)
        without_payload: UnsetType = UNSET
        return without_payload


def encode_json(data: object) -> bytes:
    """Encode in UTF-8; text that is no Unicode, as a client may send and is sent again, escaped."""
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        return json.dumps(data).encode()
