"""Mistakes of other systems about names that changed: see `test_covered` for the list."""

from typing import Any

import pytest

from tests.support import correction_examples as corrections
from tests.support.api_dsl import Ward, ago, codes, late

BOARD = """query($ward: String!, $at: DateTime) { roomOccupancy(ward: $ward, asOf: $at) {
  room { ward } } }"""
LISTS = (
    "query($ward: String!) { stays(filter: { ward: $ward }) { nodes { id } } }",
    "query($ward: String!) { deceased(ward: $ward) { diedAt } }",
    "query($ward: String!) { openConsults(ward: $ward) { id } }",
)


def renamed(ward: Ward) -> tuple[str, str, str]:
    """Rename a ward three days ago; return its former and its present name, and a stay there."""
    former, present = ward.name("Former"), ward.name("Present")
    room = ward.room("a", ward=former)
    stay = ward.stay(f"{room}/a", at=ago(days=6))
    change = {"ward": former, "newWard": present, "validFrom": ago(days=3)[:10]}
    ward.record("renameWard", **change, **late(ago(days=3)))
    return former, present, stay


def test_mistake_125_a_former_name_of_a_ward_shows_no_empty_ward(ward: Ward) -> None:
    former, present, _ = renamed(ward)
    for query in (BOARD, *LISTS):
        refusal = ward.client.raw(query, {"ward": former})
        assert codes(refusal) == {"NotFound"}
        assert present in refusal["errors"][0]["message"]
    then = ward.ask(BOARD, ward=former, at=ago(days=4))["roomOccupancy"]
    assert then == [{"room": {"ward": former}}]
    assert (
        former
        in ward.client.raw(BOARD, {"ward": present, "at": ago(days=4)})["errors"][0]["message"]
    )
    assert len(ward.ask(BOARD, ward=present)["roomOccupancy"]) == 1


def test_mistake_125_a_former_staff_number_shows_no_empty_list(ward: Ward) -> None:
    number, now = ward.doctor(), ward.name("N")
    ward.record("correctPractitioner", staffNumber=number, newStaffNumber=now, reason="mistyped")
    for query in (
        "query($x: String!) { practitioners(staffNumber: $x) { nodes { id } } }",
        "query($x: String!) { stays(filter: { attending: $x }) { nodes { id } } }",
    ):
        refusal: Any = ward.client.raw(query, {"x": number})
        assert now in refusal["errors"][0]["message"]
        assert "errors" not in ward.client.raw(query, {"x": now})


def test_mistake_126_the_events_of_a_ward_are_those_of_the_rooms_that_it_has_then(
    ward: Ward,
) -> None:
    former, present, stay = renamed(ward)
    query = """query($ward: String!) { events(ward: $ward, kinds: [STAY_SPECIALTY_CHANGED],
      first: 500) { nodes { data type } } }"""
    ward.record("changeSpecialty", stayId=stay, specialty="before", **late(ago(days=4)))
    ward.record("changeSpecialty", stayId=stay, specialty="after", **late(ago(days=1)))
    result = {
        name: [
            node["data"]["specialty"]
            for node in ward.ask(query, ward=name)["events"]["nodes"]
            if "specialty-changed" in node["type"]
        ]
        for name in (former, present)
    }
    assert result == {former: ["before"], present: ["after"]}


def test_mistake_150_an_event_names_the_ward_that_its_room_was_of_as_it_occurred(
    ward: Ward,
) -> None:
    former, present, stay = renamed(ward)
    number = ward.ask("query($id: ID!) { stay(id: $id) { room { number } } }", id=stay)
    room = number["stay"]["room"]["number"]
    closure = {"room": room, "bed": "a", "until": ago(hours=1)}
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=5)))
    ward.record("closeBed", ward=present, **closure, **late(ago(days=1)))
    query = "{ events(kinds: [BED_CLOSED, STAY_ROOM_ALLOCATED], first: 500) { nodes { data } } }"

    result = [node["data"] for node in ward.ask(query)["events"]["nodes"]]

    closed = [data["ward"] for data in result if data.get("room") == room]
    given = [data["bed"]["ward"] for data in result if data.get("stayId") == stay]
    assert (closed, given) == ([present], [former])


def test_mistake_296_a_late_entry_and_a_correction_use_the_names_that_held_then(ward: Ward) -> None:
    former, present, stay = renamed(ward)
    room = room_of(ward, stay)
    ward.record("addBed", ward=present, room=room, bed="b", **late(ago(days=20)))
    bed = {"ward": former, "room": room, "bed": "b"}
    ward.record("transferPatient", stayId=stay, **bed, **late(ago(days=4)))
    moved = corrections.movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("correctMovement", movementId=moved, **{**bed, "bed": "a"}, reason="misread")
    ward.record("correctMovement", movementId=moved, occurredAt=ago(days=5), reason="misread")

    now = ward.execute("transferPatient", stayId=stay, **{**bed, "bed": "a"})
    assert (now["__typename"], now["path"]) == ("NotFound", ["room"])
    ward.record("transferPatient", stayId=stay, ward=present, room=room, bed="b")


