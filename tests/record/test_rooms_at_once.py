"""Commands in one room at once: each minds the beds on which it rests, and no others."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.command import Recorded
from application.hospital import Hospital
from domain.patient import Sex
from domain.refusals import BedNotOpen, BedOccupied, Refusal, RoomPolicyBroken
from domain.room.policies import RoomPolicy
from infrastructure.postgres.database import Database
from tests.record.test_concurrency import assert_the_record_is_sound
from tests.support.hospital_dsl import admitted, ago, at_once, events, place, request, room

Another = Callable[[], Hospital]


class Between:
    """Lets something happen once, between the decision of the next command and its append."""

    def __init__(self, hospital: Hospital, act: Callable[[], Any]) -> None:
        self.parts, self._act, self._happened = Counter[str](), act, False
        hospital.pipeline.watch = self.watch

    @contextmanager
    def watch(self, part: str) -> Iterator[None]:
        self.parts[part] += 1
        if part == "append" and not self._happened:
            self._happened = True
            self._act()
        yield


def move(hospital: Hospital, stay: Any, bed: str, reason: str | None = None) -> Recorded:
    return hospital.stays.allocate_room(request(reason=reason), stay_id=stay, **place(bed))


def leave(hospital: Hospital, stay: Any) -> Recorded:
    return hospital.stays.start_leave(request(), stay_id=stay, keep_bed=False)


def test_what_happens_in_another_bed_of_the_room_lets_nothing_be_decided_anew(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital, "1", "a", "b", "c")
    stay, other = admitted(hospital, "M1"), admitted(hospital, "M2")
    elsewhere = another()

    def others_come() -> None:
        move(elsewhere, other, "A/1/b")
        move_on = request(reason="nearer to the window")
        elsewhere.stays.transfer_patient(move_on, stay_id=other, **place("A/1/c"))

    between = Between(hospital, others_come)
    move(hospital, stay, "A/1/a", reason="as the family asked")

    assert between.parts["decide"] == 1
    occupancy = [e for _, _, e in events(database) if e.TOPIC == "occupancy.stretches-changed"]
    assert [e.originator_version for e in occupancy] == [1, 2, 3]
    assert occupancy[-1].entry.reason == "as the family asked"  # sealed in its own place
    assert_the_record_is_sound(database)


def test_what_happens_in_the_bed_itself_is_minded(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital)
    stay, other, elsewhere = admitted(hospital, "M1"), admitted(hospital, "M2"), another()
    Between(hospital, lambda: move(elsewhere, other, "A/1/a"))
    with pytest.raises(BedOccupied):
        move(hospital, stay, "A/1/a")
    assert_the_record_is_sound(database)


def test_a_bed_that_was_left_meanwhile_can_be_had(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital)
    stay, other, elsewhere = admitted(hospital, "M1"), admitted(hospital, "M2", "A/1/a"), another()
    between = Between(hospital, lambda: leave(elsewhere, other))
    move(hospital, stay, "A/1/b")
    assert between.parts["decide"] == 1
    assert_the_record_is_sound(database)


def test_a_rule_of_the_whole_room_minds_all_its_beds(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital)
    policy = RoomPolicy.ONE_SEX_ONLY
    fields = {"ward": "A", "room": "1", "policy": policy}
    hospital.command("set_room_policy")(request(ago(days=9)), **fields)
    stays = [admitted(hospital, f"M{n}") for n in (1, 2)]
    for number, sex in ((1, Sex.FEMALE), (2, Sex.MALE)):
        correction = {"patient_mrn": f"M{number}", "sex": sex}
        hospital.command("correct_patient_details")(request(reason="said so"), **correction)
    elsewhere = another()
    Between(hospital, lambda: move(elsewhere, stays[1], "A/1/b"))
    with pytest.raises(RoomPolicyBroken):
        move(hospital, stays[0], "A/1/a")
    assert_the_record_is_sound(database)


def test_a_bed_that_is_closed_meanwhile_is_minded(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital)
    stay, elsewhere = admitted(hospital, "M1"), another()

    def close() -> None:
        elsewhere.command("close_bed")(request(reason="broken"), **place("A/1/a"))

    Between(hospital, close)
    with pytest.raises(BedNotOpen):
        move(hospital, stay, "A/1/a")
    assert_the_record_is_sound(database)


def test_a_closure_minds_who_comes_meanwhile(
    hospital: Hospital, another: Another, database: Database
) -> None:
    room(hospital)
    stay, elsewhere = admitted(hospital, "M1"), another()
    Between(hospital, lambda: move(elsewhere, stay, "A/1/a"))
    with pytest.raises(BedOccupied):
        hospital.command("close_bed")(request(reason="broken"), **place("A/1/a"))
    assert_the_record_is_sound(database)


BEDS = "abc"


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.sampled_from([*BEDS, "out", "swap"]), min_size=2, max_size=6),
        min_size=3,
        max_size=5,
    )
)
def test_no_bed_is_given_twice_whoever_moves_in_one_room_at_once(
    hospital: Hospital, another: Another, database: Database, ways: list[list[str]]
) -> None:
    number = str(len(events(database)))
    room(hospital, number, *BEDS)
    houses = [hospital, another()]
    stays = [admitted(hospital, f"{number}-{n}") for n in range(len(ways))]

    def go(house: Hospital, own: int) -> None:
        for step in ways[own]:
            try:
                if step == "out":
                    house.stays.transfer_patient(
                        request(), stay_id=stays[own], without_bed="corridor"
                    )
                elif step == "swap":
                    other = stays[own - 1]
                    house.stays.swap_beds(request(), stay_id=stays[own], with_stay_id=other)
                else:
                    bed = place(f"A/{number}/{step}")
                    house.stays.transfer_patient(request(), stay_id=stays[own], **bed)
            except Refusal:
                continue

    result = at_once(*[lambda n=n: go(houses[n % 2], n) for n in range(len(ways))])
    assert result == [None] * len(ways)
    assert_the_record_is_sound(database)
