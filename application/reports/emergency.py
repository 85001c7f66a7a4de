"""Lengths of emergency care before an admission."""

from collections.abc import Iterator
from datetime import timedelta

from application.reports.calendar import Calendar, first_ward
from application.reports.definition import (
    HOSPITAL_DAY,
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
from domain.stay.terms import AdmissionType
from domain.time import TICK


def _in_department(inputs: Inputs) -> Contributions:
    question = inputs.question
    calendar = Calendar(inputs)
    (hours,) = question.numbers("hours")
    department = question.texts("wards")
    contributions: dict[Subject, tuple[Contribution, ...]] = {}
    for stay in inputs.stays:
        care = inputs.emergency_care.get(stay.stay)
        if not calendar.counts(stay.admitted_at) or not calendar.in_scope(first_ward(stay)):
            continue
        if care is None:
            continue
        arrival, departure = care
        marks = [Contribution("arrived", TOTAL, 1)]
        if departure is not None:
            marks.append(Contribution("stayed", TOTAL, (departure - arrival) // TICK))
            if departure - arrival <= timedelta(hours=hours):
                marks.append(Contribution("in_time", TOTAL, 1))
        bed = next((since for since, ward in wards(stay) if ward not in department), None)
        if bed is not None:
            marks.append(Contribution("to_bed", TOTAL, max((bed - arrival) // TICK, 0)))
        contributions[Subject("stay", stay.stay)] = tuple(marks)
    return contributions


def _of_unknown_care(inputs: Inputs) -> Iterator[str]:
    yield from of_imprecise_times(_in_department)(inputs)
    calendar = Calendar(inputs)
    stays = [
        stay
        for stay in inputs.stays
        if stay.admission_type == AdmissionType.EMERGENCY
        and calendar.counts(stay.admitted_at)
        and calendar.in_scope(first_ward(stay))
    ]
    cares = [inputs.emergency_care.get(stay.stay) for stay in stays]
    unknown_arrivals = sum(care is None for care in cares)
    if unknown_arrivals:
        yield (
            f"Of {unknown_arrivals} of the {len(stays)} emergency admissions no arrival at the"
            " department is recorded: they are in no figure."
        )
    unknown_departures = sum(care is not None and care[1] is None for care in cares)
    if unknown_departures:
        yield (
            f"Of {unknown_departures} of the {len(stays)} emergency admissions it is not known when"
            " they left the department."
        )


EMERGENCY_STAY_1 = Definition(
    name="emergency-department-stay",
    version=1,
    title="Time in the emergency department before admission",
    formula="From arrival at the emergency department to departure from it, and to the first bed of"
    " another ward, of the stays admitted in the period (by hospital day) whose arrival is recorded.",
    day=HOSPITAL_DAY,
    source="NHS England, four-hour standard; CMS ED-1",
    needs=frozenset({"stays", "emergency_care"}),
    contributions=_in_department,
    lacking=_of_unknown_care,
    lacking_needs=frozenset({"imprecise_stays"}),
    parameters=(
        Parameter("hours", 4, "Within how many hours a departure is in time."),
        Parameter(
            "wards",
            ("Emergency", "Emergency Unit", "Emergency Department"),
            "The wards that are the emergency department.",
        ),
    ),
    figures=exact_waits(
        (
            Figure("admissions", "admissions", "Admissions from the department.", total("arrived")),
            Figure("departed", "admissions", "Of those, with a known departure.", count("stayed")),
            Figure("medianTimeInDepartment", "seconds", "Arrival to departure.", median("stayed")),
            Figure("percentile95", "seconds", "Arrival to departure.", percentile("stayed", 95)),
            Figure(
                "medianTimeToBed", "seconds", "Arrival to the first ward bed.", median("to_bed")
            ),
            Figure(
                "departedInTime",
                "percent",
                "Departed within the hours asked for, x 100 / with a known departure.",
                total("in_time") * 100 / count("stayed"),
                decimals=1,
            ),
        )
    ),
)
