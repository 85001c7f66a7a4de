"""Examples of the mutations that cancel or correct facts."""

from typing import Any

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.api_example import Answer, example

WRONG = {"reason": "wrong patient"}
IN_ERROR = {"because": "ENTERED_IN_ERROR", **WRONG}
REVERSED = {"because": "DECISION_REVERSED", "reason": "the family asked"}

ENTRIES = """query($id: ID!, $read: TimelineReading! = ALL) { timeline(stayId: $id, read: $read) {
  nodes { id kind status movementId corrects correctedBy cancels cancelledBy occurredAt data reason }
} }"""


def entries(ward: Ward, stay: str, read: str = "ALL") -> list[dict[str, Any]]:
    nodes = ward.ask(ENTRIES, id=stay, read=read)["timeline"]["nodes"]
    assert isinstance(nodes, list)
    return nodes


def movement(ward: Ward, stay: str, kind: str) -> str:
    """Return the id of the last movement of a kind."""
    return str([e for e in entries(ward, stay, "TRUTH") if e["kind"] == kind][-1]["movementId"])


def fact(ward: Ward, stay: str, kind: str, name: str) -> str:
    return str([e for e in entries(ward, stay) if e["kind"] == kind][-1]["data"][name])


@example("StayRecorded")
def cancel_admission(ward: Ward) -> Answer:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    answer = ward.execute("cancelAdmission", stayId=stay, **IN_ERROR)
    assert answer["stay"]["status"] == "CANCELLED"
    assert ward.bed(f"{room}/a")["state"] == "FREE"
    assert entries(ward, stay, "TRUTH") == []
    assert {e["status"] for e in entries(ward, stay)[:2]} == {"CANCELLED"}
    return answer


@example("StayRecorded")
def cancel_discharge(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    stopped = ward.prescription(stay)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=5)))
    answer = ward.execute("cancelDischarge", stayId=stay, **REVERSED, **place(f"{room}/b"))
    assert (answer["stay"]["status"], answer["stay"]["bed"]) == ("ADMITTED", "b")
    assert [p["id"] for p in answer["stillStopped"]] == [stopped]
    return answer


@example("StayRecorded")
def cancel_movement(ward: Ward) -> Answer:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    moved = movement(ward, stay, "STAY_TRANSFERRED")
    answer = ward.execute("cancelMovement", movementId=moved, **IN_ERROR)
    assert answer["stay"]["bed"] == "a"
    original, cancel = (e for e in entries(ward, stay) if e["movementId"] == moved or e["cancels"])
    assert (original["status"], original["cancelledBy"]) == ("CANCELLED", cancel["id"])
    assert (cancel["cancels"], cancel["reason"]) == (original["id"], "wrong patient")
    return answer


@example("StayRecorded")
def correct_movement(ward: Ward) -> Answer:
    room = ward.room("a", "b", "c")
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    moved, at = movement(ward, stay, "STAY_TRANSFERRED"), ago(hours=8)
    answer = ward.execute(
        "correctMovement", movementId=moved, occurredAt=at, **place(f"{room}/c"), **WRONG
    )
    assert answer["stay"]["bed"] == "c"
    (right,) = [e for e in entries(ward, stay, "TRUTH") if e["kind"] == "STAY_TRANSFERRED"]
    (wrong,) = [e for e in entries(ward, stay) if e["status"] == "CORRECTED"]
    assert (right["occurredAt"], right["data"]["bed"]["bed"]) == (at, "c")
    assert (right["corrects"], wrong["correctedBy"]) == (wrong["id"], right["id"])
    assert wrong["data"]["bed"]["bed"] == "b"
    return answer


