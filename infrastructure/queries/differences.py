"""Differences between two positions of the log: beds, facts of stays, and exposure to a wrong fact."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Uuid, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.direct import execute
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.occupancy import BedView, board
from infrastructure.read_models.patients import records_of
from infrastructure.read_models.rooms import RoomView, spells
from infrastructure.read_models.stays import stays_of_persons
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.timeline.queries import EntryView

BEDS = ("STAY_ROOM_ALLOCATED", "STAY_TRANSFERRED", "STAY_BED_SWAPPED", "STAY_LEAVE_ENDED")
TAKEN_BACK = ("STAY_MOVEMENT_CANCELLED", "STAY_DISCHARGE_CANCELLED")
"""Kinds of facts that put a patient into a bed if they name one."""
DECIDED = (
    "STAY_VISIT_RECORDED",
    "PRESCRIPTION_WRITTEN",
    "PRESCRIPTION_CHANGED",
    "PRESCRIPTION_HELD",
    "PRESCRIPTION_RESUMED",
    "PRESCRIPTION_STOPPED",
    "PRESCRIPTION_COMPLETED",
    "PRESCRIPTION_ADMINISTRATION_RECORDED",
    "PRESCRIPTION_UNPRESCRIBED_GIVEN",
)
"""Kinds of facts that are decisions, made in the light of what was recorded."""


@dataclass(frozen=True, slots=True)
class BedChange:
    """A bed that differs between two positions; None where it was not known."""

    room: RoomView
    before: BedView | None
    after: BedView | None

    @property
    def stays(self) -> set[UUID]:
        """Return the stays that are in the bed on either side."""
        return {o.stay for bed in (self.before, self.after) if bed for o in bed.occupants}


@dataclass(frozen=True, slots=True)
class ExposureView:
    """The exposure to a wrong fact: its positions, its wrong entries, and what was decided meanwhile.

    ``wrong_between``: from and up to which position each wrong entry was held. ``changed_at``: where
    another entry began to be held instead of one, wrong or not. ``stays``: those that it was about, of
    a death all of the person; ``spell``: of a closure, with its room and bed, which has no entries.
    """

    wrong_from: int
    wrong_to: int
    wrong: list[EntryView]
    decided: list[EntryView]
    wrong_between: list[tuple[int, int]]
    changed_at: list[int]
    stays: list[UUID]
    spell: tuple[UUID, UUID, str] | None = None


_recorded_between = CompiledStatement(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.stay, "stays"),
            entries.c.recorded_position > parameter("after", BigInteger),
            entries.c.recorded_position <= value(at.known),
            known(entries, at.known),
            at.visible(entries),
        )
        .order_by(entries.c.recorded_position, entries.c.position)
    )
)


@reads(entries)
async def facts_between(
    connection: AsyncConnection, of: Collection[UUID], after: int, to: AsOf
) -> list[EntryView]:
    """Return what was recorded of some stays after one position and up to another, in that order."""
    rows = await _recorded_between.execute(connection, to, stays=list(of), after=after)
    return [view(EntryView, row) for row in rows]


@reads(board)
async def bed_changes(
    connection: AsyncConnection, ward: str | None, before: AsOf, after: AsOf
) -> list[BedChange]:
    """Return the beds with another state or occupant, in the order of the board."""
    sides = [
        {
            (room.room.room, bed.code): (room.room, bed)
            for room in await board(connection, at, ward)
            for bed in room.beds
        }
        for at in (before, after)
    ]
    changes = []
    for key in dict.fromkeys((*sides[0], *sides[1])):
        beds = [side.get(key) for side in sides]
        if beds[0] and beds[1] and _board_columns(beds[0][1]) == _board_columns(beds[1][1]):
            continue
        room = next(bed[0] for bed in reversed(beds) if bed)
        changes.append(BedChange(room, *(bed[1] if bed else None for bed in beds)))
    return changes


_stays_of_facts = by_id(
    lambda at: (
        select(entries.c.fact, entries.c.stay)
        .distinct()
        .where(is_one_of(entries.c.fact, "ids"), known(entries, at.known), at.visible(entries))
    )
)


@reads(entries)
async def facts_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Return the stays of movements, visits and doses by their ids."""
    return {row.fact: row.stay for row in await _stays_of_facts(connection, ids, at)}


def _held_entries(condition: ColumnElement[bool]) -> CompiledStatement:
    """Return the statement for the entries of facts, with the positions that each is held between."""
    return CompiledStatement(
        lambda at: (
            select(
                func.lower(entries.c.known),
                func.upper(entries.c.known),
                *columns(entries),
                entries.c.position,
            )
            .where(
                condition,
                entries.c.status == "TRUE",
                func.lower(entries.c.known) <= value(at.known),
                at.visible(entries),
            )
            .order_by(entries.c.known)
        )
    )


_held = _held_entries(equals(entries.c.fact, "fact"))
_held_orders = _held_entries(
    equals(entries.c.subject, "order") & (entries.c.kind == kind_of(Prescription.Written))
)
_held_deaths = _held_entries(
    is_one_of(entries.c.subject, "records") & (entries.c.kind == kind_of(Patient.Died))
)
_held_spells = CompiledStatement(
    lambda at: (
        select(
            func.lower(spells.c.known),
            func.upper(spells.c.known),
            *columns(spells),
            spells.c.during,
        )
        .where(equals(spells.c.spell, "fact"), func.lower(spells.c.known) <= value(at.known))
        .order_by(spells.c.known)
    )
)
_CHANGES_OF_SPELL = """SELECT DISTINCT command_end FROM record.events WHERE stream = %(room)s
  AND topic IN ('room.spell-corrected', 'room.spell-cancelled') AND own->>'spell' = %(spell)s"""

