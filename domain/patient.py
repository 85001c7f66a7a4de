"""A patient: a person, known by a medical record number (MRN) of an assigning authority."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.aggregate import Aggregate, Event, event
from domain.entry import Code, Entry, Sealed
from domain.refusals import PatientDied


class Sex(StrEnum):
    """Administrative sex (HL7 table 0001, FHIR administrative-gender)."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class Confidentiality(StrEnum):
    """Confidentiality label (HL7 v3 Confidentiality: N, R, V)."""

    NORMAL = "NORMAL"
    RESTRICTED = "RESTRICTED"
    VERY_RESTRICTED = "VERY_RESTRICTED"


class Patient(Aggregate):
    """Registration, details and death of a person."""

    TOPIC = "patient"

    class Registered(Event):
        """Names and birth date are absent for a patient who is not identified yet."""

        TOPIC = "patient.registered"
        mrn: Code
        mrn_authority: Code
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: date | None
        sex: Sex
        confidentiality: Confidentiality

    class Died(Event):
        """The death, a fact with its own time. ``stay`` where it occurred in the hospital."""

        TOPIC = "patient.died"
        stay: UUID | None

    def __init__(self) -> None:
        self.birth_date: date | None = None
        self.sex = Sex.UNKNOWN
        self.died_at: datetime | None = None

    # -- decide --

    def register(
        self,
        mrn: str,
        mrn_authority: str,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: Sex,
        confidentiality: Confidentiality,
        entry: Entry,
    ) -> None:
        self._registered(
            mrn=mrn,
            mrn_authority=mrn_authority,
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            sex=sex,
            confidentiality=confidentiality,
            entry=entry,
        )

    def die(self, stay: UUID | None, entry: Entry) -> None:
        if self.died_at is not None:
            raise PatientDied(self.died_at)
        self._died(stay=stay, entry=entry)

    # -- evolve --

    @event(Registered)
    def _registered(
        self,
        mrn: str,
        mrn_authority: str,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: Sex,
        confidentiality: Confidentiality,
        entry: Entry,
    ) -> None:
        self.mrn, self.mrn_authority = mrn, mrn_authority
        self.family_name, self.given_name = family_name, given_name
        self.birth_date, self.sex = birth_date, sex
        self.confidentiality = confidentiality

    @event(Died)
    def _died(self, stay: UUID | None, entry: Entry) -> None:
        self.died_at = entry.occurred_at
