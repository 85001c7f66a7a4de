"""Tests of occupancy: the difference that a change makes per room, free beds, and shared ones."""

from typing import Any

import pytest

from domain.bed_ref import BedRef
from domain.refusals import BedOccupied
from domain.room.occupancy import (
    BedStretch,
    Claim,
    Difference,
    Occupancy,
    check_free,
    difference,
    newly_claimed,
    outside_of_mother,
)
from domain.stay.history import Stretch
from tests.support.aggregate_dsl import (
    MOTHER,
    OTHER_STAY,
    PATIENT,
    ROOM_119,
    ROOM_120,
    STAY,
    TWIN,
    A,
    B,
    C,
    at,
    entry,
    period,
)


def lies(bed: BedRef, since: str, until: str | None = None, **said: Any) -> Stretch:
    return Stretch(bed, period(since, until), **said)


# -- difference --


def test_no_change_makes_no_difference() -> None:
    same = [lies(A, "08:00", "10:00"), lies(C, "10:00")]
    assert difference(same, reversed(same)) == {}
    assert difference([], []) == {}


def test_a_first_bed_begins_one_stretch_in_one_room() -> None:
    assert difference([], [lies(A, "08:00")]) == {ROOM_119: Difference((), (lies(A, "08:00"),))}


def test_a_transfer_ends_one_stretch_as_it_was_and_begins_two() -> None:
    before, after = [lies(A, "08:00")], [lies(A, "08:00", "10:00"), lies(C, "10:00")]
    assert difference(before, after) == {
        ROOM_119: Difference((lies(A, "08:00"),), (lies(A, "08:00", "10:00"),)),
        ROOM_120: Difference((), (lies(C, "10:00"),)),
    }


def test_a_move_within_a_room_is_one_difference() -> None:
    before, after = [lies(A, "08:00")], [lies(A, "08:00", "10:00"), lies(B, "10:00")]
    assert difference(before, after) == {
        ROOM_119: Difference((lies(A, "08:00"),), (lies(A, "08:00", "10:00"), lies(B, "10:00")))
    }


def test_rooms_come_in_the_order_of_their_ids_and_stretches_in_time() -> None:
    after = [lies(C, "12:00"), lies(B, "10:00", "12:00"), lies(A, "08:00", "10:00")]
    changed = difference([], after)
    assert list(changed) == sorted([ROOM_119, ROOM_120])
    assert [s.bed for s in changed[ROOM_119].begun] == [A, B]


def test_a_bed_that_is_kept_or_shared_differs_from_one_that_is_lain_in() -> None:
    for other in (lies(A, "08:00", kept=True), lies(A, "08:00", shares_bed_of=MOTHER)):
        changed = difference([lies(A, "08:00")], [other])
        assert changed == {ROOM_119: Difference((lies(A, "08:00"),), (other,))}


def test_the_event_tells_the_difference() -> None:
    room = Occupancy.empty(Occupancy.id_for(ROOM_119))
    (changed,) = difference(
        [lies(A, "08:00")], [lies(A, "08:00", "10:00"), lies(B, "10:00", kept=True)]
    ).values()
    room.change(ROOM_119, STAY, PATIENT, changed, None, entry("10:00"))
    (event,) = room.collect_events()
    assert isinstance(event, Occupancy.StretchesChanged)
    assert (event.room, event.stay, event.patient) == (ROOM_119, STAY, PATIENT)
    assert event.ended == (BedStretch(bed="A", since=at("08:00")),)
    assert event.begun == (
        BedStretch(bed="A", since=at("08:00"), until=at("10:00")),
        BedStretch(bed="B", since=at("10:00"), kept=True),
    )


def test_newly_claimed_is_what_the_stay_did_not_have_in_that_bed() -> None:
    before = [lies(A, "08:00", "10:00"), lies(B, "10:00", "12:00"), lies(A, "12:00", "13:00")]
    assert newly_claimed(before, lies(A, "07:00")) == [
        period("07:00", "08:00"),
        period("10:00", "12:00"),
        period("13:00"),
    ]
    assert newly_claimed(before, lies(A, "09:00", "10:00")) == []
    assert newly_claimed([], lies(A, "09:00")) == [period("09:00")]


# -- free beds --


