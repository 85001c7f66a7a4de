"""Late entries: accepted where they fit, refused with the list of what they would make untrue."""

import pytest

from domain.refusals import OutsideStay, StayNotOpen, StayStateBroken
from domain.stay.aggregate import Stay
from domain.stay.facts import DischargePlan
from tests.support.aggregate_dsl import DR_MEYER, DR_OKAFOR, STAY, A, Act, B, C, at, given
from tests.support.stays import (
    a_stay,
    admit,
    admitted,
    allocate_room,
    allocated,
    attended_by,
    change_attending,
    change_specialty,
    discharge,
    discharged,
    end_leave,
    is_at,
    lay,
    left,
    plan_discharge,
    planned,
    record_visit,
    returned,
    specialty_became,
    start_leave,
    states,
    swap_into,
    swapped_into,
    transfer,
    transferred,
    visited,
)

IN_A = (admitted("08:00"), allocated(A, "08:00"))


# -- that fit --


def test_a_backdated_transfer_does_not_give_the_patient_two_beds_at_once() -> None:  # mistake 1
    stay = (
        given(a_stay(), *IN_A, transferred(B, "14:00"))
        .when(transfer(C, "11:00"))
        .then(Stay.Transferred)
    )
    assert lay(stay) == ["A 08:00-11:00", "C 11:00-14:00", "B 14:00-"]


def test_a_late_transfer_into_the_bed_that_follows_moves_only_its_beginning() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "14:00")).when(transfer(B, "11:00")).aggregate
    assert lay(stay) == ["A 08:00-11:00", "B 11:00-"]


def test_a_late_transfer_before_a_discharge_lasts_until_the_discharge() -> None:  # mistake 18
    stay = given(a_stay(), *IN_A, discharged("14:00")).when(transfer(B, "11:00")).aggregate
    assert lay(stay) == ["A 08:00-11:00", "B 11:00-14:00"]


def test_a_late_first_bed_lasts_until_the_transfer_that_is_known() -> None:
    stay = given(a_stay(), admitted("08:00"), transferred(B, "14:00")).aggregate
    stay = given(stay).when(allocate_room(A, "09:00")).then(Stay.RoomAllocated)
    assert lay(stay) == ["A 09:00-14:00", "B 14:00-"]


def test_a_late_leave_that_has_its_return_in_the_past_fits_in_two_entries() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "14:00")).aggregate
    given(stay).when(start_leave("10:00")).then_contradicts(("move", "14:00"))
    # The ward enters it backwards in vain, too: there is no return without a leave.
    given(stay).when(end_leave("12:00")).then_refused(StayStateBroken)


def test_a_late_visit_changes_nothing_but_is_within_the_stay() -> None:
    before = given(a_stay(), *IN_A, discharged("14:00")).aggregate
    result = states(before)
    stay = given(before).when(record_visit("11:00")).then(Stay.VisitRecorded)
    assert states(stay) == result


def test_a_late_change_of_attending_holds_until_the_next_one() -> None:
    stay = (
        given(a_stay(), admitted("08:00"), attended_by(DR_MEYER, "14:00"))
        .when(change_attending("11:00", DR_OKAFOR))
        .then(Stay.AttendingChanged)
    )
    doctors = [s.attending if (s := is_at(stay, m)) else None for m in ("10:00", "12:00", "14:00")]
    assert doctors == [None, DR_OKAFOR, DR_MEYER]


def test_a_late_change_of_specialty_and_a_late_plan_hold_until_the_next() -> None:
    stay = given(
        a_stay(),
        admitted("08:00", specialty="cardiology"),
        specialty_became("surgery", "14:00"),
        planned(DischargePlan.CLEARED, "15:00"),
    ).aggregate
    change_specialty("11:00", "nephrology")(stay)
    plan_discharge("12:00")(stay)
    result = [
        (s.specialty, s.plan) if (s := is_at(stay, m)) else None
        for m in ("11:00", "12:00", "14:00", "15:00")
    ]
    assert result == [
        ("nephrology", DischargePlan.NONE),
        ("nephrology", DischargePlan.PLANNED),
        ("surgery", DischargePlan.PLANNED),
        ("surgery", DischargePlan.CLEARED),
    ]


def test_a_stay_from_yesterday_can_be_entered_today() -> None:  # mistakes 19, 21
    stay = given(a_stay()).when(admit("08:00")).then(Stay.Admitted)
    transfer(A, "09:00")(stay)
    discharge("Tue 10:00")(stay)
    assert lay(stay) == ["A 09:00-Tue 10:00"]


def test_a_late_leave_at_the_end_of_the_stay_shortens_what_was_lain_in() -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00")).when(start_leave("11:00")).aggregate
    assert lay(stay) == ["A 08:00-11:00", "A 11:00-14:00 kept"]


# -- that make later facts illegal --


def test_a_late_leave_lists_every_move_that_it_makes_impossible() -> None:
    given(
        a_stay(),
        *IN_A,
        transferred(B, "11:00"),
        visited("11:30"),
        swapped_into(C, "12:00"),
        attended_by(DR_MEYER, "13:00"),
        discharged("14:00"),
    ).when(start_leave("10:00")).then_contradicts(("move", "11:00"), ("move", "12:00"))


