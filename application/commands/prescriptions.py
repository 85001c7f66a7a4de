"""Commands about prescriptions and the doses given."""

from datetime import datetime
from uuid import UUID

from application import lookups, persons
from application.authorization.roles import MEDICATION, PHARMACY, PRESCRIBERS
from application.command import utc
from application.command_group import CommandGroup, command, correction
from application.commands.late_entries import entered_in_error_only
from application.commands.prescription_changes import cancel_change_of, correct_change_of
from application.stay_end import let_prescription_follow, let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Outside, Regimen
from domain.prescription.drug_chart import DrugChart
from domain.prescription.events import Medication
from domain.refusals import (
    ContradictsLaterFacts,
    MovementNotFound,
    OutsideStay,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason


class Prescriptions(CommandGroup):
    """What is prescribed, and what was given."""

    @command(roles=PRESCRIBERS, raises=(OutsideStay, PatientDied))
    def write_prescription(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        medication: Medication,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        start: datetime | None = None,
        stop: datetime | None = None,
        prescriber: str | None = None,
    ) -> None:
        """Prescribe a medicine for a stay. ``start`` (default: when written) may lie ahead.

        It may be written before the admission (in the emergency department, before an operation),
        start after the discharge, which stops it, and stop before it starts: it was called off.
        Raises OutsideStay, PatientDied, InvalidInput.
        """
        stay = lookups.stay(uow, stay_id)
        patient = lookups.patient_of(uow, stay)
        written = uow.entry.occurred_at
        begins = utc(start, "start") or written
        stay.must_not_have_ended(written, "The prescription")
        prescription = uow.new(Prescription, "prescription", stay.about)
        prescription.write(
            stay.id,
            patient.id,
            medication,
            Regimen(begins, utc(stop, "stop"), dose, route, frequency),
            lookups.practitioner(uow, prescriber, "prescriber") if prescriber else None,
            uow.entry,
            persons.died_at(uow, patient.id),
        )
        let_prescriptions_follow(uow, stay, [prescription])
        (chart,) = uow.load(DrugChart, DrugChart.id_for(stay.id))
        chart.about = stay.about
        chart.chart(stay.id, prescription.id, uow.entry)

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, PatientDied, ContradictsLaterFacts))
    def change_prescription(
        self,
        uow: UnitOfWork,
        *,
        prescription_id: UUID,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        stop: datetime | None = None,
    ) -> None:
        """Another dose, route, frequency or planned stop from ``occurred_at`` on."""
        prescription = lookups.prescription(uow, prescription_id)
        prescription.change(
            dose,
            route,
            frequency,
            utc(stop, "stop"),
            uow.entry,
            persons.died_at(uow, prescription.patient),
        )
        let_prescription_follow(uow, prescription)

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, PatientDied, ContradictsLaterFacts))
    def hold_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """Pause it; it can be resumed."""
        prescription = lookups.prescription(uow, prescription_id)
        prescription.hold(uow.entry, persons.died_at(uow, prescription.patient))

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, PatientDied, ContradictsLaterFacts))
    def resume_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """Go on with a prescription that is held."""
        prescription = lookups.prescription(uow, prescription_id)
        prescription.resume(uow.entry, persons.died_at(uow, prescription.patient))

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, ContradictsLaterFacts))
    def stop_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """End it before its planned stop."""
        lookups.prescription(uow, prescription_id).stop(uow.entry)

    @command(roles=MEDICATION, raises=(PrescriptionStateBroken, ContradictsLaterFacts))
    def complete_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """Complete a prescription that has run its course."""
        lookups.prescription(uow, prescription_id).complete(uow.entry)

    @correction(
        roles=PHARMACY,
        raises=(PrescriptionStateBroken, MovementNotFound, PatientDied, ContradictsLaterFacts),
    )
    def correct_prescription_change(
        self,
        uow: UnitOfWork,
        *,
        change_id: UUID,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        stop: datetime | None = None,
    ) -> None:
        """Another time (``occurred_at``) or content of a change, hold, resumption or end.

        The content is that of a change of the regimen; what is absent stays.
        """
        prescription = _with_change(uow, change_id)
        correct_change_of(uow, prescription, change_id, dose, route, frequency, stop)

    @command(
        roles=PHARMACY, raises=(PrescriptionStateBroken, MovementNotFound, ContradictsLaterFacts)
    )
    def cancel_prescription_change(
        self, uow: UnitOfWork, *, change_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a change, hold, resumption or end of a prescription that never was."""
        cancel_change_of(uow, _with_change(uow, change_id), change_id, because)

    @command(roles=MEDICATION, raises=(PrescriptionStateBroken, OutsideStay, PatientDied))
    def record_administration(
        self,
        uow: UnitOfWork,
        *,
        prescription_id: UUID,
        given: bool,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
    ) -> None:
        """Record a dose given, or not given and why.

        Raises PrescriptionStateBroken if it lies outside the prescription and is not marked so.
        """
        prescription = lookups.prescription(uow, prescription_id)
        assert prescription.stay is not None
        stay = uow.one(Stay, prescription.stay, "stay", "prescription_id")
        stay.must_include(uow.entry.occurred_at, "The dose")
        prescription.record_administration(
            given,
            dose_given,
            reason_not_given,
            outside_prescription,
            uow.entry,
            persons.died_at(uow, stay.patient),
        )

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken,))
    def cancel_prescription(
        self, uow: UnitOfWork, *, prescription_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a prescription that was never written. Once a dose was given it can only be stopped."""
        entered_in_error_only(uow, because)
        lookups.prescription(uow, prescription_id).cancel(uow.entry)

    @correction(
        roles=MEDICATION,
        raises=(PrescriptionStateBroken, MovementNotFound, OutsideStay, PatientDied),
    )
    def correct_administration(
        self,
        uow: UnitOfWork,
        *,
        administration_id: UUID,
        given: bool | None = None,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
    ) -> None:
        """Another time (``occurred_at``) or amount of a dose, or that it was not given."""
        prescription = lookups.prescription_of_dose(uow, administration_id)
        assert prescription.stay is not None
        at = prescription.correct_administration(
            administration_id,
            uow.corrected_at,
            uow.corrected_precision,
            given,
            dose_given,
            reason_not_given,
            outside_prescription,
            uow.entry,
            persons.died_at(uow, prescription.patient),
        )
        uow.one(Stay, prescription.stay, "stay", "administration_id").must_include(at, "The dose")

    @command(roles=MEDICATION, raises=(MovementNotFound,))
    def cancel_administration(
        self, uow: UnitOfWork, *, administration_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a dose that never was."""
        entered_in_error_only(uow, because)
        lookups.prescription_of_dose(uow, administration_id).cancel_administration(
            administration_id, uow.entry
        )


def _with_change(uow: UnitOfWork, change: UUID) -> Prescription:
    prescription = lookups.prescription_with_change(uow, change)
    if prescription is None:
        raise MovementNotFound("change", change, "change_id")
    return prescription
