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
from api.container import AppState
from api.errors import ReadModelsBehind
from api.graphql.scalars import Position, decode_position, encode_position
from application.authorization.roles import Caller, may
from application.authorization.scope import CLOSED, hidden_labels
from domain.refusals import InvalidInput, NotAllowed
from infrastructure import tracing
from infrastructure.access_log import AccessRecord
from infrastructure.caching.read_snapshot import Snapshot
from infrastructure.caching.single_flight import SingleFlight
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.log import LogStatus, end_of_command, position_at, versions
from infrastructure.queries.row_security import Viewer
from infrastructure.read_models.patients import PatientView, patient_by_mrn

T = TypeVar("T")

ById = Callable[[AsyncConnection, Sequence[UUID], AsOf], Awaitable[dict[UUID, T]]]


class Connected:
    """A WebSocket: its operations come one after the other, or at once, each with its own Context."""

    def __init__(self, state: AppState, shown: str | None) -> None:
        """``shown``: the Authorization of the handshake, where there was one."""
        self.state, self.shown = state, shown
        self.connection_params: dict[str, Any] = {}
        self.caller: Caller | None = None

    def operation(self) -> "Context":
        assert self.caller is not None, "an operation before the login"
        return Context(self.state, self.caller)


class Context:
    """One operation. Its clock and its position are read once."""

    def __init__(self, state: AppState, caller: Caller) -> None:
        self.state, self.caller = state, caller
        self.viewer = Viewer(caller.wards, hidden_labels(caller.role))
        self.answered_at: int | None = None
        self.types: frozenset[str] = frozenset()
        """The types of which the operation asks for fields."""
        self.is_cacheable = False
        """Whether the response cache may keep the answer: all types and queries are cacheable."""
        self.recorded: AccessRecord | None = None
        """What was written down of the answer."""
        self._snapshot: Snapshot | None = None
        self._once = asyncio.Lock()
        self._queries = SingleFlight()
        self._prefetched: dict[tuple[Any, datetime, int], dict[UUID, Any]] = {}
        self._loaders: dict[tuple[Any, datetime, int], DataLoader[UUID, Any]] = {}

    async def log_status(self) -> LogStatus:
        return (await self.snapshot()).log_status

    async def snapshot(self) -> Snapshot:
        """The look at the present that the whole operation shares."""
        async with self._once:
            if self._snapshot is None:
                self._snapshot = await self.state.snapshots.snapshot()
                self._queries = self._snapshot.queries
            return self._snapshot

    async def at(
        self,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        known_at_position: Position | None = None,
        at_least: Position | None = None,
    ) -> AsOf:
        """The moment of a question. Waits for the read models where the question needs it.

        Raises InvalidInput for a moment that has not come yet, ReadModelsBehind after a while.
        """
        if known_at is not None and known_at_position is not None:
            raise InvalidInput("knownAt", "give knownAt or knownAtPosition, not both")
        if at_least is not None:
            await self._wait(self._position(at_least, "atLeast"))
            self.refresh()
        status = await self.log_status()
        known = status.position
        if known_at_position is not None:
            asked = self._position(known_at_position, "knownAtPosition")
            if asked > status.recorded:
                raise InvalidInput("knownAtPosition", "the log is not that far yet")
            known = await end_of_command(self.state.engine, asked)
        elif known_at is not None:
            if known_at > status.now:
                raise InvalidInput("knownAt", "it lies in the future; nobody knows that yet")
            known = await position_at(self.state.engine, known_at)
        if known > status.position:
            await self._wait(known)
        self.note_position(known)
        await self.load_permissions()
        return self.moment(as_of or status.now, known)

    def check_ward(self, ward: str | None) -> None:
        """Raises NotAllowed for another ward than the reader's, or the whole house."""
        if self.caller.wards is not None and ward not in self.caller.wards:
            raise NotAllowed("Name a ward of yours: this login is not for the whole house")

    def check_login(self) -> None:
        """Raises NotLoggedIn once the caller's token has ended: a subscription may outlive it."""
        if self.caller.seconds_left <= 0:
            raise NotLoggedIn("The token has expired; log in again with another one.")

    async def load_permissions(self) -> None:
        """What is open and what is closed to a reader who does not see all anyway, as it is now."""
        if not self.viewer.sees_all:
            snapshots, snapshot = self.state.snapshots, await self.snapshot()
            self.viewer.opened = await snapshots.opened(self.caller.actor, snapshot)
            self.viewer.label_hidden = await snapshots.closed(self.viewer.hidden, snapshot)
            self.viewer.outside_wards = await snapshots.elsewhere(self.viewer.wards, snapshot)

    def reading(self, operation: str, patients: Collection[UUID]) -> AccessRecord:
        """What has to be written down before an answer leaves that shows these patients' data."""
        return AccessRecord(
            by=self.caller.actor,
            operation=operation,
            purpose=self.caller.purpose,
            patients=patients,
            opened=self.viewer.opened & frozenset(patients),
        )

    async def or_forbidden(
        self, found: T | None, question: ById[Any], id: UUID, at: AsOf
    ) -> T | None:
        """What was found. Raises NotAllowed if nothing was because it may not be shown."""
        if found is None and await self.closed(question, [id], at):
            raise NotAllowed(CLOSED)
        return found

    async def closed(self, question: ById[Any], ids: Collection[UUID], at: AsOf) -> set[UUID]:
        """Those among some things that are there, and that this reader may not be shown."""
        if self.viewer.sees_all or not ids:
            return set()
        there: dict[UUID, Any] = await self.query(question, list(ids), at.unscoped)
        return set(there).difference(await self.query(question, list(ids), at))

    async def patient_by_mrn(self, mrn: str, authority: str | None, at: AsOf) -> PatientView | None:
        """A patient who is asked for by MRN. Raises NotAllowed if they may not be shown.

        Nor may who is not shown names: an MRN that is known already would name somebody.
        """
        if not may(self.caller.role, "data:identity"):
            raise NotAllowed(f"The role {self.caller.role} may not look for a patient by MRN")
        authority = authority or self.state.settings.mrn_authority
        found = await self.query(patient_by_mrn, mrn, authority, at)
        if found is None and not self.viewer.sees_all:
            hidden = await self.query(patient_by_mrn, mrn, authority, at.unscoped)
            if hidden is not None:
                raise NotAllowed(CLOSED)
        return found

    def moment(self, as_of: datetime, known: int) -> AsOf:
        """A moment as this reader is shown it. No part of an answer is asked for in another way."""
        return AsOf(as_of, known, self.viewer)

    def note_position(self, position: int) -> None:
        """The answer, or a part of it, was computed at this position."""
        self.answered_at = min(position, self.answered_at or position)

    def position(self, position: int) -> Position:
        return encode_position(self.state.log.id, self.state.log.epoch, position)

    def after(self, given: Position | None) -> int:
        """Where to go on in the log; from its beginning, if nothing was given."""
        return 0 if given is None else self._position(given, "after")

    def refresh(self) -> None:
        """Something was recorded, or waited for: what was seen before it is over."""
        self._snapshot, self._queries = None, SingleFlight()

    def next_item(self, position: int, shared: dict[Any, Any]) -> None:
        """Another item of a subscription is answered: by itself, as known at its own position."""
        self.answered_at, self._snapshot = position, None
        shared = shared if self.viewer.sees_all else {}
        self._loaders = shared.setdefault("loaders", {})
        self._queries, self._prefetched = shared.setdefault("asked", SingleFlight()), {}

    async def load(self, question: ById[T], id: UUID | None, at: AsOf) -> T | None:
        """One of many things asked for at the same time, fetched together with the others."""
        if id is None:
            return None
        loader = self._loaders.get((question, at.as_of, at.known))
        if loader is None:
            loader = self._loaders[question, at.as_of, at.known] = self._loader(question, at)
        return await loader.load(id)  # type: ignore[no-any-return]

    async def prefetch(
        self, type_name: str, question: ById[Any], ids: Collection[UUID], at: AsOf
    ) -> None:
        """Ask for many things at once before any of them is, if such a type is asked for at all."""
        if not ids or type_name not in self.types:
            return
        found = await self._query_shared(at, frozenset(ids), question, list(ids), at)
        had = self._prefetched.setdefault((question, at.as_of, at.known), {})
        had.update({id: found.get(id) for id in ids})

    def prefetched(self, question: ById[Any], id: UUID | None, at: AsOf) -> tuple[bool, Any]:
        """Whether it is known already, and what it is. None is nothing."""
        if id is None:
            return True, None
        found = self._prefetched.get((question, at.as_of, at.known), {})
        return id in found, found.get(id)

    async def versions(self, id: UUID, at: AsOf) -> int:
        return await self.load(_versions, id, at) or 0

    async def query(self, question: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """Ask a question on a connection of its own."""
        with tracing.span(f"read {question.__name__.strip('_')}"):
            async with self.state.engine.connect() as connection:
                return await question(connection, *args, **named)

    async def query_shared(
        self, question: Callable[..., Awaitable[T]], at: AsOf, *args: Hashable
    ) -> T:
        """The same, once for all operations with the same rights that share the look at the present."""
        return await self._query_shared(at, args, question, at, *args)

    async def _query_shared(
        self, at: AsOf, given: Hashable, question: Callable[..., Awaitable[T]], *args: Any
    ) -> T:
        """``given``: what tells the question from others, beside the moment and whose rights."""
        what = question, at.as_of, at.known, at.viewer.cache_key, given
        return await self._queries.ask(what, lambda: self.query(question, *args))

    def _loader(self, question: ById[T], at: AsOf) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[T | None]:
            found = await self.query(question, ids, at)
            return [found.get(id) for id in ids]

        return DataLoader(load_fn=load)

    def _position(self, given: Position, field: str) -> int:
        return decode_position(given, self.state.log.id, self.state.log.epoch, field)

    async def _wait(self, position: int) -> None:
        timeout = self.state.settings.read_timeout_seconds
        if not await self.state.progress.wait_for(position, timeout):
            if self.state.progress.halted:
                raise ReadModelsBehind(
                    "A read model has halted, so this cannot be read: tell who runs Wardbook."
                )
            raise ReadModelsBehind("The read models are behind; ask again in a moment.")


async def _versions(connection: AsyncConnection, ids: Sequence[UUID], at: AsOf) -> dict[UUID, int]:
    return await versions(connection, list(ids), at.known)


Ask = Info[Context, None]
"""What a resolver is given. Nothing but its context is used: `api.graphql.execution.fast_executor`."""
