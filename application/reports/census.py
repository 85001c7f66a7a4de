"""Inpatient census, day by day, and what is counted with it."""

from collections import Counter
from collections.abc import Iterator

from application.reports.calendar import Calendar, last_ward, present
from application.reports.definition import (
    HOSPITAL_DAY,
    WITHOUT,
    Definition,
    Figure,
    of_each_day,
    of_stays,
)
from application.reports.formula import DAYS, TOTAL, Contribution, Formula, total
from application.reports.inputs import InpatientStay, Span
from domain.stay.events import AdmissionType

AHIMA = "AHIMA: Horton, Calculating and Reporting Healthcare Statistics"


# -- 1: the census --


def _census(stay: InpatientStay, calendar: Calendar) -> list[Contribution]:
    marks: list[Contribution] = []
    before: Span | None = None
    was_present = has_come = False
    for span in stay.spans:
        in_scope = calendar.in_scope(span.ward)
        is_present = present(span) and in_scope
        days = calendar.at_censuses(span.since, span.until)
        if is_present:
            marks += calendar.marks("present", days)
        if in_scope and span.bed is not None:
            marks += calendar.marks("bed_held", days)
        if is_present != was_present:
            moves = _arrival(before, has_come) if is_present else _went(span)
            marks += calendar.mark(moves, calendar.hospital_day(span.since))
        has_come = has_come or (present(span) and (calendar.ward is None or span.ward is not None))
        before, was_present = span, is_present
    if stay.discharged_at is not None:
        ends = calendar.hospital_day(stay.discharged_at)
        if before is None and calendar.ward is None:  # it ended as it began
            marks += calendar.mark("admitted", ends)
        if was_present or (before is None and calendar.ward is None):
            marks += calendar.mark("discharged", ends)
    return marks


def _arrival(before: Span | None, came: bool) -> str:
    if before is None or not came:
        return "admitted"
    return "transferred_in" if present(before) else "returned"


def _went(to: Span) -> str:
    return "transferred_out" if present(to) else "gone"


def _daily(name: str, meaning: str, formula: Formula) -> Figure:
    return Figure(name, "patients", meaning, formula, of_each_day)


INPATIENT_CENSUS_1 = Definition(
    name="inpatient-census",
    version=1,
    title="Inpatient census",
    formula="Inpatients present at the census time of each day. It is the census of the day before"
    " + admissions + returns + transfers in - discharges - absences - transfers out.",
    day=HOSPITAL_DAY,
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_census),
    parameters=(WITHOUT,),
    figures=(
        _daily("census", "Present at the census time; those on leave are not.", total("present")),
        _daily(
            "admissions", "Came to the hospital (or ward, from nowhere in it).", total("admitted")
        ),
        _daily("returns", "Came back from leave, or by a reversed discharge.", total("returned")),
        _daily("transfersIn", "Came from another ward.", total("transferred_in")),
        _daily("discharges", "Left for good, by death too.", total("discharged")),
        _daily("absences", "Went on leave, or by a discharge that was reversed.", total("gone")),
        _daily("transfersOut", "Went to another ward.", total("transferred_out")),
        _daily(
            "bedsHeld", "Had a bed at the census time, kept during a leave too.", total("bed_held")
        ),
    ),
)


# -- 2, 3: service days --


def service_days(stay: InpatientStay, calendar: Calendar, sharing_too: bool = True) -> list[range]:
    """Return the days on which a stay is served: at the census, or admitted and discharged in one day.

    A stay has at most one a day, so those of the wards add up to those of the hospital; one that came
    and went within a day is its last ward's. Without ``sharing_too``, newborns in their mother's bed
    are left out.
    """
    days = [
        calendar.at_censuses(span.since, span.until)
        for span in stay.spans
        if present(span) and calendar.in_scope(span.ward) and (sharing_too or not span.shares)
    ]
    day = same_day(stay, calendar)
    shares = bool(stay.spans) and stay.spans[-1].shares
    if day is not None and calendar.in_scope(last_ward(stay)) and (sharing_too or not shares):
        days.append(range(day, day + 1))
    return days


def same_day(stay: InpatientStay, calendar: Calendar) -> int | None:
    """Return the hospital day of the period in which the stay both began and ended, if there is one."""
    if stay.discharged_at is None:
        return None
    day = calendar.hospital_day(stay.discharged_at)
    if 0 <= day < calendar.count and calendar.hospital_day(stay.admitted_at) == day:
        return day
    return None


def _service(stay: InpatientStay, calendar: Calendar) -> list[Contribution]:
    measure = "present" if same_day(stay, calendar) is None else "same_day"
    return [m for days in service_days(stay, calendar) for m in calendar.marks(measure, days)]


INPATIENT_SERVICE_DAYS_1 = Definition(
    name="inpatient-service-days",
    version=1,
    title="Inpatient service days",
    formula="The census of each day + patients admitted and discharged the same hospital day.",
    day=HOSPITAL_DAY,
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_service),
    parameters=(WITHOUT,),
    figures=(
        Figure(
            "serviceDays",
            "days",
            "Service days of the period.",
            total("present", "same_day"),
        ),
        Figure(
            "dailyServiceDays",
            "days",
            "Service days of each day.",
            total("present", "same_day"),
            of_each_day,
        ),
        _daily("census", "Present at the census time.", total("present")),
        _daily("sameDay", "Admitted and discharged that day.", total("same_day")),
    ),
)


def _newborn_days(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
    """Yield the service days of a stay, by its type at the census of each."""
    counts = Counter(
        "newborns" if stay.type_at(calendar.census(day)) == AdmissionType.NEWBORN else "others"
        for days in service_days(stay, calendar)
        for day in days
    )
    for measure, count in counts.items():
        yield Contribution(measure, TOTAL, count)


AVERAGE_DAILY_CENSUS_1 = Definition(
    name="average-daily-census",
    version=1,
    title="Average daily census",
    formula="Inpatient service days / days of the period; newborns apart.",
    day=HOSPITAL_DAY,
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_newborn_days),
    parameters=(WITHOUT,),
    figures=(
        Figure(
            "averageDailyCensus",
            "patients",
            "Adults and children: those of any other type.",
            total("others") / DAYS,
            decimals=1,
        ),
        Figure(
            "averageDailyCensusOfNewborns",
            "patients",
            "Newborns: those whose type is NEWBORN at the census.",
            total("newborns") / DAYS,
            decimals=1,
        ),
        Figure("serviceDays", "days", "Service days, newborns too.", total("others", "newborns")),
        Figure("days", "days", "Days of the period.", DAYS),
    ),
)
