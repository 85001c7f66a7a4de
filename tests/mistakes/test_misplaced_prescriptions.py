"""Mistakes of other systems about prescriptions in the wrong stay: see `test_covered` for the list."""

from typing import Any

from tests.support.api_dsl import Ward, ago, ahead, late
from tests.support.care_examples import allergy
from tests.support.correction_examples import WRONG, fact, movement

ORDER = """query($id: ID!, $at: DateTime) { prescription(id: $id, asOf: $at) {
  status medication { name } dose route frequency start stop prescriber { staffNumber }
  administrations { id occurredAt given doseGiven reasonNotGiven performedBy infusion endedAt } } }"""
STEPS = """query($id: ID!) { timeline(stayId: $id, read: TRUTH) {
  nodes { kind movementId occurredAt occurredAtPrecision performedBy corrects } } }"""


def order(ward: Ward, id: str, at: str | None = None) -> Any:
    return ward.ask(ORDER, id=id, at=at)["prescription"]


def steps(ward: Ward, stay: str) -> list[Any]:
    """Return what holds of the prescriptions of a stay, without what follows from its discharge."""
    nodes = ward.ask(STEPS, id=stay)["timeline"]["nodes"]
    result = [n for n in nodes if n["kind"].startswith("PRESCRIPTION")]
    for node in result:
        if node["kind"].endswith(("WRITTEN", "INFUSION_ENDED")):
            node["movementId"] = None
        if node.pop("corrects"):
            node["performedBy"] = None  # that of who corrected it
    return result


def a_course(ward: Ward, stay: str) -> tuple[str, str]:
    """Write a prescription with all that can happen to it; return it and the id of its change."""
    text = {"dose": "1 g", "route": "oral", "prescriber": ward.doctor(), "performedBy": "Dr. A"}
    drug = ward.prescription(stay, **text, **late(ago(hours=20)))
    ward.record(
        "correctPrescription", prescriptionId=drug, dose="2 g", occurredAt=ago(hours=21), **WRONG
    )
    change = {"prescriptionId": drug, "dose": "3 g", "frequency": "twice", "performedBy": "Dr. B"}
    ward.record("changePrescription", **change, stop=ahead(hours=50), **late(ago(hours=18)))
    id = movement(ward, stay, "PRESCRIPTION_CHANGED")
    ward.record("correctPrescriptionChange", changeId=id, dose="4 g", **WRONG)
    for hours, step in ((17, "hold"), (16, "resume")):
        ward.record(f"{step}Prescription", prescriptionId=drug, **late(ago(hours=hours)))
    fields = {"prescriptionId": drug, "given": True, "doseGiven": "1 g", "performedBy": "N. Okafor"}
    ward.record("recordAdministration", **fields, **late(ago(hours=15)))
    dose = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    right = {"administrationId": dose, "occurredAt": ago(hours=14.5), "doseGiven": "2 g"}
    ward.record("correctAdministration", **right, **WRONG)
    infused = {"prescriptionId": drug, "given": True, "infusion": True, "endedAt": ago(hours=12)}
    ward.record("recordAdministration", **infused, **late(ago(hours=14)))
    missed = {"prescriptionId": drug, "given": False, "reasonNotGiven": "asleep"}
    ward.record("recordAdministration", **missed, **late(ago(hours=11)))
    return drug, id


def move(ward: Ward, drug: str, stay: str, **content: Any) -> Any:
    return ward.execute(
        "correctPrescription", prescriptionId=drug, stayId=stay, **{**WRONG, **content}
    )


def test_mistake_279_a_prescription_in_the_wrong_stay_is_written_and_given_again_by_hand(
    ward: Ward,
) -> None:
    wrong, right = ward.stay(), ward.stay()
    drug, change = a_course(ward, wrong)
    before, result = order(ward, drug), steps(ward, wrong)
    for to, away in ((right, wrong), (wrong, right), (right, wrong)):
        answer = move(ward, drug, to)
        assert answer["__typename"] == "PrescriptionRecorded"
        assert (order(ward, drug)["status"], order(ward, drug)["administrations"]) == (
            "CANCELLED",
            [],
        )
        drug = answer["prescription"]["id"]
        assert order(ward, drug) == before
        now = steps(ward, to)
        assert [{**n, "performedBy": None} for n in now] == [
            {**n, "performedBy": None} for n in result
        ]
        pairs = zip(now, result, strict=True)
        assert all(n["performedBy"] == t["performedBy"] for n, t in pairs if t["performedBy"])
        assert steps(ward, away) == []
    ward.record("correctPrescriptionChange", changeId=change, dose="5 g", **WRONG)
    assert order(ward, drug)["dose"] == "5 g"
    ward.record("cancelPrescriptionChange", changeId=change, **WRONG)
    assert order(ward, drug)["dose"] == "2 g"


