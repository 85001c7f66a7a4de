"""The state of a prescription: how it evolves, and the facts that it holds."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.clinical_refusals import ClinicalWarning
from domain.fact_ref import FactKind, FactRef
from domain.prescription.course import Basis, Course, Dose, InfusionEnd, Regimen, Step
from domain.prescription.events import PrescriptionEvents
from domain.prescription.schedule import Schedule
from domain.refusals import ContradictsLaterFacts
from domain.time import TimedFact, is_after, is_later

ORDERS = ("changed", "held", "resumed")
"""Steps that are clinical orders; stopping and completing may be written after a death."""


class PrescriptionState(PrescriptionEvents, Aggregate):
    """The course of a medicine, as its events add up to it: a part of `Prescription`."""

    def __init__(self) -> None:
        self.stay: UUID | None = None
        self.basis: Basis | None = None
        """Of a dose that was not prescribed in writing: on what it was given."""
        self.stopped_by: frozenset[UUID] = frozenset()
        """The ends of its stay that stopped it, as held at some time."""
        self.confirmed: frozenset[ClinicalWarning] = frozenset()
        """The warnings against the medicine that were confirmed as it was prescribed."""
        self.deferred: set[UUID] | None = None
        """The steps and doses that are told and not checked yet; None if each is checked at once."""
        self.course_before: Course | None = None
        """The course as it was when checks were deferred."""

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that a later order or dose contradicts; it may end afterwards."""
        orders = [s for s in self.course.steps if s.kind in ORDERS and not self.course.cancelled]
        facts = self.facts_after(died_at) + [self.ref(s) for s in orders if is_later(s.at, died_at)]
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def facts_after(self, moment: datetime) -> list[FactRef]:
        """Return the writing of the prescription and the doses, as far as they lie after a moment."""
        started_before = {(d.id, d.at) for d in self.course.doses if self.earliest(d) <= moment}
        started_before |= {(e.id, e.at) for e in self._ends if self.earliest(e) <= moment}
        if self.span_of(self.course.written_at, self.course.precision)[0] <= moment:
            started_before.add((self.id, self.course.written_at))
        return [
            f
            for f in self.facts()
            if is_after(f.occurred_at, moment) and (f.id, f.occurred_at) not in started_before
        ]

    def facts(self) -> list[FactRef]:
        """Return the writing of the prescription and its doses, as far as they are held true."""
        if self.course.cancelled:
            return []
        writing = FactRef(self.id, FactKind.PRESCRIPTION, self.course.written_at, self.stay)
        doses = [FactRef(d.id, FactKind.DOSE, d.at, self.stay) for d in self.course.doses]
        ends = [FactRef(e.id, FactKind.INFUSION_END, e.at, self.stay) for e in self._ends]
        return [*(() if self.basis else (writing,)), *doses, *ends]

    def all_facts(self) -> list[FactRef]:
        """Return all its facts: the writing, the doses, the changes and the end."""
        return [*self.facts(), *(self.ref(step) for step in self.course.steps)]

    @property
    def _ends(self) -> list[InfusionEnd]:
        return [dose.end for dose in self.course.doses if dose.end]

    def timed_facts(self) -> list[TimedFact]:
        if self.course.cancelled:
            return []
        writing = InfusionEnd(self.id, self.course.written_at, self.course.precision)
        steps = [step for step in self.course.steps if step.discharge is None]
        return [*(() if self.basis else (writing,)), *steps, *self.course.doses, *self._ends]

    def ref(self, step: Step) -> FactRef:
        """Return a step as refusals refer to it."""
        return FactRef(step.id, FactKind(f"prescription {step.kind}"), step.at, self.stay)

    def defer_checks(self) -> None:
        """Accept all from now on; `check_deferred` checks the course that comes out of it."""
        self.deferred = set()
        self.course_before = self.course if self.exists else None

    def apply(self, event: Event) -> None:
        match event:
            case PrescriptionEvents.Written():
                self.stay, self.patient = event.stay, event.patient
                self.medication, self.prescriber = event.medication, event.prescriber
                self.confirmed = frozenset(event.confirmed_warnings or ())
                regimen = Regimen(
                    event.start,
                    event.stop,
                    event.dose,
                    event.route,
                    event.frequency,
                    event.schedule,
                )
                self.course = Course(
                    event.entry.occurred_at, regimen, precision=event.entry.precision
                )
            case PrescriptionEvents.WrittenCorrected():
                self._correct_written(event)
            case PrescriptionEvents.PatientCorrected():
                self.patient, self.about = event.patient, event.entry.about
            case PrescriptionEvents.Changed():
                changes = _changes(event)
                self._add_step("changed", event.change, event, changes)
            case PrescriptionEvents.Held():
                self._add_step("held", event.change, event)
            case PrescriptionEvents.Resumed():
                self._add_step("resumed", event.change, event)
            case PrescriptionEvents.Stopped():
                self._add_step("stopped", event.change, event, discharge=event.discharge)
                if event.discharge is not None:
                    self.stopped_by = self.stopped_by | {event.discharge}
            case PrescriptionEvents.Completed():
                self._add_step("completed", event.change, event)
            case PrescriptionEvents.StopCorrected(at=None) | PrescriptionEvents.ChangeCancelled():
                self.course = self.course.without_step(event.change)
            case PrescriptionEvents.StopCorrected() | PrescriptionEvents.ChangeCorrected():
                self._correct_step(event)
            case PrescriptionEvents.Cancelled():
                self.course = replace(self.course, cancelled=True, doses=())
            case PrescriptionEvents.AdministrationRecorded():
                dose = Dose(
                    event.administration,
                    event.entry.occurred_at,
                    event.given,
                    event.outside_prescription,
                    event.entry.precision,
                    event.infusion,
                )
                self.course = replace(self.course, doses=(*self.course.doses, dose))
            case PrescriptionEvents.UnprescribedGiven():
                self._give_unprescribed(event)
            case PrescriptionEvents.AdministrationCorrected():
                self._correct_dose(event)
            case PrescriptionEvents.AdministrationCancelled():
                self.course = self.course.without_dose(event.administration)
                if self.basis is not None:
                    self.course = replace(self.course, cancelled=True)
            case PrescriptionEvents.InfusionEnded():
                end = InfusionEnd(event.end, event.entry.occurred_at, event.entry.precision)
                self._end_infusion(event.administration, end)
            case PrescriptionEvents.InfusionEndCorrected():
                end = InfusionEnd(event.end, event.at, event.precision)
                self._end_infusion(event.administration, end)
            case PrescriptionEvents.InfusionEndCancelled():
                self._end_infusion(event.administration, None)
            case _:
                raise UnknownEvent(event)

    def _add_step(
        self,
        kind: str,
        id: UUID,
        event: Event,
        changes: tuple[tuple[str, Any], ...] = (),
        discharge: UUID | None = None,
    ) -> None:
        at, order = event.entry.occurred_at, event.originator_version
        step = Step(id, kind, at, order, changes, discharge, event.entry.precision)
        self.course = self.course.with_step(step)

    def _correct_step(
        self, event: "PrescriptionEvents.StopCorrected | PrescriptionEvents.ChangeCorrected"
    ) -> None:
        step = self.course.step(event.change)
        if step is None:
            return  # a read model may skip it
        changes, precision = step.changes, event.precision or step.precision
        if isinstance(event, PrescriptionEvents.ChangeCorrected):
            changes = merged_changes(changes, _changes(event))
        self.course = self.course.with_step(
            replace(step, at=event.at or step.at, changes=changes, precision=precision)
        )

    def _correct_dose(self, event: "PrescriptionEvents.AdministrationCorrected") -> None:
        dose = self.course.dose(event.administration)
        if dose is None:
            return  # a read model may skip it
        new_dose = replace(
            dose,
            at=event.at or dose.at,
            given=dose.given if event.given is None else event.given,
            outside=event.outside_prescription or dose.outside,
            precision=event.precision or dose.precision,
        )
        self.course = self.course.with_replaced_dose(new_dose)
        if self.basis is not None:
            self.medication = event.medication or self.medication
            self.basis = event.basis or self.basis
            self.prescriber = event.ordered_by or self.prescriber
            regimen_before = self.course.regimen
            amount, route = (
                event.dose_given or regimen_before.dose,
                event.route or regimen_before.route,
            )
            self._hold_unprescribed(new_dose, amount, route)

    def _give_unprescribed(self, event: "PrescriptionEvents.UnprescribedGiven") -> None:
        self.stay, self.patient = event.stay, event.patient
        self.medication, self.prescriber = event.medication, event.ordered_by
        self.basis = event.basis
        at, precision = event.entry.occurred_at, event.entry.precision
        dose = Dose(event.administration, at, True, None, precision, event.infusion)
        self._hold_unprescribed(dose, event.dose_given, event.route)

    def _hold_unprescribed(self, dose: Dose, amount: str | None, route: str | None) -> None:
        """Hold the course of one dose: it begins and ends with it."""
        regimen = Regimen(dose.at, dose.at, amount, route, None)
        self.course = Course(dose.at, regimen, doses=(dose,), precision=dose.precision)

    def _end_infusion(self, administration: UUID, end: InfusionEnd | None) -> None:
        dose = self.course.dose(administration)
        if dose is not None:
            self.course = self.course.with_replaced_dose(replace(dose, end=end))

    def _correct_written(self, event: "PrescriptionEvents.WrittenCorrected") -> None:
        if event.medication is not None:
            self.medication, self.confirmed = event.medication, frozenset()
        self.confirmed |= frozenset(event.confirmed_warnings or ())
        self.prescriber = event.prescriber or self.prescriber
        self.course = replace(
            self.course,
            written_at=event.at or self.course.written_at,
            precision=event.precision or self.course.precision,
            regimen=corrected_regimen(self.course.regimen, event),
        )


