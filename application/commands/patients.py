"""Commands about patients: registration, death, emergency access."""

from datetime import date, datetime
from uuid import UUID

from application import lookups, persons
from application.authorization import scope
from application.authorization.roles import (
    EMERGENCY_ACCESS,
    FRONT_DESK,
    PATIENT_FLOW,
)
from application.command_group import CommandGroup, command, correction
from application.commands.late_entries import entered_in_error_only
from application.hospital_days import span_of, today
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.break_glass import EmergencyAccess
from domain.envelope import About
from domain.likely_duplicates import LikelyDuplicates
from domain.patient import Confidentiality, Patient, Sex
from domain.refusals import (
    AlreadyExists,
    ContradictsLaterFacts,
    InvalidInput,
    NotFound,
    PatientDied,
)
from domain.stay.facts import CancellationReason, Disposition
from domain.things import Thing
from domain.time import corrected_time


class Patients(CommandGroup):
    """The people who are known to the hospital."""

    @command(roles=PATIENT_FLOW, raises=(AlreadyExists, LikelyDuplicates))
    def register_patient(
        self,
        uow: UnitOfWork,
        *,
        mrn: str,
        mrn_authority: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
        confidentiality: Confidentiality | None = None,
        despite_likely_duplicates: tuple[UUID, ...] | None = None,
    ) -> None:
        """Make a person known. Without names: not identified yet; the MRN is then a temporary one.

        ``despite_likely_duplicates``: the records that were shown as likely of the same person; who
        registers says that they are of another. Raises AlreadyExists if the MRN is taken within its
        authority; LikelyDuplicates where the house wants them named.
        """
        authority = mrn_authority or self.rules.mrn_authority
        if birth_date is not None and birth_date > today(uow):
            raise InvalidInput("birth_date", "it lies in the future")
        if uow.owner(unique_keys.mrn(authority, mrn)) is not None:
            raise AlreadyExists(Thing.PATIENT_WITH_MRN, mrn, "mrn")
        confirmed_ids, candidates = despite_likely_duplicates or (), list[UUID]()
        if self.rules.confirm_likely_duplicates and self.pipeline.find_duplicates:
            role = uow.entry.recorded_by.role
            candidates = self.pipeline.find_duplicates(
                family_name, given_name, birth_date, sex and sex.value, role
            )
        for duplicate in confirmed_ids:
            patient = uow.one(Patient, duplicate, "despite_likely_duplicates")
            if not scope.is_open(uow, patient):
                raise NotFound(Thing.PATIENT, str(duplicate), "despite_likely_duplicates")
        others = uow.load(Patient, *(c for c in candidates if c not in confirmed_ids))
        if rest := tuple(other.id for other in others if scope.is_open(uow, other)):
            raise LikelyDuplicates(rest)
        id = uow.entry.id_of("patient")
        patient = uow.new(Patient, "patient", About(patient=id, key_id=f"{id}/1"))
        patient.register(
            mrn,
            authority,
            family_name,
            given_name,
            birth_date,
            sex or Sex.UNKNOWN,
            confidentiality or Confidentiality.NORMAL,
            uow.entry,
            despite_likely_duplicates,
        )

    @command(roles=EMERGENCY_ACCESS)
    def break_glass(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        hours: int | None = None,
    ) -> None:
        """Open a patient's data to oneself for some hours (8), from now on, saying why.

        Raises ReasonNeeded. Each access record that follows says that access was opened so.
        """
        patient = lookups.patient(uow, patient_mrn, mrn_authority, in_scope=False)
        assert patient.about is not None
        (access,) = uow.load(EmergencyAccess, EmergencyAccess.id_for(uow.entry.recorded_by))
        access.grant(patient.about, hours, uow.now, uow.entry)

    @command(roles=FRONT_DESK, raises=(PatientDied, ContradictsLaterFacts))
    def record_death(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Record a death, at the time it occurred, of a patient named by MRN or by stay.

        A death that follows from a discharge as DIED gets its own, earlier time so. Raises PatientDied
        if it is known already, ContradictsLaterFacts if clinical facts lie after.
        """
        patient, at = _patient(uow, patient_mrn, mrn_authority, stay_id), uow.entry.occurred_at
        record_and_death, stay = persons.death_of(uow, patient.id), _stay_at(uow, patient, at)
        if record_and_death is None:
            patient.die(stay, uow.entry)
            return
        record, death = record_and_death
        first, last = span_of(uow, at, uow.entry.precision)[0], persons.span_of(uow, death)[1]
        if death.discharge is None or first > last:
            raise PatientDied(death.at)
        record.correct_death(at, uow.entry.precision, stay, uow.entry)

    @correction(roles=FRONT_DESK, raises=(ContradictsLaterFacts,))
    def correct_death(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Correct the time of a death, under whichever record of the person it was recorded.

        Raises ContradictsLaterFacts if clinical facts lie after it, or a discharge as DIED before.
        """
        patient, precision = (
            _patient(uow, patient_mrn, mrn_authority, stay_id),
            uow.times.corrected_precision,
        )
        for record in _dead_records(uow, patient, _field(stay_id)):
            assert record.death is not None
            at = corrected_time(uow.times.corrected_at, precision, record.death.at)
            if at is None:
                raise InvalidInput("occurred_at", "say when the patient died")
            stay = _stay_at(uow, patient, at)
            record.correct_death(at, precision, stay, uow.entry)

    @command(roles=FRONT_DESK)
    def cancel_death(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        stay_id: UUID | None = None,
        because: CancellationReason | None = None,
    ) -> None:
        """Take a death back that was entered in error, of all records of the person.

        One that follows from a discharge as DIED goes with that: it is refused, or is left after one
        that was told by itself.
        """
        entered_in_error_only(uow, because)
        patient = _patient(uow, patient_mrn, mrn_authority, stay_id)
        dead_records = _dead_records(uow, patient, _field(stay_id))
        recorded_deaths = [r for r in dead_records if r.death and r.death.discharge is None]
        for stay in persons.stays_of(uow, patient.id) if not recorded_deaths else ():
            end = stay.history.discharge
            if end and end.disposition is Disposition.DIED:
                raise InvalidInput(
                    _field(stay_id),
                    f"stay {stay.id} was discharged as DIED; cancel or correct that discharge, and"
                    " the death goes with it",
                )
        for record in recorded_deaths:
            record.cancel_death(uow.entry)


def _field(stay_id: UUID | None) -> str:
    return "patient_mrn" if stay_id is None else "stay_id"


def _patient(
    uow: UnitOfWork, patient_mrn: str | None, mrn_authority: str | None, stay_id: UUID | None
) -> Patient:
    """Return the patient that an input names by MRN or by stay. Raises InvalidInput."""
    if stay_id is not None and patient_mrn is None:
        return lookups.patient_of(uow, lookups.stay(uow, stay_id))
    if patient_mrn is not None and stay_id is None:
        return lookups.patient(uow, patient_mrn, mrn_authority)
    raise InvalidInput("patient_mrn", "name the patient by `patient_mrn` or by `stay_id`")


def _stay_at(uow: UnitOfWork, patient: Patient, at: datetime) -> UUID | None:
    """Return the stay that the person was in at a moment."""
    stays = persons.stays_of(uow, patient.id)
    return next((stay.id for stay in stays if stay.history.includes(at)), None)


def _dead_records(uow: UnitOfWork, patient: Patient, field: str) -> list[Patient]:
    """Return the records of a person that have the death. Raises InvalidInput if none has."""
    dead = [record for record in persons.records(uow, patient.id) if record.death]
    if not dead:
        raise InvalidInput(field, "no death of this patient is recorded")
    return dead