def test_a_late_leave_before_a_leave_lists_the_second() -> None:
    given(a_stay(), *IN_A, left("12:00"), returned("13:00"), transferred(B, "14:00")).when(
        start_leave("10:00")
    ).then_contradicts(("start of leave", "12:00"))


def test_a_late_return_takes_the_return_away_from_the_one_that_is_known() -> None:
    given(a_stay(), *IN_A, left("10:00"), returned("14:00")).when(
        end_leave("12:00")
    ).then_contradicts(("end of leave", "14:00"))


def test_a_late_transfer_out_of_a_bed_that_is_kept_later_lists_the_leave_and_the_return() -> None:
    given(a_stay(), *IN_A, left("12:00", keeps_bed=True), returned("13:00")).when(
        transfer("corridor", "11:00")
    ).then_contradicts(("start of leave", "12:00"), ("end of leave", "13:00"))


def test_a_late_discharge_lists_everything_after_it() -> None:
    given(
        a_stay(),
        *IN_A,
        attended_by(DR_MEYER, "11:00"),
        transferred(B, "11:00"),
        specialty_became("surgery", "11:30"),
        visited("12:00"),
        planned(DischargePlan.PLANNED, "12:30"),
        left("13:00"),
        returned("13:30"),
        discharged("14:00"),
    ).when(discharge("10:00")).then_contradicts(
        ("change of attending", "11:00"),
        ("move", "11:00"),
        ("change of specialty", "11:30"),
        ("visit", "12:00"),
        ("discharge plan", "12:30"),
        ("start of leave", "13:00"),
        ("end of leave", "13:30"),
        ("discharge", "14:00"),
    )


def test_an_earlier_admission_is_no_second_one() -> None:
    given(a_stay(), admitted("08:00")).when(admit("07:00")).then_contradicts(("admission", "08:00"))


def test_a_death_that_is_recorded_late_lists_the_clinical_facts_after_it() -> None:
    given(
        a_stay(),
        *IN_A,
        visited("09:30"),
        visited("10:00"),
        transferred("mortuary", "10:30"),
        left("11:00", keeps_bed=False),
        returned("12:00", to="corridor"),
        discharged("14:00"),
    ).when(lambda stay: stay.must_outlive(at("09:30"))).then_contradicts(
        ("visit", "10:00"),
        ("start of leave", "11:00"),
        ("end of leave", "12:00"),
        ("discharge", "14:00"),
    )


def test_a_contradiction_names_the_stay_and_the_ids_of_the_facts() -> None:
    past = (*IN_A, transferred(B, "12:00"))
    stay = given(a_stay(), *past).aggregate
    (_, _, moved) = stay.history.facts
    refusal = given(stay).when(start_leave("10:00"))
    refusal.then_contradicts(("move", "12:00"))
    assert refusal.refusal is not None
    assert [(f.id, f.stay) for f in vars(refusal.refusal)["facts"]] == [(moved.id, STAY)]


# -- that lie outside --


@pytest.mark.parametrize(
    "act",
    [
        allocate_room(A, "07:59"),
        transfer(A, "07:59"),
        transfer("corridor", "07:59"),
        swap_into(B, "07:59"),
        start_leave("07:59", keeps_bed=False),
        end_leave("07:59", B),
        change_attending("07:59"),
        change_specialty("07:59"),
        record_visit("07:59"),
        plan_discharge("07:59"),
        discharge("07:59"),
    ],
)
def test_nothing_of_a_stay_lies_before_its_admission(act: Act[Stay]) -> None:
    given(a_stay(), admitted("08:00")).when(act).then_refused(OutsideStay, stay=STAY)


@pytest.mark.parametrize(
    "act",
    [
        allocate_room(A, "15:00"),
        transfer(B, "15:00"),
        swap_into(B, "15:00"),
        start_leave("15:00"),
        end_leave("15:00", B),
        change_attending("15:00"),
        change_specialty("15:00"),
        plan_discharge("15:00"),
        discharge("15:00"),
    ],
)
def test_nothing_of_a_stay_lies_after_its_discharge(act: Act[Stay]) -> None:
    given(a_stay(), *IN_A, discharged("14:00")).when(act).then_refused(
        StayNotOpen, stay=STAY, ended_at=at("14:00")
    )


def test_a_visit_after_the_discharge_lies_outside_the_stay() -> None:
    given(a_stay(), *IN_A, discharged("14:00")).when(record_visit("14:01")).then_refused(
        OutsideStay, stay=STAY
    )


@pytest.mark.parametrize(
    ("moment", "inside"),
    [("07:59", False), ("08:00", True), ("13:59", True), ("14:00", True), ("14:01", False)],
)
def test_a_stay_includes_its_first_and_its_last_moment(moment: str, inside: bool) -> None:
    stay = given(a_stay(), *IN_A, discharged("14:00")).aggregate
    assert stay.history.includes(at(moment)) is inside
    outcome = given(stay).when(lambda stay: stay.must_include(at(moment), "The dose"))
    if inside:
        outcome.then()
    else:
        assert "The dose" in str(outcome.then_refused(OutsideStay))


def test_an_open_stay_includes_all_time_from_its_admission_on() -> None:
    stay = given(a_stay(), *IN_A).aggregate
    assert stay.history.includes(at("Sun 23:00"))
    assert not a_stay().history.includes(at("08:00"))
