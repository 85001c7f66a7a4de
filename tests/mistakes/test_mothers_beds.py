"""Mistakes of other systems about children in their mothers' beds: see `test_covered`."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late, moment, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, movement

FAMILY = "query($id: ID!) { stay(id: $id) { bed status mother { id } children { id bed } } }"


def family(ward: Ward, stay: str) -> dict[str, Any]:
    told = ward.ask(FAMILY, id=stay)["stay"]
    assert isinstance(told, dict)
    return told


def twins_in_bed(ward: Ward, room: str, **content: Any) -> tuple[str, list[str]]:
    """Admit a mother two days ago and her twins a day ago, in bed a."""
    mother = ward.stay(f"{room}/a", **content)
    newborn = {"sharesBedOf": mother, "admissionType": "NEWBORN"}
    return mother, [ward.stay(f"{room}/a", ago(days=1), **newborn) for _ in range(2)]


def shared(children: list[str]) -> dict[str, Any]:
    return {"sharers": [{"stayId": child, "sharesBed": True} for child in children]}


def apart(room: str, children: list[str]) -> dict[str, Any]:
    beds = [place(f"{room}/{code}") for code in "de"]
    return {"sharers": [{"stayId": c, **bed} for c, bed in zip(children, beds, strict=True)]}


@pytest.mark.parametrize(
    ("child", "mother"),
    [
        ({"admissionType": "EMERGENCY"}, {}),
        ({"birthDate": 40}, {}),
        ({}, {"sex": "MALE"}),
        ({}, {"admissionType": "NEWBORN"}),
    ],
    ids=["no newborn", "too old", "in a man's bed", "in a child's bed"],
)
def test_mistake_34_only_a_newborn_shares_a_bed_and_only_its_mothers(
    ward: Ward, child: dict[str, Any], mother: dict[str, Any]
) -> None:
    room = ward.room("a", "b")
    her = ward.patient(sex=mother.get("sex", "FEMALE"))
    types = {"admissionType": mother.get("admissionType", "MATERNITY")}
    lies = ward.stay(f"{room}/a", ago(days=3), patientMrn=her, **types)
    born = moment(ago(days=child.get("birthDate", 1))).date().isoformat()
    admission = {
        "patientMrn": ward.patient(birthDate=born),
        "admissionType": child.get("admissionType", "NEWBORN"),
        "sharesBedOf": lies,
        **place(f"{room}/a"),
    }

    told = ward.execute("admitPatient", **admission, **late(ago(hours=3)))

    assert (told["__typename"], told["field"]) == ("InvalidInput", "sharesBedOf")


def test_mistake_34_a_child_does_not_share_the_bed_of_another_than_its_mother(ward: Ward) -> None:
    room = ward.room("a", "b", "c", "d", "e")
    mother, (child, _) = twins_in_bed(ward, room)
    other = ward.stay(f"{room}/b")

    move = {"stayId": child, "sharesBedOf": other, **place(f"{room}/b")}
    told = ward.execute("transferPatient", **move)
    assert (told["__typename"], told["field"]) == ("InvalidInput", "sharesBedOf")

    before = ward.execute(
        "correctMovement",
        movementId=movement(ward, mother, "STAY_ADMITTED"),
        occurredAt=ago(hours=3),
        **WRONG,
    )
    assert before["__typename"] == "SharersUnplaced"


def test_mistake_34_isolation_is_for_the_mother_and_her_children_alone(ward: Ward) -> None:
    room = ward.room("a", "b", "d", "e")
    policy = {"policy": "ISOLATION", "applies": True}
    ward.record("setRoomPolicy", ward="A", room=room.split("/")[1], **policy, **late(ago(days=9)))
    twins_in_bed(ward, room)

    for admission in ({"admissionType": "NEWBORN"}, {"admissionType": "EMERGENCY"}):
        told = ward.execute(
            "admitPatient", patientMrn=ward.patient(), **admission, **place(f"{room}/b")
        )
        assert told["__typename"] == "RoomPolicyBroken"


LEAVINGS: dict[str, dict[str, Any]] = {
    "transferPatient": {},
    "swapBeds": {},
    "startLeave": {"keepBed": False},
    "dischargePatient": {"disposition": "HOME"},
    "cancelAdmission": IN_ERROR,
    "cancelMovement": IN_ERROR,
    "correctMovement": WRONG,
    "correctFacts": WRONG,
    "endLeave": {},
}


@pytest.mark.parametrize("command", LEAVINGS)
@pytest.mark.parametrize("how", ["together", "apart"])
def test_mistake_35_every_movement_of_a_mother_has_a_word_on_her_children(
    ward: Ward, command: str, how: str
) -> None:
    room = ward.room(*"abcde")
    mother, children = twins_in_bed(ward, room)
    content: dict[str, Any] = {"stayId": mother, **LEAVINGS[command]}
    match command:
        case "transferPatient":
            content |= place(f"{room}/c")
        case "swapBeds":
            content["withStayId"] = ward.stay(f"{room}/b")
        case "endLeave":
            ward.record("startLeave", stayId=mother, keepBed=True, **late(ago(hours=5)))
            content |= place(f"{room}/c")
        case "cancelMovement":
            content |= {"stayId": None, "movementId": movement(ward, mother, "STAY_ROOM_ALLOCATED")}
        case "correctMovement":
            content |= {"stayId": None, "movementId": movement(ward, mother, "STAY_ROOM_ALLOCATED")}
            content |= place(f"{room}/c")
        case "correctFacts":
            late_entry = {"stayId": mother, "occurredAt": ago(hours=4), **place(f"{room}/c")}
            content |= {"stayId": None, "entries": [late_entry]}
    content = {name: value for name, value in content.items() if value is not None}

    refused = ward.execute(command, **content)
    assert refused["__typename"] == "SharersUnplaced"
    assert (sorted(refused["stays"]), refused["path"]) == (sorted(children), ["sharers"])
    with_children = shared(children) if how == "together" else apart(room, children)
    told = ward.execute(command, **content, **with_children)

    beds = [family(ward, child)["bed"] for child in children]
    if how == "apart":
        assert told["__typename"] == "StayRecorded"
        assert beds == ["d", "e"]
    elif command in ("cancelAdmission", "cancelMovement"):  # she is in no bed then
        assert (told["__typename"], told["field"]) == ("InvalidInput", "sharers")
    elif command in ("startLeave", "dischargePatient"):
        statuses = {family(ward, child)["status"] for child in children}
        assert statuses == {"ON_LEAVE" if command == "startLeave" else "DISCHARGED"}
    else:
        assert beds == [family(ward, mother)["bed"]] * 2 != ["a", "a"]


def test_mistake_35_a_mother_who_died_leaves_children_who_live(ward: Ward) -> None:
    room = ward.room(*"abcde")
    mother, children = twins_in_bed(ward, room)
    died = {"stayId": mother, "disposition": "DIED"}

    told = ward.execute("dischargePatient", **died, **shared(children))
    assert (told["__typename"], told["field"]) == ("InvalidInput", "sharers")
    home = [{"stayId": child, "disposition": "HOME"} for child in children]
    ward.record("dischargePatient", **died, sharers=home)

    assert {family(ward, child)["status"] for child in children} == {"DISCHARGED"}


def test_mistake_35_a_move_that_never_was_takes_her_children_back_with_her(ward: Ward) -> None:
    room = ward.room(*"abcde")
    mother = ward.stay(f"{room}/b")
    ward.record("transferPatient", stayId=mother, **place(f"{room}/a"), **late(ago(hours=30)))
    newborn = {"sharesBedOf": mother, "admissionType": "NEWBORN"}
    child = ward.stay(f"{room}/a", ago(days=1), **newborn)
    moved = {"movementId": movement(ward, mother, "STAY_TRANSFERRED")}

    assert ward.execute("cancelMovement", **moved, **IN_ERROR)["__typename"] == "SharersUnplaced"
    back = {**REVERSED, **late(ago(hours=3))}
    ward.record("cancelMovement", **moved, **back, **shared([child]))

    assert (family(ward, mother)["bed"], family(ward, child)["bed"]) == ("b", "b")


def test_mistake_36_mother_and_twins_stay_linked_after_the_cot(ward: Ward) -> None:
    room = ward.room(*"abcde")
    mother, children = twins_in_bed(ward, room)
    for child, code in zip(children, "de", strict=True):
        ward.record("transferPatient", stayId=child, **place(f"{room}/{code}"))
    ward.record("dischargePatient", stayId=mother, disposition="HOME")

    assert [family(ward, child)["mother"] for child in children] == [{"id": mother}] * 2
    told = family(ward, mother)["children"]
    assert {child["id"]: child["bed"] for child in told} == dict(zip(children, "de", strict=True))
