"""Differences between two positions of the log: beds, facts of stays, and exposure to a wrong fact."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.occupancy import BedView, board
from infrastructure.read_models.rooms import RoomView
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
    another entry began to be held instead of one, wrong or not.
    """

    wrong_from: int
    wrong_to: int
    wrong: list[EntryView]
    decided: list[EntryView]
    wrong_between: list[tuple[int, int]]
    changed_at: list[int]


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


_held = CompiledStatement(
    lambda at: (
        select(
            func.lower(entries.c.known),
            func.upper(entries.c.known),
            *columns(entries),
            entries.c.position,
        )
        .where(
            equals(entries.c.fact, "fact"),
            entries.c.status == "TRUE",
            func.lower(entries.c.known) <= value(at.known),
            at.visible(entries),
        )
        .order_by(entries.c.known)
    )
)

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


@reads(entries)
async def exposure(connection: AsyncConnection, fact: UUID, at: AsOf) -> ExposureView | None:
    """Return what was decided or recorded while a fact was wrong; None if it never was.

    That is, between the wrong entry and the last correction or cancel: what was decided about the
    same stay, and who was put into the rooms that the wrong entry names. An entry that says what is
    held now was not wrong.
    """
    rows: list[Any] = list(await _held.execute(connection, at, fact=fact))
    past_rows = [row for row in rows if row[1] is not None and row[1] <= at.known]
    held_now = [_content(view(EntryView, row[2:])) for row in rows if row not in past_rows]
    wrong_rows = [row for row in past_rows if _content(view(EntryView, row[2:])) not in held_now]
    if not wrong_rows:
        return None
    wrong_entries = [view(EntryView, row[2:]) for row in wrong_rows]
    first, last = min(row[0] for row in wrong_rows), max(row[1] for row in wrong_rows)
    decisions = await _decided.execute(
        connection,
        at,
        first=first,
        last=last,
        fact=fact,
        stays=list({e.stay for e in wrong_entries if e.stay}),
        rooms=list(
            {e.data["bed"]["room"] for e in wrong_entries if isinstance(e.data.get("bed"), dict)}
        ),
    )
    return ExposureView(
        first,
        last,
        wrong_entries,
        [view(EntryView, row) for row in decisions],
        [(row[0], row[1]) for row in wrong_rows],
        sorted({row[1] for row in past_rows}),
    )


def _content(entry: EntryView) -> tuple[object, ...]:
    """Return what an entry says of its fact, whoever told it."""
    return entry.patient, entry.occurred_at, entry.precision, entry.data


def _board_columns(bed: BedView) -> tuple[object, ...]:
    """Return what a board shows of a bed."""
    occupants = tuple((o.stay, o.since, o.kept, o.shares_bed_of) for o in bed.occupants)
    return bed.state, bed.spell, occupants
