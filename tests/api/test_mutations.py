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


def mutations() -> list[str]:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    return list(mutation.fields)


@pytest.mark.parametrize("name", mutations())
def test_a_mutation_records_what_it_says(shared: Ward, name: str) -> None:
    assert name in EXAMPLES, f"give an example of {name} in this file"
    answers, give = EXAMPLES[name]
    told = give(shared)
    assert told["__typename"] == answers
    assert told["position"]
    assert told["recordedAt"].endswith("Z")


def test_there_are_no_examples_of_what_does_not_exist() -> None:
    assert set(EXAMPLES) == set(mutations())


# -- people --


@example("PatientRecorded")
def register_patient(ward: Ward) -> Answer:
    mrn = ward.name("M")
    told = ward.execute(
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
    assert (told["patient"]["mrn"], told["patient"]["version"]) == (mrn, 1)
    return told


@example("GlassBroken")
def break_glass(ward: Ward) -> Answer:
    mrn = ward.patient(confidentiality="VERY_RESTRICTED")
    told = ward.execute("breakGlass", patientMrn=mrn, hours=2, reason="collapsed in the corridor")
    assert told["patient"]["mrn"] == mrn
    assert ahead(hours=1.9) < told["until"] < ahead(hours=2.1)
    return told


@example("PractitionerRecorded")
def register_practitioner(ward: Ward) -> Answer:
    number = ward.name("D")
    names = {"familyName": "Lindqvist", "givenName": "Per"}
    grade = {"grade": "CONSULTANT", "gradeFrom": "2020-01-01", "specialty": "surgery"}
    told = ward.execute("registerPractitioner", staffNumber=number, **names, **grade)
    assert told["practitioner"]["staffNumber"] == number
    return told


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
    told = ward.execute("correctDeath", stayId=stay, occurredAt=at, reason="read wrongly")
    assert told["patient"]["diedAt"] == at
    return told


@example("PatientRecorded")
def cancel_death(ward: Ward) -> Answer:
    stay = ward.stay()
    ward.record("recordDeath", stayId=stay, **late(ago(hours=3)))
    told = ward.execute("cancelDeath", stayId=stay, reason="wrong patient")
    assert told["patient"]["diedAt"] is None
    return told


# -- rooms --


@example("RoomRecorded")
def open_room(ward: Ward) -> Answer:
    number = ward.name("R")
    told = ward.execute("openRoom", ward="A", room=number, beds=["1", "2", "10"])
    assert [bed["code"] for bed in told["room"]["beds"]] == ["1", "2", "10"]
    assert {bed["state"] for bed in told["room"]["beds"]} == {"FREE"}
    return told


@example("RoomRecorded")
def add_bed(ward: Ward) -> Answer:
    a, number = ward.room("a").split("/")
    told = ward.execute("addBed", ward=a, room=number, bed="b")
    assert [bed["code"] for bed in told["room"]["beds"]] == ["a", "b"]
    assert told["room"]["version"] == 2
    return told


@example("RoomRecorded")
def set_room_policy(ward: Ward) -> Answer:
    a, number = ward.room().split("/")
    told = ward.execute("setRoomPolicy", ward=a, room=number, policy="ISOLATION")
    assert told["room"]["policies"] == ["ISOLATION"]
    lifted = ward.execute("setRoomPolicy", ward=a, room=number, policy="ISOLATION", applies=False)
    assert lifted["room"]["policies"] == []
    return told


@example("RoomRecorded")
def close_bed(ward: Ward) -> Answer:
    bed, until = place(f"{ward.room('a')}/a"), ahead(days=1)
    told = ward.execute("closeBed", **bed, reason="paint", until=until, **{"from": ago(minutes=1)})
    (closed,) = told["room"]["beds"]
    assert (closed["state"], closed["stateReason"], closed["until"]) == ("CLOSED", "paint", until)
    return told


@example("RoomRecorded")
def reopen_bed(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    ward.record("closeBed", **bed, reason="paint")
    told = ward.execute("reopenBed", **bed)
    assert told["room"]["beds"][0]["state"] == "FREE"
    return told


@example("RoomRecorded")
def start_cleaning(ward: Ward) -> Answer:
    told = ward.execute("startCleaning", **place(f"{ward.room('a')}/a"))
    assert told["room"]["beds"][0]["state"] == "CLEANING"
    return told


@example("RoomRecorded")
def finish_cleaning(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    ward.record("startCleaning", **bed)
    told = ward.execute("finishCleaning", **bed)
    assert told["room"]["beds"][0]["state"] == "FREE"
    return told


@example("RoomRecorded")
def reserve_bed(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a', 'b')}/a")
    told = ward.execute("reserveBed", **bed, patientMrn=ward.patient(), until=ahead(hours=3))
    assert told["room"]["beds"][0]["state"] == "RESERVED"
    stay = ward.stay()
    later = ward.execute(
        "reserveBed",
        **{**bed, "bed": "b"},
        stayId=stay,
        until=ahead(days=2),
        **{"from": ahead(days=1)},
    )
    assert later["room"]["beds"][1]["state"] == "FREE"
    return told


@example("RoomRecorded")
def release_reservation(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/a")
    reserved = ward.record("reserveBed", **bed, patientMrn=ward.patient(), until=ahead(hours=3))
    id = reserved["room"]["beds"][0]["reservationId"]
    del bed["bed"]
    told = ward.execute("releaseReservation", **bed, reservationId=id)
    assert told["room"]["beds"][0]["state"] == "FREE"
    return told


# -- stays --


@example("StayRecorded")
def admit_patient(ward: Ward) -> Answer:
    mrn, doctor = ward.patient(), ward.doctor()
    waiting = ward.execute(
        "admitPatient", patientMrn=ward.patient(), admissionType="EMERGENCY", withoutBed="corridor"
    )
    assert (waiting["stay"]["bed"], waiting["stay"]["withoutBed"]) == (None, "corridor")
    at = ago(minutes=10)
    told = ward.execute(
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
    stay = told["stay"]
    assert (stay["status"], stay["bed"], stay["admittedAt"]) == ("ADMITTED", "a", at)
    assert stay["attending"]["staffNumber"] == doctor
    assert stay["patient"]["mrn"] == mrn
    return told


@example("StayRecorded")
def allocate_room(ward: Ward) -> Answer:
    told = ward.execute("allocateRoom", stayId=ward.stay(), **place(f"{ward.room('a')}/a"))
    assert told["stay"]["bed"] == "a"
    return told


@example("StayRecorded")
def transfer_patient(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    mother = ward.stay(f"{room}/a")
    child = ward.stay(f"{room}/a", ago(days=1), sharesBedOf=mother, admissionType="NEWBORN")
    told = ward.execute(
        "transferPatient",
        stayId=mother,
        **place(f"{room}/b"),
        sharers=[{"stayId": child, "sharesBed": True}],
    )
    assert told["stay"]["bed"] == "b"
    occupants = ward.bed(f"{room}/b")["occupants"]
    assert [o["stay"]["id"] for o in occupants] == [mother, child]
    return told


@example("StayRecorded")
def swap_beds(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    one, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")
    told = ward.execute("swapBeds", stayId=one, withStayId=other)
    assert (told["stay"]["id"], told["stay"]["bed"]) == (one, "b")
    assert told["withStay"] == {"id": other, "bed": "a"}
    return told


@example("StayRecorded")
def start_leave(ward: Ward) -> Answer:
    stay = ward.stay(f"{ward.room('a')}/a")
    told = ward.execute("startLeave", stayId=stay, keepBed=True, expectedReturn=ahead(days=1))
    assert (told["stay"]["status"], told["stay"]["bedKept"]) == ("ON_LEAVE", True)
    return told


@example("StayRecorded")
def end_leave(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    ward.record("startLeave", stayId=stay, keepBed=False)
    told = ward.execute("endLeave", stayId=stay, **place(f"{room}/b"))
    assert (told["stay"]["status"], told["stay"]["bed"]) == ("ADMITTED", "b")
    return told


@example("StayRecorded")
def change_attending(ward: Ward) -> Answer:
    doctor = ward.doctor()
    told = ward.execute("changeAttending", stayId=ward.stay(), attending=doctor)
    assert told["stay"]["attending"]["staffNumber"] == doctor
    return told


@example("StayRecorded")
def change_specialty(ward: Ward) -> Answer:
    told = ward.execute("changeSpecialty", stayId=ward.stay(), specialty="medicine")
    assert told["stay"]["specialty"] == "medicine"
    return told


@example("StayRecorded")
def change_admission_type(ward: Ward) -> Answer:
    stay = ward.stay()
    told = ward.execute("changeAdmissionType", stayId=stay, admissionType="DAY_CASE")
    asked = ward.ask("query($id: ID!) { stay(id: $id) { admissionType } }", id=stay)
    assert asked["stay"] == {"admissionType": "DAY_CASE"}
    return told


@example("VisitRecorded")
def record_visit(ward: Ward) -> Answer:
    doctor, at = ward.doctor(), ago(minutes=3)
    told = ward.execute(
        "recordVisit",
        stayId=ward.stay(),
        practitioner=doctor,
        kind="ROUND",
        note="doing well",
        occurredAt=at,
    )
    visit = told["visit"]
    assert (visit["occurredAt"], visit["kind"], visit["note"]) == (at, "ROUND", "doing well")
    assert visit["practitioner"]["staffNumber"] == doctor
    return told


@example("StayRecorded")
def plan_discharge(ward: Ward) -> Answer:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    told = ward.execute("planDischarge", stayId=stay, plan="CLEARED", expectedAt=ahead(days=1))
    assert ward.bed(f"{room}/a")["stay"]["id"] == stay
    return told


@example("StayRecorded")
def discharge_patient(ward: Ward) -> Answer:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    stops, goes_on = ward.prescription(stay), ward.prescription(stay)
    at = ago(minutes=2)
    told = ward.execute(
        "dischargePatient",
        stayId=stay,
        disposition="HOME",
        destination="her sister's",
        keepPrescriptions=[goes_on],
        occurredAt=at,
    )
    assert (told["stay"]["status"], told["stay"]["dischargedAt"]) == ("DISCHARGED", at)
    assert ward.bed(f"{room}/a")["state"] == "FREE"
    query = "query($id: ID!) { prescription(id: $id) { status } }"
    assert ward.ask(query, id=stops)["prescription"]["status"] == "STOPPED"
    assert ward.ask(query, id=goes_on)["prescription"]["status"] == "ACTIVE"
    return told


# -- prescriptions --


@example("PrescriptionRecorded")
def write_prescription(ward: Ward) -> Answer:
    told = ward.execute(
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
    assert told["prescription"]["status"] == "ACTIVE"
    assert told["prescription"]["medication"] == {"name": "Paracetamol"}
    return told


@example("PrescriptionRecorded")
def change_prescription(ward: Ward) -> Answer:
    told = ward.execute("changePrescription", prescriptionId=ward.prescription(), dose="2 g")
    assert told["prescription"]["dose"] == "2 g"
    return told


@example("PrescriptionRecorded")
def hold_prescription(ward: Ward) -> Answer:
    told = ward.execute("holdPrescription", prescriptionId=ward.prescription())
    assert told["prescription"]["status"] == "HELD"
    return told


@example("PrescriptionRecorded")
def resume_prescription(ward: Ward) -> Answer:
    id = ward.prescription()
    ward.record("holdPrescription", prescriptionId=id, **late(ago(hours=2)))
    told = ward.execute("resumePrescription", prescriptionId=id)
    assert told["prescription"]["status"] == "ACTIVE"
    return told


@example("PrescriptionRecorded")
def stop_prescription(ward: Ward) -> Answer:
    told = ward.execute("stopPrescription", prescriptionId=ward.prescription())
    assert told["prescription"]["status"] == "STOPPED"
    return told


@example("PrescriptionRecorded")
def complete_prescription(ward: Ward) -> Answer:
    told = ward.execute("completePrescription", prescriptionId=ward.prescription())
    assert told["prescription"]["status"] == "COMPLETED"
    return told


@example("PrescriptionRecorded")
def record_administration(ward: Ward) -> Answer:
    id = ward.prescription()
    ward.record("recordAdministration", prescriptionId=id, given=False, reasonNotGiven="asleep")
    dose = {"given": True, "doseGiven": "1 g", "outsidePrescription": "LATE"}
    told = ward.execute("recordAdministration", prescriptionId=id, **dose)
    refused, given = told["prescription"]["administrations"]
    assert (refused["given"], refused["reasonNotGiven"]) == (False, "asleep")
    assert (given["given"], given["doseGiven"]) == (True, "1 g")
    return told


@example("PrescriptionRecorded")
def record_unprescribed_dose(ward: Ward) -> Answer:
    told = ward.execute(
        "recordUnprescribedDose",
        stayId=ward.stay(),
        medication={"name": "Adrenaline", "code": "C01CA24", "system": "ATC"},
        basis="VERBAL_ORDER",
        doseGiven="1 mg",
        route="intravenous",
        orderedBy=ward.doctor(),
        performedBy="nurse Okafor",
    )
    (given,) = told["prescription"]["administrations"]
    assert (given["doseGiven"], given["performedBy"]) == ("1 mg", "nurse Okafor")
    assert told["prescription"]["withoutPrescription"] == "VERBAL_ORDER"
    return told


def infusion(ward: Ward, **content: Any) -> str:
    """Begin an infusion four hours ago; return its id."""
    content = {"given": True, "infusion": True, **late(ago(hours=4)), **content}
    told = ward.record("recordAdministration", prescriptionId=ward.prescription(), **content)
    return str(told["prescription"]["administrations"][0]["id"])


@example("PrescriptionRecorded")
def end_infusion(ward: Ward) -> Answer:
    at = ago(minutes=2)
    told = ward.execute("endInfusion", administrationId=infusion(ward), occurredAt=at)
    assert [d["endedAt"] for d in told["prescription"]["administrations"]] == [at]
    return told


@example("PrescriptionRecorded")
def correct_infusion_end(ward: Ward) -> Answer:
    at, id = ago(hours=3), infusion(ward, endedAt=ago(hours=2))
    right = {"occurredAt": at, "reason": "read off the pump"}
    told = ward.execute("correctInfusionEnd", administrationId=id, **right)
    assert [d["endedAt"] for d in told["prescription"]["administrations"]] == [at]
    return told


@example("PrescriptionRecorded")
def cancel_infusion_end(ward: Ward) -> Answer:
    id = infusion(ward, endedAt=ago(hours=2))
    told = ward.execute("cancelInfusionEnd", administrationId=id, reason="it still runs")
    assert [d["endedAt"] for d in told["prescription"]["administrations"]] == [None]
    return told


@example("PrescriptionRecorded")
def correct_prescription(ward: Ward) -> Answer:
    drug = {"name": "Amoxicillin", "code": "J01CA04", "system": "ATC"}
    told = ward.execute(
        "correctPrescription",
        prescriptionId=ward.prescription(dose="1 g", stop=ahead(days=1)),
        medication=drug,
        dose="500 mg",
        openEnded=True,
        prescriber=ward.doctor(),
        occurredAt=ago(hours=20),
        reason="written for another patient",
    )
    assert told["prescription"]["medication"] == {"name": "Amoxicillin"}
    assert (told["prescription"]["dose"], told["prescription"]["stop"]) == ("500 mg", None)
    return told


# -- reports --


@example("ReportRecorded")
def issue_report(ward: Ward) -> Answer:
    name = ward.room(ward=ward.name("W")).split("/")[0]
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    told = ward.execute(
        "issueReport", name="inpatient-census", version=1, period=period, ward=name, parameters=[]
    )
    assert told["issue"]["report"]["period"] == period
    assert told["issue"]["report"]["ward"] == name
    return told


@example("ReportRecorded")
def restate_report(ward: Ward) -> Answer:
    ward.room()
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    issued = ward.execute("issueReport", name="bed-occupancy-rate", period=period)["issue"]["id"]
    told = ward.execute("restateReport", issueId=issued, reason="the month is closed")
    assert told["issue"]["id"] == issued
    return told


@example("StayRecorded")
def record_emergency_care(ward: Ward) -> Answer:
    stay, left = ward.stay(at=ago(hours=2)), ago(hours=1)
    told = ward.execute("recordEmergencyCare", stayId=stay, departedAt=left, **late(ago(hours=6)))
    assert told["stay"]["id"] == stay
    return told
