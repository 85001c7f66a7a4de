"""Commands about patients: registration, death, emergency access."""

from datetime import date
from uuid import UUID

from application import lookups, persons
from application.authorization.roles import (
    EMERGENCY_ACCESS,
    FRONT_DESK,
    PATIENT_FLOW,
)
from application.command_group import CommandGroup, command
from application.commands.hospital_calendar import today
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.break_glass import EmergencyAccess
from domain.envelope import About
from domain.patient import Confidentiality, Patient, Sex
from domain.refusals import AlreadyExists, ContradictsLaterFacts, InvalidInput, PatientDied


class Patients(CommandGroup):
    """The people who are known to the hospital."""

    @command(roles=PATIENT_FLOW, raises=(AlreadyExists,))
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
    ) -> None:
        """Make a person known. Without names: not identified yet; the MRN is then a temporary one.

        Raises AlreadyExists if the MRN is taken within its authority.
        """
        authority = mrn_authority or self.rules.mrn_authority
        if birth_date is not None and birth_date > today(uow):
            raise InvalidInput("birth_date", "it lies in the future")
        if self.record.owner(*unique_keys.mrn(authority, mrn)) is not None:
            raise AlreadyExists("patient with MRN", mrn, "mrn")
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

        Raises ReasonNeeded. Each reading that follows says that the glass was broken.
        """
        authority = mrn_authority or self.rules.mrn_authority
        patient = lookups.patient(uow, patient_mrn, authority, in_scope=False)
        assert patient.about is not None
        (glass,) = uow.load(EmergencyAccess, EmergencyAccess.id_for(uow.entry.recorded_by))
        glass.break_for(patient.about, hours, uow.now, uow.entry)

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

        Raises PatientDied if it is known already, ContradictsLaterFacts if clinical facts lie after.
        """
        if (patient_mrn is None) == (stay_id is None):
            raise InvalidInput("patient_mrn", "name the patient by `patient_mrn` or by `stay_id`")
        at = uow.entry.occurred_at
        if stay_id is not None:
            patient = lookups.patient_of(uow, lookups.stay(uow, stay_id))
        else:
            assert patient_mrn is not None
            patient = lookups.patient(uow, patient_mrn, mrn_authority)
        stays = persons.stays_of(uow, persons.person_of(uow, patient.id))
        for stay in stays:
            stay.must_outlive(at)
            for prescription in lookups.prescriptions_of(uow, stay):
                prescription.must_outlive(at)
        here = [s.id for s in stays if s.history.includes(at)]
        died_at = persons.died_at(uow, patient.id)
        if died_at is not None:
            raise PatientDied(died_at)
        patient.die(here[0] if here else None, uow.entry)
