"""Medicines: days of therapy, and what is prescribed at a moment."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from application.reports.calendar import Calendar
from application.reports.definition import (
    CALENDAR_DATE,
    HOSPITAL_DAY,
    Contributions,
    Definition,
    Figure,
    Parameter,
    Subject,
    of_each,
    of_each_day,
    person_of,
)
from application.reports.formula import TOTAL, Contribution, total
from application.reports.inputs import Inputs
from application.reports.length_of_stay import METEOR, in_period


def _by_name(inputs: Inputs) -> Contributions:
    drugs = inputs.question.texts("drugs")
    doses: defaultdict[Subject, Counter[str]] = defaultdict(Counter)
    for person, drug, days in inputs.dose_days:
        if not drugs or drug in drugs:
            doses[person_of(inputs, person)][drug] += days
    return _therapy(inputs, doses)


def _by_agent(inputs: Inputs) -> Contributions:
    drugs = set(inputs.question.texts("drugs"))
    doses: defaultdict[Subject, Counter[str]] = defaultdict(Counter)
    for person, agent, known_as, days in inputs.agent_days:
        if not drugs or drugs.intersection(known_as):
            doses[person_of(inputs, person)][agent] += days
    return _therapy(inputs, doses)


def _therapy(inputs: Inputs, doses: Mapping[Subject, Counter[str]]) -> Contributions:
    contributions: defaultdict[Subject, tuple[Contribution, ...]] = defaultdict(tuple)
    for subject, drugs in doses.items():
        marks = [
            Contribution("therapy", (("drug", drug),), days) for drug, days in sorted(drugs.items())
        ]
        contributions[subject] = tuple(marks)
    calendar = Calendar(inputs)
    for stay in inputs.stays:
        days = in_period(stay, calendar)
        if days:
            contributions[person_of(inputs, stay.patient)] += (
                Contribution("patient_day", TOTAL, days),
            )
    return contributions


THERAPY_DAYS_1 = Definition(
    name="days-of-therapy",
    version=1,
    title="Days of therapy",
    formula="1 for each person, drug and calendar day on which a dose was given, x 1 000 / patient"
    " days. A drug is what the prescription calls it.",
    day=CALENDAR_DATE,
    source="CDC NHSN, antimicrobial use and resistance protocol: antimicrobial days; " + METEOR,
    needs=frozenset({"stays", "persons", "dose_days"}),
    contributions=_by_name,
    parameters=(
        Parameter("drugs", (), "Only these drugs, by name; all by default.", clinical=True),
    ),
    figures=(
        Figure("daysOfTherapy", "days", "Of all the drugs together.", total("therapy")),
        Figure(
            "daysOfTherapyByDrug",
            "days",
            "Of each drug.",
            total("therapy"),
            of_each("drug"),
            clinical=True,
        ),
        Figure("patientDays", "days", "Patient days of the period.", total("patient_day")),
        Figure(
            "rate",
            "per 1 000 patient days",
            "Days of therapy x 1 000 / patient days.",
            total("therapy") * 1000 / total("patient_day"),
            decimals=2,
        ),
    ),
)


THERAPY_DAYS_2 = replace(
    THERAPY_DAYS_1,
    version=2,
    formula="1 for each person, drug and calendar day on which a dose was given, x 1 000 / patient"
    " days. A drug is its code, or its name where no code is given; it is called as the latest order"
    " calls it.",
    needs=frozenset({"stays", "persons", "agent_days"}),
    contributions=_by_agent,
    parameters=(
        Parameter(
            "drugs", (), "Only these drugs, by any name or code; all by default.", clinical=True
        ),
    ),
)


def _active(inputs: Inputs) -> Contributions:
    calendar = Calendar(inputs)
    in_ward = {
        stay.stay: [
            calendar.at_censuses(span.since, span.until)
            for span in stay.spans
            if span.ward == calendar.ward
        ]
        for stay in inputs.stays
        if calendar.ward is not None
    }
    contributions: defaultdict[str, list[Contribution]] = defaultdict(list)
    for stay, since, until, is_held in inputs.courses:
        days = calendar.at_censuses(since, until)
        for part in (days,) if calendar.ward is None else in_ward.get(stay, ()):
            active_days = range(max(days.start, part.start), min(days.stop, part.stop))
            contributions[stay] += calendar.marks("held" if is_held else "active", active_days)
    return {Subject("stay", stay): tuple(marks) for stay, marks in contributions.items() if marks}


ACTIVE_PRESCRIPTIONS_1 = Definition(
    name="active-prescriptions",
    version=1,
    title="Active prescriptions",
    formula="Prescriptions with start <= t < stop, at the census time t of each day; those on hold"
    " apart. Of a ward: of those who have a bed of it then.",
    day=HOSPITAL_DAY,
    source="HL7 FHIR, MedicationRequest.status",
    needs=frozenset({"stays", "courses"}),
    contributions=_active,
    figures=(
        Figure(
            "active", "prescriptions", "In force at the census time.", total("active"), of_each_day
        ),
        Figure("held", "prescriptions", "On hold at the census time.", total("held"), of_each_day),
    ),
)
