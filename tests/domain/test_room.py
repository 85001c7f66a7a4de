"""Rooms and beds: closures, cleaning, reservations, and whom an empty bed refuses."""

from uuid import UUID

import pytest

from domain.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    InvalidInput,
    NotFound,
)
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Claim
from domain.stay.history import Stretch
from tests.support.aggregate_dsl import (
    OTHER_PATIENT,
    OTHER_STAY,
    PATIENT,
    STAY,
    A,
    Act,
    B,
    at,
    entry,
    given,
    known,
    period,
)
from tests.support.rooms import (
    a_room,
    add_bed,
    bed_added,
    cleaned,
    cleaning,
    close_bed,
    closed,
    finish_cleaning,
    lying,
    open_room,
    opened,
    put_into,
    release_reservation,
    reopen_bed,
    reopened,
    reserve_bed,
    reserved,
    spells,
    start_cleaning,
)

CLOSED, CLEANING, RESERVED = BedState.CLOSED, BedState.CLEANING, BedState.RESERVED


# -- the room and its beds --


def test_a_room_is_opened_with_its_beds() -> None:
    room = given(a_room()).when(open_room("A", "B")).then(Room.Opened)
    assert (room.ward, room.number) == ("A", "119")
    assert room.beds == {"A": at("06:00"), "B": at("06:00")}


@pytest.mark.parametrize("beds", [(), ("A", "A"), ("A", "B", "A")])
def test_a_room_needs_beds_each_with_a_code_of_its_own(beds: tuple[str, ...]) -> None:
    given(a_room()).when(open_room(*beds)).then_refused(InvalidInput, field="beds")


def test_a_bed_is_added_once_and_can_be_used_from_then_on() -> None:
    room = given(a_room(), opened()).when(add_bed("C", "10:00")).then(Room.BedAdded)
    given(room).when(add_bed("C", "11:00")).then_refused(AlreadyExists)
    given(room).when(add_bed("A", "11:00")).then_refused(AlreadyExists)
    given(room).when(put_into("C", "10:00")).then()
    given(room).when(put_into("C", "09:59")).then_refused(BedNotOpen)


@pytest.mark.parametrize(
    "act",
    [
        put_into("Z", "08:00"),
        close_bed("08:00", "Z"),
        reopen_bed("08:00", "Z"),
        start_cleaning("08:00", "Z"),
        finish_cleaning("08:00", "Z"),
        reserve_bed("08:00", "08:00", "09:00", "Z", patient=PATIENT),
    ],
)
def test_a_bed_that_does_not_exist_is_not_found(act: Act[Room]) -> None:
    given(a_room(), opened()).when(act).then_refused(NotFound, key="Z")


@pytest.mark.parametrize(
    "act",
    [
        put_into("C", "08:00"),
        close_bed("08:00", "C"),
        start_cleaning("08:00", "C"),
        reserve_bed("08:00", "08:00", "12:00", "C", patient=PATIENT),
    ],
)
def test_nothing_happens_to_a_bed_before_it_exists(act: Act[Room]) -> None:
    given(a_room(), opened(), bed_added("C", "10:00")).when(act).then_refused(BedNotOpen)


# -- closures --


def test_a_closed_bed_refuses_patients_with_the_reason() -> None:  # mistakes 5, 17
    room = given(a_room(), opened()).when(close_bed("08:00")).then(Room.BedClosed)
    given(room).when(put_into("A", "09:00")).then_refused(BedNotOpen, bed=A, reason="leaking tap")
    given(room).when(put_into("B", "09:00")).then()
    assert spells(room, CLOSED) == ["A 08:00-"]


def test_a_bed_that_was_reopened_is_open() -> None:
    room = given(a_room(), opened(), closed("08:00")).when(reopen_bed("10:00")).aggregate
    assert spells(room, CLOSED) == ["A 08:00-10:00"]
    given(room).when(put_into("A", "10:00")).then()
    given(room).when(put_into("A", "09:00", "09:30", now="11:00")).then_refused(BedNotOpen)
    given(room).when(reopen_bed("10:30")).then_refused(BedStateBroken)


