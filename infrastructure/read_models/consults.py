"""Consults read model: what is asked of other specialties, and what became of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    Select,
    String,
    Uuid,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.described_enum import DescribedEnum
from domain.stay.aggregate import Stay
from domain.time import Period
from infrastructure.projections.bitemporal_table import Copy, bitemporal_table
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since, view
from infrastructure.queries.compiled import (
    CompiledStatement,
    by_id,
    equals,
    is_one_of,
    literal_values,
    parameter,
)
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import deaths_of_persons
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import OPEN, stays
from infrastructure.read_models.visits import visits

metadata = MetaData(schema="consults_v1")
consults = bitemporal_table(
    "consults",
    metadata,
    "consult",
    Column("stay", Uuid, nullable=False),
    Column("specialty", String),
    Column("asked", Uuid),
    Column("requested_by", Uuid),
    Column("question", String),
    Column("withdrawn_at", DateTime(timezone=True)),
    visibility="stay",
    find_by=("stay",),
    of="stay",
    revised_by=("consult",),
)


class ConsultStatus(DescribedEnum):
    """State of a consult that was asked for."""

    OPEN = "OPEN", "It is asked for, and has not taken place."
    ANSWERED = "ANSWERED", "It took place: a visit answers it."
    WITHDRAWN = "WITHDRAWN", "It is not wanted any more."


class Consults(ReadModel):
    """Projection of consults: one row each, true from the moment it was asked for on."""

    name = "consults"
    metadata = metadata
    handles = frozenset(
        {
            Stay.ConsultRequested,
            Stay.ConsultCorrected,
            Stay.ConsultCancelled,
            Stay.ConsultWithdrawn,
            Stay.ConsultWithdrawalCorrected,
            Stay.ConsultWithdrawalCancelled,
            Stay.AdmissionCancelled,
        }
    )

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Stay.ConsultRequested():
                self.writer(consults).put(
                    event.consult,
                    Period(event.entry.occurred_at),
                    {"stay": event.originator_id, **_details_of(event), "withdrawn_at": None},
                    known=place.known,
                    position=place.position,
                )
            case Stay.ConsultCorrected():
                details = {
                    name: value for name, value in _details_of(event).items() if value is not None
                }
                period = Period(event.at) if event.at else None
                self._revise([event.consult], place, Copy(details, period))
            case Stay.ConsultWithdrawn():
                at = {"withdrawn_at": event.entry.occurred_at}
                self._revise([event.consult], place, Copy(at))
            case Stay.ConsultWithdrawalCorrected():
                self._revise([event.consult], place, Copy({"withdrawn_at": event.at}))
            case Stay.ConsultWithdrawalCancelled():
                self._revise([event.consult], place, Copy({"withdrawn_at": None}))
            case Stay.ConsultCancelled():
                self._revise([event.consult], place)
            case Stay.AdmissionCancelled():
                self._revise(event.voided, place)

    def _revise(self, ids: Iterable[UUID], place: EventPosition, *copies: Copy) -> None:
        """Put copies in the place of the rows of consults; without one, they never were."""
        for id in ids:
            self.writer(consults).revise(
                {"consult": id}, *copies, known=place.known, position=place.position
            )


def _details_of(event: Stay.ConsultRequested | Stay.ConsultCorrected) -> dict[str, Any]:
    names = ("specialty", "asked", "requested_by", "question")
    return {name: getattr(event, name) for name in names}


class ConsultView(Struct, frozen=True):
    """A consult that was asked for; ``visit`` answers it."""

    consult: UUID
    stay: UUID
    specialty: str | None
    asked: UUID | None
    requested_by: UUID | None
    question: str | None
    withdrawn_at: datetime | None
    since: datetime
    visit: UUID | None
    status: str


def _consults(at: AsOf) -> Select[Any]:
    """Compose consults with the visits that answer them, as they were asked for."""
    status = case(
        (visits.c.visit.is_not(None), ConsultStatus.ANSWERED.value),
        (consults.c.withdrawn_at <= at.as_of, ConsultStatus.WITHDRAWN.value),
        else_=ConsultStatus.OPEN.value,
    )
    answers = and_(visits.c.consult == consults.c.consult, at.holds_as_filter(visits))
    return (
        select(*columns(consults), since(consults), visits.c.visit, status.label("status"))
        .outerjoin_from(consults, visits, answers)
        .where(at.holds_as_filter(consults))
        .order_by(in_time(consults), consults.c.position)
    )


_consults_of = by_id(lambda at: _consults(at).where(is_one_of(consults.c.stay, "ids")))
_consults_by_id = by_id(lambda at: _consults(at).where(is_one_of(consults.c.consult, "ids")))


@reads(consults, visits)
async def consults_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[ConsultView]]:
    """Return the consults of stays by stay, up to the moment, in the order of the requests."""
    return group_views("stay", ConsultView, await _consults_of(connection, ids, at))


@reads(consults, visits)
async def consults_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, ConsultView]:
    """Return consults by their ids."""
    rows = await _consults_by_id(connection, ids, at)
    return {row.consult: view(ConsultView, row) for row in rows}


_waiting = CompiledStatement(
    lambda at: (
        _consults(at)
        .add_columns(stays.c.patient)
        .join_from(consults, stays, and_(stays.c.stay == consults.c.stay, at.holds(stays)))
        .outerjoin(rooms, and_(rooms.c.room == stays.c.room, at.holds_as_filter(rooms)))
        .where(
            stays.c.status.in_(literal_values("open", OPEN)),
            visits.c.visit.is_(None),
            or_(consults.c.withdrawn_at.is_(None), consults.c.withdrawn_at > at.as_of),
        )
    ),
    ward=equals(rooms.c.ward, "ward"),
    specialty=func.lower(consults.c.specialty) == func.lower(parameter("specialty", String)),
)


@reads(consults, visits, stays, rooms, deaths_of_persons)
async def open_consults(
    connection: AsyncConnection,
    at: AsOf,
    ward: str | None = None,
    specialty: str | None = None,
) -> list[ConsultView]:
    """Return the consults in open stays of the living that wait for an answer, the longest first.

    ``ward``: of those who lie in it; ``specialty``: that is asked.
    """
    rows = list(await _waiting.execute(connection, at, ward=ward, specialty=specialty))
    deaths = await deaths_of_persons(connection, list({row.patient for row in rows}), at)
    return [view(ConsultView, row[:-1]) for row in rows if row.patient not in deaths]
