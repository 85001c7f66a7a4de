"""Claims on beds as a command reads them and leaves them, and the beds that it rests on."""

from collections.abc import Collection, Iterable, Mapping
from typing import cast
from uuid import UUID

from application.unit_of_work import UnitOfWork
from domain.room.occupancy import Claim, Occupancy
from domain.stay.aggregate import Stay
from domain.time import ALWAYS, Period


def read(
    uow: UnitOfWork, spans: Mapping[UUID, Period | None], mothers: Collection[UUID] = ()
) -> None:
    """Read rooms' occupancies, their claims in periods and who shares beds, in one round trip.

    Of an occupancy only the version is read; no claims are older than it.
    """
    ids = (Occupancy.id_for(room) for room in spans)
    periods = {room: period for room, period in spans.items() if period}
    versions, claims = uow.record.beds([id for id in ids if id not in uow.loaded], periods, mothers)
    for id, version in versions.items():
        aggregate = Occupancy.empty(id)
        aggregate.version = version
        uow.track(aggregate)
    for room, period in periods.items():
        uow.claims_read[room] = period, [c for c in claims if c.stretch.bed.room == room]
    for mother in mothers:
        uow.sharers_read[mother] = [c for c in claims if c.stretch.shares_bed_of == mother]


def occupancy(uow: UnitOfWork, room: UUID) -> Occupancy:
    """Return a room's occupancy, of which only the version is read."""
    id = Occupancy.id_for(room)
    if id not in uow.loaded:
        read(uow, {room: None})
    return cast(Occupancy, uow.loaded[id])


def claims_on(
    uow: UnitOfWork, room: UUID, period: Period = ALWAYS, bed: str | None = None
) -> list[Claim]:
    """Return the claims on a room's beds, or one, in a period, as the command leaves them.

    A decision that rests on one bed does not mind what others make of the rest of the room.
    """
    if bed is None:
        uow.rooms_read.add(Occupancy.id_for(room))
    else:
        rest_on(uow, room, [bed])
    if room not in uow.claims_read or not uow.claims_read[room][0].covers(period):
        read(uow, {room: period})
    moved_stays = {stay.id: stay for stay in uow.all_of(Stay) if uow.has_other_beds(stay)}
    claims = [c for c in uow.claims_read[room][1] if c.stay not in moved_stays]
    claims += [Claim(s.id, stretch) for s in moved_stays.values() for stretch in s.stretches]
    return [
        c
        for c in claims
        if c.stretch.bed.room == room
        and c.stretch.period.meets(period)
        and bed in (None, c.stretch.bed.bed)
    ]


def rest_on(uow: UnitOfWork, room: UUID, beds: Iterable[str]) -> None:
    """Name beds of a room that others may not have changed since they were read."""
    uow.beds_read.setdefault(Occupancy.id_for(room), set()).update(beds)


def beds_read(uow: UnitOfWork) -> dict[UUID, set[str]]:
    """Return the beds that were looked at, of each occupancy that never was as a whole."""
    uows = [uow, *uow.dry_runs]
    ids = set().union(*(u.beds_read for u in uows)).difference(*(u.rooms_read for u in uows))
    return {id: set().union(*(u.beds_read.get(id, ()) for u in uows)) for id in ids}


def sharers(uow: UnitOfWork, mother: UUID) -> list[Claim]:
    """Return the claims of stays that share a bed of this one."""
    if mother not in uow.sharers_read:
        read(uow, {}, [mother])
    return uow.sharers_read[mother]
