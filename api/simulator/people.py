"""The patients of the simulated house: those who come for the first time, and those who return."""

from datetime import date, datetime
from random import Random

from api.simulator.clock import DAY, LocalTime
from api.simulator.recording_queue import AT_THE_DESK, Desk, Known
from api.simulator.texts import FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES
from domain.envelope import Actor
from domain.patient import Confidentiality, Sex

CHILD_UNTIL = 17
"""Years; a year less than the law's, so that nobody comes of age in a children's room."""

LABELLED = 0.015
"""The share of patients with a confidentiality label. Who needs their data without having the right
to them, as nurses do, breaks the glass (see `desk`)."""


class Person(Known):
    """A patient. ``recorded``: when what was last told of this person as such is in the record."""

    KIND = "patient"

    def __init__(
        self, mrn: str, sex: Sex, born: date | None, family: str | None, given: str | None
    ) -> None:
        super().__init__()
        self.mrn, self.sex, self.born, self.family, self.given = mrn, sex, born, family, given
        self.recorded: datetime | None = None
        self.is_child = False
        self.home_since: datetime | None = None


class People:
    """Those who come for the first time, and a bounded pool of those who may come again."""

    RETURN_WITHIN = 30 * DAY

    def __init__(self, desk: Desk, hours: LocalTime, pool: int, lot: Random) -> None:
        self._desk, self._hours, self._lot = desk, hours, lot
        self._most = pool
        self._home: list[Person] = []
        self.count = self._unknown = 0

    def somebody(self, now: datetime, *, child: bool = False, sex: Sex | None = None) -> Person:
        """A person who was never here."""
        sex = sex or self._lot.choice((Sex.FEMALE, Sex.MALE))
        if child:
            age = min(self._lot.expovariate(1 / 5), CHILD_UNTIL - 0.1)
        else:
            age = min(max(self._lot.gauss(63, 18), CHILD_UNTIL + 1.1), 101)
        return self._named(sex, self._day(now - age * 365.25 * DAY), child)

    def mother(self, now: datetime) -> Person:
        age = min(max(self._lot.gauss(31, 5), 18.5), 48)
        return self._named(Sex.FEMALE, self._day(now - age * 365.25 * DAY), False)

    def newborn(self, mother: Person, now: datetime) -> Person:
        child = self._named(self._lot.choice((Sex.FEMALE, Sex.MALE)), self._day(now), True)
        child.family = mother.family
        if self._lot.random() < 0.4:
            child.given = None
        return child

    def unidentified(self, really: Person | None = None) -> Person:
        """Brought in without papers: a temporary number and no name.

        ``really``: one whose record is found only later, and who does not come again otherwise.
        """
        self.count += 1
        self._unknown += 1
        sex = really.sex if really else self._lot.choice((Sex.MALE, Sex.MALE, Sex.FEMALE))
        return Person(f"T{self._unknown:06}", sex, None, None, None)

    def returning(self, now: datetime, *, child: bool) -> Person | None:
        """Somebody who went home within the last 30 days, if one fits."""
        self._home = [
            p for p in self._home if p.home_since and now < p.home_since + self.RETURN_WITHIN
        ]
        for _ in range(min(4, len(self._home))):
            person = self._lot.choice(self._home)
            if person.is_child is child and self.may_return(person, now):
                self._home.remove(person)
                return person
        return None

    def may_return(self, person: Person, now: datetime) -> bool:
        """Whether a person's discharge lies some hours back and is in the record."""
        home, known = person.home_since, person.recorded
        return home is not None and home + DAY / 2 < now and (known is None or known < now)

    def went_home(self, person: Person, now: datetime, recorded: datetime) -> None:
        person.home_since, person.recorded = now, recorded
        if person.born is not None:
            self._home.append(person)
        if len(self._home) > self._most:
            self._home.pop(self._lot.randrange(len(self._home)))

    def leave_alone(self, person: Person) -> None:
        """Has an appointment: is not to come before by chance."""
        if person in self._home:
            self._home.remove(person)

    def register(self, person: Person, at: datetime, by: Actor) -> None:
        """Make a person known who is not yet."""
        if person.recorded is not None:
            return
        label = Confidentiality.RESTRICTED if self._lot.random() < LABELLED else None
        person.recorded = self._desk.tell(
            lambda h, q: h.patients.register_patient(
                q,
                mrn=person.mrn,
                family_name=person.family,
                given_name=person.given,
                birth_date=person.born,
                sex=person.sex,
                confidentiality=label,
            ),
            at=at,
            by=by,
            lag=AT_THE_DESK.draw(self._lot),
            then=person.learn,
        )

    def _named(self, sex: Sex, born: date, child: bool) -> Person:
        self.count += 1
        given = self._lot.choice(FEMALE_NAMES if sex is Sex.FEMALE else MALE_NAMES)
        person = Person(f"M{self.count:06}", sex, born, self._lot.choice(FAMILY_NAMES), given)
        person.is_child = child
        return person

    def _day(self, moment: datetime) -> date:
        return self._hours.local(moment).date()