def corrected_regimen(regimen: Regimen, right: "PrescriptionEvents.WrittenCorrected") -> Regimen:
    """Return a regimen as a correction of the prescription says it was written."""
    is_same = right.frequency is None and right.schedule is None
    return Regimen(
        right.start or regimen.start,
        None if right.open_ended else right.stop or regimen.stop,
        right.dose or regimen.dose,
        right.route or regimen.route,
        regimen.frequency if is_same else right.frequency,
        regimen.schedule if is_same else right.schedule,
    )


def merged_changes(
    changes: tuple[tuple[str, Any], ...], later_changes: tuple[tuple[str, Any], ...]
) -> tuple[tuple[str, Any], ...]:
    """Return the values that a change gives once it was corrected by others."""
    return tuple({**dict(changes), **dict(later_changes)}.items())


def changes_of(
    dose: str | None,
    route: str | None,
    frequency: str | None,
    stop: datetime | None,
    schedule: Schedule | None = None,
) -> tuple[tuple[str, Any], ...]:
    """Return the values that a change of the regimen gives; those that are None stay.

    Frequency and schedule are one statement, as text and for programs: one alone replaces both.
    """
    values: dict[str, Any] = {"dose": dose, "route": route, "stop": stop}
    changes = {name: value for name, value in values.items() if value is not None}
    if frequency is not None:
        changes |= {"frequency": frequency, "schedule": schedule}
    elif schedule is not None:
        changes |= {"schedule": schedule, "frequency": None}
    return tuple(changes.items())


def _changes(
    event: "PrescriptionEvents.Changed | PrescriptionEvents.ChangeCorrected",
) -> tuple[tuple[str, Any], ...]:
    return changes_of(event.dose, event.route, event.frequency, event.stop, event.schedule)
