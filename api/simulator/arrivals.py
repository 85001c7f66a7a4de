"""Who comes, and what becomes of them at the door: a bed, a wait for one, or another house."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from math import exp, log

from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.course import Course
from api.simulator.demand import LINES, Line, rates
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import SPECIALTIES, Inpatient, Life, Reservation
from api.simulator.movements import Movements
from api.simulator.people import Person
from api.simulator.recording_queue import AT_ONCE, AT_THE_DESK
from api.simulator.texts import CORRIDORS, NO_SHOW, RECOGNISED
from domain.stay.events import AdmissionType

RETURNING = 0.14
INFECTIOUS = 0.06
NO_BED_AT_FIRST = 0.06
UNIDENTIFIED = 0.012
NOT_RECOGNISED = 0.05
NO_SHOWS = 0.04
FULL, SENT_ELSEWHERE = 0.9, 0.75
"""How full the house is when most ambulances are asked to drive to another one."""

EXPECTED = (AdmissionType.ELECTIVE, AdmissionType.DAY_CASE)
ELSEWHERE_IF_FULL = (AdmissionType.EMERGENCY, AdmissionType.TRANSFER_IN)
FULL_ON_THE_FIRST_DAY = 0.85

_ELECTIVE = {line.goes_to: line for line in LINES if line.admission is AdmissionType.ELECTIVE}


class Arrivals:
    """Patients at the door, those who wait without a bed, and those who are expected."""

    def __init__(self, life: Life, movements: Movements, course: Course) -> None:
        self.life, self.movements, self.course = life, movements, course
        self.begins = life.now
        self.has_duplicates = False
        self.rates = rates({kind: len(life.house.of(kind)) for kind in Kind})
        course.appoint = self._appoint

    def begin(self) -> None:
        """Bring in the patients of the first day, and let the others come."""
        self._first_day()
        for line, rate in self.rates.items():
            if rate > 0:
                self._next(line, self.begins + HOUR)
        self._find_beds()

    # -- coming --

    def _first_day(self) -> None:
        """The house begins nearly full: its patients are brought over from the old one."""
        lot = self.life.moves
        for kind in Kind:
            lines = [line for line in LINES if line.goes_to is kind]
            weights = [line.share * line.days for line in lines]
            for _ in range(round(FULL_ON_THE_FIRST_DAY * len(self.life.house.of(kind)))):
                line = replace(lot.choices(lines, weights)[0], admission=AdmissionType.TRANSFER_IN)
                at = self.begins + lot.uniform(1, 14) * HOUR
                self.life.agenda.at(at, partial(self._brought_over, line))

    def _brought_over(self, line: Line) -> None:
        person = self._person(line)
        bed = self.life.house.bed_for(person, (line.goes_to,), self.life.now)
        if bed is not None:
            self._admit(line, person, bed, line.still_stays(self.life.moves))

    def _next(self, line: Line, after: datetime) -> None:
        """The next arrival of a line: a Poisson process, thinned to the hours and weekdays."""
        life, lot = self.life, self.life.moves
        hours, days = line.by_hour, line.by_weekday
        most = max(hours) / sum(hours) * max(days) / sum(days)
        at = after
        while True:
            at += lot.expovariate(self.rates[line] * 24 * 7 * most) * DAY
            local = life.hours.local(at)
            weight = hours[local.hour] / sum(hours) * days[local.weekday()] / sum(days)
            if lot.random() * most < weight:
                break
        if line.admission in EXPECTED:
            evening = at - lot.uniform(12, 18) * HOUR
            life.agenda.at(evening, lambda: self._expected(line, at))
        else:
            life.agenda.at(at, lambda: self._arrives(line))

    def _arrives(self, line: Line) -> None:
        life, lot = self.life, self.life.moves
        self._next(line, life.now)
        kinds: tuple[Kind, ...] = (line.goes_to,)
        if line.through_emergency:
            kinds = (Kind.EMERGENCY, line.goes_to)
        bed = None
        urgent = line.admission is AdmissionType.EMERGENCY
        full = line.admission in ELSEWHERE_IF_FULL and life.house.occupancy > FULL
        if full and lot.random() < SENT_ELSEWHERE:
            return
        person = self._person(line)
        if not (urgent and lot.random() < NO_BED_AT_FIRST):
            bed = life.house.bed_for(person, kinds, life.now)
        room_to_wait = urgent and len(self._bedless()) < 2 + len(life.house.beds) // 25
        if bed is not None or room_to_wait:
            self._admit(line, person, bed, line.stays(lot))

    def _admit(self, line: Line, person: Person, bed: Bed | None, days: float) -> None:
        life, lot = self.life, self.life.moves
        patient = Inpatient(person, line.admission, line.goes_to, life.now, life.now + days * DAY)
        if line.through_emergency and (bed is None or bed.kind is Kind.EMERGENCY):
            patient.specialty = SPECIALTIES[Kind.EMERGENCY]
        patient.infectious = line.goes_to is Kind.MEDICINE and lot.random() < INFECTIOUS
        decided = None
        if line.admission is AdmissionType.EMERGENCY:
            decided = life.now - min(exp(lot.gauss(log(70), 0.7)), 600) * MINUTE
            decided = max(decided, self.begins)
        self.movements.admit(
            patient, bed, without_bed=None if bed else lot.choice(CORRIDORS), decided=decided
        )
        self.course.begin(patient)

    def _person(self, line: Line) -> Person:
        life, lot = self.life, self.life.moves
        child = line.goes_to is Kind.PAEDIATRICS
        if line.goes_to is Kind.MATERNITY:
            return life.people.mother(life.now)
        if line.admission is AdmissionType.EMERGENCY:
            if lot.random() < RETURNING:
                known = life.people.returning(life.now, child=child)
                not_recognised = life.slips.random() < NOT_RECOGNISED or not self.has_duplicates
                if known is not None and not child and not_recognised:
                    return self._registered_twice(known)
                if known is not None:
                    return known
            if not child and lot.random() < UNIDENTIFIED:
                return life.people.unidentified()
        return life.people.somebody(life.now, child=child)

    def _registered_twice(self, known: Person) -> Person:
        """Somebody who was here comes without papers, and is recognised only later.

        It is seldom, but there is no house without it: the first who returns is one.
        """
        self.has_duplicates = True
        life, lot = self.life, self.life.slips
        person = life.people.unidentified(really=known)
        life.agenda.after(lot.uniform(4, 60) * HOUR, lambda: self._recognised(person, known))
        return person

    def _recognised(self, person: Person, known: Person) -> None:
        if person.recorded is None:  # there was no bed, and the patient went elsewhere
            self.has_duplicates = False
            return
        self.life.desk.tell(
            lambda h, q: h.identity.merge_patients(q, patient_mrn=person.mrn, into_mrn=known.mrn),
            at=self.life.now,
            by=self.life.staff.registrar(self.life.slips),
            lag=AT_THE_DESK.draw(self.life.slips),
            after=person.recorded,
            reason=self.life.slips.choice(RECOGNISED),
        )

    # -- waiting --

    def _find_beds(self) -> None:
        """Every twenty minutes: a bed for those who have waited longest."""
        life = self.life
        life.agenda.after(20 * MINUTE, self._find_beds)
        for patient in self._bedless():
            kinds: tuple[Kind, ...] = (patient.goes_to,)
            if patient.goes_to is not Kind.PAEDIATRICS:
                kinds = (Kind.EMERGENCY, *kinds)
            bed = life.house.bed_for(patient.person, kinds, life.now, patient.infectious)
            if bed is not None and patient.touched < life.now:
                self.movements.allocate(patient, bed)
                self.course.in_bed(patient)

    def _bedless(self) -> list[Inpatient]:
        return [p for p in self.movements.here if p.is_here and p.bed is None]

    # -- expected --

    def _expected(self, line: Line, at: datetime) -> None:
        """The evening before: a bed is reserved. Without one the patient is asked to come later."""
        self._next(line, at)
        self._reserve(line, self._person(line), at)

    def _appoint(self, person: Person, kind: Kind, day: datetime) -> None:
        """Somebody who goes home now comes again on that day, or the next working day."""
        life = self.life
        line = _ELECTIVE[kind]
        life.people.leave_alone(person)
        at = life.hours.next(day, life.moves.uniform(7.5, 11))
        while line.by_weekday[life.hours.local(at).weekday()] == 0:
            at += DAY
        life.agenda.at(at - 15 * HOUR, lambda: self._reserve(line, person, at))

    def _reserve(self, line: Line, person: Person, at: datetime) -> None:
        life, lot, now = self.life, self.life.moves, self.life.now
        bed = life.house.bed_for(person, (line.goes_to,), now)
        if bed is None or at <= now:
            return
        by = life.staff.bed_manager(lot)
        life.people.register(person, now, by)
        ward, room, code = bed.place
        until = at.replace(minute=0, second=0, microsecond=0) + 5 * HOUR
        reservation = Reservation()
        bed.reserved_for, bed.reserved_until = person, until
        bed.known_from(
            life.desk.tell(
                lambda h, q: h.rooms.reserve_bed(
                    q, ward=ward, room=room, bed=code, until=until, patient_mrn=person.mrn
                ),
                at=now,
                by=by,
                lag=AT_ONCE.draw(lot),
                after=person.recorded,
                then=reservation.learn,
                about=(person.mrn,),
            )
        )
        life.agenda.at(at, lambda: self._keeps_appointment(line, person, bed, reservation))

    def _keeps_appointment(
        self, line: Line, person: Person, bed: Bed, reservation: Reservation
    ) -> None:
        life, lot = self.life, self.life.moves
        if lot.random() >= NO_SHOWS:
            self._admit(line, person, bed, line.stays(lot))
            return
        ward, room, _ = bed.place
        bed.reserved_for = bed.reserved_until = None
        bed.known_from(
            life.desk.tell(
                lambda h, q: h.rooms.release_reservation(
                    q, ward=ward, room=room, reservation_id=reservation.id
                ),
                at=life.now,
                by=life.staff.bed_manager(lot),
                lag=AT_THE_DESK.draw(lot),
                after=bed.known_free,
                reason=lot.choice(NO_SHOW),
                about=(person.mrn,),
            )
        )
