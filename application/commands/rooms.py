"""Commands about rooms: their names, their opening, and which beds they have."""

from collections.abc import Sequence
from datetime import date, timedelta

from application import bed_claims, lookups
from application.authorization import scope
from application.authorization.roles import BED_MANAGEMENT
from application.command_group import command, correction
from application.commands.beds import BedStates
from application.hospital_days import midnight, today
from application.room_names import change_name, check_name, rename_rooms
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.problems import Problem
from domain.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    ContradictsLaterFacts,
    InvalidInput,
)
from domain.room.aggregate import Room
from domain.things import Thing
from domain.time import Period


class Rooms(BedStates):
    """Commands for rooms and beds."""

    @command(roles=BED_MANAGEMENT, raises=(AlreadyExists,))
    def open_room(self, uow: UnitOfWork, *, ward: str, room: str, beds: Sequence[str]) -> None:
        """Open a room of a ward with its beds. Raises AlreadyExists if the ward has that number."""
        scope.check_ward(uow, ward)
        ward = lookups.ward_name(uow, ward)
        if self.record.owner(*unique_keys.room_number(ward, room)) is not None:
            raise AlreadyExists(Thing.ROOM, f"{ward}/{room}", "room")
        new_room = uow.new(Room, "room")
        new_room.open(ward, room, beds, uow.entry)

    @command(roles=BED_MANAGEMENT, raises=(AlreadyExists,))
    def add_bed(self, uow: UnitOfWork, *, ward: str, room: str, bed: str) -> None:
        """Put another bed into a room."""
        lookups.room(uow, ward, room).add_bed(bed, uow.entry)

    @correction(roles=BED_MANAGEMENT, raises=(AlreadyExists, ContradictsLaterFacts))
    def correct_room(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        new_ward: str | None = None,
        new_room: str | None = None,
    ) -> None:
        """Correct a room's ward or number as it is named last, or its opening (``occurred_at``).

        Raises AlreadyExists, ContradictsLaterFacts if something was told of before the opening.
        """
        aggregate = lookups.room(uow, ward, room)
        new_ward = check_name(uow, aggregate, new_ward, new_room)
        claims = bed_claims.claims_on(uow, aggregate.id)
        opening = uow.times.corrected_at, claims, uow.entry, uow.times.corrected_precision
        aggregate.correct(new_ward, new_room, *opening)

    @command(roles=BED_MANAGEMENT, raises=(AlreadyExists,))
    def change_room(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        new_ward: str | None = None,
        new_room: str | None = None,
        valid_from: date | None = None,
    ) -> None:
        """Give a room another ward or number from a day on (today), until it was changed later.

        Raises AlreadyExists.
        """
        aggregate = lookups.room(uow, ward, room)
        since = midnight(uow, _day(uow, valid_from))
        change_name(uow, aggregate, new_ward, new_room, since)

    @correction(roles=BED_MANAGEMENT, raises=(AlreadyExists,), own_times=())
    def cancel_room_change(
        self, uow: UnitOfWork, *, ward: str, room: str, valid_from: date | None = None
    ) -> None:
        """Take a change of a room's ward or number back: the last one, or that of a day.

        Raises AlreadyExists.
        """
        aggregate = lookups.room(uow, ward, room)
        day = None
        if valid_from is not None:
            next_day = valid_from + timedelta(days=1)
            day = Period(midnight(uow, valid_from), midnight(uow, next_day))
        aggregate.cancel_change(uow.entry, day)
        ward, number = aggregate.ward, aggregate.number
        if uow.owner(unique_keys.room_number(ward, number)) not in (None, aggregate.id):
            raise AlreadyExists(Thing.ROOM, f"{ward}/{number}", "room")

    @command(roles=BED_MANAGEMENT, raises=(AlreadyExists,))
    def rename_ward(
        self, uow: UnitOfWork, *, ward: str, new_ward: str, valid_from: date | None = None
    ) -> None:
        """Give a ward another name from a day on (today), until it was renamed later.

        The rooms keep their ids and numbers; a ward that has that name already is joined. Raises
        AlreadyExists.
        """
        rename_rooms(uow, ward, new_ward, midnight(uow, _day(uow, valid_from)))

    @correction(roles=BED_MANAGEMENT, raises=(ContradictsLaterFacts,))
    def correct_bed(self, uow: UnitOfWork, *, ward: str, room: str, bed: str) -> None:
        """Correct since when a bed is there (``occurred_at``). Raises ContradictsLaterFacts."""
        aggregate = lookups.room(uow, ward, room)
        claims = bed_claims.claims_on(uow, aggregate.id)
        aggregate.correct_bed(
            bed, uow.times.corrected_at, claims, uow.entry, uow.times.corrected_precision
        )

    @correction(roles=BED_MANAGEMENT, raises=(ContradictsLaterFacts,), own_times=())
    def cancel_bed(self, uow: UnitOfWork, *, ward: str, room: str, bed: str) -> None:
        """Take a bed back that was entered in error and never used. Raises ContradictsLaterFacts."""
        aggregate = lookups.room(uow, ward, room)
        aggregate.cancel_bed(bed, bed_claims.claims_on(uow, aggregate.id), uow.entry)

    @command(roles=BED_MANAGEMENT, raises=(BedNotOpen, BedOccupied, BedStateBroken))
    def retire_beds(
        self, uow: UnitOfWork, *, ward: str, room: str | None = None, bed: str | None = None
    ) -> None:
        """Take a bed, all of a room or all of a ward out of service for good.

        Raises BedOccupied if somebody has one of them then or later, BedStateBroken.
        """
        for aggregate in _rooms(uow, ward, room, bed):
            beds = [bed] if bed else [b for b in aggregate.beds if b not in aggregate.retired]
            if beds:
                aggregate.retire(beds, bed_claims.claims_on(uow, aggregate.id), uow.entry)
        _must_change(uow, Problem.BEDS_RETIRED)

    @correction(roles=BED_MANAGEMENT, raises=(BedStateBroken,), own_times=())
    def cancel_retirement(
        self, uow: UnitOfWork, *, ward: str, room: str | None = None, bed: str | None = None
    ) -> None:
        """Put a bed, a room or a ward back that was not taken out of service after all."""
        for aggregate in _rooms(uow, ward, room, bed):
            beds = [bed] if bed else list(aggregate.retired)
            if beds:
                aggregate.cancel_retirement(beds, uow.entry)
        _must_change(uow, Problem.BED_NOT_RETIRED)


def _rooms(uow: UnitOfWork, ward: str, room: str | None, bed: str | None) -> list[Room]:
    if room is not None:
        return [lookups.room(uow, ward, room)]
    if bed is not None:
        raise InvalidInput("room", "a bed is named by ward, room and bed")
    return lookups.rooms_of(uow, ward)


def _must_change(uow: UnitOfWork, problem: Problem) -> None:
    if not any(aggregate.pending_events for aggregate in uow.loaded.values()):
        raise BedStateBroken(problem)


def _day(uow: UnitOfWork, valid_from: date | None) -> date:
    now = today(uow)
    if valid_from is not None and valid_from > now:
        raise InvalidInput("valid_from", "it lies ahead; record the change on its day or after")
    return valid_from or now
