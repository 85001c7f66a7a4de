"""The context of an operation: its caller and viewer, its moments, and its reads."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.dataloader import DataLoader

from api.auth.authentication import NotLoggedIn, check_not_listed
from api.container import AppState
from api.errors import ReadModelsBehind
from api.graphql.moment_input import MomentInput
from api.graphql.refused_fields import RefusedFields
from api.graphql.scalars import Position, decode_position, encode_position
from api.telemetry import metrics
from api.work import statement_slot
from application.authorization.roles import Caller, Role, may
from application.authorization.scope import OWN_WARD, hidden_labels
from domain.refusals import InvalidInput, Refusal
from infrastructure import tracing
from infrastructure.access_log import REFUSED, AccessRecord
from infrastructure.caching.read_snapshot import Snapshot
from infrastructure.caching.replica import FAILURES, ReadSource
from infrastructure.caching.single_flight import AS_NUMBER, SingleFlight, query_key
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.log import LogStatus, end_of_command, position_at, versions_by_id
from infrastructure.queries.row_security import Viewer
from infrastructure.queries.tables_read import Query

T = TypeVar("T")

ById = Callable[..., Awaitable[dict[UUID, T]]]
"""A query of many things by connection, ids, and as of a moment; what is not there is absent."""

_UNREAD = object()
"""In place of a thing that was not prefetched."""


class Connected:
    """The context of a WebSocket; each of its operations has a `Context` of its own."""

    def __init__(
        self, state: AppState, authorization: str | None, address: str | None = None
    ) -> None:
        """Take the container, and the Authorization header of the handshake, where there was one."""
        self.state, self.authorization, self.address = state, authorization, address
        self.connection_params: dict[str, Any] = {}
        self.caller: Caller | None = None

    def operation(self) -> "Context":
        """Return the context of the next operation."""
        assert self.caller is not None, "an operation before the login"
        return Context(self.state, self.caller)


class Context:
    """The context of one operation. Its clock and its log position are read once."""

    def __init__(self, state: AppState, caller: Caller) -> None:
        self.state, self.caller = state, caller
        self.viewer = Viewer(caller.wards, hidden_labels(caller.role))
        self.answered_at: int | None = None
        """The lowest log position at which a part of the answer was computed."""
        self.types: frozenset[str] = frozenset()
        """The types of which the operation selects fields."""
        self.queries: tuple[Query, ...] = ()
        """The queries that these fields are read by."""
        self.refused_fields: RefusedFields = {}
        self.is_cacheable = False
        """Whether the response cache may keep the answer: all types and queries are cacheable."""
        self.reads_replica = False
        """Whether a replica may answer: everything that is asked is as of a moment."""
        self.source: ReadSource = state
        """Where the answer is read: the primary, or the replica once its snapshot is taken."""
        self.as_of_asked: datetime | None = None  # the moments that it asks about, if it names them
        self.known_at_asked: datetime | None = None
        self.entity: str | None = None
        """The name in the access log of what is asked beside patients: a report with its period."""
        self.is_search = False
        """Whether it asks for a person: that nobody is shown tells something, too."""
        self.refusals: list[Refusal] = []
        """The refusals that were told, to be recorded."""
        self.is_executed = False
        """Whether its execution began: it was not refused as a whole before."""
        self.recorded: AccessRecord | None = None
        """The access record of the answer, once written."""
        self._snapshot: Snapshot | None = None
        self._once = asyncio.Lock()
        self._queries, self._permissions = self._new_flight(), self._new_flight()
        self._prefetched: dict[tuple[Any, datetime, int], dict[UUID, Any]] = {}
        self._loaders: dict[Hashable, DataLoader[UUID, Any]] = {}

    # -- moments --

    async def log_status(self) -> LogStatus:
        """Return the positions of the log and the read models, and the database's clock."""
        return (await self.snapshot()).log_status

    async def snapshot(self) -> Snapshot:
        """Return the snapshot of this operation; taken when it is first needed."""
        async with self._once:
            if self._snapshot is None:
                self._snapshot = await self._take_snapshot()
                self._queries = self._snapshot.queries
            return self._snapshot

    async def _take_snapshot(self) -> Snapshot:
        """Take a snapshot of the replica where it may answer and has got far enough."""
        replica = self.state.replica
        if replica is None:
            return await self.state.snapshots.snapshot()
        snapshot = await replica.snapshot() if self.reads_replica else None
        self.source = self.state if snapshot is None else replica
        if self.reads_replica:
            metrics.REPLICA_READS.labels("primary" if snapshot is None else "replica").inc()
        snapshot = snapshot or await self.state.snapshots.snapshot()
        replica.note_told(snapshot.log_status.position)
        return snapshot

    async def at(
        self,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        known_at_position: Position | None = None,
        at_least: Position | None = None,
        moment: MomentInput | None = None,
    ) -> AsOf:
        """Return the moment of a query, given its temporal arguments; now by default.

        Waits for the read models where the query needs it. Raises InvalidInput for a moment that has
        not come yet, ReadModelsBehind after the configured time.
        """
        if moment is not None:
            if (as_of, known_at, known_at_position, at_least) != (None, None, None, None):
                raise InvalidInput("at", "give it or asOf, knownAt and their like, not both")
            as_of, known_at = moment.as_of or None, moment.known_at or None
            known_at_position = moment.known_at_position or None
            at_least = moment.at_least or None
        if known_at is not None and known_at_position is not None:
            raise InvalidInput("knownAt", "give knownAt or knownAtPosition, not both")
        self.as_of_asked = self._first_moment("as of", as_of, self.as_of_asked)
        self.known_at_asked = self._first_moment("as known at", known_at, self.known_at_asked)
        if at_least is not None:
            await self._reach(self._position(at_least, "atLeast"))
        status, known_position = await self._known_position(known_at, known_at_position)
        if known_position > status.position:
            await self._wait(known_position)
            if self.source is not self.state:
                await self._status_of_primary()
        self.note_position(known_position)
        await self.load_permissions()
        return self.moment(as_of or status.now, known_position, known_at)

    async def _reach(self, position: int) -> None:
        """Wait until a position can be read. Raises InvalidInput, ReadModelsBehind."""
        is_readable = position <= self.state.progress.position
        if not is_readable and position > (await self.state.snapshots.log_status()).recorded:
            raise InvalidInput("atLeast", "the log is not that far yet")
        await self._wait(position)
        self.refresh()

    async def _known_position(
        self, known_at: datetime | None, known_at_position: Position | None
    ) -> tuple[LogStatus, int]:
        """Return the log's status, and the position in it that is asked about: the last by default."""
        status, is_replica = await self.log_status(), self.source is not self.state
        if known_at_position is not None:
            position = self._position(known_at_position, "knownAtPosition")
            if is_replica and position > status.recorded:
                status = await self._status_of_primary()
            if position > status.recorded:
                raise InvalidInput("knownAtPosition", "the log is not that far yet")
            return status, await self._queries.run(
                (end_of_command, position), lambda: end_of_command(self.state.engine, position)
            )
        if known_at is None:
            return status, status.position
        if is_replica and known_at > status.now:
            status = await self._status_of_primary()  # the replica's clock may be behind
        if known_at > status.now:
            raise InvalidInput("knownAt", "it lies in the future; nobody knows that yet")
        return status, await self._queries.run(
            (position_at, known_at), lambda: position_at(self.state.engine, known_at)
        )

    async def _status_of_primary(self) -> LogStatus:
        """Turn to the primary for what the replica does not have yet."""
        self.reads_replica = False
        self.refresh()
        return await self.log_status()

    def replica_failed(self) -> None:
        """Turn to the primary, which gives the same answers: all is asked as known at a position."""
        assert self.state.replica is not None
        self.state.replica.fail()
        self.reads_replica, self.source = False, self.state

    def moment(self, as_of: datetime, position: int, known_at: datetime | None = None) -> AsOf:
        """Return a moment for this viewer. No part of an answer is read in another way."""
        return AsOf(as_of, position, self.viewer, known_at)

    def note_position(self, position: int) -> None:
        """Note that a part of the answer was computed at this log position."""
        self.answered_at = min(position, self.answered_at or position)

    def position(self, position: int) -> Position:
        """Return a log position as clients get it: opaque, of this log and epoch."""
        return encode_position(self.state.log.id, self.state.log.epoch, position)

    def after(self, cursor: Position | None) -> int:
        """Return the log position of a cursor; 0, the beginning, without one. Raises InvalidInput."""
        return 0 if cursor is None else self._position(cursor, "after")

    def refresh(self) -> None:
        """Drop the snapshot: something was recorded, or waited for, since."""
        self._snapshot = None
        self._queries, self._permissions = self._new_flight(), self._new_flight()

    def next_item(self, position: int, loads: dict[Any, Any]) -> None:
        """Begin another item of a subscription, as known at its own position.

        ``loads``: what subscribers who see all share of the reads of one change.
        """
        self.answered_at, self._snapshot = position, None
        self._permissions = self._new_flight()
        loads = loads if self.viewer.sees_all else {}
        self._loaders = loads.setdefault("loaders", {})
        self._queries, self._prefetched = loads.setdefault("queries", self._new_flight()), {}

    # -- the viewer --

    def check_login(self) -> None:
        """Refuse a login whose token has ended or is revoked: a WebSocket may outlive it.

        Raises NotLoggedIn.
        """
        if self.caller.seconds_left <= 0:
            raise NotLoggedIn("The token has expired; log in again with another one.")
        check_not_listed(self.caller, self.state.revocations)

    def may(self, permission: str) -> bool:
        """Return whether the caller may run a query or see a kind of data in this house."""
        role = self.caller.role
        if permission == "data:clinical" and role == Role.ADMIN:
            return self.state.settings.admins_see_clinical
        if permission == OWN_WARD and not self.state.settings.restricted_in_own_ward:
            return False
        return may(role, permission)

    async def load_permissions(self) -> None:
        """Load what is opened to and closed from a viewer who does not see all, as of now."""
        if self.viewer.sees_all:
            return
        try:
            await self._permissions.run("own", self._load_permissions)
        except FAILURES:
            if self.source is self.state:
                raise
            self.replica_failed()
            await self._load_permissions()

    async def _load_permissions(self) -> None:
        snapshots, snapshot, caller = self.source.snapshots, await self.snapshot(), self.caller
        await snapshots.permit(
            self.viewer, caller.actor, caller.wards, snapshot, self.may(OWN_WARD)
        )

    def note_entity(self, entity: str) -> None:
        """Note what is asked, beside what the operation asks already by other aliases."""
        if self.entity is None:
            self.entity = entity
        elif entity not in self.entity:
            self.entity = f"{self.entity}; {entity}"

    def _first_moment(
        self, name: str, moment: datetime | None, before: datetime | None
    ) -> datetime | None:
        """Return the first moment that is asked about; others are noted beside what is asked."""
        if moment is not None and before not in (None, moment):
            self.note_entity(f"{name} {moment.isoformat()}")
        return before or moment

    def reading(
        self, operation: str, patients: Collection[UUID], resources: Collection[UUID] = ()
    ) -> AccessRecord:
        """Return the access record to write before an answer leaves that shows these patients."""
        return AccessRecord(
            by=self.caller.actor,
            operation=operation,
            purpose=self.caller.purpose,
            patients=patients,
            opened=self.viewer.opened & frozenset(patients),
            entity=self.entity,
            resources=resources,
            as_of=self.as_of_asked,
            known_at=self.known_at_asked,
            wards=self.caller.wards,
            token_id=self.caller.token_id,
            address=self.caller.address,
        )

    def refused_reading(self, operation: str, refusal: Refusal) -> AccessRecord:
        """Return the access record to write before a refusal leaves."""
        return replace(
            self.reading(operation, refusal.patients), outcome=REFUSED, entity=refusal.code
        )

    # -- reads --

    async def query(self, function: Callable[..., Awaitable[T]], *args: Any, **named: Any) -> T:
        """Run a query on a connection of its own, once for all who share snapshot and rights."""

        async def run() -> T:
            with tracing.span(f"read {function.__name__.strip('_')}"):
                if self.source is not self.state:
                    try:
                        return await run_on(self.source.engine)
                    except FAILURES:
                        self.replica_failed()
                return await run_on(self.state.engine)

        async def run_on(engine: AsyncEngine) -> T:
            async with statement_slot(), engine.connect() as connection:
                return await function(connection, *args, **named)

        key = query_key(args) if not named else None
        return await (run() if key is None else self._queries.run((function, key), run))

    async def load(self, query: ById[T], id: UUID | None, at: AsOf, *options: Hashable) -> T | None:
        """Return one thing by its id: prefetched, or read with all that are asked for at once."""
        is_known, view = self.prefetched(query, id, at)
        if id is None or (is_known and not options):
            return view  # type: ignore[no-any-return]
        key = query, at.as_of, at.known, options
        loader = self._loaders.get(key) or self._loader(query, at, options)
        return await self._loaders.setdefault(key, loader).load(id)  # type: ignore[no-any-return]

    async def prefetch(
        self, type_name: str, query: ById[Any], ids: Collection[UUID], at: AsOf
    ) -> None:
        """Read many things before any is asked for, if the operation selects their type at all."""
        views = self._prefetched.setdefault((query, at.as_of, at.known), {})
        ids_unread = set(ids).difference(views)
        if not ids_unread or type_name not in self.types:
            return
        all_views = await self.query(query, sorted(ids_unread, key=AS_NUMBER), at)
        views.update(dict.fromkeys(ids_unread) | all_views)

    def prefetched(self, query: ById[Any], id: UUID | None, at: AsOf) -> tuple[bool, Any]:
        """Return whether a thing was prefetched, and what it is; for no id that is nothing."""
        if id is None:
            return True, None
        views = self._prefetched.get((query, at.as_of, at.known), {})
        view = views.get(id, _UNREAD)
        return (False, None) if view is _UNREAD else (True, view)

    def note_views(self, query: ById[Any], views: Mapping[UUID, Any], at: AsOf) -> None:
        """Note things that a query by their ids would return."""
        self._prefetched.setdefault((query, at.as_of, at.known), {}).update(views)

    async def versions(self, id: UUID, at: AsOf) -> int:
        """Return the version of a stream as known at the moment's position."""
        return await self.load(versions_by_id, id, at) or 0

    def _loader(self, query: ById[T], at: AsOf, options: Sequence[Any]) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[T | None]:
            views = await self.query(query, ids, at, *options)
            return [views.get(id) for id in ids]

        return DataLoader(load_fn=load)

    def _new_flight(self) -> SingleFlight:
        return SingleFlight(self.state.settings.single_flight)

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


Info = strawberry.Info[Context, None]
"""The ``info`` of a resolver."""
