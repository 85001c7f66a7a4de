"""Reservations of beds that end before they lapse: by their use, their stay's end or a death."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from application import persons
from application.unit_of_work import UnitOfWork
from domain.bed_ref import BedRef
from domain.refusals import PatientDied
from domain.room.aggregate import BedState, Room
from domain.stay.aggregate import Stay
from domain.time import Period, is_later


def early_ends(uow: UnitOfWork, room: Room, bed: str) -> Mapping[UUID, datetime]:
    """Return the times when reservations of a bed ended before their time, as held now, by their ids."""
    ends: dict[UUID, datetime] = {}
    for spell in room.spells:
        if spell.bed != bed or spell.state is not BedState.RESERVED or spell.period.is_empty:
            continue
        if spell.stay is not None:
            (stay,) = uow.load(Stay, spell.stay)
            patient, stays = stay.patient, [stay]
        else:
            assert spell.patient is not None
            patient, stays = spell.patient, persons.stays_of(uow, spell.patient)
        uses = [
            stretch.period.start
            for stay in stays
            for stretch in stay.stretches
            if stretch.bed == BedRef(room.id, bed) and stretch.period.start in spell.period
        ]
        stay_ends = [
            end
            for stay in stays
            if (end := stay.history.ended_at) is not None
            and (spell.stay is not None or _ended_within(stay, end, spell.period))
        ]
        died_at = persons.died_at(uow, patient) if patient else None
        first = min((end for end in (*uses, *stay_ends, died_at) if end is not None), default=None)
        if first is not None:
            ends[spell.id] = max(first, spell.period.start)
    return ends


def _ended_within(stay: Stay, end: datetime, period: Period) -> bool:
    """Return whether a stay that really was ended after a reservation for its patient began."""
    return stay.history.period is not None and end > period.start and end in period


def reserve(
    uow: UnitOfWork,
    room: Room,
    bed: str,
    period: Period,
    patient: UUID | None,
    stay: Stay | None,
    id: UUID | None = None,
) -> None:
    """Reserve a bed for a patient or a stay. Raises PatientDied, BedNotOpen, BedStateBroken."""
    person = stay.patient if stay else patient
    died_at = persons.died_at(uow, person)
    if died_at is not None and is_later(period.start, died_at):
        raise PatientDied(died_at)
    ends = early_ends(uow, room, room.code_of(bed))
    holder = stay.id if stay else None
    room.reserve_bed(bed, period, patient, holder, uow.entry, ends, id=id, about=person)
