"""Queries of wards, rooms and their occupancy."""

from datetime import datetime
from functools import partial
from typing import Annotated, Self
from uuid import UUID, uuid5

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_known,
    check_ward_of,
    known_ward,
    or_forbidden,
    records_of_mrn,
)
from api.graphql.context import Info
from api.graphql.declarations import CACHEABLE, DataKind, shows
from api.graphql.extensions.limits import STRETCHES
from api.graphql.prefetching import prefetch_occupants
from api.graphql.queries.arguments import (
    After,
    AtLeast,
    First,
    Hours,
    KnownAt,
    KnownAtPosition,
    KnownMoment,
    MrnAuthority,
    bitemporal,
    check_subject,
    hours_ahead,
    id_of,
    known_moment,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.enums import BedState, RoomPolicy
from api.graphql.types.house_totals import HouseTotals
from api.graphql.types.rooms import (
    Bed,
    Room,
    RoomOccupancy,
    boards,
)
from api.graphql.types.stays import Stay
from api.graphql.types.stretches import OccupancyStretch
from domain.refusals import InvalidInput
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.bed_search import BedCriteria, beds_found, in_order, rank_of
from infrastructure.queries.house_totals import house_totals
from infrastructure.queries.named import beds_named, rooms_named, ward_named
from infrastructure.read_models.bed_uses import BoardRoom
from infrastructure.read_models.occupancy import board, occupancy_history
from infrastructure.read_models.rooms import wards
from infrastructure.read_models.stays import stays_by_id, stays_of_persons

WARDS = UUID("5f1d7f0a-6d0e-5f0b-9a53-2b7c0d4e8f13")
"""The namespace of the ids of wards, which are made of their names."""


@shows(DataKind.HOUSE, cached_from=(wards, board))
@strawberry.type(description="A ward, by its name.")
class Ward:
    id: strawberry.ID = strawberry.field(description="Its id: the same for the same name.")
    name: str = strawberry.field(description="Its name.")
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, name: str, at: AsOf) -> Self:
        return cls(id=strawberry.ID(str(uuid5(WARDS, name))), name=name, at=at)

    @strawberry.field(description="Its rooms, with the state of each bed.")
    async def rooms(self, info: Info) -> list[RoomOccupancy]:
        boards_of_ward = await info.context.query(board, self.at, self.name)
        return await boards(info, boards_of_ward, self.at)


@strawberry.input(description="Criteria for beds; all of them have to be met.")
class BedFilter:
    states: list[BedState] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states."
    )
    policies: list[RoomPolicy] | None = strawberry.field(
        default=strawberry.UNSET, description="In a room with all of these policies."
    )
    free_until: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="Free, and as far as planned neither closed, cleaned nor reserved until then.",
    )

    def criteria(self, as_of: datetime) -> BedCriteria:
        """Return the criteria of the search. Raises InvalidInput."""
        if self.free_until and self.free_until < as_of:
            raise InvalidInput("free_until", "it lies before the moment that is asked about")
        return BedCriteria(
            tuple(state.value for state in self.states or ()),
            tuple(policy.value for policy in self.policies or ()),
            self.free_until or None,
        )


async def _value(count: int) -> int:
    return count


