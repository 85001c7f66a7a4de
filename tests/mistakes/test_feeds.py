"""Mistakes of other systems about what a feed reports: see `test_covered` for the list."""

from itertools import islice, permutations
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, place
from tests.support.questions import stretches

SECOND = "2026-01-01T00:00:{:02}Z"


def told(ward: Ward, visit: str, id: str, second: int, **content: Any) -> dict[str, Any]:
    """Send one message of a feed, which the source recorded in that second of its day."""
    ids = {"sourceId": f"{visit}-{id}", "sourceVisit": visit}
    at = SECOND.format(second)
    return ward.execute("recordSourceMovement", system="ADT", sourceRecordedAt=at, **ids, **content)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.nightly)])
def test_mistake_60_a_registration_and_the_admission_after_it_are_no_two_admissions(
    ward: Ward, every: int
) -> None:
    times = [ago(hours=hour) for hour in (9, 8, 7, 6)]
    for n, order in enumerate(islice(permutations(range(4)), 0, None, every)):
        room, mrn, visit = ward.room("a", "b", "c", ward=f"W{n}"), ward.patient(), ward.name("V")
        admits = {"kind": "ADMIT", "patientMrn": mrn}
        said = [
            {**admits, **place(f"{room}/a")},
            {**admits, **place(f"{room}/b")},
            {"kind": "TRANSFER", **place(f"{room}/c")},
            {"kind": "DISCHARGE", "disposition": "HOME"},
        ]
        for i in order:
            movement = {**said[i], "occurredAt": times[i]}
            answer = told(ward, visit, str(i), i, movement=movement)
        assert answer["sourceMovement"]["status"] == "RECORDED"
        assert stretches(ward, answer["ofStay"]["id"], room) == [
            ("a", times[0], times[1]),
            ("b", times[1], times[2]),
            ("c", times[2], times[3]),
        ]


def test_mistake_61_a_cancel_holds_whatever_its_clock_and_a_number_orders_one_second(
    ward: Ward,
) -> None:
    room, visit, at = ward.room("a", "b", "c"), ward.name("V"), ago(hours=5)
    admission = {"kind": "ADMIT", "patientMrn": ward.patient(), "occurredAt": at}
    told(ward, visit, "1", 1, sourceSequence=10, movement={**admission, **place(f"{room}/a")})
    answer = told(
        ward, visit, "1", 1, sourceSequence=9, movement={**admission, **place(f"{room}/c")}
    )
    assert answer["ofStay"]["bed"] == "a"
    moved = {"kind": "TRANSFER", "occurredAt": ago(hours=4), **place(f"{room}/b")}
    told(ward, visit, "2", 20, movement=moved)
    assert told(ward, visit, "2", 3, cancelled=True)["ofStay"]["bed"] == "a"
    assert told(ward, visit, "2", 30, movement=moved)["sourceMovement"]["status"] == "CANCELLED"


