"""Prescriptions read model: status and regimen at every moment; doses given and not given."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.prescription.aggregate import Prescription
from domain.prescription.course import PrescriptionStatus
from domain.prescription.events import Medication
from domain.time import Period
from infrastructure.projections.bitemporal_table import (
    Copy,
    Rows,
    Values,
    bitemporal_table,
    first_position,
    index_by_moment,
)
from infrastructure.projections.projection import AggregateProjection, EventPosition, events_of
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.timeline.projection import entries

metadata = MetaData(schema="prescriptions_v2")
prescriptions = bitemporal_table(
    "prescriptions",
    metadata,
    "prescription",
    Column("stay", Uuid, nullable=False),
    Column("patient", Uuid, nullable=False),
    Column("status", String, nullable=False),
    Column("medication", String, nullable=False),
    Column("medication_code", String),
    Column("medication_system", String),
    Column(
        "agent", String, nullable=False, comment="its code in upper case, else its name in lower"
    ),
    Column("dose", String),
    Column("route", String),
    Column("frequency", String),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("start", DateTime(timezone=True), nullable=False),
    Column("stop", DateTime(timezone=True)),
    Column("prescriber", Uuid),
    Column("basis", String, comment="on what it was given without a written prescription"),
    Column("schedule", JSONB),
    Column("anchor", DateTime(timezone=True), comment="from when on the schedule holds"),
    visibility="stay",
    find_by=("stay",),
)
LIVE = (PrescriptionStatus.ACTIVE.value, PrescriptionStatus.HELD.value)
index_by_moment("prescriptions_live", prescriptions, prescriptions.c.status.in_(LIVE))
"""An index of live prescriptions alone: the last row of an ended one holds for ever."""

Index(
    "prescriptions_agent",
    prescriptions.c.agent,
    prescriptions.c.medication,
    func.coalesce(prescriptions.c.medication_code, literal_column("''::character varying")),
    prescriptions.c.written_at,
)
"""The spellings of an agent in order, and the latest order of each: there are orders of all years."""

doses = bitemporal_table(
    "doses",
    metadata,
    "administration",
    Column("prescription", Uuid, nullable=False),
    Column("stay", Uuid, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("dose_given", String),
    Column("reason_not_given", String),
    Column("outside_prescription", String),
    Column("performed_by", String),
    Column("infusion", Boolean, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    first_position(),
    visibility="stay",
    find_by=("prescription", "stay"),
    of="prescription",
    revised_by=("administration", "prescription"),
)
Index("doses_begin", func.lower(doses.c.during))
"""For the doses of a period: a dose holds for ever from when it was given on."""


class Prescriptions(AggregateProjection[Prescription]):
    """Projection of prescriptions: a row for each period in which nothing changed, one for each dose."""

    name = "prescriptions"
    metadata = metadata
    kind = Prescription
    handles = events_of(Prescription)
    unfolded = (
        Prescription.AdministrationRecorded,
        Prescription.InfusionEnded,
        Prescription.InfusionEndCorrected,
        Prescription.InfusionEndCancelled,
    )
    remembers = 5_000

    def apply(self, event: Event, place: EventPosition) -> None:
        super().apply(event, place)
        match event:
            case Prescription.AdministrationCorrected():
                self._revise(event, place)
            case Prescription.AdministrationCancelled():
                self._take_back(_dose_of(event, event.administration), place)
            case Prescription.Cancelled():
                self._take_back({"prescription": event.originator_id}, place)
            case Prescription.AdministrationRecorded():
                reason = event.outside_prescription
                self._give(
                    event,
                    place,
                    given=event.given,
                    reason_not_given=event.reason_not_given,
                    outside_prescription=reason and reason.value,
                )
            case Prescription.UnprescribedGiven():
                self._give(event, place, given=True)
            case Prescription.InfusionEnded():
                self._end(event, event.entry.occurred_at, place)
            case Prescription.InfusionEndCorrected():
                self._end(event, event.at, place)
            case Prescription.InfusionEndCancelled():
                self._end(event, None, place)

    def _give(
        self,
        event: Prescription.AdministrationRecorded | Prescription.UnprescribedGiven,
        place: EventPosition,
        **details: Any,
    ) -> None:
        about = event.entry.about
        values = {
            "prescription": event.originator_id,
            "stay": about.stay if about else None,
            "dose_given": event.dose_given,
            "reason_not_given": None,
            "outside_prescription": None,
            "performed_by": event.entry.performed_by,
            "infusion": event.infusion,
            "ended_at": None,
            "first_position": place.position,
        }
        self.writer(doses).put(
            event.administration,
            Period(event.entry.occurred_at),
            {**values, **details},
            known=place.known,
            position=place.position,
        )

    def _end(
        self,
        event: Prescription.InfusionEnded
        | Prescription.InfusionEndCorrected
        | Prescription.InfusionEndCancelled,
        at: datetime | None,
        place: EventPosition,
    ) -> None:
        self.writer(doses).revise(
            _dose_of(event, event.administration),
            Copy({"ended_at": at}),
            known=place.known,
            position=place.position,
        )

    def _take_back(self, match: Values, place: EventPosition) -> None:
        """Close the rows of doses that were entered in error."""
        self.writer(doses).revise(match, known=place.known, position=place.position)

    def _revise(self, event: Prescription.AdministrationCorrected, place: EventPosition) -> None:
        corrections = {
            "given": event.given,
            "dose_given": event.dose_given,
            "reason_not_given": event.reason_not_given,
            "outside_prescription": event.outside_prescription and event.outside_prescription.value,
        }
        values: dict[str, Any] = {k: v for k, v in corrections.items() if v is not None}
        if event.given is not None:
            values.setdefault("reason_not_given" if event.given else "dose_given", None)
        self.writer(doses).revise(
            _dose_of(event, event.administration),
            Copy(values, Period(event.at) if event.at else None),
            known=place.known,
            position=place.position,
        )

    def rows(self, prescription: Prescription, event: Event) -> dict[Table, Rows]:
        medication = prescription.medication
        values = {
            "stay": prescription.stay,
            "patient": prescription.patient,
            "medication": medication.name,
            "medication_code": medication.code,
            "medication_system": medication.system,
            "agent": _agent(medication),
            "written_at": prescription.course.written_at,
            "prescriber": prescription.prescriber,
            "basis": prescription.basis and prescription.basis.value,
        }
        return {
            prescriptions: {
                (prescription.id, period.start): (
                    period,
                    {
                        **values,
                        "status": status.value,
                        "dose": regimen.dose,
                        "route": regimen.route,
                        "frequency": regimen.frequency,
                        "start": regimen.start,
                        "stop": regimen.stop,
                        "schedule": regimen.schedule,
                        "anchor": regimen.anchor,
                    },
                )
                for period, status, regimen in prescription.course.segments()
            }
        }


def _agent(medication: Medication) -> str:
    """Return the comparison key of a medicine: its code where there is one, or else its name."""
    if medication.code is None:
        return f"name {medication.name.lower()}"
    return " ".join(filter(None, ("code", medication.system, medication.code))).upper()


def _dose_of(event: Event, administration: UUID) -> Values:
    """Match a dose under the prescription of an event: one that was moved was under another before."""
    return {"administration": administration, "prescription": event.originator_id}


class PrescriptionView(Struct, frozen=True):
    """A prescription as held at a moment."""

    prescription: UUID
    stay: UUID
    patient: UUID
    status: str
    medication: str
    medication_code: str | None
    medication_system: str | None
    dose: str | None
    route: str | None
    frequency: str | None
    written_at: datetime
    start: datetime
    stop: datetime | None
    prescriber: UUID | None
    basis: str | None
    schedule: dict[str, Any] | None
    anchor: datetime | None


class DoseView(Struct, frozen=True):
    """A dose, given or not given."""

    administration: UUID
    prescription: UUID
    stay: UUID
    given: bool
    dose_given: str | None
    reason_not_given: str | None
    outside_prescription: str | None
    performed_by: str | None
    infusion: bool
    ended_at: datetime | None
    since: datetime


_rows = prescriptions.alias()
_entered = select(func.min(_rows.c.position)).where(
    _rows.c.prescription == prescriptions.c.prescription
)
in_order = (prescriptions.c.start, _entered.scalar_subquery(), prescriptions.c.prescription)
"""The order of prescriptions: those that start at one moment in the order of their first entry."""


def _prescriptions(column: Column[UUID]) -> Callable[[AsOf], Select[Any]]:
    """Compose prescriptions by an id, in the order of their start."""
    return lambda at: (
        select(*columns(prescriptions, "agent"))
        .where(is_one_of(column, "ids"), at.holds_as_filter(prescriptions))
        .order_by(*in_order)
    )


_prescriptions_of = by_id(_prescriptions(prescriptions.c.stay))


_prescriptions_by_id = by_id(_prescriptions(prescriptions.c.prescription))


@reads(prescriptions)
async def prescriptions_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PrescriptionView]:
    """Return prescriptions by their ids."""
    rows = await _prescriptions_by_id(connection, ids, at)
    return {row.prescription: view(PrescriptionView, row) for row in rows}


def _stopped_prescriptions(at: AsOf) -> Select[Any]:
    """Compose the prescriptions whose stop names a discharge, from the timeline of its stay."""
    stay = select(entries.c.stay).where(equals(entries.c.fact, "discharge")).limit(1)
    stops = select(entries.c.subject).where(
        entries.c.kind == "PRESCRIPTION_STOPPED",
        entries.c.status == "TRUE",
        entries.c.stay == stay.scalar_subquery(),
        entries.c.data["discharge"].astext == cast(parameter("discharge", Uuid), Text),
        at.holds_as_filter(entries),
    )
    return (
        select(*columns(prescriptions, "agent"))
        .where(prescriptions.c.prescription.in_(stops), at.holds_as_filter(prescriptions))
        .order_by(*in_order)
    )


_stopped_by = CompiledStatement(_stopped_prescriptions)


@reads(prescriptions, entries)
async def stopped_by(
    connection: AsyncConnection, discharge: UUID, at: AsOf
) -> list[PrescriptionView]:
    """Return the prescriptions that a discharge stopped, as far as that is held true."""
    rows = await _stopped_by.execute(connection, at, discharge=discharge)
    return [view(PrescriptionView, row) for row in rows]


@reads(prescriptions)
async def prescriptions_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[PrescriptionView]]:
    """Return the prescriptions of stays by stay, in the order of their start."""
    return group_views("stay", PrescriptionView, await _prescriptions_of(connection, ids, at))


_doses_of = by_id(
    lambda at: (
        select(*columns(doses, "first_position"), since(doses))
        .where(is_one_of(doses.c.prescription, "ids"), at.holds_as_filter(doses))
        .order_by(in_time(doses), doses.c.first_position, doses.c.administration)
    )
)


@reads(doses)
async def doses_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[DoseView]]:
    """Return the doses of prescriptions by prescription, up to the moment, as they occurred."""
    return group_views("prescription", DoseView, await _doses_of(connection, ids, at))


_prescriptions_of_doses = by_id(
    lambda at: select(doses.c.administration, doses.c.prescription).where(
        is_one_of(doses.c.administration, "ids"), at.holds_as_filter(doses)
    )
)


@reads(doses)
async def prescriptions_of_doses(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Return the prescription of each of some doses."""
    rows = await _prescriptions_of_doses(connection, ids, at)
    return {row.administration: row.prescription for row in rows}