_room = entries.c.data["bed"]["room"].astext
_decided = CompiledStatement(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            entries.c.recorded_position > parameter("first", BigInteger),
            entries.c.recorded_position < parameter("last", BigInteger),
            or_(entries.c.fact.is_(None), entries.c.fact != parameter("fact", Uuid)),
            known(entries, at.known),
            at.visible(entries),
            or_(
                is_one_of(entries.c.stay, "stays") & entries.c.kind.in_((*DECIDED, *BEDS)),
                is_one_of(entries.c.stay, "stays")
                & entries.c.kind.in_(TAKEN_BACK)
                & _room.is_not(None),
                is_one_of(_room, "rooms") & entries.c.kind.in_((*BEDS, *TAKEN_BACK)),
            ),
        )
        .order_by(entries.c.recorded_position, entries.c.position)
    )
)


@reads(entries, spells, records_of, stays_of_persons)
async def exposure(connection: AsyncConnection, fact: UUID, at: AsOf) -> ExposureView | None:
    """Return what was decided or recorded while a fact was wrong; None if it never was.

    That is, between the wrong entry and the last correction or cancel: what was decided about the
    same stay, and who was put into the rooms that the wrong entry names. An entry that says what is
    held now was not wrong. ``fact``: a movement, visit, dose or change; a prescription; the closure,
    cleaning or reservation of a bed; or a patient, whose death it is then.
    """
    stays: set[UUID] = set()
    rows: list[Any] = list(await _held.execute(connection, at, fact=fact))
    rows = rows or list(await _held_orders.execute(connection, at, order=fact))
    if not rows:
        records = await records_of(connection, fact, at)
        rows = list(await _held_deaths.execute(connection, at, records=records))
        if rows:
            by_record = await stays_of_persons(connection, [fact], at)
            stays = {stay.stay for stay in by_record.get(fact, ())}
    if not rows:
        return await _exposure_of_spell(connection, fact, at)
    past_rows = [row for row in rows if row[1] is not None and row[1] <= at.known]
    held_now = [_content(view(EntryView, row[2:])) for row in rows if row not in past_rows]
    wrong_rows = [row for row in past_rows if _content(view(EntryView, row[2:])) not in held_now]
    if not wrong_rows:
        return None
    wrong_entries = [view(EntryView, row[2:]) for row in wrong_rows]
    first, last = min(row[0] for row in wrong_rows), max(row[1] for row in wrong_rows)
    stays |= {e.stay for e in wrong_entries if e.stay}
    rooms = {e.data["bed"]["room"] for e in wrong_entries if isinstance(e.data.get("bed"), dict)}
    return ExposureView(
        first,
        last,
        wrong_entries,
        await _decisions(connection, at, first, last, fact, stays, rooms),
        [(row[0], row[1]) for row in wrong_rows],
        sorted({row[1] for row in past_rows}),
        sorted(stays),
    )


async def _exposure_of_spell(
    connection: AsyncConnection, spell: UUID, at: AsOf
) -> ExposureView | None:
    """Return the exposure to a wrong closure, cleaning or reservation; that it ended was not wrong."""
    rows: list[Any] = list(await _held_spells.execute(connection, at, fact=spell))
    if not rows:
        return None
    room, bed = rows[0].room, rows[0].bed
    values = {"room": room, "spell": str(spell)}
    changes = {end for (end,) in await execute(connection, _CHANGES_OF_SPELL, values)}
    held_now = [row[2:] for row in rows if row[1] is None or row[1] > at.known]
    past_rows = [row for row in rows if row[1] in changes and row[1] <= at.known]
    wrong_rows = [row for row in past_rows if row[2:] not in held_now]
    if not wrong_rows:
        return None
    first, last = min(row[0] for row in wrong_rows), max(row[1] for row in wrong_rows)
    return ExposureView(
        first,
        last,
        [],
        await _decisions(connection, at, first, last, spell, (), [str(room)]),
        [(row[0], row[1]) for row in wrong_rows],
        sorted({row[1] for row in past_rows}),
        [],
        (spell, room, bed),
    )


async def _decisions(
    connection: AsyncConnection,
    at: AsOf,
    first: int,
    last: int,
    fact: UUID,
    stays: Collection[UUID],
    rooms: Collection[str],
) -> list[EntryView]:
    """Return what was decided of stays, and who was put into rooms, between two positions."""
    rows = await _decided.execute(
        connection, at, first=first, last=last, fact=fact, stays=list(stays), rooms=list(rooms)
    )
    return [view(EntryView, row) for row in rows]


def _content(entry: EntryView) -> tuple[object, ...]:
    """Return what an entry says of its fact, whoever told it."""
    return entry.patient, entry.occurred_at, entry.precision, entry.data


def _board_columns(bed: BedView) -> tuple[object, ...]:
    """Return what a board shows of a bed."""
    occupants = tuple((o.stay, o.since, o.kept, o.shares_bed_of) for o in bed.occupants)
    return bed.state, bed.spell, occupants
