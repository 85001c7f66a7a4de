"""Mistakes that those meet who build a screen on the API from its schema alone: see `test_covered`."""

from typing import Any

import pytest

from application.authorization.roles import Purpose
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, ahead, place
from tests.support.room_examples import closed

LATE = {"reason": "typed wrong"}


def version(ward: Ward, id: str) -> int:
    """Return the version of a stay, patient, prescription or room."""
    kinds = ("Stay", "Patient", "Prescription", "Room")
    selected = " ".join(f"... on {kind} {{ version }}" for kind in kinds)
    node = ward.ask(f"query($id: ID!) {{ node(id: $id) {{ {selected} }} }}", id=id)["node"]
    version: int = node["version"]
    return version


def test_mistake_633_the_version_that_a_command_expects_is_nowhere_said(shared: Ward) -> None:
    """It is that of what the command names first."""
    room = shared.room("a", "b")
    stay, other = shared.stay(f"{room}/a"), shared.stay(f"{room}/b")
    prescription, doctor = shared.prescription(stay), shared.doctor()
    mrns = [shared.patient() for _ in range(2)]
    patient = shared.ask("query($m: String!) { patient(mrn: $m) { id } }", m=mrns[0])["patient"][
        "id"
    ]
    board = "query($id: ID!) { stay(id: $id) { room { id } } }"
    room_id = shared.ask(board, id=stay)["stay"]["room"]["id"]
    commands: list[tuple[str, str, dict[str, Any]]] = [
        (stay, "swapBeds", {"stayId": stay, "withStayId": other}),
        (stay, "writePrescription", {"stayId": stay, "medication": {"name": "Ibuprofen"}}),
        (stay, "recordVisit", {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}),
        (stay, "planDischarge", {"stayId": stay, "plan": "PLANNED", "expectedAt": ahead(hours=5)}),
        (prescription, "recordAdministration", {"prescriptionId": prescription, "given": True}),
        (prescription, "holdPrescription", {"prescriptionId": prescription}),
        (patient, "recordAllergy", {"patientMrn": mrns[0], "substance": {"name": "Nickel"}}),
        (patient, "mergePatients", {"patientMrn": mrns[0], "intoMrn": mrns[1], **LATE}),
        (room_id, "addBed", {**place(f"{room}/c")}),
        (stay, "dischargePatient", {"stayId": stay, "disposition": "HOME"}),
    ]  # fmt: skip
    for id, command, input in commands:
        held = version(shared, id)
        answer = shared.execute(command, **input, expectedVersion=held + 1)
        assert answer["__typename"] == "VersionConflict", command
        assert f"found {held};" in answer["message"], command
        assert shared.execute(command, **input, expectedVersion=held)["__typename"].endswith(
            "Recorded"
        )


@pytest.mark.parametrize("purpose", Purpose)
def test_mistake_634_a_purpose_is_refused_as_the_schema_names_it(
    shared: Ward, purpose: Purpose
) -> None:
    """`viewer { purposes }` tells QUALITY, and the header took quality only."""
    question = {"query": "{ viewer { purpose purposes } }"}
    for name in (purpose.name, purpose.value):
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Purpose": name}
        answer = shared.client.http.post("/graphql", json=question, headers=headers).json()
        result = answer["data"]["viewer"]
        assert purpose.name in result["purposes"]
        assert result["purpose"] == purpose.name


def test_mistake_635_a_cancelled_visit_is_called_a_movement(shared: Ward) -> None:
    visit = {"stayId": shared.stay(), "practitioner": shared.doctor(), "kind": "ROUND"}
    id = shared.record("recordVisit", **visit)["visit"]["id"]
    shared.record("cancelVisit", visitId=id, **LATE)
    for command in ("amendVisit", "cancelVisit"):
        answer = shared.execute(command, visitId=id, **LATE)
        assert answer["__typename"] == "MovementNotFound"
        assert f"no visit {id} any more" in answer["message"]


def test_mistake_636_a_list_of_a_patient_of_another_authority_cannot_be_asked_for(
    shared: Ward,
) -> None:
    """`patientMrn` of filters was of the hospital's own numbers alone."""
    mrn = shared.name("MRN_")
    for authority in (None, "insurer"):
        named = {"mrnAuthority": authority} if authority else {}
        shared.record("registerPatient", mrn=mrn, familyName=authority, **named)
        shared.record("admitPatient", patientMrn=mrn, admissionType="ELECTIVE", **named)
        shared.record("planAdmission", patientMrn=mrn, expectedAt=ahead(days=1), **named)
    for query in (STAYS, ARRIVALS):
        for authority in (None, "insurer"):
            filter = {"patientMrn": mrn, "mrnAuthority": authority}
            ((node,),) = [of["nodes"] for of in shared.ask(query, filter=filter).values()]
            assert node["patient"]["familyName"] == authority


STAYS = "query($filter: StayFilter) { stays(filter: $filter) { nodes { patient { familyName } } } }"
ARRIVALS = """query($filter: ExpectedArrivalFilter) {
  expectedArrivals(filter: $filter) { nodes { patient { familyName } } } }"""


def test_mistake_637_a_refusal_says_what_is_and_not_what_has_to_be(shared: Ward) -> None:
    """ "until: it ends after it begins", of one that did not."""
    here, closure = closed(shared)
    until = ago(hours=2)
    answer = shared.execute("correctBedState", **here, bedStateId=closure, until=until, **LATE)
    assert answer["message"] == "until: it has to be after it begins."
