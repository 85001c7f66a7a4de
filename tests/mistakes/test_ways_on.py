"""Mistakes of other systems whose refusals lead nowhere: see `test_covered` for the list."""

from uuid import uuid4

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import WRONG, movement
from tests.support.graphql_client import GraphQLClient


def test_mistake_900_a_refusal_says_what_is_wrong_and_not_what_to_do(ward: Ward) -> None:
    here, children = ward.room("a", "b"), ward.room("a")
    closed, small = place(f"{here}/b"), place(f"{children}/a")
    mrn = ward.patient(birthDate="1950-01-01")
    stay = ward.stay(f"{here}/a", patientMrn=mrn, at=ago(hours=9))
    ward.record("closeBed", **closed, reason="leak")
    ward.record("setRoomPolicy", ward=small["ward"], room=small["room"], policy="CHILDREN_ONLY")
    ward.record("startLeave", stayId=stay, keepBed=True, **late(ago(hours=7)))
    ward.record("endLeave", stayId=stay, **late(ago(hours=5)))
    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}
    began = {"movementId": movement(ward, stay, "STAY_LEAVE_STARTED"), "occurredAt": ago(hours=4)}
    other = ward.patient(birthDate="1950-01-01")
    ward.record("recordDeath", patientMrn=other, **late(ago(hours=3)))
    dead = {"patientMrn": other, "admissionType": "EMERGENCY"}
    former, held = ward.patient(), {"patientMrn": ward.patient(), **WRONG}
    ward.record("mergePatients", patientMrn=former, intoMrn=mrn, **WRONG)
    ward.record("placeLegalHold", **held)
    for command, content, todo in (
        ("mergePatients", {"patientMrn": former, "intoMrn": other, **WRONG}, "unmerge it first"),
        ("placeLegalHold", held, "lift it first"),
        ("transferPatient", {"stayId": stay, **closed}, "choose another bed or time"),
        ("transferPatient", {"stayId": stay, **small}, "choose another room"),
        ("admitPatient", admission, "go on with it"),
        ("correctMovement", {**began, **WRONG}, "correct that first, or together with this"),
        ("admitPatient", dead, "correct either"),
        ("recordDeath", {"patientMrn": other, **late(ago(hours=4))}, "contradicts it"),
    ):
        message = ward.execute(command, **content)["message"]
        assert todo in message, (command, message)


def test_mistake_901_an_id_of_another_kind_is_called_unknown(ward: Ward) -> None:
    """Who gives a patient's id for a stay's is told that, by a command and by a question."""
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    shown = ward.ask("query($i: ID!) { stay(id: $i) { patient { id } room { id } } }", i=stay)[
        "stay"
    ]
    ids = {"stay": stay, "patient": shown["patient"]["id"], "room": shown["room"]["id"]}
    for kind in ("patient", "room"):
        for command, content in (
            ("dischargePatient", {"stayId": ids[kind], "disposition": "HOME"}),
            ("cancelMovement", {"movementId": ids[kind], "because": "ENTERED_IN_ERROR", **WRONG}),
            ("holdPrescription", {"prescriptionId": ids[kind]}),
        ):
            message = ward.execute(command, **content)["message"]
            assert message.endswith(f"That is the id of a {kind}."), (command, message)
    for asked, given in (("stay", "patient"), ("patient", "stay"), ("prescription", "room")):
        question = f"query($i: ID!) {{ {asked}(id: $i) {{ id }} }}"
        (error,) = ward.client.raw(question, {"i": ids[given]})["errors"]
        assert error["message"] == f"There is no such {asked}. That is the id of a {given}."


def test_mistake_958_of_what_else_an_id_is_tells_what_is_closed(ward: Ward) -> None:
    """Of a prescription, no registrar is told that it is one; of a closed record, no nurse."""
    prescription = ward.prescription()
    mrn = ward.patient(confidentiality="VERY_RESTRICTED")
    shown = ward.ask("query($m: String) { patient(mrn: $m) { id } }", m=mrn)
    stay = ward.stay(patientMrn=mrn)
    patient = shown["patient"]["id"]
    for role, asked, id in (
        (Role.REGISTRAR, "stay", prescription),
        (Role.NURSE, "stay", patient),
        (Role.NURSE, "prescription", stay),
    ):
        client = GraphQLClient(ward.client.http, LOGIN.make(role, ward.name("reader")))
        (error,) = client.raw(f"query($i: ID!) {{ {asked}(id: $i) {{ id }} }}", {"i": id})["errors"]
        assert error["message"] == f"There is no such {asked}.", (role, asked)
        content = {"stayId": id, "commandId": str(uuid4())}
        command = (
            "mutation($i: EndLeaveInput!) { endLeave(input: $i) { ... on Refusal { message } } }"
        )
        message = client.ask(command, i=content)["endLeave"]["message"]
        assert "That is the id" not in message, (role, asked)