def test_mistake_63_a_batch_does_not_refuse_what_the_mutation_takes(shared: Ward) -> None:
    room, visit = shared.room("a"), shared.name("V")
    movement = {"kind": "ADMIT", "patientMrn": shared.patient(), "occurredAt": ago(hours=3)}
    input = {
        "commandId": str(uuid4()),
        "system": "ADT",
        "sourceId": f"{visit}-1",
        "sourceVisit": visit,
        "sourceRecordedAt": ago(hours=2),
        "movement": {**movement, **place(f"{room}/a")},
    }
    answer = shared.client.http.post(
        "/commands",
        json={"commands": [{"mutation": "recordSourceMovement", "input": input}]},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    (result,) = answer.json()["results"]
    assert result["__typename"] == "SourceMovementRecorded"
    assert result["sourceMovement"]["status"] == "RECORDED"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_mistake_64_who_is_responsible_and_the_class_are_not_lost_and_void_no_stay(
    shared: Ward, order: tuple[int, ...]
) -> None:
    room, visit = shared.room("a", "b"), shared.name("V")
    doctors = [shared.doctor(), shared.doctor()]
    said: list[dict[str, Any]] = [
        {"kind": "ADMIT", "patientMrn": shared.patient(), "occurredAt": ago(hours=9)},
        {"kind": "TRANSFER", "occurredAt": ago(hours=8), **place(f"{room}/b")},
        {"kind": "DISCHARGE", "occurredAt": ago(hours=2), "disposition": "TRANSFERRED"},
    ]
    said[0] |= {"admissionType": "DAY_CASE", "ward": room.partition("/")[0]}
    said[0] |= {"attending": doctors[0], "specialty": "surgery"}
    said[1] |= {"admissionType": "ELECTIVE", "attending": doctors[1], "specialty": "medicine"}
    said[2] |= {"destination": "Nursing home", "occurredAtPrecision": "HOUR"}
    for i in order:
        answer = told(shared, visit, str(i), i, movement=said[i])
    stay = answer["ofStay"]["id"]
    query = (
        "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { status admissionType"
        " specialty withoutBed disposition destination attending { staffNumber } } }"
    )
    first = shared.ask(query, id=stay, at=said[0]["occurredAt"])["stay"]
    assert (first["withoutBed"], first["specialty"]) == ("A", "surgery")
    assert first["attending"]["staffNumber"] == doctors[0]
    last = shared.ask(query, id=stay)["stay"]
    assert (last["status"], last["admissionType"]) == ("DISCHARGED", "ELECTIVE")
    assert (last["specialty"], last["attending"]["staffNumber"]) == ("medicine", doctors[1])
    assert (last["disposition"], last["destination"]) == ("TRANSFERRED", "Nursing home")


def test_mistake_65_a_patient_whom_only_the_feed_knows_is_not_left_outside(ward: Ward) -> None:
    room, visit, mrn, at = ward.room("a"), ward.name("V"), ward.name("X"), ago(hours=4)
    admission = {"kind": "ADMIT", "patientMrn": mrn, "occurredAt": at, **place(f"{room}/a")}
    answer = told(ward, visit, "1", 1, movement=admission)
    assert answer["sourceMovement"]["why"] == "NotFound"
    known = {"familyName": "Okoye", "birthDate": "1970-05-01", "sex": "FEMALE"}
    answer = told(ward, visit, "1", 2, movement={**admission, "patient": known})
    assert answer["sourceMovement"]["status"] == "RECORDED"
    assert answer["sourceMovement"]["patient"]["mrn"] == mrn
    query = "query($mrn: String!) { patient(mrn: $mrn) { familyName birthDate sex } }"
    assert ward.ask(query, mrn=mrn)["patient"] == known
    again = told(ward, ward.name("V"), "1", 3, movement={**admission, "patient": {}})
    assert again["sourceMovement"]["why"] in ("PatientAlreadyAdmitted", "BedOccupied")


def test_mistake_66_a_message_by_a_former_number_finds_its_patient(ward: Ward) -> None:
    room, visit, mrn, now = ward.room("a"), ward.name("V"), ward.patient(), ward.name("N")
    ward.record("correctPatientDetails", patientMrn=mrn, mrn=now, reason="another number")
    admission = {"kind": "ADMIT", "patientMrn": mrn, "occurredAt": ago(hours=4)}
    answer = told(ward, visit, "1", 1, movement={**admission, **place(f"{room}/a")})
    assert answer["sourceMovement"]["status"] == "RECORDED"
    assert answer["sourceMovement"]["patient"]["mrn"] == now
    ward.record("registerPatient", mrn=mrn)
    later = {**admission, "occurredAt": ago(hours=1), "patientMrn": mrn}
    other = told(ward, ward.name("V"), "1", 2, movement=later)
    assert other["sourceMovement"]["patient"]["mrn"] == mrn


@pytest.mark.nightly
def test_mistake_153_an_update_holds_from_its_time_on_in_whichever_order_it_comes(
    ward: Ward,
) -> None:
    times, (one, two, three) = [ago(hours=h) for h in (9, 7, 5, 3)], [ward.doctor() for _ in "abc"]
    reports: list[dict[str, Any]] = [
        {"kind": "ADMIT", "attending": one, "specialty": "surgery"},
        {"kind": "UPDATE", "attending": two, "admissionType": "ELECTIVE"},
        {"kind": "UPDATE", "attending": three, "specialty": "medicine"},
        {"kind": "DISCHARGE", "disposition": "HOME"},
    ]
    query = """query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) {
      specialty admissionType withoutBed attending { staffNumber } } }"""
    for order in permutations(range(4)):
        mrn, visit = ward.patient(), ward.name("V")
        for i in order:
            movement = {**reports[i], "occurredAt": times[i]}
            movement |= {"patientMrn": mrn, "withoutBed": "desk"} if i == 0 else {}
            answer = told(ward, visit, str(i), i, movement=movement)
        stay = answer["ofStay"]["id"]
        held = [ward.ask(query, id=stay, at=ago(hours=h))["stay"] for h in (8, 6, 4)]
        assert [(s["attending"]["staffNumber"], s["specialty"]) for s in held] == [
            (one, "surgery"),
            (two, "surgery"),
            (three, "medicine"),
        ], order
        assert {(s["admissionType"], s["withoutBed"]) for s in held} == {("ELECTIVE", "desk")}
        assert told(ward, visit, "1", 9, cancelled=True)["sourceMovement"]["status"] == "CANCELLED"
        before = ward.ask(query, id=stay, at=ago(hours=6))["stay"]
        assert before["attending"] == {"staffNumber": one}
