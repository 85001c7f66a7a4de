"""Prescriptions that were written in the wrong stay: written again as held, under the same ids."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import structs

from domain.aggregate import Event
from domain.clinical_refusals import ClinicalWarning
from domain.envelope import Envelope, as_first_recorded
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Regimen
from domain.problems import Problem
from domain.refusals import PrescriptionStateBroken
from domain.time import Precision


def write_again(
    right: Prescription,
    wrong: Prescription,
    events: Iterable[Event],
    stay: UUID,
    patient: UUID,
    regimen: Regimen,
    written_entry: Envelope,
    envelope: Envelope,
    died_at: datetime | None,
    confirmed_warnings: tuple[ClinicalWarning, ...] | None,
) -> None:
    """Write a prescription as another one is held, with its changes and doses under their ids.

    ``events``: those of the other one's stream, which say by whom. ``regimen``, ``written_entry``: what
    was written first, and when. What an end of the stay stopped is left out. Raises
    PrescriptionStateBroken, InvalidInput, PatientDied.
    """
    if wrong.basis is not None:
        raise PrescriptionStateBroken(
            Problem.DOSE_NOT_PRESCRIBED, "nothing was prescribed in writing: move its dose"
        )
    if wrong.course.cancelled:
        raise PrescriptionStateBroken(Problem.PRESCRIPTION_CANCELLED, "it was cancelled before")
    events, course = list(events), wrong.course
    entries: dict[UUID | None, Envelope] = {}
    for event in events:
        entries.setdefault(getattr(event, "change", None), event.entry)  # None: the writing
    right.defer_checks()
    right.write(
        stay,
        patient,
        wrong.medication,
        regimen,
        wrong.prescriber,
        as_first_recorded(envelope, written_entry),
        died_at,
        confirmed_warnings,
    )
    for step in course.steps:
        if step.discharge is None:
            right.take_step(step, _entry(envelope, entries[step.id], step.at, step.precision))
    for dose in course.doses:
        right.take_dose(dose.id, wrong.dose_as_held(dose.id, events), envelope, died_at)
        if dose.end is not None:
            end = structs.replace(envelope, occurred_at=dose.end.at, precision=dose.end.precision)
            right.end_infusion(dose.id, end, died_at)
    right.check_deferred(died_at)


def _entry(envelope: Envelope, told: Envelope, at: datetime, precision: Precision) -> Envelope:
    return as_first_recorded(envelope, structs.replace(told, occurred_at=at, precision=precision))
