"""Cancels and corrections: by id, on the whole history, and what the past becomes."""

import pytest

from domain.refusals import (
    InvalidInput,
    MovementNotFound,
    OutsideStay,
    StayNotOpen,
    StayStateBroken,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason, Observation
from domain.time import Period
from tests.support.aggregate_dsl import DR_MEYER, DR_OKAFOR, A, B, C, at, entry, given
from tests.support.correction_strategies import (
    IN_ERROR,
    REVERSED,
    cancel,
    cancel_admission,
    cancel_discharge,
    correct,
)
from tests.support.stays import (
    a_stay,
    admitted,
    allocated,
    attended_by,
    discharge,
    discharged,
    lay,
    left,
    record_visit,
    returned,
    states,
    transfer,
    transferred,
    visited,
)

IN_A = (admitted("08:00"), allocated(A, "08:00"))
A_B_A = (*IN_A, transferred(B, "10:00"), transferred(A, "14:00"))


# -- entered in error: it never was --


def test_cancelling_the_middle_of_a_b_a_leaves_one_stretch_in_a() -> None:
    stay = given(a_stay(), *A_B_A).when(cancel("10:00")).then(Stay.MovementCancelled)
    assert lay(stay) == ["A 08:00-"]


def test_any_movement_can_be_cancelled_not_only_the_latest() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"), transferred(C, "14:00"))
    assert lay(stay.when(cancel("10:00")).aggregate) == ["A 08:00-14:00", "C 14:00-"]


def test_what_was_cancelled_cannot_be_cancelled_again() -> None:
    stay = given(a_stay(), *A_B_A).aggregate
    movement = stay.history.facts[2].id
    cancelled = given(stay).when(cancel("10:00")).aggregate
    given(cancelled).when(
        lambda s: s.correct_movement(movement, at("09:00"), None, None, entry("20:00"))
    ).then_refused(MovementNotFound)


def test_a_cancel_that_makes_later_facts_untrue_is_refused_naming_them() -> None:
    stay = given(a_stay(), *IN_A, left("10:00"), returned("12:00"))
    stay.when(cancel("10:00")).then_contradicts(("end of leave", "12:00"))


def test_what_was_entered_in_error_leads_to_no_other_bed() -> None:
    given(a_stay(), *A_B_A).when(cancel("10:00", to=C)).then_refused(InvalidInput, field="bed")


# -- decision reversed: it stands until then --


def test_a_reversed_transfer_stands_until_it_was_reversed() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"))
    assert lay(stay.when(cancel("10:00", REVERSED, when="12:00")).aggregate) == [
        "A 08:00-10:00",
        "B 10:00-12:00",
        "A 12:00-",
    ]


def test_a_reversal_may_lead_to_another_bed_than_the_one_before() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"))
    there = stay.when(cancel("10:00", REVERSED, to=C, when="12:00")).then(Stay.MovementCancelled)
    assert lay(there)[-1] == "C 12:00-"


def test_what_has_no_place_leads_to_none_when_it_is_reversed() -> None:
    stay = given(a_stay(), *IN_A, attended_by(DR_MEYER, "10:00"))
    stay.when(cancel("10:00", REVERSED, to=B, when="12:00")).then_refused(InvalidInput, field="bed")


def test_a_reversed_return_leads_to_no_bed_but_one_that_is_kept() -> None:
    released = given(a_stay(), *IN_A, left("10:00", keeps_bed=False), returned("11:00", B))
    to_c = cancel("11:00", REVERSED, to=C, when="12:00")
    released.when(to_c).then_refused(InvalidInput, field="bed")
    kept = given(a_stay(), *IN_A, left("10:00"), returned("11:00", B))
    kept.when(cancel("11:00", REVERSED, to="corridor", when="12:00")).then_refused(InvalidInput)
    assert lay(kept.when(to_c).aggregate)[-1] == "C 12:00- kept"


def test_only_what_is_in_force_can_be_reversed() -> None:
    stay = given(a_stay(), *A_B_A)
    stay.when(cancel("10:00", REVERSED, when="16:00")).then_refused(StayStateBroken)
    assert lay(stay.when(cancel("14:00", REVERSED, when="16:00")).aggregate)[-1] == "B 16:00-"


def test_a_reversal_is_a_movement_that_can_be_cancelled_itself() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"))
    reversed_ = stay.when(cancel("10:00", REVERSED, when="12:00")).aggregate
    assert lay(given(reversed_).when(cancel("12:00")).aggregate) == ["A 08:00-10:00", "B 10:00-"]


def test_a_reversed_leave_brings_the_patient_back() -> None:
    stay = given(a_stay(), *IN_A, left("10:00"))
    back = stay.when(cancel("10:00", REVERSED, when="11:00")).then(Stay.MovementCancelled)
    assert states(back)[-1] == "11:00- ADMITTED A"


def test_a_reversed_change_of_attending_gives_the_doctor_before() -> None:
    stay = given(a_stay(), *IN_A, attended_by(DR_MEYER, "09:00"), attended_by(DR_OKAFOR, "10:00"))
    back = stay.when(cancel("10:00", REVERSED, when="11:00")).aggregate
    state = back.history.at(at("12:00"))
    assert state
    assert state.attending == DR_MEYER
    assert lay(back) == ["A 08:00-"]


# -- corrections --


@pytest.mark.parametrize(
    ("time", "stretches"),
    [
        ("09:00", ["A 08:00-09:00", "B 09:00-14:00", "A 14:00-"]),
        ("13:00", ["A 08:00-13:00", "B 13:00-14:00", "A 14:00-"]),
        ("15:00", ["A 08:00-15:00", "B 15:00-"]),
    ],
)
def test_a_corrected_time_puts_the_movement_where_it_belongs(
    time: str, stretches: list[str]
) -> None:
    stay = given(a_stay(), *A_B_A).when(correct("10:00", at_=time)).then(Stay.MovementCorrected)
    assert lay(stay) == stretches


def test_a_corrected_bed_is_another_stretch() -> None:
    stay = given(a_stay(), *A_B_A).when(correct("10:00", to=C)).aggregate
    assert lay(stay) == ["A 08:00-10:00", "C 10:00-14:00", "A 14:00-"]


def test_a_correction_can_be_corrected() -> None:
    stay = given(a_stay(), *A_B_A).when(correct("10:00", at_="11:00", to=C)).aggregate
    again = given(stay).when(correct("11:00", at_="10:00", to=B)).aggregate
    assert lay(again) == lay(given(a_stay(), *A_B_A).aggregate)


def test_a_movement_cannot_be_corrected_out_of_its_stay() -> None:
    stay = given(a_stay(), *A_B_A, discharged("18:00"))
    stay.when(correct("14:00", at_="19:00")).then_refused(StayNotOpen)


def test_a_corrected_discharge_must_not_leave_facts_behind_it() -> None:
    stay = given(a_stay(), *IN_A, visited("12:00"), discharged("18:00"))
    stay.when(correct("18:00", at_="11:00")).then_contradicts(("visit", "12:00"))
    stay.when(correct("18:00", at_="12:00")).then(Stay.MovementCorrected)


def test_a_correction_says_what_is_different() -> None:
    given(a_stay(), *A_B_A).when(correct("10:00", at_="10:00")).then_refused(InvalidInput)


def test_a_discharge_has_no_place_to_correct() -> None:
    stay = given(a_stay(), *IN_A, discharged("18:00"))
    stay.when(correct("18:00", to=B)).then_refused(InvalidInput, field="bed")


# -- discharge --


def test_a_discharge_entered_in_error_never_was() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    back = stay.when(cancel_discharge(IN_ERROR)).then(Stay.DischargeCancelled)
    assert lay(back) == ["A 08:00-"]
    assert back.is_open


def test_the_bed_named_is_where_the_patient_was_instead() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    assert lay(stay.when(cancel_discharge(IN_ERROR, to=B)).aggregate) == [
        "A 08:00-14:00",
        "B 14:00-",
    ]


def test_after_a_reversed_discharge_the_patient_was_away_in_one_and_the_same_stay() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    back = stay.when(cancel_discharge(REVERSED, to=B, when="16:00")).then(Stay.DischargeCancelled)
    assert lay(back) == ["A 08:00-14:00", "B 16:00-"]
    assert back.history.period == Period(at("08:00"))
    assert not back.history.includes(at("15:00"))
    assert back.history.includes(at("16:00"))
    given(back).when(record_visit("15:00")).then_refused(OutsideStay)


def test_a_reversed_discharge_names_where_the_patient_comes_back_to() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    stay.when(cancel_discharge(REVERSED)).then_refused(InvalidInput, field="bed")


def test_after_a_reversed_discharge_the_stay_can_end_again() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    back = stay.when(cancel_discharge(REVERSED, to=A, when="16:00")).aggregate
    gone = given(back).when(discharge("18:00")).then(Stay.Discharged)
    assert gone.history.ended_at == at("18:00")
    assert states(gone)[-1].startswith("18:00- DISCHARGED")


# -- admission --


def test_an_admission_entered_in_error_frees_its_bed_for_all_time() -> None:  # mistake 3
    stay = given(a_stay(), *A_B_A).when(cancel_admission()).then(Stay.AdmissionCancelled)
    assert lay(stay) == []
    assert stay.history.period is None
    assert [s.split()[1] for s in states(stay)] == ["CANCELLED"]
    given(stay).when(transfer(C, "15:00")).then_refused(StayNotOpen)


def test_a_reversed_admission_ends_the_stay_and_keeps_its_stretch() -> None:
    stay = given(a_stay(), *IN_A).when(cancel_admission(REVERSED, when="10:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00"]
    assert stay.history.period == Period(at("08:00"), at("10:00"))
    assert stay.history.discharge is None


def test_a_stay_that_ended_is_not_cancelled_before_its_discharge_is() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00"))
    stay.when(cancel_admission()).then_refused(StayNotOpen, ended_at=at("14:00"))


@pytest.mark.parametrize("because", list(CancellationReason))
def test_clinical_facts_stop_the_cancel_unless_they_are_voided_too(
    because: CancellationReason,
) -> None:
    stay = given(a_stay(), *IN_A, visited("09:00"))
    stay.when(cancel_admission(because)).then_contradicts(("visit", "09:00"))
    voided = stay.when(cancel_admission(because, void=True)).then(Stay.AdmissionCancelled)
    assert not [f for f in voided.history.facts if isinstance(f, Observation)]
