"""A stay as it is in life, and what of it is recorded so far; and what all stays have in common."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from api.simulator.clock import Agenda, LocalTime
from api.simulator.house import Bed, House, Kind
from api.simulator.people import People, Person
from api.simulator.recording_queue import Lag, Recordable, RecordingQueue
from api.simulator.staff import Doctor, Staff
from domain.envelope import Actor
from domain.stay.events import AdmissionType

SPECIALTIES: dict[Kind, str] = {
    Kind.EMERGENCY: "emergency medicine",
    Kind.MEDICINE: "general medicine",
    Kind.SURGERY: "general surgery",
    Kind.INTENSIVE: "intensive care",
    Kind.MATERNITY: "obstetrics",
    Kind.PAEDIATRICS: "paediatrics",
}


@dataclass(slots=True)
class World:
    """The state of the simulation, with one random generator for each kind of decision.

    Movements, prescriptions, care, data entry errors and flags draw from their own, so that less
    ``detail`` (fewer visits and doses) changes nothing else.
    """

    agenda: Agenda
    hours: LocalTime
    queue: RecordingQueue
    house: House
    staff: Staff
    people: People
    movement_rng: Random
    order_rng: Random
    care_rng: Random
    error_rng: Random
    flag_rng: Random
    detail_before: float
    full_from: datetime

    @property
    def now(self) -> datetime:
        return self.agenda.now

    @property
    def detail(self) -> float:
        """Return the share of visits and doses that are made: all, once the last day has begun."""
        return self.detail_before if self.now < self.full_from else 1.0

    def record(
        self, command: str, by: Actor | str, lag: Lag, rng: Random, **parameters: Any
    ) -> datetime:
        """Queue a command about a fact that happens now, ``by`` an actor or anybody with a role.

        ``parameters`` are further arguments of `RecordingQueue.put`. Returns when it will be recorded.
        """
        by = self.staff.pick(by, rng) if isinstance(by, str) else by
        return self.queue.put(command, at=self.now, by=by, lag=lag.draw(rng), **parameters)


class Prescription(Recordable):
    """A prescription. ``recorded``: when the last change of it so far is recorded."""

    KIND = "prescription"

    def __init__(self, drug: Any, dose: str, frequency: str, start: datetime) -> None:
        self.drug, self.dose, self.frequency, self.start = drug, dose, frequency, start
        self.round = self.recorded = start
        self.stop: datetime | None = None
        self.held = False
        self.ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and (self.stop is None or now < self.stop)


class Inpatient(Recordable):
    """A stay in life.

    ``opened`` is when its admission is recorded (or, come back from a discharge, its cancel),
    ``recorded`` the last of its movements so far. ``touched`` is when anything but
    a visit or a dose happened last.
    """

    KIND = "stay"

    def __init__(
        self, person: Person, admission: AdmissionType, goes_to: Kind, now: datetime, ends: datetime
    ) -> None:
        self.person, self.admission, self.goes_to = person, admission, goes_to
        self.admitted_at, self.ends_at = now, ends
        self.specialty = SPECIALTIES[goes_to]
        self.attending: Doctor | None = None
        self.bed: Bed | None = None
        self.mother: Inpatient | None = None
        self.children: list[Inpatient] = []
        self.away = self.gone = self.was_critical = False
        self.died_at: datetime | None = None
        self.has_requested_bed = False
        self.prescriptions: list[Prescription] = []
        self.opened = self.recorded = self.orders_recorded = self.touched = now

    @property
    def mrns(self) -> tuple[str, ...]:
        """Return the persons that an act upon this patient needs: mother and children lie together."""
        family = (self, *([self.mother] if self.mother else ()), *self.children)
        return tuple(patient.person.mrn for patient in family)

    @property
    def is_here(self) -> bool:
        """Return whether the patient is present and alive."""
        return not self.gone and not self.away and self.died_at is None

    @property
    def is_critical(self) -> bool:
        return self.bed is not None and self.bed.kind is Kind.INTENSIVE

    @property
    def sharing(self) -> "list[Inpatient]":
        """Return the children who lie in this mother's bed."""
        return [child for child in self.children if child.mother is self and not child.gone]

    def is_alone_in_bed(self, now: datetime) -> bool:
        """Return whether the patient may be moved or mistaken without anybody else's bed at stake."""
        return (
            self.bed is not None
            and self.is_here
            and self.mother is None
            and not self.children
            and self.bed.reservation_holder(now) is None
        )
