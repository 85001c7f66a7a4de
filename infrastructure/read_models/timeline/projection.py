"""The timeline read model: each fact about a patient as an entry, with both its clocks."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.aggregate import Cancelling, Correcting, Event
from domain.envelope import Source
from domain.event_types import EVENTS
from domain.expected_arrival import ExpectedArrival
from domain.hospital_calendar import HospitalCalendar
from domain.house_rules import HouseRules
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription.aggregate import Prescription
from domain.prescription.drug_chart import DrugChart
from domain.projection_control import ProjectionControl
from domain.report import Report
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from domain.source_visit import SourceKind, SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason
from domain.time import LATE_AFTER, Period
from infrastructure.projections.bitemporal_table import (
    Copy,
    MergedObject,
    OtherColumn,
    Values,
    bitemporal_table,
    first_position,
)
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.read_models.timeline.entry import (
    change_of,
    data_of,
    entry_id,
    entry_values,
    kind_of,
    made_by_cancel,
    replaced_fields,
)

metadata = MetaData(schema="timeline_v3")
entries = bitemporal_table(
    "entries",
    metadata,
    "entry",
    Column("patient", Uuid, nullable=False),
    Column("stay", Uuid),
    Column("subject", Uuid, nullable=False, comment="the stream: stay, prescription, patient"),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("movement", Uuid),
    Column("fact", Uuid, comment="the movement, visit, dose or change that it tells of"),
    Column("corrects", Uuid, comment="the entry in whose place this one is"),
    Column("corrected_by", Uuid),
    Column("cancels", Uuid, comment="the entry that this one takes back"),
    Column("cancelled_by", Uuid),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("precision", String, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_position", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("recorded_by", JSONB, nullable=False),
    Column("performed_by", String),
    Column("reason", String),
    Column("source", JSONB),
    Column("data", JSONB, nullable=False),
    first_position(),
    visibility="stay",
    find_by=("patient", "stay", "movement", "fact", "subject"),
    of="subject",
    revised_by=("subject", "stay"),
)
Index("entries_cancels", entries.c.cancels, postgresql_where=entries.c.cancels.is_not(None))
"""For the reversals of movements."""
Index("entries_occurred_at", entries.c.occurred_at)
"""For the facts of a period: timeliness of a month does not read the facts of all years."""
Index("entries_recorded_position", entries.c.recorded_position)
"""For what was recorded while a fact was wrong."""
Index("entries_late", entries.c.recorded_position, postgresql_where=entries.c.late)
"""For late entries, the last recorded first: however long ago, those in time are passed over."""

ABOUT_NOBODY = (HospitalCalendar, HouseRules, Practitioner, ProjectionControl, Report, Room)
"""Aggregates whose events are about no patient, and so have no entry."""

CORRECTIONS = (
    Stay.MovementCorrected,
    Stay.VisitAmended,
    Patient.AllergyCorrected,
    Patient.AllergyEndCorrected,
    Prescription.AdministrationCorrected,
    Prescription.ChangeCorrected,
    Prescription.InfusionEndCorrected,
    Stay.ConsultCorrected,
    Stay.ConsultWithdrawalCorrected,
    Stay.FlagCorrected,
    Stay.FlagLoweringCorrected,
)
"""Events whose entry takes the place, and the kind, of the one that is corrected."""

NOT_SHOWN = frozenset(
    {
        Prescription.PatientCorrected,
        Occupancy.StretchesChanged,
        DrugChart.PrescriptionCharted,
        SourceVisit.Reported,
        ExpectedArrival.Converted,
    }
)
"""Events that only repeat, for a room or a list, what another event of the command says."""

TOLD_BY = (
    "recorded_at",
    "recorded_position",
    "recorded_by",
    "performed_by",
    "reason",
    "source",
)
"""Columns of an entry that say who recorded it, when and why."""

REPORTED_AS = {
    SourceKind.ADMIT: "STAY_ADMITTED",
    SourceKind.TRANSFER: "STAY_TRANSFERRED",
    SourceKind.START_LEAVE: "STAY_LEAVE_STARTED",
    SourceKind.END_LEAVE: "STAY_LEAVE_ENDED",
    SourceKind.DISCHARGE: "STAY_DISCHARGED",
    SourceKind.UPDATE: "STAY_ATTENDING_CHANGED",
    SourceKind.CHANGE_TYPE: "STAY_ADMISSION_TYPE_CHANGED",
    SourceKind.EXPECT: "ARRIVAL_PLANNED",
    SourceKind.MOVE_STAY: "STAY_PATIENT_CORRECTED",
    SourceKind.MERGE: "PATIENT_MERGED",
    SourceKind.CHANGE_MRN: "PATIENT_DETAILS_CORRECTED",
    SourceKind.DETAILS: "PATIENT_DETAILS_CORRECTED",
}
"""Kind of the entry that a movement reported by another system becomes, once it is true."""


class Timeline(ReadModel):
    """One entry for each fact about a patient.

    A corrected fact stays, marked so, and another entry of the same kind takes its place; one that
    was entered in error stays, marked as cancelled. The entry of a cancel names what it takes back.
    """

    name = "timeline"
    metadata = metadata
    reads_reasons = True
    revised_by = frozenset({"stay"})
    handles = frozenset(EVENTS.values()) - NOT_SHOWN

    def apply(self, event: Event, place: EventPosition) -> None:
        if isinstance(event, SourceVisit.Settled):
            self._show_pending(event, place)
            return
        if event.entry.about is None:
            return
        if not isinstance(event, (Correcting, Cancelling, Prescription.StopCorrected)):
            self._tell(event, place)
            return
        match event:
            case _ if isinstance(event, CORRECTIONS):
                self._correct(event, place, event.at)
            case Patient.DeathCorrected():
                self._correct(event, place, event.at, {"kind": kind_of(Patient.Died)})
            case Patient.DeathCancelled():
                death = {"kind": kind_of(Patient.Died)}
                self._tell_cancel(event, place, death)
                self._cancel(event, place, death)
            case Patient.ChangeCorrected():
                change = {"fact": change_of(event.originator_id, event.since)}
                self._correct(event, place, None, change, since=event.to)
            case Patient.ChangeCancelled():
                change = {"fact": change_of(event.originator_id, event.since)}
                self._tell_cancel(event, place, change)
                self._cancel(event, place, change)
            case Prescription.WrittenCorrected():
                self._correct(event, place, event.at, {"kind": kind_of(Prescription.Written)})
            case Prescription.StopCorrected(at=at) if at is not None:
                self._correct(event, place, at)
            case Stay.AdmissionCancelled(because=CancellationReason.ENTERED_IN_ERROR):
                self._void(event, place, {"fact": event.movement})
            case Stay.PatientCorrected():
                self._give(event, place)
                self._tell(event, place)
            case ExpectedArrival.Corrected():
                plan = {"kind": kind_of(ExpectedArrival.Planned)}
                if event.patient is None:
                    self._correct(event, place, event.at, plan)
                else:  # told of nobody, or of another, until now
                    self._cancel(event, place, plan)
                    self._tell(event, place, plan)
            case ExpectedArrival.Cancelled(because=CancellationReason.ENTERED_IN_ERROR):
                self._void(event, place, {"kind": kind_of(ExpectedArrival.Planned)})
            case Prescription.Cancelled():
                self._void(event, place, {"kind": "PRESCRIPTION_WRITTEN"})
            case Stay.AdmissionCancelled():
                for visit in event.voided:
                    self._cancel(event, place, {"fact": visit})
                self._tell_cancel(event, place, {"fact": event.movement})
            case (
                Stay.MovementCancelled(because=CancellationReason.DECISION_REVERSED)
                | Stay.DischargeCancelled(because=CancellationReason.DECISION_REVERSED)
            ):
                self._tell_cancel(event, place, {"fact": event.movement})
            case (
                Stay.MovementCancelled()
                | Stay.DischargeCancelled()
                | Stay.VisitCancelled()
                | Stay.ConsultCancelled()
                | Patient.AllergyCancelled()
                | Patient.AllergyEndCancelled()
                | Stay.ConsultWithdrawalCancelled()
                | Stay.FlagCancelled()
                | Stay.FlagLoweringCancelled()
                | Prescription.AdministrationCancelled()
                | Prescription.InfusionEndCancelled()
                | Prescription.ChangeCancelled()
                | Prescription.StopCorrected()
            ):
                self._tell_cancel(event, place, {"fact": event.fact})
                self._cancel(event, place, {"fact": event.fact})
            case _:
                self._tell(event, place)

    def _tell(self, event: Event, place: EventPosition, values: Values | None = None) -> None:
        """Add the entry of an event; ``values`` are other than the event's own."""
        self.writer(entries).put(
            entry_id(event),
            Period(event.entry.occurred_at),
            {**entry_values(event, place), **values} if values else entry_values(event, place),
            known=place.known,
            position=place.position,
        )

    def _give(self, event: Stay.PatientCorrected, place: EventPosition) -> None:
        """Give the entries of a stay to the patient whose stay it is."""
        patient_values = {"patient": event.patient}
        admission = MergedObject({"patient": str(event.patient)})
        for condition, values in (
            ({}, patient_values),
            ({"kind": kind_of(Stay.Admitted)}, {"data": admission}),
        ):
            self.writer(entries).revise(
                {"stay": event.originator_id, **condition},
                Copy(values, keeps_position=True),
                known=place.known,
                position=place.position,
            )

    def _show_pending(self, event: SourceVisit.Settled, place: EventPosition) -> None:
        """Show what another system reported and what does not fit yet: visible, not held true."""
        visit = event.originator_id
        for source_id in event.ended:
            self.writer(entries).revise(
                {
                    "subject": visit,
                    "status": "PENDING",
                    "fact": SourceVisit.movement_id_for(visit, source_id),
                },
                known=place.known,
                position=place.position,
            )
        for version in [p.version for p in event.pending if p.version.source_id in event.begun]:
            id = SourceVisit.movement_id_for(visit, version.source_id)
            source = Source(
                system=event.system, id=version.source_id, recorded_at=version.recorded_at
            )
            values = {
                **entry_values(event, place),
                "stay": event.stay,
                "kind": "STAY_MOVEMENT_CANCELLED"
                if version.cancelled or version.kind is None
                else REPORTED_AS[version.kind],
                "status": "PENDING",
                "fact": id,
                "occurred_at": version.occurred_at,
                "late": place.recorded_at - version.occurred_at > LATE_AFTER,
                "source": source,
                "data": version.movement or {},
            }
            self.writer(entries).put(
                id,
                Period(version.occurred_at),
                values,
                known=place.known,
                position=place.position,
            )

    def _correct(
        self,
        event: Event,
        place: EventPosition,
        at: datetime | None,
        match: Values | None = None,
        since: datetime | None = None,
    ) -> None:
        """Put another entry in the place of the one of the corrected fact.

        ``since``: from when on a change of details really holds, by which it is known from here on.
        """
        values = entry_values(event, place)
        data = {k: v for k, v in data_of(event).items() if k not in ("at", "precision", "to")}
        removed_fields = tuple(k for k in replaced_fields(event) if k not in data)
        changes: dict[str, Any] = {
            "entry": entry_id(event),
            **{column: values[column] for column in TOLD_BY},
            "data": MergedObject(data, removed_fields),
            "corrects": OtherColumn("entry"),
        }
        if since is not None:
            changes["fact"] = change_of(event.originator_id, since)
            changes["data"] = MergedObject({**data, "since": since}, removed_fields)
        if at is not None:
            changes["occurred_at"] = at
            changes["late"] = place.recorded_at - at > LATE_AFTER
        if getattr(event, "precision", None) is not None:
            changes["precision"] = event.precision.value  # type: ignore[attr-defined]
        mark = {"status": "CORRECTED", "corrected_by": entry_id(event)}
        old = Copy(mark, keeps_position=True)
        self.writer(entries).revise(
            {
                "subject": event.originator_id,
                "status": "TRUE",
                **(match or {"fact": event.fact}),
            },
            old,
            Copy(changes, Period(at) if at else None),
            known=place.known,
            position=place.position,
        )

    def _void(self, event: Event, place: EventPosition, first: Values) -> None:
        """Cancel all entries of a stream; the entry of the cancel names its ``first`` one."""
        self._cancel(event, place, {})
        self._tell_cancel(event, place, {**first, "status": "CANCELLED"})

    def _cancel(self, event: Event, place: EventPosition, match: Values) -> None:
        """Mark entries of the event's stream as entered in error."""
        self.writer(entries).revise(
            {"subject": event.originator_id, "status": "TRUE", **match},
            Copy({"status": "CANCELLED", "cancelled_by": entry_id(event)}, keeps_position=True),
            known=place.known,
            position=place.position,
        )

    def _tell_cancel(self, event: Event, place: EventPosition, match: Values) -> None:
        """Add the entry of a cancel, beside the one that it takes back."""
        values = {
            **entry_values(event, place),
            "entry": entry_id(event),
            "cancels": OtherColumn("entry"),
        }
        values["fact"] = values["movement"] = made_by_cancel(event)
        period: Period | None = Period(event.entry.occurred_at)
        if (
            values["fact"]
            and getattr(event, "because", None) is CancellationReason.ENTERED_IN_ERROR
        ):
            # Where the patient was instead, from the time of what never was.
            values["occurred_at"], period = OtherColumn("occurred_at"), None
            values["first_position"] = OtherColumn("first_position")
        self.writer(entries).revise(
            {"subject": event.originator_id, "status": "TRUE", **match},
            Copy(values, period),
            known=place.known,
            position=place.position,
            close=False,
        )