@strawberry.type
class RoomQueries:
    @strawberry.field(description="The wards, by name.", metadata=CACHEABLE)
    @bitemporal
    async def wards(
        self,
        info: Info,
        at: AsOf,
    ) -> list[Ward]:
        return [Ward.of(name, at) for name in await info.context.query(wards, at)]

    @strawberry.field(description="A ward, by its name; null where it has no room then.")
    @bitemporal
    async def ward(
        self,
        info: Info,
        at: AsOf,
        name: Annotated[str, argument(description="Its name.")],
    ) -> Ward | None:
        stored_name = await info.context.query(ward_named, name, "name")
        names = await info.context.query(wards, at)
        return Ward.of(stored_name, at) if stored_name in names else None

    @strawberry.field(description="A room, by its id; null before it was opened.")
    @bitemporal
    async def room(
        self,
        info: Info,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The room's id.")],
    ) -> Room | None:
        room = await Room.find(info, id_of(id), at)
        await check_known(info.context, room, id, Thing.ROOM)
        return room

    @strawberry.field(
        description="Who lies where: every bed of a ward, or of the house.", metadata=CACHEABLE
    )
    @bitemporal
    async def room_occupancy(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        filter: Annotated[BedFilter | None, argument(description="These beds only.")] = None,
    ) -> list[RoomOccupancy]:
        return await boards(info, await _room_boards(info, ward, filter, at), at)

    @strawberry.field(
        description="Beds by ward, room and code, in pages.",
        metadata=CACHEABLE,
    )
    @bitemporal
    async def beds(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        filter: Annotated[BedFilter | None, argument(description="These beds only.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Bed]:
        size, place = page_size(first), decode_cursor(after, "beds", str, str, str)
        beds = in_order(await _room_boards(info, ward, filter, at))
        total = len(beds)
        if place is not None:
            beds = [bed for bed in beds if bed.rank > rank_of(*place)]
        views = beds[: size + 1]
        await prefetch_occupants(info, [view.bed for view in views], at)
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("beds", v.room.ward, v.room.number, v.bed.code),
            lambda v: Bed.of(v.bed, v.room, at),
            partial(_value, total),
        )

    @strawberry.field(
        description="How many beds are in which state, and who is expected by the hour: of a ward, or of"
        " the house with each of its wards, counted on their occupancy boards."
    )
    @bitemporal
    async def house_totals(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        hours: Hours = 24,
    ) -> HouseTotals:
        ward = await known_ward(info.context, ward)
        hospital = info.context.state.settings.hospital
        totals = await info.context.query(house_totals, at, hospital, ward, hours_ahead(hours))
        await check_ward_of(info.context, ward, at, totals.wards)
        return HouseTotals.of(totals)

    @strawberry.field(description=f"Who lay where in a period, in stretches, {STRETCHES} at most.")
    async def occupancy_history(
        self,
        info: Info,
        from_: Annotated[datetime, argument(name="from", description="Beginning of the period.")],
        to: Annotated[datetime, argument(description="End of the period, not included.")],
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        room: Annotated[str | None, argument(description="Rooms of this number only.")] = None,
        bed: Annotated[str | None, argument(description="Beds of this code only.")] = None,
        stay_id: Annotated[strawberry.ID | None, argument(description="Of this stay only.")] = None,
        mrn: Annotated[
            str | None, argument(description="Of all stays of the patient with this MRN only.")
        ] = None,
        mrn_authority: MrnAuthority = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
        moment: KnownMoment = None,
    ) -> list[OccupancyStretch]:
        if to <= from_:
            raise InvalidInput("to", "it has to be after `from`")
        context = info.context
        at = await context.at(None, known_at, known_at_position, at_least, known_moment(moment))
        ward = await known_ward(context, ward)
        numbers = None if room is None else await context.query(rooms_named, ward, room)
        codes = None if bed is None else await context.query(beds_named, ward, numbers, bed)
        stays = await stays_named(info, stay_id, mrn, mrn_authority, at)
        views = await context.query(
            occupancy_history, at, from_, to, ward, numbers, codes, STRETCHES + 1, stays
        )
        if len(views) > STRETCHES:
            raise InvalidInput(
                "to",
                f"there are more than {STRETCHES} stretches: ask for a shorter time, a ward or a room",
            )
        return [OccupancyStretch.of(view, at) for view in views]


async def stays_named(
    info: Info, stay_id: str | None, mrn: str | None, mrn_authority: str | None, at: AsOf
) -> list[UUID] | None:
    """Return the ids of a stay, or of the stays of a person; None where neither is named.

    Raises InvalidInput for both, NotFound, NotAllowed.
    """
    check_subject(mrn, stay_id, is_needed=False)
    if stay_id is not None:
        stay = await Stay.find(info, id_of(stay_id), at)
        await or_forbidden(info.context, stay, stays_by_id, id_of(stay_id), at)
        await check_known(info.context, stay, stay_id, Thing.STAY, "stay_id")
        return [id_of(stay_id)]
    if mrn is None:
        return None
    records = await records_of_mrn(info.context, mrn, mrn_authority, at)
    stays = await info.context.query(stays_of_persons, records[:1], at)
    return [stay.stay for of_person in stays.values() for stay in of_person]


async def _room_boards(
    info: Info, ward: str | None, filter: BedFilter | None, at: AsOf
) -> list[BoardRoom]:
    """Return the boards of a ward's rooms, or of all, with the beds that meet a filter.

    The name of a ward is looked up only where nothing is found by it. Raises InvalidInput, NotFound.
    """
    context = info.context
    criteria = filter.criteria(at.as_of) if filter else None

    async def find(name: str | None) -> list[BoardRoom]:
        if criteria is None:
            return await context.query(board, at, name)
        return await context.query(beds_found, at, name, criteria)

    views = await find(ward)
    if ward is None or views:
        return views
    stored_name = await context.query(ward_named, ward)
    if stored_name != ward:
        views = await find(stored_name)
    await check_ward_of(context, stored_name, at, views)
    return views
