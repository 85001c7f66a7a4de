"""Tests of places: beds, leave, swaps, places without a bed, and the stretches they give."""

from typing import Any

from domain.refusals import StayStateBroken
from domain.room.occupancy import difference
from domain.stay.aggregate import Stay
from domain.stay.facts import Fact, Move, Observation, Place
from domain.stay.history import History
from domain.time import Period
from tests.support.aggregate_dsl import (
    DR_MEYER,
    MOTHER,
    OTHER_STAY,
    ROOM_119,
    ROOM_120,
    STAY,
    A,
    B,
    C,
    at,
    given,
    known,
)
from tests.support.stays import (
    a_stay,
    admitted,
    allocate_room,
    allocated,
    attended_by,
    discharged,
    end_leave,
    is_at,
    lay,
    left,
    returned,
    specialty_became,
    stands,
    start_leave,
    states,
    swap_into,
    swapped_into,
    transfer,
    transferred,
    visited,
)

IN_A = (admitted("08:00"), allocated(A, "08:00"))


# -- leave --


def test_a_bed_kept_during_leave_is_a_stretch_of_its_own_kind() -> None:
    stay = (
        given(a_stay(), *IN_A)
        .when(start_leave("10:00", keeps_bed=True, back="Tue 18:00"))
        .then(Stay.LeaveStarted)
    )
    assert lay(stay) == ["A 08:00-10:00", "A 10:00- kept"]
    state = is_at(stay, "10:00")
    assert state
    assert (state.bed_kept, state.expected_return) == (True, at("Tue 18:00"))


