"""Commands about patients, practitioners and the hospital's clock."""

from datetime import date, time
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from application.authorization.roles import (
    ADMINISTRATION,
    EMERGENCY_ACCESS,
    FRONT_DESK,
    PATIENT_FLOW,
    SYSTEMS,
)
from application.command_pipeline import CommandPipeline, command
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.break_glass import EmergencyAccess
from domain.envelope import About
from domain.hospital_calendar import CENSUS_TIME, HospitalCalendar
from domain.patient import Confidentiality, Patient, Sex
from domain.practitioner import Grade, Practitioner
from domain.refusals import AlreadyExists, ContradictsLaterFacts, InvalidInput, PatientDied

HOSPITAL_TIME = UUID("0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11")
"""The namespace of the streams that keep each hospital's own clock."""


class Registry(CommandPipeline):
    """Who is known: people, staff, and what time it is here."""

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
        if birth_date is not None and birth_date > self.today(uow):
            raise InvalidInput("birthDate", "it lies in the future")
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

    @command(roles=SYSTEMS, raises=(AlreadyExists,))
    def register_practitioner(
        self,
        uow: UnitOfWork,
        *,
        staff_number: str,
        family_name: str | None = None,
        given_name: str | None = None,
        grade: Grade | None = None,
        grade_from: date | None = None,
        specialty: str | None = None,
    ) -> None:
        """Make a practitioner known. Raises AlreadyExists if the staff number is taken."""
        if self.record.owner(*unique_keys.staff_number(staff_number)) is not None:
            raise AlreadyExists("practitioner with staff number", staff_number, "staffNumber")
        practitioner = uow.new(Practitioner, "practitioner")
        practitioner.register(
            staff_number,
            family_name,
            given_name,
            grade or Grade.OTHER,
            grade_from,
            specialty,
            uow.entry,
        )

    @command(roles=ADMINISTRATION)
    def set_hospital_time(
        self,
        uow: UnitOfWork,
        *,
        time_zone: str,
        census_time: time | None = None,
        valid_from: date | None = None,
    ) -> None:
        """Set the hospital's time zone (IANA name) and census time (local; default 23:59).

        ``valid_from`` is a local date and may lie ahead; absent: always was so.
        """
        self.clock(uow).set_time(time_zone, census_time or CENSUS_TIME, valid_from, uow.entry)

    def clock(self, uow: UnitOfWork) -> HospitalCalendar:
        """The hospital's own clock: its time zone and census time, from each day on."""
        return uow.load(HospitalCalendar, uuid5(HOSPITAL_TIME, self.rules.hospital))[0]

    def today(self, uow: UnitOfWork) -> date:
        """The day that it is now in the hospital."""
        zone = self.clock(uow).zone_on(uow.now.date())
        return uow.now.astimezone(zone).date()

    def zone(self) -> ZoneInfo:
        """The hospital's time zone today, for showing times."""
        clock = HospitalCalendar.empty(uuid5(HOSPITAL_TIME, self.rules.hospital))
        for event in self.record.streams({clock.id: 0}).get(clock.id, ()):
            event.mutate(clock)
        return clock.zone_on(self.record.preload(clock.id).now.date())

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
        patient = uow.patient(patient_mrn, authority, in_scope=False)
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
        """A death, at the time it occurred, of a patient named by MRN or by stay.

        Raises PatientDied if it is known already, ContradictsLaterFacts if clinical facts lie after.
        """
        if (patient_mrn is None) == (stay_id is None):
            raise InvalidInput("patientMrn", "name the patient by patientMrn or by stayId")
        at = uow.entry.occurred_at
        if stay_id is not None:
            patient = uow.patient_of(uow.stay(stay_id))
        else:
            assert patient_mrn is not None
            patient = uow.patient(patient_mrn, mrn_authority or self.rules.mrn_authority)
        stays = uow.stays_of(uow.person(patient.id))
        for stay in stays:
            stay.must_outlive(at)
            for prescription in uow.prescriptions_of(stay):
                prescription.must_outlive(at)
        here = [s.id for s in stays if s.history.includes(at)]
        died_at = uow.died_at(patient.id)
        if died_at is not None:
            raise PatientDied(died_at)
        patient.die(here[0] if here else None, uow.entry)
