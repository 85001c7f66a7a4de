"""Who is here: the inpatient census and what is counted day by day beside it."""

from bisect import bisect_left

from application.reports.definition import (
    Contributions,
    Definition,
    Figure,
    Subject,
    day_of,
    of_each_day,
)
from application.reports.formula import Mark, total
from application.reports.inputs import Inputs


def _contributions(inputs: Inputs) -> Contributions:
    question = inputs.question
    censuses = inputs.days.censuses(question.first, question.last)
    days = [day_of(question, index) for index in range(question.days)]
    here_then = [Mark("present", of, 1) for of in days]
    found: dict[Subject, tuple[Mark, ...]] = {}
    for stay in inputs.stays:
        marks: list[Mark] = []
        for span in stay.spans:
            if span.state != "ADMITTED" or question.ward not in (None, span.ward):
                continue
            start = max(bisect_left(censuses, span.since) - 1, 0)
            end = bisect_left(censuses, span.until) - 1 if span.until else question.days
            marks += here_then[start : max(end, 0)]
        if marks:
            found[Subject("stay", str(stay.stay))] = tuple(marks)
    return found


CENSUS_1 = Definition(
    name="inpatient-census",
    version=1,
    title="Inpatient census",
    formula="Inpatients present at the census time of each day.",
    source="AHIMA, health care statistics: daily inpatient census",
    needs=frozenset({"stays"}),
    contributions=_contributions,
    figures=(
        Figure(
            "census",
            "patients",
            "Patients present at the census time; those on leave are not.",
            total("present"),
            of_each_day,
        ),
    ),
)
