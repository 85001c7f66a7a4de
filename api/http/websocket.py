"""GraphQL over WebSocket (graphql-transport-ws): login, limits, and clients that are too slow."""

import asyncio
import logging
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)

from api.auth.authentication import (
    Authenticator,
    NotLoggedIn,
    UnknownPurpose,
    bearer_token,
    check_not_for_fhir,
    check_not_idle,
    check_not_revoked,
    log_failed_login,
    with_purpose,
)
from api.errors import DocumentNotTrusted, TooLarge, TooManyRequests, format_error, response_to
from api.graphql.context import Connected, Context
from api.graphql.extensions.limits import check_variables
from api.http.anonymous import FAILED_LOGIN, Pace
from api.telemetry import metrics
from api.work import WORK
from application.authorization.roles import Caller
from domain.errors import WardbookError

if TYPE_CHECKING:
    from api.http.graphql_endpoint import GraphQLEndpoint

MOST_SUBSCRIPTIONS = 20
"""Operations at once over one WebSocket."""

OPENING_SECONDS = 0.001
"""Processor time that opening and closing a WebSocket takes, beside that of a request."""

TOO_MANY = 4429
"""The code with which a WebSocket is closed that is one too many of its login."""

TOKEN_ENDED = 4403
"""The code with which a WebSocket is closed whose token ends: clients log in again, and go on."""

IDLE = 4410
"""The code with which a WebSocket is closed over which nothing has been asked for a while."""

LOOK_SECONDS = 2.0
"""Seconds between looks whether a WebSocket has to end; its token does by a clock that may be set."""

TRY_AGAIN = 1013
"""The code with which a WebSocket is closed that cannot be let in while the database is away."""

TOO_SLOW = 4413
"""The code with which a WebSocket is closed whose client does not take what it is sent."""

_NO_MESSAGE = "this is no message of graphql-transport-ws"
_GO_ON = "too slow: subscribe again, after the last position that you got"

Operation = Context | Connected

log = logging.getLogger(__name__)


async def log_in(connection: Connected, login: Authenticator, anonymous: Pace) -> None:
    """Set the caller of a WebSocket: by its header, as in HTTP, or by its connection_init.

    A browser can send only the second. Raises ConnectionRejectionError.
    """
    parameters = {name.lower(): value for name, value in connection.connection_params.items()}
    authorization = parameters.get("authorization", connection.authorization)
    purpose = parameters.get("purpose")
    try:
        caller = await login.authenticate(
            bearer_token(authorization if isinstance(authorization, str) else None)
        )
        await check_not_revoked(caller, connection.state.revocations)
        await check_not_idle(caller, connection.state.token_uses)
        check_not_for_fhir(caller)
        caller = with_purpose(caller, None if purpose is None else str(purpose))
        connection.caller = replace(caller, address=connection.address)
    except (NotLoggedIn, UnknownPurpose) as error:
        if isinstance(error, NotLoggedIn):
            log_failed_login(error, connection.address)
        await anonymous.turn(FAILED_LOGIN)
        raise ConnectionRejectionError from None


