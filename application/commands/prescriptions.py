"""Commands about prescriptions and the doses given."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.authorization.roles import MEDICATION, PHARMACY, PRESCRIBERS
from application.clinical_warnings import allergies_against, confirm
from application.command import utc
from application.command_group import command, correction
from application.commands.doses import Doses
from application.commands.late_entries import entered_in_error_only
from application.commands.misplaced_facts import move_prescription
from application.commands.prescription_changes import (
    PrescriptionChangeCorrection,
    cancel_change_of,
    correct_change_of,
)
from application.commands.prescription_corrections import (
    PrescriptionCorrection,
    check_end,
    correct_written,
)
from application.stay_end import let_prescription_follow, let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning, WarningsUnconfirmed
from domain.envelope import Envelope
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Regimen
from domain.prescription.drug_chart import DrugChart
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    OutsideStay,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.stay.facts import CancellationReason
from domain.things import Thing


class Prescriptions(Doses):
    """Commands for prescriptions and their changes."""

    @command(roles=PRESCRIBERS, raises=(OutsideStay, PatientDied, WarningsUnconfirmed))
    def write_prescription(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        medication: Medication,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        schedule: Schedule | None = None,
        start: datetime | None = None,
        stop: datetime | None = None,
        prescriber: str | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> None:
        """Prescribe a medicine for a stay. ``start`` (default: when written) may lie ahead.

        Against an allergy of the patient only with a reason and if ``confirmed_warnings`` says so.

        It may be written before the admission (in the emergency department, before an operation),
        start after the discharge, which stops it, and stop before it starts: it was called off.
        Raises OutsideStay, PatientDied, InvalidInput.
        """
        stay = lookups.stay(uow, stay_id)
        patient = lookups.patient_of(uow, stay)
        written_at = uow.entry.occurred_at
        begins = utc(start, "start") or written_at
        stay.must_not_have_ended(written_at, "The prescription")
        prescription = uow.new(Prescription, "prescription", stay.about)
        ends = utc(stop, "stop")
        warnings = allergies_against(uow, patient.id, medication, begins, ends)
        prescription.write(
            stay.id,
            patient.id,
            medication,
            Regimen(begins, ends, dose, route, frequency, schedule),
            lookups.practitioner_if_named(uow, prescriber, "prescriber"),
            uow.entry,
            persons.died_at(uow, patient.id),
            confirm(uow, warnings, confirmed_warnings),
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
        schedule: Schedule | None = None,
        stop: datetime | None = None,
    ) -> None:
        """Change the dose, route, frequency or planned stop from ``occurred_at`` on."""
        prescription = lookups.prescription(uow, prescription_id)
        until, died_at = utc(stop, "stop"), persons.died_at(uow, prescription.patient)
        imprecise_times.fit_in_prescription(
            uow,
            prescription,
            lambda entry: prescription.change(
                dose, route, frequency, until, entry, died_at, schedule
            ),
        )
        let_prescription_follow(uow, prescription)

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, PatientDied, ContradictsLaterFacts))
    def hold_prescription(
        self, uow: UnitOfWork, *, prescription_id: UUID, until: datetime | None = None
    ) -> None:
        """Pause it; it can be resumed. ``until``: it was resumed then, which is told late with it."""
        _take_step(uow, prescription_id, Prescription.hold, until)

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, PatientDied, ContradictsLaterFacts))
    def resume_prescription(
        self, uow: UnitOfWork, *, prescription_id: UUID, until: datetime | None = None
    ) -> None:
        """Go on with a prescription that is held. ``until``: it was held again then, told late."""
        _take_step(uow, prescription_id, Prescription.resume, until)

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken, ContradictsLaterFacts))
    def stop_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """End it before its planned stop."""
        prescription = lookups.prescription(uow, prescription_id)
        imprecise_times.fit_in_prescription(uow, prescription, prescription.stop)
        let_prescription_follow(uow, prescription)

    @command(roles=MEDICATION, raises=(PrescriptionStateBroken, ContradictsLaterFacts))
    def complete_prescription(self, uow: UnitOfWork, *, prescription_id: UUID) -> None:
        """Complete a prescription that has run its course."""
        prescription = lookups.prescription(uow, prescription_id)
        imprecise_times.fit_in_prescription(uow, prescription, prescription.complete)
        let_prescription_follow(uow, prescription)

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
        schedule: Schedule | None = None,
        stop: datetime | None = None,
    ) -> None:
        """Correct the time (``occurred_at``) or content of a change, hold, resumption or end.

        The content is that of a change of the regimen; what is absent stays.
        """
        prescription = _with_change(uow, change_id)
        correction_part = PrescriptionChangeCorrection(
            change_id=change_id,
            dose=dose,
            route=route,
            frequency=frequency,
            schedule=schedule,
            stop=stop,
        )
        correct_change_of(uow, prescription, correction_part)

    @command(
        roles=PHARMACY, raises=(PrescriptionStateBroken, MovementNotFound, ContradictsLaterFacts)
    )
    def cancel_prescription_change(
        self, uow: UnitOfWork, *, change_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a change, hold, resumption or end of a prescription that never was."""
        cancel_change_of(uow, _with_change(uow, change_id), change_id, because)

    @correction(
        roles=PRESCRIBERS,
        raises=(
            PrescriptionStateBroken,
            OutsideStay,
            PatientDied,
            ContradictsLaterFacts,
            WarningsUnconfirmed,
        ),
    )
    def correct_prescription(
        self,
        uow: UnitOfWork,
        *,
        prescription_id: UUID,
        medication: Medication | None = None,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        schedule: Schedule | None = None,
        start: datetime | None = None,
        stop: datetime | None = None,
        open_ended: bool | None = None,
        prescriber: str | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Correct what was written, or when (``occurred_at``); what is absent stays.

        ``open_ended``: no stop was planned. What was given and changed is judged by the corrected
        text: what it does not allow refuses it (ContradictsLaterFacts). A prescription that began as
        it was written goes on to do so. ``stay_id``: the stay that it really was written in, to which
        it goes with its changes and doses, at its right times if they were wrong too.
        """
        if stay_id is not None:
            prescription = lookups.prescription(uow, prescription_id)
            content = (medication, dose, route, frequency, schedule, prescriber)
            if any(value is not None for value in content):
                raise InvalidInput(
                    "stay_id",
                    "move the prescription, with its times if they were wrong too; then correct"
                    " what else was different",
                )
            if stay_id == prescription.stay:
                raise InvalidInput("stay_id", "the prescription is there already")
            check_end(stop, open_ended)
            move_prescription(
                uow,
                prescription,
                lookups.stay(uow, stay_id),
                confirmed_warnings,
                utc(start, "start"),
                utc(stop, "stop"),
                bool(open_ended),
            )
            return
        correct_written(
            uow,
            PrescriptionCorrection(
                prescription_id=prescription_id,
                medication=medication,
                dose=dose,
                route=route,
                frequency=frequency,
                schedule=schedule,
                start=start,
                stop=stop,
                open_ended=open_ended,
                prescriber=prescriber,
                confirmed_warnings=confirmed_warnings,
            ),
        )

    @command(roles=PHARMACY, raises=(PrescriptionStateBroken,))
    def cancel_prescription(
        self, uow: UnitOfWork, *, prescription_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a prescription that was never written. Once a dose was given it can only be stopped."""
        entered_in_error_only(uow, because)
        lookups.prescription(uow, prescription_id).cancel(uow.entry)


def _take_step(
    uow: UnitOfWork,
    prescription_id: UUID,
    take: Callable[[Prescription, Envelope, datetime | None, datetime | None], None],
    until: datetime | None,
) -> None:
    """Hold or resume a prescription, perhaps until a time that is past, too."""
    prescription = lookups.prescription(uow, prescription_id)
    died_at = persons.died_at(uow, prescription.patient)
    end = utc(until, "until")
    if end is not None:
        end = uow.check_time(end)
    imprecise_times.fit_in_prescription(
        uow, prescription, lambda entry: take(prescription, entry, died_at, end)
    )


def _with_change(uow: UnitOfWork, change: UUID) -> Prescription:
    prescription = lookups.prescription_with_change(uow, change)
    if prescription is None:
        raise MovementNotFound(Thing.CHANGE, change, "change_id")
    return prescription
