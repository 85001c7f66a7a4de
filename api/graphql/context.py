"""What one operation knows: who asks, as of when, as known where; and its loaders, fresh each time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader
from strawberry.types import Info

from api.auth.authentication import NotLoggedIn
from api.container import House
from api.graphql.scalars import Position, decode_position, encode_position
from application.authorization.roles import Caller, may
from application.authorization.scope import CLOSED, hidden_labels
from domain.refusals import InvalidInput, NotAllowed
from infrastructure import tracing
from infrastructure.access_log import Shown
from infrastructure.caching.read_snapshot import Look
from infrastructure.caching.single_flight import Shared
from infrastructure.queries import people
from infrastructure.queries.as_of import At, Here, end_of_command, position_at, versions
from infrastructure.queries.people import PatientView
from infrastructure.queries.row_security import Reader

T = TypeVar("T")

ById = Callable[[AsyncConnection, Sequence[UUID], At], Awaitable[dict[UUID, T]]]


class ReadModelsBehind(Exception):
    """The read models have not reached the position that was asked for, in the time given."""


class Connected:
    """A WebSocket: its operations come one after the other, or at once, each with its own Context."""

    def __init__(self, house: House, shown: str | None) -> None:
        """``shown``: the Authorization of the handshake, where there was one."""
        self.house, self.shown = house, shown
        self.connection_params: dict[str, Any] = {}
        self.caller: Caller | None = None

    def operation(self) -> "Context":
        assert self.caller is not None, "an operation before the login"
        return Context(self.house, self.caller)


class Context:
    """One operation. Its clock and its position are read once."""

    def __init__(self, house: House, caller: Caller) -> None:
        self.house, self.caller = house, caller
        self.reader = Reader(caller.wards, hidden_labels(caller.role))
        self.answered_at: int | None = None
        self.types: frozenset[str] = frozenset()
        """The types of which the operation asks for fields."""
        self.may_be_kept = False
        """Whether the answer to what is asked is worth keeping (`api.graphql.extensions.authorization`)."""
        self.recorded: Shown | None = None
        """What was written down of the answer."""
        self._look: Look | None = None
        self._once = asyncio.Lock()
        self._asked = Shared()
        self._had: dict[tuple[Any, datetime, int], dict[UUID, Any]] = {}
        self._loaders: dict[tuple[Any, datetime, int], DataLoader[UUID, Any]] = {}

    async def here(self) -> Here:
        return (await self.look()).here

    async def look(self) -> Look:
        """The look at the present that the whole operation shares."""
        async with self._once:
            if self._look is None:
                self._look = await self.house.present.look()
                self._asked = self._look.asked
            return self._look

    async def at(
        self,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        known_at_position: Position | None = None,
        at_least: Position | None = None,
    ) -> At:
        """The moment of a question. Waits for the read models where the question needs it.

        Raises InvalidInput for a moment that has not come yet, ReadModelsBehind after a while.
        """
        if known_at is not None and known_at_position is not None:
            raise InvalidInput("knownAt", "give knownAt or knownAtPosition, not both")
        if at_least is not None:
            await self._wait(self._position(at_least, "atLeast"))
            self.look_again()
        here = await self.here()
        known = here.position
        if known_at_position is not None:
            asked = self._position(known_at_position, "knownAtPosition")
            if asked > here.recorded:
                raise InvalidInput("knownAtPosition", "the log is not that far yet")
            known = await end_of_command(self.house.engine, asked)
        elif known_at is not None:
            if known_at > here.now:
                raise InvalidInput("knownAt", "it lies in the future; nobody knows that yet")
            known = await position_at(self.house.engine, known_at)
        if known > here.position:
            await self._wait(known)
        self.answers(known)
        await self.know_reader()
        return self.moment(as_of or here.now, known)

    def check_ward(self, ward: str | None) -> None:
        """Raises NotAllowed for another ward than the reader's, or the whole house."""
        if self.caller.wards is not None and ward not in self.caller.wards:
            raise NotAllowed("Name a ward of yours: this login is not for the whole house")

    def check_login(self) -> None:
        """Raises NotLoggedIn once the caller's token has ended: a subscription may outlive it."""
        if self.caller.seconds_left <= 0:
            raise NotLoggedIn("The token has expired; log in again with another one.")

    async def know_reader(self) -> None:
        """What is open and what is closed to a reader who does not see all anyway, as it is now."""
        if not self.reader.sees_all:
            present, look = self.house.present, await self.look()
            self.reader.opened = await present.opened(self.caller.actor, look)
            self.reader.closed = await present.closed(self.reader.hidden, look)
            self.reader.elsewhere = await present.elsewhere(self.reader.wards, look)

    def reading(self, operation: str, patients: Collection[UUID]) -> Shown:
        """What has to be written down before an answer leaves that shows these patients' data."""
        return Shown(
            by=self.caller.actor,
            operation=operation,
            purpose=self.caller.purpose,
            patients=patients,
            opened=self.reader.opened & frozenset(patients),
        )

    async def or_closed(self, found: T | None, question: ById[Any], id: UUID, at: At) -> T | None:
        """What was found. Raises NotAllowed if nothing was because it may not be shown."""
        if found is None and await self.closed(question, [id], at):
            raise NotAllowed(CLOSED)
        return found

    async def closed(self, question: ById[Any], ids: Collection[UUID], at: At) -> set[UUID]:
        """Those among some things that are there, and that this reader may not be shown."""
        if self.reader.sees_all or not ids:
            return set()
        there: dict[UUID, Any] = await self.ask(question, list(ids), at.unscoped)
        return set(there).difference(await self.ask(question, list(ids), at))

    async def patient_by_mrn(self, mrn: str, authority: str | None, at: At) -> PatientView | None:
        """A patient who is asked for by MRN. Raises NotAllowed if they may not be shown.

        Nor may who is not shown names: an MRN that is known already would name somebody.
        """
        if not may(self.caller.role, "data:identity"):
            raise NotAllowed(f"The role {self.caller.role} may not look for a patient by MRN")
        authority = authority or self.house.settings.mrn_authority
        found = await self.ask(people.patient_by_mrn, mrn, authority, at)
        if found is None and not self.reader.sees_all:
            hidden = await self.ask(people.patient_by_mrn, mrn, authority, at.unscoped)
            if hidden is not None:
                raise NotAllowed(CLOSED)
        return found

    def moment(self, as_of: datetime, known: int) -> At:
        """A moment as this reader is shown it. No part of an answer is asked for in another way."""
        return At(as_of, known, self.reader)

    def answers(self, position: int) -> None:
        """The answer, or a part of it, was computed at this position."""
        self.answered_at = min(position, self.answered_at or position)

    def position(self, position: int) -> Position:
        return encode_position(self.house.log.id, self.house.log.epoch, position)

    def after(self, given: Position | None) -> int:
        """Where to go on in the log; from its beginning, if nothing was given."""
        return 0 if given is None else self._position(given, "after")

    def look_again(self) -> None:
        """Something was recorded, or waited for: what was seen before it is over."""
        self._look, self._asked = None, Shared()

    def begin(self, position: int, shared: dict[Any, Any]) -> None:
        """Another item of a subscription is answered: by itself, as known at its own position."""
        self.answered_at, self._look = position, None
        shared = shared if self.reader.sees_all else {}
        self._loaders = shared.setdefault("loaders", {})
        self._asked, self._had = shared.setdefault("asked", Shared()), {}

    async def one(self, question: ById[T], id: UUID | None, at: At) -> T | None:
        """One of many things asked for at the same time, fetched together with the others."""
        if id is None:
            return None
        loader = self._loaders.get((question, at.as_of, at.known))
        if loader is None:
            loader = self._loaders[question, at.as_of, at.known] = self._loader(question, at)
        return await loader.load(id)  # type: ignore[no-any-return]

    async def have(
        self, type_name: str, question: ById[Any], ids: Collection[UUID], at: At
    ) -> None:
        """Ask for many things at once before any of them is, if such a type is asked for at all."""
        if not ids or type_name not in self.types:
            return
        found = await self._together(at, frozenset(ids), question, list(ids), at)
        had = self._had.setdefault((question, at.as_of, at.known), {})
        had.update({id: found.get(id) for id in ids})

    def had(self, question: ById[Any], id: UUID | None, at: At) -> tuple[bool, Any]:
        """Whether it is known already, and what it is. None is nothing."""
        if id is None:
            return True, None
        found = self._had.get((question, at.as_of, at.known), {})
        return id in found, found.get(id)

    async def versions(self, id: UUID, at: At) -> int:
        return await self.one(_versions, id, at) or 0

    async def ask(self, question: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """Ask a question on a connection of its own."""
        with tracing.span(f"read {question.__name__.strip('_')}"):
            async with self.house.engine.connect() as connection:
                return await question(connection, *args, **named)

    async def ask_together(
        self, question: Callable[..., Awaitable[T]], at: At, *args: Hashable
    ) -> T:
        """The same, once for all operations with the same rights that share the look at the present."""
        return await self._together(at, args, question, at, *args)

    async def _together(
        self, at: At, given: Hashable, question: Callable[..., Awaitable[T]], *args: Any
    ) -> T:
        """``given``: what tells the question from others, beside the moment and whose rights."""
        what = question, at.as_of, at.known, at.reader.rights, given
        return await self._asked.ask(what, lambda: self.ask(question, *args))

    def _loader(self, question: ById[T], at: At) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[T | None]:
            found = await self.ask(question, ids, at)
            return [found.get(id) for id in ids]

        return DataLoader(load_fn=load)

    def _position(self, given: Position, field: str) -> int:
        return decode_position(given, self.house.log.id, self.house.log.epoch, field)

    async def _wait(self, position: int) -> None:
        timeout = self.house.settings.read_timeout_seconds
        if not await self.house.readable.wait_for(position, timeout):
            if self.house.readable.halted:
                raise ReadModelsBehind(
                    "A read model has halted, so this cannot be read: tell who runs Wardbook."
                )
            raise ReadModelsBehind("The read models are behind; ask again in a moment.")


async def _versions(connection: AsyncConnection, ids: Sequence[UUID], at: At) -> dict[UUID, int]:
    return await versions(connection, list(ids), at.known)


Ask = Info[Context, None]
"""What a resolver is given. Nothing but its context is used: `api.graphql.execution.fast_executor`."""
