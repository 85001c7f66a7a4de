"""Patient days, leave days, length of stay, long stays."""

import pytest

from application.reports.formula import Value
from application.reports.inputs import InpatientStay
from application.reports.length_of_stay import (
    AVERAGE_LENGTH_OF_STAY_1,
    LEAVE_DAYS_1,
    LENGTH_OF_STAY_DISTRIBUTION_1,
    LONG_STAYS_1,
    PATIENT_DAYS_1,
)
from tests.reports.test_census import LEAVE
from tests.support.report_house import asked, calendar, figure, figures, of_one, stay


def days_of(told: InpatientStay, zone: str = "UTC") -> tuple[Value, Value, Value]:
    """Length of stay, patient days, leave days of one stay of March."""
    days = calendar(zone)
    by_stay = asked(PATIENT_DAYS_1, "03-01", "03-31", days=days, stays=(told,))
    leave = asked(LEAVE_DAYS_1, "03-01", "03-31", days=days, stays=(told,))
    return (
        figure(by_stay, "lengthOfStay"),
        figure(by_stay, "patientDays"),
        figure(leave, "leaveDays"),
    )


def test_one_stay_has_as_many_days_as_there_are_definitions() -> None:
    result = asked(PATIENT_DAYS_1, "03-01", "03-06", stays=(LEAVE,))
    assert figure(result, "lengthOfStayWithLeave") == 5
    assert figure(result, "lengthOfStay") == figure(result, "patientDays") == 3
    assert figure(result, "timeInHospital") == of_one(2 * 1440 + 2 * 60 + 10, 1440)
    assert figure(asked(LEAVE_DAYS_1, "03-01", "03-06", stays=(LEAVE,)), "leaveDays") == 2


@pytest.mark.parametrize(
    ("discharged", "leaves", "expected"),
    [
        ("03-02 20:00", [], (1, 1, 0)),
        ("03-03 00:00", [], (1, 1, 0)),
        ("03-02 23:59:59", [("03-02 09:00", "03-02 20:00")], (1, 1, 0)),
        ("03-03 08:00", [], (1, 1, 0)),
        ("03-05 08:00", [], (3, 3, 0)),
        # the day of going is leave, a full day away is, the day of return is a patient day
        ("03-08 08:00", [("03-03 18:00", "03-05 07:00")], (4, 4, 2)),
        # gone and back within a day
        ("03-05 08:00", [("03-03 09:00", "03-03 20:00")], (3, 3, 0)),
        # admitted and gone the same day is a patient day
        ("03-06 08:00", [("03-02 20:00", "03-04 09:00")], (3, 3, 1)),
        # back and gone again the same day is leave
        (
            "03-07 08:00",
            [("03-03 18:00", "03-04 09:00"), ("03-04 15:00", "03-05 09:00")],
            (3, 3, 2),
        ),
        # back and discharged the same day is neither
        ("03-05 18:00", [("03-03 18:00", "03-05 09:00")], (1, 1, 2)),
        # the patient did not come back
        ("03-05 18:00", [("03-03 18:00", None)], (1, 1, 2)),
        # at midnight the day after has begun: the 3rd ends with the patient here, then on leave
        ("03-06 08:00", [("03-04 00:00", "03-05 00:00")], (3, 3, 1)),
    ],
)
def test_a_date_is_a_patient_day_a_leave_day_or_neither(
    discharged: str, leaves: list[tuple[str, str | None]], expected: tuple[int, int, int]
) -> None:
    assert days_of(stay("one", "03-02 08:00", discharged, leaves=leaves)) == expected


def test_days_between_a_discharge_and_its_reversal_are_neither() -> None:
    back = stay("back", "03-02 08:00", "03-08 10:00", away=[("03-04 10:00", "03-06 09:00")])
    assert days_of(back) == (4, 4, 0)


def test_patient_days_are_those_of_the_period_and_the_length_is_whole() -> None:
    result = asked(
        PATIENT_DAYS_1, "03-01", "03-31", stays=(stay("long", "02-20 08:00", "03-04 08:00"),)
    )
    assert figure(result, "patientDays") == 3
    assert figure(result, "lengthOfStay") == 12


def test_dates_are_those_of_the_hospital_over_a_change_of_clocks() -> None:
    # Berlin: 23:30 of the 28th to 00:30 of the 29th local time; in UTC all on the 28th
    night = stay("night", "03-28 23:30", "03-29 00:30", zone="Europe/Berlin")
    over = stay("over", "03-28 12:00", "03-30 12:00", zone="Europe/Berlin")
    assert days_of(night, "Europe/Berlin") == (1, 1, 0)
    assert days_of(over, "Europe/Berlin") == (2, 2, 0)
    assert days_of(stay("short", "03-28 23:30", "03-30 00:30", zone="Europe/Berlin"), "UTC") == (
        1,
        1,
        0,
    )


