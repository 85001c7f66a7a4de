"""Mistakes of other systems about children in their mothers' beds: see `test_covered`."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late, moment, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, movement

FAMILY = "query($id: ID!) { stay(id: $id) { bed status mother { id } children { id bed } } }"


def family(ward: Ward, stay: str) -> dict[str, Any]:
    answer = ward.ask(FAMILY, id=stay)["stay"]
    assert isinstance(answer, dict)
    return answer


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

    answer = ward.execute("admitPatient", **admission, **late(ago(hours=3)))

    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "sharesBedOf")


def test_mistake_34_a_child_does_not_share_the_bed_of_another_than_its_mother(ward: Ward) -> None:
    room = ward.room("a", "b", "c", "d", "e")
    mother, (child, _) = twins_in_bed(ward, room)
    other = ward.stay(f"{room}/b")

    move = {"stayId": child, "sharesBedOf": other, **place(f"{room}/b")}
    answer = ward.execute("transferPatient", **move)
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "sharesBedOf")

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
        answer = ward.execute(
            "admitPatient", patientMrn=ward.patient(), **admission, **place(f"{room}/b")
        )
        assert answer["__typename"] == "RoomPolicyBroken"


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

    refusal = ward.execute(command, **content)
    assert refusal["__typename"] == "SharersUnplaced"
    assert (sorted(refusal["stays"]), refusal["path"]) == (sorted(children), ["sharers"])
    with_children = shared(children) if how == "together" else apart(room, children)
    answer = ward.execute(command, **content, **with_children)

    beds = [family(ward, child)["bed"] for child in children]
    if how == "apart":
        assert answer["__typename"] == "StayRecorded"
        assert beds == ["d", "e"]
    elif command in ("cancelAdmission", "cancelMovement"):  # she is in no bed then
        assert (answer["__typename"], answer["field"]) == ("InvalidInput", "sharers")
    elif command in ("startLeave", "dischargePatient"):
        statuses = {family(ward, child)["status"] for child in children}
        assert statuses == {"ON_LEAVE" if command == "startLeave" else "DISCHARGED"}
    else:
        assert beds == [family(ward, mother)["bed"]] * 2 != ["a", "a"]


def test_mistake_35_a_mother_who_died_leaves_children_who_live(ward: Ward) -> None:
    room = ward.room(*"abcde")
    mother, children = twins_in_bed(ward, room)
    died = {"stayId": mother, "disposition": "DIED"}

    answer = ward.execute("dischargePatient", **died, **shared(children))
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "sharers")
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
    result = family(ward, mother)["children"]
    assert {child["id"]: child["bed"] for child in result} == dict(zip(children, "de", strict=True))


@pytest.mark.parametrize(
    "told", ["type", "type from then on", "sex", "birth date", "stay", "merge"]
)
def test_mistake_157_what_is_told_later_of_who_shares_a_bed_is_looked_at_again(
    ward: Ward, told: str
) -> None:
    room = ward.room("a", "b", "c")
    her, his, old = (ward.patient(sex=sex) for sex in ("FEMALE", "MALE", "FEMALE"))
    ward.record("correctPatientDetails", patientMrn=old, birthDate="1990-01-01", **WRONG)
    infant = ward.patient()
    mother = ward.stay(f"{room}/a", ago(days=3), patientMrn=her, admissionType="MATERNITY")
    shared = {"sharesBedOf": mother, "admissionType": "NEWBORN", "patientMrn": infant}
    child = ward.stay(f"{room}/a", ago(days=2), **shared)
    admission = movement(ward, child, "STAY_ADMITTED")
    commands: dict[str, tuple[tuple[str, dict[str, Any], str], ...]] = {
        "type": (
            (
                "correctMovement",
                {"movementId": admission, "admissionType": "EMERGENCY"},
                "admissionType",
            ),
            (
                "correctMovement",
                {"movementId": movement(ward, mother, "STAY_ADMITTED"), "admissionType": "NEWBORN"},
                "admissionType",
            ),
        ),
        "type from then on": (
            (
                "changeAdmissionType",
                {"stayId": child, "admissionType": "ELECTIVE", "occurredAt": ago(days=1)},
                "admissionType",
            ),
        ),
        "sex": (("correctPatientDetails", {"patientMrn": her, "sex": "MALE"}, "sex"),),
        "birth date": (
            (
                "correctPatientDetails",
                {"patientMrn": infant, "birthDate": "1990-01-01"},
                "birthDate",
            ),
        ),
        "stay": (
            ("moveStay", {"stayId": child, "patientMrn": old}, "patientMrn"),
            ("moveStay", {"stayId": mother, "patientMrn": his}, "patientMrn"),
        ),
        "merge": (
            ("mergePatients", {"patientMrn": old, "intoMrn": infant}, "intoMrn"),
            ("mergePatients", {"patientMrn": infant, "intoMrn": old}, "intoMrn"),
        ),
    }
    for command, content, field in commands[told]:
        refusal = ward.execute(command, **content, **WRONG)
        assert (refusal["__typename"], refusal["path"]) == (
            "MergeImpossible" if told == "merge" else "InvalidInput",
            [field],
        ), command

    ward.record("transferPatient", stayId=child, **place(f"{room}/b"), **late(ago(days=1.5)))
    from_then = {"stayId": child, "admissionType": "ELECTIVE", **late(ago(days=1))}
    ward.record("changeAdmissionType", **from_then)


def test_mistake_157_nobody_else_is_in_a_mothers_bed_even_for_no_time(ward: Ward) -> None:
    room = ward.room("a")
    mother = ward.stay(f"{room}/a", ago(days=3), admissionType="MATERNITY")
    at = ago(days=1)
    visit = {"sharesBedOf": mother, "dischargedAt": at, "disposition": "HOME", **place(f"{room}/a")}
    for type, answer in (("ELECTIVE", "InvalidInput"), ("NEWBORN", "StayRecorded")):
        admission = {"patientMrn": ward.patient(), "admissionType": type, **visit}
        assert ward.execute("admitPatient", **admission, **late(at))["__typename"] == answer


def test_mistake_157_a_refusal_about_the_bed_of_a_child_is_one_of_the_mutation(ward: Ward) -> None:
    room = ward.room("a", "b")
    mother, (child, twin) = twins_in_bed(ward, room)
    ward.stay(f"{room}/b")
    home = {"stayId": mother, "disposition": "HOME", **late(ago(hours=1))}
    taken = [{"stayId": child, **place(f"{room}/b")}, {"stayId": twin}]
    assert ward.execute("dischargePatient", **home, sharers=taken)["__typename"] == "BedOccupied"
    twice = ward.execute("dischargePatient", **home, sharers=[*taken, {"stayId": child}])
    assert (twice["__typename"], twice["path"]) == ("InvalidInput", ["sharers"])


def test_mistake_157_a_swap_or_a_return_that_never_was_takes_her_children_back(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    mother, twins = twins_in_bed(ward, room)
    other = ward.stay(f"{room}/b")
    swap = {"stayId": other, "withStayId": mother, **shared(twins)}
    ward.record("swapBeds", **swap, **late(ago(hours=9)))
    assert {family(ward, stay)["bed"] for stay in (mother, *twins)} == {"b"}
    swapped = movement(ward, mother, "STAY_BED_SWAPPED")
    ward.record("cancelMovement", movementId=swapped, **IN_ERROR)
    assert {family(ward, stay)["bed"] for stay in (mother, *twins)} == {"a"}

    ward.record("startLeave", stayId=mother, keepBed=True, **late(ago(hours=8)))
    back = {"stayId": mother, **place(f"{room}/c"), **shared(twins)}
    ward.record("endLeave", **back, **late(ago(hours=7)))
    assert {family(ward, stay)["bed"] for stay in (mother, *twins)} == {"c"}
    ward.record("cancelMovement", movementId=movement(ward, mother, "STAY_LEAVE_ENDED"), **IN_ERROR)
    assert {family(ward, stay)["bed"] for stay in (mother, *twins)} == {"a"}


def test_mistake_157_a_place_that_was_wrong_is_corrected_for_her_and_who_went_along(
    ward: Ward,
) -> None:
    room = ward.room("a", "b", "c", "d")
    mother, (along, apart_child) = twins_in_bed(ward, room)
    sharers = [{"stayId": along}, {"stayId": apart_child, **place(f"{room}/d")}]
    move = {"stayId": mother, **place(f"{room}/b"), "sharers": sharers}
    ward.record("transferPatient", **move, **late(ago(hours=9)))
    moved = movement(ward, mother, "STAY_TRANSFERRED")
    ward.record("correctMovement", movementId=moved, **place(f"{room}/c"), **WRONG)
    beds = [family(ward, stay)["bed"] for stay in (mother, along, apart_child)]
    assert beds == ["c", "c", "d"]


@pytest.mark.parametrize("why", [IN_ERROR, REVERSED], ids=["in error", "reversed"])
def test_mistake_434_who_was_discharged_with_the_mother_comes_back_with_her_if_that_is_said(
    ward: Ward, why: dict[str, str]
) -> None:
    room = ward.room(*"ab")
    mother, (one, other) = twins_in_bed(ward, room)
    home = {"stayId": mother, "disposition": "HOME", **shared([one, other])}
    ward.record("dischargePatient", **home, **late(ago(hours=5)))
    back = {"stayId": mother, **place(f"{room}/a"), **shared([one]), **why}
    ward.record("cancelDischarge", **back)
    result = {stay: family(ward, stay)["status"] for stay in (mother, one, other)}
    assert result == {mother: "ADMITTED", one: "ADMITTED", other: "DISCHARGED"}
    by_itself = {"stayId": other, **place(f"{room}/b"), **why}
    ward.record("cancelDischarge", **by_itself)
    assert family(ward, other)["bed"] == "b"
