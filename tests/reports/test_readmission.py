"""Readmission within 30 days: which discharges are asked about, and which admissions count."""

from typing import Any

import pytest

from application.reports.formula import Value
from application.reports.inputs import Admission, InpatientStay
from application.reports.readmission import READMISSION_1
from tests.support.report_house import asked, at, known, stay

HER = known("her")


def hers(name: str, admitted: str, discharged: str | None = None, **said: Any) -> InpatientStay:
    return stay(name, admitted, discharged, **{"patient": HER, **said})


def march_readmissions(*stays: InpatientStay, **inputs: Any) -> tuple[Value, Value]:
    """Live discharges of March 2026, and how many of them were followed by a readmission."""
    admissions = [Admission(s.stay, s.patient, s.admission_type, s.admitted_at) for s in stays]
    march = [s for s in stays if s.admitted_at < at("04-01 00:00")]
    report = asked(READMISSION_1, "03-01", "03-31", stays=march, admissions=admissions, **inputs)
    result = {row.figure: row.value for row in report.rows}
    return result["liveDischarges"], result["readmissions"]


FIRST = hers("first", "03-01 08:00", "03-10 12:00")


@pytest.mark.parametrize(("back", "counts"), [("04-09 23:50", 1), ("04-10 00:10", 0)])
def test_the_thirtieth_day_after_the_day_of_the_discharge_is_the_last(
    back: str, counts: int
) -> None:
    assert march_readmissions(FIRST, hers("again", back, admission_type="EMERGENCY")) == (1, counts)


def test_a_planned_admission_is_none_and_what_follows_it_does_not_count_either() -> None:
    planned = hers("planned", "03-14 08:00", admission_type="ELECTIVE")
    later = hers("later", "04-02 08:00", admission_type="EMERGENCY")
    assert march_readmissions(FIRST, planned, later) == (1, 0)


def test_after_a_planned_stay_its_own_discharge_may_be_followed_by_one() -> None:
    planned = hers("planned", "03-14 08:00", "03-16 08:00", admission_type="ELECTIVE")
    later = hers("later", "03-20 08:00", admission_type="EMERGENCY")
    assert march_readmissions(FIRST, planned, later) == (2, 1)


def test_only_the_first_readmission_counts_for_a_discharge() -> None:
    second = hers("second", "03-12 08:00", "03-13 08:00", admission_type="EMERGENCY")
    third = hers("third", "03-15 08:00", admission_type="EMERGENCY")
    assert march_readmissions(FIRST, second, third) == (2, 2)


@pytest.mark.parametrize("disposition", ["DIED", "AGAINST_ADVICE", "TRANSFERRED"])
def test_who_died_left_against_advice_or_went_elsewhere_is_not_asked_about(
    disposition: str,
) -> None:
    first = hers("first", "03-01 08:00", "03-10 12:00", disposition=disposition)
    assert march_readmissions(first, hers("again", "03-12 08:00", admission_type="EMERGENCY")) == (
        0,
        0,
    )


def test_a_cancelled_discharge_is_neither_a_discharge_nor_followed_by_a_readmission() -> None:
    one = hers(
        "one", "03-01 08:00", away=[("03-10 12:00", "03-11 12:00")], admission_type="EMERGENCY"
    )
    assert march_readmissions(one) == (0, 0)


def test_another_patient_who_comes_is_no_readmission() -> None:
    assert march_readmissions(FIRST, stay("other", "03-12 08:00", admission_type="EMERGENCY")) == (
        1,
        0,
    )


def test_two_records_of_one_person_are_one_person() -> None:
    other = stay("other", "03-12 08:00", admission_type="EMERGENCY")
    assert march_readmissions(FIRST, other, persons={other.patient: HER}) == (1, 1)


def test_what_is_unplanned_can_be_chosen() -> None:
    back = hers("again", "03-12 08:00", admission_type="TRANSFER_IN")
    chosen = {"unplanned": "EMERGENCY,TRANSFER_IN"}
    assert march_readmissions(FIRST, back) == (1, 0)
    assert march_readmissions(FIRST, back, parameters=chosen) == (1, 1)
