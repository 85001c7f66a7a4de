"""Rooms, beds and their occupants."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID, uuid5

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import CLINICAL, VERSION, DataKind, shows
from api.graphql.prefetching import prefetch_occupants
from api.graphql.relay import Node
from api.graphql.scalars import optional_id
from api.graphql.types.enums import BedState, RoomPolicy
from api.graphql.types.flags import Flag
from api.graphql.types.people import Patient
from api.graphql.types.room_periods import (
    BedPeriod,
    BedStatePeriod,
    RoomPeriod,
    may_see_closures,
)
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.bed_search import free_until
from infrastructure.queries.projection_status import parked_things
from infrastructure.read_models.bed_uses import BedView, BoardRoom, StretchView
from infrastructure.read_models.flags import flags_of
from infrastructure.read_models.occupancy import beds_of, board
from infrastructure.read_models.rooms import (
    RoomView,
    SpellView,
    bed_periods,
    room_periods,
    rooms_by_id,
    spells_of,
)

if TYPE_CHECKING:
    from api.graphql.types.stays import Stay

LazyStay = Annotated["Stay", strawberry.lazy("api.graphql.types.stays")]


def find_stay(info: Info, id: UUID | None, at: AsOf) -> "Awaitable[Stay | None]":
    """Return a stay, if there is one of that id and the viewer may see it."""
    return _stays().find(info, id, at)


@cache
def _stays() -> "type[Stay]":
    from api.graphql.types.stays import Stay

    return Stay


async def boards(info: Info, views: Sequence[BoardRoom], at: AsOf) -> "list[RoomOccupancy]":
    """Return boards of rooms; what is selected of who lies there is prefetched."""
    await prefetch_occupants(info, [bed for room in views for bed in room.beds], at)
    return [RoomOccupancy.of(view, at) for view in views]


def bed_id(room: UUID, code: str) -> UUID:
    """Return the id of a bed, whatever is in it."""
    return uuid5(room, code)


@shows(DataKind.STAY, cached_from=(board,))
@strawberry.type(description="Somebody who lies in a bed, or for whom it is kept.")
class BedOccupant:
    since: datetime = strawberry.field(description="Since when.")
    kept: bool = strawberry.field(description="Whether the bed is only kept, during a leave.")
    shares_bed_of: strawberry.ID | None = strawberry.field(
        description="The mother's stay whose bed is shared."
    )
    stay_id: strawberry.Private[UUID]
    patient_id: strawberry.Private[UUID]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: StretchView, at: AsOf) -> Self:
        mother = view.shares_bed_of
        return cls(
            since=view.since,
            kept=view.kept,
            shares_bed_of=strawberry.ID(str(mother)) if mother else None,
            stay_id=view.stay,
            patient_id=view.patient,
            at=at,
        )

    @strawberry.field(description="The stay.")
    async def stay(self, info: Info) -> LazyStay | None:
        return await find_stay(info, self.stay_id, self.at)

    @strawberry.field(description="The patient.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.patient_id, self.at)


@shows(DataKind.HOUSE, cached_from=(board, spells_of, flags_of))
@strawberry.type(description="A bed at a moment: who is in it, or what keeps it from being free.")
class Bed:
    code: str = strawberry.field(description="Its code within the room.")
    state: BedState = strawberry.field(description="What it is at that moment.")
    since: datetime | None = strawberry.field(description="Since when it is so.")
    until: datetime | None = strawberry.field(
        description="Until when it is closed or reserved, where that is planned."
    )
    reservation_id: strawberry.ID | None = strawberry.field(
        description="The reservation in force, to release it."
    )
    bed_state_id: strawberry.ID | None = strawberry.field(
        description="The closure, cleaning or reservation in force, to correct or cancel it."
    )
    reason: strawberry.Private[str | None]
    place: strawberry.Private[RoomView]
    view: strawberry.Private[BedView]
    reserved: strawberry.Private[SpellView | None]
    occupant: strawberry.Private[StretchView | None]
    all_occupants: strawberry.Private[tuple[StretchView, ...]]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: BedView, room: RoomView, at: AsOf) -> Self:
        spell, occupant = view.spell, view.occupant
        reservation = spell if spell and spell.state == BedState.RESERVED.value else None
        return cls(
            code=view.code,
            state=view.state,
            since=occupant.since if occupant else view.left_at or (spell.since if spell else None),
            until=None if occupant or not spell else spell.until,
            reason=None if occupant or not spell else spell.reason,
            place=room,
            view=view,
            reservation_id=optional_id(reservation.spell if reservation else None),
            bed_state_id=optional_id(spell.spell if spell else None),
            reserved=reservation,
            occupant=occupant,
            all_occupants=view.occupants,
            at=at,
        )

    @strawberry.field(description="Of this bed, whatever is in it.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(bed_id(self.place.room, self.code)))

    @strawberry.field(description="The room that it is in.")
    def room(self) -> Annotated["Room", strawberry.lazy("api.graphql.types.rooms")]:
        return Room.of(self.place, self.at)

    @strawberry.field(description="Why it is closed; for the staff of its ward and bed managers.")
    def state_reason(self, info: Info) -> str | None:
        is_shown = self.reason and may_see_closures(info, self.place.ward)
        return self.reason if is_shown else None

    @strawberry.field(
        description="Of a free bed: when its next closure, cleaning or reservation begins, as planned."
    )
    async def free_until(self, info: Info) -> datetime | None:
        spells = await info.context.load(spells_of, self.place.room, self.at)
        return free_until(self.view, spells or (), self.at.as_of)

    async def _patient_reserved_for(self, info: Info) -> Patient | None:
        id = self.reserved.for_patient if self.reserved else None
        return await Patient.find(info, id, self.at)

    async def _stay_reserved_for(self, info: Info) -> "Stay | None":
        return await find_stay(info, self.reserved.for_stay if self.reserved else None, self.at)

    @strawberry.field(
        description="The patient for whom it is reserved, if you may see the patient."
    )
    async def reserved_patient(self, info: Info) -> Patient | None:
        return await self._patient_reserved_for(info)

    @strawberry.field(description="The stay for which it is reserved, if you may see it.")
    async def reserved_stay(self, info: Info) -> LazyStay | None:
        return await self._stay_reserved_for(info)

    @strawberry.field(
        description="The patient for whom it is reserved.",
        deprecation_reason="Use reservedPatient { id }.",
    )
    async def reserved_for_patient(self, info: Info) -> strawberry.ID | None:
        patient = await self._patient_reserved_for(info)
        return patient.id if patient else None

    @strawberry.field(
        description="The stay for which it is reserved.",
        deprecation_reason="Use reservedStay { id }.",
    )
    async def reserved_for_stay(self, info: Info) -> strawberry.ID | None:
        stay = await self._stay_reserved_for(info)
        return stay.id if stay else None

    @strawberry.field(
        description="All who have it: more than one where a child shares its mother's bed."
    )
    def occupants(self, info: Info) -> list[BedOccupant]:
        return [BedOccupant.of(o, self.at) for o in self.all_occupants]

    @strawberry.field(
        description="The flags that hold of all who have it: fall risk, isolation, notes.",
        metadata=CLINICAL,
    )
    async def flags(self, info: Info) -> list[Flag]:
        flags: list[Flag] = []
        for occupant in self.all_occupants:
            views = await info.context.load(flags_of, occupant.stay, self.at)
            flags += [Flag.of(view) for view in views or ()]
        return flags

    @strawberry.field(description="The stay that has it.")
    async def stay(self, info: Info) -> LazyStay | None:
        id = self.occupant.stay if self.occupant else None
        return await find_stay(info, id, self.at)

    @strawberry.field(description="The patient who has it.")
    async def patient(self, info: Info) -> Patient | None:
        id = self.occupant.patient if self.occupant else None
        return await Patient.find(info, id, self.at)


@shows(DataKind.HOUSE, cached_from=(rooms_by_id, beds_of, room_periods, bed_periods, spells_of))
@strawberry.type(description="A room of a ward.")
class Room(Node):
    ward: str = strawberry.field(description="The ward.")
    number: str = strawberry.field(description="The number within the ward.")
    policies: list[RoomPolicy] = strawberry.field(description="Its policies in force.")
    view: strawberry.Private[RoomView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: RoomView, at: AsOf) -> Self:
        return cls(
            id=strawberry.ID(str(view.room)),
            ward=view.ward,
            number=view.number,
            policies=[RoomPolicy(p) for p in view.policies],
            view=view,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(rooms_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.", metadata=VERSION
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(UUID(self.id), self.at)

    @strawberry.field(
        description="Whether a read model lacks a command about this room: what is said may be old."
    )
    async def parked(self, info: Info) -> bool:
        return await info.context.load(parked_things, UUID(self.id), self.at) or False

    @strawberry.field(description="Its beds, and who is in them.")
    async def beds(self, info: Info) -> list[Bed]:
        views = await info.context.load(beds_of, UUID(self.id), self.at)
        return [Bed.of(bed, self.view, self.at) for bed in views or ()]

    @strawberry.field(description="Its names and policies at all times, in order.")
    async def history(self, info: Info) -> list[RoomPeriod]:
        periods = await info.context.load(room_periods, UUID(self.id), self.at) or ()
        return [RoomPeriod.of(period) for period in periods]

    @strawberry.field(description="Since when and until when its beds are there, by their codes.")
    async def bed_periods(self, info: Info) -> list[BedPeriod]:
        periods = await info.context.load(bed_periods, UUID(self.id), self.at) or ()
        return [BedPeriod.of(period) for period in periods]

    @strawberry.field(description="The closures, cleanings and reservations of its beds, in order.")
    async def bed_states(self, info: Info) -> list[BedStatePeriod]:
        return await self.periods(info)

    async def periods(self, info: Info) -> list[BedStatePeriod]:
        """Return the closures, cleanings and reservations of its beds."""
        spells = await info.context.load(spells_of, UUID(self.id), self.at) or ()
        return [BedStatePeriod.of(spell, self.ward) for spell in spells]


@shows(DataKind.HOUSE, cached_from=(board,))
@strawberry.type(description="A room with the state of each of its beds.")
class RoomOccupancy:
    id: strawberry.ID = strawberry.field(description="The room's id.")
    room: Room = strawberry.field(description="The room.")
    beds: list[Bed] = strawberry.field(description="Its beds, in the order of their codes.")

    @classmethod
    def of(cls, view: BoardRoom, at: AsOf) -> Self:
        beds = [Bed.of(bed, view.room, at) for bed in view.beds]
        room = Room.of(view.room, at)
        return cls(id=room.id, room=room, beds=beds)
