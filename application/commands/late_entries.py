"""Parts of a command that puts several facts right: corrections, cancels, and late entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from msgspec.structs import replace

from application import lookups, persons
from application.command import reason_needed, utc
from application.commands.stays import admit, past_moment
from application.stay_end import discharge_stay
from application.unit_of_work import UnitOfWork
from domain.described_enum import DescribedEnum
from domain.envelope import Envelope
from domain.problems import Problem
from domain.refusals import InvalidInput
from domain.stay.aggregate import Stay
from domain.stay.facts import (
    Admission,
    AdmissionType,
    CancellationReason,
    DischargePlan,
    Disposition,
    MovementDetail,
)
from domain.time import Precision, in_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A movement was otherwise; what is absent stays as it was recorded."""

    movement_id: UUID
    occurred_at: datetime | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None
    admission_type: AdmissionType | None = None
    decided_to_admit_at: datetime | None = None
    attending: str | None = None
    specialty: str | None = None
    keep_bed: bool | None = None
    expected_return: datetime | None = None
    plan: DischargePlan | None = None
    expected_at: datetime | None = None
    disposition: Disposition | None = None
    destination: str | None = None
    departed_at: datetime | None = None
    unknown: Sequence[MovementDetail] | None = None
    occurred_at_precision: Precision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A movement is taken back. Reversed at ``occurred_at``, another place may be named."""

    movement_id: UUID
    because: CancellationReason
    occurred_at: datetime | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    without_bed: str | None = None
    occurred_at_precision: Precision | None = None


ERROR_ONLY = "what was done was done; only what was entered in error can be cancelled here"


class Timed(Protocol):
    """A part of a command that may say its own time."""

    @property
    def occurred_at(self) -> datetime | None: ...

    @property
    def occurred_at_precision(self) -> Precision | None: ...


class EntryKind(DescribedEnum):
    """Kind of a fact that may be entered late together with corrections."""

    TRANSFER = "TRANSFER", "A move to another bed."
    START_LEAVE = "START_LEAVE", "The patient left for a while."
    END_LEAVE = "END_LEAVE", "The patient came back from leave."
    ADMISSION = "ADMISSION", "An admission, with its discharge if the patient has left."
    DISCHARGE = "DISCHARGE", "A discharge."


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEntry:
    """A movement that was never entered, or in the place of one that is cancelled.

    Without ``stay_id`` it is of the stay that this command opens for that patient.
    """

    stay_id: UUID | None = None
    kind: EntryKind = EntryKind.TRANSFER
    occurred_at: datetime
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None
    keep_bed: bool = True
    patient_mrn: str | None = None
    mrn_authority: str | None = None
    admission_type: AdmissionType | None = None
    decided_to_admit_at: datetime | None = None
    attending: str | None = None
    specialty: str | None = None
    discharged_at: datetime | None = None
    disposition: Disposition | None = None
    destination: str | None = None
    occurred_at_precision: Precision | None = None


def details_of(uow: UnitOfWork, right: Correction) -> dict[str, Any]:
    """Return the details of a correction beside time and place, by the fields of the movement's event.

    None of what is unknown. Raises InvalidInput for what is said, too.
    """
    details = {
        "admission_type": right.admission_type,
        "decided_to_admit_at": past_moment(uow, right.decided_to_admit_at, "decided_to_admit_at"),
        "attending": lookups.practitioner_if_named(uow, right.attending, "attending"),
        "specialty": right.specialty,
        "keeps_bed": right.keep_bed,
        "expected_return": utc(right.expected_return, "expected_return"),
        "plan": right.plan,
        "expected_at": utc(right.expected_at, "expected_at"),
        "disposition": right.disposition,
        "destination": right.destination,
        "departed_at": past_moment(uow, right.departed_at, "departed_at"),
    }
    known_details = {field: value for field, value in details.items() if value is not None}
    unknown_fields = [detail.value.lower() for detail in right.unknown or ()]
    for field in unknown_fields:
        if field in known_details or getattr(right, field) is not None:
            raise InvalidInput("unknown", "what is said is not unknown")
    return {**known_details, **dict.fromkeys(unknown_fields)}


def enter(uow: UnitOfWork, entries: Sequence[LateEntry]) -> None:
    """Enter movements late: admissions first, since others may be of the stays that they open."""
    new_stays: dict[UUID, Stay] = {}
    numbers = {id(late): number for number, late in enumerate(entries)}
    for number, late in enumerate(entries):
        if late.kind is EntryKind.ADMISSION:
            stay = _admit(uow, late, number)
            assert stay.patient is not None
            if stay.patient in new_stays:
                raise InvalidInput(
                    "entries", "one command opens one stay of a patient; enter the other by itself"
                )
            new_stays[stay.patient] = stay
    last = EntryKind.DISCHARGE
    others = [late for late in entries if late.kind is not EntryKind.ADMISSION]
    for late in sorted(others, key=lambda late: late.kind is last):
        entry = entry_of(uow, late, f"entries {numbers[id(late)]}")
        _enter(uow, late, _stay_of(uow, late, new_stays), entry)


def _admit(uow: UnitOfWork, late: LateEntry, number: int) -> Stay:
    if late.stay_id is not None:
        raise InvalidInput("stay_id", "an admission opens a stay; name the patient instead")
    if late.patient_mrn is None or late.admission_type is None:
        field = "patient_mrn" if late.patient_mrn is None else "admission_type"
        raise InvalidInput(field, "an admission names the patient, and how they came in")
    with uow.use_entry(entry_of(uow, late, f"entries {number}")):
        return admit(
            uow,
            f"stay {number}",
            lookups.patient(uow, late.patient_mrn, late.mrn_authority),
            late.admission_type,
            lookups.place(
                uow, late.ward, late.room, late.bed, late.shares_bed_of, late.without_bed
            ),
            attending=late.attending,
            specialty=late.specialty,
            decided_to_admit_at=late.decided_to_admit_at,
            discharged_at=late.discharged_at,
            disposition=late.disposition,
            destination=late.destination,
        )


def _stay_of(uow: UnitOfWork, late: LateEntry, new_stays: dict[UUID, Stay]) -> Stay:
    """Return the stay that a late entry is of: the named one, or the one that is opened with it."""
    if late.stay_id is not None:
        return lookups.stay(uow, late.stay_id)
    if late.patient_mrn is not None:
        patient = lookups.patient(uow, late.patient_mrn, late.mrn_authority)
        new_stays = {id: stay for id, stay in new_stays.items() if id == patient.id}
    if len(new_stays) != 1:
        raise InvalidInput("stay_id", "name the stay, or the patient who is admitted with it")
    (stay,) = new_stays.values()
    return stay


def _enter(uow: UnitOfWork, late: LateEntry, stay: Stay, entry: Envelope) -> None:
    place = lookups.place(uow, late.ward, late.room, late.bed, late.shares_bed_of, late.without_bed)
    died_at = persons.recorded_death_at(uow, stay.patient)
    match late.kind:
        case EntryKind.TRANSFER:
            if place is None:
                raise InvalidInput("bed", "name a bed, or a place without one")
            stay.transfer(place, entry)
        case EntryKind.START_LEAVE:
            stay.start_leave(late.keep_bed, None, entry, died_at)
        case EntryKind.END_LEAVE:
            stay.end_leave(place, entry, died_at)
        case EntryKind.DISCHARGE:
            if late.disposition is None:
                raise InvalidInput("disposition", "a discharge says where the patient went")
            with uow.use_entry(entry):
                discharge_stay(uow, stay, late.disposition, late.destination)


def in_order(uow: UnitOfWork, cancels: Sequence[Cancel]) -> list[Cancel]:
    """Return cancels with those of admissions last: a discharge may be taken back beside them."""

    def is_of_admission(cancel: Cancel) -> bool:
        stays = uow.load(Stay, *uow.streams_of(cancel.movement_id))
        return any(isinstance(s.history.fact(cancel.movement_id), Admission) for s in stays)

    return sorted(cancels, key=is_of_admission)


def entry_of(uow: UnitOfWork, part: Cancel | LateEntry, name: str) -> Envelope:
    """Return the command's entry, at the time of one of its several facts. ``name``: the part's."""
    precision = part.occurred_at_precision or uow.entry.precision
    moment = moment_of(uow, part, name, precision)
    if moment is None:
        return uow.entry
    return replace(uow.entry, occurred_at=moment, precision=precision)


def moment_of(uow: UnitOfWork, part: Timed, name: str, precision: Precision) -> datetime | None:
    """Return the moment at which one of a command's several facts is held; None: it says none."""
    if part.occurred_at is None:
        return None
    return uow.times.note(name, uow.check_time(in_utc(part.occurred_at, "occurred_at")), precision)


def corrected_moment_of(
    uow: UnitOfWork, part: Timed, name: str
) -> tuple[datetime | None, Precision | None]:
    """Return the right time and precision of one of a command's several facts, as far as it says."""
    precision = part.occurred_at_precision or (Precision.MINUTE if part.occurred_at else None)
    return moment_of(uow, part, name, precision or Precision.MINUTE), precision


def entered_in_error_only(uow: UnitOfWork, because: CancellationReason | None) -> None:
    """Refuse a cancel without a reason, or of something that was really done."""
    reason_needed(uow.entry, Problem.CANCEL)
    if because is CancellationReason.DECISION_REVERSED:
        raise InvalidInput("because", ERROR_ONLY)
