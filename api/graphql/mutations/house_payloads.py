"""Payloads of the commands about rooms, beds, and the hospital's own clock."""

from datetime import date, datetime, time
from typing import Self
from uuid import UUID

import strawberry

import application.command
from api.graphql.batches import find_all
from api.graphql.context import Info
from api.graphql.mutations.payloads import ReadBack, Recorded
from api.graphql.types.room_periods import BedStatePeriod
from api.graphql.types.rooms import Room
from domain.hospital_calendar import HospitalCalendar
from domain.house_rules import HouseRules


@strawberry.type(description="A room was recorded.")
class RoomRecorded(Recorded):
    room: Room = strawberry.field(description="The room as now held.")
    recorded: strawberry.Private[application.command.Recorded]

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
        return cls(**read.envelope, room=room, recorded=read.recorded) if room else None


@strawberry.type(description="Rooms were recorded.")
class RoomsRecorded(Recorded):
    rooms: list[Room] = strawberry.field(description="The rooms as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        ids = read.recorded.ids("room")
        rooms = await find_all(Room.find(read.info, id, read.as_of) for id in ids)
        return cls(**read.envelope, rooms=rooms)


@strawberry.type(description="The hospital's own clock was recorded.")
class HospitalTimeRecorded(Recorded):
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
            **read.envelope,
            time_zone=event.time_zone,
            census_time=event.census_time,
            valid_from=event.valid_from,
        )


@strawberry.type(description="A decision about cleaning beds was recorded.")
class BedCleaningRecorded(Recorded):
    ward: str | None = strawberry.field(description="The ward; absent: the whole house.")
    applies: bool = strawberry.field(description="Whether beds are to be cleaned.")
    since: datetime = strawberry.field(description="From when on.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.events[0]
        assert isinstance(event, HouseRules.CleaningSet)
        return cls(**read.envelope, ward=event.ward, applies=event.applies, since=event.since)
