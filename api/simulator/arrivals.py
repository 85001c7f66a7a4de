"""Arrivals: who comes, and what becomes of them: a bed, a wait for one, or another hospital."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.course import Course
from api.simulator.demand import LINES, Line, rates
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import SPECIALTIES, Inpatient, World
from api.simulator.movements import Movements
from api.simulator.people import Person
from api.simulator.recording_queue import AT_ONCE, AT_THE_DESK, ExpectedArrival
from api.simulator.texts import CORRIDORS, RECOGNISED
from domain.stay.events import AdmissionType

RETURNING = 0.14
NO_BED_AT_FIRST = 0.06
UNIDENTIFIED = 0.012
NOT_RECOGNISED = 0.05
FULL, SENT_ELSEWHERE = 0.9, 0.75
"""Share of beds taken at which most ambulances are asked to drive to another house."""

EXPECTED = (AdmissionType.ELECTIVE, AdmissionType.DAY_CASE)
ELSEWHERE_IF_FULL = (AdmissionType.EMERGENCY, AdmissionType.TRANSFER_IN)
FULL_ON_THE_FIRST_DAY = 0.85


class Arrivals:
    """Patients at the door, those who wait without a bed, and those who are expected."""

    def __init__(self, world: World, movements: Movements, course: Course) -> None:
        self.world, self.movements, self.course = world, movements, course
        self.begins = world.now
        self.has_duplicates = False
        self.rates = rates({kind: len(world.house.of(kind)) for kind in Kind})

    def begin(self) -> None:
        """Bring in the patients of the first day, and let the others come."""
        self._first_day()
        for line, rate in self.rates.items():
            if rate > 0:
                self._note_next(line, self.begins + HOUR)
        self._find_beds()

    def _first_day(self) -> None:
        """Fill most beds with patients who are brought over from the old house."""
        rng = self.world.movement_rng
        for kind in Kind:
            lines = [line for line in LINES if line.goes_to is kind]
            weights = [line.share * line.days for line in lines]
            for _ in range(round(FULL_ON_THE_FIRST_DAY * len(self.world.house.of(kind)))):
                line = replace(rng.choices(lines, weights)[0], admission=AdmissionType.TRANSFER_IN)
                at = self.begins + rng.uniform(1, 14) * HOUR
                self.world.agenda.at(at, partial(self._bring_over, line))

    def _bring_over(self, line: Line) -> None:
        person = self._person(line)
        bed = self.world.house.bed_for(person, self.world.now, line.goes_to)
        if bed is not None:
            self._admit(line, person, bed, line.rest_of_stay(self.world.movement_rng))

    def _note_next(self, line: Line, after: datetime) -> None:
        """Note the next arrival of a line: a Poisson process, thinned to the hours and weekdays."""
        world, rng = self.world, self.world.movement_rng
        hours, days = line.by_hour, line.by_weekday
        highest_rate = max(hours) / sum(hours) * max(days) / sum(days)
        at, weight = after, 0.0
        while rng.random() * highest_rate >= weight:
            at += rng.expovariate(self.rates[line] * 24 * 7 * highest_rate) * DAY
            local_time = world.hours.local(at)
            weight = hours[local_time.hour] / sum(hours) * days[local_time.weekday()] / sum(days)
        if line.admission in EXPECTED:
            self._plan(line, at)
        else:
            world.agenda.at(at, lambda: self._arrive(line))

    def _arrive(self, line: Line) -> None:
        world, rng = self.world, self.world.movement_rng
        self._note_next(line, world.now)
        full = line.admission in ELSEWHERE_IF_FULL and world.house.occupancy > FULL
        if full and rng.random() < SENT_ELSEWHERE:
            return
        bed, person = None, self._person(line)
        is_urgent = line.admission is AdmissionType.EMERGENCY
        if not (is_urgent and rng.random() < NO_BED_AT_FIRST):
            kinds = (Kind.EMERGENCY, line.goes_to) if line.through_emergency else (line.goes_to,)
            bed = world.house.bed_for(person, world.now, *kinds)
        may_wait = is_urgent and len(self._without_bed()) < 2 + len(world.house.beds) // 25
        if bed is not None or may_wait:
            self._admit(line, person, bed, line.stay(rng))

    def _admit(
        self,
        line: Line,
        person: Person,
        bed: Bed | None,
        days: float,
        expected: ExpectedArrival | None = None,
    ) -> None:
        world, rng = self.world, self.world.movement_rng
        patient = Inpatient(person, line.admission, line.goes_to, world.now, world.now + days * DAY)
        if line.through_emergency and (bed is None or bed.kind is Kind.EMERGENCY):
            patient.specialty = SPECIALTIES[Kind.EMERGENCY]
        decision = None
        if line.admission is AdmissionType.EMERGENCY:
            decision = max(world.now - rng.triangular(20, 600, 70) * MINUTE, self.begins)
        without_bed = None if bed else rng.choice(CORRIDORS)
        self.movements.admit(
            patient, bed, without_bed=without_bed, decided=decision, expected=expected
        )
        if bed is None:
            self.movements.request_bed(patient)
        self.course.begin(patient)

    def _person(self, line: Line) -> Person:
        world, rng, people = self.world, self.world.movement_rng, self.world.people
        is_child = line.goes_to is Kind.PAEDIATRICS
        if line.goes_to is Kind.MATERNITY:
            return people.mother(world.now)
        if line.admission is AdmissionType.EMERGENCY:
            birth = None
            if rng.random() < RETURNING:
                birth = people.returning(world.now, is_child=is_child)
            not_recognised = world.error_rng.random() < NOT_RECOGNISED or not self.has_duplicates
            if birth is not None and not is_child and not_recognised:
                return self._register_twice(birth)
            if birth is not None:
                return birth
            if not is_child and rng.random() < UNIDENTIFIED:
                return people.unidentified_person()
        return people.stranger(world.now, is_child=is_child)

    def _register_twice(self, known: Person) -> Person:
        """Register a patient without papers who was here before, and merge the records later.

        It is seldom, but there is no house without it: the first who returns is one.
        """
        self.has_duplicates = True
        world = self.world
        person = world.people.unidentified_person(known)
        wait = world.error_rng.uniform(4, 60) * HOUR
        world.agenda.after(wait, lambda: self._merge(person, known))
        return person

    def _merge(self, person: Person, registered_person: Person) -> None:
        rng = self.world.error_rng
        if person.recorded is None:  # there was no bed, and the patient went elsewhere
            self.has_duplicates = False
            return
        self.world.record(
            "merge_patients",
            self.world.staff.pick("registrar", rng),
            AT_THE_DESK,
            rng,
            after=person.recorded,
            reason=rng.choice(RECOGNISED),
            patient_mrn=person.mrn,
            into_mrn=registered_person.mrn,
        )

    def _find_beds(self) -> None:
        """Look every twenty minutes for beds for those who have waited longest."""
        world = self.world
        world.agenda.after(20 * MINUTE, self._find_beds)
        for patient in self._without_bed():
            kinds: tuple[Kind, ...] = (patient.goes_to,)
            if patient.goes_to is not Kind.PAEDIATRICS:
                kinds = (Kind.EMERGENCY, *kinds)
            bed = world.house.bed_for(patient.person, world.now, *kinds)
            if bed is not None and patient.touched < world.now:
                self.movements.allocate(patient, bed)
                self.course.in_bed(patient)

    def _without_bed(self) -> list[Inpatient]:
        return [p for p in self.movements.here if p.is_here and p.bed is None]

    def _plan(self, line: Line, at: datetime) -> None:
        """Plan an admission, and note that a bed is reserved the evening before."""
        world, rng, now = self.world, self.world.movement_rng, self.world.now
        by, person, arrival = (
            world.staff.pick("bed_manager", rng),
            self._person(line),
            ExpectedArrival(now),
        )
        world.people.register(person, now, by)
        arrival.recorded = world.record(
            "plan_admission",
            by,
            AT_THE_DESK,
            rng,
            after=person.recorded,
            about=(person.mrn,),
            creates=arrival,
            patient_mrn=person.mrn,
            expected_at=at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0),
            ward=world.house.ward_of(line.goes_to),
            specialty=SPECIALTIES[line.goes_to],
        )
        evening = at - rng.uniform(12, 18) * HOUR
        world.agenda.at(evening, lambda: self._reserve(line, at, person, arrival))

    def _reserve(self, line: Line, at: datetime, person: Person, arrival: ExpectedArrival) -> None:
        """Reserve a bed; without one the admission is called off: the patient comes another time."""
        world, rng, now = self.world, self.world.movement_rng, self.world.now
        self._note_next(line, at)
        by, bed = (
            world.staff.pick("bed_manager", rng),
            world.house.bed_for(person, now, line.goes_to),
        )
        about = {"about": (person.mrn,)}
        if bed is None or at <= now:
            parameters = {"after": arrival.recorded, "expected_arrival_id": arrival, **about}
            world.record(
                "cancel_expected_arrival", by, AT_THE_DESK, rng, reason="no bed", **parameters
            )
            return
        bed.reserved_for = person
        bed.reserved_until = at.replace(minute=0, second=0, microsecond=0) + 5 * HOUR
        bed.known_from(
            world.record(
                "reserve_bed",
                by,
                AT_ONCE,
                rng,
                after=arrival.recorded,
                **about,
                until=bed.reserved_until,
                patient_mrn=person.mrn,
                **bed.place,
            )
        )
        world.agenda.at(at, lambda: self._admit(line, person, bed, line.stay(rng), arrival))
