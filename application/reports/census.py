"""Who is here, day by day: the inpatient census and what is counted with it."""

from collections.abc import Callable, Iterator

from application.reports.calendar import Calendar, last_ward, present
from application.reports.definition import (
    Contributions,
    Definition,
    Figure,
    Subject,
    of_each_day,
)
from application.reports.formula import DAYS, WHOLE, Formula, Mark, total
from application.reports.inputs import InpatientStay, Inputs, Span
from domain.stay import AdmissionType

AHIMA = "Horton, Calculating and Reporting Healthcare Statistics (AHIMA), chapters 3 and 4"


def of_stays(
    marks: Callable[[InpatientStay, Calendar], Iterator[Mark]],
) -> Callable[[Inputs], Contributions]:
    """The contributions of a report in which each stay adds marks of its own.

    Stays of the admission types in the parameter ``without``, where there is one, are left out.
    """

    def contributions(inputs: Inputs) -> Contributions:
        calendar = Calendar(inputs)
        without = inputs.question.texts("without")
        counted = (s for s in inputs.stays if s.admission_type not in without)
        told = ((stay, tuple(marks(stay, calendar))) for stay in counted)
        return {Subject("stay", str(stay.stay)): added for stay, added in told if added}

    return contributions


# -- 1: the census --


def _census(stay: InpatientStay, calendar: Calendar) -> Iterator[Mark]:
    before: Span | None = None
    came = False
    for span in stay.spans:
        here = present(span) and calendar.in_scope(span.ward)
        was = before is not None and present(before) and calendar.in_scope(before.ward)
        if here:
            days = calendar.at_censuses(span.since, span.until)
            for day in days:
                yield Mark("present", calendar.of[day], 1)
        if span.bed is not None and calendar.in_scope(span.ward):
            for day in calendar.at_censuses(span.since, span.until):
                yield Mark("bed_held", calendar.of[day], 1)
        if here != was:
            moved = _came(before, came) if here else _went(span)
            yield from _on(calendar, calendar.hospital_day(span.since), moved)
        came = came or (present(span) and (calendar.ward is None or span.ward is not None))
        before = span
    if stay.discharged_at is None:
        return
    ends = calendar.hospital_day(stay.discharged_at)
    if before is None and calendar.ward is None:  # it ended as it began
        yield from _on(calendar, ends, "admitted")
        yield from _on(calendar, ends, "discharged")
    elif before is not None and present(before) and calendar.in_scope(before.ward):
        yield from _on(calendar, ends, "discharged")


def _came(before: Span | None, came: bool) -> str:
    if not came:
        return "admitted"
    assert before is not None
    return "transferred_in" if present(before) else "returned"


def _went(to: Span) -> str:
    return "transferred_out" if present(to) else "gone"


def _on(calendar: Calendar, day: int, measure: str) -> Iterator[Mark]:
    if 0 <= day < calendar.count:
        yield Mark(measure, calendar.of[day], 1)


def _daily(name: str, meaning: str, formula: Formula) -> Figure:
    return Figure(name, "patients", meaning, formula, of_each_day)


INPATIENT_CENSUS_1 = Definition(
    name="inpatient-census",
    version=1,
    title="Inpatient census",
    formula="Inpatients present at the census time of each day. It is the census of the day before"
    " + admissions + returns + transfers in - discharges - absences - transfers out.",
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_census),
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


def service_days(
    stay: InpatientStay, calendar: Calendar, counts: Callable[[Span], bool] = present
) -> Iterator[int]:
    """The days on which a stay is served: at the census, or admitted and discharged in one day.

    A stay has at most one a day, so those of the wards add up to those of the hospital; one that came
    and went within a day is its last ward's.
    """
    for span in stay.spans:
        if counts(span) and present(span) and calendar.in_scope(span.ward):
            yield from calendar.at_censuses(span.since, span.until)
    day = same_day(stay, calendar)
    if day is not None and calendar.in_scope(last_ward(stay)) and all(map(counts, stay.spans[-1:])):
        yield day


def same_day(stay: InpatientStay, calendar: Calendar) -> int | None:
    """The hospital day of the period in which the stay both began and ended, if there is one."""
    if stay.discharged_at is None:
        return None
    day = calendar.hospital_day(stay.discharged_at)
    if 0 <= day < calendar.count and calendar.hospital_day(stay.admitted_at) == day:
        return day
    return None


def _service(stay: InpatientStay, calendar: Calendar) -> Iterator[Mark]:
    same = same_day(stay, calendar)
    for day in service_days(stay, calendar):
        yield Mark("same_day" if day == same else "present", calendar.of[day], 1)


INPATIENT_SERVICE_DAYS_1 = Definition(
    name="inpatient-service-days",
    version=1,
    title="Inpatient service days",
    formula="The census of each day + patients admitted and discharged the same hospital day.",
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_service),
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


def _served(stay: InpatientStay, calendar: Calendar) -> Iterator[Mark]:
    served = sum(1 for _ in service_days(stay, calendar))
    if served:
        newborn = stay.admission_type == AdmissionType.NEWBORN
        yield Mark("newborns" if newborn else "others", WHOLE, served)


AVERAGE_DAILY_CENSUS_1 = Definition(
    name="average-daily-census",
    version=1,
    title="Average daily census",
    formula="Inpatient service days / days of the period; newborns apart.",
    source=AHIMA,
    needs=frozenset({"stays"}),
    contributions=of_stays(_served),
    figures=(
        Figure(
            "averageDailyCensus",
            "patients",
            "Adults and children: admitted in any way but by birth.",
            total("others") / DAYS,
            decimals=1,
        ),
        Figure(
            "averageDailyCensusOfNewborns",
            "patients",
            "Newborns: those whose admission type is NEWBORN.",
            total("newborns") / DAYS,
            decimals=1,
        ),
        Figure("serviceDays", "days", "Service days, newborns too.", total("others", "newborns")),
        Figure("days", "days", "Days of the period.", DAYS),
    ),
)
