"""Every mutation once, as a ward's client would send it. One without an example fails here."""

from typing import Any

import pytest

from api.graphql.schema import schema
from tests.support import (
    arrival_examples,
    care_examples,
    consult_examples,
    correction_examples,
    erasure_examples,
    room_examples,
    source_movement_examples,
)
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.api_example import EXAMPLES, Answer, example

assert correction_examples  # registers its examples
assert arrival_examples
assert consult_examples
assert erasure_examples
assert care_examples
assert room_examples
assert source_movement_examples


READ = """query($id: ID!, $at: Position, $asOf: DateTime) {
  nodeAsOf(id: $id, knownAtPosition: $at, asOf: $asOf) {
    ... on Patient { version } ... on Stay { version } ... on Room { version }
    ... on Prescription { version } } }"""


def mutations() -> list[str]:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    return list(mutation.fields)


@pytest.mark.parametrize("name", mutations())
def test_a_mutation_records_what_it_says(shared: Ward, name: str) -> None:
    assert name in EXAMPLES, f"give an example of {name} in this file"
    answers, give = EXAMPLES[name]
    result = give(shared)
    assert result["__typename"] == answers
    assert result["position"]
    assert result["recordedAt"].endswith("Z")
    for told in result.values():
        if isinstance(told, dict) and "version" in told:
            read = shared.ask(READ, id=told["id"], at=result["position"], asOf=result["recordedAt"])
            assert read["nodeAsOf"]["version"] == told["version"]


def test_there_are_no_examples_of_what_does_not_exist() -> None:
    assert set(EXAMPLES) == set(mutations())


# -- people --


@example("PatientRecorded")
def register_patient(ward: Ward) -> Answer:
    mrn = ward.name("M")
    answer = ward.execute(
        "registerPatient",
        mrn=mrn,
        mrnAuthority="city",
        familyName="Okafor",
        givenName="Ada",
        birthDate="1961-12-24",
        sex="FEMALE",
        confidentiality="RESTRICTED",
        performedBy="Dr. Lindqvist",
        occurredAtPrecision="HOUR",
    )
    assert (answer["patient"]["mrn"], answer["patient"]["version"]) == (mrn, 1)
    return answer


@example("GlassBroken")
def break_glass(ward: Ward) -> Answer:
    mrn = ward.patient(confidentiality="VERY_RESTRICTED")
    answer = ward.execute("breakGlass", patientMrn=mrn, hours=2, reason="collapsed in the corridor")
    assert answer["patient"]["mrn"] == mrn
    assert ahead(hours=1.9) < answer["until"] < ahead(hours=2.1)
    return answer


@example("PractitionerRecorded")
def register_practitioner(ward: Ward) -> Answer:
    number = ward.name("D")
    names = {"familyName": "Lindqvist", "givenName": "Per"}
    grade = {"grade": "CONSULTANT", "gradeFrom": "2020-01-01", "specialty": "surgery"}
    answer = ward.execute("registerPractitioner", staffNumber=number, **names, **grade)
    assert answer["practitioner"]["staffNumber"] == number
    return answer


@example("HospitalTimeRecorded")
def set_hospital_time(ward: Ward) -> Answer:
    return ward.execute(
        "setHospitalTime", timeZone="Europe/Berlin", censusTime="23:59", validFrom="2027-01-01"
    )


@example("PatientRecorded")
def record_death(ward: Ward) -> Answer:
    at = ago(minutes=5)
    by_stay = ward.execute("recordDeath", stayId=ward.stay(), occurredAt=at)
    assert by_stay["patient"]["diedAt"] == at
    return ward.execute("recordDeath", patientMrn=ward.patient())


@example("PatientRecorded")
def correct_death(ward: Ward) -> Answer:
    stay, at = ward.stay(f"{ward.room('a')}/a"), ago(hours=2)
    ward.record("recordDeath", stayId=stay, **late(ago(hours=3)))
    answer = ward.execute("correctDeath", stayId=stay, occurredAt=at, reason="read wrongly")
    assert answer["patient"]["diedAt"] == at
    return answer