def test_the_return_to_the_kept_bed_needs_no_bed_named() -> None:
    stay = given(a_stay(), *IN_A, left("10:00", back="18:00")).when(end_leave("12:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00", "A 10:00-12:00 kept", "A 12:00-"]
    state = is_at(stay, "12:00")
    assert state
    assert (state.bed_kept, state.expected_return) == (False, None)


def test_the_return_to_another_bed_gives_the_kept_one_up() -> None:
    stay = given(a_stay(), *IN_A, left("10:00")).when(end_leave("12:00", B)).aggregate
    assert lay(stay) == ["A 08:00-10:00", "A 10:00-12:00 kept", "B 12:00-"]


def test_a_bed_released_for_leave_is_free_during_it() -> None:
    stay = given(a_stay(), *IN_A, left("10:00", keeps_bed=False)).aggregate
    assert lay(stay) == ["A 08:00-10:00"]
    given(stay).when(end_leave("12:00")).then_refused(StayStateBroken)
    given(stay).when(end_leave("12:00", A)).then(Stay.LeaveEnded)
    assert lay(stay) == ["A 08:00-10:00", "A 12:00-"]


def test_a_return_to_nowhere_is_no_return() -> None:
    released = (*IN_A, left("10:00", keeps_bed=False))
    given(a_stay(), *released).when(end_leave("12:00", Place())).then_refused(StayStateBroken)
    kept = given(a_stay(), *IN_A, left("10:00")).when(end_leave("12:00", Place()))
    assert stands(kept.then(Stay.LeaveEnded), "12:00") == "ADMITTED A"


def test_who_is_without_a_bed_has_none_to_keep() -> None:
    stay = given(a_stay(), admitted("08:00", without_bed="corridor")).aggregate
    given(stay).when(start_leave("10:00", keeps_bed=True)).then_refused(StayStateBroken)
    given(stay).when(start_leave("10:00", keeps_bed=False)).then(Stay.LeaveStarted)
    assert stands(stay, "10:00") == "ON_LEAVE -"


def test_a_second_leave_follows_a_return() -> None:
    past = (*IN_A, left("09:00"), returned("10:00"), left("11:00", keeps_bed=False))
    stay = given(a_stay(), *past).when(end_leave("12:00", C)).aggregate
    assert lay(stay) == ["A 08:00-09:00", "A 09:00-10:00 kept", "A 10:00-11:00", "C 12:00-"]


def test_the_shared_bed_of_a_newborn_is_cacheable_and_returned_to() -> None:
    stay = given(a_stay(), admitted("08:00"), allocated(A, "08:00", MOTHER), left("09:00"))
    assert lay(stay.when(end_leave("10:00")).aggregate) == [
        "A 08:00-09:00 shared",
        "A 09:00-10:00 kept shared",
        "A 10:00- shared",
    ]


# -- moves --


def test_a_patient_is_put_in_the_corridor_and_back() -> None:
    stay = given(a_stay(), *IN_A, transferred("corridor", "10:00")).aggregate
    assert stands(stay, "10:00") == "ADMITTED corridor"
    given(stay).when(transfer(A, "12:00")).then(Stay.Transferred)
    assert lay(stay) == ["A 08:00-10:00", "A 12:00-"]
    assert states(stay) == [
        "08:00-10:00 ADMITTED A",
        "10:00-12:00 ADMITTED corridor",
        "12:00- ADMITTED A",
    ]


def test_a_b_a_is_three_stretches() -> None:
    past = (*IN_A, transferred(B, "10:00"), transferred(A, "12:00"), discharged("14:00"))
    stay = given(a_stay(), *past).aggregate
    assert lay(stay) == ["A 08:00-10:00", "B 10:00-12:00", "A 12:00-14:00"]


def test_without_the_b_in_the_middle_a_b_a_is_one_stretch() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"), transferred(A, "12:00")).aggregate
    (moved,) = [f.id for f in stay.history.facts if f.at == at("10:00")]
    assert [(s.bed, s.period) for s in stay.history.without([moved]).stretches] == [
        (A, Period(at("08:00")))
    ]


def test_the_difference_of_a_correction_in_a_b_a_touches_each_room_once() -> None:
    stay = given(a_stay(), *IN_A, transferred(C, "10:00"), transferred(A, "12:00")).aggregate
    (moved,) = [f.id for f in stay.history.facts if f.at == at("10:00")]
    changed = difference(stay.stretches, stay.history.without([moved]).stretches)
    assert list(changed) == sorted([ROOM_119, ROOM_120])
    assert len(changed[ROOM_119].ended) == 2
    assert [s.period for s in changed[ROOM_119].begun] == [Period(at("08:00"))]
    assert ([s.bed for s in changed[ROOM_120].ended], changed[ROOM_120].begun) == ([C], ())


def test_what_is_not_a_move_does_not_break_a_stretch() -> None:
    stay = given(
        a_stay(),
        *IN_A,
        attended_by(DR_MEYER, "09:00"),
        visited("10:00"),
        specialty_became("surgery", "11:00"),
    ).aggregate
    assert lay(stay) == ["A 08:00-"]
    assert len(stay.history.segments) == 3


def test_two_beds_of_one_room_are_two_stretches() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00", "B 10:00-"]


def test_a_newborn_that_gets_a_bed_of_its_own_in_place_of_the_shared_one_has_two_stretches() -> (
    None
):
    shared = given(a_stay(), admitted("08:00"), allocated(A, "08:00", MOTHER)).aggregate
    given(shared).when(transfer(A, "10:00")).then(Stay.Transferred)
    assert lay(shared) == ["A 08:00-10:00 shared", "A 10:00-"]


def test_the_patient_is_not_moved_to_where_he_is_already() -> None:
    corridor = given(a_stay(), admitted("08:00", without_bed="corridor"))
    corridor.when(transfer("corridor", "09:00")).then_refused(StayStateBroken)
    corridor.when(transfer("trolley", "09:00")).then(Stay.Transferred)


def test_a_first_bed_can_be_allocated_from_the_corridor() -> None:
    corridor = given(a_stay(), admitted("08:00", without_bed="corridor"))
    stay = corridor.when(allocate_room(A, "09:00")).then(Stay.RoomAllocated)
    assert stands(stay, "09:00") == "ADMITTED A"


def test_the_refusal_of_a_second_first_bed_names_the_one_that_is_there() -> None:
    outcome = given(a_stay(), *IN_A).when(allocate_room(B, "09:00"))
    assert "bed A" in str(outcome.then_refused(StayStateBroken))


# -- swaps --


def test_a_swap_exchanges_two_patients() -> None:  # mistake 8
    one = given(a_stay(), *IN_A)
    other = given(a_stay(OTHER_STAY), admitted("07:00"), allocated(C, "07:30"))
    swapped = one.when(swap_into(C, "10:00", with_stay=OTHER_STAY)).then(Stay.BedSwapped)
    back = other.when(swap_into(A, "10:00", with_stay=STAY)).then(Stay.BedSwapped)
    assert lay(swapped) == ["A 08:00-10:00", "C 10:00-"]
    assert lay(back) == ["C 07:30-10:00", "A 10:00-"]


def test_a_late_swap_lasts_until_the_next_move() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "12:00")).when(swap_into(C, "10:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00", "C 10:00-12:00", "B 12:00-"]


# -- ties --


def test_at_the_same_moment_what_was_recorded_later_holds() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"), transferred(C, "10:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00", "C 10:00-"]
    assert stands(stay, "10:00") == "ADMITTED C"


def test_there_and_back_at_the_same_moment_is_no_gap() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"), swapped_into(A, "10:00")).aggregate
    assert lay(stay) == ["A 08:00-"]
    assert states(stay) == ["08:00- ADMITTED A"]


def test_leave_and_return_at_the_same_moment_follow_the_order_of_recording() -> None:
    stay = given(a_stay(), *IN_A, left("10:00")).when(end_leave("10:00")).then(Stay.LeaveEnded)
    assert lay(stay) == ["A 08:00-"]


def test_a_move_recorded_after_a_leave_of_the_same_moment_is_refused() -> None:
    given(a_stay(), *IN_A, left("10:00")).when(transfer(B, "10:00")).then_refused(StayStateBroken)


def test_a_move_recorded_before_a_discharge_of_the_same_moment_leaves_no_stretch() -> None:
    stay = given(a_stay(), *IN_A, transferred(B, "10:00"), discharged("10:00")).aggregate
    assert lay(stay) == ["A 08:00-10:00"]


def test_the_history_is_ordered_by_when_it_happened_whatever_came_first() -> None:  # mistake 24
    stay = given(a_stay(), *IN_A, transferred(B, "14:00"), transferred(C, "11:00")).aggregate
    assert [f.at for f in stay.history.facts] == [
        at("08:00"),
        at("08:00"),
        at("11:00"),
        at("14:00"),
    ]


# -- asking --


def test_every_moment_from_the_admission_on_has_one_state() -> None:
    past = (*IN_A, transferred(B, "10:00"), discharged("12:00"))
    stay = given(a_stay(), *past).aggregate
    result = [
        stands(stay, m) for m in ("07:59", "08:00", "09:59", "10:00", "11:59", "12:00", "13:00")
    ]
    assert result == ["-", *["ADMITTED A"] * 2, *["ADMITTED B"] * 2, *["DISCHARGED -"] * 2]


def test_segments_adjoin_and_only_the_last_is_open() -> None:
    past = (*IN_A, left("09:00"), returned("10:00"), transferred(B, "11:00"), discharged("12:00"))
    periods = [p for p, _ in given(a_stay(), *past).aggregate.history.segments]
    assert [p.end for p in periods[:-1]] == [p.start for p in periods[1:]]
    assert periods[-1].end is None


def test_the_period_of_a_stay_runs_from_its_admission_to_its_discharge() -> None:
    stay = given(a_stay(), *IN_A)
    assert stay.aggregate.history.period == Period(at("08:00"))
    gone = given(a_stay(), *IN_A, discharged("14:00"))
    assert gone.aggregate.history.period == Period(at("08:00"), at("14:00"))


def test_a_history_that_contradicts_itself_says_where_and_folds_the_rest() -> None:
    def fact(kind: type[Fact], clock: str, order: int, **data: Any) -> Fact:
        return kind(id=known(f"fact {order}"), at=at(clock), order=order, **data)

    early = fact(Observation, "07:00", 9, name="visit")
    stay = given(a_stay(), *IN_A).aggregate
    history = stay.history.with_added(early, fact(Move, "09:00", 10, place=Place(B)))
    assert [f for f, _ in history.problems] == [early]
    assert [s.bed for s in history.stretches] == [A, B]
    assert isinstance(history, History)
