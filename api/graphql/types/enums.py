"""The domain's own enumerations, as GraphQL enums."""

import strawberry

from api.feed.cloudevents import PUBLIC
from application.authorization.roles import Purpose, Role
from application.commands.late_entries import EntryKind
from domain.allergies import AllergyAction, AllergyKind, AllergySeverity, AllergyVerification
from domain.clinical_refusals import ClinicalWarning
from domain.described_enum import DescribedEnum
from domain.erasure import LegalBasis
from domain.expected_arrival import ArrivalStatus, Urgency
from domain.patient import Confidentiality, PatientDetail, Sex
from domain.practitioner import Grade
from domain.prescription.course import Basis as UnprescribedBasis
from domain.prescription.course import Outside as OutsidePrescription
from domain.prescription.course import PrescriptionStatus
from domain.room.aggregate import BedState
from domain.room.policies import RoomPolicy
from domain.source_visit import SourceKind as SourceMovementKind
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import CancellationReason, DischargePlan, Disposition, MovementDetail
from domain.stay.facts import Status as StayStatus
from domain.time import Precision
from infrastructure.queries.doses_due import DoseOrder, DoseStatus
from infrastructure.queries.patient_search import PatientOrder
from infrastructure.queries.stay_search import StayOrder
from infrastructure.queries.timeline_summaries import KINDS
from infrastructure.read_models.consults import ConsultStatus
from infrastructure.read_models.practitioners import PractitionerOrder
from infrastructure.read_models.timeline.queries import Reading, TimelineOrder

__all__ = [
    "AdmissionType",
    "AllergyAction",
    "AllergyKind",
    "AllergySeverity",
    "AllergyVerification",
    "ArrivalStatus",
    "BedState",
    "CancellationReason",
    "ClinicalWarning",
    "Confidentiality",
    "ConsultStatus",
    "DischargePlan",
    "Disposition",
    "DoseStatus",
    "EntryKind",
    "EntryStatus",
    "EventKind",
    "Grade",
    "LegalBasis",
    "MovementDetail",
    "OutsidePrescription",
    "PatientDetail",
    "Precision",
    "PrescriptionStatus",
    "Purpose",
    "Reading",
    "Role",
    "RoomPolicy",
    "Sex",
    "SourceMovementKind",
    "SourceMovementStatus",
    "StayStatus",
    "TimelineKind",
    "TimelineOrder",
    "UnprescribedBasis",
    "Urgency",
    "VisitKind",
]

for _kind, _name, _description in (
    (Sex, "Sex", "Administrative sex."),
    (PatientDetail, "PatientDetail", "A detail of a person that may be unknown."),
    (Purpose, "Purpose", "What patients' data are read for (after HL7 v3 PurposeOfUse)."),
    (Role, "Role", "The role of a login."),
    (Confidentiality, "Confidentiality", "Confidentiality label (HL7 v3)."),
    (LegalBasis, "LegalBasis", "Why a person's data are erased (GDPR article 17)."),
    (Grade, "Grade", "Seniority of a practitioner."),
    (Precision, "Precision", "How precisely a time is known."),
    (StayStatus, "StayStatus", "Where a stay stands at a moment."),
    (DischargePlan, "DischargePlan", "How far the discharge is planned."),
    (Disposition, "Disposition", "Where the patient went at discharge."),
    (MovementDetail, "MovementDetail", "A detail of a movement that may be unknown."),
    (
        CancellationReason,
        "Because",
        "Why a fact is taken back, which decides what the past becomes.",
    ),
    (EntryKind, "LateEntryKind", "What may be entered late together with corrections."),
    (SourceMovementKind, "SourceMovementKind", "What another system may report."),
    (Reading, "TimelineReading", "How a timeline is read."),
    (AdmissionType, "AdmissionType", "How the patient came in."),
    (VisitKind, "VisitKind", "The kind of a visit."),
    (ConsultStatus, "ConsultStatus", "What became of a consult that was asked for."),
    (ArrivalStatus, "ArrivalStatus", "What became of an expected arrival, at a moment."),
    (Urgency, "Urgency", "How soon a bed is needed (FHIR request-priority)."),
    (AllergyAction, "AllergyAction", "What another system says that is done to an allergy."),
    (AllergyKind, "AllergyKind", "The kind of a hypersensitivity."),
    (AllergySeverity, "AllergySeverity", "How severe the reaction is."),
    (AllergyVerification, "AllergyVerification", "How certain an allergy is."),
    (ClinicalWarning, "ClinicalWarning", "A warning that has to be confirmed, with a reason."),
    (StayOrder, "StayOrder", "The order of stays."),
    (PatientOrder, "PatientOrder", "The order of patients."),
    (PractitionerOrder, "PractitionerOrder", "The order of practitioners."),
    (TimelineOrder, "TimelineOrder", "The order of a timeline."),
    (DoseOrder, "DoseOrder", "The order of the doses that are due."),
    (DoseStatus, "DoseStatus", "How a dose that is due stands at a moment."),
    (RoomPolicy, "RoomPolicy", "What a room asks of its patients."),
    (BedState, "BedState", "What a bed is at a moment."),
    (PrescriptionStatus, "PrescriptionStatus", "Where a prescription stands at a moment."),
    (UnprescribedBasis, "UnprescribedBasis", "On what a dose was given without a prescription."),
    (OutsidePrescription, "OutsidePrescription", "Why a dose lies outside its prescription."),
):
    strawberry.enum(_kind, name=_name, description=_description)


@strawberry.enum(description="What became of a fact.")
class EntryStatus(DescribedEnum):
    TRUE = "TRUE", "It is held to be so."
    CORRECTED = "CORRECTED", "Another entry has put it right."
    CANCELLED = "CANCELLED", "It was taken back."
    PENDING = "PENDING", "Another system reports it, and it does not fit the record yet."


@strawberry.enum(description="What became of a movement that another system reports.")
class SourceMovementStatus(DescribedEnum):
    RECORDED = "RECORDED", "It fits, and is held to be so."
    CANCELLED = "CANCELLED", "The other system took it back."
    PENDING = "PENDING", "It does not fit yet, and is tried again."


class TimelineKind(DescribedEnum):
    """The kinds of timeline entries: one for each type of event that has a summary."""

    _ignore_ = ["kind", "event"]
    for kind, event in KINDS.items():
        locals()[kind] = kind, event.DESCRIPTION


strawberry.enum(TimelineKind, description="What kind of fact an entry is.")


class EventKind(DescribedEnum):
    """The kinds of the feed's events, one for each public type; the value is the internal topic."""

    _ignore_ = ["public"]
    for public in PUBLIC:
        locals()[public.kind] = public.topic, public.event.DESCRIPTION


strawberry.enum(
    EventKind, description="What an event of the feed tells: one for each of its types."
)
