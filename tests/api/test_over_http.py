"""Commands as clients send them: repeated, refused, many at once."""

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, moment, place
from tests.support.hospital_dsl import at_once

# -- repeated --


def test_a_command_that_is_sent_again_gets_the_first_answer_as_known_there(shared: Ward) -> None:
    room, mrn, id = shared.room("a", "b"), shared.patient(), str(uuid4())
    input = {"patientMrn": mrn, "admissionType": "ELECTIVE", **place(f"{room}/a")}
    first = shared.execute("admitPatient", commandId=id, **input)
    stay = first["stay"]["id"]
    shared.record("transferPatient", stayId=stay, **place(f"{room}/b"))
    shared.record("dischargePatient", stayId=stay, disposition="HOME")

    assert shared.execute("admitPatient", commandId=id, **input) == first
    assert (first["commandId"], first["stay"]["bed"]) == (id, "a")


def test_a_late_entry_that_is_sent_again_gets_the_first_answer(shared: Ward) -> None:
    id, at = str(uuid4()), ago(days=2)
    input = {"patientMrn": shared.patient(), "admissionType": "ELECTIVE", **late(at)}
    first = shared.execute("admitPatient", commandId=id, **input)
    shared.record("recordDeath", stayId=first["stay"]["id"])

    assert shared.execute("admitPatient", commandId=id, **input) == first


def test_null_is_the_same_as_nothing(shared: Ward) -> None:
    id, mrn = str(uuid4()), shared.name("M")
    first = shared.execute("registerPatient", commandId=id, mrn=mrn)
    nothing = {"familyName": None, "sex": None, "occurredAt": None, "reason": None}
    nothing |= {"expectedVersion": None, "performedBy": None, "occurredAtPrecision": None}

    assert shared.execute("registerPatient", commandId=id.upper(), mrn=mrn, **nothing) == first


