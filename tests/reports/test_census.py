"""Tests of the census day by day: service days, the average daily census."""

from datetime import time

import pytest

from application.reports.census import (
    AVERAGE_DAILY_CENSUS_1,
    INPATIENT_CENSUS_1,
    INPATIENT_SERVICE_DAYS_1,
)
from application.reports.definition import Report
from domain.hospital_calendar import LocalDays
from tests.support.reference_reports import balanced
from tests.support.report_house import asked, at, calendar, day, figure, figures, of_one, stay

LEAVE = stay("leave", "03-01 23:50", "03-06 08:00", leaves=[("03-03 10:00", "03-05 16:00")])
"""The one stay of the golden vectors."""


def is_balanced(told: Report) -> bool:
    """Return whether each census is the one before, with who came and without who went."""
    return balanced({f.name: figures(told, f.name) for f in INPATIENT_CENSUS_1.figures})


MAY = (
    *(stay(f"goes{n}", "04-28 10:00", "05-02 11:00") for n in range(9)),
    *(stay(f"stays{n}", "04-28 10:00") for n in range(259)),
    *(stay(f"comes{n}", "05-02 09:00") for n in range(16)),
    *(stay(f"both{n}", "05-02 08:00", "05-02 20:00") for n in range(2)),
)
"""268 at midnight of 1 May; then 16 came, 9 went, and 2 came and went."""


def test_the_census_is_that_of_the_day_before_and_who_came_without_who_went() -> None:
    result = asked(INPATIENT_CENSUS_1, "05-01", "05-02", stays=MAY)
    assert figures(result, "census") == [268, 275]
    assert figures(result, "admissions") == [0, 18]
    assert figures(result, "discharges") == [0, 11]
    assert is_balanced(result)


def test_service_days_count_those_too_who_came_and_went_the_same_day() -> None:
    result = asked(INPATIENT_SERVICE_DAYS_1, "05-01", "05-02", stays=MAY)
    assert figures(result, "dailyServiceDays") == [268, 277]
    assert figures(result, "sameDay") == [0, 2]
    assert figure(result, "serviceDays") == 545


def test_on_leave_a_patient_is_not_in_the_census_but_the_bed_may_be_held() -> None:
    result = asked(INPATIENT_CENSUS_1, "03-01", "03-06", stays=(LEAVE,))
    assert figures(result, "census") == [1, 1, 0, 0, 1, 0]
    assert figures(result, "bedsHeld") == [1, 1, 1, 1, 1, 0]
    assert figures(result, "absences") == [0, 0, 1, 0, 0, 0]
    assert figures(result, "returns") == [0, 0, 0, 0, 1, 0]
    assert is_balanced(result)


CHANGED = stay(
    "changed",
    "03-01 08:00",
    "03-06 09:00",
    admission_type="DAY_CASE",
    last_type="DAY_CASE",
    types=(
        (at("03-01 08:00"), "DAY_CASE"),
        (at("03-02 10:00"), "EMERGENCY"),
        (at("03-04 10:00"), "NEWBORN"),
        (at("03-05 10:00"), "DAY_CASE"),
    ),
)


def test_a_day_counts_a_stay_by_the_type_that_it_had_on_that_day() -> None:
    result = asked(
        INPATIENT_CENSUS_1,
        "03-01",
        "03-06",
        stays=(CHANGED,),
        parameters={"without": "DAY_CASE"},
    )
    assert figures(result, "census") == [0, 1, 1, 1, 0, 0]
    assert figures(result, "admissions") == [0, 1, 0, 0, 0, 0]
    assert figures(result, "discharges") == [0, 0, 0, 0, 1, 0]
    assert is_balanced(result)
    result = asked(
        INPATIENT_CENSUS_1, "03-01", "03-06", stays=(CHANGED,), parameters={"without": "NEWBORN"}
    )
    assert figures(result, "census") == [1, 1, 1, 0, 1, 0]
    assert (figures(result, "absences")[3], figures(result, "returns")[4]) == (1, 1)
    assert is_balanced(result)
    assert figures(asked(INPATIENT_CENSUS_1, "03-01", "03-06", stays=(CHANGED,)), "census") == [
        *(1, 1, 1, 1, 1),
        0,
    ]


