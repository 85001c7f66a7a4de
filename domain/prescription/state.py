"""The state of a prescription: how it evolves, and the facts that it holds."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.aggregate import Event, UnknownEvent
from domain.prescription.course import Course, Dose, Regimen, Step
from domain.prescription.events import PrescriptionEvents
from domain.refusals import ContradictsLaterFacts, FactRef

ORDERS = ("changed", "held", "resumed")
"""Steps that are clinical orders; stopping and completing may be written after a death."""


class PrescriptionState(PrescriptionEvents):
    """The course of a medicine, as its events add up to it: a part of `Prescription`."""

    id: UUID

    def __init__(self) -> None:
        self.stay: UUID | None = None

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that a later order or dose contradicts; it may end afterwards."""
        orders = [s for s in self.course.steps if s.kind in ORDERS and not self.course.cancelled]
        facts = self.facts_after(died_at) + [self.ref(s) for s in orders if s.at > died_at]
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def facts_after(self, moment: datetime) -> list[FactRef]:
        """Return the writing of the prescription and the doses, as far as they lie after a moment."""
        late = {d.id for d in self.course.doses if d.earliest <= moment}
        return [f for f in self.facts() if f.occurred_at > moment and f.id not in late]

    def facts(self) -> list[FactRef]:
        """Return the writing of the prescription and its doses, as far as they are held true."""
        if self.course.cancelled:
            return []
        written = FactRef(self.id, "prescription", self.course.written_at, self.stay)
        return [written, *(FactRef(d.id, "dose", d.at, self.stay) for d in self.course.doses)]

    def ref(self, step: Step) -> FactRef:
        """Return a step as refusals refer to it."""
        return FactRef(step.id, f"prescription {step.kind}", step.at, self.stay)

    def apply(self, event: Event) -> None:
        match event:
            case PrescriptionEvents.Written():
                self.stay, self.patient = event.stay, event.patient
                self.medication, self.prescriber = event.medication, event.prescriber
                regimen = Regimen(event.start, event.stop, event.dose, event.route, event.frequency)
                self.course = Course(event.entry.occurred_at, regimen)
            case PrescriptionEvents.PatientCorrected():
                self.patient, self.about = event.patient, event.entry.about
            case PrescriptionEvents.Changed():
                changes = changes_of(event.dose, event.route, event.frequency, event.stop)
                self._add_step("changed", event.change, event, changes)
            case PrescriptionEvents.Held():
                self._add_step("held", event.change, event)
            case PrescriptionEvents.Resumed():
                self._add_step("resumed", event.change, event)
            case PrescriptionEvents.Stopped():
                self._add_step("stopped", event.change, event, discharge=event.discharge)
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
                )
                self.course = replace(self.course, doses=(*self.course.doses, dose))
            case PrescriptionEvents.AdministrationCorrected():
                self._correct_dose(event)
            case PrescriptionEvents.AdministrationCancelled():
                self.course = self.course.without_dose(event.administration)
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
        self.course = self.course.with_step(Step(id, kind, at, order, changes, discharge))

    def _correct_step(
        self, event: "PrescriptionEvents.StopCorrected | PrescriptionEvents.ChangeCorrected"
    ) -> None:
        step = self.course.step(event.change)
        if step is None:
            return  # a read model may skip it
        changes = step.changes
        if isinstance(event, PrescriptionEvents.ChangeCorrected):
            changed = changes_of(event.dose, event.route, event.frequency, event.stop)
            changes = merged(changes, changed)
        self.course = self.course.with_step(replace(step, at=event.at or step.at, changes=changes))

    def _correct_dose(self, event: "PrescriptionEvents.AdministrationCorrected") -> None:
        dose = self.course.dose(event.administration)
        if dose is None:
            return  # a read model may skip it
        self.course = self.course.with_replaced_dose(
            Dose(
                dose.id,
                event.at or dose.at,
                dose.given if event.given is None else event.given,
                event.outside_prescription or dose.outside,
                event.precision or dose.precision,
            )
        )


def merged(
    changes: tuple[tuple[str, Any], ...], more: tuple[tuple[str, Any], ...]
) -> tuple[tuple[str, Any], ...]:
    """Return the values that a change gives once it was corrected by others."""
    return tuple({**dict(changes), **dict(more)}.items())


def changes_of(
    dose: str | None, route: str | None, frequency: str | None, stop: datetime | None
) -> tuple[tuple[str, Any], ...]:
    """Return the values that a change of the regimen gives; those that are None stay."""
    values = {"dose": dose, "route": route, "frequency": frequency, "stop": stop}
    return tuple((name, value) for name, value in values.items() if value is not None)
