"""Facts that were recorded under the wrong patient, or in the wrong stay (HL7 A45)."""

import dataclasses
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application import imprecise_times, lookups, persons
from application.authorization.roles import FRONT_DESK
from application.clinical_warnings import allergies_against, confirm
from application.command import BED_REFUSALS, STAY_REFUSALS, reason_needed
from application.command_group import CommandGroup, command
from application.commands.dose_corrections import check_inside
from application.stay_end import let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning
from domain.envelope import Envelope, as_first_recorded
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Dose
from domain.prescription.drug_chart import DrugChart
from domain.prescription.misplaced import write_again
from domain.problems import Problem
from domain.refusals import PatientAlreadyAdmitted, PatientDied, PrescriptionStateBroken
from domain.stay.aggregate import Stay
from domain.time import corrected_time


class MisplacedFacts(CommandGroup):
    """Stays that were recorded under the wrong patient."""

    @command(
        roles=FRONT_DESK,
        raises=(PatientAlreadyAdmitted, PatientDied, *BED_REFUSALS, *STAY_REFUSALS),
    )
    def move_stay(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        patient_mrn: str,
        mrn_authority: str | None = None,
    ) -> None:
        """Give a stay, with all its facts and a death in it, to the right patient (HL7 A45).

        Both persons are checked as they are afterwards: one stay at a time, within their lives.
        """
        reason_needed(uow.entry, Problem.CORRECTION)
        stay = lookups.stay(uow, stay_id)
        give_stay(uow, stay, lookups.patient(uow, patient_mrn, mrn_authority))


def give_stay(uow: UnitOfWork, stay: Stay, patient: Patient) -> None:
    """Give a stay, with all its facts, to the right patient. Raises PatientAlreadyAdmitted."""
    wrong_patient = lookups.patient_of(uow, stay)
    assert patient.about is not None
    about = replace(patient.about, stay=stay.id)
    persons.check_one_stay(uow, stay, patient.id)
    for request in lookups.bed_requests_of(uow, stay):
        request.be_of(about, uow.entry)
    stay.correct_patient(patient.id, about, uow.entry)
    for prescription in lookups.prescriptions_of(uow, stay):
        prescription.correct_patient(patient.id, about, uow.entry)
    wrong_patient.record(Patient.StayMovedAway, uow.entry, stay=stay.id)
    if persons.person_of(uow, wrong_patient.id) != persons.person_of(uow, patient.id):
        _give_death(uow, stay, wrong_patient, patient)
    uow.reassign_claims([stay])


def _give_death(uow: UnitOfWork, stay: Stay, wrong_patient: Patient, patient: Patient) -> None:
    """Let a death that was told in a stay be of its right patient. Raises PatientDied.

    One that follows from the discharge follows it by itself.
    """
    for record in persons.records(uow, wrong_patient.id):
        death = record.death
        if death is None or death.discharge is not None or death.stay != stay.id:
            continue
        record.cancel_death(uow.entry)
        known_death = persons.death_of(uow, patient.id)
        if known_death is None:
            entry = replace(uow.entry, occurred_at=death.at, precision=death.precision)
            patient.die(stay.id, entry)
        elif known_death[1].at != death.at:
            raise PatientDied(known_death[1].at)


def move_dose(
    uow: UnitOfWork, wrong: Prescription, administration: UUID, right: Prescription
) -> None:
    """Put a dose, with all that was said of it, under the right prescription with the same id.

    It goes there at the command's corrected time, if it says one. Raises OutsideStay,
    PrescriptionStateBroken, PatientDied.
    """
    held_dose = wrong.course.dose(administration)
    dose = wrong.dose_as_held(administration, uow.record.streams({wrong.id: 0})[wrong.id])
    stay, died_at = (
        lookups.stay_of(uow, right, "prescription_id"),
        persons.died_at(uow, right.patient),
    )
    dose = dataclasses.replace(dose, entry=_at_right_time(uow, stay, dose.entry))
    wrong.cancel_administration(administration, uow.entry)
    stay.must_include(dose.entry.occurred_at, "The dose")
    right.take_dose(administration, dose, uow.entry, died_at)
    _end_again(uow, stay, right, administration, held_dose)


