"""Flags read model: flags of patients on the board, with when they were lowered."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Column, DateTime, MetaData, String, Uuid, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.stay.observations import FLAGS
from domain.time import Period
from infrastructure.projections.bitemporal_table import Copy, bitemporal_table
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.stays import OPEN, stays

metadata = MetaData(schema="flags_v1")
flags = bitemporal_table(
    "flags",
    metadata,
    "flag",
    Column("stay", Uuid, nullable=False),
    Column("flag_kind", String, nullable=False),
    Column("note", String),
    Column("lowered_at", DateTime(timezone=True)),
    visibility="stay",
    find_by=("stay",),
    of="stay",
    revised_by=("flag",),
    has_valid_time_boundaries=True,
)


class Flags(ReadModel):
    """Projection of flags: one row each, true from when it was raised on."""

    name = "flags"
    metadata = metadata
    handles = frozenset({*FLAGS, Stay.AdmissionCancelled})

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Stay.FlagRaised():
                self.writer(flags).put(
                    event.flag,
                    Period(event.entry.occurred_at),
                    {
                        "stay": event.originator_id,
                        "flag_kind": event.flag_kind,
                        "note": event.note,
                        "lowered_at": None,
                    },
                    known=place.known,
                    position=place.position,
                )
            case Stay.FlagCorrected():
                values = {"flag_kind": event.flag_kind, "note": event.note}
                details = {name: value for name, value in values.items() if value is not None}
                self._revise(
                    [event.flag], place, Copy(details, Period(event.at) if event.at else None)
                )
            case Stay.FlagLowered():
                lowered_at = {"lowered_at": event.entry.occurred_at}
                self._revise([event.flag], place, Copy(lowered_at))
            case Stay.FlagLoweringCorrected():
                self._revise([event.flag], place, Copy({"lowered_at": event.at}))
            case Stay.FlagLoweringCancelled():
                self._revise([event.flag], place, Copy({"lowered_at": None}))
            case Stay.FlagCancelled():
                self._revise([event.flag], place)
            case Stay.AdmissionCancelled():
                self._revise(event.voided, place)

    def _revise(self, ids: Iterable[UUID], place: EventPosition, *copies: Copy) -> None:
        """Put copies in the place of the rows of flags; without one, they never were."""
        for id in ids:
            self.writer(flags).revise(
                {"flag": id}, *copies, known=place.known, position=place.position
            )


class FlagView(Struct, frozen=True):
    """A flag that holds at a moment."""

    flag: UUID
    stay: UUID
    flag_kind: str
    note: str | None
    since: datetime


_flags_of = by_id(
    lambda at: (
        select(*columns(flags, "lowered_at"), since(flags))
        .join_from(flags, stays, and_(stays.c.stay == flags.c.stay, at.holds_as_filter(stays)))
        .where(
            is_one_of(flags.c.stay, "ids"),
            at.holds_as_filter(flags),
            stays.c.status.in_(OPEN),
            or_(flags.c.lowered_at.is_(None), flags.c.lowered_at > at.as_of),
        )
        .order_by(in_time(flags), flags.c.position, flags.c.flag)
    )
)


@reads(flags, stays)
async def flags_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[FlagView]]:
    """Return the flags that hold of stays by stay; a stay that has ended has none."""
    return group_views("stay", FlagView, await _flags_of(connection, ids, at))


_stays_of_flags = by_id(
    lambda at: select(flags.c.flag, flags.c.stay).where(
        is_one_of(flags.c.flag, "ids"), at.holds_as_filter(flags)
    )
)


@reads(flags)
async def stays_of_flags(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Return the stay of each of some flags."""
    return {row.flag: row.stay for row in await _stays_of_flags(connection, ids, at)}
