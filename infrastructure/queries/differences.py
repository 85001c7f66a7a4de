"""Differences between two positions of the log: beds, facts of stays, and exposure to a wrong fact."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, String, Table, Uuid, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription.aggregate import Prescription
from domain.room.aggregate import Room
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.direct import execute
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.bed_uses import BedView
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import patients, records_of
from infrastructure.read_models.practitioners import practitioners
from infrastructure.read_models.rooms import RoomView, beds, rooms, spells
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
    ``details``: whose details were wrong, as the topic of its events, which have no entries either.
    """

    wrong_from: int
    wrong_to: int
    wrong: list[EntryView]
    decided: list[EntryView]
    wrong_between: list[tuple[int, int]]
    changed_at: list[int]
    stays: list[UUID]
    spell: tuple[UUID, UUID, str] | None = None
    details: str | None = None


_recorded_between = CompiledStatement(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.stay, "stays"),
            (entries.c.recorded_position > parameter("after", BigInteger)).is_(True),
            (entries.c.recorded_position <= value(at.known)).is_(True),
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
    """Return the entries of some stays recorded after one position and up to another, in that order."""
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


@reads(entries, spells, patients, practitioners, rooms, beds, records_of, stays_of_persons)
async def exposure(connection: AsyncConnection, fact: UUID, at: AsOf) -> ExposureView | None:
    """Return the decisions and entries made while a fact was wrong; None if it never was.

    That is, between the wrong entry and the last correction or cancel: what was decided about the
    same stay, and who was put into the rooms that the wrong entry names. An entry that says what is
    held now was not wrong. ``fact``: a movement, visit, dose or change; a prescription; the closure,
    cleaning or reservation of a bed; a patient, whose death, birth date or sex it is then; a
    practitioner, whose grade; or a room, whose ward, opening or beds.
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
        return await _exposure_of_spell(connection, fact, at) or await _exposure_of_details(
            connection, fact, at
        )
    past_rows = [row for row in rows if row[1] is not None and row[1] <= at.known]
    held_now = [_content(view(EntryView, row[2:])) for row in rows if row not in past_rows]
    wrong_rows = [row for row in past_rows if _content(view(EntryView, row[2:])) not in held_now]
    if not wrong_rows:
        return await _exposure_of_details(connection, fact, at) if stays else None
    wrong_entries = [view(EntryView, row[2:]) for row in wrong_rows]
    first, last = min(row[0] for row in wrong_rows), max(row[1] for row in wrong_rows)
    stays |= {e.stay for e in wrong_entries if e.stay}
    wrong_rooms = {
        e.data["bed"]["room"] for e in wrong_entries if isinstance(e.data.get("bed"), dict)
    }
    return ExposureView(
        first,
        last,
        wrong_entries,
        await _decisions(connection, at, first, last, fact, stays, wrong_rooms),
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


async def _exposure_of_details(
    connection: AsyncConnection, id: UUID, at: AsOf
) -> ExposureView | None:
    """Return the exposure to wrong details of a patient, a practitioner or a room, put right since.

    What changed from a day on was not wrong before; told anew of the same day, it was.
    """
    topics = {"id": id, "topics": [*_PUT_RIGHT, *_CHANGED], "changes": _CHANGED}
    mends = list(await execute(connection, _MENDS_OF_DETAILS, topics))
    begins: dict[int, list[Any]] = {}
    for mend in mends:
        begins.setdefault(mend.command_end, []).append(mend.since)
    wrong_between: list[tuple[int, int]] = []
    for statement in _HELD_DETAILS:
        rows: list[Any] = list(await statement.execute(connection, at, id=id))
        held_now = [row[2:] for row in rows if row[1] is None or row[1] > at.known]
        wrong_between += [
            (row[0], row[1])
            for row in rows
            if row[1] in begins
            and row[1] <= at.known
            and row[2:] not in held_now
            and any(since is None or since == row[2] for since in begins[row[1]])
        ]
    if not wrong_between:
        return None
    kind = mends[0].topic.partition(".")[0]
    first, last = min(begin for begin, _ in wrong_between), max(end for _, end in wrong_between)
    by_record = await stays_of_persons(connection, [id], at) if kind == Patient.TOPIC else {}
    stays = sorted(stay.stay for stay in by_record.get(id, ()))
    rooms = [str(id)] if kind == Room.TOPIC else []
    return ExposureView(
        first,
        last,
        [],
        await _decisions(connection, at, first, last, id, stays, rooms),
        sorted(wrong_between),
        sorted({end for _, end in wrong_between}),
        stays,
        details=kind,
    )


_PUT_RIGHT = [
    event.TOPIC
    for event in (
        *(Patient.DetailsCorrected, Patient.ChangeCorrected, Patient.ChangeCancelled),
        *(Practitioner.DetailsCorrected, Practitioner.ChangeCancelled),
        *(Room.DetailsCorrected, Room.ChangeCancelled, Room.RetirementCancelled),
        *(Room.BedCorrected, Room.BedCancelled),
    )
]
_CHANGED = [
    e.TOPIC for e in (Patient.DetailsChanged, Practitioner.DetailsChanged, Room.DetailsChanged)
]
_MENDS_OF_DETAILS = """SELECT command_end, topic, CASE WHEN topic = ANY(%(changes)s)
    THEN (own->>'since')::timestamptz::text END AS since FROM record.events
  WHERE stream = %(id)s AND topic = ANY(%(topics)s)"""


def _held_of(table: Table, key: str, *names: str) -> CompiledStatement:
    """Return the statement for the details of a thing, with the positions that each is held between."""
    return CompiledStatement(
        lambda at: (
            select(
                func.lower(table.c.known),
                func.upper(table.c.known),
                cast(func.lower(table.c.during), String),  # what always was so begins at -infinity
                cast(func.upper(table.c.during), String),
                *(table.c[name] for name in names),
            )
            .where(equals(table.c[key], "id"), func.lower(table.c.known) <= value(at.known))
            .where(*([at.visible(table)] if table is patients else []))
            .order_by(table.c.known)
        )
    )


_HELD_DETAILS = (
    _held_of(patients, "patient", "birth_date", "sex"),
    _held_of(practitioners, "practitioner", "grade", "grade_from"),
    _held_of(rooms, "room", "ward"),
    _held_of(beds, "room", "bed"),
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
    """Return the decisions about stays, and the moves into rooms, between two positions."""
    rows = await _decided.execute(
        connection, at, first=first, last=last, fact=fact, stays=list(stays), rooms=list(rooms)
    )
    return [view(EntryView, row) for row in rows]


def _content(entry: EntryView) -> tuple[object, ...]:
    """Return the content of an entry's fact, whoever recorded it."""
    return entry.patient, entry.occurred_at, entry.precision, entry.data


def _board_columns(bed: BedView) -> tuple[object, ...]:
    """Return the bed as a board shows it."""
    occupants = tuple((o.stay, o.since, o.kept, o.shares_bed_of) for o in bed.occupants)
    return bed.state, bed.spell, occupants
