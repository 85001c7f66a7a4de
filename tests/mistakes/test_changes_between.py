"""Mistakes of other systems about what changed between two recorded changes: see `test_covered`."""

from itertools import permutations
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late
from tests.support.room_examples import WRONG

ROOM = """query($bed: ID!, $at: DateTime) { stay(id: $bed, asOf: $at) { room { ward number } } }"""
DOCTORS = """query($at: DateTime) { practitioners(asOf: $at) {
  nodes { staffNumber familyName grade } } }"""
DAYS = {"first": 20, "second": 13, "third": 6}


def where(ward: Ward, stay: str) -> list[tuple[str, str]]:
    """Return ward and room of a stay, before each day in question and after the last."""
    asked = [ward.ask(ROOM, bed=stay, at=ago(days=n))["stay"]["room"] for n in (24, 16, 10, 3)]
    return [(room["ward"], room["number"]) for room in asked]


@pytest.mark.parametrize("order", list(permutations(DAYS)))
def test_mistake_236_changes_of_a_room_give_one_history_in_whichever_order_they_are_told(
    ward: Ward, order: tuple[str, ...]
) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a", at=ago(days=28))
    there, number = room.split("/")
    other = ward.name("W")
    changes: dict[str, dict[str, str]] = {
        "first": {"newRoom": f"{number}-1"},
        "second": {"newWard": other},
        "third": {"newRoom": f"{number}-3"},
    }
    now = {"ward": there, "room": number}
    for name in order:
        valid_from = ago(days=DAYS[name])[:10]
        content = {**now, **changes[name], "validFrom": valid_from, **late(ago(hours=2))}
        ward.record("changeRoom", **content)
        result = where(ward, stay)[-1]
        now = {"ward": result[0], "room": result[1]}
    assert where(ward, stay) == [
        (there, number),
        (there, f"{number}-1"),
        (other, f"{number}-1"),
        (other, f"{number}-3"),
    ]
    ward.record("openRoom", ward=there, room=number, beds=["a"])  # the name is free now
    taken = ward.execute("openRoom", ward=other, room=f"{number}-3", beds=["a"])
    assert taken["__typename"] == "AlreadyExists"


def test_mistake_236_a_change_that_is_taken_back_takes_nothing_of_later_ones(ward: Ward) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a", at=ago(days=28))
    (there, number), other = room.split("/"), ward.name("W")
    first, second = ago(days=20)[:10], ago(days=13)[:10]
    result = late(ago(hours=2))
    ward.record(
        "changeRoom", ward=there, room=number, newRoom=f"{number}x", validFrom=first, **result
    )
    moved = {"ward": there, "room": f"{number}x", "newWard": other, "validFrom": second}
    ward.record("changeRoom", **moved, **result)
    ward.record("cancelRoomChange", ward=other, room=f"{number}x", validFrom=first, **WRONG)
    assert where(ward, stay)[1:] == [(there, number), (other, number), (other, number)]


def test_mistake_236_a_name_that_another_room_had_meanwhile_is_refused(ward: Ward) -> None:
    there, number = ward.room("a").split("/")
    _, taken = ward.room("a", ward=there).split("/")
    result = late(ago(hours=2))
    here = {"ward": there, "room": number}
    ward.record("changeRoom", **here, newRoom=f"{number}y", validFrom=ago(days=10)[:10], **result)
    between = {"newRoom": taken, "validFrom": ago(days=20)[:10]}
    here = {"ward": there, "room": f"{number}y"}
    ward.record("correctRoom", ward=there, room=taken, occurredAt=ago(days=12), **WRONG)
    refusal = ward.execute("changeRoom", **here, **between, **result)
    assert (refusal["__typename"], refusal["path"]) == ("AlreadyExists", ["newRoom"])
    ward.record("correctRoom", ward=there, room=taken, occurredAt=ago(days=8), **WRONG)
    ward.record("changeRoom", **here, **between, **result)  # the other was opened after that


