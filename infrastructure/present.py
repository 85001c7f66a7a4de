"""Where the log and its read models are, and what a reader has opened: asked once for all who ask.

Operations that begin at the same time share one look, which begins after they did: so each is told of
a moment after it began, and of everything recorded before. So is what they ask the same way next.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Set
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.entry import Actor
from infrastructure.queries.moment import Here, here
from infrastructure.queries.reader import Opened, closed_by_merge, elsewhere_by_merge, opened_by
from infrastructure.together import Shared, Together

Records = Callable[[AsyncConnection, Set[str]], Awaitable[frozenset[UUID]]]

READERS = 1_000
"""Of so many it is remembered what they have opened."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where all is, and what has been asked since by those who share the look."""

    here: Here
    asked: Shared


@dataclass(frozen=True, slots=True)
class _Found:
    """What a reader has opened, and where that was asked."""

    at: Here
    opened: Opened

    def holds(self, now: Here) -> bool:
        """Nothing has changed since, and no glass is shut by time."""
        ends = self.opened.until
        return _same(now, self.at) and self.at.now <= now.now and (ends is None or now.now < ends)


def _same(now: Here, then: Here) -> bool:
    """Nothing was recorded since, and no read model has changed."""
    return (now.recorded, now.state) == (then.recorded, then.state)


class Present:
    """One for each process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looks = Together[None, Look]("present", self._look)
        self._opened: OrderedDict[Actor, _Found] = OrderedDict()
        self._records: dict[Hashable, tuple[Here, frozenset[UUID]]] = {}

    async def look(self) -> Look:
        """A look at some moment after this is called. Raises what the database raises."""
        return await self._looks.ask(None)

    async def here(self) -> Here:
        """As it is at some moment after this is called. Raises what the database raises."""
        return (await self.look()).here

    async def opened(self, actor: Actor, look: Look) -> Set[UUID]:
        """The patients whose glass somebody has broken, and that is open now."""
        found = self._opened.get(actor)
        if found is None or not found.holds(look.here):
            found = await look.asked.ask((opened_by, actor), lambda: self._opened_by(actor, look))
            self._opened[actor] = found
            if len(self._opened) > READERS:
                self._opened.popitem(last=False)
        self._opened.move_to_end(actor)
        return found.opened.patients

    async def closed(self, hidden: Set[str], look: Look) -> frozenset[UUID]:
        """The records of the persons one of whose records has one of these labels."""
        return await self._records_of(closed_by_merge, hidden, look) if hidden else frozenset()

    async def elsewhere(self, wards: Set[str] | None, look: Look) -> frozenset[UUID]:
        """The records of the persons who are, by any of their records, in other wards than these."""
        if wards is None:
            return frozenset()
        return await self._records_of(elsewhere_by_merge, wards, look)

    async def _records_of(self, question: Records, some: Set[str], look: Look) -> frozenset[UUID]:
        found = self._records.get((question, some))
        if found is None or not _same(look.here, found[0]):

            async def ask() -> frozenset[UUID]:
                async with self._engine.connect() as connection:
                    return await question(connection, some)

            found = look.here, await look.asked.ask((question, some), ask)
            self._records[question, some] = found
            if len(self._records) > READERS:
                self._records.pop(next(iter(self._records)))
        return found[1]

    async def _opened_by(self, actor: Actor, look: Look) -> _Found:
        async with self._engine.connect() as connection:
            return _Found(look.here, await opened_by(connection, actor, look.here.now))

    async def _look(self, _: object) -> Look:
        return Look(await here(self._engine), Shared())
