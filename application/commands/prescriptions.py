"""Commands about prescriptions and the doses given."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application.command_pipeline import Commands, command, utc
from application.unit_of_work import Decision
from domain.prescription.aggregate import Medication, Prescription
from domain.prescription.course import Outside, Regimen
from domain.prescription.drug_chart import DrugChart
from domain.stay.aggregate import Stay


class Prescriptions(Commands):
    """What is prescribed, and what was given."""

    @command
    def write_prescription(
        self,
        d: Decision,
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
        """Prescribe a medicine within a stay. ``start`` (default: when written) may lie ahead.

        Raises OutsideStay, PatientDied, and InvalidInput if it stops before it starts.
        """
        stay = d.stay(stay_id)
        patient = d.patient_of(stay)
        written = d.entry.occurred_at
        begins = utc(start, "start") or written
        stay.must_include(written, "The prescription")
        stay.must_include(begins, "The start of the prescription")
        prescription = d.new(Prescription, "prescription", stay.about)
        prescription.write(
            stay.id,
            patient.id,
            medication,
            Regimen(begins, utc(stop, "stop"), dose, route, frequency),
            d.practitioner(prescriber, "prescriber") if prescriber else None,
            d.entry,
            d.died_at(patient.id),
        )
        ended = stay.history.discharge
        if ended and prescription.is_live_at(
            ended.at
        ):  # written late: it was stopped like the others
            prescription.stop(replace(d.entry, occurred_at=ended.at), discharge=ended.id)
        (chart,) = d.load(DrugChart, DrugChart.id_for(stay.id))
        chart.about = stay.about
        chart.chart(stay.id, prescription.id, d.entry)

    @command
    def change_prescription(
        self,
        d: Decision,
        *,
        prescription_id: UUID,
        dose: str | None = None,
        route: str | None = None,
        frequency: str | None = None,
        stop: datetime | None = None,
    ) -> None:
        """Another dose, route, frequency or planned stop from ``occurred_at`` on."""
        prescription = d.prescription(prescription_id)
        prescription.change(
            dose, route, frequency, utc(stop, "stop"), d.entry, self._died_at(d, prescription)
        )

    @command
    def hold_prescription(self, d: Decision, *, prescription_id: UUID) -> None:
        """Pause it; it can be resumed."""
        prescription = d.prescription(prescription_id)
        prescription.hold(d.entry, self._died_at(d, prescription))

    @command
    def resume_prescription(self, d: Decision, *, prescription_id: UUID) -> None:
        """Go on with a prescription that is held."""
        prescription = d.prescription(prescription_id)
        prescription.resume(d.entry, self._died_at(d, prescription))

    @command
    def stop_prescription(self, d: Decision, *, prescription_id: UUID) -> None:
        """End it before its planned stop."""
        d.prescription(prescription_id).stop(d.entry)

    @command
    def complete_prescription(self, d: Decision, *, prescription_id: UUID) -> None:
        """It has run its course."""
        d.prescription(prescription_id).complete(d.entry)

    @command
    def record_administration(
        self,
        d: Decision,
        *,
        prescription_id: UUID,
        given: bool,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
    ) -> None:
        """A dose given, or not given and why.

        Raises PrescriptionStateBroken if it lies outside the prescription and is not marked so.
        """
        prescription = d.prescription(prescription_id)
        assert prescription.stay is not None
        stay = d.one(Stay, prescription.stay, "stay", "prescriptionId")
        stay.must_include(d.entry.occurred_at, "The dose")
        prescription.record_administration(
            given,
            dose_given,
            reason_not_given,
            outside_prescription,
            d.entry,
            d.died_at(stay.patient),
        )

    def _died_at(self, d: Decision, prescription: Prescription) -> datetime | None:
        return d.died_at(prescription.patient)
