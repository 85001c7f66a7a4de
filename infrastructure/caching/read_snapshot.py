"""Where the log and its read models are, and what a reader has opened: asked once for all who ask.

Operations that begin at the same time share one snapshot, which is taken after they began: so each
sees everything that was recorded before it began. So do the queries that they share next.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.envelope import Actor
from infrastructure.caching.single_flight import BatchRunner, SingleFlight
from infrastructure.queries.log import LogStatus, log_status
from infrastructure.queries.permissions import closed_by_merge, elsewhere_by_merge, opened_by

ByMerge = Callable[[AsyncConnection, Set[str]], Awaitable[frozenset[UUID]]]

REMEMBERED = 1_000
"""Of so many readers, labels and wards it is remembered what is open to them and what is closed."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where all is, and what has been asked since by those who share the snapshot."""

    log_status: LogStatus
    queries: SingleFlight


@dataclass(frozen=True, slots=True)
class _Found:
    """Records of patients, and where they were asked for."""

    at: LogStatus
    patients: frozenset[UUID]
    until: datetime | None = None
    """When they change by time, if they do."""

    def holds(self, now: LogStatus) -> bool:
        """Nothing has changed since, and no glass is shut by time."""
        ends = self.until
        return _same(now, self.at) and self.at.now <= now.now and (ends is None or now.now < ends)


def _same(now: LogStatus, then: LogStatus) -> bool:
    """Nothing was recorded since, and no read model has changed."""
    return (now.recorded, now.state) == (then.recorded, then.state)


class Snapshots:
    """One for each process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._runner = BatchRunner[None, Snapshot]("present", self._take)
        self._found: OrderedDict[Hashable, _Found] = OrderedDict()

    async def snapshot(self) -> Snapshot:
        """A snapshot at some moment after this is called. Raises what the database raises."""
        return await self._runner.ask(None)

    async def log_status(self) -> LogStatus:
        """As it is at some moment after this is called. Raises what the database raises."""
        return (await self.snapshot()).log_status

    async def opened(self, actor: Actor, snapshot: Snapshot) -> Set[UUID]:
        """The patients whose glass somebody has broken, and that is open now."""

        async def ask(connection: AsyncConnection) -> _Found:
            found = await opened_by(connection, actor, snapshot.log_status.now)
            return _Found(snapshot.log_status, found.patients, found.until)

        return await self._remembered((opened_by, actor), ask, snapshot)

    async def closed(self, hidden: Set[str], snapshot: Snapshot) -> Set[UUID]:
        """The records of the persons one of whose records has one of these labels."""
        return await self._by_merge(closed_by_merge, hidden, snapshot) if hidden else frozenset()

    async def elsewhere(self, wards: Set[str] | None, snapshot: Snapshot) -> Set[UUID]:
        """The records of the persons who are, by any of their records, in other wards than these."""
        if wards is None:
            return frozenset()
        return await self._by_merge(elsewhere_by_merge, wards, snapshot)

    async def _by_merge(self, question: ByMerge, some: Set[str], snapshot: Snapshot) -> Set[UUID]:
        async def ask(connection: AsyncConnection) -> _Found:
            return _Found(snapshot.log_status, await question(connection, some))

        return await self._remembered((question, some), ask, snapshot)

    async def _remembered(
        self,
        what: Hashable,
        ask: Callable[[AsyncConnection], Awaitable[_Found]],
        snapshot: Snapshot,
    ) -> Set[UUID]:
        """Return the cached result while it holds; otherwise query once for the whole snapshot."""

        async def connect() -> _Found:
            async with self._engine.connect() as connection:
                return await ask(connection)

        found = self._found.get(what)
        if found is None or not found.holds(snapshot.log_status):
            found = self._found[what] = await snapshot.queries.ask(what, connect)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        self._found.move_to_end(what)
        return found.patients

    async def _take(self, _: object) -> Snapshot:
        return Snapshot(await log_status(self._engine), SingleFlight())
