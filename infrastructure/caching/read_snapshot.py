"""Where the log and its read models are, and what a reader has opened: asked once for all who ask.

Operations that begin at the same time share one look, which begins after they did: so each is told of
a moment after it began, and of everything recorded before. So is what they ask the same way next.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.envelope import Actor
from infrastructure.caching.single_flight import Shared, Together
from infrastructure.queries.as_of import Here, here
from infrastructure.queries.row_security import closed_by_merge, elsewhere_by_merge, opened_by

ByMerge = Callable[[AsyncConnection, Set[str]], Awaitable[frozenset[UUID]]]

REMEMBERED = 1_000
"""Of so many readers, labels and wards it is remembered what is open to them and what is closed."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where all is, and what has been asked since by those who share the look."""

    here: Here
    asked: Shared


@dataclass(frozen=True, slots=True)
class _Found:
    """Records of patients, and where they were asked for."""

    at: Here
    patients: frozenset[UUID]
    until: datetime | None = None
    """When they change by time, if they do."""

    def holds(self, now: Here) -> bool:
        """Nothing has changed since, and no glass is shut by time."""
        ends = self.until
        return _same(now, self.at) and self.at.now <= now.now and (ends is None or now.now < ends)


def _same(now: Here, then: Here) -> bool:
    """Nothing was recorded since, and no read model has changed."""
    return (now.recorded, now.state) == (then.recorded, then.state)


class Present:
    """One for each process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looks = Together[None, Look]("present", self._look)
        self._found: OrderedDict[Hashable, _Found] = OrderedDict()

    async def look(self) -> Look:
        """A look at some moment after this is called. Raises what the database raises."""
        return await self._looks.ask(None)

    async def here(self) -> Here:
        """As it is at some moment after this is called. Raises what the database raises."""
        return (await self.look()).here

    async def opened(self, actor: Actor, look: Look) -> Set[UUID]:
        """The patients whose glass somebody has broken, and that is open now."""

        async def ask(connection: AsyncConnection) -> _Found:
            found = await opened_by(connection, actor, look.here.now)
            return _Found(look.here, found.patients, found.until)

        return await self._remembered((opened_by, actor), ask, look)

    async def closed(self, hidden: Set[str], look: Look) -> Set[UUID]:
        """The records of the persons one of whose records has one of these labels."""
        return await self._by_merge(closed_by_merge, hidden, look) if hidden else frozenset()

    async def elsewhere(self, wards: Set[str] | None, look: Look) -> Set[UUID]:
        """The records of the persons who are, by any of their records, in other wards than these."""
        if wards is None:
            return frozenset()
        return await self._by_merge(elsewhere_by_merge, wards, look)

    async def _by_merge(self, question: ByMerge, some: Set[str], look: Look) -> Set[UUID]:
        async def ask(connection: AsyncConnection) -> _Found:
            return _Found(look.here, await question(connection, some))

        return await self._remembered((question, some), ask, look)

    async def _remembered(
        self, what: Hashable, ask: Callable[[AsyncConnection], Awaitable[_Found]], look: Look
    ) -> Set[UUID]:
        """What was found before, while it holds; otherwise asked for once for all who share the look."""

        async def connect() -> _Found:
            async with self._engine.connect() as connection:
                return await ask(connection)

        found = self._found.get(what)
        if found is None or not found.holds(look.here):
            found = self._found[what] = await look.asked.ask(what, connect)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        self._found.move_to_end(what)
        return found.patients

    async def _look(self, _: object) -> Look:
        return Look(await here(self._engine), Shared())
