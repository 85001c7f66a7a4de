"""Waiting for a senior doctor, and for a bed."""

import pytest

from application.reports.formula import Value
from application.reports.inputs import InpatientStay
from application.reports.waiting import BOARDING_1, SENIOR_REVIEW_1
from tests.support.report_house import asked, at, stay

HOUR = 3600


def seen(**at_: str | None) -> dict[str, Value]:
    """The figures of stays of 2 March 08:00 that were seen then, or not (yet)."""
    stays = [stay(name, "03-02 08:00") for name in at_]
    reviews = {s.stay: at(when) for s, when in zip(stays, at_.values(), strict=True) if when}
    report = asked(SENIOR_REVIEW_1, "03-02", stays=stays, reviews=reviews)
    return {row.figure: row.value for row in report.rows}


@pytest.mark.parametrize(("when", "share"), [("03-02 22:00", 100), ("03-02 22:00:01", 0)])
def test_fourteen_hours_are_in_time_and_a_second_more_is_not(when: str, share: int) -> None:
    assert seen(x=when)["seenInTime"] == share


def test_who_still_waits_is_counted_and_not_dropped() -> None:
    result = seen(a="03-02 10:00", b="03-02 12:00", c="03-02 20:00", d=None)
    assert (result["admissions"], result["seen"], result["waiting"]) == (4, 3, 1)
    assert result["seenInTime"] == 75
    assert (result["medianWait"], result["percentile90"]) == (4 * HOUR, 12 * HOUR)


def test_who_left_unseen_is_not_waiting_any_more() -> None:
    gone = stay("gone", "03-02 08:00", "03-03 08:00")
    result = {r.figure: r.value for r in asked(SENIOR_REVIEW_1, "03-02", stays=(gone,)).rows}
    assert (result["waiting"], result["leftUnseen"], result["seenInTime"]) == (0, 1, 0)


def test_a_review_after_the_period_is_one() -> None:
    assert seen(x="03-03 07:00")["seen"] == 1


def test_types_of_admission_can_be_chosen() -> None:
    planned = stay("planned", "03-02 08:00")
    urgent = stay("urgent", "03-02 08:00", admission_type="EMERGENCY")
    report = asked(
        SENIOR_REVIEW_1, "03-02", stays=(planned, urgent), parameters={"types": "EMERGENCY"}
    )
    assert {r.figure: r.value for r in report.rows}["admissions"] == 1


def boarded(*stays: InpatientStay, ward: str | None = None) -> dict[str, Value]:
    report = asked(BOARDING_1, "03-02", ward=ward, stays=stays, parameters={"wards": "ED"})
    return {row.figure: row.value for row in report.rows}


DECIDED = at("03-02 09:00")


def test_boarding_goes_from_the_decision_to_the_first_bed_of_another_ward() -> None:
    moved = stay(
        "x", "03-02 08:00", ward="ED", wards=[("03-02 15:30", "A")], decided_to_admit_at=DECIDED
    )
    result = boarded(moved)
    assert (result["decisions"], result["boarded"]) == (1, 1)
    assert result["medianBoardingTime"] == 6.5 * HOUR


def test_a_corridor_is_the_emergency_department_and_a_bed_at_once_is_no_boarding() -> None:
    waited = stay(
        "x", "03-02 09:00", ward=None, wards=[("03-02 11:00", "A")], decided_to_admit_at=DECIDED
    )
    at_once = stay("y", "03-02 09:00", ward="A", decided_to_admit_at=DECIDED)
    assert boarded(waited)["medianBoardingTime"] == 2 * HOUR
    assert boarded(at_once)["medianBoardingTime"] == 0


def test_who_still_boards_or_left_from_there_is_counted_apart() -> None:
    here = stay("here", "03-02 08:00", ward="ED", decided_to_admit_at=DECIDED)
    left = stay("left", "03-02 08:00", "03-02 20:00", ward="ED", decided_to_admit_at=DECIDED)
    result = boarded(here, left)
    assert (result["decisions"], result["boarded"]) == (2, 0)
    assert (result["stillBoarding"], result["endedThere"]) == (1, 1)
    assert result["medianBoardingTime"] is None


def test_without_a_decision_there_is_no_boarding() -> None:
    assert boarded(stay("x", "03-02 08:00", ward="ED"))["decisions"] == 0


def test_a_ward_answers_for_those_who_came_to_it() -> None:
    moved = stay(
        "x", "03-02 08:00", ward="ED", wards=[("03-02 15:30", "A")], decided_to_admit_at=DECIDED
    )
    assert boarded(moved, ward="A")["boarded"] == 1
    assert boarded(moved, ward="B")["decisions"] == 0
