"""Mistakes of other systems about what a feed reports: see `test_covered` for the list."""

from itertools import islice, permutations
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.questions import stretches

SECOND = "2026-01-01T00:00:{:02}Z"


def send_message(ward: Ward, visit: str, id: str, second: int, **content: Any) -> dict[str, Any]:
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
            answer = send_message(ward, visit, str(i), i, movement=movement)
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
    send_message(
        ward, visit, "1", 1, sourceSequence=10, movement={**admission, **place(f"{room}/a")}
    )
    answer = send_message(
        ward, visit, "1", 1, sourceSequence=9, movement={**admission, **place(f"{room}/c")}
    )
    assert answer["ofStay"]["bed"] == "a"
    moved = {"kind": "TRANSFER", "occurredAt": ago(hours=4), **place(f"{room}/b")}
    send_message(ward, visit, "2", 20, movement=moved)
    assert send_message(ward, visit, "2", 3, cancelled=True)["ofStay"]["bed"] == "a"
    assert (
        send_message(ward, visit, "2", 30, movement=moved)["sourceMovement"]["status"]
        == "CANCELLED"
    )


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
        answer = send_message(shared, visit, str(i), i, movement=said[i])
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
    answer = send_message(ward, visit, "1", 1, movement=admission)
    assert answer["sourceMovement"]["why"] == "NotFound"
    known = {"familyName": "Okoye", "birthDate": "1970-05-01", "sex": "FEMALE"}
    answer = send_message(ward, visit, "1", 2, movement={**admission, "patient": known})
    assert answer["sourceMovement"]["status"] == "RECORDED"
    assert answer["sourceMovement"]["patient"]["mrn"] == mrn
    query = "query($mrn: String!) { patient(mrn: $mrn) { familyName birthDate sex } }"
    assert ward.ask(query, mrn=mrn)["patient"] == known
    again = send_message(ward, ward.name("V"), "1", 3, movement={**admission, "patient": {}})
    assert again["sourceMovement"]["why"] in ("PatientAlreadyAdmitted", "BedOccupied")


def test_mistake_66_a_message_by_a_former_number_finds_its_patient(ward: Ward) -> None:
    room, visit, mrn, now = ward.room("a"), ward.name("V"), ward.patient(), ward.name("N")
    ward.record("correctPatientDetails", patientMrn=mrn, mrn=now, reason="another number")
    admission = {"kind": "ADMIT", "patientMrn": mrn, "occurredAt": ago(hours=4)}
    answer = send_message(ward, visit, "1", 1, movement={**admission, **place(f"{room}/a")})
    assert answer["sourceMovement"]["status"] == "RECORDED"
    assert answer["sourceMovement"]["patient"]["mrn"] == now
    ward.record("registerPatient", mrn=mrn)
    later = {**admission, "occurredAt": ago(hours=1), "patientMrn": mrn}
    other = send_message(ward, ward.name("V"), "1", 2, movement=later)
    assert other["sourceMovement"]["patient"]["mrn"] == mrn


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_mistake_204_what_the_source_says_no_longer_is_unknown_in_whichever_order_it_comes(
    shared: Ward, order: tuple[int, ...]
) -> None:
    room, visit = shared.room("a", "b"), shared.name("V")
    at = {"patientMrn": shared.patient(), "occurredAt": ago(hours=9), "kind": "ADMIT"}
    care = {"attending": shared.doctor(), "specialty": "surgery", "admissionType": "DAY_CASE"}
    said: list[dict[str, Any]] = [
        {**at, **care, "withoutBed": "hall", "occurredAtPrecision": "HOUR"},
        at,
        {"kind": "TRANSFER", "occurredAt": ago(hours=8), **place(f"{room}/b")},
    ]
    for i in order:
        answer = send_message(shared, visit, "b" if i == 2 else "a", i, movement=said[i])
    query = (
        "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { admissionType specialty"
        " withoutBed attending { staffNumber } movements { occurredAtPrecision } } }"
    )
    first = shared.ask(query, id=answer["ofStay"]["id"], at=ago(hours=8.5))["stay"]
    precisions = {movement["occurredAtPrecision"] for movement in first.pop("movements")[-1:]}
    nothing = dict.fromkeys(("specialty", "withoutBed", "attending"))
    assert (first, precisions) == ({"admissionType": "EMERGENCY", **nothing}, {"MINUTE"})


