"""Patients of the simulated hospital: those who come for the first time, and those who return."""

from datetime import date, datetime
from random import Random

from api.simulator.clock import DAY, LocalTime
from api.simulator.recording_queue import AT_THE_DESK, Recordable, RecordingQueue
from api.simulator.texts import FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES
from domain.envelope import Actor
from domain.patient import Confidentiality, Sex

CHILD_UNTIL = 17
"""Years; one less than the law's, so that nobody comes of age in a children's room."""

LABELLED = 0.015
"""The share of patients with a confidentiality label. Who needs their data without having the right
to them, as nurses do, breaks the glass (see `RecordingQueue`)."""

RETURN_WITHIN = 30 * DAY
SEXES = (Sex.FEMALE, Sex.MALE)


class Person(Recordable):
    """A patient. ``recorded``: when the last fact about this person as such is recorded."""

    KIND = "patient"

    def __init__(
        self, mrn: str, sex: Sex, born: date | None, family: str | None, given: str | None
    ) -> None:
        self.mrn, self.sex, self.born, self.family, self.given = mrn, sex, born, family, given
        self.recorded: datetime | None = None
        self.is_child = self.is_assessed = False
        self.home_since: datetime | None = None


class People:
    """Persons who come for the first time, and a bounded pool of those who may come again."""

    def __init__(self, queue: RecordingQueue, hours: LocalTime, pool: int, rng: Random) -> None:
        self._queue, self._hours, self._rng, self._pool = queue, hours, rng, pool
        self._home: list[Person] = []
        self._count = self._unidentified = 0

    def stranger(self, now: datetime, *, is_child: bool = False) -> Person:
        """Return a person who was never here."""
        sex = self._rng.choice(SEXES)
        if is_child:
            age = min(self._rng.expovariate(1 / 5), CHILD_UNTIL - 0.1)
        else:
            age = min(max(self._rng.gauss(63, 18), CHILD_UNTIL + 1.1), 101)
        return self._person(sex, age, now, is_child)

    def mother(self, now: datetime) -> Person:
        age = min(max(self._rng.gauss(31, 5), 18.5), 48)
        return self._person(Sex.FEMALE, age, now, False)

    def newborn(self, mother: Person, now: datetime) -> Person:
        child = self._person(self._rng.choice(SEXES), 0, now, True)
        child.family = mother.family
        return child

    def unidentified_person(self, person: Person | None = None) -> Person:
        """Return somebody without papers: a temporary number and no name.

        ``person``: one whose record is found only later.
        """
        self._unidentified += 1
        sex = person.sex if person else self._rng.choice(SEXES)
        return Person(f"T{self._unidentified:06}", sex, None, None, None)

    def returning(self, now: datetime, *, is_child: bool) -> Person | None:
        """Return somebody who went home within the last 30 days, if one fits."""
        self._home = [p for p in self._home if p.home_since and now < p.home_since + RETURN_WITHIN]
        for _ in range(min(4, len(self._home))):
            person = self._rng.choice(self._home)
            if person.is_child is is_child and self._may_return(person, now):
                self._home.remove(person)
                return person
        return None

    def _may_return(self, person: Person, now: datetime) -> bool:
        """Return whether a discharge lies some hours back and is recorded."""
        home, recorded_at = person.home_since, person.recorded
        return (
            home is not None and home + DAY / 2 < now and (recorded_at is None or recorded_at < now)
        )

    def go_home(self, person: Person, now: datetime, recorded: datetime) -> None:
        person.home_since, person.recorded = now, recorded
        if person.born is not None:
            self._home.append(person)
        if len(self._home) > self._pool:
            self._home.pop(self._rng.randrange(len(self._home)))

    def come_back(self, person: Person) -> None:
        """Take a person out of the pool of those who may return."""
        person.home_since = None
        if person in self._home:
            self._home.remove(person)

    def register(self, person: Person, at: datetime, by: Actor) -> None:
        """Make a person known who is not yet."""
        if person.recorded is None:
            label = Confidentiality.RESTRICTED if self._rng.random() < LABELLED else None
            person.recorded = self._queue.put(
                "register_patient",
                at=at,
                by=by,
                lag=AT_THE_DESK.draw(self._rng),
                creates=person,
                mrn=person.mrn,
                family_name=person.family,
                given_name=person.given,
                birth_date=person.born,
                sex=person.sex,
                confidentiality=label,
            )

    def _person(self, sex: Sex, age: float, now: datetime, is_child: bool) -> Person:
        self._count += 1
        born = self._hours.local(now - age * 365.25 * DAY).date()
        given_name = self._rng.choice(FEMALE_NAMES if sex is Sex.FEMALE else MALE_NAMES)
        person = Person(f"M{self._count:06}", sex, born, self._rng.choice(FAMILY_NAMES), given_name)
        person.is_child = is_child
        return person
