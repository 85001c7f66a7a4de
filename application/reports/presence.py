"""Days on which patients were there for any part."""

from collections import defaultdict

from application.reports.calendar import Calendar, present
from application.reports.definition import (
    CALENDAR_DATE,
    Contributions,
    Definition,
    Figure,
    Subject,
    person_of,
)
from application.reports.formula import TOTAL, Contribution, total
from application.reports.inputs import Inputs
from domain.time import TICK


def _contributions(inputs: Inputs) -> Contributions:
    calendar = Calendar(inputs)
    numbers: defaultdict[Subject, set[int]] = defaultdict(set)
    for stay in inputs.stays:
        for span in stay.spans:
            if present(span) and calendar.in_scope(span.ward):
                begins = max(calendar.date(span.since), 0)
                ends = calendar.count
                if span.until is not None:  # a stay of no duration is there on its date
                    ends = max(calendar.date(span.until - TICK), calendar.date(span.since))
                days = range(begins, min(ends + 1, calendar.count))
                if days:
                    numbers[person_of(inputs, stay.patient)].update(days)
    return {
        subject: (Contribution("present", TOTAL, len(days)),) for subject, days in numbers.items()
    }


DAYS_PRESENT_1 = Definition(
    name="days-present",
    version=1,
    title="Days present",
    formula="For each person the calendar days on which she was in the location for any part of the"
    " day, added up. On leave nobody is.",
    day=CALENDAR_DATE,
    source="CDC NHSN, antimicrobial use and resistance protocol: days present",
    needs=frozenset({"stays", "persons"}),
    contributions=_contributions,
    figures=(Figure("daysPresent", "days", "Person days, any part of the day.", total("present")),),
)
