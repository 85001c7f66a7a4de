"""Commands about allergies and intolerances, which are of the person, whichever record has them."""

from uuid import UUID

from application import lookups, persons
from application.aggregate_cache import AggregateReader
from application.authorization.roles import MEDICATION
from application.command_group import CommandGroup, command, correction
from application.commands.late_entries import entered_in_error_only
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.allergies import (
    Allergy,
    AllergyKind,
    AllergySeverity,
    AllergyVerification,
    Substance,
    is_one_substance,
)
from domain.clinical_refusals import AllergyKnown, AllergyStateBroken
from domain.patient import Patient
from domain.refusals import ContradictsLaterFacts, MovementNotFound, NotFound, PatientDied
from domain.stay.facts import CancellationReason
from domain.things import Thing


class Allergies(CommandGroup):
    """The allergies and intolerances of persons. A medicine against one has to be confirmed."""

    def held_of(self, mrn: str, authority: str | None, substance: Substance) -> list[Allergy]:
        """Return the allergies to a substance that the person of an MRN has. Raises NotFound."""
        id = self.record.owner(*unique_keys.mrn(authority or self.rules.mrn_authority, mrn))
        if id is None:
            raise NotFound(Thing.PATIENT_WITH_MRN, mrn, "patient_mrn")
        allergies = persons.allergies_of(AggregateReader(self.record), id)
        return [a for a in allergies if is_one_substance(a.substance, substance)]

    @command(roles=MEDICATION, raises=(AllergyKnown, PatientDied))
    def record_allergy(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        substance: Substance,
        kind: AllergyKind | None = None,
        severity: AllergySeverity | None = None,
        reaction: str | None = None,
        verification: AllergyVerification | None = None,
    ) -> None:
        """Record an allergy (or by ``kind`` an intolerance) that the patient has from a time on.

        Raises AllergyKnown if it is recorded already, under whichever record of the person.
        """
        patient = lookups.patient(uow, patient_mrn, mrn_authority)
        allergy = patient.record_allergy(
            uow.entry,
            substance=substance,
            allergy_kind=kind or AllergyKind.ALLERGY,
            severity=severity,
            reaction=reaction,
            verification=verification or AllergyVerification.UNCONFIRMED,
        )
        check_new(uow, patient, allergy)

    @correction(
        roles=MEDICATION,
        raises=(MovementNotFound, ContradictsLaterFacts, AllergyKnown, PatientDied),
    )
    def correct_allergy(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        allergy_id: UUID,
        substance: Substance | None = None,
        kind: AllergyKind | None = None,
        severity: AllergySeverity | None = None,
        reaction: str | None = None,
        verification: AllergyVerification | None = None,
    ) -> None:
        """Correct since when the patient has it (``occurred_at``), or what it is; absent stays.

        Raises AllergyKnown if that is recorded already.
        """
        patient = _record_with(uow, patient_mrn, mrn_authority, allergy_id)
        patient.correct_allergy(
            allergy_id,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            uow.entry,
            substance=substance,
            allergy_kind=kind,
            severity=severity,
            reaction=reaction,
            verification=verification,
        )
        check_new(uow, patient, allergy_id)

    @command(roles=MEDICATION, raises=(MovementNotFound,))
    def cancel_allergy(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        allergy_id: UUID,
        because: CancellationReason | None = None,
    ) -> None:
        """Cancel an allergy that the patient never had; one that is over is ended."""
        entered_in_error_only(uow, because)
        patient = _record_with(uow, patient_mrn, mrn_authority, allergy_id)
        patient.cancel_allergy(allergy_id, uow.entry)

    @command(roles=MEDICATION, raises=(MovementNotFound, AllergyStateBroken))
    def end_allergy(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        allergy_id: UUID,
    ) -> None:
        """End an allergy: from ``occurred_at`` on the patient has it no more."""
        patient = _record_with(uow, patient_mrn, mrn_authority, allergy_id)
        patient.end_allergy(allergy_id, uow.entry)

    @correction(roles=MEDICATION, raises=(MovementNotFound, AllergyStateBroken, AllergyKnown))
    def correct_allergy_end(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        allergy_id: UUID,
    ) -> None:
        """Correct when an allergy ended: at ``occurred_at``. Raises AllergyKnown."""
        patient = _record_with(uow, patient_mrn, mrn_authority, allergy_id)
        patient.correct_allergy_end(
            allergy_id, uow.times.corrected_at, uow.times.corrected_precision, uow.entry
        )
        check_new(uow, patient, allergy_id)

    @command(roles=MEDICATION, raises=(MovementNotFound, AllergyStateBroken, AllergyKnown))
    def cancel_allergy_end(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        allergy_id: UUID,
        because: CancellationReason | None = None,
    ) -> None:
        """Take back the end of an allergy: the patient still has it. Raises AllergyKnown."""
        entered_in_error_only(uow, because)
        patient = _record_with(uow, patient_mrn, mrn_authority, allergy_id)
        patient.cancel_allergy_end(allergy_id, uow.entry)
        check_new(uow, patient, allergy_id)


def check_new(uow: UnitOfWork, patient: Patient, id: UUID) -> None:
    """Refuse what another allergy of the person tells already. Raises AllergyKnown."""
    allergy = patient.allergy(id)
    for other in persons.allergies_of(uow, patient.id):
        if other.says_same(allergy, patient.span_of):
            raise AllergyKnown(other.allergy_kind.lower(), other.substance.name, other.id)


def _record_with(uow: UnitOfWork, mrn: str, authority: str | None, allergy: UUID) -> Patient:
    """Return the record of a person that has an allergy. Raises MovementNotFound."""
    patient = lookups.patient(uow, mrn, authority)
    records = persons.records(uow, patient.id)
    return next((record for record in records if allergy in record.allergies), patient)
