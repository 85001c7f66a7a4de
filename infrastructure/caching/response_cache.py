"""Response cache: responses that hold while nothing changes that they could depend on (docs/adr/0017).

All cached responses are of one state of the read models, and of one span of time: from one valid-time
boundary (a moment at which any of their rows begins or ceases to be true) to the next. When the state
changes or the span ends, all are dropped.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.queries.direct import execute
from infrastructure.queries.log import LogStatus
from infrastructure.read_models import READ_MODELS

NEVER = datetime.max.replace(tzinfo=UTC)

OVERHEAD = 900
"""Bytes that a response takes beside its body, and beside `ID_BYTES` for each id that it shows."""

ID_BYTES = 200


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response body (JSON in UTF-8) with its tag, and the reading to record each time it leaves."""

    body: bytes
    tag: str
    operation: str
    patients: frozenset[UUID]
    resources: frozenset[UUID] = frozenset()
    as_of: datetime | None = None
    known_at: datetime | None = None
    entity: str | None = None

    @property
    def size(self) -> int:
        """Return the memory that it takes, in bytes."""
        return OVERHEAD + len(self.body) + ID_BYTES * (len(self.patients) + len(self.resources))


class ResponseCache:
    """The cached responses of a process, by request and rights; the least recently used go first."""

    def __init__(self, engine: AsyncEngine, snapshots: Snapshots, capacity: int) -> None:
        """``capacity``: bytes; 0 caches nothing."""
        self._engine, self._snapshots, self.capacity = engine, snapshots, capacity
        self._since: LogStatus | None = None
        self._until = NEVER
        self._responses: OrderedDict[Hashable, CachedResponse] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Return the memory that the cached responses take, in bytes."""
        return self._size

    def get(self, now: LogStatus, key: Hashable) -> CachedResponse | None:
        """Return the response to a request if it would be the same now."""
        if not self._holds(now):
            return None
        response = self._responses.get(key)
        if response is not None:
            self._responses.move_to_end(key)
        return response

    async def put(self, began: LogStatus, key: Hashable, response: CachedResponse) -> None:
        """Cache a response made between ``began`` and now, if nothing changed meanwhile."""
        until = self._until if self._holds(began) else await _next_boundary(self._engine, began.now)
        now = await self._snapshots.log_status()
        if now.state != began.state or not began.now <= now.now < until:
            return
        if not self._holds(began):
            self._drop_all()
            self._since, self._until = began, until
        if key not in self._responses:
            self._responses[key] = response
            self._size += response.size
        while self._size > self.capacity:
            _, oldest = self._responses.popitem(last=False)
            self._size -= oldest.size

    def drop_stale(self, position: int) -> None:
        """Drop what is cached of an earlier position at once: it may name who is erased by now."""
        if self._since is not None and self._since.position < position:
            self._drop_all()

    def _drop_all(self) -> None:
        self._since, self._size = None, 0
        self._responses.clear()

    def _holds(self, now: LogStatus) -> bool:
        since = self._since
        return since is not None and since.state == now.state and since.now <= now.now < self._until


_TABLES = [
    table.fullname
    for model in READ_MODELS
    for table in model.metadata.sorted_tables
    if table.info.get("has_valid_time_boundaries")
]

_NEXT_BOUNDARY = (
    "SELECT least("
    + ", ".join(
        f"(SELECT min({end}(during)) FROM {table} WHERE {end}(during) > %(now)s{finite})"
        for table in _TABLES
        for end, finite in (("lower", ""), ("upper", " AND NOT upper_inf(during)"))
    )
    + ")"
)


async def _next_boundary(engine: AsyncEngine, now: datetime) -> datetime:
    """Return the next moment (UTC) at which a row begins or ceases to be true, known now or ever."""
    async with engine.connect() as connection:
        row = await execute(connection, _NEXT_BOUNDARY, {"now": now})
        boundary: datetime | None = row.scalar_one()
    return boundary or NEVER
