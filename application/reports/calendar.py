"""The days of a period: hospital days between censuses, calendar days between midnights."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from application.reports.formula import Contribution, Dimensions
from application.reports.inputs import InpatientStay, Inputs, Question, Span
from domain.stay.facts import Status

HERE = Status.ADMITTED.value


def day_of(question: Question, index: int) -> Dimensions:
    """Return the dimension of a mark of that day of the period; the first day is 0."""
    return (("day", (question.first + timedelta(days=index)).isoformat()),)


class Calendar:
    """Days are numbered from 0, the first of the period; -1 is before it, ``count`` is after it."""

    def __init__(self, inputs: Inputs) -> None:
        question, days = inputs.question, inputs.days
        self.days = days
        self.question, self.ward = question, question.ward
        self.count = question.days
        self.first = question.first.toordinal()
        self.of = [day_of(question, day) for day in range(self.count)]
        self._marks: dict[tuple[str, Dimensions], list[Contribution]] = {}
        self._censuses = days.censuses(question.first, question.last)
        self._midnights = days.midnights(question.first, question.last)

    def hospital_day(self, moment: datetime) -> int:
        """Return the hospital day: from after the census of the day before up to its own, included."""
        return bisect_left(self._censuses, moment) - 1

    def census(self, day: int) -> datetime:
        """Return the census time that ends a hospital day of the period."""
        return self._censuses[day + 1]

    def at_censuses(self, since: datetime, until: datetime | None) -> range:
        """Return the days of the period at whose census something was that was so in between."""
        start = max(bisect_left(self._censuses, since) - 1, 0)
        if until is None:
            return range(start, max(start, self.count))
        return range(start, max(start, min(bisect_left(self._censuses, until) - 1, self.count)))

    def date(self, moment: datetime) -> int:
        """Return the calendar day, from midnight to midnight."""
        return bisect_right(self._midnights, moment) - 1

    def ends_of_days(self, since: datetime, until: datetime | None) -> range:
        """Return the calendar days of the period that end in between."""
        start = max(bisect_right(self._midnights, since) - 1, 0)
        if until is None:
            return range(start, max(start, self.count))
        return range(start, max(start, min(bisect_right(self._midnights, until) - 1, self.count)))

    def includes(self, moment: datetime | None) -> bool:
        """Return whether its calendar day is one of the period."""
        return moment is not None and 0 <= self.date(moment) < self.count

    def counts(self, moment: datetime | None) -> bool:
        """Return whether its hospital day is one of the period."""
        return moment is not None and 0 <= self.hospital_day(moment) < self.count

    def ordinal(self, moment: datetime) -> int:
        """Return the calendar day as Python numbers it, for days before the period too."""
        day = bisect_right(self._midnights, moment) - 1
        if 0 <= day < self.count:
            return self.first + day
        return self.days.date_of(moment).toordinal()

    def marks(self, measure: str, days: range, *more: tuple[str, str]) -> list[Contribution]:
        """Return a mark for each of these days. Stays share them: a year has some hundred thousand."""
        contributions = self._marks.get((measure, more))
        if contributions is None:
            contributions = [Contribution(measure, (*of, *more), 1) for of in self.of]
            self._marks[measure, more] = contributions
        return contributions[days.start : days.stop]

    def mark(self, measure: str, day: int) -> list[Contribution]:
        """Return a mark of one day; none if it is not of the period."""
        return self.marks(measure, range(day, day + 1)) if 0 <= day < self.count else []

    def in_scope(self, ward: str | None) -> bool:
        return self.ward is None or ward == self.ward


def present(span: Span) -> bool:
    """Return whether the patient is in the hospital then: not on leave, not away."""
    return span.state == HERE


def with_wards(stay: InpatientStay) -> Iterator[tuple[Span, str | None]]:
    """Return the spans, each with the ward of the patient: while away, the one lain in before."""
    ward = None
    for span in stay.spans:
        ward = span.ward if present(span) else span.ward or ward
        yield span, ward


def last_ward(stay: InpatientStay) -> str | None:
    """Return the ward in which the patient lay last; it is the one that discharges."""
    return next((span.ward for span in reversed(stay.spans) if span.ward), None)


def first_ward(stay: InpatientStay) -> str | None:
    """Return the ward in which the patient lay first; it is the one that admits."""
    return next((span.ward for span in stay.spans if span.ward), None)
