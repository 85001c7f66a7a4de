"""The same figures by a plain fold of the events: every stay asked about every moment, one by one.

It reads the log alone, and uses neither the read models nor anything of the reports.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.aggregate import Event
from domain.room.aggregate import BedState, Room
from domain.stay.aggregate import Stay
from domain.stay.facts import State, Status
from domain.time import Period

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
HERE, ON_LEAVE = Status.ADMITTED, Status.ON_LEAVE

Figures = dict[str, list[int | Fraction | None]]


@dataclass
class Plain:
    """A house as its events tell it up to a position, and the days that are asked about."""

    stays: dict[UUID, Stay]
    rooms: dict[UUID, Room]
    zone: ZoneInfo
    days: list[date]
    ward: str | None = None

    @classmethod
    def of(
        cls, log: Iterable[tuple[int, Event]], position: int, zone: str, first: date, last: date
    ) -> "Plain":
        stays: dict[UUID, Stay] = {}
        rooms: dict[UUID, Room] = {}
        for at, event in log:
            id = event.originator_id
            if at <= position and event.TOPIC.startswith("stay."):
                event.mutate(stays.setdefault(id, Stay.empty(id)))
            elif at <= position and event.TOPIC.startswith("room."):
                event.mutate(rooms.setdefault(id, Room.empty(id)))
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        inpatients = {
            id: stay for id, stay in stays.items() if _last(stay).status is not Status.CANCELLED
        }
        return cls(inpatients, rooms, ZoneInfo(zone), days)

    # -- moments --

    def census(self, day: date) -> datetime:
        return datetime.combine(day, time(23, 59), self.zone).astimezone(UTC)

    def date_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def end_of(self, day: date) -> datetime:
        """The last moment of a calendar day."""
        midnight = datetime.combine(day + timedelta(days=1), time(0), self.zone)
        return midnight.astimezone(UTC) - TICK

    def hospital_day(self, moment: datetime) -> date:
        day = self.date_of(moment)
        return day if moment <= self.census(day) else day + timedelta(days=1)

    def asks_about(self, day: date) -> bool:
        return self.days[0] <= day <= self.days[-1]

    # -- stays --

    @cached_property
    def around(self) -> dict[date, list[Stay]]:
        """Those whom a day may concern: who came before its end, and had not left before it began."""
        result: dict[date, list[Stay]] = {day: [] for day in self.days}
        for stay in self.stays.values():
            gone = self.discharged(stay)
            day = max(self.date_of(_admitted(stay)) - DAY, self.days[0])
            last = min(self.date_of(gone) + DAY, self.days[-1]) if gone else self.days[-1]
            while day <= last:
                result[day].append(stay)
                day += DAY
        return result

    def ward_of(self, state: State | None) -> str | None:
        bed = state.place.bed if state else None
        return self.rooms[bed.room].ward if bed else None

    def here(self, stay: Stay, moment: datetime) -> bool:
        """Return whether the patient is present, in the ward that is asked about."""
        state = stay.history.at(moment)
        return (
            state is not None
            and state.status is HERE
            and (self.ward is None or self.ward_of(state) == self.ward)
        )

    def wards_lain_in(self, stay: Stay, until: datetime | None = None) -> list[str | None]:
        """The wards of all beds, in order; the last of them is where the patient lay last."""
        states = [s for p, s in stay.history.segments if until is None or p.start <= until]
        return [self.ward_of(s) for s in states if s.place.bed] or [None]

    def in_scope(self, ward: str | None) -> bool:
        return self.ward is None or ward == self.ward

    def discharged(self, stay: Stay) -> datetime | None:
        last = stay.history.segments[-1]
        return last[0].start if last[1].status is Status.DISCHARGED else None

    def leavers(self) -> list[Stay]:
        """Those discharged on a date of the period, from the ward."""
        return [
            stay
            for stay in self.stays.values()
            if (gone := self.discharged(stay)) is not None
            and self.asks_about(self.date_of(gone))
            and self.in_scope(self.wards_lain_in(stay)[-1])
        ]

    def kind_of_day(self, stay: Stay, day: date) -> Status | None:
        """Return whether a calendar day is a patient day, a leave day, or (None) neither."""
        admitted, gone = _admitted(stay), self.discharged(stay)
        first, last = self.date_of(admitted), self.date_of(gone) if gone else None
        if day < first or (last is not None and day >= last and (day, last) != (first, first)):
            return None
        if day == first:
            return HERE
        state = stay.history.at(self.end_of(day))
        return state.status if state and state.status in (HERE, ON_LEAVE) else None

    def ward_on(self, stay: Stay, day: date) -> str | None:
        """The ward of a calendar day: where the patient is at its end, or lay before an absence."""
        gone = self.discharged(stay)
        until = self.end_of(day)
        if gone is not None and gone <= until:
            return self.wards_lain_in(stay)[-1]
        state = stay.history.at(until)
        if state is not None and state.status is HERE:
            return self.ward_of(state)
        return self.wards_lain_in(stay, until)[-1]

    def days_in_period(self, kind: Status) -> int:
        return sum(
            self.kind_of_day(stay, day) is kind and self.in_scope(self.ward_on(stay, day))
            for day in self.days
            for stay in self.around[day]
        )

    def length(self, stay: Stay) -> int:
        """Length of stay of one that has ended."""
        day, gone = self.date_of(_admitted(stay)), self.discharged(stay)
        assert gone is not None
        result = 0
        while day <= self.date_of(gone):
            result += self.kind_of_day(stay, day) is HERE
            day += timedelta(days=1)
        return result

    def same_day(self, stay: Stay, day: date) -> bool:
        gone = self.discharged(stay)
        return (
            gone is not None
            and self.hospital_day(gone) == self.hospital_day(_admitted(stay)) == day
            and self.in_scope(self.wards_lain_in(stay)[-1])
        )

    def present(self, day: date) -> int:
        return sum(self.here(stay, self.census(day)) for stay in self.around[day])

    def served(self, day: date, counts: Callable[[Stay, date], bool]) -> int:
        return sum(
            (self.here(stay, self.census(day)) or self.same_day(stay, day)) and counts(stay, day)
            for stay in self.around[day]
        )

    def takes_a_bed(self, stay: Stay, day: date) -> bool:
        """Return whether it has no share of another's bed then, or when it went."""
        gone = self.discharged(stay)
        moment = self.census(day)
        if gone is not None and gone <= moment:
            moment = gone - TICK
        state = stay.history.at(moment)
        return state is None or state.place.shares_bed_of is None

    # -- beds --

    @cached_property
    def closed(self) -> dict[tuple[UUID, str], list[Period]]:
        """Return when each bed is closed."""
        result = defaultdict(list)
        for id, room in self.rooms.items():
            for spell in room.spells:
                if spell.state is BedState.CLOSED:
                    result[id, spell.bed].append(spell.period)
        return result

    def open_beds(self, day: date, closed_too: bool) -> int:
        moment = self.census(day)
        return sum(
            since <= moment
            and (
                closed_too or not any(moment in period for period in self.closed.get((id, bed), ()))
            )
            for id, room in self.rooms.items()
            if self.in_scope(room.ward)
            for bed, since in room.beds.items()
        )

    # -- reports --

    def figures(self) -> dict[str, Figures]:
        """The figures of each report, by its name."""
        lengths = [self.length(stay) for stay in self.leavers()]
        nights = [
            self.length(stay)
            for stay in self.leavers()
            if self.date_of(_admitted(stay))
            < self.date_of(self.discharged(stay) or _admitted(stay))
        ]
        patient_days = self.days_in_period(HERE)
        admissions = sum(
            self.asks_about(self.date_of(_admitted(stay)))
            and self.in_scope(next((w for w in self.wards_lain_in(stay) if w), None))
            for stay in self.stays.values()
        )
        everybody = [self.served(day, lambda stay, day: True) for day in self.days]
        newborns = sum(
            self.served(day, lambda stay, day: stay.admission_type == "NEWBORN")
            for day in self.days
        )
        in_beds = [self.served(day, self.takes_a_bed) for day in self.days]
        open_beds = [self.open_beds(day, False) for day in self.days]
        all_beds = sum(self.open_beds(day, True) for day in self.days)
        count = len(self.days)
        turnover = _over(len(lengths), _over(sum(open_beds), count))
        return {
            "inpatient-census": {"census": [self.present(day) for day in self.days]},
            "inpatient-service-days": {
                "dailyServiceDays": [*everybody],
                "serviceDays": [sum(everybody)],
            },
            "average-daily-census": {
                "averageDailyCensus": [_over(sum(everybody) - newborns, count)],
                "averageDailyCensusOfNewborns": [_over(newborns, count)],
            },
            "patient-days": {
                "patientDays": [patient_days],
                "discharges": [len(lengths)],
                "lengthOfStay": [sum(lengths)],
            },
            "leave-days": {"leaveDays": [self.days_in_period(ON_LEAVE)]},
            "average-length-of-stay": {
                "averageLengthOfStay": [_over(sum(lengths), len(lengths))],
                "medianLengthOfStay": [Fraction(median(lengths)) if lengths else None],
                "patientDaysPerAdmission": [_over(patient_days, admissions)],
                "averageLengthOfOvernightStay": [_over(sum(nights), len(nights))],
            },
            "length-of-stay-distribution": {
                "dischargesByLength": [lengths.count(days) for days in range(1, 31)],
                "longerStays": [sum(days > 30 for days in lengths)],
            },
            "bed-occupancy-rate": {
                "occupancyRate": [_over(100 * sum(in_beds), sum(open_beds))],
                "occupancyRateOfAllBeds": [_over(100 * sum(in_beds), all_beds)],
                "dailyOccupancyRate": [
                    _over(100 * n, b) for n, b in zip(in_beds, open_beds, strict=True)
                ],
            },
            "bed-turnover-rate": {"turnoverRate": [turnover]},
            "bed-turnover-interval": {
                "turnoverInterval": [_over(sum(open_beds) - sum(in_beds), len(lengths))]
            },
            "long-stays": {
                "longStays": [n for day in self.days for n in self._long(day)],
            },
        }

    def _long(self, day: date) -> list[int]:
        here = [stay for stay in self.around[day] if self.here(stay, self.census(day))]
        lengths = []
        for stay in here:
            first = self.date_of(_admitted(stay))
            dates = [first + timedelta(days=n) for n in range((day - first).days)]
            lengths.append(sum(self.kind_of_day(stay, d) is HERE for d in dates))
        return [sum(length >= least for length in lengths) for least in (7, 14, 21)]


def balanced(census: Figures) -> bool:
    """Return whether each census is the one before, with who came and without who went."""
    came = [census[name] for name in ("admissions", "returns", "transfersIn")]
    went = [census[name] for name in ("discharges", "absences", "transfersOut")]
    changes = [
        sum(c or 0 for c in coming) - sum(g or 0 for g in going)
        for coming, going in zip(zip(*came, strict=True), zip(*went, strict=True), strict=True)
    ]
    result = pairwise(c or 0 for c in census["census"])
    return all(b == a + change for (a, b), change in zip(result, changes[1:], strict=True))


def _admitted(stay: Stay) -> datetime:
    return stay.history.segments[0][0].start


def _last(stay: Stay) -> State:
    return stay.history.segments[-1][1]


def _over(numerator: int | Fraction | None, denominator: int | Fraction | None) -> Fraction | None:
    if numerator is None or not denominator:
        return None
    return Fraction(numerator) / denominator