@pytest.mark.parametrize(
    ("theirs", "mine", "taken"),
    [
        (lies(A, "08:00"), lies(A, "10:00"), True),  # mistake 13
        (lies(A, "10:00"), lies(A, "08:00"), True),
        (lies(A, "08:00"), lies(A, "08:00"), True),
        (lies(A, "08:00"), lies(A, "06:00", "08:00"), False),
        (lies(A, "08:00"), lies(A, "06:00", "08:01"), True),
        (lies(A, "08:00", "10:00"), lies(A, "10:00"), False),
        (lies(A, "08:00", "10:00"), lies(A, "09:59"), True),
        (lies(A, "08:00", "12:00"), lies(A, "09:00", "10:00"), True),
        (lies(A, "09:00", "10:00"), lies(A, "08:00", "12:00"), True),
        (lies(A, "08:00"), lies(B, "08:00"), False),
        (lies(A, "08:00"), lies(BedRef(ROOM_120, "A"), "08:00"), False),
        (lies(A, "08:00", kept=True), lies(A, "10:00"), True),
    ],
)
def test_a_bed_has_one_stay_at_a_time(theirs: Stretch, mine: Stretch, taken: bool) -> None:
    others = [Claim(OTHER_STAY, theirs)]
    if taken:
        with pytest.raises(BedOccupied) as refusal:
            check_free(STAY, mine, others)
        assert (refusal.value.bed, refusal.value.by_stay) == (A, OTHER_STAY)
    else:
        check_free(STAY, mine, others)


def test_nobody_is_in_his_own_way() -> None:
    check_free(STAY, lies(A, "08:00"), [Claim(STAY, lies(A, "09:00", "10:00"))])


def test_the_one_who_has_the_bed_is_found_among_many() -> None:
    others = [
        Claim(MOTHER, lies(A, "06:00", "08:00")),
        Claim(TWIN, lies(B, "06:00")),
        Claim(OTHER_STAY, lies(A, "10:00", "11:00")),
    ]
    with pytest.raises(BedOccupied) as refusal:
        check_free(STAY, lies(A, "08:00"), others)
    assert refusal.value.by_stay == OTHER_STAY


# -- shared beds --

HERS = Claim(MOTHER, lies(A, "08:00"))
TWINS = Claim(TWIN, lies(A, "09:00", shares_bed_of=MOTHER))


def test_a_newborn_may_share_its_mothers_bed_and_so_may_its_twin() -> None:
    check_free(STAY, lies(A, "09:00", shares_bed_of=MOTHER), [HERS, TWINS])


def test_a_mother_may_come_into_the_bed_that_her_child_shares() -> None:
    check_free(MOTHER, lies(A, "08:00"), [TWINS])


def test_somebody_elses_child_may_not() -> None:
    with pytest.raises(BedOccupied):
        check_free(STAY, lies(A, "09:00", shares_bed_of=OTHER_STAY), [HERS])
    with pytest.raises(BedOccupied):
        check_free(STAY, lies(A, "09:00", shares_bed_of=OTHER_STAY), [TWINS])


def test_where_only_a_child_lies_the_bed_is_taken_for_others() -> None:
    with pytest.raises(BedOccupied):
        check_free(STAY, lies(A, "09:00"), [TWINS])


@pytest.mark.parametrize(
    ("mother", "child", "inside"),
    [
        ([lies(A, "08:00")], lies(A, "08:00"), True),
        ([lies(A, "08:00")], lies(A, "09:00", "10:00"), True),
        ([lies(A, "08:00", "12:00")], lies(A, "09:00", "12:00"), True),
        ([lies(A, "08:00", "12:00")], lies(A, "09:00"), False),
        ([lies(A, "08:00", "12:00")], lies(A, "07:59", "10:00"), False),
        ([lies(A, "08:00", "10:00"), lies(A, "10:00", kept=True)], lies(A, "09:00"), True),
        ([lies(A, "08:00", "10:00"), lies(A, "11:00")], lies(A, "09:00"), False),
        ([lies(B, "08:00")], lies(A, "09:00"), False),
        ([], lies(A, "09:00"), False),
    ],
)
def test_a_child_shares_inside_its_mothers_stretch(
    mother: list[Stretch], child: Stretch, inside: bool
) -> None:
    assert (outside_of_mother(child, mother) == []) is inside


def test_a_bed_is_not_shared_with_one_who_shares_it_herself() -> None:
    # Or two could share each other's bed, or one its own, and nobody would have it.
    assert outside_of_mother(lies(A, "09:00"), [lies(A, "08:00", shares_bed_of=TWIN)])
