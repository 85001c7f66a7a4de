"""Admissions, discharges and lengths of stay by groups: specialty and type, age and sex."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from application.reports.calendar import Calendar
from application.reports.census import AHIMA
from application.reports.definition import (
    HOSPITAL_DAY,
    Contributions,
    Definition,
    Figure,
    Parameter,
    of_each,
    of_stays,
)
from application.reports.formula import Contribution, Dimensions, count, total
from application.reports.inputs import InpatientStay, Inputs
from application.reports.length_of_stay import length
from application.reports.movements import movements_of
from domain.ages import AGE_BOUNDS, completed_years

UNKNOWN = "UNKNOWN"
"""The group of those of whom nobody knows it."""


def _by_group(
    inputs: Inputs, dimensions: Callable[[Inputs, InpatientStay, bool], Dimensions]
) -> Contributions:
    """Return the contributions of stays to movements, each mark with the groups of its stay then."""

    def marks(stay: InpatientStay, calendar: Calendar) -> Iterator[Contribution]:
        for mark in movements_of(inputs.deaths, True, stay, calendar):
            of = dimensions(inputs, stay, mark.measure != "admitted")
            yield mark._replace(of=of)
            if mark.measure == "discharged":
                yield Contribution("length", of, length(stay, calendar))

    return of_stays(marks)(inputs)


def _specialty_and_type(inputs: Inputs, stay: InpatientStay, at_end: bool) -> Dimensions:
    """Return the specialty and type of a stay at its end, or at its admission."""
    first, last = inputs.specialties.get(stay.stay, (None, None))
    return (
        ("specialty", (last if at_end else first) or UNKNOWN),
        ("type", stay.type if at_end else stay.admission_type),
    )


def _age_and_sex(inputs: Inputs, stay: InpatientStay, at_end: bool) -> Dimensions:
    """Return the age group and sex of the patient of a stay at its admission."""
    birth_date, sex = inputs.patients.get(stay.patient, (None, None))
    group = UNKNOWN
    if birth_date is not None:
        age = completed_years(birth_date, inputs.days.date_of(stay.admitted_at))
        group = _age_group(age, inputs.question.numbers("ages"))
    return ("ageGroup", group), ("sex", sex or UNKNOWN)


def _age_group(age: int, bounds: tuple[int, ...]) -> str:
    """Return the group that an age in years lies in: ``05-14``, ``85+``; one year alone: ``00``."""
    lowers = sorted({0, *bounds})
    place, width = bisect_right(lowers, age), max(2, len(str(lowers[-1])))
    lower = f"{lowers[place - 1]:0{width}}"
    if place == len(lowers):
        return f"{lower}+"
    upper = f"{lowers[place] - 1:0{width}}"
    return lower if lower == upper else f"{lower}-{upper}"


def _figures(*groups: tuple[str, tuple[str, ...], str]) -> tuple[Figure, ...]:
    """Return each figure for each of some groups: the end of its name, its dimensions, in words."""
    counts = (
        ("admissions", "admissions", "Stays that began", total("admitted")),
        ("discharges", "discharges", "Stays that ended, deaths included", total("discharged")),
        ("deaths", "deaths", "Stays that ended by death", total("died")),
    )
    mean = total("length") / count("length")
    return tuple(
        figure
        for suffix, names, words in groups
        for figure in (
            *(
                Figure(f"{name}{suffix}", unit, f"{meaning}, {words}.", formula, of_each(*names))
                for name, unit, meaning, formula in counts
            ),
            Figure(
                f"averageLengthOfStay{suffix}",
                "days",
                f"Mean length of stay of those discharged, {words}.",
                mean,
                of_each(*names),
                decimals=1,
            ),
        )
    )


MOVEMENTS_BY_SPECIALTY_1 = Definition(
    name="movements-by-specialty",
    version=1,
    title="Admissions and discharges by specialty and type",
    formula="Admissions by the specialty and the type of the stay at its beginning; discharges,"
    " deaths and lengths of stay (discharge date - admission date - leave days) by those at its end."
    " The first ward admits, the last one discharges.",
    day=HOSPITAL_DAY,
    source=AHIMA,
    needs=frozenset({"stays", "deaths", "specialties"}),
    contributions=partial(_by_group, dimensions=_specialty_and_type),
    figures=_figures(
        ("BySpecialty", ("specialty",), "by specialty"),
        ("ByType", ("type",), "by type of the stay"),
    ),
)

MOVEMENTS_BY_AGE_AND_SEX_1 = replace(
    MOVEMENTS_BY_SPECIALTY_1,
    name="movements-by-age-and-sex",
    title="Admissions and discharges by age group and sex",
    formula="Admissions, discharges, deaths and lengths of stay (discharge date - admission date -"
    " leave days) by the patient's sex, and age in completed years, on the day of the admission. The"
    " first ward admits, the last one discharges.",
    needs=frozenset({"stays", "deaths", "patients"}),
    contributions=partial(_by_group, dimensions=_age_and_sex),
    parameters=(
        Parameter(
            "ages",
            (0, 1, 5, 15, 25, 35, 45, 55, 65, 75, 85),
            "From which ages on groups begin, in years.",
            choices=tuple(map(str, AGE_BOUNDS)),
        ),
    ),
    figures=_figures(
        ("ByAgeGroup", ("ageGroup",), "by age group"),
        ("BySex", ("sex",), "by sex"),
        ("ByAgeGroupAndSex", ("ageGroup", "sex"), "by age group and sex"),
    ),
)
"""Of who was erased only the groups are known, which is why there are no others to choose."""