def test_a_bed_can_be_closed_again_but_not_twice_at_once() -> None:
    past = (opened(), closed("08:00"), reopened("10:00", closure="08:00"))
    given(a_room(), *past).when(close_bed("10:00")).then(Room.BedClosed)
    given(a_room(), opened(), closed("08:00")).when(close_bed("09:00")).then_refused(BedStateBroken)
    planned = closed("08:00", since="14:00", until="16:00")
    given(a_room(), opened(), planned).when(close_bed("09:00")).then_refused(BedStateBroken)
    given(a_room(), opened(), planned).when(close_bed("09:00", until="14:00")).then(Room.BedClosed)


def test_a_bed_in_which_somebody_lies_is_not_closed_now() -> None:
    somebody = [lying("A", "07:00")]
    given(a_room(), opened()).when(close_bed("08:00", claims=somebody)).then_refused(
        BedOccupied, by_stay=OTHER_STAY
    )


def test_a_bed_that_is_kept_during_leave_is_not_closed_either() -> None:
    given(a_room(), opened()).when(
        close_bed("08:00", claims=[lying("A", "07:00", kept=True)])
    ).then_refused(BedOccupied)


def test_a_closure_may_be_planned_over_an_occupied_bed() -> None:
    planned = close_bed("08:00", since="14:00", claims=[lying("A", "07:00")])
    room = given(a_room(), opened()).when(planned).then(Room.BedClosed)
    assert spells(room, CLOSED) == ["A 14:00-"]


@pytest.mark.parametrize(
    ("claim", "refused"),
    [
        (lying("A", "07:00", "09:00"), True),
        (lying("A", "09:30", "09:45"), True),
        (lying("A", "09:00"), True),
        (lying("A", "07:00", "08:00"), False),
        (lying("A", "10:00", "11:00"), False),
        (lying("A", "10:00"), False),
        (lying("B", "07:00"), False),
    ],
)
def test_a_closure_of_the_past_fits_where_nobody_lay(claim: Claim, refused: bool) -> None:
    late = close_bed("08:00", until="10:00", now="12:00", claims=[claim])
    outcome = given(a_room(), opened()).when(late)
    if refused:
        outcome.then_refused(BedOccupied)
    else:
        outcome.then(Room.BedClosed)


def test_who_left_as_the_closure_begins_is_not_in_its_way() -> None:
    left = [lying("A", "07:00", "08:00")]
    given(a_room(), opened()).when(close_bed("08:00", claims=left)).then(Room.BedClosed)


def test_a_planned_closure_refuses_nobody_until_it_begins() -> None:
    room = given(a_room(), opened(), closed("08:00", since="14:00", until="18:00"))
    room.when(put_into("A", "13:59")).then()
    room.when(put_into("A", "14:00")).then_refused(BedNotOpen)
    room.when(put_into("A", "18:00")).then()


def test_a_planned_closure_can_be_given_up_before_it_begins_or_later() -> None:
    room = given(a_room(), opened(), closed("08:00", since="14:00", until="18:00"))
    assert spells(room.when(reopen_bed("15:00")).aggregate, CLOSED) == ["A 14:00-15:00"]
    given_up = room.when(reopen_bed("13:59")).then(Room.BedReopened)
    assert spells(given_up, CLOSED) == []
    given(given_up).when(reopen_bed("14:30")).then_refused(BedStateBroken)
    given(given_up).when(put_into("A", "14:30")).then()


def test_a_bed_that_was_reopened_is_not_reopened_again_at_an_earlier_time() -> None:
    room = given(a_room(), opened(), closed("08:00"), reopened("10:00", "08:00"))
    room.when(reopen_bed("09:00")).then_refused(BedStateBroken)


def test_a_reservation_that_was_released_before_it_began_cannot_be_released_again() -> None:
    room = given(a_room(), opened(), reserved("08:00", "12:00", "14:00", stay=STAY))
    released = room.when(release_reservation("09:00", "08:00")).then(Room.ReservationReleased)
    given(released).when(release_reservation("10:00", "08:00")).then_refused(BedStateBroken)


# -- cleaning --


def test_a_bed_that_is_being_cleaned_refuses_patients_until_it_is_clean() -> None:
    room = given(a_room(), opened()).when(start_cleaning("08:00")).then(Room.CleaningStarted)
    given(room).when(put_into("A", "08:30")).then_refused(
        BedNotOpen, bed=A, reason="it is being cleaned"
    )
    given(room).when(finish_cleaning("09:00")).then(Room.CleaningFinished)
    given(room).when(put_into("A", "09:00")).then()
    assert spells(room, CLEANING) == ["A 08:00-09:00"]