@example("StayRecorded")
def correct_facts(ward: Ward) -> Answer:
    room = ward.room("a", "b", "c")
    one, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")
    firsts = [movement(ward, stay, "STAY_ROOM_ALLOCATED") for stay in (one, other)]
    answer = ward.execute(
        "correctFacts",
        corrections=[
            {"movementId": firsts[0], **place(f"{room}/b")},
            {"movementId": firsts[1], **place(f"{room}/a")},
        ],
        entries=[{"stayId": one, "occurredAt": ago(hours=3), **place(f"{room}/c")}],
        **WRONG,
    )
    assert {s["id"]: s["bed"] for s in answer["changedStays"]} == {one: "c", other: "a"}
    return answer


@example("StayRecorded")
def move_stay(ward: Ward) -> Answer:
    mrn = ward.patient()
    stay = ward.stay(f"{ward.room('a')}/a")
    answer = ward.execute("moveStay", stayId=stay, patientMrn=mrn, **WRONG)
    assert answer["stay"]["patient"]["mrn"] == mrn
    return answer


@example("VisitRecorded")
def amend_visit(ward: Ward) -> Answer:
    stay, doctor, at = ward.stay(), ward.doctor(), ago(hours=3)
    visit = ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", note="x")
    answer = ward.execute(
        "amendVisit", visitId=visit["visit"]["id"], note="right", occurredAt=at, **WRONG
    )
    assert (answer["visit"]["note"], answer["visit"]["kind"]) == ("right", "ROUND")
    assert answer["visit"]["occurredAt"] == at
    return answer


@example("StayRecorded")
def cancel_visit(ward: Ward) -> Answer:
    stay = ward.stay()
    visit = ward.record("recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND")
    answer = ward.execute("cancelVisit", visitId=visit["visit"]["id"], **WRONG)
    query = "query($id: ID!) { stay(id: $id) { visits { id } } }"
    assert ward.ask(query, id=stay)["stay"]["visits"] == []
    return answer


@example("PrescriptionRecorded")
def cancel_prescription(ward: Ward) -> Answer:
    answer = ward.execute("cancelPrescription", prescriptionId=ward.prescription(), **WRONG)
    assert answer["prescription"]["status"] == "CANCELLED"
    return answer


@example("PrescriptionRecorded")
def correct_administration(ward: Ward) -> Answer:
    stay = ward.stay()
    id = ward.prescription(stay)
    ward.record("recordAdministration", prescriptionId=id, given=True, doseGiven="1 g")
    dose = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    ward.execute("correctAdministration", administrationId=dose, doseGiven="2 g", **WRONG)
    answer = ward.execute(
        "correctAdministration",
        administrationId=dose,
        given=False,
        reasonNotGiven="spat out",
        occurredAt=ago(hours=2),
        **WRONG,
    )
    (held,) = answer["prescription"]["administrations"]
    assert (held["given"], held["doseGiven"], held["reasonNotGiven"]) == (False, None, "spat out")
    return answer


@example("PrescriptionRecorded")
def cancel_administration(ward: Ward) -> Answer:
    stay = ward.stay()
    id = ward.prescription(stay)
    ward.record("recordAdministration", prescriptionId=id, given=True, doseGiven="1 g")
    dose = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    answer = ward.execute("cancelAdministration", administrationId=dose, **WRONG)
    assert answer["prescription"]["administrations"] == []
    return answer


PATIENT = """query($mrn: String!, $asOf: DateTime) { patient(mrn: $mrn, asOf: $asOf) {
  id familyName givenName mergedInto { mrn } otherRecords { mrn } stays { id } } }"""


def renamed(ward: Ward, since: str) -> dict[str, str]:
    """Rename a patient from a day on; return who it is, and since when."""
    mrn = ward.patient(familyName="Okafor")
    fields = {"familyName": "Belo", "validFrom": since, "reason": "married"}
    ward.record("correctPatientDetails", patientMrn=mrn, **fields)
    return {"patientMrn": mrn, "validFrom": since}


@example("PatientRecorded")
def correct_patient_change(ward: Ward) -> Answer:
    wrong, right = {"reason": "misheard"}, {"familyName": "Bello", "newValidFrom": "2026-01-03"}
    answer = ward.execute("correctPatientChange", **renamed(ward, "2026-01-02"), **right, **wrong)
    assert answer["patient"]["familyName"] == "Bello"
    return answer


