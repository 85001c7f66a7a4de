"""Answers that are kept while nothing has changed that they could depend on (docs/adr/0017).

All that is kept is of one present: one state of the read models, from one moment to the next at which
any of their rows begins or ceases to be true. When that has passed, all of it is dropped.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.queries.log import LogStatus
from infrastructure.read_models import READ_MODELS

NEVER = datetime.max.replace(tzinfo=UTC)

OVERHEAD = 500
"""Bytes that an answer takes beside its text, and beside 100 for each patient that it shows."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """An answer as it leaves, and what has to be recorded each time that it does."""

    told: bytes
    tag: str
    operation: str
    shown: frozenset[UUID]

    @property
    def size(self) -> int:
        return OVERHEAD + len(self.told) + 100 * len(self.shown)


class ResponseCache:
    """One for each process. ``most``: bytes of answers; 0 keeps none."""

    def __init__(self, engine: AsyncEngine, present: Snapshots, most: int) -> None:
        self._engine, self._present, self.most = engine, present, most
        self._since: LogStatus | None = None
        self._until = NEVER
        self._answers: OrderedDict[Hashable, CachedResponse] = OrderedDict()
        self._size = 0

    def find(self, now: LogStatus, question: Hashable) -> CachedResponse | None:
        """The answer, if it would be the same now."""
        if not self._holds(now):
            return None
        found = self._answers.get(question)
        if found is not None:
            self._answers.move_to_end(question)
        return found

    async def keep(self, began: LogStatus, question: Hashable, answer: CachedResponse) -> None:
        """Keep an answer that was found out between ``began`` and now, if nothing changed meanwhile."""
        until = self._until if self._holds(began) else await _next_turn(self._engine, began.now)
        now = await self._present.log_status()
        if now.state != began.state or not began.now <= now.now < until:
            return
        if not self._holds(began):
            self._since, self._until = began, until
            self._answers.clear()
            self._size = 0
        if question not in self._answers:
            self._answers[question] = answer
            self._size += answer.size
        while self._size > self.most:
            _, dropped = self._answers.popitem(last=False)
            self._size -= dropped.size

    def _holds(self, now: LogStatus) -> bool:
        since = self._since
        return since is not None and since.state == now.state and since.now <= now.now < self._until


_TURNING = [
    table.fullname
    for model in READ_MODELS
    for table in model.metadata.sorted_tables
    if table.info.get("has_valid_time_boundaries")
]

_NEXT_TURN = text(
    "SELECT least("
    + ", ".join(
        f"(SELECT min({end}(during)) FROM {table} WHERE {end}(during) > :now{finite})"
        for table in _TURNING
        for end, finite in (("lower", ""), ("upper", " AND NOT upper_inf(during)"))
    )
    + ")"
)


async def _next_turn(engine: AsyncEngine, now: datetime) -> datetime:
    """The next moment at which any row begins or ceases to be true, known now or ever."""
    async with engine.connect() as connection:
        found: datetime | None = (await connection.execute(_NEXT_TURN, {"now": now})).scalar_one()
    return found or NEVER
