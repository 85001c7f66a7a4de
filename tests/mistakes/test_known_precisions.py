"""Mistakes of other systems about how precisely a time is known: see `test_covered` for the list."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import fact, movement

AT = {"happened": 5.0}
WRONG = {"reason": "the chart says so"}
TIMES = """query($mrn: String!) { timeline(mrn: $mrn, read: TRUTH) {
  nodes { kind occurredAt occurredAtPrecision } } }"""
Named = tuple[str, dict[str, Any]]
"""The correcting mutation, and what it names the fact by."""


def case(ward: Ward) -> dict[str, Any]:
    mrn = ward.patient()
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", patientMrn=mrn, at=ago(hours=9))
    return {"mrn": mrn, "room": room, "stay": stay, "doctor": ward.doctor()}


def moved(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(at))
    return "correctMovement", {"movementId": movement(ward, stay, "STAY_TRANSFERRED")}


def discharged(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(at))
    return "correctMovement", {"movementId": movement(ward, stay, "STAY_DISCHARGED")}


def visited(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    return "amendVisit", {"visitId": ward.record("recordVisit", **visit, **late(at))["visit"]["id"]}


def held(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    drug = ward.prescription(stay, **late(ago(hours=8)))
    ward.record("holdPrescription", prescriptionId=drug, **late(at))
    return "correctPrescriptionChange", {"changeId": movement(ward, stay, "PRESCRIPTION_HELD")}


def written(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    return "correctPrescription", {"prescriptionId": ward.prescription(stay, **late(at))}


def given(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    drug = ward.prescription(stay, **late(ago(hours=8)))
    ward.record("recordAdministration", prescriptionId=drug, given=True, **late(at))
    dose = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    return "correctAdministration", {"administrationId": dose}


def infused(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    dose = {"prescriptionId": ward.prescription(stay, **late(ago(hours=8))), "given": True}
    ward.record("recordAdministration", **dose, infusion=True, **late(ago(hours=7)))
    id = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    ward.record("endInfusion", administrationId=id, **late(at))
    return "correctInfusionEnd", {"administrationId": id}


def consulted(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    ward.record("requestConsult", stayId=stay, specialty="CARDIOLOGY", **late(at))
    return "correctConsult", {"consultId": fact(ward, stay, "STAY_CONSULT_REQUESTED", "consult")}


def withdrawn(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    _, named = consulted(ward, mrn, room, stay, doctor, ago(hours=7))
    ward.record("withdrawConsult", **named, **late(at))
    return "correctConsultWithdrawal", named


def raised(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    flag = ward.record("raiseFlag", stayId=stay, flagKind="isolation", **late(at))["flag"]["id"]
    return "correctFlag", {"stayId": stay, "flagId": flag}


def lowered(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    _, named = raised(ward, mrn, room, stay, doctor, ago(hours=7))
    ward.record("lowerFlag", **named, **late(at))
    return "correctFlagLowering", named


def allergic(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    substance = {"substance": {"name": "Penicillin"}}
    answer = ward.record("recordAllergy", patientMrn=mrn, **substance, **late(at))
    return "correctAllergy", {"patientMrn": mrn, "allergyId": answer["allergy"]["id"]}


def tolerant(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    _, named = allergic(ward, mrn, room, stay, doctor, ago(hours=7))
    ward.record("endAllergy", **named, **late(at))
    return "correctAllergyEnd", named


def dead(ward: Ward, mrn: str, room: str, stay: str, doctor: str, at: str) -> Named:
    ward.record("recordDeath", patientMrn=mrn, **late(at))
    return "correctDeath", {"patientMrn": mrn}


KINDS: dict[str, Callable[..., Named]] = {
    "STAY_TRANSFERRED": moved,
    "STAY_DISCHARGED": discharged,
    "STAY_VISIT_RECORDED": visited,
    "STAY_CONSULT_REQUESTED": consulted,
    "STAY_CONSULT_WITHDRAWN": withdrawn,
    "STAY_FLAG_RAISED": raised,
    "STAY_FLAG_LOWERED": lowered,
    "PRESCRIPTION_WRITTEN": written,
    "PRESCRIPTION_HELD": held,
    "PRESCRIPTION_ADMINISTRATION_RECORDED": given,
    "PRESCRIPTION_INFUSION_ENDED": infused,
    "PATIENT_ALLERGY_RECORDED": allergic,
    "PATIENT_ALLERGY_ENDED": tolerant,
    "PATIENT_DIED": dead,
}


@pytest.mark.parametrize("kind", KINDS)
def test_mistake_237_the_precision_of_a_time_is_put_right_without_another_time(
    ward: Ward, kind: str
) -> None:
    """Each kind of fact whose time can be corrected: the time said again, or not said at all."""
    result, at = case(ward), ago(hours=5)
    mutation, named = KINDS[kind](ward, **result, at=at)

    def time() -> tuple[str, str]:
        nodes = ward.ask(TIMES, mrn=result["mrn"])["timeline"]["nodes"]
        (node,) = [node for node in nodes if node["kind"] == kind]
        return node["occurredAt"], node["occurredAtPrecision"]

    assert time() == (at, "MINUTE")
    ward.record(mutation, **named, occurredAt=at, occurredAtPrecision="HOUR", **WRONG)
    assert time() == (at, "HOUR")
    ward.record(mutation, **named, occurredAtPrecision="ESTIMATED", **WRONG)
    assert time() == (at, "ESTIMATED")
    ward.record(mutation, **named, occurredAt=at, **WRONG)
    assert time() == (at, "MINUTE")
