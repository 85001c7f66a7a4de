"""The lives of the persons whom a command touches: nothing before birth, nothing after death.

A discharge as DIED and the fact of death agree: a death that was not told by itself follows from the
discharge, as that is held after the command, and goes with it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application import hospital_days, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.allergies import Allergy
from domain.fact_ref import FactKind, FactRef
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MergeImpossible,
    PatientDied,
    Refusal,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import Discharge, Disposition
from domain.stay.history import History
from domain.time import is_later


def check_life_consistency(uow: UnitOfWork) -> None:
    """Let deaths follow discharges, and refuse a life that contradicts what was recorded in it."""
    patient_events = [
        (a, e) for a in uow.loaded.values() if isinstance(a, Patient) for e in a.pending_events
    ]
    _check_persons(uow, patient_events)
    if any(isinstance(e, Patient.Unmerged) for _, e in patient_events):
        records = [a for a in uow.loaded.values() if isinstance(a, Patient) and a.exists]
        for person in _persons_of(uow, records):
            _let_death_follow(uow, person)
    for patient in [a for a, e in patient_events if isinstance(e, BEGINNINGS)]:
        _check_allergies_in_life(uow, patient)
    for prescription in list(uow.loaded.values()):
        if isinstance(prescription, Prescription) and _is_written(prescription):
            _check_born(uow, prescription.patient, _ordered_at(prescription), _at_occurred_at)
    for stay in _stays(uow):
        _check_admission(uow, stay)


BEGINNINGS = (Patient.AllergyRecorded, Patient.AllergyCorrected)
"""Events that tell since when a person has something."""

DEATHS = (Patient.Died, Patient.DeathCorrected, Patient.DeathCancelled)

Refusing = Callable[[str, tuple[UUID, ...]], Refusal]
"""Makes the refusal that names the input at fault, of what is wrong and in which stays."""


def _check_persons(uow: UnitOfWork, patient_events: Sequence[tuple[Patient, object]]) -> None:
    """Check the persons of whom a birth, a death, an allergy, a merge or the end of a stay is told."""
    for refusing, patients, deaths_too in (
        (_at_birth_date, [a for a, e in patient_events if _tells_birth(e)], False),
        (_at_occurred_at, [a for a, e in patient_events if isinstance(e, BEGINNINGS)], False),
        (_at_merge, [a for a, e in patient_events if isinstance(e, Patient.Merged)], True),
        (_at_occurred_at, [a for a, e in patient_events if isinstance(e, DEATHS)], True),
        (_at_occurred_at, [p for s in _stays(uow) if _ends(uow, s) for p in _of(uow, s)], True),
    ):
        for person in _persons_of(uow, patients):
            if deaths_too:
                _let_death_follow(uow, person)
            _check_person(uow, person, refusing, deaths_too)


def _check_admission(uow: UnitOfWork, stay: Stay) -> None:
    """Check the beginning of a stay, and the decision to admit, against the birth."""
    if stay.patient is None:
        return
    before, now = uow.before[stay.id].history, stay.history
    presence_before, presence = before.presence, now.presence
    if presence and (presence_before is None or presence_before.start != presence.start):
        _check_born(uow, stay.patient, presence.start, _at_occurred_at)
    decided_at, is_moved = _decided_at(now), uow.went_to_another(stay)
    if decided_at and (is_moved or decided_at != _decided_at(before)):
        _check_born(uow, stay.patient, decided_at, _at_occurred_at if is_moved else _at_decision)


def _persons_of(uow: UnitOfWork, patients: Iterable[Patient]) -> Iterable[UUID]:
    """Return the persons of records, each once."""
    return dict.fromkeys(persons.person_of(uow, p.id) for p in patients)


def _stays(uow: UnitOfWork) -> list[Stay]:
    return [s for s in list(uow.loaded.values()) if isinstance(s, Stay) and s.pending_events]


def _ends(uow: UnitOfWork, stay: Stay) -> bool:
    """Return whether a stay is new, or ends otherwise than before the command."""
    before = uow.before[stay.id].history
    moving_stay = uow.went_to_another(stay)
    return moving_stay or before.admission is None or before.discharge != stay.history.discharge


def _of(uow: UnitOfWork, stay: Stay) -> list[Patient]:
    """Return the patient of a stay, after the one that it was moved away from."""
    before = uow.before[stay.id].patient
    patients_before = [uow.one(Patient, before, "stay_id")] if before else []
    return [*patients_before, lookups.patient_of(uow, stay)]


def _discharge_by_death(stay: Stay) -> Discharge | None:
    """Return the discharge of a stay, if it was as DIED."""
    end = stay.history.discharge
    return end if end and end.disposition is Disposition.DIED else None


def _let_death_follow(uow: UnitOfWork, person: UUID) -> None:
    """Record, correct or take back the death that follows from a discharge as DIED."""
    death_before = persons.death_of(uow, person)
    deaths = [
        (d.at, str(d.id), d, s)
        for s in persons.stays_of(uow, person)
        if (d := _discharge_by_death(s))
    ]
    first = min(deaths, default=None, key=lambda death: death[:2])
    if death_before and death_before[1].discharge is None:
        first = None  # it was told by itself; none follows
    for record in persons.records(uow, person):
        death = record.death
        if death is None or death.discharge is None:
            continue
        if first is None or first[3].patient != record.id:
            record.cancel_death(uow.entry)
        elif (death.at, death.precision, death.discharge) != (
            first[0],
            first[2].precision,
            first[2].id,
        ):
            record.correct_death(first[0], first[2].precision, first[3].id, uow.entry, first[2].id)
    if first and (record := lookups.patient_of(uow, first[3])).death is None:
        entry = replace(uow.entry, occurred_at=first[0], precision=first[2].precision)
        record.die(first[3].id, entry, first[2].id)


def _check_person(uow: UnitOfWork, person: UUID, refusing: Refusing, deaths_too: bool) -> None:
    """Check all stays and prescriptions of a person against birth and death."""
    stays = persons.stays_of(uow, person)
    starts = [stay.history.presence.start for stay in stays if stay.history.presence]
    if refusing is not _at_occurred_at:
        starts += [at for stay in stays if (at := _decided_at(stay.history))]
    starts += [allergy.at for allergy in persons.allergies_of(uow, person)]
    if refusing is _at_birth_date:
        orders = [p for stay in stays for p in lookups.prescriptions_of(uow, stay)]
        starts += [_ordered_at(order) for order in orders]
    if starts:
        _check_born(uow, person, min(starts), refusing)
    record_and_death = persons.death_of(uow, person)
    if record_and_death is None:
        return
    record, death = record_and_death
    first, last = persons.span_of(uow, death)
    _check_born(uow, person, last, refusing)
    if not deaths_too:
        return
    for stay in stays:
        end = _discharge_by_death(stay)
        if end and is_later(first, hospital_days.span_of(uow, end.at, end.precision)[1]):
            ref = FactRef(record.id, FactKind.DEATH, death.at, stay.id)
            raise ContradictsLaterFacts((ref, stay.history.ref(end)))
        if end:
            _check_last(uow, stay, end, stays)
        stay.must_outlive(last)
        for prescription in lookups.prescriptions_of(uow, stay):
            prescription.must_outlive(last)
    if allergies := _begun_after(uow, persons.allergies_of(uow, person), last):
        raise ContradictsLaterFacts(tuple(FactRef(a.id, FactKind.ALLERGY, a.at) for a in allergies))


def _check_last(uow: UnitOfWork, stay: Stay, end: Discharge, stays: Iterable[Stay]) -> None:
    """Refuse a stay after one that ended with the death, also in its minute.

    Where only the day of one is known, it may have been before. Raises PatientDied where this command
    tells the later one, ContradictsLaterFacts where the end.
    """
    last = hospital_days.span_of(uow, end.at, end.precision)[1]
    for other in stays:
        later, presence = other.history.presence, stay.history.presence
        if other.id == stay.id or not later or not presence or later.start < last:
            continue
        if later.end is not None and later.end <= presence.start:
            continue  # both lasted no time, one after the other
        admission = other.history.admission
        assert admission is not None
        if hospital_days.span_of(uow, admission.at, admission.precision)[0] < last:
            continue
        if admission != uow.before[other.id].history.admission or uow.went_to_another(other):
            raise PatientDied(end.at)
        raise ContradictsLaterFacts((other.history.ref(admission),))


def _begun_after(uow: UnitOfWork, allergies: Iterable[Allergy], at: datetime) -> list[Allergy]:
    """Return the allergies that can only have begun after a moment."""
    return [a for a in allergies if is_later(hospital_days.span_of(uow, a.at, a.precision)[0], at)]


def _check_allergies_in_life(uow: UnitOfWork, patient: Patient) -> None:
    """Refuse an allergy that this command lets begin after the patient's death. Raises PatientDied."""
    died_at = persons.died_at(uow, patient.id)
    beginnings = [e for e in patient.pending_events if isinstance(e, BEGINNINGS)]
    allergies = [patient.allergies[e.allergy] for e in beginnings if e.allergy in patient.allergies]
    if died_at is not None and _begun_after(uow, allergies, died_at):
        raise PatientDied(died_at)


