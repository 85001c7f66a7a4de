"""Effects on a bed of what happens elsewhere: reservations that are over, beds to be cleaned."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import ColumnElement, DateTime, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.room.aggregate import BedState
from domain.stay.facts import OVER
from domain.time import ALWAYS
from infrastructure.queries.as_of import AsOf, columns, since
from infrastructure.queries.compiled import CompiledStatement, by_id, is_one_of, parameter
from infrastructure.queries.row_security import known
from infrastructure.read_models.bed_uses import BedView, BoardRoom, stretches
from infrastructure.read_models.cleaning_rules import rules_known
from infrastructure.read_models.patients import deaths_of_persons, records_of_each
from infrastructure.read_models.rooms import SpellView, spells
from infrastructure.read_models.stays import stays

_MOMENT = DateTime(timezone=True)

DERIVED_FROM = (stays, stretches, spells, rules_known, deaths_of_persons)
"""Tables and queries from which the states of beds are derived."""


async def with_derived_states(
    connection: AsyncConnection, at: AsOf, rooms: list[BoardRoom]
) -> list[BoardRoom]:
    """Return rooms without reservations that are over, and with the beds that are to be cleaned."""
    over = await _reservations_over(connection, at, rooms)
    departures = await _left_uncleaned(connection, at, rooms)
    if not over and not departures:
        return rooms
    return [
        replace(
            room, beds=tuple(_derive(room.room.room, bed, over, departures) for bed in room.beds)
        )
        for room in rooms
    ]


def _derive(
    room: UUID, bed: BedView, over: Collection[UUID], left: Mapping[tuple[UUID, str], datetime]
) -> BedView:
    """Return a bed without a reservation that is over, and as to be cleaned where it is."""
    if bed.state is BedState.RESERVED and bed.spell and bed.spell.spell in over:
        bed = replace(bed, state=BedState.FREE, spell=None)
    left_at = left.get((room, bed.code))
    if left_at is None or bed.state not in (BedState.FREE, BedState.RESERVED):
        return bed
    return replace(bed, state=BedState.TO_BE_CLEANED, left_at=left_at)


async def _reservations_over(
    connection: AsyncConnection, at: AsOf, rooms: Iterable[BoardRoom]
) -> set[UUID]:
    """Return the reservations in force that ended by their use, their stay's end or a death."""
    spells = [
        (room.room.room, bed.spell)
        for room in rooms
        for bed in room.beds
        if bed.state is BedState.RESERVED and bed.spell
    ]
    if not spells:
        return set()
    house_moment = at.unscoped
    ids = [spell.for_stay for _, spell in spells if spell.for_stay]
    stays_reserved_for = list(await _stays_of(connection, ids, house_moment))
    patients = {row.stay: row.patient for row in stays_reserved_for}
    stays_over = {
        row.stay for row in stays_reserved_for if row.status in [status.value for status in OVER]
    }
    patients_of = {
        spell.spell: spell.for_patient or (patients.get(spell.for_stay) if spell.for_stay else None)
        for _, spell in spells
    }
    patient_ids = [patient for patient in patients_of.values() if patient]
    deaths = await deaths_of_persons(connection, patient_ids, house_moment)
    records = await records_of_each(connection, patient_ids, house_moment)
    first, in_rooms = min(spell.since for _, spell in spells), [room for room, _ in spells]
    uses = (await _uses.execute(connection, house_moment, rooms=in_rooms, first=first)).all()
    ids = list({record for linked_records in records.values() for record in linked_records})
    departures = (await _left.execute(connection, house_moment, ids=ids, first=first)).all()
    return {
        spell.spell
        for room, spell in spells
        if (patient := patients_of[spell.spell]) in deaths
        or spell.for_stay in stays_over
        or _has_left(spell, departures, records)
        or (patient is not None and _is_used(room, spell, uses, records.get(patient, ())))
    }


def _has_left(
    spell: SpellView, departures: Iterable[Any], records: Mapping[UUID, Collection[UUID]]
) -> bool:
    """Return whether the patient of a reservation has left the house since it began."""
    own_records = records.get(spell.for_patient, ()) if spell.for_patient else ()
    return any(end.patient in own_records and end.since > spell.since for end in departures)


def _is_used(
    room: UUID, spell: SpellView, uses: Iterable[Any], own_records: Collection[UUID]
) -> bool:
    """Return whether the stay or the patient of a reservation has had the bed since it began."""
    return any(
        (use.room, use.bed) == (room, spell.bed)
        and use.since >= spell.since
        and (use.stay == spell.for_stay if spell.for_stay else use.patient in own_records)
        for use in uses
    )


_stays_of = by_id(
    lambda at: select(stays.c.stay, stays.c.patient, stays.c.status).where(
        is_one_of(stays.c.stay, "ids"), at.holds_as_filter(stays)
    )
)
_left = CompiledStatement(
    lambda at: select(stays.c.patient, since(stays)).where(
        is_one_of(stays.c.patient, "ids"),
        stays.c.status.in_([status.value for status in OVER]),
        func.lower(stays.c.during).between(parameter("first", _MOMENT), at.as_of),
        func.lower(stays.c.during) > stays.c.admitted_at,
        at.holds_as_filter(stays),
    )
)
"""The ends of stays that really were, since a moment."""

_uses = CompiledStatement(
    lambda at: select(*columns(stretches), since(stretches)).where(
        is_one_of(stretches.c.room, "rooms"),
        func.lower(stretches.c.during).between(parameter("first", _MOMENT), at.as_of),
        known(stretches, at.known),
    )
)
"""Those that began since a moment: what the rooms were used for before grows with the years."""


async def _left_uncleaned(
    connection: AsyncConnection, at: AsOf, rooms: Iterable[BoardRoom]
) -> dict[tuple[UUID, str], datetime]:
    """Return the times when beds that are to be cleaned were left, where the house cleans them."""
    rules = await rules_known(connection, at.unscoped)
    if not rules.rules:
        return {}
    wards = {room.room.room: room.room.ward for room in rooms}
    ids = list(wards)
    departures = {
        (row.room, row.bed): row.last for row in await _departures(connection, ids, at.unscoped)
    }
    cleanings = {(row.room, row.bed): row.last for row in await _cleaned(connection, ids, at)}
    return {
        bed: moment
        for bed, moment in departures.items()
        if rules.apply_at(moment, wards[bed[0]]) and not moment <= cleanings.get(bed, ALWAYS.start)
    }


def _last_ends(table: Table, *conditions: ColumnElement[bool]) -> Callable[[AsOf], Select[Any]]:
    """Compose when the rows of each bed of some rooms ended last, up to the moment."""
    end = func.upper(table.c.during)
    return lambda at: (
        select(table.c.room, table.c.bed, func.max(end).label("last"))
        .where(is_one_of(table.c.room, "ids"), end <= at.as_of, known(table, at.known), *conditions)
        .group_by(table.c.room, table.c.bed)
    )


_departures = by_id(_last_ends(stretches))
_cleaned = by_id(_last_ends(spells, spells.c.state == BedState.CLEANING.value))
