"""Tests of what holds for every report, and of questions that are refused."""

import re
from datetime import UTC, date, datetime, time

import pytest

from application.reports.census import INPATIENT_CENSUS_1
from application.reports.definition import Definition, Subject
from application.reports.formula import Contribution, Marks, count, median, percentile, total
from application.reports.inputs import NEEDS, Inputs
from application.reports.length_of_stay import AVERAGE_LENGTH_OF_STAY_1, LONG_STAYS_1
from application.reports.registry import (
    ALL,
    LONGEST,
    REPORTS,
    find_definition,
    newest_definitions,
    resolve_question,
)
from domain.hospital_calendar import DAY, LocalDays
from domain.refusals import InvalidInput, NotFound
from infrastructure.reports.inputs import LOADERS
from tests.support import report_house
from tests.support.report_house import calendar, day, of_one, stay

each = pytest.mark.parametrize("held", ALL, ids=[f"{d.name}@{d.version}" for d in ALL])


def test_a_report_has_one_code_for_each_version() -> None:
    assert len(REPORTS) == len(ALL)
    assert [d.name for d in newest_definitions()] == list(dict.fromkeys(d.name for d in ALL))


@each
def test_a_report_says_what_it_is(held: Definition) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", held.name)
    assert held.title
    assert held.formula.endswith(".")
    assert held.source
    names = [figure.name for figure in held.figures]
    assert len(set(names)) == len(names) > 0
    for figure in held.figures:
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", figure.name)
        assert figure.meaning.endswith(".")
        assert figure.unit
    assert all(parameter.meaning.endswith(".") for parameter in held.parameters)


@each
def test_without_anybody_a_report_is_empty_and_not_an_error(held: Definition) -> None:
    answer = report_house.asked(held, "03-01", "03-02")
    assert {row.value for row in answer.rows} <= {0, None, 2}  # 2: the days of the period
    assert answer.canonical() == report_house.asked(held, "03-01", "03-02").canonical()


def test_every_input_has_a_loader() -> None:
    assert set(LOADERS) == NEEDS


def test_a_report_that_there_is_not_is_refused() -> None:
    with pytest.raises(NotFound):
        find_definition("bed-fullness")
    with pytest.raises(InvalidInput, match="it has: 1, 2"):
        find_definition("inpatient-census", 99)


# -- periods --

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def days_asked(first: str, last: str, now: datetime, days: LocalDays) -> tuple[date, date]:
    question = resolve_question(INPATIENT_CENSUS_1, days, now, day(first), day(last))
    return question.first, question.last


def test_a_period_reaches_up_to_the_last_day_that_has_ended() -> None:
    assert days_asked("03-01", "03-10", NOON, calendar()) == (day("03-01"), day("03-09"))
    assert days_asked("03-01", "03-09", NOON, calendar()) == (day("03-01"), day("03-09"))


def test_a_day_has_ended_when_its_census_is_taken_and_the_next_day_begun() -> None:
    east, noon = calendar("Pacific/Auckland"), calendar(census=time(12))
    at_census = datetime(2026, 3, 9, 10, 59, tzinfo=UTC)  # 23:59 in Auckland
    midnight = datetime(2026, 3, 9, 11, 0, tzinfo=UTC)
    assert days_asked("03-01", "03-09", at_census, east)[1] == day("03-08")
    assert days_asked("03-01", "03-09", midnight, east)[1] == day("03-09")
    assert days_asked("03-01", "03-10", NOON, noon)[1] == day("03-09")


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("03-05", "03-04", "ends before it begins"),
        ("03-01", "03-11", "lies in the future"),
        ("03-10", "03-10", "none of its days has ended"),
    ],
)
def test_a_period_that_is_none_is_refused(first: str, last: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        days_asked(first, last, NOON, calendar())


def test_a_period_before_any_hospital_had_a_record_is_refused() -> None:
    with pytest.raises(InvalidInput, match="before 1900"):
        resolve_question(INPATIENT_CENSUS_1, calendar(), NOON, date.min, date.min)


def test_a_period_of_ten_years_is_answered_and_a_longer_one_refused_with_what_to_do() -> None:
    first, last = NOON.date() - LONGEST * DAY, NOON.date() - DAY
    assert resolve_question(INPATIENT_CENSUS_1, calendar(), NOON, first, last).days == LONGEST
    with pytest.raises(InvalidInput, match=r"has 3661 days, .* at most 3660, .* parts of it"):
        resolve_question(INPATIENT_CENSUS_1, calendar(), NOON, first - DAY, last)


# -- parameters --


def test_parameters_are_of_the_type_of_their_defaults() -> None:
    assert LONG_STAYS_1.parameters_of({}) == {"days": (7, 14, 21)}
    assert LONG_STAYS_1.parameters_of({"days": "30, 3,3"}) == {"days": (3, 30)}
    assert AVERAGE_LENGTH_OF_STAY_1.parameters_of({"without": "newborn,"}) == {
        "without": ("NEWBORN",)
    }


@pytest.mark.parametrize("given", [{"days": "a week"}, {"days": "-1"}, {"weeks": "1"}])
def test_parameters_that_make_no_sense_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="days"):
        LONG_STAYS_1.parameters_of(given)


# -- formulas --


def of_some(*amounts: int) -> Marks:
    return Marks([Contribution("some", (("ward", "A"),), amount) for amount in amounts], days=1)


def test_formulas_are_exact_and_have_no_value_over_nothing() -> None:
    marks = of_some(1, 1, 5)
    third = total("some") / count("some")
    assert third.compute(marks, ()) == of_one(7, 3)
    assert third.compute(marks, (("ward", "A"),)) == of_one(7, 3)
    assert third.compute(marks, (("ward", "B"),)) is None
    assert (third * 100 + 1).compute(of_some(), ()) is None
    assert third.measures == {"some"}


def test_medians_lie_between_the_middle_ones_and_percentiles_are_the_nearest_rank() -> None:
    assert median("some").compute(of_some(4, 1, 9), ()) == 4
    assert median("some").compute(of_some(4, 1, 9, 5), ()) == of_one(9, 2)
    assert percentile("some", 90).compute(of_some(*range(1, 11)), ()) == 9
    assert percentile("some", 90).compute(of_some(7), ()) == 7
    assert percentile("some", 90).compute(of_some(), ()) is None


def test_a_figure_is_made_of_the_marks_of_its_measures_and_of_what_it_is_of() -> None:
    answer = report_house.asked(
        INPATIENT_CENSUS_1, "03-01", "03-02", stays=(stay("one", "03-01 08:00"),)
    )
    question = answer.question
    inputs = Inputs(question, calendar(), stays=(stay("one", "03-01 08:00"),))
    ((subject, marks),) = INPATIENT_CENSUS_1.contributions(inputs).items()
    assert subject == Subject("stay", report_house.known("one"))
    row = next(row for row in answer.rows if row.of == (("day", "2026-03-02"),))
    assert INPATIENT_CENSUS_1.marks_of(row, marks) == (Contribution("present", row.of, 1),)
