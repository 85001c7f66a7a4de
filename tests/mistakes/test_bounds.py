"""Mistakes of other systems about values beyond all bounds: see `test_covered` for the list."""

import json
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.extreme_arguments import forged
from tests.support.graphql_client import GraphQLClient

EDGES = ("0001-01-01", "1849-12-31", "2999-12-31", "9999-12-31")
"""What other systems send for "no date", "always" and "never", and what nobody can mean."""


def batch(client: GraphQLClient, mutation: str, **input: Any) -> dict[str, Any]:
    """Return the result of a command that is sent in a batch."""
    command = {"mutation": mutation, "input": {"commandId": str(uuid4()), **input}}
    answer = client.http.post("/commands", json={"commands": [command]}, headers=client._headers)
    return dict(answer.json()["results"][0])


def is_refused(answer: dict[str, Any]) -> bool:
    """Return whether a command of a batch was refused as its sender's fault."""
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    return answer.get("__typename") in ("InvalidInput", "InFuture") or codes == {"BAD_REQUEST"}


@pytest.mark.parametrize("day", EDGES)
def test_mistake_140_no_day_that_can_be_sent_stands_for_always_or_never(
    ward: Ward, day: str
) -> None:
    mrn, doctor = ward.patient(), ward.doctor()
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    moment = f"{day}T00:00:00Z"
    bed = place(f"{room}/b")
    for mutation, input in (
        ("correctPatientDetails", {"patientMrn": mrn, "familyName": "B", "validFrom": day}),
        ("setHospitalTime", {"timeZone": "Europe/Berlin", "validFrom": day}),
        ("registerPatient", {"mrn": ward.name("M"), "birthDate": day}),
        ("changePractitioner", {"staffNumber": doctor, "grade": "REGISTRAR", "validFrom": day}),
        ("admitPatient", {"patientMrn": mrn, "admissionType": "ELECTIVE", "occurredAt": moment}),
        ("closeBed", {**bed, "until": moment}),
        ("planDischarge", {"stayId": stay, "plan": "PLANNED", "expectedAt": moment}),
    ):
        for _ in range(2):
            answer = batch(ward.client, mutation, **input, reason="no date")
            assert is_refused(answer), (mutation, answer)
    parked = ward.ask("{ projections { name parkedCommands { operation } } }")
    assert not any(model["parkedCommands"] for model in parked["projections"])


def test_mistake_140_a_refusal_of_a_day_names_its_field_and_the_bounds(ward: Ward) -> None:
    answer = ward.execute(
        "correctPatientDetails",
        patientMrn=ward.patient(),
        familyName="B",
        validFrom="2200-01-01",
        reason="typed wrongly",
    )
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["validFrom"])
    assert "1850-01-01" in answer["message"]
    stay = ward.stay()
    answer = ward.execute(
        "planDischarge", stayId=stay, plan="PLANNED", expectedAt="2200-01-01T00:00:00Z"
    )
    assert answer["path"] == ["expectedAt"]


@pytest.mark.parametrize(
    "zone", ["localtime", "posixrules", "Factory", "leapseconds", "/etc/passwd"]
)
def test_mistake_141_a_time_zone_is_no_file_of_the_machine(ward: Ward, zone: str) -> None:
    answer = ward.execute("setHospitalTime", timeZone=zone)
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["timeZone"])


def test_mistake_142_a_question_beyond_all_time_is_its_senders_fault(ward: Ward) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        for asked in (
            f'{{ wards(asOf: "{day}T00:00:00Z") {{ name }} }}',
            f'{{ occupancyHistory(from: "{day}T00:00:00Z", to: "{ago(days=1)}") {{ bed }} }}',
            f'{{ report(name: "long-stays", period: {{from: "{day}", to: "{day}"}}) {{ digest }} }}',
        ):
            answer = json.dumps(ward.client.raw(asked))
            assert "BAD_REQUEST" in answer, answer
            assert "INTERNAL" not in answer


def test_mistake_353_a_position_that_was_never_given_out_is_waited_for(ward: Ward) -> None:
    """Seconds long, to be asked for "again in a moment"; each holds a request of its login."""
    ward.room("a")
    for position in forged(ward.position()):
        for asked in (
            "query($p: Position) { wards(atLeast: $p) { name } }",
            "query($p: Position) { wards(at: {atLeast: $p}) { name } }",
            "query($p: Position) { wards(knownAtPosition: $p) { name } }",
            "query($p: Position) { events(after: $p) { nodes { id } } }",
        ):
            answer = ward.client.raw(asked, {"p": position})
            codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert codes <= {"InvalidInput"}, (position, asked, answer)


def test_mistake_143_a_course_of_no_duration_parks_no_read_model(ward: Ward) -> None:
    moments = [ago(hours=hours) for hours in (30, 12, 9, 6, 3)]
    stay, lot = ward.stay(at=ago(days=3)), Random(7)
    course = ward.prescription(stay, **late(moments[1]), start=moments[1])
    for dose, at in (("2 g", moments[2]), ("3 g", moments[3])):
        ward.record("changePrescription", prescriptionId=course, dose=dose, **late(at))
    reply = ward.ask(
        "query($s: ID!) { timeline(stayId: $s, kinds: [PRESCRIPTION_CHANGED], read: TRUTH) {"
        " nodes { movementId } } }",
        s=stay,
    )
    changes = [node["movementId"] for node in reply["timeline"]["nodes"]]
    for _ in range(40):
        moved = {"occurredAt": lot.choice(moments), "stop": lot.choice([None, *moments])}
        answer = ward.execute(
            "correctPrescriptionChange",
            changeId=lot.choice(changes),
            **moved,
            reason="read wrongly",
        )
        assert answer["__typename"] != "Parked", moved
