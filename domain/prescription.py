"""A prescription, and the drug chart that lists a stay's prescriptions.

Each prescription is a stream of its own, so that prescribing and moving do not collide. The drug
chart is what a discharge reads: naming its version, it cannot miss one that is being written.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from domain.aggregate import Aggregate, Event, event
from domain.entry import Entry, Sealed, Text
from domain.refusals import (
    ContradictsLaterFacts,
    FactRef,
    InvalidInput,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.time import Moment, Period


class Medication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A drug by name, and by code where a coding system gives one."""

    name: Text
    code: Text | None = None
    system: Text | None = None


class PrescriptionStatus(StrEnum):
    """Where a prescription stands at a moment (FHIR medicationrequest-status, as far as it goes)."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    HELD = "HELD"
    STOPPED = "STOPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class Outside(StrEnum):
    """Why a dose lies outside its prescription."""

    LATE = "LATE"
    EMERGENCY = "EMERGENCY"


ENDED = (
    PrescriptionStatus.STOPPED,
    PrescriptionStatus.COMPLETED,
    PrescriptionStatus.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class Regimen:
    """What is to be given: dose, route, frequency, from when and (if planned) until when."""

    start: datetime
    stop: datetime | None
    dose: str | None
    route: str | None
    frequency: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a prescription: held, resumed, stopped, completed, or another regimen."""

    id: UUID
    kind: str
    at: datetime
    order: int
    changes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Dose:
    id: UUID
    at: datetime
    given: bool
    outside: Outside | None


@dataclass(frozen=True)
class Course:
    """The valid-time history of a prescription, as a pure value."""

    written_at: datetime
    regimen: Regimen
    steps: tuple[Step, ...] = ()
    doses: tuple[Dose, ...] = ()

    def adding(self, step: Step) -> "Course":
        ordered = sorted((*self.steps, step), key=lambda s: (s.at, s.order))
        return replace(self, steps=tuple(ordered))

    def segments(self) -> tuple[tuple[Period, PrescriptionStatus, Regimen], ...]:
        """Status and regimen in order, each with its period. Illegal steps change nothing."""
        return self._fold()[0]

    def problems(self) -> tuple[tuple[Step, str], ...]:
        """The steps that the status before them does not allow, with the reason."""
        return self._fold()[1]

    def _fold(
        self,
    ) -> tuple[
        tuple[tuple[Period, PrescriptionStatus, Regimen], ...], tuple[tuple[Step, str], ...]
    ]:
        begin = min(self.written_at, self.regimen.start)
        found: list[tuple[datetime, PrescriptionStatus, Regimen]] = []
        problems: list[tuple[Step, str]] = []
        status, regimen = PrescriptionStatus.SCHEDULED, self.regimen

        def now(at: datetime) -> None:
            if found and found[-1][0] == at:
                found.pop()
            if not found or found[-1][1:] != (status, regimen):
                found.append((at, status, regimen))

        def let_time_pass(until: datetime | None) -> None:
            nonlocal status
            if status is PrescriptionStatus.SCHEDULED and (until is None or regimen.start <= until):
                status = PrescriptionStatus.ACTIVE
                now(max(begin, regimen.start))
            if status not in ENDED and regimen.stop and (until is None or regimen.stop <= until):
                status = PrescriptionStatus.COMPLETED
                now(regimen.stop)

        now(begin)
        for step in self.steps:
            let_time_pass(step.at)
            why = _why_not(step.kind, status)
            if step.at < begin:
                why = f"it is not written then, and cannot be {step.kind}"
            if why:
                problems.append((step, why))
                continue
            if step.kind == "changed":
                regimen = replace(regimen, **dict(step.changes))
            else:
                status = _AFTER[step.kind]
            now(step.at)
        let_time_pass(None)
        ends = [at for at, _, _ in found[1:]] + [None]
        segments = tuple(
            (Period(at, end), st, re) for (at, st, re), end in zip(found, ends, strict=True)
        )
        return segments, tuple(problems)

    def status_at(self, moment: datetime) -> PrescriptionStatus | None:
        return next((s for p, s, _ in self.segments() if moment in p), None)

    @property
    def period(self) -> Period:
        """From its start until it was stopped, completed, or is planned to stop."""
        ended = [p.start for p, status, _ in self.segments() if status in ENDED]
        return Period(self.regimen.start, ended[0] if ended else None)


_AFTER = {
    "held": PrescriptionStatus.HELD,
    "resumed": PrescriptionStatus.ACTIVE,
    "stopped": PrescriptionStatus.STOPPED,
    "completed": PrescriptionStatus.COMPLETED,
}