def test_a_bed_is_not_cleaned_twice_at_once() -> None:
    room = given(a_room(), opened(), cleaning("08:00"))
    room.when(start_cleaning("08:30")).then_refused(BedStateBroken)
    room.when(finish_cleaning("07:59")).then_refused(BedStateBroken)
    room.when(start_cleaning("08:30", "B")).then(Room.CleaningStarted)


def test_a_bed_is_cleaned_again_after_it_was_clean() -> None:
    past = (opened(), cleaning("08:00"), cleaned("09:00", since="08:00"))
    room = given(a_room(), *past).when(start_cleaning("10:00")).then(Room.CleaningStarted)
    assert spells(room, CLEANING) == ["A 08:00-09:00", "A 10:00-"]


def test_a_bed_in_which_somebody_lies_is_not_cleaned() -> None:
    room = given(a_room(), opened())
    room.when(start_cleaning("08:00", claims=[lying("A", "07:00")])).then_refused(BedOccupied)
    late = start_cleaning("08:00", now="10:00", claims=[lying("A", "09:00")])
    room.when(late).then_refused(BedOccupied)


def test_a_closed_bed_may_be_cleaned() -> None:
    room = given(a_room(), opened(), closed("08:00")).when(start_cleaning("09:00")).aggregate
    assert (spells(room, CLOSED), spells(room, CLEANING)) == (["A 08:00-"], ["A 09:00-"])


# -- reservations --


@pytest.mark.parametrize("for_whom", [{"patient": PATIENT}, {"stay": STAY}])
def test_a_reserved_bed_takes_only_the_one_it_is_reserved_for(for_whom: dict[str, UUID]) -> None:
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", **for_whom))
    room.when(put_into("A", "11:00")).then()
    somebody = put_into("A", "11:00", stay=OTHER_STAY, patient=OTHER_PATIENT)
    room.when(somebody).then_refused(BedNotOpen, reason="it is reserved for somebody else")


def test_a_reservation_for_a_patient_holds_for_any_stay_of_hers() -> None:
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", patient=PATIENT))
    room.when(put_into("A", "11:00", stay=OTHER_STAY)).then()


def test_a_reservation_for_a_stay_does_not_hold_for_another_stay_of_the_patient() -> None:
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", stay=STAY))
    room.when(put_into("A", "11:00", stay=OTHER_STAY)).then_refused(BedNotOpen)


@pytest.mark.parametrize(
    ("moment", "refused"),
    [("09:59", False), ("10:00", True), ("13:59", True), ("14:00", False)],
)
def test_a_reservation_refuses_others_from_its_beginning_until_it_lapses(
    moment: str, refused: bool
) -> None:
    past = reserved("08:00", "10:00", "14:00", patient=OTHER_PATIENT)
    outcome = given(a_room(), opened(), past).when(put_into("A", moment))
    if refused:
        outcome.then_refused(BedNotOpen)
    else:
        outcome.then()


def test_a_reservation_lies_over_an_occupied_bed_and_drives_nobody_out() -> None:
    room = given(a_room(), opened())
    room.when(reserve_bed("08:00", "10:00", "14:00", patient=OTHER_PATIENT)).then(Room.BedReserved)
    there = (Stretch(A, period("07:00")),)
    room.when(put_into("A", "07:00", now="12:00", before=there)).then()
    room.when(put_into("A", "07:00", "13:00", now="13:30", before=there)).then()


def test_who_lay_there_when_a_reservation_began_did_so_up_to_whatever_end_is_learned_later() -> (
    None
):
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", patient=OTHER_PATIENT))
    there = (Stretch(A, period("07:00", "11:00")),)
    room.when(put_into("A", "07:00", "13:00", now="15:00", before=there)).then()


def test_who_gave_a_reserved_bed_up_does_not_get_it_back() -> None:
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", patient=OTHER_PATIENT))
    there = (Stretch(A, period("07:00", "11:00")),)
    room.when(put_into("A", "12:00", before=there)).then_refused(BedNotOpen)