@example("PatientRecorded")
def cancel_death(ward: Ward) -> Answer:
    stay = ward.stay()
    ward.record("recordDeath", stayId=stay, **late(ago(hours=3)))
    answer = ward.execute("cancelDeath", stayId=stay, reason="wrong patient")
    assert answer["patient"]["diedAt"] is None
    return answer


# -- rooms --


@example("RoomRecorded")
def open_room(ward: Ward) -> Answer:
    number = ward.name("R")
    answer = ward.execute("openRoom", ward="A", room=number, beds=["1", "2", "10"])
    assert [bed["code"] for bed in answer["room"]["beds"]] == ["1", "2", "10"]
    assert {bed["state"] for bed in answer["room"]["beds"]} == {"FREE"}
    return answer


@example("RoomRecorded")
def add_bed(ward: Ward) -> Answer:
    a, number = ward.room("a").split("/")
    answer = ward.execute("addBed", ward=a, room=number, bed="b")
    assert [bed["code"] for bed in answer["room"]["beds"]] == ["a", "b"]
    assert answer["room"]["version"] == 2
    return answer


@example("RoomRecorded")
def set_room_policy(ward: Ward) -> Answer:
    a, number = ward.room().split("/")
    answer = ward.execute("setRoomPolicy", ward=a, room=number, policy="ISOLATION")
    assert answer["room"]["policies"] == ["ISOLATION"]
    lifted = ward.execute("setRoomPolicy", ward=a, room=number, policy="ISOLATION", applies=False)
    assert lifted["room"]["policies"] == []
    return answer


@example("RoomRecorded")
def close_bed(ward: Ward) -> Answer:
    bed, until = place(f"{ward.room('a')}/a"), ahead(days=1)
    answer = ward.execute(
        "closeBed", **bed, reason="paint", until=until, **{"from": ago(minutes=1)}
    )
    (closed,) = answer["room"]["beds"]
    assert (closed["state"], closed["stateReason"], closed["until"]) == ("CLOSED", "paint", until)
    return answer