def _why_not(kind: str, status: PrescriptionStatus) -> str | None:
    """Why a step of that kind is not allowed in that status; None if it is."""
    if status in ENDED:
        return f"it is {status.lower()} then, and cannot be {kind}"
    if kind == "held" and status is not PrescriptionStatus.ACTIVE:
        return f"only an active prescription can be held, and it is {status.lower()} then"
    if kind == "resumed" and status is not PrescriptionStatus.HELD:
        return f"only a held prescription can be resumed, and it is {status.lower()} then"
    if kind == "completed" and status is PrescriptionStatus.SCHEDULED:
        return "it has not started then"
    return None


class Prescription(Aggregate):
    """A medicine prescribed in a stay, its changes, and the doses given."""

    TOPIC = "prescription"

    class Written(Event):
        TOPIC = "prescription.written"
        stay: UUID
        patient: UUID
        medication: Medication
        dose: Text | None
        route: Text | None
        frequency: Text | None
        start: Moment
        stop: Moment | None
        prescriber: UUID | None

    class Changed(Event):
        """Another regimen from a time on. An absent value stays as it was."""

        TOPIC = "prescription.changed"
        change: UUID
        dose: Text | None
        route: Text | None
        frequency: Text | None
        stop: Moment | None

    class Held(Event):
        TOPIC = "prescription.held"
        change: UUID

    class Resumed(Event):
        TOPIC = "prescription.resumed"
        change: UUID

    class Stopped(Event):
        """``discharge`` names the discharge that stopped it, if one did."""

        TOPIC = "prescription.stopped"
        change: UUID
        discharge: UUID | None

    class Completed(Event):
        TOPIC = "prescription.completed"
        change: UUID

    class AdministrationRecorded(Event):
        TOPIC = "prescription.administration-recorded"
        administration: UUID
        given: bool
        dose_given: Text | None
        reason_not_given: Sealed | None
        outside_prescription: Outside | None

    def __init__(self) -> None:
        self.stay: UUID | None = None

    # -- decide --

    def write(
        self,
        stay: UUID,
        patient: UUID,
        medication: Medication,
        regimen: Regimen,
        prescriber: UUID | None,
        entry: Entry,
        died_at: datetime | None = None,
    ) -> None:
        if regimen.stop is not None and regimen.stop < regimen.start:
            raise InvalidInput("stop", "a prescription cannot stop before it starts")
        if died_at is not None and max(regimen.start, entry.occurred_at) > died_at:
            raise PatientDied(died_at)
        self._written(
            stay=stay,
            patient=patient,
            medication=medication,
            dose=regimen.dose,
            route=regimen.route,
            frequency=regimen.frequency,
            start=regimen.start,
            stop=regimen.stop,
            prescriber=prescriber,
            entry=entry,
        )

    def change(
        self,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        stop: datetime | None,
        entry: Entry,
    ) -> None:
        if dose is None and route is None and frequency is None and stop is None:
            raise InvalidInput("dose", "say what changes: dose, route, frequency or stop")
        if stop is not None and stop < max(self.course.regimen.start, entry.occurred_at):
            raise InvalidInput("stop", "the new stop lies before the change or the start")
        step = self._step("changed", entry, _changes(dose, route, frequency, stop))
        self._may(step)
        self._changed(
            change=step.id, dose=dose, route=route, frequency=frequency, stop=stop, entry=entry
        )

    def hold(self, entry: Entry) -> None:
        step = self._step("held", entry)
        self._may(step)
        self._held(change=step.id, entry=entry)

    def resume(self, entry: Entry) -> None:
        step = self._step("resumed", entry)
        self._may(step)
        self._resumed(change=step.id, entry=entry)

    def stop(self, entry: Entry, discharge: UUID | None = None) -> None:
        step = self._step("stopped", entry)
        self._may(step)
        self._stopped(change=step.id, discharge=discharge, entry=entry)

    def complete(self, entry: Entry) -> None:
        step = self._step("completed", entry)
        self._may(step)
        self._completed(change=step.id, entry=entry)

    def record_administration(
        self,
        given: bool,
        dose_given: str | None,
        reason_not_given: str | None,
        outside: Outside | None,
        entry: Entry,
        died_at: datetime | None = None,
    ) -> None:
        """A dose given, or not given and why, inside the prescription unless marked otherwise."""
        if given and reason_not_given:
            raise InvalidInput("reasonNotGiven", "the dose was given; leave this out")
        if not given and not reason_not_given:
            raise InvalidInput("reasonNotGiven", "say why the dose was not given")
        if not given and dose_given:
            raise InvalidInput("doseGiven", "the dose was not given; leave this out")
        at = entry.occurred_at
        if died_at is not None and at > died_at:
            raise PatientDied(died_at)
        if outside is None:
            if at not in self.course.period:
                raise PrescriptionStateBroken(
                    "the dose lies outside the prescription; mark it with outsidePrescription"
                )
            if given and self.course.status_at(at) is PrescriptionStatus.HELD:
                raise PrescriptionStateBroken(
                    "it is held then; mark a dose given all the same with outsidePrescription"
                )
        self._administration_recorded(
            administration=entry.id_of("administration"),
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside,
            entry=entry,
        )

    def is_live_at(self, moment: datetime) -> bool:
        """Whether a discharge at that moment would have to stop it."""
        return self.course.status_at(moment) not in (*ENDED, None)

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that a dose, or the writing of the prescription, contradicts."""
        late = [d for d in self.course.doses if d.at > died_at]
        facts = [FactRef(d.id, "dose", d.at, self.stay) for d in late]
        if self.course.written_at > died_at:
            facts.insert(0, FactRef(self.id, "prescription", self.course.written_at, self.stay))
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def facts_after(self, moment: datetime) -> list[FactRef]:
        """The writing of the prescription and the doses that lie after a moment (of discharge)."""
        facts = [FactRef(d.id, "dose", d.at, self.stay) for d in self.course.doses if d.at > moment]
        if self.course.written_at > moment:
            facts.insert(0, FactRef(self.id, "prescription", self.course.written_at, self.stay))
        return facts

    def _step(self, kind: str, entry: Entry, changes: tuple[tuple[str, Any], ...] = ()) -> Step:
        id = uuid5(entry.id_of(kind), str(self.id))
        return Step(id, kind, entry.occurred_at, self.version + 1, changes)

    def _may(self, candidate: Step) -> None:
        course = self.course.adding(candidate)
        problems = course.problems()
        for step, why in problems:
            if step.id == candidate.id:
                raise PrescriptionStateBroken(why)
        facts = [FactRef(s.id, f"prescription {s.kind}", s.at, self.stay) for s, _ in problems]
        facts += [
            FactRef(d.id, "dose", d.at, self.stay)
            for d in course.doses
            if d.outside is None and d.at in self.course.period and not _fits(course, d)
        ]
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    # -- evolve --

    @event(Written)
    def _written(
        self,
        stay: UUID,
        patient: UUID,
        medication: Medication,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        start: datetime,
        stop: datetime | None,
        prescriber: UUID | None,
        entry: Entry,
    ) -> None:
        self.stay, self.patient = stay, patient
        self.medication, self.prescriber = medication, prescriber
        self.course = Course(entry.occurred_at, Regimen(start, stop, dose, route, frequency))

    @event(Changed)
    def _changed(
        self,
        change: UUID,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        stop: datetime | None,
        entry: Entry,
    ) -> None:
        self._stepped("changed", change, entry, _changes(dose, route, frequency, stop))

    @event(Held)
    def _held(self, change: UUID, entry: Entry) -> None:
        self._stepped("held", change, entry)

    @event(Resumed)
    def _resumed(self, change: UUID, entry: Entry) -> None:
        self._stepped("resumed", change, entry)

    @event(Stopped)
    def _stopped(self, change: UUID, discharge: UUID | None, entry: Entry) -> None:
        self._stepped("stopped", change, entry)

    @event(Completed)
    def _completed(self, change: UUID, entry: Entry) -> None:
        self._stepped("completed", change, entry)

    @event(AdministrationRecorded)
    def _administration_recorded(
        self,
        administration: UUID,
        given: bool,
        dose_given: str | None,
        reason_not_given: str | None,
        outside_prescription: Outside | None,
        entry: Entry,
    ) -> None:
        dose = Dose(administration, entry.occurred_at, given, outside_prescription)
        self.course = replace(self.course, doses=(*self.course.doses, dose))

    def _stepped(
        self, kind: str, id: UUID, entry: Entry, changes: tuple[tuple[str, Any], ...] = ()
    ) -> None:
        step = Step(id, kind, entry.occurred_at, self.version + 1, changes)
        self.course = self.course.adding(step)


def _fits(course: Course, dose: Dose) -> bool:
    return dose.at in course.period and not (
        dose.given and course.status_at(dose.at) is PrescriptionStatus.HELD
    )


def _changes(
    dose: str | None, route: str | None, frequency: str | None, stop: datetime | None
) -> tuple[tuple[str, Any], ...]:
    given = {"dose": dose, "route": route, "frequency": frequency, "stop": stop}
    return tuple((name, value) for name, value in given.items() if value is not None)


class DrugChart(Aggregate):
    """Which prescriptions a stay has."""

    TOPIC = "drug-chart"

    class PrescriptionCharted(Event):
        TOPIC = "drug-chart.prescription-charted"
        stay: UUID
        prescription: UUID

    def __init__(self) -> None:
        self.prescriptions: tuple[UUID, ...] = ()

    @staticmethod
    def id_for(stay: UUID) -> UUID:
        return uuid5(stay, "drug-chart")

    def chart(self, stay: UUID, prescription: UUID, entry: Entry) -> None:
        self._charted(stay=stay, prescription=prescription, entry=entry)

    @event(PrescriptionCharted)
    def _charted(self, stay: UUID, prescription: UUID, entry: Entry) -> None:
        self.prescriptions = (*self.prescriptions, prescription)