def _is_written(prescription: Prescription) -> bool:
    """Return whether a command writes a prescription, or corrects what was written."""
    orders = (Prescription.Written, Prescription.WrittenCorrected)
    return any(isinstance(event, orders) for event in prescription.pending_events)


def _ordered_at(prescription: Prescription) -> datetime:
    """Return the time when a prescription was written, or begins, if that is earlier."""
    course = prescription.course
    return min(course.written_at, course.regimen.start)


def _decided_at(history: History) -> datetime | None:
    """Return the time when it was decided to admit, if that is known."""
    return history.admission.decided_to_admit_at if history.admission else None


def _check_born(uow: UnitOfWork, patient: UUID, at: datetime, refusing: Refusing) -> None:
    birth_date = persons.born_on(uow, patient)
    if birth_date and at < hospital_days.midnight(uow, birth_date):
        stays = tuple(s.id for s in persons.stays_of(uow, patient))
        raise refusing(
            f"the birth date is {birth_date}, and {at.isoformat()} lies before it;"
            " correct the one that is wrong",
            stays,
        )


def _tells_birth(event: object) -> bool:
    return isinstance(event, Patient.DetailsCorrected) and event.birth_date is not None


def _at_birth_date(reason: str, stays: tuple[UUID, ...]) -> Refusal:
    return InvalidInput("birth_date", reason)


def _at_decision(reason: str, stays: tuple[UUID, ...]) -> Refusal:
    return InvalidInput("decided_to_admit_at", reason)


def _at_merge(reason: str, stays: tuple[UUID, ...]) -> Refusal:
    return MergeImpossible(Problem.OUTSIDE_LIFE, reason, stays)


def _at_occurred_at(reason: str, stays: tuple[UUID, ...]) -> Refusal:
    return InvalidInput("occurred_at", reason)
