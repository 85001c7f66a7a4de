"""Reports on the length of stays: patient days, leave days, length of stay.

A date is a patient day, a leave day, or neither; what is so at its end decides. The date of admission
is always a patient day, the date of discharge neither, but for a stay of one date (AIHW METEOR 269982,
270045, 270251). From that follow all its edges: the date of going on leave is leave, the date of
return is a patient day; back and gone again the same date is leave; back and discharged is neither. A
date that ends between a discharge and its reversal is neither, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from application.reports.calendar import (
    Calendar,
    day_of,
    first_ward,
    last_ward,
    present,
    with_wards,
)
from application.reports.definition import (
    CALENDAR_DATE,
    HOSPITAL_DAY,
    WITHOUT,
    Definition,
    Figure,
    Parameter,
    of_stays,
)
from application.reports.formula import (
    TOTAL,
    Contribution,
    Dimensions,
    Formula,
    Marks,
    count,
    median,
    total,
)
from application.reports.inputs import InpatientStay, Question
from domain.stay.facts import Status
from domain.time import TICK

METEOR = "AIHW METEOR 269982, 270045, 270251"

MOST_DAYS = 30
"""The longest stay that a distribution tells by its days."""


def length(stay: InpatientStay, calendar: Calendar) -> int:
    """Return the length of a stay that has ended: its patient days, all of them."""
    assert stay.discharged_at is not None
    first_day, last_day = calendar.ordinal(stay.admitted_at), calendar.ordinal(stay.discharged_at)
    if first_day == last_day:
        return 1
    days, since = 0, first_day
    for span in stay.spans:  # each begins where the one before ends
        ends = span.until or stay.discharged_at
        until = last_day if ends == stay.discharged_at else calendar.ordinal(ends)
        if present(span):
            days += until - since
        elif since == first_day < until:
            days += 1
        since = until
    return days


def in_period(stay: InpatientStay, calendar: Calendar, state: str = Status.ADMITTED) -> int:
    """Return the patient days (or days of another state) of a stay in the period and scope.

    A day belongs to the ward in which the patient lies at its end, or lay before an absence.
    """
    first_day = calendar.date(stay.admitted_at)
    if stay.discharged_at is not None and calendar.date(stay.discharged_at) == first_day:
        is_counted = 0 <= first_day < calendar.count and calendar.in_scope(last_ward(stay))
        return int(is_counted and state == Status.ADMITTED)
    day_count = 0
    for span, ward in with_wards(stay):
        if calendar.in_scope(ward):
            days = calendar.ends_of_days(span.since, span.until)
            day_count += len(days) if span.state == state else 0
            if first_day in days and not present(span):
                day_count += 1 if state == Status.ADMITTED else -int(span.state == state)
    return day_count


def is_discharged(stay: InpatientStay, calendar: Calendar) -> bool:
    """Return whether it was discharged on a date of the period, from the ward of the scope."""
    return calendar.includes(stay.discharged_at) and calendar.in_scope(last_ward(stay))


# -- 4, 5: patient days and leave days --


def _patient_days(
    stay: InpatientStay, calendar: Calendar, unit: timedelta = TICK
) -> Iterator[Contribution]:
    if days := in_period(stay, calendar):
        yield Contribution("patient_days", TOTAL, days)
    if is_discharged(stay, calendar):
        duration = sum(
            (s.until - s.since for s in stay.spans if present(s) and s.until), timedelta()
        )
        yield Contribution("length", TOTAL, length(stay, calendar))
        yield Contribution("length_with_leave", TOTAL, _between(stay, calendar))
        yield Contribution("time_here", TOTAL, duration // unit)


def _between(stay: InpatientStay, calendar: Calendar) -> int:
    """Count the dates from admission to discharge, absences included; at least one."""
    assert stay.discharged_at is not None
    return max(calendar.ordinal(stay.discharged_at) - calendar.ordinal(stay.admitted_at), 1)


PATIENT_DAYS_1 = Definition(
    name="patient-days",
    version=1,
    title="Patient days and length of stay",
    formula="Discharge date - admission date - leave days; a stay of one date counts 1.",
    day=CALENDAR_DATE,
    source=METEOR,
    needs=frozenset({"stays"}),
    contributions=of_stays(partial(_patient_days, unit=timedelta(seconds=1))),
    figures=(
        Figure("patientDays", "days", "Patient days of the period.", total("patient_days")),
        Figure(
            "discharges", "discharges", "Discharges in the period, deaths too.", count("length")
        ),
        Figure(
            "lengthOfStay",
            "days",
            "Length of stay of those discharged, added up, from their admission on.",
            total("length"),
        ),
        Figure(
            "lengthOfStayWithLeave",
            "days",
            "The same without taking off their leave days.",
            total("length_with_leave"),
        ),
        Figure(
            "timeInHospital",
            "days",
            "The same to the second: the time of those discharged in the hospital, leave left out.",
            total("time_here") / (24 * 60 * 60),
            decimals=2,
        ),
    ),
)


_TIME = PATIENT_DAYS_1.figures[-1]
PATIENT_DAYS_2 = replace(
    PATIENT_DAYS_1,
    version=2,
    contributions=of_stays(_patient_days),
    figures=(
        *PATIENT_DAYS_1.figures[:-1],
        replace(
            _TIME, formula=_TIME.formula / 1_000_000, meaning="The same, exact; leave left out."
        ),
    ),
)
"""The first version cuts the time of each stay to the second."""


def _leave_days(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
    if days := in_period(stay, calendar, Status.ON_LEAVE):
        yield Contribution("leave_days", TOTAL, days)
    for span, ward in with_wards(stay):
        begins = span.state == Status.ON_LEAVE and calendar.includes(span.since)
        if begins and calendar.in_scope(ward):
            yield Contribution("leaves", TOTAL, 1)


LEAVE_DAYS_1 = Definition(
    name="leave-days",
    version=1,
    title="Leave days",
    formula="Dates that end while the patient is on leave. The date of going is leave, the date of"
    " return is not; admitted and gone the same date is a patient day.",
    day=CALENDAR_DATE,
    source="AIHW METEOR 270251",
    needs=frozenset({"stays"}),
    contributions=of_stays(_leave_days),
    figures=(
        Figure("leaveDays", "days", "Leave days of the period.", total("leave_days")),
        Figure("leaves", "leaves", "Leaves that began in the period.", total("leaves")),
    ),
)


# -- 6: average length of stay --


def _lengths(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
    if days := in_period(stay, calendar):
        yield Contribution("patient_days", TOTAL, days)
    if calendar.includes(stay.admitted_at) and calendar.in_scope(first_ward(stay)):
        yield Contribution("admissions", TOTAL, 1)
    if stay.discharged_at is not None and is_discharged(stay, calendar):
        days = length(stay, calendar)
        yield Contribution("length", TOTAL, days)
        if calendar.date(stay.admitted_at) < calendar.date(stay.discharged_at):
            yield Contribution("length_overnight", TOTAL, days)


AVERAGE_LENGTH_OF_STAY_1 = Definition(
    name="average-length-of-stay",
    version=1,
    title="Average length of stay",
    formula="Length of stay of the discharged, added up / discharges, deaths included.",
    day=CALENDAR_DATE,
    source="AHIMA; its two rivals: inpatient days / admissions; overnight stays alone (OECD)",
    needs=frozenset({"stays"}),
    contributions=of_stays(_lengths, by_last_type=True),
    parameters=(WITHOUT,),
    figures=(
        Figure(
            "averageLengthOfStay",
            "days",
            "Length of stay of those discharged in the period, from their admission on.",
            total("length") / count("length"),
            decimals=2,
        ),
        Figure(
            "medianLengthOfStay",
            "days",
            "The length that half of them do not exceed.",
            median("length"),
            decimals=1,
        ),
        Figure(
            "patientDaysPerAdmission",
            "days",
            "A rival: patient days of the period / admissions in the period.",
            total("patient_days") / total("admissions"),
            decimals=2,
        ),
        Figure(
            "averageLengthOfOvernightStay",
            "days",
            "A rival: only stays of at least one night.",
            total("length_overnight") / count("length_overnight"),
            decimals=2,
        ),
        Figure("discharges", "discharges", "Discharges in the period.", count("length")),
        Figure("admissions", "admissions", "Admissions in the period.", total("admissions")),
        Figure("patientDays", "days", "Patient days of the period.", total("patient_days")),
    ),
)


def _lengths_by_days(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
    if is_discharged(stay, calendar):
        days = length(stay, calendar)
        if days <= MOST_DAYS:
            yield Contribution("ended", (("days", str(days)),), 1)
        else:
            yield Contribution("ended_later", TOTAL, 1)


def _each_length(question: Question, marks: Marks, formula: Formula) -> Iterable[Dimensions]:
    return ((("days", str(days)),) for days in range(1, MOST_DAYS + 1))


LENGTH_OF_STAY_DISTRIBUTION_1 = Definition(
    name="length-of-stay-distribution",
    version=1,
    title="Length of stay, distribution",
    formula="The discharged of the period, deaths included, by the length of their stay in days.",
    day=CALENDAR_DATE,
    source="AIHW METEOR 269982 for the length of a stay; the distribution is the house's own",
    needs=frozenset({"stays"}),
    contributions=of_stays(_lengths_by_days, by_last_type=True),
    parameters=(WITHOUT,),
    figures=(
        Figure(
            "dischargesByLength",
            "discharges",
            "Discharges after a stay of so many days.",
            total("ended"),
            _each_length,
        ),
        Figure(
            "longerStays",
            "discharges",
            "Discharges after a stay of more than 30 days.",
            total("ended_later"),
        ),
    ),
)


# -- 16: long stays --


def _long_stay_days(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
    """Count the patient days from the admission up to the date before the census of a day."""
    before = 0
    first_day = calendar.ordinal(stay.admitted_at)
    for span in stay.spans:
        since = calendar.ordinal(span.since)
        until = None if span.until is None else calendar.ordinal(span.until)
        if present(span) and calendar.in_scope(span.ward):
            days = calendar.at_censuses(span.since, span.until)
            for fewest_days in calendar.question.numbers("days"):
                from_day = fewest_days - before + since - calendar.first
                long_days = range(max(days.start, from_day), days.stop)
                yield from calendar.marks("long", long_days, ("atLeast", str(fewest_days)))
        if until is not None and (present(span) or since == first_day < until):
            before += until - since if present(span) else 1


def _long_at(question: Question, marks: Marks, formula: Formula) -> Iterable[Dimensions]:
    for day in range(question.days):
        for fewest_days in question.numbers("days"):
            yield (*day_of(question, day), ("atLeast", str(fewest_days)))


LONG_STAYS_1 = Definition(
    name="long-stays",
    version=1,
    title="Long stays",
    formula="Patients present at the census of a day whose length of stay by then is 7, 14, 21 days"
    " or more: the day of the census is not counted, leave days neither.",
    day=HOSPITAL_DAY,
    source="NHS England, long length of stay (patients with stays of 7, 14, 21 days and over)",
    needs=frozenset({"stays"}),
    contributions=of_stays(_long_stay_days),
    parameters=(Parameter("days", (7, 14, 21), "From how many days on a stay is long."),),
    figures=(
        Figure("longStays", "patients", "At the census of the day.", total("long"), _long_at),
    ),
)
