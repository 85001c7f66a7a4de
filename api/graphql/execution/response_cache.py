"""Response caching around the execution of operations (docs/adr/0017).

A cached response is authorised and its reading recorded like a fresh one. Only documents that were once
executed in full and declared cacheable (`api.graphql.declarations`) are looked up, by the viewer's
rights. Nothing within the execution knows of it; ``WARDBOOK_KEPT_ANSWERS_MB=0`` does without.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from strawberry.http import GraphQLRequestData
from strawberry.types import ExecutionResult

from api.graphql.context import Context
from api.graphql.error_masking import mask_error
from api.telemetry import metrics
from infrastructure.access_log import AccessRecord
from infrastructure.caching.response_cache import CachedResponse

NO_STORE = "no-store"
"""A browser may keep the response for its one user, and has to ask each time whether it holds."""

VARY = "Authorization, Accept"

DOCUMENTS = 1_000
"""Limit of the documents remembered as cacheable, each by its digest."""


class EncodedResponse(dict[str, Any]):
    """A response that is JSON already."""

    def __init__(self, response: CachedResponse) -> None:
        super().__init__()
        self.response = response


@dataclass
class CachedResult(ExecutionResult):
    """The result of an operation whose response is encoded already."""

    encoded: EncodedResponse | None = None


Execute = Callable[[], Awaitable[ExecutionResult]]
Encode = Callable[[ExecutionResult], Awaitable[bytes]]


class _KeyedLock:
    """The lock of one key, which is dropped with its last user."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._users = 0
        self.waited = False

    @property
    def is_over(self) -> bool:
        return self._users == 0

    async def __aenter__(self) -> "_KeyedLock":
        self._users += 1
        must_wait = self._lock.locked()
        try:
            await self._lock.acquire()
        except BaseException:
            self._users -= 1
            raise
        self.waited = must_wait
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        self._lock.release()


class CachingExecutor:
    """Executes operations, or answers them from the response cache."""

    def __init__(self) -> None:
        self._documents: OrderedDict[bytes, bool] = OrderedDict()
        """Of each document that is cacheable whether a replica may answer it."""
        self._next: dict[Hashable, asyncio.Future[CachedResponse | None]] = {}
        self._locks: dict[Hashable, _KeyedLock] = {}

    async def answer(
        self, request: GraphQLRequestData, context: Context, execute: Execute, encode: Encode
    ) -> ExecutionResult:
        """Return the result of an operation: cached where that is the same, else executed."""
        is_named = isinstance(request.operation_name, str | None)
        if not context.state.response_cache.capacity or request.query is None or not is_named:
            return await execute()
        document = _digest(request.query, request.operation_name)
        if document not in self._documents:
            result = await execute()
            if context.is_cacheable and not result.errors:
                self._remember(document, context.reads_replica)
            return result
        context.reads_replica = self._documents[document]
        try:
            key, response = await self._look_up(request, context)
        except Exception:
            return await execute()  # which reports it like any other error
        if response is None:
            next_response = self._next.get(key)
            if next_response is None:
                return await self._make(key, request, context, execute, encode)
            response = await next_response
            if response is None:
                return await execute()
        return await self._send(response, context)

    async def _send(self, response: CachedResponse, context: Context) -> ExecutionResult:
        """Return a cached response, once its reading is recorded like that of a fresh one."""
        try:
            context.check_login()
            await _record(response, context)
        except Exception as error:
            error_masked = mask_error(GraphQLError("not recorded", original_error=error))
            return ExecutionResult(data=None, errors=[error_masked])
        metrics.ANSWERS.labels("kept").inc()
        return CachedResult(data=None, errors=None, encoded=EncodedResponse(response))

    async def _look_up(
        self, request: GraphQLRequestData, context: Context
    ) -> tuple[Hashable, CachedResponse | None]:
        """Return the cache key of a request with the viewer's rights, and its response if cached."""
        now = await context.log_status()
        await context.load_permissions()
        key = _key(request, context)
        return key, context.source.response_cache.get(now, key)

    async def _make(
        self,
        key: Hashable,
        request: GraphQLRequestData,
        context: Context,
        execute: Execute,
        encode: Encode,
    ) -> ExecutionResult:
        """Execute once for all who send the same until it begins (single flight).

        A request that arrives during an execution waits for the next one, so that no response is older
        than its request.
        """
        next_response: asyncio.Future[CachedResponse | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._next[key] = next_response
        response: CachedResponse | None = None
        try:
            async with self._locks.setdefault(key, _KeyedLock()) as lock:
                del self._next[key]
                if lock.waited:
                    context.refresh()
                    key_now, response = await self._look_up(request, context)
                    if key_now != key:  # emergency access began or ended meanwhile
                        response = None
                        return await execute()
                if response is None:
                    status = await context.log_status()
                    result = await execute()
                    metrics.ANSWERS.labels("made").inc()
                    if result.errors or result.data is None:
                        return result
                    response = _response(await encode(result), context.recorded)
                    next_response.set_result(response)
                    await context.source.response_cache.put(status, key, response)
                    return CachedResult(data=None, errors=None, encoded=EncodedResponse(response))
            return await self._send(response, context)
        finally:
            if self._next.get(key) is next_response:
                del self._next[key]
            if not next_response.done():
                next_response.set_result(response)
            if key in self._locks and self._locks[key].is_over:
                del self._locks[key]

    def _remember(self, document: bytes, reads_replica: bool) -> None:
        self._documents[document] = reads_replica
        if len(self._documents) > DOCUMENTS:
            self._documents.popitem(last=False)


def _key(request: GraphQLRequestData, context: Context) -> Hashable:
    """Return the cache key of a response: the request, and the viewer's rights.

    The request by its digest: the cache is bounded by the length of responses, and a variable that
    changes nothing in a short one could be a million characters.
    """
    rights = context.caller.role, context.viewer.cache_key
    return _digest(request.query, request.operation_name, request.variables), rights


def _digest(*content: object) -> bytes:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=32).digest()


def _response(body: bytes, access: AccessRecord | None) -> CachedResponse:
    tag = blake2b(body, digest_size=12).hexdigest()
    if access is None:
        return CachedResponse(body, tag, "", frozenset())
    return CachedResponse(
        body,
        tag,
        access.operation,
        frozenset(access.patients),
        frozenset(access.resources),
        access.as_of,
        access.known_at,
        access.entity,
    )


async def _record(response: CachedResponse, context: Context) -> None:
    """Record the reading of a response before it leaves. Raises what the database raises."""
    if response.patients or response.entity:
        context.as_of_asked, context.known_at_asked = response.as_of, response.known_at
        context.entity = response.entity
        reading = context.reading(response.operation, response.patients, response.resources)
        await context.state.access_log.record(reading)


def conditional(request: Request, response: Response, media_type: str | None) -> Response:
    """Return the HTTP response with its caching headers; 304 to a client that has it already.

    By then all is done that is done for any response: a 304 is authorised, and recorded as a reading.
    """
    response.headers["vary"] = VARY
    response_encoded: EncodedResponse | None = getattr(request.state, "answer", None)
    if response_encoded is None or request.method != "GET":
        response.headers["cache-control"] = NO_STORE
        return response
    tag = f'"{response_encoded.response.tag}-{len(media_type or "")}"'
    headers = {"cache-control": NO_STORE, "vary": VARY, "etag": tag}
    response.headers.update(headers)
    tags = request.headers.get("if-none-match", "").split(",")
    matches = {tag.strip().removeprefix("W/") for tag in tags} & {tag, "*"}
    return Response(status_code=304, headers=headers) if matches else response
