"""Course of a stay or of a person as one document: the parts of its content, named as in GraphQL."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from msgspec import Struct

from infrastructure.queries.as_of import AsOf


class Part(Struct, frozen=True, rename="camel"):
    """A part of the document; its fields have the names of GraphQL."""


class Login(Part, frozen=True):
    """A login that recorded a fact, or had the document printed."""

    issuer: str
    subject: str
    role: str
    on_behalf_of: str | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        return cls(values["issuer"], values["subject"], values["role"], values.get("on_behalf_of"))


class Imprint(Part, frozen=True):
    """Heading of the document: place, printer and purpose of the print, and both clocks."""

    hospital: str
    time_zone: str
    as_of: datetime
    known_at: datetime
    printed_at: datetime
    printed_by: Login
    purpose: str


class Staff(Part, frozen=True):
    """A practitioner by name."""

    staff_number: str
    family_name: str | None
    given_name: str | None


class Record(Part, frozen=True):
    """A record of the person whom the document is about."""

    id: UUID
    mrn: str
    mrn_authority: str
    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    died_at: datetime | None


class Substance(Part, frozen=True):
    """A substance, by name and by code."""

    name: str
    code: str | None
    system: str | None


class Allergy(Part, frozen=True):
    """An allergy or intolerance that the person has at the moment."""

    id: UUID
    substance: Substance
    kind: str
    severity: str | None
    reaction: str | None
    verification: str
    since: datetime


class RoomName(Part, frozen=True):
    """A room by ward and number."""

    ward: str
    number: str


class Place(Part, frozen=True):
    """A place of the patient, from one moment to another; ``until`` is None while it goes on."""

    since: datetime
    until: datetime | None
    on_leave: bool
    room: RoomName | None
    bed: str | None
    without_bed: str | None
    shared: bool
    kept: bool


class Medication(Part, frozen=True):
    """A drug, by name and by code."""

    name: str
    code: str | None
    system: str | None


class Administration(Part, frozen=True):
    """A dose, given or not given."""

    id: UUID
    occurred_at: datetime
    given: bool
    dose_given: str | None
    reason_not_given: str | None
    outside_prescription: str | None
    performed_by: str | None
    infusion: bool
    ended_at: datetime | None


class Prescription(Part, frozen=True):
    """A medicine prescribed in the stay, with its doses."""

    id: UUID
    status: str
    medication: Medication
    dose: str | None
    route: str | None
    frequency: str | None
    schedule: dict[str, Any] | None
    written_at: datetime
    start: datetime
    stop: datetime | None
    prescriber: Staff | None
    without_prescription: str | None
    administrations: list[Administration]


class Visit(Part, frozen=True):
    """A visit of a doctor."""

    id: UUID
    occurred_at: datetime
    kind: str
    practitioner: Staff | None
    note: str | None
    consult_id: UUID | None


class Consult(Part, frozen=True):
    """A consult that was asked for."""

    id: UUID
    status: str
    requested_at: datetime
    specialty: str | None
    practitioner: Staff | None
    requested_by: Staff | None
    question: str | None
    withdrawn_at: datetime | None
    visit_id: UUID | None


class Stay(Part, frozen=True):
    """A stay: its places, prescriptions, visits and consults."""

    id: UUID
    patient_id: UUID
    status: str
    admission_type: str
    admitted_at: datetime
    discharged_at: datetime | None
    specialty: str | None
    attending: Staff | None
    expected_discharge: datetime | None
    disposition: str | None
    destination: str | None
    places: list[Place]
    prescriptions: list[Prescription]
    visits: list[Visit]
    consults: list[Consult]


class Entry(Part, frozen=True):
    """A fact of the timeline, with both clocks; also one that was corrected or cancelled."""

    id: UUID
    stay_id: UUID | None
    kind: str
    status: str
    occurred_at: datetime
    occurred_at_precision: str
    recorded_at: datetime
    late: bool
    summary: str
    performed_by: str | None
    recorded_by: Login
    reason: str | None
    corrects: UUID | None
    corrected_by: UUID | None
    cancels: UUID | None
    cancelled_by: UUID | None


class Course(Part, frozen=True):
    """The content of the document."""

    imprint: Imprint
    patient: Record | None
    other_records: list[Record]
    allergies: list[Allergy]
    stays: list[Stay]
    timeline: list[Entry]

    def record_access(self, at: AsOf) -> None:
        """Note whose data the document shows."""
        for record in [*([self.patient] if self.patient else ()), *self.other_records]:
            at.record_access(record.id)
        for stay in self.stays:
            at.record_access(stay.patient_id, stay.id)
            for prescription in stay.prescriptions:
                at.record_access(stay.patient_id, prescription.id)
