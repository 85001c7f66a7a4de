"""Commands that were recorded offline: given together, answered one by one, in order."""

from typing import Any
from uuid import uuid4

import pytest

from api.http.command_batch import MOST
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, codes, late, place

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def command(mutation: str, **input: Any) -> dict[str, Any]:
    return {"mutation": mutation, "input": {"commandId": str(uuid4()), **input}}


def given(ward: Ward, *commands: Any) -> list[Any]:
    answer = ward.client.http.post("/commands", json={"commands": commands}, headers=BEARER)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert isinstance(results, list)
    return results


def a_shift(ward: Ward) -> list[dict[str, Any]]:
    """Return what a nurse recorded while the network was away; the second cannot be so."""
    room, mrn = ward.room("a", "b"), ward.name("M")
    taken = ward.stay(f"{room}/a")
    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}
    return [
        command("registerPatient", mrn=mrn, familyName="Adeyemi", **late(ago(hours=6))),
        command("admitPatient", **admission, **place(f"{room}/a"), **late(ago(hours=5))),
        command("admitPatient", **admission, **place(f"{room}/b"), **late(ago(hours=4))),
        command("changeSpecialty", stayId=taken, specialty="surgery", **late(ago(hours=3))),
    ]


def test_they_are_answered_in_order_and_a_bad_one_does_not_stop_the_others(shared: Ward) -> None:
    shift = a_shift(shared)

    result = given(shared, *shift)

    kinds = ["PatientRecorded", "BedOccupied", "StayRecorded", "StayRecorded"]
    assert [answer["__typename"] for answer in result] == kinds
    ids = [c["input"]["commandId"] for c in shift]
    assert [result[n]["commandId"] for n in (0, 2, 3)] == [ids[n] for n in (0, 2, 3)]
    assert result[1]["code"] == "BedOccupied"
    assert result[1]["byStay"] == result[3]["stay"]["id"]
    assert result[2]["stay"]["bed"] == "b"
    query = "query($id: ID!) { stay(id: $id) { admittedAt } }"
    read = shared.ask(query, id=result[2]["stay"]["id"])
    assert read["stay"]["admittedAt"] == shift[2]["input"]["occurredAt"]


def test_sent_again_they_have_no_second_effect_and_the_same_answers(shared: Ward) -> None:
    shift = a_shift(shared)
    first = given(shared, *shift)
    assert given(shared, *shift) == first


def test_the_answer_is_that_of_the_mutation(shared: Ward) -> None:
    mrn = shared.patient()
    admission = {"patientMrn": mrn, "admissionType": "ELECTIVE", **late(ago(hours=1))}
    wanted = command("admitPatient", **admission)
    (result,) = given(shared, wanted)
    by_mutation = shared.execute("admitPatient", **wanted["input"])
    assert (
        by_mutation["stay"].items()
        >= {
            name: value for name, value in result["stay"].items() if name in by_mutation["stay"]
        }.items()
    )
    assert (result["position"], result["recordedAt"]) == (
        by_mutation["position"],
        by_mutation["recordedAt"],
    )
    (again,) = given(shared, command("admitPatient", **admission))
    refusal = shared.execute("admitPatient", **admission)
    refusal["stay"] = refusal.pop("otherStay")  # the client of the tests calls it so
    assert again == refusal
    assert again["stay"] == result["stay"]["id"]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        {},
        {"mutation": "nothing", "input": {}},
        {"mutation": "node", "input": {"occurredAt": "2026-03-01T08:00:00Z"}},
        {"mutation": ["recordDeath"], "input": {}},
        {"mutation": "recordDeath", "input": []},
        command("recordDeath", patientMrn="nobody", occurredAt=""),
        command("recordDeath", patientMrn="nobody", occurredAt="yesterday"),
        command("recordDeath", patientMrn="nobody", occurredAt="2026-03-01T08:00:00Z", nothing=1),
    ],
    ids=lambda bad: " ".join(str(bad).split("'")[:4])[:30],
)
def test_what_is_no_command_is_told_in_its_place(shared: Ward, bad: Any) -> None:
    good = command("registerPatient", mrn=shared.name("M"), **late(ago(hours=1)))
    result = given(shared, bad, good)
    assert codes(result[0]) == {"BAD_REQUEST"}
    messages = [error["message"] for error in result[0]["errors"]]
    assert all(message[0].isupper() and message.endswith(".") for message in messages), messages
    assert result[1]["__typename"] == "PatientRecorded"


@pytest.mark.parametrize("body", [[], 3, {}, {"commands": 3}, {"commands": {}}], ids=str)
def test_what_is_no_batch_is_refused(shared: Ward, body: Any) -> None:
    answer = shared.client.http.post("/commands", json=body, headers=BEARER)
    assert (answer.status_code, codes(answer.json())) == (400, {"BAD_REQUEST"})


def test_who_may_not_ask_may_not_send(shared: Ward) -> None:
    http = shared.client.http
    assert http.post("/commands", json={"commands": []}).status_code == 401
    assert http.get("/commands", headers=BEARER).status_code == 405
    plain = {**BEARER, "Content-Type": "text/plain"}
    assert http.post("/commands", content=b'{"commands": []}', headers=plain).status_code == 415
    many = {"commands": [None] * (MOST + 1)}
    assert http.post("/commands", json=many, headers=BEARER).status_code == 413


def test_a_batch_s_media_type_may_be_written_in_any_case(shared: Ward) -> None:
    headers = {**BEARER, "Content-Type": "APPLICATION/JSON; Charset=UTF-8"}
    answer = shared.client.http.post("/commands", content=b'{"commands": []}', headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"results": []})