def test_where_midnight_is_skipped_the_day_begins_with_the_first_moment_after() -> None:
    # Cairo, 24 April 2026: clocks go from 24:00 to 01:00; 22:00 UTC is the first moment of the 24th
    days = calendar("Africa/Cairo")
    before, after = stay("b", "04-23 20:00", "04-23 21:59"), stay("a", "04-23 20:00", "04-23 22:00")
    for result, over_night in ((before, None), (after, 1)):
        by = asked(AVERAGE_LENGTH_OF_STAY_1, "04-01", "04-30", days=days, stays=(result,))
        assert figure(by, "averageLengthOfOvernightStay") == over_night


def test_a_ward_has_the_days_that_end_in_it_and_discharges_those_who_lay_in_it_last() -> None:
    moved = stay(
        "moved", "03-02 08:00", "03-07 08:00",
        leaves=[("03-05 10:00", "03-06 10:00")], wards=[("03-04 12:00", "B")],
    )  # fmt: skip
    of = {w: asked(PATIENT_DAYS_1, "03-01", "03-31", ward=w, stays=(moved,)) for w in ("A", "B")}
    assert [figure(of[w], "patientDays") for w in of] == [2, 2]
    assert [figure(of[w], "lengthOfStay") for w in of] == [0, 4]
    leave = asked(LEAVE_DAYS_1, "03-01", "03-31", ward="B", stays=(moved,))
    assert figure(leave, "leaveDays") == figure(leave, "leaves") == 1


# -- averages --

SHORT, LONG, DIED = (
    stay("short", "03-02 08:00", "03-02 18:00"),
    stay("long", "03-01 08:00", "03-08 08:00"),
    stay("died", "02-20 08:00", "03-03 08:00", disposition="DIED"),
)


def test_the_average_is_of_those_discharged_from_their_admission_on_deaths_included() -> None:
    still_here = stay("here", "03-05 08:00")
    result = asked(
        AVERAGE_LENGTH_OF_STAY_1, "03-01", "03-10", stays=(SHORT, LONG, DIED, still_here)
    )
    assert figure(result, "averageLengthOfStay") == of_one(1 + 7 + 11, 3)
    assert figure(result, "medianLengthOfStay") == 7
    assert figure(result, "discharges") == 3


def test_its_rivals_are_named_apart() -> None:
    result = asked(AVERAGE_LENGTH_OF_STAY_1, "03-01", "03-10", stays=(SHORT, LONG, DIED))
    assert figure(result, "patientDaysPerAdmission") == of_one(1 + 7 + 2, 2)
    assert figure(result, "averageLengthOfOvernightStay") == of_one(7 + 11, 2)


def test_without_discharges_there_is_no_average() -> None:
    result = asked(AVERAGE_LENGTH_OF_STAY_1, "03-01", "03-10", stays=())
    assert figure(result, "averageLengthOfStay") is figure(result, "medianLengthOfStay") is None


def test_admission_types_can_be_left_out() -> None:
    child = stay("child", "03-02 08:00", "03-05 08:00", admission_type="NEWBORN")
    result = asked(
        AVERAGE_LENGTH_OF_STAY_1,
        "03-01",
        "03-10",
        stays=(LONG, child),
        parameters={"without": "NEWBORN, DAY_CASE"},
    )
    assert figure(result, "averageLengthOfStay") == 7


def test_the_discharged_are_counted_by_the_days_of_their_stay() -> None:
    stays = (
        stay("day", "03-02 08:00", "03-02 15:00"),
        stay("night", "03-02 20:00", "03-03 07:00"),
        stay("week", "03-01 08:00", "03-08 09:00"),
        stay("months", "01-01 08:00", "03-04 09:00"),
        stay("here", "03-01 08:00"),
    )
    result = asked(LENGTH_OF_STAY_DISTRIBUTION_1, "03-01", "03-10", stays=stays)
    assert figures(result, "dischargesByLength") == [2, *[0] * 5, 1, *[0] * 23]
    assert figure(result, "longerStays") == 1


# -- long stays --


def test_a_stay_is_long_from_so_many_days_before_the_census_on() -> None:
    week, three = stay("week", "03-01 08:00"), stay("three", "02-15 23:00")
    result = asked(LONG_STAYS_1, "03-07", "03-08", stays=(week, three))
    assert figures(result, "longStays") == [1, 1, 0, 2, 1, 1]


def test_leave_days_do_not_make_a_stay_long_and_who_is_on_leave_is_not_counted() -> None:
    absent = stay("absent", "03-01 08:00", leaves=[("03-04 10:00", "03-06 10:00")])
    result = asked(LONG_STAYS_1, "03-05", "03-10", stays=(absent,), parameters={"days": "5"})
    assert figures(result, "longStays") == [0, 0, 0, 1, 1, 1]
