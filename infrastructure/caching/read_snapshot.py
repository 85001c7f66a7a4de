"""Read snapshots: log and projection positions, with a viewer's permissions, read once for many.

Operations that begin at the same time share one snapshot, which is taken after they began: so each
sees everything that was recorded before it began. So do the queries that they share next
(docs/adr/0019). Switched off, each operation takes a snapshot of its own and reads its permissions.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.envelope import Actor
from infrastructure.caching.single_flight import BatchRunner, SingleFlight
from infrastructure.queries.log import LogStatus, log_status
from infrastructure.queries.named import wards_named
from infrastructure.queries.permissions import (
    closed_by_merge,
    elsewhere_by_merge,
    opened_by,
    treated_in_wards,
)
from infrastructure.queries.row_security import RESTRICTED, Viewer

ByMerge = Callable[[AsyncConnection, Set[str]], Awaitable[tuple[frozenset[UUID], datetime | None]]]

REMEMBERED = 1_000_000
"""Limit of the ids and names in the cached permissions (of a viewer, of labels, of wards)."""

OVERHEAD = 20
"""Size of a permission by itself, in ids."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Log and projection positions at a moment, and the queries run since by those who share them."""

    log_status: LogStatus
    queries: SingleFlight


@dataclass(frozen=True, slots=True)
class _Permission:
    """Records of patients that are opened or closed, or names of wards; and the status when read."""

    at: LogStatus
    patients: frozenset[Any]
    until: datetime | None = None
    """The moment (UTC) at which they change by time alone, if they do."""

    @property
    def size(self) -> int:
        """Return the memory that it takes, in ids."""
        return OVERHEAD + len(self.patients)

    def holds(self, now: LogStatus) -> bool:
        """Return whether nothing has changed since, and none has changed by time alone."""
        is_same = (now.recorded, now.state) == (self.at.recorded, self.at.state)
        return is_same and self.at.now <= now.now and (self.until is None or now.now < self.until)


class Snapshots:
    """The snapshots of a process, and the cache of permissions that hold while nothing changes."""

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        is_shared: bool = True,
        single_flight: bool = True,
        read_status: Callable[[AsyncEngine], Awaitable[LogStatus]] = log_status,
    ) -> None:
        """``is_shared``: whether snapshots and permissions are shared by concurrent operations."""
        self._engine, self._is_shared, self._single_flight = engine, is_shared, single_flight
        self._read_status = read_status
        self._runner = BatchRunner[None, Snapshot]("snapshot", self._take)
        self._permissions: OrderedDict[Hashable, _Permission] = OrderedDict()
        self._size = 0

    async def snapshot(self) -> Snapshot:
        """Return a snapshot taken after this is called. Raises what the database raises."""
        return await (self._runner.add(None) if self._is_shared else self._take(None))

    async def log_status(self) -> LogStatus:
        """Return the positions as of a moment after this is called. Raises what the database raises."""
        return (await self.snapshot()).log_status

    async def permit(
        self,
        viewer: Viewer,
        actor: Actor,
        wards: Set[str] | None,
        snapshot: Snapshot,
        treats_restricted: bool,
    ) -> None:
        """Give a viewer what is opened to and closed from its login now.

        ``treats_restricted``: whether RESTRICTED closes nobody who is in a bed of its wards.
        """

        async def of_wards() -> None:
            viewer.wards = await self.wards(wards, snapshot)
            viewer.outside_wards = await self.elsewhere(viewer.wards, snapshot)
            if treats_restricted and viewer.wards:
                viewer.treated = await self._patients_of_wards(viewer.wards, snapshot)

        viewer.opened, closed_records, _ = await asyncio.gather(
            self.opened_patients(actor, snapshot),
            self.closed_records(viewer.hidden, snapshot),
            of_wards(),
        )
        if viewer.treated:
            stricter = await self.closed_records(viewer.hidden - {RESTRICTED}, snapshot)
            closed_records = closed_records - viewer.treated | stricter
        viewer.label_hidden = closed_records

    async def opened_patients(self, actor: Actor, snapshot: Snapshot) -> Set[UUID]:
        """Return the patients to whom an actor has emergency access now (break-glass)."""

        async def read(connection: AsyncConnection) -> _Permission:
            access = await opened_by(connection, actor, snapshot.log_status.now)
            return _Permission(snapshot.log_status, access.patients, access.until)

        return await self._permission((opened_by, actor), read, snapshot)

    async def wards(self, wards: Set[str] | None, snapshot: Snapshot) -> Set[str] | None:
        """Return the stored names of the wards of a login, which may spell them otherwise."""
        if wards is None:
            return None

        async def read(connection: AsyncConnection) -> _Permission:
            names = await wards_named(connection, wards)
            return _Permission(snapshot.log_status, frozenset(names))

        return await self._permission((wards_named, wards), read, snapshot)

    async def closed_records(self, hidden: Set[str], snapshot: Snapshot) -> Set[UUID]:
        """Return the records of persons of whom any record has one of these labels."""
        return await self._by_merge(closed_by_merge, hidden, snapshot) if hidden else frozenset()

    async def elsewhere(self, wards: Set[str] | None, snapshot: Snapshot) -> Set[UUID]:
        """Return the records of persons who are, by any of their records, in other wards only."""
        if wards is None:
            return frozenset()
        return await self._by_merge(elsewhere_by_merge, wards, snapshot)

    async def _patients_of_wards(self, wards: Set[str], snapshot: Snapshot) -> Set[UUID]:
        """Return the records of the persons in beds of some wards of whom anything is RESTRICTED."""

        async def read(connection: AsyncConnection) -> _Permission:
            now = snapshot.log_status.now
            return _Permission(snapshot.log_status, await treated_in_wards(connection, wards, now))

        return await self._permission((treated_in_wards, wards), read, snapshot)

    async def _by_merge(self, query: ByMerge, patients: Set[str], snapshot: Snapshot) -> Set[UUID]:
        async def read(connection: AsyncConnection) -> _Permission:
            return _Permission(snapshot.log_status, *await query(connection, patients))

        return await self._permission((query, patients), read, snapshot)

    async def _permission(
        self,
        key: Hashable,
        read: Callable[[AsyncConnection], Awaitable[_Permission]],
        snapshot: Snapshot,
    ) -> Set[Any]:
        """Return the cached permission while it holds; otherwise read it once for the snapshot."""

        async def connect() -> _Permission:
            async with self._engine.connect() as connection:
                return await read(connection)

        if not self._is_shared:
            return (await connect()).patients
        permission = self._permissions.get(key)
        if permission is None or not permission.holds(snapshot.log_status):
            permission = await snapshot.queries.run(key, connect)
            self._keep(key, permission)
        else:
            self._permissions.move_to_end(key)
        return permission.patients

    def _keep(self, key: Hashable, permission: _Permission) -> None:
        self._drop(key)
        self._permissions[key] = permission
        self._size += permission.size
        while self._size > REMEMBERED:
            self._drop(next(iter(self._permissions)))

    def _drop(self, key: Hashable) -> None:
        permissions = self._permissions.pop(key, None)
        if permissions is not None:
            self._size -= permissions.size

    async def _take(self, _: object) -> Snapshot:
        return Snapshot(await self._read_status(self._engine), SingleFlight(self._single_flight))