def test_newborn_days_are_those_on_which_the_stay_was_of_a_newborn() -> None:
    result = asked(AVERAGE_DAILY_CENSUS_1, "03-01", "03-06", stays=(CHANGED,))
    assert figure(result, "averageDailyCensusOfNewborns") == of_one(1, 6)
    assert figure(result, "averageDailyCensus") == of_one(4, 6)


def test_those_admitted_before_the_period_are_in_the_census() -> None:
    result = asked(INPATIENT_CENSUS_1, "03-01", stays=(stay("before", "01-15 08:00"),))
    assert figures(result, "census") == [1]


def test_who_comes_at_the_census_time_is_here_and_who_goes_then_is_not() -> None:
    comes, goes = stay("comes", "03-01 23:59"), stay("goes", "03-01 08:00", "03-01 23:59")
    result = asked(INPATIENT_SERVICE_DAYS_1, "03-01", stays=(comes, goes))
    assert figures(result, "census") == [1]
    assert figures(result, "sameDay") == [1]


def test_after_the_census_the_next_hospital_day_has_begun() -> None:
    late = stay("late", "03-01 23:59:30", "03-02 06:00")
    result = asked(INPATIENT_SERVICE_DAYS_1, "03-01", "03-02", stays=(late,))
    assert figures(result, "dailyServiceDays") == [0, 1]
    assert figures(result, "sameDay") == [0, 1]


def test_by_ward_transfers_come_and_go() -> None:
    moved = stay("moved", "03-01 08:00", "03-03 08:00", wards=[("03-02 12:00", "B")])
    of_a = asked(INPATIENT_CENSUS_1, "03-01", "03-03", ward="A", stays=(moved,))
    of_b = asked(INPATIENT_CENSUS_1, "03-01", "03-03", ward="B", stays=(moved,))
    whole = asked(INPATIENT_CENSUS_1, "03-01", "03-03", stays=(moved,))
    assert figures(of_a, "census") == [1, 0, 0]
    assert figures(of_a, "transfersOut") == figures(of_b, "transfersIn") == [0, 1, 0]
    assert figures(of_b, "census") == [0, 1, 0]
    assert figures(of_b, "discharges") == [0, 0, 1]
    assert figures(whole, "transfersIn") == figures(whole, "transfersOut") == [0, 0, 0]
    assert all(map(is_balanced, (of_a, of_b, whole)))


def test_who_came_and_went_within_a_day_through_two_wards_is_served_by_the_last_one() -> None:
    through = stay("through", "03-01 08:00", "03-01 20:00", wards=[("03-01 12:00", "B")])
    served = [
        figure(asked(INPATIENT_SERVICE_DAYS_1, "03-01", ward=w, stays=(through,)), "serviceDays")
        for w in (None, "A", "B")
    ]
    assert served == [1, 0, 1]


def test_a_patient_without_a_bed_is_of_the_hospital_but_of_no_ward() -> None:
    trolley = stay("trolley", "03-01 08:00", ward=None, wards=[("03-02 10:00", "A")])
    whole = asked(INPATIENT_CENSUS_1, "03-01", "03-02", stays=(trolley,))
    of_a = asked(INPATIENT_CENSUS_1, "03-01", "03-02", ward="A", stays=(trolley,))
    assert figures(whole, "census") == [1, 1]
    assert figures(of_a, "census") == [0, 1]
    assert figures(of_a, "admissions") == [0, 1]