class WebSocketHandler(BaseGraphQLTransportWSHandler[Operation, None]):
    """One WebSocket: bounded in what it takes, and in how long it waits for a slow client."""

    _closing: asyncio.Task[None] | None = None
    _expiry: asyncio.Task[None] | None = None
    _began = _asked = 0.0

    @property
    def _endpoint(self) -> "GraphQLEndpoint":
        return cast("GraphQLEndpoint", self.view)

    @property
    def _caller(self) -> Caller:
        caller = cast(Connected, self.context).caller
        assert caller is not None, "the caller is known only after the login"
        return caller

    async def handle(self) -> None:
        with metrics.SOCKETS.track_inprogress():
            await super().handle()

    async def handle_message(self, message: Any) -> None:
        """Close the connection at what is no message of the protocol: it is no error of ours."""
        if not _is_message(message):
            await self.handle_invalid_message(_NO_MESSAGE)
            return
        allowances = self._endpoint.allowances
        if not self.connection_acknowledged:
            await allowances.anonymous.turn()
        elif message["type"] != "subscribe":
            await allowances.processor.go_on(self._caller.actor)
        await super().handle_message(message)

    async def handle_invalid_message(self, error_message: str) -> None:
        """Close the connection without the library's reason, which repeats what was sent."""
        await super().handle_invalid_message(_NO_MESSAGE)

    async def handle_connection_init(self, message: Any) -> None:
        """Let the connection last, from the login on, as long as the token and the settings say."""
        try:
            await super().handle_connection_init(message)
        except WardbookError as error:
            response = response_to(error)
            if response.status != 503:
                raise
            await self.websocket.close(TRY_AGAIN, response.message)
            return
        if self.connection_acknowledged and self._expiry is None:
            allowances, by = self._endpoint.allowances, self._caller.actor
            try:
                allowances.sockets.take(by, "WebSockets")
                try:
                    (await allowances.admit(by)).end()
                    allowances.processor.use(by, OPENING_SECONDS)
                except BaseException:
                    allowances.sockets.give_back(by)
                    raise
            except TooManyRequests as error:
                self.connection_acknowledged = False
                metrics.REFUSALS.labels("TOO_MANY_REQUESTS").inc()
                await self.websocket.close(TOO_MANY, str(error))
                return
            self._began = self._asked = monotonic()
            self._expiry = asyncio.create_task(self._close_when_due())
            self._expiry.add_done_callback(self._task_done)

    async def _close_when_due(self) -> None:
        state = cast(Connected, self.context).state
        while (seconds := min(self._ends())[0]) > 0:
            await asyncio.sleep(min(seconds, LOOK_SECONDS))
            try:
                await check_not_revoked(self._caller, state.revocations)
            except NotLoggedIn:
                await self.websocket.close(TOKEN_ENDED, "the token was revoked: log in again")
                return
        _, code, reason = min(self._ends())
        await self.websocket.close(code, reason)

    def _ends(self) -> list[tuple[float, int, str]]:
        """Return the due end of the connection: after how many seconds, its code and its reason."""
        settings, now = self._endpoint.settings, monotonic()
        ends = [(self._caller.seconds_left, TOKEN_ENDED, "the token has expired: log in again")]
        if hours := settings.socket_hours:
            seconds = self._began + hours * 3600 - now
            ends.append((seconds, TOKEN_ENDED, f"open for {hours:g} hours: log in again"))
        if self.operations:
            self._asked = now
        if minutes := settings.socket_idle_minutes:
            seconds = self._asked + minutes * 60 - now
            ends.append((seconds, IDLE, "nothing was asked for a while: connect again to ask"))
        return ends

    async def shutdown(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._endpoint.allowances.sockets.give_back(self._caller.actor)
        await super().shutdown()

    async def handle_subscribe(self, message: Any) -> None:
        """Refuse one operation too many, of this connection or of the login."""
        if message["id"] in self.operations:
            await self.websocket.close(4409, "an operation with that id is under way")
            return
        self._asked = monotonic()
        if self.connection_acknowledged:
            try:
                WORK.set(await self._endpoint.allowances.admit(self._caller.actor))
                if len(self.operations) >= MOST_SUBSCRIPTIONS:
                    raise TooManyRequests(
                        f"A WebSocket has {MOST_SUBSCRIPTIONS} operations at once at most:"
                        " complete one, or open another."
                    )
                payload = message["payload"]
                payload["query"] = self._endpoint.documents.text(payload) or ""
                check_variables(payload.get("variables"))
            except (TooManyRequests, DocumentNotTrusted, TooLarge) as error:
                await self._refuse(message["id"], error)
                return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Any) -> None:
        """Run an operation as one of so many of its login."""
        allowance, by = self._endpoint.allowances.operations, self._caller.actor
        try:
            allowance.take(by, "operations over WebSockets")
        except TooManyRequests as error:
            self.operations.pop(operation.id, None)
            await self._refuse(operation.id, error)
            return
        try:
            await super().run_operation(operation)
        finally:
            allowance.give_back(by)
            if work := WORK.get():
                work.end()
                metrics.LOOP_HELD.observe(work.longest)

    async def _refuse(self, id: str, error: WardbookError) -> None:
        if isinstance(error, TooManyRequests):
            metrics.REFUSALS.labels("TOO_MANY_REQUESTS").inc()
        await self.send_message({"id": id, "type": "error", "payload": [format_error(error)]})

    async def send_message(self, message: Any) -> None:
        """Send a message, or close a connection whose client has taken nothing for a while.

        Nothing is lost: it can go on after the last position that it got.
        """
        patience = self._endpoint.settings.slow_client_seconds
        try:
            async with asyncio.timeout(patience):
                await super().send_message(message)
        except TimeoutError:
            if self._closing is None:
                log.warning("a client takes nothing of what it is sent; its WebSocket is closed")
                metrics.TOO_SLOW.inc()
                # Of its own: this task is one of those that end with the operations.
                self._closing = asyncio.create_task(self.websocket.close(TOO_SLOW, _GO_ON))
                self._closing.add_done_callback(self._task_done)
            for id in list(self.operations):
                await self.cleanup_operation(id)

    async def handle_task_exception(self, error: Exception) -> None:
        """Log that it happened, without its text: a message may contain a patient's data."""
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
