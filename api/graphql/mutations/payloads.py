"""Payloads of mutations: what was recorded, as the read models have it.

A result union has one payload, the two that stand in for it while it cannot be read
(`RecordedNotYetReadable`, `Parked`), and refusals.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

import strawberry

from api.graphql.batches import find_all, load_all
from api.graphql.context import ById, Info
from api.graphql.declarations import DataKind, shows
from api.graphql.scalars import Position
from api.graphql.types.consults import Consult
from api.graphql.types.movements import Merge, Movement
from api.graphql.types.people import Patient, Practitioner
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.source_movements import SourceMovement
from api.graphql.types.stays import Administration, Prescription, Stay, Visit
from api.graphql.types.timeline import Recording
from application.command import Recorded
from domain.break_glass import EmergencyAccess
from domain.prescription.events import PrescriptionEvents
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay as StayAggregate
from domain.stay.facts import CancellationReason
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.facts_with_stays import prescriptions_with_stays, visits_with_stays
from infrastructure.queries.patient_search import likely_duplicates
from infrastructure.read_models.consults import consults_by_id
from infrastructure.read_models.patients import records_of
from infrastructure.read_models.prescriptions import doses_of, stopped_by
from infrastructure.read_models.stays import StayView, stays_by_id
from infrastructure.read_models.timeline.queries import merges_of_persons, movements_of
from infrastructure.read_models.timeline.recordings import changes_of_prescriptions
from infrastructure.read_models.visits import visits_by_id

T = TypeVar("T")


@dataclass(frozen=True)
class ReadBack:
    """A recorded command, with what its payload is read with."""

    info: Info
    recorded: Recorded
    common_fields: dict[str, Any]
    """The fields of `RecordedPayload`."""
    as_of: AsOf
    """As of the command's own moment, known at its own position."""

    def first(self, kind: str) -> UUID:
        """Return the id of the first stream of that kind ("stay", "room") that was written."""
        return self.recorded.ids(kind)[0]

    async def with_stay(self, query: ById[tuple[T, StayView]], id: UUID) -> tuple[T, Stay] | None:
        """Return a fact by its id with its stay; None if they may not be shown."""
        context, at = self.info.context, self.as_of
        pair = (await context.query(query, [id], at)).get(id)
        if pair is None:
            return None
        fact, stay = pair
        context.note_views(stays_by_id, {stay.stay: stay}, at)
        return fact, Stay.of(stay, at)


@shows(DataKind.HOUSE, subtypes=True)
@strawberry.interface(
    name="Recorded", description="A command that was accepted; its facts are safe."
)
class RecordedPayload:
    command_id: strawberry.ID = strawberry.field(description="The command's id.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    occurred_at: datetime = strawberry.field(
        description="When it happened, as recorded: occurredAt of the command, or when it was given."
    )
    computes_long: ClassVar[bool] = False
    """True if its command computes for longer than it waits for the database."""

    @classmethod
    async def prepare(cls, info: Info) -> None:
        """Wait for what the command itself reads; nothing, for most."""

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        """Read back what was recorded; None if a repeat may not be shown it any more."""
        raise NotImplementedError


@strawberry.type(
    description="Recorded, but the read models are behind: read again with atLeast. Also what a"
    " repeated command answers if what it changed is closed to you by now."
)
class RecordedNotYetReadable(RecordedPayload):
    pass


@strawberry.type(
    description="Recorded, but a read model could not take it in: do not record it again."
)
class Parked(RecordedPayload):
    message: str = strawberry.field(description="What that means, for a person.")
    read_models: list[str] = strawberry.field(description="Those that lack it, by name.")

    @classmethod
    def by(cls, read_models: list[str], common_fields: dict[str, Any]) -> Self:
        """Return the payload of a command that some read models could not take in."""
        message = (
            "The fact is recorded and safe. What it changed cannot be shown:"
            f" {', '.join(read_models)} could not take it in. Tell who runs Wardbook: 'wardbook"
            " projections parked'."
        )
        return cls(**common_fields, message=message, read_models=read_models)


@strawberry.type(description="A patient was recorded.")
class PatientRecorded(RecordedPayload):
    patient: Patient = strawberry.field(description="The patient as now held.")
    at: strawberry.Private[AsOf]

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        patient = await Patient.find(read.info, read.first("patient"), read.as_of)
        return cls(**read.common_fields, patient=patient, at=read.as_of) if patient else None

    @strawberry.field(description="The merge that it recorded, with the id to take it back.")
    async def merge(self, info: Info) -> Merge | None:
        merges = await info.context.load(merges_of_persons, UUID(self.patient.id), self.at)
        new_merges = [m for m in merges or () if m.recorded_position == self.at.known]
        return Merge.of(info, new_merges[0], self.at) if new_merges else None

    @strawberry.field(
        description="Other records that are likely of the same person, by name, birth date and sex, and"
        " are not linked with this one. To link them: mergePatients."
    )
    async def likely_duplicates(self, info: Info) -> list[Patient]:
        patient = self.patient
        records = await info.context.query(records_of, UUID(patient.id), self.at)
        views = await info.context.query(
            likely_duplicates,
            patient.family_name,
            patient.given_name,
            patient.birth_date,
            patient.sex.value,
            self.at,
            records,
        )
        return [Patient.of(view, self.at) for view in views]