def test_mistake_236_a_ward_had_another_name_between_two_that_are_known(ward: Ward) -> None:
    first, second, third = (ward.name("W") for _ in range(3))
    rooms = [ward.room("a", ward=first) for _ in range(3)]
    stays = [ward.stay(f"{room}/a", at=ago(days=28)) for room in rooms]
    result, elsewhere = late(ago(hours=2)), ward.name("W")
    number = rooms[2].split("/")[1]
    ward.record("renameWard", ward=first, newWard=third, validFrom=ago(days=6)[:10], **result)
    left = {"ward": third, "room": number, "newWard": elsewhere, "validFrom": ago(days=8)[:10]}
    ward.record("changeRoom", **left, **result)
    joined = {"ward": ward.name("W"), "room": ward.name("R")}
    ward.record("openRoom", **joined, beds=["a"], **late(ago(days=30)))
    late_comer = ward.stay(f"{joined['ward']}/{joined['room']}/a", at=ago(days=28))
    came = {**joined, "newWard": third, "validFrom": ago(days=5)[:10]}
    ward.record("changeRoom", **came, **result)
    ward.record("renameWard", ward=third, newWard=second, validFrom=ago(days=20)[:10], **result)
    stayed = [first, second, second, third]
    assert [[name for name, _ in where(ward, stay)] for stay in stays[:2]] == [stayed, stayed]
    assert [name for name, _ in where(ward, stays[2])] == [first, second, second, elsewhere]
    assert [name for name, _ in where(ward, late_comer)] == [joined["ward"]] * 3 + [third]
    again = {"ward": third, "newWard": third, "validFrom": ago(days=3)[:10]}
    assert ward.execute("renameWard", **again, **result)["__typename"] == "InvalidInput"


@pytest.mark.parametrize("order", list(permutations(DAYS)))
def test_mistake_236_changes_of_a_doctor_give_one_history_in_whichever_order_they_are_told(
    ward: Ward, order: tuple[str, ...]
) -> None:
    doctor = ward.doctor()
    changes: dict[str, dict[str, str]] = {
        "first": {"grade": "SPECIALIST", "familyName": "One"},
        "second": {"newStaffNumber": f"{doctor}-2"},
        "third": {"grade": "CONSULTANT", "newStaffNumber": f"{doctor}-3"},
    }
    number = doctor
    for name in order:
        content = {**changes[name], "validFrom": ago(days=DAYS[name])[:10]}
        ward.record("changePractitioner", staffNumber=number, **content)
        number = (
            changes["third"]["newStaffNumber"]
            if "third" in order[: order.index(name) + 1]
            else (
                changes["second"]["newStaffNumber"]
                if "second" in order[: order.index(name) + 1]
                else doctor
            )
        )

    def held(days: int) -> list[tuple[Any, ...]]:
        nodes = ward.ask(DOCTORS, at=ago(days=days))["practitioners"]["nodes"]
        ours = [node for node in nodes if node["staffNumber"].startswith(doctor)]
        return [(node["staffNumber"], node["familyName"], node["grade"]) for node in ours]

    assert [len(held(days)) for days in (16, 10, 3)] == [1, 1, 1]
    assert held(16)[0] == (doctor, "One", "SPECIALIST")
    assert held(10)[0] == (f"{doctor}-2", "One", "SPECIALIST")
    assert held(3)[0] == (f"{doctor}-3", "One", "CONSULTANT")
    right = {"newStaffNumber": f"{doctor}-0", **WRONG}
    ward.record("correctPractitioner", staffNumber=f"{doctor}-3", **right)
    assert held(16)[0][0] == f"{doctor}-0"
    ward.record("registerPractitioner", staffNumber=f"{doctor}-2")  # free again
    taken = ward.execute("registerPractitioner", staffNumber=f"{doctor}-3")
    assert taken["__typename"] == "AlreadyExists"