def test_mistake_204_an_admission_that_had_a_bed_later_takes_it_along_to_another_time(
    shared: Ward,
) -> None:
    room, visit = shared.room("a"), shared.name("V")
    at = {"patientMrn": shared.patient(), "kind": "ADMIT"}
    send_message(shared, visit, "a", 1, movement={**at, "occurredAt": ago(hours=9)})
    times = [ago(hours=9), ago(hours=7), ago(hours=11)]
    for n, time in enumerate(times):
        movement = {**at, "occurredAt": time, **place(f"{room}/a")}
        answer = send_message(shared, visit, "a", 2 + n, movement=movement)
        assert answer["sourceMovement"]["status"] == "RECORDED"
        assert stretches(shared, answer["ofStay"]["id"], room) == [("a", time, None)]


def test_mistake_204_updates_that_are_entered_together_are_taken_back_one_by_one(
    shared: Ward,
) -> None:
    visit = shared.name("V")
    updates = {"b": ago(hours=8), "c": ago(hours=6)}
    for n, (id, at) in enumerate(updates.items()):
        care = {"specialty": id, "attending": shared.doctor()}
        send_message(shared, visit, id, n, movement={"kind": "UPDATE", "occurredAt": at, **care})
    admission = {"kind": "ADMIT", "patientMrn": shared.patient(), "occurredAt": ago(hours=9)}
    send_message(shared, visit, "a", 5, movement=admission)
    stay = send_message(shared, visit, "b", 6, cancelled=True)["ofStay"]["id"]
    query = (
        "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { specialty attending { id } } }"
    )
    seen = [shared.ask(query, id=stay, at=ago(hours=h))["stay"] for h in (7, 5)]
    assert seen[0] == {"specialty": None, "attending": None}
    assert seen[1]["specialty"] == "c"
    assert seen[1]["attending"] is not None


def test_mistake_204_a_detail_of_a_movement_that_nobody_knows_can_be_put_right(
    shared: Ward,
) -> None:
    room, doctor, at = shared.room("a"), shared.doctor(), ago(hours=9)
    stay = shared.stay(
        f"{room}/a", at, attending=doctor, specialty="surgery", decidedToAdmitAt=ago(hours=10)
    )
    leave = {"stayId": stay, "keepBed": True, "expectedReturn": ago(hours=1)}
    shared.record("startLeave", **leave, **late(ago(hours=5)))
    plan = {"plan": "PLANNED", "expectedAt": ago(hours=2)}
    shared.record("planDischarge", stayId=stay, **plan, **late(ago(hours=4)))
    query = (
        "query($id: ID!) { stay(id: $id) { attending { staffNumber } specialty decidedToAdmitAt"
        " expectedReturn expectedDischarge movements { kind status entry } }"
        " timeline(stayId: $id, read: TRUTH) { nodes { kind movementId data } } }"
    )
    nodes = shared.ask(query, id=stay)["timeline"]["nodes"]
    ids = {node["kind"]: node["movementId"] for node in nodes}
    unknown = [
        ("STAY_ADMITTED", ["ATTENDING", "SPECIALTY", "DECIDED_TO_ADMIT_AT"]),
        ("STAY_LEAVE_STARTED", ["EXPECTED_RETURN"]),
        ("STAY_DISCHARGE_PLANNED", ["EXPECTED_AT"]),
    ]
    for kind, details in unknown:
        correction = {"movementId": ids[kind], "unknown": details, "reason": "nobody said so"}
        shared.record("correctMovement", **correction)
    told_now = shared.ask(query, id=stay)
    fields = ("attending", "specialty", "decidedToAdmitAt", "expectedReturn", "expectedDischarge")
    assert [told_now["stay"][field] for field in fields] == [None] * 5
    data = {node["kind"]: node["data"] for node in told_now["timeline"]["nodes"]}
    named = {"attending", "specialty", "decided_to_admit_at", "unknown"}
    assert named.isdisjoint(data["STAY_ADMITTED"])
    assert "expected_return" not in data["STAY_LEAVE_STARTED"]
    refusal = shared.execute("correctMovement", movementId=ids["STAY_ADMITTED"], **WRONG_DETAIL)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["unknown"])


WRONG_DETAIL = {"unknown": ["DESTINATION"], "reason": "nobody said so"}


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
            answer = send_message(ward, visit, str(i), i, movement=movement)
        stay = answer["ofStay"]["id"]
        held = [ward.ask(query, id=stay, at=ago(hours=h))["stay"] for h in (8, 6, 4)]
        assert [(s["attending"]["staffNumber"], s["specialty"]) for s in held] == [
            (one, "surgery"),
            (two, "surgery"),
            (three, "medicine"),
        ], order
        assert {(s["admissionType"], s["withoutBed"]) for s in held} == {("ELECTIVE", "desk")}
        assert (
            send_message(ward, visit, "1", 9, cancelled=True)["sourceMovement"]["status"]
            == "CANCELLED"
        )
        before = ward.ask(query, id=stay, at=ago(hours=6))["stay"]
        assert before["attending"] == {"staffNumber": one}