def test_mistake_297_a_feed_names_wards_and_doctors_as_they_were_called_then(ward: Ward) -> None:
    former, present, stay = renamed(ward)
    room, doctor, mrn = room_of(ward, stay), ward.doctor(), ward.patient()
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=5)))
    report = {"system": ward.name("ADT"), "sourceVisit": "V", "sourceId": "1"}
    admission = {"kind": "ADMIT", "patientMrn": mrn, "admissionType": "ELECTIVE", "room": room}
    then = {**admission, "occurredAt": ago(days=4), "ward": former, "bed": "a", "attending": doctor}
    sent = {**report, "movement": then}
    first = ward.record("recordSourceMovement", sourceRecordedAt=ago(days=4), **sent)
    assert first["sourceMovement"]["status"] == "RECORDED"
    stays = "query($mrn: String!) { stays(filter: { patientMrn: $mrn }) { nodes { id } } }"
    (held,) = ward.ask(stays, mrn=mrn)["stays"]["nodes"]
    change = {"staffNumber": doctor, "newStaffNumber": ward.name("N")}
    ward.record("changePractitioner", validFrom=ago(days=2)[:10], **change)

    then["specialty"] = "Surgery"
    again = ward.record("recordSourceMovement", sourceRecordedAt=ago(hours=1), **sent)

    assert again["sourceMovement"]["status"] == "RECORDED"
    assert ward.ask(stays, mrn=mrn)["stays"]["nodes"] == [held]
    query = "query($id: ID!) { stay(id: $id) { bed specialty room { ward } attending { id } } }"
    answer = ward.ask(query, **held)["stay"]
    assert answer["specialty"] == "Surgery"
    assert (answer["bed"], answer["room"]["ward"]) == ("a", present)
    assert answer["attending"]


def test_mistake_297_rooms_that_changed_their_numbers_are_each_found_by_the_number_of_then(
    ward: Ward,
) -> None:
    names = [ward.room("a", "b").split("/")[1] for _ in range(2)]
    rooms = [{"ward": "A", "room": name, "validFrom": ago(days=3)[:10]} for name in names]
    spare = ward.name("R")
    for room, number in ((rooms[0], spare), (rooms[1], names[0])):
        ward.record("changeRoom", newRoom=number, **room)
    ward.record("changeRoom", **{**rooms[0], "room": spare}, newRoom=names[1])

    stay = ward.stay(f"A/{names[0]}/a", at=ago(days=6))

    assert room_of(ward, stay) == names[1]  # as it is called now


@pytest.mark.parametrize("name", ["staff number", "room"])
def test_mistake_298_a_name_put_right_takes_no_stay_of_a_feed_back(ward: Ward, name: str) -> None:
    number, doctor, right = ward.room("a").split("/")[1], ward.doctor(), ward.name("Right")
    admission = {"kind": "ADMIT", "patientMrn": ward.patient(), "admissionType": "ELECTIVE"}
    place = {"ward": "A", "room": number, "bed": "a"}
    movement = {**admission, **place, "occurredAt": ago(days=4), "attending": doctor}
    sent = {"system": ward.name("ADT"), "sourceVisit": "V", "sourceId": "1", "movement": movement}
    ward.record("recordSourceMovement", sourceRecordedAt=ago(days=4), **sent)
    stays = "query($mrn: String!) { stays(filter: { patientMrn: $mrn }) { nodes { id } } }"
    (held,) = ward.ask(stays, mrn=movement["patientMrn"])["stays"]["nodes"]
    misread = {"reason": "mistyped"}
    if name == "room":
        ward.record("correctRoom", ward="A", room=number, newRoom=right, **misread)
        movement["room"] = right
    else:
        ward.record("correctPractitioner", staffNumber=doctor, newStaffNumber=right, **misread)
        movement["attending"] = right

    movement["occurredAt"] = ago(days=4, hours=1)
    ward.record("recordSourceMovement", sourceRecordedAt=ago(hours=1), **sent)

    assert ward.ask(stays, mrn=movement["patientMrn"])["stays"]["nodes"] == [held]


def room_of(ward: Ward, stay: str) -> str:
    answer = ward.ask("query($id: ID!) { stay(id: $id) { room { number } } }", id=stay)
    return str(answer["stay"]["room"]["number"])
