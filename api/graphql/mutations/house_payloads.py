"""Payloads of the commands about rooms, beds, and the hospital's own clock."""

from datetime import date, datetime, time
from typing import Self
from uuid import UUID

import strawberry

from api.graphql.batches import find_all
from api.graphql.context import Info
from api.graphql.mutations.payloads import ReadBack, RecordedPayload
from api.graphql.types.room_periods import BedStatePeriod
from api.graphql.types.rooms import Room
from application.command import Recorded
from domain.hospital_calendar import HospitalCalendar
from domain.house_rules import HouseRules


@strawberry.type(description="A room was recorded.")
class RoomRecorded(RecordedPayload):
    room: Room = strawberry.field(description="The room as now held.")
    recorded: strawberry.Private[Recorded]

    @strawberry.field(
        description="The closures, cleanings and reservations that it recorded, ended or put right,"
        " with the ids to correct them."
    )
    async def bed_states(self, info: Info) -> list[BedStatePeriod]:
        ids = self.recorded.facts("spell")
        return [period for period in await self.room.periods(info) if UUID(period.id) in ids]

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        room = await Room.find(read.info, read.first("room"), read.as_of)
        return cls(**read.common_fields, room=room, recorded=read.recorded) if room else None


@strawberry.type(description="Rooms were recorded.")
class RoomsRecorded(RecordedPayload):
    rooms: list[Room] = strawberry.field(description="The rooms as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        ids = read.recorded.ids("room")
        rooms = await find_all(Room.find(read.info, id, read.as_of) for id in ids)
        return cls(**read.common_fields, rooms=rooms)


@strawberry.type(description="The hospital's own clock was recorded.")
class HospitalTimeRecorded(RecordedPayload):
    time_zone: str = strawberry.field(description="The time zone that was set.")
    census_time: time = strawberry.field(description="When beds are counted, by its clocks.")
    valid_from: date | None = strawberry.field(
        description="From which of its days on; absent: always. To put it right, set the same again."
    )

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.events[0]
        assert isinstance(event, HospitalCalendar.TimeSet)
        return cls(
            **read.common_fields,
            time_zone=event.time_zone,
            census_time=event.census_time,
            valid_from=event.valid_from,
        )


@strawberry.type(description="A decision about cleaning beds was recorded.")
class BedCleaningRecorded(RecordedPayload):
    ward: str | None = strawberry.field(description="The ward; absent: the whole house.")
    applies: bool = strawberry.field(description="Whether beds are to be cleaned.")
    since: datetime = strawberry.field(description="From when on.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.events[0]
        assert isinstance(event, HouseRules.CleaningSet)
        return cls(**read.common_fields, ward=event.ward, applies=event.applies, since=event.since)