@example("PatientRecorded")
def cancel_patient_change(ward: Ward) -> Answer:
    answer = ward.execute(
        "cancelPatientChange", **renamed(ward, "2026-01-02"), reason="not married"
    )
    assert answer["patient"]["familyName"] == "Okafor"
    return answer


@example("PatientRecorded")
def correct_patient_details(ward: Ward) -> Answer:
    mrn, right = ward.patient(familyName="Okafro", givenName="Ada"), ward.name("M")
    fields = {"patientMrn": mrn, **WRONG}
    ward.execute("correctPatientDetails", familyName="Bello", validFrom="2026-01-02", **fields)
    answer = ward.execute("correctPatientDetails", familyName="Okafor", mrn=right, **fields)
    assert (answer["patient"]["mrn"], answer["patient"]["familyName"]) == (right, "Bello")
    before = ward.ask(PATIENT, mrn=right, asOf="2026-01-01T00:00:00Z")["patient"]
    assert before["familyName"] == "Okafor"
    ward.record("registerPatient", mrn=mrn)  # the wrong number is free again
    return answer


@example("PatientRecorded")
def merge_patients(ward: Ward) -> Answer:
    one, other = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=one)
    answer = ward.execute("mergePatients", patientMrn=one, intoMrn=other, **WRONG)
    into = ward.ask(PATIENT, mrn=other)["patient"]
    assert [s["id"] for s in into["stays"]] == [stay]
    assert [r["mrn"] for r in into["otherRecords"]] == [one]
    assert ward.ask(PATIENT, mrn=one)["patient"]["mergedInto"] == {"mrn": other}
    both = ward.execute(
        "admitPatient", patientMrn=other, admissionType="ELECTIVE", withoutBed="hall"
    )
    assert both["__typename"] == "PatientAlreadyAdmitted"
    return answer


@example("PatientRecorded")
def unmerge_patients(ward: Ward) -> Answer:
    one, other = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=one)
    before = ward.ask(PATIENT, mrn=one)
    ward.record("mergePatients", patientMrn=one, intoMrn=other, **WRONG)
    query = """query($mrn: String!) { timeline(mrn: $mrn) { nodes { kind data stayId } } }"""
    told_of = ward.ask(query, mrn=other)["timeline"]["nodes"]
    (merge,) = [e["data"]["merge"] for e in told_of if e["kind"] == "PATIENT_MERGED"]
    assert stay in {e["stayId"] for e in told_of}
    answer = ward.execute("unmergePatients", mergeId=merge, **WRONG)
    assert ward.ask(PATIENT, mrn=one) == before
    assert ward.ask(PATIENT, mrn=other)["patient"]["stays"] == []
    ward.record("admitPatient", patientMrn=other, admissionType="ELECTIVE", withoutBed="hall")
    return answer


@example("PrescriptionRecorded")
def correct_prescription_change(ward: Ward) -> Answer:
    stay, right = ward.stay(), ago(hours=3)
    ward.record("changePrescription", prescriptionId=ward.prescription(stay), dose="2 g")
    change = movement(ward, stay, "PRESCRIPTION_CHANGED")
    at = {"occurredAt": right, **WRONG}
    answer = ward.execute("correctPrescriptionChange", changeId=change, dose="3 g", **at)
    assert answer["prescription"]["dose"] == "3 g"
    return answer


@example("PrescriptionRecorded")
def cancel_prescription_change(ward: Ward) -> Answer:
    stay = ward.stay()
    ward.record("holdPrescription", prescriptionId=ward.prescription(stay))
    change = movement(ward, stay, "PRESCRIPTION_HELD")
    answer = ward.execute("cancelPrescriptionChange", changeId=change, **IN_ERROR)
    assert answer["prescription"]["status"] == "ACTIVE"
    return answer
