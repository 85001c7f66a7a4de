"""Reports on patients present over time: time-weighted, by hour of the day and day of the week."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from application.reports.calendar import Calendar, present
from application.reports.definition import (
    CALENDAR_DATE,
    WITHOUT,
    Contributions,
    Definition,
    Each,
    Figure,
    Subject,
    of_each,
    of_imprecise_times,
    of_stays,
    of_the_whole,
)
from application.reports.formula import (
    Amounts,
    Contribution,
    Dimensions,
    Formula,
    Value,
    total,
)
from application.reports.inputs import InpatientStay, Inputs
from domain.hospital_calendar import DAY
from domain.time import TICK

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
HOUR = timedelta(hours=1)


class Hours:
    """The hours of the calendar days of a period, each with its local hour and day of the week."""

    def __init__(self, calendar: Calendar) -> None:
        question, days = calendar.question, calendar.days
        self.starts: list[int] = []
        self.of: list[Dimensions] = []
        day = question.first
        while day <= question.last:
            start, end = days.midnight(day), days.midnight(day + DAY)
            zone = ZoneInfo(days.zone_on(day).key)
            while start < end:
                local_start = start.astimezone(zone)
                self.starts.append(_ticks(start))
                weekday = f"{day.isoweekday()} {day:%A}"
                self.of.append((("hour", f"{local_start.hour:02}"), ("weekday", weekday)))
                start = min(start + HOUR, end)
            day += DAY
        self.begin, self.end = self.starts[0], _ticks(days.midnight(question.last + DAY))
        self.starts.append(self.end)
        self._since = [
            Contribution("since", *place) for place in zip(self.of, self.starts, strict=False)
        ]
        self._until = [
            Contribution("until", *place) for place in zip(self.of, self.starts[1:], strict=True)
        ]

    def at(self, moment: int) -> int:
        """Return the number of the hour in which a moment of the period lies."""
        return bisect_right(self.starts, moment) - 1

    def between(self, since: int, until: int) -> Iterator[Contribution]:
        """Return the pieces of a time, hour by hour; stays share those of whole hours."""
        since, until = max(since, self.begin), min(until, self.end)
        if since >= until:
            return
        first, last = self.at(since), self.at(until - 1)
        yield Contribution("since", self.of[first], since)
        yield from self._since[first + 1 : last + 1]
        yield from self._until[first:last]
        yield Contribution("until", self.of[last], until)


def _ticks(moment: datetime) -> int:
    return (moment - EPOCH) // TICK


def _contributions(inputs: Inputs) -> Contributions:
    calendar = Calendar(inputs)
    hours = Hours(calendar)
    open_end = hours.end

    def _presence(stay: InpatientStay, _: Calendar) -> Iterator[Contribution]:
        pieces: list[tuple[int, int]] = []
        for span in stay.spans:
            if present(span) and calendar.in_scope(span.ward):
                since = _ticks(span.since)
                until = open_end + 1 if span.until is None else _ticks(span.until)
                if pieces and pieces[-1][1] == since:
                    pieces[-1] = pieces[-1][0], until
                else:
                    pieces.append((since, until))
        for since, until in pieces:
            yield from hours.between(since, until)
            for measure, moment in (("arrived", since), ("departed", until)):
                if hours.begin <= moment < hours.end:
                    yield Contribution(measure, hours.of[hours.at(moment)], 1)

    times = zip(hours.of, hours.starts, hours.starts[1:], strict=False)
    marks = tuple(Contribution("time", of, until - since) for of, since, until in times)
    return {**of_stays(_presence)(inputs), Subject("calendar", ""): marks}


def _stays_of_scope(inputs: Inputs) -> Contributions:
    calendar = Calendar(inputs)
    return {
        Subject("stay", stay.stay): ()
        for stay in inputs.stays
        if any(calendar.in_scope(span.ward) for span in stay.spans)
    }


MEASURES = frozenset({"since", "until", "time"})


def _peak(amounts: Amounts, of: Dimensions) -> int:
    times = amounts.levels("since", "until", of)
    return max((level for level, time in times.items() if time), default=0)


def _percentile(percent: int) -> Formula:
    def compute(amounts: Amounts, of: Dimensions) -> Value:
        time, times = amounts.total("time", of), amounts.levels("since", "until", of)
        if not time:
            return None
        duration = time - times.total()  # nobody was present
        for number in (0, *sorted(times)):
            duration += times[number]
            if duration * 100 >= percent * time:
                return number
        return None

    return Formula(MEASURES, compute)


_APART: tuple[tuple[str, Each], ...] = (
    ("", of_the_whole),
    ("ByHour", of_each("hour")),
    ("ByWeekday", of_each("weekday")),
    ("ByWeekdayAndHour", of_each("weekday", "hour")),
)
_FIGURES: tuple[tuple[str, str, str, Formula, int], ...] = (
    (
        "meanOccupancy",
        "patients",
        "Patients present, on average over the time.",
        (total("until") - total("since")) / total("time"),
        2,
    ),
    ("medianOccupancy", "patients", "Half of the time not more.", _percentile(50), 0),
    ("percentile75", "patients", "Three quarters of the time not more.", _percentile(75), 0),
    ("percentile90", "patients", "Nine tenths of the time not more.", _percentile(90), 0),
    ("percentile95", "patients", "95 % of the time not more.", _percentile(95), 0),
    (
        "peakOccupancy",
        "patients",
        "The most that were present at once.",
        Formula(MEASURES, _peak),
        0,
    ),
    ("arrivals", "patients", "Who came into the hospital, or the ward.", total("arrived"), 0),
    ("departures", "patients", "Who went from the hospital, or the ward.", total("departed"), 0),
)

OCCUPANCY_OVER_TIME_1 = Definition(
    name="occupancy-over-time",
    version=1,
    title="Occupancy over time",
    formula="The time for which patients were present in the calendar days of the period / that time;"
    " by local hour of the day and day of the week. Percentiles are weighted by time: for so much of"
    " the time not more were present. On leave nobody is present; from and to leave is a departure"
    " and an arrival.",
    day=CALENDAR_DATE,
    source="hillmaker; Green, How many hospital beds?",
    needs=frozenset({"stays"}),
    contributions=_contributions,
    lacking=of_imprecise_times(_stays_of_scope),
    lacking_needs=frozenset({"imprecise_stays"}),
    parameters=(WITHOUT,),
    figures=tuple(
        Figure(name + apart, unit, meaning, formula, each, decimals)
        for apart, each in _APART
        for name, unit, meaning, formula, decimals in _FIGURES
    ),
)
