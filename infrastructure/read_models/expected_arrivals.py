"""Expected arrivals read model: who is planned or waits for a bed, and what became of it.

What is stored follows from the arrival alone. Whether it is converted, or over with a stay or a death,
is derived from these as they are held at the moment of the question.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    and_,
    any_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.expected_arrival import ArrivalStatus, ExpectedArrival, Urgency
from domain.stay.facts import Status
from infrastructure.projections.bitemporal_table import (
    Rows,
    bitemporal_table,
    index_by_moment,
)
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import by_id, is_one_of, literal_values
from infrastructure.queries.row_security import held, known
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.patients import linked_with, patients
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import OPEN, stays

metadata = MetaData(schema="expected_arrivals_v1")
arrivals = bitemporal_table(
    "expected_arrivals",
    metadata,
    "arrival",
    Column("patient", Uuid),
    Column("stay", Uuid),
    Column("status", String, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("expected_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("rank", Integer, nullable=False, comment="of the urgency: the first is the most urgent"),
    Column("urgency", String, nullable=False),
    Column("ward", String),
    Column("family_name", String),
    Column("given_name", String),
    Column("birth_date", Date),
    Column("isolation", Boolean, nullable=False),
    Column("sex", String),
    Column("monitor", Boolean, nullable=False),
    Column("specialty", String),
    Column("note", String),
    Column("altered", ARRAY(String), nullable=False, comment="details altered in the database"),
    Column("by_stays", ARRAY(Uuid), nullable=False, comment="with whose admissions it was given"),
    visibility="patient",
    find_by=("patient", "stay"),
    has_valid_time_boundaries=True,
)
WAITING = (ArrivalStatus.PLANNED.value, ArrivalStatus.REQUESTED.value)
"""The statuses of who has not come, and of who has not got the bed."""
index_by_moment("expected_arrivals_waiting", arrivals, arrivals.c.status.in_(WAITING))
"""An index of who may be waited for alone: what came, lapsed or was called off stays for all years."""


class ExpectedArrivals(AggregateProjection[ExpectedArrival]):
    """Projection of expected arrivals: a row while it is open, and one for what it is afterwards."""

    name = "expected_arrivals"
    metadata = metadata
    kind = ExpectedArrival

    def rows(self, arrival: ExpectedArrival, event: Event) -> dict[Table, Rows]:
        expectation = arrival.expectation
        rows: Rows = {}
        for period, status in arrival.periods():
            assert expectation is not None
            rows[arrival.id, period.start] = (
                period,
                {
                    "patient": arrival.patient,
                    "stay": arrival.stay,
                    "status": status.value,
                    "requested_at": arrival.requested_at,
                    "expected_at": expectation.expected_at,
                    "expires_at": expectation.lapses_at,
                    "rank": len(Urgency) - list(Urgency).index(expectation.urgency),
                    "urgency": expectation.urgency.value,
                    "ward": expectation.ward,
                    "family_name": expectation.family_name,
                    "given_name": expectation.given_name,
                    "birth_date": expectation.birth_date,
                    "isolation": expectation.isolation,
                    "sex": expectation.sex.value if expectation.sex else None,
                    "monitor": expectation.monitor,
                    "specialty": expectation.specialty,
                    "note": expectation.note,
                    "altered": list(arrival.altered),
                    "by_stays": [str(stay) for stay in arrival.by_stays],
                },
            )
        return {arrivals: {key: row for key, row in rows.items() if not row[0].is_empty}}


class ArrivalView(Struct, frozen=True):
    """An expected arrival as held at a moment."""

    arrival: UUID
    patient: UUID | None
    stay: UUID | None
    requested_at: datetime
    expected_at: datetime
    expires_at: datetime
    rank: int
    urgency: str
    ward: str | None
    family_name: str | None
    given_name: str | None
    birth_date: date | None
    isolation: bool
    sex: str | None
    monitor: bool
    specialty: str | None
    note: str | None
    altered: list[str]
    status: str
    converted_by: UUID | None
    """The stay that was admitted as expected, or that has the bed."""


def arrivals_with_status(at: AsOf, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Compose arrivals that hold, each with what became of it and the stay that converted it."""
    rows = select(
        *columns(arrivals, "status", "by_stays"),
        arrivals.c.status.label("told"),
        _admitted_as_expected(at).label("admitted"),
        _has_the_bed(at).label("moved"),
        _is_over(at).label("is_over"),
    ).where(*conditions, or_(arrivals.c.stay.is_not(None), _is_of_wards(at)))
    row = rows.subquery("told")
    converted_by = func.coalesce(row.c.admitted, case((row.c.moved, row.c.stay)))
    status = case(
        (row.c.told == ArrivalStatus.CANCELLED.value, row.c.told),
        (converted_by.is_not(None), ArrivalStatus.CONVERTED.value),
        (row.c.is_over, ArrivalStatus.EXPIRED.value),
        else_=row.c.told,
    )
    columns_shown = [c for c in row.c if c.name not in ("told", "admitted", "moved", "is_over")]
    return select(*columns_shown, status.label("status"), converted_by.label("converted_by"))


