"""Stays, visits, prescriptions and doses."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.batches import find_all
from api.graphql.context import Info
from api.graphql.declarations import VERSION, DataKind, read_by, shows
from api.graphql.relay import Connection, Node
from api.graphql.types.consults import Consult
from api.graphql.types.enums import (
    AdmissionType,
    Confidentiality,
    DischargePlan,
    Disposition,
    OutsidePrescription,
    PrescriptionStatus,
    StayStatus,
    UnprescribedBasis,
    VisitKind,
)
from api.graphql.types.flags import Flag
from api.graphql.types.movements import Movement
from api.graphql.types.people import Patient, Practitioner
from api.graphql.types.rooms import Room
from api.graphql.types.schedules import Medication, Schedule
from api.graphql.types.stretches import OccupancyStretch
from api.graphql.types.timeline import Recording, TimelineEntry, timeline_field
from domain.patient_events import strictest
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.projection_status import parked_things
from infrastructure.queries.stay_search import stays_page
from infrastructure.read_models.consults import consults_of
from infrastructure.read_models.flags import flags_of
from infrastructure.read_models.occupancy import stretches_of
from infrastructure.read_models.patients import labels_of_persons
from infrastructure.read_models.prescriptions import (
    DoseView,
    PrescriptionView,
    doses_of,
    prescriptions_by_id,
    prescriptions_of,
)
from infrastructure.read_models.stays import StayView, children_of, mothers_of, stays_by_id
from infrastructure.read_models.timeline.queries import movements_of
from infrastructure.read_models.timeline.recordings import changes_of_prescriptions, recordings_of
from infrastructure.read_models.visits import VisitView, visits_of


@shows(DataKind.STAY, cached_from=(stays_by_id,))
@strawberry.type(description="The care in the emergency department before an admission.")
class EmergencyCare:
    id: strawberry.ID = strawberry.field(description="Its movement, to correct or cancel it.")
    arrived_at: datetime = strawberry.field(description="When the patient came.")
    departed_at: datetime | None = strawberry.field(
        description="When the patient left the department; absent while that is not known."
    )


async def _itself(stay: Any, info: Info) -> dict[str, Any]:
    return {"stay": stay.view.stay}


@shows(DataKind.STAY, cached_from=(stays_by_id, stays_page, mothers_of, children_of))
@strawberry.type(description="One patient's time in the hospital, from admission to discharge.")
class Stay(Node):
    status: StayStatus = strawberry.field(description="Where it stands at the moment asked about.")
    admission_type: AdmissionType = strawberry.field(
        description="The type of the stay at the moment asked about."
    )
    admitted_at: datetime = strawberry.field(description="When the patient was admitted.")
    decided_to_admit_at: datetime | None = strawberry.field(
        description="When it was decided to admit."
    )
    discharged_at: datetime | None = strawberry.field(
        description="When the patient was discharged."
    )
    specialty: str | None = strawberry.field(description="The responsible specialty.")
    bed: str | None = strawberry.field(description="The code of the bed; absent without a bed.")
    shares_bed_of: strawberry.ID | None = strawberry.field(
        description="The mother's stay whose bed is shared."
    )
    without_bed: str | None = strawberry.field(description="Where a patient without a bed is.")
    bed_kept: bool = strawberry.field(description="Whether the bed is kept during a leave.")
    expected_return: datetime | None = strawberry.field(description="Expected end of the leave.")
    discharge_plan: DischargePlan = strawberry.field(description="How far it is planned.")
    expected_discharge: datetime | None = strawberry.field(description="When it is planned.")
    disposition: Disposition | None = strawberry.field(description="Where the patient went.")
    destination: str | None = strawberry.field(description="Where to, by name.")
    emergency_care: EmergencyCare | None = strawberry.field(
        description="The care in the emergency department before the admission, if there was any."
    )
    view: strawberry.Private[StayView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: StayView, at: AsOf) -> Self:
        at.record_access(view.patient, view.stay)
        mother = view.shares_bed_of
        return cls(
            id=strawberry.ID(str(view.stay)),
            status=StayStatus(view.status),
            admission_type=AdmissionType(view.admission_type),
            admitted_at=view.admitted_at,
            decided_to_admit_at=view.decided_to_admit_at,
            discharged_at=view.discharged_at,
            specialty=view.specialty,
            bed=view.bed,
            shares_bed_of=strawberry.ID(str(mother)) if mother else None,
            without_bed=view.without_bed,
            bed_kept=view.bed_kept,
            expected_return=view.expected_return,
            discharge_plan=DischargePlan(view.plan),
            expected_discharge=view.expected_discharge,
            disposition=Disposition(view.disposition) if view.disposition else None,
            destination=view.destination,
            emergency_care=_care(view),
            view=view,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(stays_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.", metadata=VERSION
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(self.view.stay, self.at)

    @strawberry.field(
        description="Whether a read model lacks a command about this stay: what is said may be old."
    )
    async def parked(self, info: Info) -> bool:
        return await info.context.load(parked_things, self.view.stay, self.at) or False

    @strawberry.field(
        description="Confidentiality label: the strictest of the stay and of the records of the person.",
        metadata=read_by(labels_of_persons),
    )
    async def confidentiality(self, info: Info) -> Confidentiality:
        own_label = Confidentiality(self.view.confidentiality)
        label = await info.context.load(labels_of_persons, self.view.patient, self.at)
        if label in (None, own_label.value):
            return own_label
        return strictest([own_label, Confidentiality(label)])

    @strawberry.field(description="The patient.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.view.patient, self.at)

    @strawberry.field(
        description="The mother's stay of a newborn that shares her bed or has shared it."
    )
    async def mother(self, info: Info) -> "Stay | None":
        id = await info.context.load(mothers_of, self.view.stay, self.at)
        return await Stay.find(info, id, self.at) if id else None

    @strawberry.field(
        description="The stays of the newborns who share the bed or have shared it: of twins, both."
    )
    async def children(self, info: Info) -> list["Stay"]:
        ids = await info.context.load(children_of, self.view.stay, self.at)
        return await find_all(Stay.find(info, id, self.at) for id in ids or ())

    @strawberry.field(description="The responsible doctor.")
    async def attending(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(info, self.view.attending, self.at)

    @strawberry.field(description="The room; absent without a bed.")
    async def room(self, info: Info) -> Room | None:
        return await Room.find(info, self.view.room, self.at)

    @strawberry.field(
        description="The movements so far, also corrected and cancelled ones, as they occurred."
    )
    async def movements(self, info: Info) -> list[Movement]:
        views = await info.context.load(movements_of, self.view.stay, self.at)
        return [Movement.of(info, view, self.at) for view in views or ()]

    @strawberry.field(description="The beds that the patient had or kept so far, in order.")
    async def stretches(self, info: Info) -> list[OccupancyStretch]:
        views = await info.context.load(stretches_of, self.view.stay, self.at)
        return [OccupancyStretch.of(view, self.at) for view in views or ()]

    @strawberry.field(description="The latest bed: of a discharged patient the one lain in last.")
    async def last_place(self, info: Info) -> OccupancyStretch | None:
        views = await info.context.load(stretches_of, self.view.stay, self.at)
        return OccupancyStretch.of(views[-1], self.at) if views else None

    @strawberry.field(description="The visits so far, in the order in which they occurred.")
    async def visits(self, info: Info) -> list["Visit"]:
        views = await info.context.load(visits_of, self.view.stay, self.at)
        return [Visit.of(visit, self.at) for visit in views or ()]

    @strawberry.field(description="The consults asked for so far, in the order of the requests.")
    async def consults(self, info: Info) -> list[Consult]:
        views = await info.context.load(consults_of, self.view.stay, self.at)
        return [Consult.of(consult, self.at) for consult in views or ()]

    @strawberry.field(description="The flags that hold: fall risk, isolation, notes.")
    async def flags(self, info: Info) -> list[Flag]:
        views = await info.context.load(flags_of, self.view.stay, self.at)
        return [Flag.of(view) for view in views or ()]

    timeline: Connection[TimelineEntry] = timeline_field(
        "What happened in the stay, in that order.", _itself
    )

    @strawberry.field(description="The prescriptions so far, in the order of their start.")
    async def prescriptions(
        self,
        info: Info,
        statuses: Annotated[
            list[PrescriptionStatus] | None,
            argument(description="In one of these states at that moment; all by default."),
        ] = None,
    ) -> list["Prescription"]:
        views = await info.context.load(prescriptions_of, self.view.stay, self.at)
        status_values = {s.value for s in statuses} if statuses else None
        return [
            Prescription.of(p, self.at)
            for p in views or ()
            if not status_values or p.status in status_values
        ]


def _care(view: StayView) -> EmergencyCare | None:
    if view.emergency_care is None or view.arrived_at is None:
        return None
    return EmergencyCare(
        id=strawberry.ID(str(view.emergency_care)),
        arrived_at=view.arrived_at,
        departed_at=view.departed_at,
    )


@shows(DataKind.CLINICAL, read_by=(visits_of, recordings_of))
@strawberry.type(description="A doctor saw the patient.")
class Visit(Node):
    occurred_at: datetime = strawberry.field(description="When it happened.")
    kind: VisitKind = strawberry.field(description="What kind of visit.")
    note: str | None = strawberry.field(description="What was noted.")
    consult_id: strawberry.ID | None = strawberry.field(description="The consult that it answers.")
    view: strawberry.Private[VisitView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: VisitView, at: AsOf) -> Self:
        return cls(
            id=strawberry.ID(str(view.visit)),
            occurred_at=view.since,
            kind=VisitKind(view.kind),
            note=view.note,
            consult_id=strawberry.ID(str(view.consult)) if view.consult else None,
            view=view,
            at=at,
        )

    @strawberry.field(description="Who visited.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(info, self.view.practitioner, self.at)

    @strawberry.field(description="Who recorded it as it is held now, when and why.")
    async def recorded(self, info: Info) -> Recording | None:
        entry = await info.context.load(recordings_of, self.view.visit, self.at)
        return Recording.of(info, entry) if entry else None

    @strawberry.field(description="The stay.")
    async def stay(self, info: Info) -> Stay | None:
        return await Stay.find(info, self.view.stay, self.at)


@shows(DataKind.CLINICAL, read_by=(doses_of, recordings_of))
@strawberry.type(description="A dose given, or not given and why.")
class Administration:
    id: strawberry.ID = strawberry.field(description="Opaque and globally unique.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    given: bool = strawberry.field(description="Whether it was given.")
    dose_given: str | None = strawberry.field(description="How much was given.")
    reason_not_given: str | None = strawberry.field(description="Why it was not given.")
    outside_prescription: OutsidePrescription | None = strawberry.field(
        description="Why it lies outside the prescription."
    )
    performed_by: str | None = strawberry.field(description="Who gave it.")
    infusion: bool = strawberry.field(description="Whether it is an infusion, which takes time.")
    ended_at: datetime | None = strawberry.field(
        description="When the infusion ended; absent while that is not recorded."
    )
    view: strawberry.Private[DoseView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: DoseView, at: AsOf) -> Self:
        reason = view.outside_prescription
        return cls(
            id=strawberry.ID(str(view.administration)),
            occurred_at=view.since,
            given=view.given,
            dose_given=view.dose_given,
            reason_not_given=view.reason_not_given,
            outside_prescription=OutsidePrescription(reason) if reason else None,
            performed_by=view.performed_by,
            infusion=view.infusion,
            ended_at=view.ended_at,
            view=view,
            at=at,
        )

    @strawberry.field(description="The prescription that it was given by.")
    async def prescription(self, info: Info) -> "Prescription | None":
        return await Prescription.find(info, self.view.prescription, self.at)

    @strawberry.field(description="Who recorded it as it is held now, when and why.")
    async def recorded(self, info: Info) -> Recording | None:
        entry = await info.context.load(recordings_of, self.view.administration, self.at)
        return Recording.of(info, entry) if entry else None


@shows(DataKind.CLINICAL, read_by=(prescriptions_by_id, prescriptions_of, changes_of_prescriptions))
@strawberry.type(description="A medicine prescribed in a stay.")
class Prescription(Node):
    status: PrescriptionStatus = strawberry.field(description="Where it stands at the moment.")
    medication: Medication = strawberry.field(description="What.")
    dose: str | None = strawberry.field(description="How much at a time.")
    route: str | None = strawberry.field(description="By which route.")
    frequency: str | None = strawberry.field(description="How often.")
    schedule: Schedule | None = strawberry.field(
        description="The frequency as a program reads it; absent where nobody said it so."
    )
    written_at: datetime = strawberry.field(description="When it was written.")
    start: datetime = strawberry.field(description="From when; may have been planned.")
    stop: datetime | None = strawberry.field(description="Until when, if that is planned.")
    without_prescription: UnprescribedBasis | None = strawberry.field(
        description="On what its one dose was given, if it was not prescribed in writing."
    )
    view: strawberry.Private[PrescriptionView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: PrescriptionView, at: AsOf) -> Self:
        at.record_access(view.patient, view.prescription)
        return cls(
            id=strawberry.ID(str(view.prescription)),
            status=PrescriptionStatus(view.status),
            medication=Medication(
                name=view.medication, code=view.medication_code, system=view.medication_system
            ),
            dose=view.dose,
            route=view.route,
            frequency=view.frequency,
            written_at=view.written_at,
            start=view.start,
            stop=view.stop,
            schedule=Schedule.of(view),
            without_prescription=UnprescribedBasis(view.basis) if view.basis else None,
            view=view,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(prescriptions_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.", metadata=VERSION
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(self.view.prescription, self.at)

    @strawberry.field(description="Who prescribed it, or ordered it without writing.")
    async def prescriber(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(info, self.view.prescriber, self.at)

    @strawberry.field(description="The stay.")
    async def stay(self, info: Info) -> Stay | None:
        return await Stay.find(info, self.view.stay, self.at)

    @strawberry.field(description="The doses so far, in the order in which they occurred.")
    async def administrations(self, info: Info) -> list[Administration]:
        views = await info.context.load(doses_of, self.view.prescription, self.at)
        return [Administration.of(dose, self.at) for dose in views or ()]

    @strawberry.field(
        description="What became of it so far and why, also what was corrected or cancelled: written,"
        " changed, held, resumed, stopped, completed, cancelled; in the order of occurrence."
    )
    async def changes(self, info: Info) -> list[Recording]:
        views = await info.context.load(changes_of_prescriptions, self.view.prescription, self.at)
        return [Recording.of(info, entry) for entry in views or ()]