@pytest.mark.parametrize(
    "other",
    [
        {"familyName": "Okafor"},
        {"sex": "UNKNOWN"},
        {"reason": "because"},
        {"occurredAtPrecision": "MINUTE"},
        {"performedBy": "Nurse B"},
        {"mrn": "another"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_same_id_with_another_input_is_refused(shared: Ward, other: dict[str, Any]) -> None:
    input = {"commandId": str(uuid4()), "mrn": shared.name("M")}
    shared.record("registerPatient", **input)

    answer = shared.execute("registerPatient", **{**input, **other})

    assert (answer["__typename"], answer["code"]) == ("CommandIdReused", "CommandIdReused")
    assert answer["path"] == ["commandId"]


def test_the_same_id_for_another_command_is_refused(shared: Ward) -> None:
    id, mrn = str(uuid4()), shared.name("M")
    shared.record("registerPatient", commandId=id, mrn=mrn)
    answer = shared.execute("recordDeath", commandId=id, patientMrn=mrn)
    assert answer["__typename"] == "CommandIdReused"


def test_a_refused_id_may_be_sent_again_with_another_input(shared: Ward) -> None:
    id = str(uuid4())
    answer = shared.execute("recordDeath", commandId=id, patientMrn="nobody")
    assert answer["__typename"] == "NotFound"
    assert shared.record("recordDeath", commandId=id, patientMrn=shared.patient())


# -- refused --


def test_refusals_carry_what_a_client_needs(shared: Ward) -> None:
    room = shared.room("a", "b")
    name, number = room.split("/")
    lying = shared.stay(f"{room}/a")
    waiting = shared.stay()
    until = ahead(days=1)
    shared.record("closeBed", **place(f"{room}/b"), reason="paint", until=until)

    answer = shared.execute("allocateRoom", stayId=waiting, **place(f"{room}/a"))
    assert (answer["__typename"], answer["bed"], answer["byStay"]) == (
        "BedOccupied",
        f"{room}/a",
        lying,
    )
    assert answer["path"] == ["bed"]
    answer = shared.execute("allocateRoom", stayId=waiting, **place(f"{room}/b"))
    assert (answer["__typename"], answer["bed"], answer["reason"]) == (
        "BedNotOpen",
        f"{room}/b",
        "paint",
    )

    shared.record("setRoomPolicy", ward=name, room=number, policy="ISOLATION")
    shared.record("addBed", ward=name, room=number, bed="c")
    answer = shared.execute("allocateRoom", stayId=waiting, **place(f"{room}/c"))
    assert (answer["__typename"], answer["policy"]) == ("RoomPolicyBroken", "ISOLATION")

    mrn = shared.ask("query($id: ID!) { stay(id: $id) { patient { mrn } } }", id=lying)
    input = {"patientMrn": mrn["stay"]["patient"]["mrn"], "admissionType": "ELECTIVE"}
    answer = shared.execute("admitPatient", **input)
    assert (answer["__typename"], answer["otherStay"]) == ("PatientAlreadyAdmitted", lying)
    assert answer["path"] == ["patientMrn"]


def test_a_fact_that_would_make_later_ones_untrue_names_them(shared: Ward) -> None:
    stay, doctor = shared.stay(), shared.doctor()
    at = ago(minutes=10)
    visit = shared.record(
        "recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", occurredAt=at
    )["visit"]
    answer = shared.execute(
        "dischargePatient", stayId=stay, disposition="HOME", occurredAt=ago(minutes=30)
    )
    assert answer["__typename"] == "ContradictsLaterFacts"
    assert answer["facts"] == [{"id": visit["id"], "kind": "visit", "occurredAt": at, "stay": stay}]


def test_a_child_in_its_mothers_bed_must_be_placed(shared: Ward) -> None:
    room = shared.room("a", "b")
    mother = shared.stay(f"{room}/a")
    child = shared.stay(f"{room}/a", ago(days=1), sharesBedOf=mother, admissionType="NEWBORN")
    answer = shared.execute("transferPatient", stayId=mother, **place(f"{room}/b"))
    assert (answer["__typename"], answer["stays"]) == ("SharersUnplaced", [child])


def test_a_dead_patient_gets_no_visit_and_the_future_no_entry(shared: Ward) -> None:
    stay, doctor, died = shared.stay(), shared.doctor(), ago(minutes=30)
    shared.record("recordDeath", stayId=stay, occurredAt=died)
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    answer = shared.execute("recordVisit", **visit)
    assert (answer["__typename"], answer["diedAt"]) == ("PatientDied", died)
    answer = shared.execute("recordVisit", **visit, occurredAt=ahead(minutes=10))
    assert answer["__typename"] == "InFuture"
    assert moment(answer["now"]) < moment(ahead())
    answer = shared.execute("recordVisit", **visit, occurredAt=ago(hours=2))
    assert (answer["__typename"], answer["path"]) == ("ReasonNeeded", ["reason"])


def test_a_client_that_read_before_it_wrote_hears_of_what_has_changed_since(shared: Ward) -> None:
    stay = shared.stay()
    query = "query($id: ID!) { stay(id: $id) { version } }"
    version = shared.ask(query, id=stay)["stay"]["version"]
    input = {"stayId": stay, "specialty": "surgery", "expectedVersion": version}
    shared.record("changeSpecialty", **input)

    answer = shared.execute("changeSpecialty", **input)

    assert answer["__typename"] == "VersionConflict"
    assert (answer["expected"], answer["actual"]) == (version, version + 1)
    version = shared.ask(query, id=stay)["stay"]["version"]
    assert shared.record("changeSpecialty", **{**input, "expectedVersion": version})


def test_a_refusal_has_a_position_too(shared: Ward) -> None:
    query = """mutation($input: RecordDeathInput!) { recordDeath(input: $input) { __typename } }"""
    answer = shared.client.raw(
        query, {"input": {"commandId": str(uuid4()), "patientMrn": "nobody"}}
    )
    assert answer["data"] == {"recordDeath": {"__typename": "NotFound"}}
    assert answer["extensions"]["position"]


# -- many at once --


def test_twenty_clients_ask_for_one_bed_and_exactly_one_gets_it(shared: Ward) -> None:
    room = shared.room("a")
    name, number = room.split("/")
    stays = [shared.stay() for _ in range(20)]
    shared.execute("recordDeath", patientMrn="nobody")  # the client learns of the types only once
    shared.execute("allocateRoom", stayId="nobody", **place(f"{room}/a"))

    result = at_once(
        *[
            lambda s=stay: shared.execute("allocateRoom", stayId=s, **place(f"{room}/a"))
            for stay in stays
        ]
    )

    answers = [t for t in result if isinstance(t, dict)]
    kinds = Counter(t["__typename"] for t in answers)
    assert kinds == {"StayRecorded": 1, "BedOccupied": 19}, result
    (winner,) = [t["stay"]["id"] for t in answers if t["__typename"] == "StayRecorded"]
    assert {t["byStay"] for t in answers if "byStay" in t} == {winner}
    assert {t["bed"] for t in answers if "bed" in t} == {f"{room}/a"}
    history = shared.ask(
        """query($from: DateTime!, $to: DateTime!, $ward: String, $room: String) {
        occupancyHistory(from: $from, to: $to, ward: $ward, room: $room) { until stay { id } } }""",
        **{"from": ago(days=1), "to": ahead(days=1), "ward": name, "room": number},
    )["occupancyHistory"]
    assert history == [{"until": None, "stay": {"id": winner}}]


def test_each_of_many_clients_reads_what_it_has_just_written(shared: Ward) -> None:
    stays = [shared.stay() for _ in range(8)]

    def write_and_read(stay: str) -> int:
        for n in range(6):
            answer = shared.record("changeSpecialty", stayId=stay, specialty=f"specialty {n}")
            assert answer["stay"]["specialty"] == f"specialty {n}"
            query = "query($id: ID!, $p: Position) { stay(id: $id, atLeast: $p) { specialty } }"
            read = shared.ask(query, id=stay, p=answer["position"])
            assert read["stay"]["specialty"] == f"specialty {n}"
        return 6

    assert at_once(*[lambda s=stay: write_and_read(s) for stay in stays]) == [6] * 8
