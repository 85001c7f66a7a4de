"""What was held then, what is held now, and the facts that made the difference."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.occupancy import BedView, board
from infrastructure.read_models.rooms import RoomView
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.timeline.queries import EntryView

BEDS = ("STAY_ROOM_ALLOCATED", "STAY_TRANSFERRED", "STAY_BED_SWAPPED", "STAY_LEAVE_ENDED")
DECIDED = (
    "STAY_VISIT_RECORDED",
    "PRESCRIPTION_WRITTEN",
    "PRESCRIPTION_CHANGED",
    "PRESCRIPTION_ADMINISTRATION_RECORDED",
)
"""Kinds of fact that somebody decided on in the light of what was recorded."""


@dataclass(frozen=True, slots=True)
class BedChange:
    """A bed of which something else is held at another position; None: it was not known."""

    room: RoomView
    before: BedView | None
    after: BedView | None

    @property
    def stays(self) -> set[UUID]:
        """The stays on either side."""
        return {o.stay for bed in (self.before, self.after) if bed for o in bed.occupants}


@dataclass(frozen=True, slots=True)
class ExposureView:
    """While a fact was wrong: from which position to which, what corrected it, what was decided."""

    wrong_from: int
    wrong_to: int
    wrong: list[EntryView]
    decided: list[EntryView]


@reads(entries)
async def facts_between(
    connection: AsyncConnection, of: Collection[UUID], after: int, to: AsOf
) -> list[EntryView]:
    """What was recorded of some stays after one position and up to another, in that order."""
    found = await connection.execute(
        select(*columns(entries), entries.c.position)
        .where(
            entries.c.stay.in_(of),
            entries.c.recorded_position > after,
            entries.c.recorded_position <= to.known,
            known(entries, to.known),
            to.visible(entries),
        )
        .order_by(entries.c.recorded_position, entries.c.position)
    )
    return [view(EntryView, row) for row in found]


@reads(board)
async def bed_changes(
    connection: AsyncConnection, ward: str | None, before: AsOf, after: AsOf
) -> list[BedChange]:
    """The beds of which another state or another occupant is held, in the order of the board."""
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
        held = [side.get(key) for side in sides]
        if held[0] and held[1] and _shown(held[0][1]) == _shown(held[1][1]):
            continue
        room = next(h[0] for h in reversed(held) if h)
        changes.append(BedChange(room, *(h[1] if h else None for h in held)))
    return changes


@reads(entries)
async def facts_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Movements, visits and doses by their ids, each with the stay that it is of."""
    found = await connection.execute(
        select(entries.c.fact, entries.c.stay)
        .distinct()
        .where(entries.c.fact.in_(ids), known(entries, at.known), at.visible(entries))
    )
    return {row.fact: row.stay for row in found}


@reads(entries)
async def exposure(connection: AsyncConnection, fact: UUID, at: AsOf) -> ExposureView | None:
    """What was decided or recorded while a fact was wrong; None if it never was.

    That is, between the wrong entry and the last correction or cancel: what was decided about the
    same stay, and who was put into the rooms that the wrong entry names.
    """
    held = await connection.execute(
        select(
            func.lower(entries.c.known),
            func.upper(entries.c.known),
            *columns(entries),
            entries.c.position,
        )
        .where(
            entries.c.fact == fact,
            entries.c.status == "TRUE",
            func.upper(entries.c.known) <= at.known,
            at.visible(entries),
        )
        .order_by(entries.c.known)
    )
    rows = list(held)
    if not rows:
        return None
    wrong = [view(EntryView, row[2:]) for row in rows]
    first, last = min(row[0] for row in rows), max(row[1] for row in rows)
    return ExposureView(first, last, wrong, await _decided(connection, wrong, first, last, at))


async def _decided(
    connection: AsyncConnection, wrong: Sequence[EntryView], first: int, last: int, at: AsOf
) -> list[EntryView]:
    rooms = {e.data["bed"]["room"] for e in wrong if isinstance(e.data.get("bed"), dict)}
    found = await connection.execute(
        select(*columns(entries), entries.c.position)
        .where(
            entries.c.recorded_position > first,
            entries.c.recorded_position < last,
            entries.c.corrects.is_(None),
            known(entries, at.known),
            at.visible(entries),
            or_(
                entries.c.stay.in_({e.stay for e in wrong if e.stay})
                & entries.c.kind.in_((*DECIDED, *BEDS)),
                entries.c.data["bed"]["room"].astext.in_(rooms) & entries.c.kind.in_(BEDS),
            ),
        )
        .order_by(entries.c.recorded_position, entries.c.position)
    )
    return [view(EntryView, row) for row in found]


def _shown(bed: BedView) -> tuple[object, ...]:
    """What the board shows of a bed."""
    spell = bed.spell.spell if bed.spell else None
    return bed.state, spell, tuple((o.stay, o.since, o.kept) for o in bed.occupants)
