"""Names that the sentences of timeline entries need: of rooms, staff and drugs, and ends of beds."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stay.aggregate import Stay
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.row_security import known
from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.practitioners import practitioners_by_id
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.rooms import rooms_by_id
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.queries import EntryView

ById = Callable[[AsyncConnection, Sequence[UUID], AsOf], Awaitable[dict[UUID, Any]]]
"""A query of many things by their ids, as of a moment."""


@lru_cache(maxsize=1_000)
def id_of(text: str) -> UUID:
    """Return an id from its text: a page names the same rooms and staff again and again."""
    return UUID(text)


def rooms_in(entries: Iterable[EntryView]) -> set[UUID]:
    """Return the rooms that entries refer to."""
    return {id_of(e.data["bed"]["room"]) for e in entries if isinstance(e.data.get("bed"), dict)}


def staff_in(entries: Iterable[EntryView]) -> set[UUID]:
    """Return the practitioners that entries refer to."""
    names = ("attending", "practitioner", "prescriber", "ordered_by", "asked", "requested_by")
    return {id_of(e.data[name]) for e in entries for name in names if e.data.get(name)}


_SWAP = kind_of(Stay.BedSwapped)


def is_swap(entry: EntryView) -> bool:
    """Return whether an entry is a swap of beds that is held true."""
    return entry.kind == _SWAP and entry.status == "TRUE"


_bed_ends = by_id(
    lambda at: select(
        stretches.c.stay, stretches.c.room, stretches.c.bed, func.upper(stretches.c.during)
    ).where(is_one_of(stretches.c.stay, "ids"), known(stretches, at.known))
)


async def bed_ends(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, set[tuple[UUID, str, datetime]]]:
    """Return the beds that stays had, and until when, by stay; without row security."""
    ends: dict[UUID, set[tuple[UUID, str, datetime]]] = {}
    for stay, *bed_end in await _bed_ends(connection, ids, at):
        ends.setdefault(stay, set()).add(tuple(bed_end))
    return ends


def names_in(entries: Sequence[EntryView]) -> dict[ById, set[UUID]]:
    """Return the ids that the sentences of entries need, by the queries that they are read by."""
    subjects = {e.subject for e in entries if e.kind.startswith("PRESCRIPTION")}
    return {
        rooms_by_id: rooms_in(entries),
        practitioners_by_id: staff_in(entries),
        prescriptions_by_id: subjects,
        bed_ends: {UUID(entry.data["with_stay"]) for entry in entries if is_swap(entry)},
    }