@strawberry.type(description="A patient's data were opened to who gave the command.")
class GlassBroken(RecordedPayload):
    patient: Patient = strawberry.field(description="The patient as now held.")
    until: datetime = strawberry.field(description="Until when they are open.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.events[0]
        assert isinstance(event, EmergencyAccess.Broken)
        patient = await Patient.find(read.info, event.patient, read.as_of)
        return cls(**read.common_fields, patient=patient, until=event.until) if patient else None


@strawberry.type(description="A practitioner was recorded.")
class PractitionerRecorded(RecordedPayload):
    practitioner: Practitioner = strawberry.field(description="The practitioner as now held.")
    valid_from: date | None = strawberry.field(
        description="Of a change: the hospital's day from which it holds, by which it is cancelled."
    )

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        practitioner = await Practitioner.find(read.info, read.first("practitioner"), read.as_of)
        valid_from = getattr(read.recorded.events[0], "valid_from", None)
        if practitioner is None:
            return None
        return cls(**read.common_fields, practitioner=practitioner, valid_from=valid_from)


async def new_movements(info: Info, stays: list[UUID], at: AsOf) -> list[Movement]:
    """Return the movements of stays that were recorded or put right at a position."""
    of_stays = await load_all(info.context, movements_of, stays, at)
    movements = [m for views in of_stays for m in views if m.recorded_position == at.known]
    return [Movement.of(info, movement, at) for movement in movements]


@strawberry.type(description="A stay was recorded.")
class StayRecorded(RecordedPayload):
    stay: Stay = strawberry.field(description="The stay as now held.")
    with_stay: Stay | None = strawberry.field(description="The other stay of a swap.")
    changed_stays: list[Stay] = strawberry.field(
        description="Every stay that changed, as now held."
    )
    still_stopped: list[Prescription] = strawberry.field(
        description="What a discharge that was reversed had stopped: it stays stopped."
    )
    recorded: strawberry.Private[Recorded]
    ids: strawberry.Private[list[UUID]]
    at: strawberry.Private[AsOf]

    @strawberry.field(
        description="The movements that it recorded or put right, with the ids to correct them."
    )
    async def movements(self, info: Info) -> list[Movement]:
        return await new_movements(info, self.ids, self.at)

    @strawberry.field(
        description="The visits that it recorded or put right, with the ids to correct them."
    )
    async def visits(self, info: Info) -> list[Visit]:
        ids, at = self.recorded.facts("visit"), self.at
        views = await load_all(info.context, visits_by_id, ids, at)
        return [Visit.of(view, at) for view in views]

    @strawberry.field(
        description="The doses that it recorded or put right, with the ids to correct them."
    )
    async def administrations(self, info: Info) -> list[Administration]:
        ids, at = self.recorded.facts("administration"), self.at
        prescriptions = self.recorded.ids("prescription")
        of_prescriptions = await load_all(info.context, doses_of, prescriptions, at)
        doses = [dose for views in of_prescriptions for dose in views]
        return [Administration.of(dose, at) for dose in doses if dose.administration in ids]

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        about = read.recorded.events[0].entry.about
        ids = read.recorded.ids("stay")
        if not ids and about and about.stay:  # what changed is a prescription of the stay
            ids = [about.stay]
        stays = await find_all(Stay.find(read.info, id, read.as_of) for id in ids)
        if len(stays) < len(ids):  # "every stay that changed", or none
            return None
        is_swap = any(isinstance(e, StayAggregate.BedSwapped) for e in read.recorded.events)
        return cls(
            **read.common_fields,
            stay=stays[0],
            with_stay=stays[1] if is_swap else None,
            changed_stays=stays,
            still_stopped=await _still_stopped(read),
            recorded=read.recorded,
            ids=ids,
            at=read.as_of,
        )


async def _still_stopped(read: ReadBack) -> list[Prescription]:
    """Return the prescriptions that a discharge had stopped whose decision was reversed."""
    discharges = [
        event.movement
        for event in read.recorded.events
        if isinstance(event, StayAggregate.DischargeCancelled)
        and event.because is CancellationReason.DECISION_REVERSED
    ]
    return [
        Prescription.of(view, read.as_of)
        for discharge in discharges
        for view in await read.info.context.query(stopped_by, discharge, read.as_of)
    ]


@strawberry.type(description="A visit was recorded.")
class VisitRecorded(RecordedPayload):
    visit: Visit = strawberry.field(description="The visit.")
    stay: Stay = strawberry.field(description="The stay as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        pair = await read.with_stay(visits_with_stays, read.recorded.last("visit").visit)
        if pair is None:
            return None
        visit, stay = pair
        return cls(**read.common_fields, visit=Visit.of(visit, read.as_of), stay=stay)


@strawberry.type(description="A consult was asked for, put right, withdrawn or taken back.")
class ConsultRecorded(RecordedPayload):
    consult: Consult | None = strawberry.field(description="The consult; null once cancelled.")
    stay: Stay = strawberry.field(description="The stay as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.last("consult")
        stay = await Stay.find(read.info, event.originator_id, read.as_of)
        views = await read.info.context.query(consults_by_id, [event.consult], read.as_of)
        view = views.get(event.consult)
        consult = Consult.of(view, read.as_of) if view else None
        return cls(**read.common_fields, consult=consult, stay=stay) if stay else None


NEW_FACTS = (
    PrescriptionEvents.Written,
    PrescriptionEvents.AdministrationRecorded,
    PrescriptionEvents.UnprescribedGiven,
)
"""The events that tell an order or a dose, also one that goes to another stay or prescription."""


@strawberry.type(description="A prescription was recorded.")
class PrescriptionRecorded(RecordedPayload):
    prescription: Prescription = strawberry.field(description="The prescription as now held.")
    stay: Stay = strawberry.field(description="The stay as now held.")
    own_change: strawberry.Private[UUID | None]
    dose: strawberry.Private[UUID | None]

    @strawberry.field(description="The change that it recorded, with the id to correct it.")
    async def change(self, info: Info) -> Recording | None:
        id, at = self.prescription.view.prescription, self.prescription.at
        changes = await info.context.load(
            changes_of_prescriptions, id if self.own_change else None, at
        )
        new_changes = [
            c
            for c in changes or ()
            if c.recorded_position == at.known and c.movement == self.own_change
        ]
        return Recording.of(info, new_changes[-1]) if new_changes else None

    @strawberry.field(description="The dose that it recorded or put right, with its id.")
    async def administration(self, info: Info) -> Administration | None:
        id, at = self.prescription.view.prescription, self.prescription.at
        doses = await info.context.load(doses_of, id if self.dose else None, at)
        own_doses = [d for d in doses or () if d.administration == self.dose]
        return Administration.of(own_doses[0], at) if own_doses else None

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        prescription_ids = (
            event.originator_id for event in read.recorded.events if isinstance(event, NEW_FACTS)
        )
        id = next(prescription_ids, read.first("prescription"))
        pair = await read.with_stay(prescriptions_with_stays, id)
        if pair is None:
            return None
        prescription, stay = pair
        own_event = read.recorded.own_event(id)
        return cls(
            **read.common_fields,
            prescription=Prescription.of(prescription, read.as_of),
            stay=stay,
            own_change=getattr(own_event, "change", None),
            dose=getattr(own_event, "administration", None),
        )


@strawberry.type(description="A report of another system was kept; see what became of it.")
class SourceMovementRecorded(RecordedPayload):
    source_movement: SourceMovement = strawberry.field(
        description="The movement as that system holds it: recorded, cancelled, or pending and why."
    )
    stay: Stay | None = strawberry.field(description="The stay as now held, where there is one.")
    ids: strawberry.Private[list[UUID]]
    at: strawberry.Private[AsOf]

    @strawberry.field(
        description="The movements that it recorded or put right, with the ids to correct them."
    )
    async def movements(self, info: Info) -> list[Movement]:
        return await new_movements(info, self.ids, self.at)

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.events[0]
        assert isinstance(event, SourceVisit.Reported)
        id = SourceVisit.movement_id_for(event.originator_id, event.version.source_id)
        movement = await SourceMovement.find(read.info, id, read.as_of)
        if movement is None:
            return None
        stay = await Stay.find(read.info, movement.of_stay, read.as_of)
        ids = read.recorded.ids("stay")
        return cls(
            **read.common_fields, source_movement=movement, stay=stay, ids=ids, at=read.as_of
        )


@shows(DataKind.FIGURES)
@strawberry.type(description="A report was issued or restated.")
class ReportRecorded(RecordedPayload):
    issue: ReportIssue = strawberry.field(description="The issue with its restatements.")
    computes_long = True

    @classmethod
    async def prepare(cls, info: Info) -> None:
        """Wait for the read models: reports are computed from what can be read."""
        context = info.context
        status = await context.log_status()
        timeout = context.state.settings.read_timeout_seconds
        await context.state.progress.wait_for(status.recorded, timeout)

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        issue = await ReportIssue.find(read.info, read.first("report"), read.as_of)
        return cls(**read.common_fields, issue=issue) if issue else None