def test_mistake_279_a_prescription_goes_where_its_doses_can_have_been_given_alone(
    ward: Ward,
) -> None:
    drug, _ = a_course(ward, ward.stay())
    later, ended = ward.stay(at=ago(hours=1)), ward.stay()
    ward.record("dischargePatient", stayId=ended, disposition="HOME", **late(ago(hours=13)))
    assert {move(ward, drug, stay)["__typename"] for stay in (later, ended)} == {"OutsideStay"}
    both = move(ward, drug, ward.stay(), dose="1 g")
    assert (both["__typename"], both["path"]) == ("InvalidInput", ["stayId"])
    assert order(ward, drug)["status"] == "ACTIVE"


def test_mistake_279_the_end_of_the_right_stay_ends_a_prescription_that_goes_there(
    ward: Ward,
) -> None:
    wrong, right = ward.stay(), ward.stay()
    drug = ward.prescription(wrong)
    ward.record("dischargePatient", stayId=wrong, disposition="HOME", **late(ago(hours=9)))
    ward.record("dischargePatient", stayId=right, disposition="HOME", **late(ago(hours=5)))
    moved = move(ward, drug, right)["prescription"]["id"]
    assert order(ward, moved, ago(hours=6))["status"] == "ACTIVE"
    assert order(ward, moved, ago(hours=4))["status"] == "STOPPED"
    last = movement(ward, right, "STAY_DISCHARGED")
    ward.record("correctMovement", movementId=last, occurredAt=ago(hours=7), **WRONG)
    assert order(ward, moved, ago(hours=6))["status"] == "STOPPED"


def test_mistake_279_a_prescription_that_goes_to_who_is_allergic_is_confirmed(ward: Ward) -> None:
    mrn = ward.patient()
    right = ward.stay(patientMrn=mrn)
    allergy(ward, mrn)
    drug = ward.prescription(medication={"name": "Penicillin"})
    assert move(ward, drug, right)["warnings"] == ["ALLERGY"]
    result = move(ward, drug, right, confirmedWarnings=["ALLERGY"])
    assert result["__typename"] == "PrescriptionRecorded"


def test_mistake_370_a_prescription_goes_to_an_earlier_stay_at_its_right_times(ward: Ward) -> None:
    mrn, right = ward.patient(), ago(days=9)
    earlier = ward.stay(f"{ward.room('a')}/a", ago(days=10), patientMrn=mrn)
    ward.record("dischargePatient", stayId=earlier, disposition="HOME", **late(ago(days=8)))
    later = ward.stay(f"{ward.room('a')}/a", ago(days=2), patientMrn=mrn)
    drug = ward.prescription(later, dose="1 g", **late(ago(days=1)))
    ends = ward.prescription(later, **late(ago(days=1)), start=ago(hours=20), stop=ago(hours=2))

    assert move(ward, drug, earlier)["__typename"] == "OutsideStay"
    assert move(ward, drug, earlier, occurredAt=ago(days=7))["__typename"] == "OutsideStay"
    moved = move(ward, drug, earlier, occurredAt=right)["prescription"]["id"]
    result = order(ward, moved, right)
    assert (result["status"], result["start"], result["dose"]) == ("ACTIVE", right, "1 g")
    assert order(ward, moved)["status"] == "STOPPED"
    (written,) = [n for n in steps(ward, earlier) if n["kind"] == "PRESCRIPTION_WRITTEN"]
    assert written["occurredAt"] == right

    times = {"occurredAt": right, "start": ago(days=8.5)}
    both = move(ward, ends, earlier, **times, stop=ago(days=8.2), openEnded=True)
    assert (both["__typename"], both["path"]) == ("InvalidInput", ["openEnded"])
    course = move(ward, ends, earlier, **times, stop=ago(days=8.2))["prescription"]["id"]
    assert order(ward, course)["start"] == times["start"]
    assert order(ward, course, ago(days=8.3))["status"] == "ACTIVE"
    assert order(ward, course)["status"] == "COMPLETED"
    back = move(ward, course, later, occurredAt=ago(days=1), start=ago(hours=20), openEnded=True)
    assert order(ward, back["prescription"]["id"])["status"] == "ACTIVE"
