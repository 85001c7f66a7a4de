"""Doses: inside the prescription, outside of it and marked so, while it is held, and after death."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.prescription.aggregate import Prescription
from domain.prescription.course import Outside
from domain.refusals import InvalidInput, MovementNotFound, PatientDied, PrescriptionStateBroken
from tests.support.aggregate_dsl import Act, Told, at, entry, given
from tests.support.prescriptions import (
    a_prescription,
    change,
    changed,
    complete,
    completed,
    did_not_give,
    do_not_give,
    gave,
    give,
    held,
    hold,
    resumed,
    stop,
    stopped,
    written,
)

DOSE = Prescription.AdministrationRecorded


@pytest.mark.parametrize(
    ("past", "inside", "outside"),
    [
        ((written("08:00"),), ("08:00", "Sun 20:00"), ("07:59",)),
        ((written("08:00", start="12:00"),), ("12:00",), ("08:00", "11:59")),
        ((written("08:00", start="06:00"),), ("06:00", "07:00"), ("05:59",)),
        ((written("08:00", stop="12:00"),), ("11:59", "12:00"), ("12:01", "13:00")),
        ((written("08:00"), stopped("12:00")), ("11:59", "12:00"), ("12:01", "13:00")),
        ((written("08:00"), completed("12:00")), ("11:59", "12:00"), ("12:01",)),
        ((written("08:00", stop="12:00"), changed("10:00", stop="14:00")), ("14:00",), ("14:01",)),
        ((written("08:00", start="12:00", stop="12:00"),), ("12:00",), ("11:59", "12:01")),
        ((written("08:00", start="12:00", stop="10:00"),), (), ("10:00", "12:00")),
        ((written("08:00", start="12:00"), stopped("10:00")), (), ("09:00", "12:00")),
    ],
)
def test_a_dose_lies_inside_its_prescription_or_is_marked(
    past: tuple[Told, ...], inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    prescription = given(a_prescription(), *past)
    for moment in outside:
        prescription.when(give(moment)).then_refused(PrescriptionStateBroken)
        prescription.when(do_not_give(moment)).then_refused(PrescriptionStateBroken)
    for moment in inside:
        given(a_prescription(), *past).when(give(moment)).then(DOSE)
        given(a_prescription(), *past).when(do_not_give(moment)).then(DOSE)


@pytest.mark.parametrize("why", Outside)
@pytest.mark.parametrize("moment", ["07:00", "10:00", "13:00"])
def test_a_marked_dose_may_lie_anywhere(why: Outside, moment: str) -> None:
    past = (written("08:00"), held("09:00"), stopped("12:00"))
    prescription = given(a_prescription(), *past).when(give(moment, outside=why)).then(DOSE)
    (dose,) = prescription.course.doses
    assert (dose.at, dose.given, dose.outside) == (at(moment), True, why)


def test_while_it_is_held_a_dose_is_not_given_unless_marked() -> None:
    past = (written("08:00"), held("10:00"), resumed("12:00"))
    for moment in ("10:01", "11:59"):
        given(a_prescription(), *past).when(give(moment)).then_refused(PrescriptionStateBroken)
    given(a_prescription(), *past).when(give("10:00")).then(DOSE)
    given(a_prescription(), *past).when(give("11:00", Outside.EMERGENCY)).then(DOSE)
    given(a_prescription(), *past).when(do_not_give("11:00", "held")).then(DOSE)
    given(a_prescription(), *past).when(give("12:00")).then(DOSE)


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (give("09:00", because="asleep"), "reason_not_given"),
        (do_not_give("09:00", because=None), "reason_not_given"),
        (do_not_give("09:00", because=""), "reason_not_given"),
        (do_not_give("09:00", dose="500 mg"), "dose_given"),
    ],
)
def test_a_dose_is_given_or_it_is_said_why_not(act: Act[Prescription], field: str) -> None:
    given(a_prescription(), written("08:00")).when(act).then_refused(InvalidInput, field=field)


def test_no_dose_is_given_after_the_death_not_even_a_marked_one() -> None:
    prescription = given(a_prescription(), written("08:00"))
    prescription.when(give("10:00", died="09:30")).then_refused(PatientDied, died_at=at("09:30"))
    prescription.when(give("10:00", Outside.LATE, died="09:30")).then_refused(PatientDied)
    prescription.when(give("09:30", died="09:30")).then(DOSE)


# -- late changes under doses that are recorded --


def test_a_late_hold_over_a_dose_that_was_given_lists_the_dose() -> None:
    past = (written("08:00"), gave("09:00"), did_not_give("11:00"), gave("12:00"))
    given(a_prescription(), *past).when(hold("10:00")).then_contradicts(("dose", "12:00"))


def test_a_late_hold_with_its_resume_after_the_dose_lists_it_too() -> None:
    past = (written("08:00"), gave("12:00"), stopped("14:00"))
    given(a_prescription(), *past).when(hold("11:00")).then_contradicts(("dose", "12:00"))


@pytest.mark.parametrize("act", [stop("10:00"), complete("10:00"), change("09:00", stop="10:00")])
def test_an_end_before_a_dose_lists_the_dose_given_or_not(act: Act[Prescription]) -> None:
    past = (written("08:00"), gave("10:00"), did_not_give("10:01"), gave("12:00"))
    given(a_prescription(), *past).when(act).then_contradicts(("dose", "10:01"), ("dose", "12:00"))


ENDS_AND_HOLDS = [stop("10:00"), complete("10:00"), hold("10:00"), change("09:00", stop="10:00")]


@pytest.mark.parametrize("act", ENDS_AND_HOLDS)
def test_in_one_minute_a_dose_may_be_entered_before_or_after_an_end(
    act: Act[Prescription],
) -> None:
    assert given(a_prescription(), written("08:00"), gave("10:00")).when(act).refusal is None
    ended = given(a_prescription(), written("08:00")).when(act).aggregate
    give("10:00")(ended)
    seconds_later = replace(entry("10:00"), occurred_at=at("10:00") + timedelta(seconds=59))
    ended.record_administration(True, None, None, None, seconds_later)
    with pytest.raises(PrescriptionStateBroken):
        give("10:01")(ended)


def test_a_marked_dose_stands_in_the_way_of_nothing() -> None:
    past = (written("08:00"), gave("12:00", Outside.LATE))
    given(a_prescription(), *past).when(stop("10:00")).then(Prescription.Stopped)
    given(a_prescription(), *past).when(hold("11:00")).then(Prescription.Held)


def test_a_dose_of_what_was_cancelled_never_was_either_and_cannot_be_cancelled_again() -> None:
    prescription = given(a_prescription(), written("08:00"), did_not_give("09:00"))
    (dose,) = prescription.aggregate.course.doses
    cancelled = prescription.when(lambda p: p.cancel(entry("10:00"))).then(Prescription.Cancelled)
    assert cancelled.course.doses == ()
    again = prescription.when(lambda p: p.cancel_administration(dose.id, entry("11:00")))
    again.then_refused(MovementNotFound)