def test_a_bed_is_reserved_for_one_at_a_time() -> None:
    room = given(a_room(), opened(), reserved("08:00", "10:00", "14:00", patient=PATIENT))
    room.when(reserve_bed("08:30", "13:00", "16:00", patient=OTHER_PATIENT)).then_refused(
        BedStateBroken
    )
    room.when(reserve_bed("08:30", "14:00", "16:00", patient=OTHER_PATIENT)).then(Room.BedReserved)
    room.when(reserve_bed("08:30", "13:00", "16:00", "B", patient=OTHER_PATIENT)).then(
        Room.BedReserved
    )


@pytest.mark.parametrize("until", ["10:00", "09:00", None])
def test_a_reservation_ends_after_it_begins(until: str | None) -> None:
    given(a_room(), opened()).when(
        reserve_bed("08:00", "10:00", until, patient=PATIENT)
    ).then_refused(InvalidInput, field="until")


def test_a_released_reservation_refuses_nobody() -> None:
    past = (opened(), reserved("08:00", "10:00", "14:00", patient=OTHER_PATIENT))
    room = given(a_room(), *past).when(release_reservation("11:00", "08:00")).aggregate
    assert spells(room, RESERVED) == ["A 10:00-11:00"]
    given(room).when(put_into("A", "11:00")).then()
    given(room).when(put_into("A", "10:30")).then_refused(BedNotOpen)


def test_a_reservation_released_before_it_begins_never_was_in_force() -> None:
    past = (opened(), reserved("08:00", "10:00", "14:00", patient=OTHER_PATIENT))
    room = given(a_room(), *past).when(release_reservation("09:00", "08:00")).aggregate
    assert spells(room, RESERVED) == []
    given(room).when(put_into("A", "11:00")).then()
    given(room).when(reserve_bed("09:30", "10:00", "12:00", patient=PATIENT)).then(Room.BedReserved)


def test_only_a_reservation_that_has_not_lapsed_can_be_released() -> None:
    room = given(
        a_room(), opened(), reserved("08:00", "10:00", "14:00", patient=PATIENT), closed("15:00")
    )
    room.when(release_reservation("14:00", "08:00")).then_refused(BedStateBroken)
    room.when(release_reservation("09:00", "nothing of the kind")).then_refused(NotFound)
    given(room.aggregate).when(
        lambda r: r.release_reservation(known("closure 15:00"), entry("16:00"))
    ).then_refused(NotFound)


# -- only newly claimed time is asked about --


def test_who_lay_there_when_a_planned_closure_began_may_stay() -> None:
    room = given(a_room(), opened(), closed("08:00", since="10:00"))
    there = (Stretch(A, period("07:00")),)
    room.when(put_into("A", "07:00", now="12:00", before=there)).then()
    room.when(put_into("A", "07:00", now="12:00")).then_refused(BedNotOpen)


def test_a_stretch_that_is_extended_over_a_closure_is_refused() -> None:
    room = given(a_room(), opened(), closed("10:00"))
    there = (Stretch(A, period("07:00", "09:00")),)
    room.when(put_into("A", "07:00", "11:00", now="12:00", before=there)).then_refused(BedNotOpen)
    room.when(put_into("A", "06:30", "09:00", now="12:00", before=there)).then()


def test_time_in_another_bed_is_newly_claimed_in_this_one() -> None:
    room = given(a_room(), opened(), closed("08:00"))
    there = (Stretch(B, period("07:00")),)
    room.when(put_into("A", "09:00", before=there)).then_refused(BedNotOpen)


@pytest.mark.parametrize(
    ("since", "until", "refused"),
    [
        ("07:00", "08:00", False),
        ("07:00", "08:30", True),
        ("08:30", "08:45", True),
        ("07:00", "11:00", True),
        ("09:00", "11:00", False),
        ("09:00", None, False),
    ],
)
def test_a_late_stretch_is_refused_where_the_bed_was_being_cleaned(
    since: str, until: str | None, refused: bool
) -> None:
    room = given(a_room(), opened(), cleaning("08:00"), cleaned("09:00", since="08:00"))
    outcome = room.when(put_into("A", since, until, now="12:00"))
    if refused:
        outcome.then_refused(BedNotOpen)
    else:
        outcome.then()
