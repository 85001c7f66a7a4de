"""Reports on waiting times: for a senior doctor, and for a bed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from application.reports.calendar import Calendar, first_ward
from application.reports.definition import (
    HOSPITAL_DAY,
    TYPES,
    Contributions,
    Definition,
    Figure,
    Parameter,
    Subject,
    exact_waits,
    of_imprecise_times,
)
from application.reports.formula import TOTAL, Contribution, count, median, percentile, total
from application.reports.inputs import Inputs
from application.reports.movements import wards
from domain.time import TICK

SECOND = timedelta(seconds=1)
"""The unit of waits in the first versions, which cut them to it; since, they are exact."""


def _review_times(inputs: Inputs, unit: timedelta = TICK) -> Contributions:
    question = inputs.question
    calendar = Calendar(inputs)
    (hours,) = question.numbers("hours")
    types = question.texts("types")
    contributions: dict[Subject, tuple[Contribution, ...]] = {}
    for stay in inputs.stays:
        if not calendar.counts(stay.admitted_at) or not calendar.in_scope(first_ward(stay)):
            continue
        if types and stay.admission_type not in types:
            continue
        reviewed_at = inputs.reviews.get(stay.stay)
        marks = [Contribution("admitted", TOTAL, 1)]
        if reviewed_at is not None:
            wait = reviewed_at - stay.admitted_at
            marks.append(Contribution("wait", TOTAL, wait // unit))
            if wait <= timedelta(hours=hours):
                marks.append(Contribution("in_time", TOTAL, 1))
        else:
            marks.append(
                Contribution("waiting" if stay.discharged_at is None else "never", TOTAL, 1)
            )
        contributions[Subject("stay", stay.stay)] = tuple(marks)
    return contributions


def _of_unknown_grade(inputs: Inputs) -> Iterator[str]:
    yield from of_imprecise_times(_review_times)(inputs)
    stay_ids = {subject.id for subject in _review_times(inputs)}
    unknown_stays = stay_ids & inputs.unknown_grades - inputs.reviews.keys()
    if unknown_stays:
        yield (
            f"{len(unknown_stays)} of the {len(stay_ids)} admissions were visited by somebody without a"
            " known grade (OTHER): they may have been seen by a consultant."
        )
    elif stay_ids and not inputs.reviews and not unknown_stays:
        yield "No visit by a consultant is recorded: it may be that visits, or grades, are not."


SENIOR_REVIEW_1 = Definition(
    name="senior-review",
    version=1,
    title="Time to first senior review",
    formula="First visit by a consultant (the grade held on that day) - admission, of the stays"
    " that began in the period. Share in time = seen within 14 hours x 100 / all of them, those"
    " who still wait and those who left unseen included.",
    day=HOSPITAL_DAY,
    source="NHS England, seven day services clinical standard 2",
    needs=frozenset({"stays", "reviews", "unknown_grades"}),
    contributions=partial(_review_times, unit=SECOND),
    lacking=_of_unknown_grade,
    lacking_needs=frozenset({"imprecise_stays"}),
    parameters=(
        Parameter("hours", 14, "Within how many hours a review is in time."),
        Parameter("types", (), "Only admissions of these types; all by default.", choices=TYPES),
    ),
    figures=(
        Figure("admissions", "admissions", "Stays that began in the period.", total("admitted")),
        Figure("seen", "admissions", "Of those, seen by a consultant.", count("wait")),
        Figure("waiting", "admissions", "Still here, and not seen yet.", total("waiting")),
        Figure("leftUnseen", "admissions", "Discharged without having been seen.", total("never")),
        Figure("medianWait", "seconds", "Of those who were seen.", median("wait")),
        Figure("percentile90", "seconds", "Of those who were seen.", percentile("wait", 90)),
        Figure(
            "seenInTime",
            "percent",
            "Seen within the hours asked for, x 100 / all admissions.",
            total("in_time") * 100 / total("admitted"),
            decimals=1,
        ),
    ),
)


SENIOR_REVIEW_2 = replace(
    SENIOR_REVIEW_1,
    version=2,
    contributions=_review_times,
    figures=exact_waits(SENIOR_REVIEW_1.figures),
)


def _boarding_times(inputs: Inputs, unit: timedelta = TICK) -> Contributions:
    question = inputs.question
    calendar = Calendar(inputs)
    emergency = question.texts("wards")
    contributions: dict[Subject, tuple[Contribution, ...]] = {}
    for stay in (*inputs.stays, *inputs.awaited):
        decided_at = stay.decided_to_admit_at
        if decided_at is None or not calendar.counts(decided_at):
            continue
        ward_left = next(
            ((since, ward) for since, ward in wards(stay) if ward not in emergency),
            None,
        )
        if not calendar.in_scope(ward_left[1] if ward_left else None):
            continue
        mark = Contribution("ended" if stay.discharged_at else "waiting", TOTAL, 1)
        if ward_left is not None:
            mark = Contribution("boarded", TOTAL, max((ward_left[0] - decided_at) // unit, 0))
        contributions[Subject("stay", stay.stay)] = (Contribution("decided", TOTAL, 1), mark)
    return contributions


def _of_unknown_decision(inputs: Inputs) -> Iterator[str]:
    yield from of_imprecise_times(_boarding_times)(inputs)
    calendar = Calendar(inputs)
    stays = [
        stay
        for stay in inputs.stays
        if calendar.counts(stay.admitted_at) and calendar.in_scope(first_ward(stay))
    ]
    number = sum(stay.decided_to_admit_at is None for stay in stays)
    if number:
        yield (
            f"Of {number} of the {len(stays)} admissions it is not known when they were decided on:"
            " they are in no figure."
        )


BOARDING_1 = Definition(
    name="boarding",
    version=1,
    title="Boarding time",
    formula="From the decision to admit (not the assignment of a bed) to leaving the emergency"
    " department: the first bed of another ward. Of the stays decided on in the period. A place"
    " without a bed counts as the emergency department.",
    day=HOSPITAL_DAY,
    source="ACEP, definition of a boarded patient; CMS ED-2",
    needs=frozenset({"stays", "awaited"}),
    contributions=partial(_boarding_times, unit=SECOND),
    lacking=_of_unknown_decision,
    lacking_needs=frozenset({"imprecise_stays"}),
    parameters=(
        Parameter(
            "wards",
            ("Emergency", "Emergency Unit", "Emergency Department"),
            "The wards that are the emergency department.",
        ),
    ),
    figures=(
        Figure("decisions", "admissions", "Decisions to admit in the period.", total("decided")),
        Figure("boarded", "admissions", "Of those, moved on to a bed.", count("boarded")),
        Figure("stillBoarding", "admissions", "Still waiting for a bed.", total("waiting")),
        Figure(
            "endedThere",
            "admissions",
            "Discharged, or died, before they had a bed.",
            total("ended"),
        ),
        Figure("medianBoardingTime", "seconds", "Of those who moved on.", median("boarded")),
        Figure("percentile90", "seconds", "Of those who moved on.", percentile("boarded", 90)),
    ),
)
BOARDING_2 = replace(
    BOARDING_1, version=2, contributions=_boarding_times, figures=exact_waits(BOARDING_1.figures)
)
