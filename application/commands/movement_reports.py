"""Reports of movements as other systems give them, and what is stored of one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from application.command import utc
from application.unit_of_work import UnitOfWork
from domain.allergies import AllergyAction, AllergySeverity, Substance, ToldAllergy
from domain.patient import PatientDetail, Sex
from domain.room.aggregate import BedState
from domain.source_visit import PatientDetails, SourceKind, SourceMovement
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import Precision, in_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientReport:
    """A patient as far as another system knows one; to be registered if unknown here."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    unknown: Sequence[PatientDetail] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllergyReport:
    """An allergy as another system tells it: new, put right or deleted."""

    substance: Substance
    action: AllergyAction
    severity: AllergySeverity | None = None
    reaction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementReport:
    """A movement as another system reports it; ``occurred_at`` is the command's own, if absent."""

    kind: SourceKind
    occurred_at: datetime | None = None
    patient_mrn: str | None = None
    mrn_authority: str | None = None
    admission_type: AdmissionType | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    without_bed: str | None = None
    keep_bed: bool = True
    disposition: Disposition | None = None
    destination: str | None = None
    attending: str | None = None
    specialty: str | None = None
    occurred_at_precision: Precision | None = None
    patient: PatientReport | None = None
    former_mrn: str | None = None
    former_mrn_authority: str | None = None
    expected_at: datetime | None = None
    bed_state: BedState | None = None
    allergy: AllergyReport | None = None


def movement_of(uow: UnitOfWork, report: MovementReport) -> SourceMovement:
    """Return the movement of a report, as it is stored. Raises InFuture, InvalidInput."""
    at = report.occurred_at
    occurred_at = uow.entry.occurred_at if at is None else in_utc(at, "occurred_at")
    uow.check_time(occurred_at)
    return SourceMovement(
        kind=report.kind,
        occurred_at=occurred_at,
        patient_mrn=report.patient_mrn,
        mrn_authority=report.mrn_authority,
        admission_type=report.admission_type,
        ward=report.ward,
        room=report.room,
        bed=report.bed,
        without_bed=report.without_bed,
        keep_bed=report.keep_bed,
        disposition=report.disposition,
        destination=report.destination,
        attending=report.attending,
        specialty=report.specialty,
        precision=report.occurred_at_precision,
        patient=_patient_of(report.patient),
        former_mrn=report.former_mrn,
        former_mrn_authority=report.former_mrn_authority,
        expected_at=utc(report.expected_at, "expected_at"),
        bed_state=report.bed_state,
        allergy=_allergy_of(report.allergy),
    )


def _allergy_of(report: AllergyReport | None) -> ToldAllergy | None:
    if report is None:
        return None
    return ToldAllergy(
        substance=report.substance,
        action=report.action,
        severity=report.severity,
        reaction=report.reaction,
    )


def _patient_of(report: PatientReport | None) -> PatientDetails | None:
    if report is None:
        return None
    unknown = tuple(dict.fromkeys(report.unknown or ()))
    return PatientDetails(**{**asdict(report), "unknown": unknown})
