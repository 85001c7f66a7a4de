"""Reports on readmissions after a discharge."""

from collections import defaultdict
from datetime import timedelta

from application.reports.calendar import Calendar, last_ward
from application.reports.definition import (
    HOSPITAL_DAY,
    TYPES,
    Contributions,
    Definition,
    Figure,
    Parameter,
    Subject,
    person_of,
)
from application.reports.formula import TOTAL, Contribution, total
from application.reports.inputs import Admission, Inputs
from domain.stay.facts import Disposition

NO_INDEX = (Disposition.DIED, Disposition.AGAINST_ADVICE, Disposition.TRANSFERRED)


def _contributions(inputs: Inputs) -> Contributions:
    question = inputs.question
    calendar = Calendar(inputs)
    (limit_days,) = question.numbers("days")
    unplanned_types = question.texts("unplanned")
    admissions: defaultdict[Subject, list[Admission]] = defaultdict(list)
    for admission in inputs.admissions:
        admissions[person_of(inputs, admission.patient)].append(admission)
    contributions: defaultdict[Subject, tuple[Contribution, ...]] = defaultdict(tuple)
    for stay in inputs.stays:
        discharged_at = stay.discharged_at
        if (
            discharged_at is None
            or not calendar.counts(discharged_at)
            or stay.disposition in NO_INDEX
        ):
            continue
        if not calendar.in_scope(last_ward(stay)):
            continue
        person = person_of(inputs, stay.patient)
        later_admissions = [
            a for a in admissions[person] if a.admitted_at >= discharged_at and a.stay != stay.stay
        ]
        back = min(later_admissions, key=lambda a: a.admitted_at, default=None)
        marks = [Contribution("index", TOTAL, 1)]
        if back is not None:
            latest = inputs.days.date_of(discharged_at) + timedelta(days=limit_days)
            soon = inputs.days.date_of(back.admitted_at) <= latest
            marks += [Contribution("readmitted", TOTAL, 1)] * (
                soon and back.admission_type in unplanned_types
            )
        contributions[person] += tuple(marks)
    return contributions


READMISSION_1 = Definition(
    name="readmission",
    version=1,
    title="Readmission within 30 days, crude",
    formula="Unplanned admissions of the same person within 30 calendar days of a live discharge"
    " x 100 / live discharges. Who died, left against advice or went to another hospital is left"
    " out. Only the first admission after a discharge counts, and if it was planned, none does.",
    day=HOSPITAL_DAY,
    source="CMS, hospital-wide readmission measure, without its risk adjustment",
    needs=frozenset({"stays", "admissions", "persons"}),
    contributions=_contributions,
    parameters=(
        Parameter("days", 30, "Within how many days after the day of the discharge."),
        Parameter(
            "unplanned", ("EMERGENCY",), "Which types of admission are unplanned.", choices=TYPES
        ),
    ),
    figures=(
        Figure(
            "liveDischarges",
            "discharges",
            "Discharges of the period that a readmission may follow.",
            total("index"),
        ),
        Figure(
            "readmissions",
            "admissions",
            "Of those, how many were followed by an unplanned readmission in time.",
            total("readmitted"),
        ),
        Figure(
            "readmissionRate",
            "percent",
            "Readmissions x 100 / live discharges.",
            total("readmitted") * 100 / total("index"),
            decimals=2,
        ),
    ),
)
