"""Told again: an answer that is kept leaves as any other, authorised and its reading recorded.

Only what was answered once in full is known to be worth keeping, and it is told to those with the same
rights only.
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
REVALIDATE = "private, no-cache"
"""A browser may keep it for its one user, and has to ask each time whether it still holds."""

VARY = "Authorization, Accept"

KNOWN = 1_000
"""Documents of which it is remembered that their answers may be kept."""


class EncodedResponse(dict[str, Any]):
    """An answer that is JSON already."""

    def __init__(self, answer: CachedResponse) -> None:
        super().__init__()
        self.answer = answer


@dataclass
class CachedResult(ExecutionResult):
    """The result of an operation that was not executed again, or need not be encoded again."""

    encoded: EncodedResponse | None = None


Execute = Callable[[], Awaitable[ExecutionResult]]
Encode = Callable[[ExecutionResult], Awaitable[bytes]]


class _KeyedLock:
    """One after the other makes an answer."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._users = 0
        self.waited = False

    @property
    def is_over(self) -> bool:
        return self._users == 0

    async def __aenter__(self) -> "_KeyedLock":
        self._users += 1
        waited = self._lock.locked()
        try:
            await self._lock.acquire()
        except BaseException:
            self._users -= 1
            raise
        self.waited = waited
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        self._lock.release()


class CachingExecutor:
    """Finds what is kept and keeps what may be; otherwise executes."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        self._next: dict[Hashable, asyncio.Future[CachedResponse | None]] = {}
        self._turns: dict[Hashable, _KeyedLock] = {}

    async def answer(
        self, asked: GraphQLRequestData, context: Context, execute: Execute, encode: Encode
    ) -> ExecutionResult:
        """The result, from what is kept where that is the same."""
        kept = context.state.response_cache
        if not kept.most or asked.query is None or not isinstance(asked.operation_name, str | None):
            return await execute()
        document = asked.query, asked.operation_name
        if document not in self._known:
            result = await execute()
            if context.is_cacheable and not result.errors:
                self._remember(document)
            return result
        try:
            question, found = await self._look(asked, context)
        except Exception:
            return await execute()  # which tells it as any other fault
        if found is None:
            following = self._next.get(question)
            if following is None:
                return await self._make(question, asked, context, execute, encode)
            found = await following
            if found is None:
                return await execute()
        return await self._tell(found, context)

    async def _tell(self, found: CachedResponse, context: Context) -> ExecutionResult:
        """As an answer that is made: recorded before it leaves, or nothing of it is shown."""
        try:
            context.check_login()
            await _record(found, context)
        except Exception as fault:
            not_told = GraphQLError("not recorded", original_error=fault)
            return ExecutionResult(data=None, errors=[mask_error(not_told)])
        metrics.ANSWERS.labels("kept").inc()
        return CachedResult(data=None, errors=None, encoded=EncodedResponse(found))

    async def _look(
        self, asked: GraphQLRequestData, context: Context
    ) -> tuple[Hashable, CachedResponse | None]:
        """What is asked with which rights, and the answer if one is kept."""
        now = await context.log_status()
        await context.load_permissions()
        question = _question(asked, context)
        return question, context.state.response_cache.find(now, question)

    async def _make(
        self,
        question: Hashable,
        asked: GraphQLRequestData,
        context: Context,
        execute: Execute,
        encode: Encode,
    ) -> ExecutionResult:
        """Make the answer, for all who ask the same until it is begun.

        One at a time: who comes while it is made waits for the next, which is begun after he came. So
        he is told of nothing that was over when he asked.
        """
        following: asyncio.Future[CachedResponse | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._next[question] = following
        answer: CachedResponse | None = None
        try:
            async with self._turns.setdefault(question, _KeyedLock()) as turn:
                del self._next[question]
                if turn.waited:
                    context.refresh()
                    again, answer = await self._look(asked, context)
                    if again != question:  # a glass was broken or shut meanwhile
                        answer = None
                        return await execute()
                if answer is None:
                    began = await context.log_status()
                    result = await execute()
                    metrics.ANSWERS.labels("made").inc()
                    if result.errors or result.data is None:
                        return result
                    answer = _answer(await encode(result), context.recorded)
                    following.set_result(answer)
                    await context.state.response_cache.keep(began, question, answer)
                    return CachedResult(data=None, errors=None, encoded=EncodedResponse(answer))
            return await self._tell(answer, context)
        finally:
            if self._next.get(question) is following:
                del self._next[question]
            if not following.done():
                following.set_result(answer)
            if question in self._turns and self._turns[question].is_over:
                del self._turns[question]

    def _remember(self, document: tuple[str, str | None]) -> None:
        self._known[document] = None
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)


def _question(asked: GraphQLRequestData, context: Context) -> Hashable:
    """All that an answer depends on beside the present: what is asked, and the reader's rights now.

    What is asked is told by its digest: the memory of answers is bounded by how long they are, and a
    variable that changes nothing in a short answer could be a million characters.
    """
    said = json.dumps([asked.query, asked.operation_name, asked.variables], sort_keys=True)
    rights = context.caller.role, context.viewer.cache_key
    return blake2b(said.encode(), digest_size=32).digest(), rights


def _answer(told: bytes, recorded: AccessRecord | None) -> CachedResponse:
    tag = blake2b(told, digest_size=12).hexdigest()
    if recorded is None:
        return CachedResponse(told, tag, "", frozenset())
    return CachedResponse(told, tag, recorded.operation, frozenset(recorded.patients))


async def _record(answer: CachedResponse, context: Context) -> None:
    """As for an answer that is made: durable before it leaves. Raises what the database raises."""
    if answer.shown:
        reading = context.reading(answer.operation, answer.shown)
        await context.state.access_log.record(reading)


def conditional(request: Request, response: Response, kind: str | None) -> Response:
    """Says who may keep the answer; nothing of it is sent again to who has it. All is done by then
    that is done for any answer: 304 is authorised, and recorded as a reading, too."""
    response.headers["vary"] = VARY
    encoded: EncodedResponse | None = getattr(request.state, "answer", None)
    if encoded is None or request.method != "GET":
        response.headers["cache-control"] = NO_STORE
        return response
    tag = f'"{encoded.answer.tag}-{len(kind or "")}"'
    headers = {"cache-control": REVALIDATE, "vary": VARY, "etag": tag}
    response.headers.update(headers)
    held = {
        t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")
    }
    return Response(status_code=304, headers=headers) if held & {tag, "*"} else response