def test_between_a_discharge_and_its_reversal_the_patient_is_away() -> None:
    back = stay("back", "03-01 08:00", away=[("03-02 10:00", "03-04 09:00")])
    result = asked(INPATIENT_CENSUS_1, "03-01", "03-04", stays=(back,))
    assert figures(result, "census") == [1, 0, 0, 1]
    assert figures(result, "admissions") == [1, 0, 0, 0]
    assert figures(result, "returns") == [0, 0, 0, 1]
    assert figures(result, "discharges") == [0, 0, 0, 0]


def test_who_came_and_did_not_come_back_from_a_leave_of_the_same_day_was_served_that_day() -> None:
    gone = stay("gone", "03-01 08:00", "03-01 20:00", leaves=[("03-01 12:00", None)])
    assert figure(asked(INPATIENT_SERVICE_DAYS_1, "03-01", stays=(gone,)), "serviceDays") == 1


def test_a_stay_that_ended_as_it_began_is_a_service_day() -> None:
    at_once = stay("at once", "03-01 08:00", "03-01 08:00")
    assert figure(asked(INPATIENT_SERVICE_DAYS_1, "03-01", stays=(at_once,)), "serviceDays") == 1
    assert figures(asked(INPATIENT_CENSUS_1, "03-01", stays=(at_once,)), "admissions") == [1]


def test_the_average_daily_census_has_newborns_apart() -> None:
    mother = stay("mother", "03-01 08:00", "03-03 08:00")
    child = stay("child", "03-01 20:00", "03-03 08:00", admission_type="NEWBORN")
    other = stay("other", "03-02 08:00", "03-02 20:00")
    result = asked(AVERAGE_DAILY_CENSUS_1, "03-01", "03-04", stays=(mother, child, other))
    assert figure(result, "averageDailyCensus") == of_one(3, 4)
    assert figure(result, "averageDailyCensusOfNewborns") == of_one(2, 4)


# -- clocks --


@pytest.mark.parametrize(
    ("days", "of", "census"),
    [
        # Cairo on 29 October: at 24:00 clocks go back to 23:00, and 23:59 comes twice
        (calendar("Africa/Cairo"), "10-29", "10-29 21:59"),
        # Beirut on 29 March: clocks skip from 00:00 to 01:00, so there is no 00:30
        (calendar("Asia/Beirut", time(0, 30)), "03-29", "03-28 22:00"),
        # Berlin: 23:59 on both days of change, before and after which the offset differs
        (calendar("Europe/Berlin"), "03-28", "03-28 22:59"),
        (calendar("Europe/Berlin"), "03-29", "03-29 21:59"),
        (calendar("Europe/Berlin"), "10-25", "10-25 22:59"),
        # Berlin, a census at 02:30: skipped in spring, twice in autumn
        (calendar("Europe/Berlin", time(2, 30)), "03-29", "03-29 01:00"),
        (calendar("Europe/Berlin", time(2, 30)), "10-25", "10-25 01:30"),
    ],
)
def test_the_census_is_taken_where_clocks_show_its_time_last_or_skipped_it(
    days: LocalDays, of: str, census: str
) -> None:
    comes, goes = stay("comes", census), stay("goes", "01-01 08:00", census)
    result = asked(INPATIENT_CENSUS_1, of, days=days, stays=(comes, goes))
    assert figures(result, "census") == [1]
    assert figures(result, "admissions") == figures(result, "discharges") == [1]
    just_after = stay("after", f"{census}:00.000001")
    result = asked(INPATIENT_CENSUS_1, of, days=days, stays=(just_after,))
    assert figures(result, "census") == figures(result, "admissions") == [0]


def test_a_change_of_the_census_time_changes_no_day_before_it() -> None:
    days = LocalDays(((None, "UTC", time(23, 59)), (day("03-03"), "UTC", time(6))))
    evening = stay("evening", "03-02 12:00", "03-03 12:00")
    result = asked(INPATIENT_CENSUS_1, "03-01", "03-04", days=days, stays=(evening,))
    assert figures(result, "census") == [0, 1, 1, 0]
    assert days.census(day("03-03")) == at("03-03 06:00")