@example("RoomRecorded")
def reopen_bed(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    ward.record("closeBed", **bed, reason="paint")
    answer = ward.execute("reopenBed", **bed)
    assert answer["room"]["beds"][0]["state"] == "FREE"
    return answer


@example("RoomRecorded")
def start_cleaning(ward: Ward) -> Answer:
    answer = ward.execute("startCleaning", **place(f"{ward.room('a')}/a"))
    assert answer["room"]["beds"][0]["state"] == "CLEANING"
    return answer


@example("RoomRecorded")
def finish_cleaning(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    ward.record("startCleaning", **bed)
    answer = ward.execute("finishCleaning", **bed)
    assert answer["room"]["beds"][0]["state"] == "FREE"
    return answer


@example("RoomRecorded")
def reserve_bed(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a', 'b')}/a")
    answer = ward.execute("reserveBed", **bed, patientMrn=ward.patient(), until=ahead(hours=3))
    assert answer["room"]["beds"][0]["state"] == "RESERVED"
    stay = ward.stay()
    later = ward.execute(
        "reserveBed",
        **{**bed, "bed": "b"},
        stayId=stay,
        until=ahead(days=2),
        **{"from": ahead(days=1)},
    )
    assert later["room"]["beds"][1]["state"] == "FREE"
    return answer


@example("RoomRecorded")
def release_reservation(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    reserved = ward.record("reserveBed", **bed, patientMrn=ward.patient(), until=ahead(hours=3))
    id = reserved["room"]["beds"][0]["reservationId"]
    del bed["bed"]
    answer = ward.execute("releaseReservation", **bed, reservationId=id)
    assert answer["room"]["beds"][0]["state"] == "FREE"
    return answer


# -- stays --


@example("StayRecorded")
def admit_patient(ward: Ward) -> Answer:
    mrn, doctor = ward.patient(), ward.doctor()
    waiting = ward.execute(
        "admitPatient", patientMrn=ward.patient(), admissionType="EMERGENCY", withoutBed="corridor"
    )
    assert (waiting["stay"]["bed"], waiting["stay"]["withoutBed"]) == (None, "corridor")
    at = ago(minutes=10)
    answer = ward.execute(
        "admitPatient",
        patientMrn=mrn,
        mrnAuthority="main",
        admissionType="ELECTIVE",
        attending=doctor,
        specialty="surgery",
        decidedToAdmitAt=ago(days=3),
        confidentiality="VERY_RESTRICTED",
        occurredAt=at,
        **place(f"{ward.room('a')}/a"),
    )
    stay = answer["stay"]
    assert (stay["status"], stay["bed"], stay["admittedAt"]) == ("ADMITTED", "a", at)
    assert stay["attending"]["staffNumber"] == doctor
    assert stay["patient"]["mrn"] == mrn
    return answer


@example("StayRecorded")
def allocate_room(ward: Ward) -> Answer:
    answer = ward.execute("allocateRoom", stayId=ward.stay(), **place(f"{ward.room('a')}/a"))
    assert answer["stay"]["bed"] == "a"
    return answer


@example("StayRecorded")
def transfer_patient(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    mother = ward.stay(f"{room}/a")
    child = ward.stay(f"{room}/a", ago(days=1), sharesBedOf=mother, admissionType="NEWBORN")
    answer = ward.execute(
        "transferPatient",
        stayId=mother,
        **place(f"{room}/b"),
        sharers=[{"stayId": child, "sharesBed": True}],
    )
    assert answer["stay"]["bed"] == "b"
    occupants = ward.bed(f"{room}/b")["occupants"]
    assert [o["stay"]["id"] for o in occupants] == [mother, child]
    return answer


@example("StayRecorded")
def swap_beds(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    one, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")
    answer = ward.execute("swapBeds", stayId=one, withStayId=other)
    assert (answer["stay"]["id"], answer["stay"]["bed"]) == (one, "b")
    assert (answer["withStay"]["id"], answer["withStay"]["bed"]) == (other, "a")
    return answer


@example("StayRecorded")
def start_leave(ward: Ward) -> Answer:
    stay = ward.stay(f"{ward.room('a')}/a")
    answer = ward.execute("startLeave", stayId=stay, keepBed=True, expectedReturn=ahead(days=1))
    assert (answer["stay"]["status"], answer["stay"]["bedKept"]) == ("ON_LEAVE", True)
    return answer


@example("StayRecorded")
def end_leave(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    ward.record("startLeave", stayId=stay, keepBed=False)
    answer = ward.execute("endLeave", stayId=stay, **place(f"{room}/b"))
    assert (answer["stay"]["status"], answer["stay"]["bed"]) == ("ADMITTED", "b")
    return answer


@example("StayRecorded")
def change_attending(ward: Ward) -> Answer:
    doctor = ward.doctor()
    answer = ward.execute("changeAttending", stayId=ward.stay(), attending=doctor)
    assert answer["stay"]["attending"]["staffNumber"] == doctor
    return answer


@example("StayRecorded")
def change_specialty(ward: Ward) -> Answer:
    answer = ward.execute("changeSpecialty", stayId=ward.stay(), specialty="medicine")
    assert answer["stay"]["specialty"] == "medicine"
    return answer


@example("StayRecorded")
def change_admission_type(ward: Ward) -> Answer:
    stay = ward.stay()
    answer = ward.execute("changeAdmissionType", stayId=stay, admissionType="DAY_CASE")
    reply = ward.ask("query($id: ID!) { stay(id: $id) { admissionType } }", id=stay)
    assert reply["stay"] == {"admissionType": "DAY_CASE"}
    return answer


@example("VisitRecorded")
def record_visit(ward: Ward) -> Answer:
    doctor, at = ward.doctor(), ago(minutes=3)
    answer = ward.execute(
        "recordVisit",
        stayId=ward.stay(),
        practitioner=doctor,
        kind="ROUND",
        note="doing well",
        occurredAt=at,
    )
    visit = answer["visit"]
    assert (visit["occurredAt"], visit["kind"], visit["note"]) == (at, "ROUND", "doing well")
    assert visit["practitioner"]["staffNumber"] == doctor
    return answer


@example("StayRecorded")
def plan_discharge(ward: Ward) -> Answer:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    answer = ward.execute("planDischarge", stayId=stay, plan="CLEARED", expectedAt=ahead(days=1))
    assert ward.bed(f"{room}/a")["stay"]["id"] == stay
    return answer


@example("StayRecorded")
def discharge_patient(ward: Ward) -> Answer:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    stops, goes_on = ward.prescription(stay), ward.prescription(stay)
    at = ago(minutes=2)
    answer = ward.execute(
        "dischargePatient",
        stayId=stay,
        disposition="HOME",
        destination="her sister's",
        keepPrescriptions=[goes_on],
        occurredAt=at,
    )
    assert (answer["stay"]["status"], answer["stay"]["dischargedAt"]) == ("DISCHARGED", at)
    assert ward.bed(f"{room}/a")["state"] == "FREE"
    query = "query($id: ID!) { prescription(id: $id) { status } }"
    assert ward.ask(query, id=stops)["prescription"]["status"] == "STOPPED"
    assert ward.ask(query, id=goes_on)["prescription"]["status"] == "ACTIVE"
    return answer


# -- prescriptions --


@example("PrescriptionRecorded")
def write_prescription(ward: Ward) -> Answer:
    answer = ward.execute(
        "writePrescription",
        stayId=ward.stay(),
        medication={"name": "Paracetamol", "code": "N02BE01", "system": "ATC"},
        dose="1 g",
        route="oral",
        frequency="6-hourly",
        start=ago(minutes=1),
        stop=ahead(days=2),
        prescriber=ward.doctor(),
    )
    assert answer["prescription"]["status"] == "ACTIVE"
    assert answer["prescription"]["medication"] == {"name": "Paracetamol"}
    return answer


@example("PrescriptionRecorded")
def change_prescription(ward: Ward) -> Answer:
    answer = ward.execute("changePrescription", prescriptionId=ward.prescription(), dose="2 g")
    assert answer["prescription"]["dose"] == "2 g"
    return answer


@example("PrescriptionRecorded")
def hold_prescription(ward: Ward) -> Answer:
    answer = ward.execute("holdPrescription", prescriptionId=ward.prescription())
    assert answer["prescription"]["status"] == "HELD"
    return answer


@example("PrescriptionRecorded")
def resume_prescription(ward: Ward) -> Answer:
    id = ward.prescription()
    ward.record("holdPrescription", prescriptionId=id, **late(ago(hours=2)))
    answer = ward.execute("resumePrescription", prescriptionId=id)
    assert answer["prescription"]["status"] == "ACTIVE"
    return answer


@example("PrescriptionRecorded")
def stop_prescription(ward: Ward) -> Answer:
    answer = ward.execute("stopPrescription", prescriptionId=ward.prescription())
    assert answer["prescription"]["status"] == "STOPPED"
    return answer


@example("PrescriptionRecorded")
def complete_prescription(ward: Ward) -> Answer:
    answer = ward.execute("completePrescription", prescriptionId=ward.prescription())
    assert answer["prescription"]["status"] == "COMPLETED"
    return answer


@example("PrescriptionRecorded")
def record_administration(ward: Ward) -> Answer:
    id = ward.prescription()
    ward.record("recordAdministration", prescriptionId=id, given=False, reasonNotGiven="asleep")
    dose = {"given": True, "doseGiven": "1 g", "outsidePrescription": "LATE"}
    answer = ward.execute("recordAdministration", prescriptionId=id, **dose)
    refusal, given = answer["prescription"]["administrations"]
    assert (refusal["given"], refusal["reasonNotGiven"]) == (False, "asleep")
    assert (given["given"], given["doseGiven"]) == (True, "1 g")
    return answer


@example("PrescriptionRecorded")
def record_unprescribed_dose(ward: Ward) -> Answer:
    answer = ward.execute(
        "recordUnprescribedDose",
        stayId=ward.stay(),
        medication={"name": "Adrenaline", "code": "C01CA24", "system": "ATC"},
        basis="VERBAL_ORDER",
        doseGiven="1 mg",
        route="intravenous",
        orderedBy=ward.doctor(),
        performedBy="nurse Okafor",
    )
    (given,) = answer["prescription"]["administrations"]
    assert (given["doseGiven"], given["performedBy"]) == ("1 mg", "nurse Okafor")
    assert answer["prescription"]["withoutPrescription"] == "VERBAL_ORDER"
    return answer


def infusion(ward: Ward, **content: Any) -> str:
    """Begin an infusion four hours ago; return its id."""
    content = {"given": True, "infusion": True, **late(ago(hours=4)), **content}
    answer = ward.record("recordAdministration", prescriptionId=ward.prescription(), **content)
    return str(answer["prescription"]["administrations"][0]["id"])


@example("PrescriptionRecorded")
def end_infusion(ward: Ward) -> Answer:
    at = ago(minutes=2)
    answer = ward.execute("endInfusion", administrationId=infusion(ward), occurredAt=at)
    assert [d["endedAt"] for d in answer["prescription"]["administrations"]] == [at]
    return answer


@example("PrescriptionRecorded")
def correct_infusion_end(ward: Ward) -> Answer:
    at, id = ago(hours=3), infusion(ward, endedAt=ago(hours=2))
    right = {"occurredAt": at, "reason": "read off the pump"}
    answer = ward.execute("correctInfusionEnd", administrationId=id, **right)
    assert [d["endedAt"] for d in answer["prescription"]["administrations"]] == [at]
    return answer


@example("PrescriptionRecorded")
def cancel_infusion_end(ward: Ward) -> Answer:
    id = infusion(ward, endedAt=ago(hours=2))
    answer = ward.execute("cancelInfusionEnd", administrationId=id, reason="it still runs")
    assert [d["endedAt"] for d in answer["prescription"]["administrations"]] == [None]
    return answer


@example("PrescriptionRecorded")
def correct_prescription(ward: Ward) -> Answer:
    drug = {"name": "Amoxicillin", "code": "J01CA04", "system": "ATC"}
    answer = ward.execute(
        "correctPrescription",
        prescriptionId=ward.prescription(dose="1 g", stop=ahead(days=1)),
        medication=drug,
        dose="500 mg",
        openEnded=True,
        prescriber=ward.doctor(),
        occurredAt=ago(hours=20),
        reason="written for another patient",
    )
    assert answer["prescription"]["medication"] == {"name": "Amoxicillin"}
    assert (answer["prescription"]["dose"], answer["prescription"]["stop"]) == ("500 mg", None)
    return answer


# -- reports --


@example("ReportRecorded")
def issue_report(ward: Ward) -> Answer:
    name = ward.room(ward=ward.name("W")).split("/")[0]
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    answer = ward.execute(
        "issueReport", name="inpatient-census", version=1, period=period, ward=name, parameters=[]
    )
    assert answer["issue"]["report"]["period"] == period
    assert answer["issue"]["report"]["ward"] == name
    return answer


@example("ReportRecorded")
def restate_report(ward: Ward) -> Answer:
    ward.room()
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    issued = ward.execute("issueReport", name="bed-occupancy-rate", period=period)["issue"]["id"]
    answer = ward.execute("restateReport", issueId=issued, reason="the month is closed")
    assert answer["issue"]["id"] == issued
    return answer


@example("StayRecorded")
def record_emergency_care(ward: Ward) -> Answer:
    stay, left = ward.stay(at=ago(hours=2)), ago(hours=1)
    answer = ward.execute("recordEmergencyCare", stayId=stay, departedAt=left, **late(ago(hours=6)))
    assert answer["stay"]["id"] == stay
    return answer
