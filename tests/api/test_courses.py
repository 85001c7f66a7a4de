"""The complete stay, typed: its beds, its drugs and who recorded them; wards and rooms by themselves."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late

STAY = """query($id: ID!, $asOf: DateTime) { stay(id: $id, asOf: $asOf) {
  lastPlace { id bed room { number } }
  stretches { id bed since until kept room { number }
              movement { id kind occurredAt reason corrects position } }
  movements { id position }
  visits { id recorded { kind reason recordedAt recordedBy { subject } } }
  prescriptions { status changes { kind status reason occurredAt changeId recordedBy { role } }
                  administrations { id recorded { status position recordedBy { subject } } } } } }"""


def asked(ward: Ward, stay: str, **at: Any) -> dict[str, Any]:
    result: dict[str, Any] = ward.ask(STAY, id=stay, **at)["stay"]
    return result


def test_a_stay_tells_its_beds_with_the_movements_that_they_began_with(shared: Ward) -> None:
    room = shared.room("a", "b")
    number = room.split("/")[1]
    stay = shared.stay(f"{room}/a", ago(days=3))
    to = {"ward": "A", "room": number, "bed": "b"}
    moved = ago(days=1)
    shared.record("transferPatient", stayId=stay, **to, **late(moved))
    first, second = asked(shared, stay)["stretches"]
    assert (first["bed"], second["bed"]) == ("a", "b")
    assert first["until"] == second["since"] == second["movement"]["occurredAt"] == moved
    assert second["movement"]["kind"] == "STAY_TRANSFERRED"
    assert second["movement"]["reason"] == "noted afterwards"
    assert len({first["id"], second["id"]}) == 2
    earlier = asked(shared, stay, asOf=ago(days=2))
    assert [(s["bed"], s["until"]) for s in earlier["stretches"]] == [("a", None)]
    shared.record("dischargePatient", stayId=stay, disposition="HOME")
    last = asked(shared, stay)["lastPlace"]
    assert (last["id"], last["bed"], last["room"]["number"]) == (second["id"], "b", number)
    position = asked(shared, stay)["movements"][0]["position"]
    assert shared.ask(
        "query($id: ID!, $known: Position) { stay(id: $id, knownAtPosition: $known) { id } }",
        id=stay,
        known=position,
    )["stay"]


@pytest.mark.parametrize("command", ["holdPrescription", "stopPrescription"])
def test_a_prescription_tells_what_became_of_it_and_why(shared: Ward, command: str) -> None:
    stay = shared.stay()
    prescription = shared.prescription(stay)
    visit = {"practitioner": shared.doctor(), "kind": "ROUND", **late(ago(hours=5))}
    shared.record("recordVisit", stayId=stay, **visit)
    dose = {"prescriptionId": prescription, "given": True, "occurredAt": ago(minutes=30)}
    shared.record("recordAdministration", **dose)
    at = ago(minutes=2)
    shared.record(command, prescriptionId=prescription, occurredAt=at, reason="low pressure")
    finding = asked(shared, stay)
    (result,) = finding["prescriptions"]
    change = result["changes"][-1]
    assert change["kind"] == f"PRESCRIPTION_{result['status']}"
    assert (change["reason"], change["occurredAt"]) == ("low pressure", at)
    assert (change["status"], change["recordedBy"]) == ("TRUE", {"role": "admin"})
    assert result["administrations"][0]["recorded"]["recordedBy"]["subject"] == "tester"
    assert finding["visits"][0]["recorded"]["reason"] == "noted afterwards"


def test_a_patient_has_a_timeline(shared: Ward) -> None:
    mrn = shared.patient()
    shared.stay(patientMrn=mrn)
    answer = shared.ask(
        "query($mrn: String!) { patient(mrn: $mrn) { timeline(first: 1) {"
        " nodes { kind } pageInfo { hasNextPage endCursor } } } }",
        mrn=mrn,
    )["patient"]["timeline"]
    assert [node["kind"] for node in answer["nodes"]] == ["PATIENT_REGISTERED"]
    assert answer["pageInfo"]["hasNextPage"]


def test_wards_rooms_and_beds_have_ids(shared: Ward) -> None:
    ward = shared.name("Ward ")
    shared.room("a", "b", ward=ward)
    shared.room("a", ward=ward)
    query = """query($ward: String!) {
      ward(name: $ward) { id name rooms { id room { id } beds { id code } } }
      roomOccupancy(ward: $ward) { id beds { id } } }"""
    result = shared.ask(query, ward=ward.upper())
    rooms = result["ward"]["rooms"]
    assert [room["id"] for room in rooms] == [room["room"]["id"] for room in rooms]
    beds = [bed["id"] for room in rooms for bed in room["beds"]]
    assert len(set(beds)) == 3
    assert beds == [bed["id"] for room in result["roomOccupancy"] for bed in room["beds"]]
    room = shared.ask("query($id: ID!) { room(id: $id) { ward } }", id=rooms[0]["id"])["room"]
    assert room["ward"] == ward


MOVEMENTS = """query($id: ID!) { stay(id: $id) { movements { kind occurredAt specialty keepsBed
  decidedToAdmitAt expectedReturn plan expectedAt disposition destination departedAt sharesBedOf
  attending { staffNumber } }
  prescriptions { changes { kind dischargeId } } movementsToo: movements { id kind } } }"""


def test_a_movement_says_all_that_its_correction_can_put_right(shared: Ward) -> None:
    """A form that corrects a movement begins with what it says, without another question."""
    doctor, other = shared.doctor(), shared.doctor()
    came, decided, admitted = ago(hours=9), ago(hours=8), ago(hours=7)
    stay = shared.stay(
        shared.room("a") + "/a",
        admitted,
        attending=doctor,
        specialty="surgery",
        decidedToAdmitAt=decided,
    )
    shared.prescription(stay)
    care = {"departedAt": ago(hours=8), **late(came)}
    shared.record("recordEmergencyCare", stayId=stay, **care)
    shared.record("changeAttending", stayId=stay, attending=other, occurredAt=ago(minutes=9))
    shared.record("changeSpecialty", stayId=stay, specialty="medicine", occurredAt=ago(minutes=8))
    back, leaves = ahead(days=1), ahead(days=2)
    leave = {"keepBed": True, "expectedReturn": back, "occurredAt": ago(minutes=7)}
    shared.record("startLeave", stayId=stay, **leave)
    shared.record("endLeave", stayId=stay, occurredAt=ago(minutes=6))
    plan = {"plan": "CLEARED", "expectedAt": leaves, "occurredAt": ago(minutes=5)}
    shared.record("planDischarge", stayId=stay, **plan)
    gone = {"disposition": "TRANSFERRED", "destination": "harbour clinic"}
    shared.record("dischargePatient", stayId=stay, **gone)
    answer = shared.ask(MOVEMENTS, id=stay)["stay"]
    result = {each.pop("kind"): each for each in answer["movements"]}
    assert result["STAY_EMERGENCY_CARE_RECORDED"]["departedAt"] == care["departedAt"]
    first = result["STAY_ADMITTED"]
    assert (first["specialty"], first["decidedToAdmitAt"]) == ("surgery", decided)
    assert first["attending"] == {"staffNumber": doctor}
    assert result["STAY_ATTENDING_CHANGED"]["attending"] == {"staffNumber": other}
    assert result["STAY_SPECIALTY_CHANGED"]["specialty"] == "medicine"
    away = result["STAY_LEAVE_STARTED"]
    assert (away["keepsBed"], away["expectedReturn"]) == (True, back)
    planned = result["STAY_DISCHARGE_PLANNED"]
    assert (planned["plan"], planned["expectedAt"]) == ("CLEARED", leaves)
    assert {name: result["STAY_DISCHARGED"][name] for name in gone} == gone
    stopped = answer["prescriptions"][0]["changes"][-1]
    (discharge,) = (m["id"] for m in answer["movementsToo"] if m["kind"] == "STAY_DISCHARGED")
    assert stopped == {"kind": "PRESCRIPTION_STOPPED", "dischargeId": discharge}