def move_unprescribed_dose(
    uow: UnitOfWork, wrong: Prescription, administration: UUID, stay: Stay
) -> None:
    """Put a dose that nobody prescribed in writing into the right stay, with the same id.

    It goes there at the command's corrected time, if it says one. Raises OutsideStay,
    PrescriptionStateBroken, PatientDied.
    """
    held_dose, basis = wrong.course.dose(administration), wrong.basis
    if basis is None:
        raise PrescriptionStateBroken(Problem.DOSE_PRESCRIBED)
    dose = wrong.dose_as_held(administration, uow.record.streams({wrong.id: 0})[wrong.id])
    patient, regimen = lookups.patient_of(uow, stay), wrong.course.regimen
    died_at = persons.died_at(uow, patient.id)
    dose = dataclasses.replace(dose, entry=_at_right_time(uow, stay, dose.entry))
    wrong.cancel_administration(administration, uow.entry)
    stay.must_include(dose.entry.occurred_at, "The dose")
    prescription = uow.new(Prescription, "prescription", stay.about)
    prescription.give_unprescribed(
        stay.id,
        patient.id,
        wrong.medication,
        basis,
        regimen.dose,
        regimen.route,
        wrong.prescriber,
        dose.infusion,
        dose.entry_by(uow.entry),
        died_at,
        dose.confirmed_warnings,
        administration,
    )
    _end_again(uow, stay, prescription, administration, held_dose)
    _chart(uow, stay, prescription)


def move_prescription(
    uow: UnitOfWork,
    wrong: Prescription,
    stay: Stay,
    confirmed_warnings: tuple[ClinicalWarning, ...] | None,
    start: datetime | None,
    stop: datetime | None,
    open_ended: bool,
) -> None:
    """Put a prescription, with its changes and doses under their ids, into the right stay.

    There it has an id of its own, and its stay ends it. It goes there at the command's corrected time,
    start and stop, if it says them. Raises OutsideStay, PrescriptionStateBroken, PatientDied,
    WarningsUnconfirmed.
    """
    course, patient = wrong.course, lookups.patient_of(uow, stay)
    events = list(uow.record.streams({wrong.id: 0})[wrong.id])
    entry = replace(events[0].entry, occurred_at=course.written_at, precision=course.precision)
    entry = _at_right_time(uow, stay, entry)
    stay.must_not_have_ended(entry.occurred_at, "The prescription")
    for dose in course.doses:
        check_inside(stay, dose)
    regimen = course.regimen
    if start is None and regimen.start == course.written_at:
        start = entry.occurred_at
    stop = stop or (None if open_ended else regimen.stop)
    regimen = dataclasses.replace(regimen, start=start or regimen.start, stop=stop)
    warnings = allergies_against(
        uow, patient.id, wrong.medication, regimen.start, regimen.stop, wrong.confirmed
    )
    prescription = uow.new(Prescription, "prescription", stay.about)
    write_again(
        prescription,
        wrong,
        events,
        stay.id,
        patient.id,
        regimen,
        entry,
        uow.entry,
        persons.died_at(uow, patient.id),
        confirm(uow, warnings, confirmed_warnings) or tuple(wrong.confirmed) or None,
    )
    for dose in course.doses:
        wrong.cancel_administration(dose.id, uow.entry)
    wrong.cancel(uow.entry)
    let_prescriptions_follow(uow, stay, [prescription])
    _chart(uow, stay, prescription)


def _chart(uow: UnitOfWork, stay: Stay, prescription: Prescription) -> None:
    (chart,) = uow.load(DrugChart, DrugChart.id_for(stay.id))
    chart.about = stay.about
    chart.chart(stay.id, prescription.id, uow.entry)


def _end_again(
    uow: UnitOfWork, stay: Stay, right: Prescription, administration: UUID, dose: Dose | None
) -> None:
    """End an infusion where it really ran, as it ended where it was recorded."""
    if dose is None or dose.end is None:
        return
    stay.must_include(dose.end.at, "The end of the infusion")
    entry = replace(uow.entry, occurred_at=dose.end.at, precision=dose.end.precision)
    right.end_infusion(administration, entry, persons.died_at(uow, right.patient))


def _at_right_time(uow: UnitOfWork, stay: Stay, told: Envelope) -> Envelope:
    """Return the entry of a fact at the command's corrected time, in the stay where it really was."""
    at = corrected_time(uow.times.corrected_at, uow.times.corrected_precision, told.occurred_at)
    if at is None:
        return told
    precision = uow.times.corrected_precision or told.precision
    at = imprecise_times.corrected_time_inside(uow, stay, at)
    return replace(told, occurred_at=at, precision=precision)


def move_visit(uow: UnitOfWork, wrong_stay: Stay, visit: UUID, right_stay: Stay) -> None:
    """Put a visit, with all that was said of it, into the right stay under the same id.

    It goes there at the command's corrected time, if it says one. Raises OutsideStay, PatientDied.
    """
    visit_event = wrong_stay.visit_as_held(
        visit, uow.record.streams({wrong_stay.id: 0})[wrong_stay.id]
    )
    entry = as_first_recorded(uow.entry, _at_right_time(uow, right_stay, visit_event.entry))
    wrong_stay.cancel_visit(visit, uow.entry)
    right_stay.take_visit(visit_event, entry, persons.died_at(uow, right_stay.patient))
