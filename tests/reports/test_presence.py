"""Days present: calendar days of which a person was there for any part."""

from typing import Any

from application.reports.formula import Value
from application.reports.inputs import InpatientStay
from application.reports.presence import DAYS_PRESENT_1
from tests.support.report_house import asked, calendar, figure, stay


def present(
    *stays: InpatientStay, ward: str | None = None, zone: str = "UTC", **said: Any
) -> Value:
    report = asked(
        DAYS_PRESENT_1, "03-01", "03-31", ward=ward, stays=stays, days=calendar(zone), **said
    )
    return figure(report, "daysPresent")


def test_with_a_leave_from_the_third_to_the_fifth_five_days_are_present() -> None:
    leave = stay("x", "03-01 23:50", "03-06 08:00", leaves=[("03-03 10:00", "03-05 16:00")])
    assert present(leave) == 5  # 1, 2, 3, 5, 6


def test_who_goes_at_midnight_was_not_there_the_next_day() -> None:
    assert present(stay("x", "03-01 08:00", "03-03 00:00")) == 2
    assert present(stay("x", "03-01 08:00", "03-03 00:01")) == 3


def test_two_stays_on_one_day_are_one_day_of_the_person() -> None:
    one = stay("one", "03-01 08:00", "03-04 09:00")
    two = stay("two", "03-04 18:00", "03-05 09:00")
    assert present(one, two) == 6
    assert present(one, two._replace(patient=one.patient)) == 5
    assert present(one, two, persons={two.patient: one.patient}) == 5


def test_a_day_with_parts_in_two_wards_counts_in_both() -> None:
    moved = stay("x", "03-01 08:00", "03-03 08:00", wards=[("03-02 12:00", "B")])
    assert (present(moved, ward="A"), present(moved, ward="B"), present(moved)) == (2, 2, 3)


def test_days_are_those_of_the_hospital_over_a_change_of_clock_too() -> None:
    # Berlin goes to summer time on 29 March 2026: its midnights are 23:00 and then 22:00 in UTC.
    assert present(stay("x", "03-28 23:30", "03-29 21:30"), zone="Europe/Berlin") == 1
    assert present(stay("x", "03-28 22:30", "03-29 22:30"), zone="Europe/Berlin") == 3


def test_only_days_of_the_period_count() -> None:
    assert present(stay("x", "02-20 08:00")) == 31
