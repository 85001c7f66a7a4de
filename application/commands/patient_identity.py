"""Commands about who is who: details that were wrong or have changed, records of one person."""

from datetime import date
from itertools import product
from uuid import UUID

from application import lookups, persons
from application.authorization import scope
from application.authorization.roles import DEMOGRAPHICS, RECORDS_OFFICE
from application.command import reason_needed
from application.command_group import CommandGroup, command, correction
from application.hospital_days import midnight, today
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.patient import Confidentiality, Patient, PatientDetail, Sex
from domain.problems import Problem
from domain.refusals import (
    AlreadyExists,
    ContradictsLaterFacts,
    InvalidInput,
    MergeImpossible,
    MovementNotFound,
)
from domain.text import code
from domain.things import Thing


class PatientIdentity(CommandGroup):
    """Details of people, and links between their records."""

    @command(roles=DEMOGRAPHICS, raises=(AlreadyExists,))
    def correct_patient_details(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        mrn: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
        confidentiality: Confidentiality | None = None,
        valid_from: date | None = None,
        new_mrn_authority: str | None = None,
        unknown: list[PatientDetail] | None = None,
    ) -> None:
        """Correct details for always (a typo, a name found out), or from ``valid_from`` on.

        ``valid_from`` is a day of the hospital's calendar. ``mrn`` is the right number, assigned by
        ``new_mrn_authority``; ``unknown``: what was told of these details was wrong, and nobody knows
        what is right. Raises AlreadyExists if the number is taken.
        """
        reason_needed(uow.entry, Problem.CORRECTION)
        authority = mrn_authority or self.rules.mrn_authority
        patient = lookups.patient(uow, patient_mrn, authority)
        if birth_date is not None and birth_date > today(uow):
            raise InvalidInput("birth_date", "it lies in the future")
        details = {"BIRTH_DATE": birth_date, "FAMILY_NAME": family_name, "GIVEN_NAME": given_name}
        if any(details[detail.value] is not None for detail in unknown or ()):
            raise InvalidInput("unknown", "give the detail, or say that it is unknown")
        if new_mrn_authority is not None:
            authority, mrn = new_mrn_authority, mrn or patient.mrn
        if mrn is not None:
            owner = self.record.owner(*unique_keys.mrn(authority, mrn))
            is_same = (code(authority), code(mrn)) == (patient.mrn_authority, patient.mrn)
            if owner == patient.id and is_same:
                mrn = None
            elif owner == patient.id:
                uow.owners[unique_keys.mrn(authority, mrn)] = owner  # another spelling of its own
            elif owner is not None:
                raise AlreadyExists(Thing.PATIENT_WITH_MRN, mrn, "mrn")
        patient.correct_details(
            midnight(uow, valid_from) if valid_from else None,
            uow.entry,
            mrn=mrn,
            mrn_authority=authority if mrn else None,
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            sex=sex,
            confidentiality=confidentiality,
            unknown=tuple(dict.fromkeys(unknown)) if unknown else None,
        )

    @correction(roles=DEMOGRAPHICS, own_times=("new_valid_from",))
    def correct_patient_change(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        valid_from: date,
        new_valid_from: date | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        sex: Sex | None = None,
        confidentiality: Confidentiality | None = None,
    ) -> None:
        """Correct what changed from ``valid_from`` on, or that it did from ``new_valid_from`` on."""
        patient = lookups.patient(uow, patient_mrn, mrn_authority)
        patient.correct_change(
            midnight(uow, valid_from),
            midnight(uow, new_valid_from) if new_valid_from else None,
            uow.entry,
            family_name=family_name,
            given_name=given_name,
            sex=sex,
            confidentiality=confidentiality,
        )

    @correction(roles=DEMOGRAPHICS, own_times=())
    def cancel_patient_change(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        valid_from: date,
    ) -> None:
        """Take back what was told to change from a day on: it did not."""
        patient = lookups.patient(uow, patient_mrn, mrn_authority)
        patient.cancel_change(midnight(uow, valid_from), uow.entry)

    @command(roles=RECORDS_OFFICE, raises=(MergeImpossible, ContradictsLaterFacts))
    def merge_patients(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        into_mrn: str,
        into_mrn_authority: str | None = None,
    ) -> None:
        """Link two records of one person: reading follows the link, and nothing is moved.

        Raises MergeImpossible, naming the stays, if the person would be in two at once.
        """
        reason_needed(uow.entry, Problem.MERGE)
        record = lookups.patient(uow, patient_mrn, mrn_authority)
        into = lookups.patient(uow, into_mrn, into_mrn_authority, field="into_mrn")
        merge_records(uow, record, into)

    @command(roles=RECORDS_OFFICE, raises=(MovementNotFound,))
    def unmerge_patients(self, uow: UnitOfWork, *, merge_id: UUID) -> None:
        """Take back the merge of two persons, so that exactly what was is again."""
        reason_needed(uow.entry, Problem.UNMERGE)
        patients = uow.load(Patient, *uow.streams_of(merge_id))
        if not patients or not patients[0].exists:
            raise MovementNotFound(Thing.MERGE, merge_id, "merge_id")
        scope.check_patient(uow, patients[0])
        lookups.check_kept(uow, patients[0].id, "merge_id")
        unmerge_record(uow, patients[0], merge_id)


def merge_records(uow: UnitOfWork, record: Patient, into: Patient) -> None:
    """Link a record to that of the same person. Raises InvalidInput, MergeImpossible."""
    if record.id == into.id:
        raise InvalidInput("into_mrn", "a record cannot be merged with itself")
    if into.merged_into is not None:
        raise MergeImpossible(Problem.MERGED_INTO_ANOTHER)
    record.check_unmerged()
    kept_stays, moving_stays = persons.stays_of(uow, into.id), persons.stays_of(uow, record.id)
    at_once = [
        (a, b) for a, b in product(moving_stays, kept_stays) if a.history.collides(b.history)
    ]
    if at_once:
        stays = dict.fromkeys(s.id for pair in at_once for s in pair)
        raise MergeImpossible(Problem.TWO_STAYS_AT_ONCE, stays=tuple(stays))
    _check_deaths(uow, record, into)
    record.merge_into(into.id, uow.entry)
    uow.reassign_claims(moving_stays)


def unmerge_record(uow: UnitOfWork, record: Patient, merge: UUID) -> None:
    """Take a link back, so that each stay is of the person it was of. Raises MovementNotFound."""
    person_stays = persons.stays_of(uow, persons.person_of(uow, record.id))
    before = [persons.person_of(uow, stay.patient) for stay in person_stays if stay.patient]
    record.unmerge(merge, uow.entry)
    uow.reassign_claims(
        stay
        for stay, person_before in zip(person_stays, before, strict=True)
        if stay.patient and persons.person_of(uow, stay.patient) != person_before
    )


def _check_deaths(uow: UnitOfWork, away: Patient, into: Patient) -> None:
    """Refuse to merge two whose deaths were told for different times: a person dies once."""
    deaths = [
        deaths_of_record[1]
        for p in (away, into)
        if (deaths_of_record := persons.death_of(uow, p.id))
    ]
    spans = [persons.span_of(uow, death) for death in deaths if death.discharge is None]
    if len(spans) > 1 and max(first for first, _ in spans) > min(last for _, last in spans):
        raise MergeImpossible(Problem.DEATHS_DIFFER)
