"""Mistakes about answers to commands: what was just recorded cannot be put right, for want of its id."""

from typing import Any
from uuid import uuid4

from tests.support.api_dsl import Ward, ago, late

ANSWER = """mutation($input: %sInput!) { answer: %s(input: $input) { __typename
  ... on %s { %s } ... on Refusal { message } } }"""


def answer(house: Ward, command: str, payload: str, selected: str, **input: Any) -> Any:
    name = command[0].upper() + command[1:]
    input["commandId"] = str(uuid4())
    return house.ask(ANSWER % (name, command, payload, selected), input=input)["answer"]


def test_mistake_145_an_answer_carries_the_id_that_its_correction_needs(shared: Ward) -> None:
    room = shared.room("a", "b")
    stay = shared.stay(f"{room}/a")
    to = {"ward": "A", "room": room.split("/")[1], "bed": "b", **late(ago(hours=3))}
    moved = answer(
        shared, "transferPatient", "StayRecorded", "movements { id kind }", stayId=stay, **to
    )
    (movement,) = moved["movements"]
    assert movement["kind"] == "STAY_TRANSFERRED"
    at = ago(hours=4)
    corrected = {"movementId": movement["id"], "occurredAt": at, "reason": "earlier"}
    shared.record("correctMovement", **corrected)

    prescription = shared.prescription(stay)
    held = answer(
        shared,
        "holdPrescription",
        "PrescriptionRecorded",
        "change { kind changeId } administration { id }",
        prescriptionId=prescription,
        reason="low pressure",
    )
    assert held["change"]["kind"] == "PRESCRIPTION_HELD"
    assert held["change"]["changeId"]
    assert held["administration"] is None
    shared.record("resumePrescription", prescriptionId=prescription)
    given = answer(
        shared,
        "recordAdministration",
        "PrescriptionRecorded",
        "administration { id given }",
        prescriptionId=prescription,
        given=True,
    )
    dose = given["administration"]
    shared.record(
        "cancelAdministration",
        administrationId=dose["id"],
        reason="not given",
    )

    one, other = shared.patient(), shared.patient()
    merged = answer(
        shared,
        "mergePatients",
        "PatientRecorded",
        "merge { id }",
        patientMrn=one,
        intoMrn=other,
        reason="the same",
    )
    shared.record("unmergePatients", mergeId=merged["merge"]["id"], reason="two persons")