def _is_of_wards(at: AsOf) -> ColumnElement[bool]:
    return or_(arrivals.c.ward.is_(None), at.viewer.of_wards(arrivals.c.ward))


def _admitted_as_expected(at: AsOf) -> Any:
    """Compose the stay of this person that was admitted with the arrival and is not cancelled."""
    stay = stays.alias("converting")
    return (
        select(stay.c.stay)
        .where(
            stay.c.stay == any_(arrivals.c.by_stays),
            stay.c.status != Status.CANCELLED.value,
            held(stay, at.as_of, at.known).is_(True),
            or_(arrivals.c.patient.is_(None), _is_same_person(at, stay.c.patient)),
        )
        .limit(1)
        .correlate_except(stay)
        .scalar_subquery()
    )


def _is_same_person(at: AsOf, patient: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a record is of the person whom the arrival is of."""
    record = select(arrivals.c.patient.label("id")).correlate(arrivals)
    return patient == any_(func.array(linked_with(record, at).scalar_subquery()))


def _has_the_bed(at: AsOf) -> ColumnElement[bool]:
    """Return the condition that a stay got another bed since it was asked for, where it was asked."""
    got, before, room = stretches.alias("got"), stretches.alias("had"), rooms.alias("there")
    start = func.lower(got.c.during)
    is_there = _exists(
        room,
        room.c.room == got.c.room,
        room.c.ward == arrivals.c.ward,
        room.c.during.op("@>")(start).is_(True),
        known(room, at.known),
    )
    had_it = _exists(
        before,
        before.c.stay == got.c.stay,
        before.c.room == got.c.room,
        before.c.bed == got.c.bed,
        before.c.during.op("@>")(arrivals.c.requested_at).is_(True),
        known(before, at.known),
    )
    return and_(
        arrivals.c.stay.is_not(None),
        _exists(
            got,
            got.c.stay == arrivals.c.stay,
            (start > arrivals.c.requested_at).is_(True),
            (start <= at.as_of).is_(True),
            known(got, at.known),
            or_(arrivals.c.ward.is_(None), is_there),
            not_(had_it),
        ),
    )


def _is_over(at: AsOf) -> ColumnElement[bool]:
    """Return the condition that the stay of a request has ended, or that the patient died."""
    stay, dead = stays.alias("its_own"), patients.alias("dead")
    is_here = _exists(
        stay,
        stay.c.stay == arrivals.c.stay,
        stay.c.status.in_(literal_values("open", OPEN)),
        held(stay, at.as_of, at.known).is_(True),
    )
    death = _exists(
        dead,
        _is_same_person(at, dead.c.patient),
        dead.c.died_at.is_not(None),
        held(dead, at.as_of, at.known).is_(True),
    )
    return or_(
        and_(arrivals.c.stay.is_not(None), not_(is_here)),
        and_(arrivals.c.patient.is_not(None), death),
    )


def _exists(rows: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that there is such a row, of the arrival of the query around it."""
    return exists().where(*conditions).correlate_except(rows)


_by_id = by_id(
    lambda at: arrivals_with_status(
        at, is_one_of(arrivals.c.arrival, "ids"), at.holds_as_filter(arrivals)
    )
)


@reads(arrivals, stays, stretches, rooms, patients)
async def expected_arrivals_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, ArrivalView]:
    """Return expected arrivals by their ids; without those that were not told of yet."""
    return {row.arrival: view(ArrivalView, row) for row in await _by_id(connection, ids, at)}
