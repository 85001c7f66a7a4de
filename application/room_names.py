"""The names of rooms and wards from a day on, each until it was changed later."""

from collections.abc import Iterable
from datetime import datetime

from application import lookups
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.refusals import AlreadyExists, InvalidInput
from domain.room.aggregate import Room
from domain.room.names import RoomName
from domain.text import key
from domain.things import Thing
from domain.time import Period


def check_name(uow: UnitOfWork, room: Room, ward: str | None, number: str | None) -> str:
    """Return the room's ward from now on, as it is spelled. Raises AlreadyExists for a taken name."""
    ward = _as_spelled(uow, ward, room.ward)
    number = number or room.number
    if uow.owner(unique_keys.room_number(ward, number)) not in (None, room.id):
        _refuse(RoomName(room.names[-1].since, ward, number), room.names[-1])
    return ward


def change_name(
    uow: UnitOfWork, room: Room, ward: str | None, number: str | None, since: datetime
) -> None:
    """Give a room another ward or number from a moment on. Raises AlreadyExists for a taken name."""
    since = room.begin_of_change(since)
    name = room.name_at(since)
    ward = _as_spelled(uow, ward, name.ward)
    named_before = room.named
    room.change(ward, number, since, uow.entry)
    open_since = max(since, room.opened_at or since)
    for period, new_name in _periods(room.names):
        if period.end is not None and period.end <= open_since:
            continue
        owner = uow.owner(unique_keys.room_number(new_name.ward, new_name.number))
        if owner in (None, room.id):
            continue
        assert owner is not None
        other = uow.one(Room, owner, "room")
        open_period = Period(max(period.start, open_since), period.end)
        if period.end is None or _is_named(other, new_name, open_period):
            _refuse(new_name, named_before.at(new_name.since))


def rename_rooms(uow: UnitOfWork, ward: str, new_ward: str, since: datetime) -> None:
    """Give a ward, by its present name, another one from a moment on, until it was renamed later.

    All rooms that were of it meanwhile follow, also those that have left it. Raises AlreadyExists.
    """
    present_rooms = lookups.rooms_of(uow, ward)
    renamings = {
        change.since: room
        for room in present_rooms
        for change in room.named.changes
        if change.renames_ward and change.since > room.begin_of_change(since)
    }
    until = min(renamings, default=None)
    name_then = present_rooms[0].ward
    if until is not None:
        names = renamings[until].names
        name_then = [name for name in names if name.since < until][-1].ward
    period = Period(since, until)
    for room in uow.load(Room, *uow.record.owners_beginning(*unique_keys.ROOMS)):
        for start in _begins_in_ward(room, name_then, period):
            change_name(uow, room, new_ward, None, start)
    if not any(room.pending_events for room in uow.all_of(Room)):
        raise InvalidInput("new_ward", "the ward has that name already; say what is different")


def _begins_in_ward(room: Room, ward: str, period: Period) -> list[datetime]:
    """Return the time when a room comes to a ward of a name within a period, its beginning included."""
    begins: list[datetime] = []
    was_there = False
    for span, name in _periods(room.names):
        is_there = key(name.ward) == key(ward) and span.meets(period)
        start = max(span.start, period.start)
        if is_there and not was_there and start in period:
            begins.append(start)
        was_there = is_there
    return begins


def _periods(names: Iterable[RoomName]) -> list[tuple[Period, RoomName]]:
    names = list(names)
    ends = [name.since for name in names[1:]]
    return [(Period(n.since, end), n) for n, end in zip(names, [*ends, None], strict=True)]


def _is_named(room: Room, name: RoomName, period: Period) -> bool:
    """Return whether a room has a name at any time in a period in which it is open."""
    wanted_name = (key(name.ward), key(name.number))
    return any(
        (key(other.ward), key(other.number)) == wanted_name
        and span.meets(period)
        and (room.opened_at is None or period.end is None or room.opened_at < period.end)
        for span, other in _periods(room.names)
    )


def _as_spelled(uow: UnitOfWork, ward: str | None, ward_before: str) -> str:
    if ward and key(ward) != key(ward_before):
        return lookups.ward_name(uow, ward)
    return ward or ward_before


def _refuse(name: RoomName, before: RoomName) -> None:
    """Refuse a name that another room has, with the part of it that is new. Raises AlreadyExists."""
    field = "new_room" if key(name.number) != key(before.number) else "new_ward"
    raise AlreadyExists(Thing.ROOM, f"{name.ward}/{name.number}", field)
