"""The room's own policies: each by itself, by valid time, and asked of newcomers only."""

from datetime import date

import pytest

from domain.patient import Sex
from domain.refusals import RoomPolicyBroken
from domain.room.aggregate import Room
from domain.room.policies import POLICIES, Occupant, RoomPolicy
from tests.support.aggregate_dsl import Act, at, given
from tests.support.rooms import a_room, opened, policy_set, set_policy, who

ISOLATION, ONE_SEX, CHILDREN = RoomPolicy
HER, HIM, SOMEONE = (
    who("her", Sex.FEMALE),
    who("him", Sex.MALE),
    who("someone", Sex.UNKNOWN),
)
HER_CHILD = who("her child", Sex.MALE, child_of="her")


def test_every_policy_is_a_function_in_the_list() -> None:
    assert set(POLICIES) == set(RoomPolicy)


@pytest.mark.parametrize(
    ("newcomer", "others", "refused"),
    [
        (HER, [], False),
        (HER, [HIM], True),
        (HER, [SOMEONE, HIM], True),
        (HER, [HER_CHILD], False),
        (HER, [HER_CHILD, HIM], True),
        (HER_CHILD, [HER], False),
        (HER_CHILD, [HER, who("its twin", child_of="her")], False),
        (HER_CHILD, [HER, HIM], True),
        (HIM, [HER_CHILD], True),
    ],
)
def test_isolation_means_alone_but_for_a_child_in_its_mothers_bed(
    newcomer: Occupant, others: list[Occupant], refused: bool
) -> None:
    assert (POLICIES[ISOLATION](newcomer, others, at("08:00")) is not None) is refused


@pytest.mark.parametrize(
    ("newcomer", "others", "refused"),
    [
        (HER, [], False),
        (HER, [who("another", Sex.FEMALE)], False),
        (HER, [HIM], True),
        (HIM, [SOMEONE, HER], True),
        (SOMEONE, [HER], False),
        (HER, [SOMEONE], False),
        (who("they", Sex.OTHER), [HER], False),
        (HER, [HER_CHILD], False),
        (HER_CHILD, [HER, who("another", Sex.FEMALE)], False),
    ],
)
def test_one_sex_only_lets_in_who_is_not_known_to_be_of_another(
    newcomer: Occupant, others: list[Occupant], refused: bool
) -> None:
    assert (POLICIES[ONE_SEX](newcomer, others, at("08:00")) is not None) is refused


@pytest.mark.parametrize(
    ("born", "refused"),
    [
        (None, False),
        (date(2026, 3, 2), False),
        (date(2008, 3, 3), False),  # 18 tomorrow
        (date(2008, 3, 2), True),  # 18 today
        (date(2008, 3, 1), True),
        (date(2008, 2, 29), True),
        (date(1950, 1, 1), True),
    ],
)
def test_children_only_ends_with_the_eighteenth_birthday(born: date | None, refused: bool) -> None:
    why = POLICIES[CHILDREN](who(born=born), [HER], at("08:00"))
    assert (why is not None) is refused


def come(newcomer: Occupant, clock: str, *others: Occupant) -> Act[Room]:
    return lambda room: room.check_policies(newcomer, others, at(clock))


def test_a_policy_holds_from_its_time_on_until_it_is_lifted() -> None:
    room = given(a_room(), opened()).when(set_policy(ISOLATION, "10:00")).then(Room.PolicySet)
    given(room).when(set_policy(ISOLATION, "14:00", applies=False)).then(Room.PolicySet)
    given(room).when(come(HIM, "09:59", HER)).then()
    given(room).when(come(HIM, "10:00", HER)).then_refused(RoomPolicyBroken, policy="ISOLATION")
    given(room).when(come(HIM, "13:59", HER)).then_refused(RoomPolicyBroken)
    given(room).when(come(HIM, "14:00", HER)).then()


def test_a_policy_that_is_entered_late_counts_from_when_it_was_in_force() -> None:
    past = (opened(), policy_set(ISOLATION, "14:00", applies=False), policy_set(ISOLATION, "10:00"))
    room = given(a_room(), *past).aggregate
    held = {m: room.policies_at(at(m)) for m in ("09:59", "10:00", "13:59", "14:00")}
    assert held == {"09:59": [], "10:00": [ISOLATION], "13:59": [ISOLATION], "14:00": []}


def test_of_a_policy_set_twice_for_one_moment_the_later_recording_holds() -> None:
    past = (policy_set(ONE_SEX, "10:00"), policy_set(ONE_SEX, "10:00", applies=False))
    assert given(a_room(), opened(), *past).aggregate.policies_at(at("10:00")) == []


def test_several_policies_hold_side_by_side() -> None:
    past = (policy_set(ONE_SEX, "08:00"), policy_set(CHILDREN, "09:00"))
    room = given(a_room(), opened(), *past)
    boy = who("boy", Sex.MALE, date(2020, 1, 1))
    room.when(come(boy, "10:00", HER)).then_refused(RoomPolicyBroken, policy="ONE_SEX_ONLY")
    room.when(come(boy, "10:00", HIM)).then()
    man = who("man", Sex.MALE, date(1980, 1, 1))
    room.when(come(man, "10:00", HIM)).then_refused(RoomPolicyBroken, policy="CHILDREN_ONLY")
    room.when(come(man, "08:30", HIM)).then()


def test_setting_a_policy_drives_out_nobody_who_is_there() -> None:
    # Nobody is asked: a policy is checked when somebody comes in, see Decision.settle.
    given(a_room(), opened(), policy_set(CHILDREN, "10:00")).when(
        set_policy(ISOLATION, "11:00")
    ).then(Room.PolicySet)
