"""Mistakes of other systems about whole stays: what was true could not be recorded or put right."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, iso, late, moment, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, entries, movement
from tests.support.graphql_client import GraphQLClient
from tests.support.questions import stays_of, the_stay

PERSON = """query($mrn: String!, $known: Position) { patient(mrn: $mrn, knownAtPosition: $known) {
  diedAt stays { id status } } }"""
TIMELINE = """query($mrn: String!, $known: Position) {
  timeline(mrn: $mrn, read: TRUTH, knownAtPosition: $known) { nodes { kind } } }"""
STAY = """query($id: ID!, $asOf: DateTime) { stay(id: $id, asOf: $asOf) {
  status admissionType decidedToAdmitAt admittedAt dischargedAt disposition destination specialty
  bed withoutBed attending { staffNumber } } }"""
MISSED = {"reason": "forgotten"}


def test_mistake_52_a_past_stay_of_somebody_who_is_in_again_can_be_entered(ward: Ward) -> None:
    room, mrn = ward.room("a", "b"), ward.patient()
    ward.stay(f"{room}/b", patientMrn=mrn, at=ago(days=2))
    came, left = ago(days=9), ago(days=8)
    past = {"patientMrn": mrn, "admissionType": "EMERGENCY", **late(came), **place(f"{room}/a")}

    open_ = ward.execute("admitPatient", **past)
    over = ward.execute("admitPatient", **past, dischargedAt=ago(days=1), disposition="HOME")
    backwards = ward.execute("admitPatient", **past, dischargedAt=ago(days=10), disposition="HOME")
    answer = ward.record(
        "admitPatient", **past, dischargedAt=left, disposition="OTHER", destination="spa"
    )

    assert {t["__typename"] for t in (open_, over)} == {"PatientAlreadyAdmitted"}
    assert (backwards["__typename"], backwards["path"]) == ("InvalidInput", ["dischargedAt"])
    stay = ward.ask(STAY, id=answer["stay"]["id"])["stay"]
    assert (stay["admittedAt"], stay["dischargedAt"]) == (came, left)
    assert (stay["status"], stay["disposition"], stay["destination"]) == (
        "DISCHARGED",
        "OTHER",
        "spa",
    )
    assert ward.ask(STAY, id=answer["stay"]["id"], asOf=ago(days=8.5))["stay"]["bed"] == "a"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_mistake_52_late_entries_take_an_admission_with_its_discharge(
    ward: Ward, order: tuple[int, ...]
) -> None:
    room, mrn = ward.room("a", "b"), ward.patient()
    ward.stay(patientMrn=mrn, at=ago(days=2))
    came, moved, left = ago(days=9), ago(days=8.5), ago(days=8)
    person = {"patientMrn": mrn}
    parts: list[dict[str, Any]] = [
        {"kind": "ADMISSION", "admissionType": "ELECTIVE", "occurredAt": came},
        {"kind": "TRANSFER", **place(f"{room}/b"), "occurredAt": moved},
        {"kind": "DISCHARGE", "disposition": "HOME", "occurredAt": left},
    ]
    parts[0] |= place(f"{room}/a")

    answer = ward.record("correctFacts", entries=[{**parts[i], **person} for i in order], **MISSED)

    stay = answer["stay"]["id"]
    assert ward.ask(STAY, id=stay)["stay"]["dischargedAt"] == left
    beds = [ward.ask(STAY, id=stay, asOf=ago(days=d))["stay"]["bed"] for d in (8.9, 8.1)]
    assert beds == ["a", "b"]


def test_mistake_53_the_order_of_the_parts_of_a_correction_decides_nothing(ward: Ward) -> None:
    came, earlier = ago(days=2), ago(days=2, hours=3)
    results = []
    for order in permutations(range(3)):
        room = ward.room("a", "b", "c")
        stay = ward.stay(f"{room}/a", at=came)
        ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(days=1)))
        admitted, first, moved = (
            movement(ward, stay, f"STAY_{kind}")
            for kind in ("ADMITTED", "ROOM_ALLOCATED", "TRANSFERRED")
        )
        parts = [
            {"movementId": admitted, "occurredAt": earlier},
            {"movementId": first, "occurredAt": earlier},
            {"movementId": moved, "occurredAt": ago(hours=20), **place(f"{room}/c")},
        ]
        answer = ward.execute("correctFacts", corrections=[parts[i] for i in order], **WRONG)
        assert answer["__typename"] == "StayRecorded", (order, answer)
        results.append(
            [
                ward.ask(STAY, id=stay, asOf=asked)["stay"]["bed"]
                for asked in (earlier, ago(hours=22), ago(hours=1))
            ]
        )
    assert all(beds == ["a", "a", "c"] for beds in results)


def test_mistake_53_a_first_bed_keeps_the_time_that_is_said_of_it(ward: Ward) -> None:
    came, earlier = ago(days=2), ago(days=3)
    for order in permutations(range(2)):
        room = ward.room("a")
        stay = ward.stay(f"{room}/a", at=came)
        parts = [
            {"movementId": movement(ward, stay, "STAY_ADMITTED"), "occurredAt": earlier},
            {"movementId": movement(ward, stay, "STAY_ROOM_ALLOCATED"), "occurredAt": came},
        ]
        answer = ward.execute("correctFacts", corrections=[parts[i] for i in order], **WRONG)
        assert answer["__typename"] == "StayRecorded", (order, answer)
        assert ward.ask(STAY, id=stay, asOf=ago(days=2.5))["stay"]["bed"] is None


def test_mistake_53_taking_back_a_discharge_and_its_admission_needs_no_order(ward: Ward) -> None:
    for order in permutations(range(2)):
        stay = ward.stay()
        ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=1)))
        kinds = ("STAY_ADMITTED", "STAY_DISCHARGED")
        parts = [
            {"movementId": movement(ward, stay, kind), "because": "ENTERED_IN_ERROR"}
            for kind in kinds
        ]
        answer = ward.execute("correctFacts", cancels=[parts[i] for i in order], **WRONG)
        assert answer["__typename"] == "StayRecorded", (order, answer)
        assert the_stay(ward, stay)["status"] == "CANCELLED"


def test_mistake_54_all_that_was_said_of_an_admission_can_be_put_right(ward: Ward) -> None:
    doctor, decided = ward.doctor(), ago(days=3)
    stay = ward.stay(specialty="surgery", decidedToAdmitAt=ago(days=20))
    admitted = movement(ward, stay, "STAY_ADMITTED")
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=1)))

    right = {"admissionType": "EMERGENCY", "decidedToAdmitAt": decided, "attending": doctor}
    answer = ward.record("correctMovement", movementId=admitted, **right, **WRONG)

    held = ward.ask(STAY, id=stay, asOf=ago(days=1.5))["stay"]
    assert (held["admissionType"], held["decidedToAdmitAt"]) == ("EMERGENCY", decided)
    assert (held["attending"]["staffNumber"], held["specialty"]) == (doctor, "surgery")
    assert answer["stay"]["status"] == "DISCHARGED"
    (entry,) = [e for e in entries(ward, stay, "TRUTH") if e["kind"] == "STAY_ADMITTED"]
    assert entry["data"]["admission_type"] == "EMERGENCY"
    again = ward.execute("correctMovement", movementId=admitted, **right, **WRONG)
    assert (again["__typename"], again["path"]) == ("InvalidInput", ["movementId"])


def test_mistake_54_a_decision_to_admit_is_neither_ahead_nor_long_after(ward: Ward) -> None:
    for decided in (ahead(days=300), ago(hours=2)):
        come = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE", **late(ago(days=3))}
        answer = ward.execute("admitPatient", **come, decidedToAdmitAt=decided)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["decidedToAdmitAt"])
        stay = ward.stay(at=ago(days=3))
        answer = ward.execute(
            "correctMovement",
            movementId=movement(ward, stay, "STAY_ADMITTED"),
            decidedToAdmitAt=decided,
            **WRONG,
        )
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["decidedToAdmitAt"])


def test_mistake_54_a_discharge_can_be_put_right_when_the_patient_is_in_again(ward: Ward) -> None:
    mrn = ward.patient()
    stay = ward.stay(patientMrn=mrn, at=ago(days=9))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=7)))
    ward.stay(patientMrn=mrn, at=ago(days=2))

    right = {"disposition": "TRANSFERRED", "destination": "the other hospital"}
    part = {"movementId": movement(ward, stay, "STAY_DISCHARGED"), **right}
    ward.record("correctFacts", corrections=[part], **WRONG)

    held = ward.ask(STAY, id=stay)["stay"]
    assert {name: held[name] for name in right} == right


def test_mistake_54_what_a_movement_has_not_is_refused_by_its_name(ward: Ward) -> None:
    stay = ward.stay()
    admitted = movement(ward, stay, "STAY_ADMITTED")
    for field, value in {"disposition": "HOME", "keepBed": True, "plan": "CLEARED"}.items():
        answer = ward.execute("correctMovement", movementId=admitted, **{field: value}, **WRONG)
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", [field])


def test_mistake_54_an_admission_in_error_is_void_although_it_was_reversed(ward: Ward) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    ward.record("cancelAdmission", stayId=stay, **REVERSED)

    answer = ward.record("cancelAdmission", stayId=stay, **IN_ERROR)

    assert answer["stay"]["status"] == "CANCELLED"
    assert entries(ward, stay, "TRUTH") == []
    assert ward.bed(f"{room}/a", asOf=ago(days=1))["state"] == "FREE"
    again = ward.execute("cancelAdmission", stayId=stay, **REVERSED)
    assert not again["__typename"].endswith("Recorded")


def test_mistake_55_a_stay_under_the_wrong_patient_goes_to_the_right_one(ward: Ward) -> None:
    room, wrong, right = ward.room("a"), ward.patient(), ward.patient()
    stay = ward.stay(f"{room}/a", patientMrn=wrong)
    prescription = ward.prescription(stay)
    ward.record("recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND", note="n")
    ward.record("recordAdministration", prescriptionId=prescription, given=True)
    kinds = [e["kind"] for e in entries(ward, stay)]
    before = ward.record("planDischarge", stayId=stay, plan="PLANNED")["position"]

    answer = ward.record("moveStay", stayId=stay, patientMrn=right, **WRONG)

    def known(position: str | None = None) -> list[Any]:
        answer = []
        for mrn in (wrong, right):
            fields = {"mrn": mrn, "known": position}
            stays = ward.ask(PERSON, **fields)["patient"]["stays"]
            nodes = ward.ask(TIMELINE, **fields)["timeline"]["nodes"]
            answer += [[s["id"] for s in stays], {n["kind"] for n in nodes}]
        return answer

    old, new = {"PATIENT_REGISTERED"}, {*kinds, "STAY_DISCHARGE_PLANNED"}
    assert known(before) == [[stay], old | new, [], old]
    assert known() == [
        [],
        {*old, "PATIENT_STAY_MOVED_AWAY"},
        [stay],
        {*old, *new, "STAY_PATIENT_CORRECTED"},
    ]
    assert answer["stay"]["patient"]["mrn"] == right
    assert ward.bed(f"{room}/a")["patient"]["mrn"] == right
    assert ward.bed(f"{room}/a", knownAtPosition=before)["patient"]["mrn"] == wrong
    ward.stay(patientMrn=wrong, at=ago(hours=5))
    refusal = ward.execute(
        "admitPatient", patientMrn=right, admissionType="ELECTIVE", **late(ago(hours=1))
    )
    assert refusal["__typename"] == "PatientAlreadyAdmitted"
    ward.record("recordAdministration", prescriptionId=prescription, given=True)
    back = ward.execute("moveStay", stayId=stay, patientMrn=wrong, **WRONG)
    assert back["__typename"] == "PatientAlreadyAdmitted"


def test_mistake_55_the_right_patient_can_have_had_the_stay(ward: Ward) -> None:
    stay, in_house, dead, unborn = ward.stay(), ward.patient(), ward.patient(), ward.patient()
    ward.stay(patientMrn=in_house, at=ago(days=1))
    ward.record("recordDeath", patientMrn=dead, **late(ago(days=5)))
    ward.record("correctPatientDetails", patientMrn=unborn, birthDate=ago(days=1)[:10], **WRONG)
    for mrn in (in_house, dead, unborn):
        answer = ward.execute("moveStay", stayId=stay, patientMrn=mrn, **WRONG)
        assert not answer["__typename"].endswith("Recorded"), (mrn, answer)


def test_mistake_55_a_death_by_discharge_goes_along_with_the_stay(ward: Ward) -> None:
    wrong, right = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=wrong)
    died = ago(hours=9)
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(died))

    ward.record("moveStay", stayId=stay, patientMrn=right, **WRONG)

    deaths = [ward.ask(PERSON, mrn=mrn)["patient"]["diedAt"] for mrn in (wrong, right)]
    assert deaths == [None, died]


def test_mistake_55_a_visit_in_the_wrong_stay_goes_to_the_right_one(ward: Ward) -> None:
    wrong, right, at = ward.stay(), ward.stay(), ago(hours=5)
    answer = ward.record(
        "recordVisit", stayId=wrong, practitioner=ward.doctor(), kind="ROUND", note="n"
    )
    visit = answer["visit"]["id"]
    ward.record("amendVisit", visitId=visit, occurredAt=at, note="right", **WRONG)

    answer = ward.record("amendVisit", visitId=visit, stayId=right, **WRONG)

    assert (answer["visit"]["id"], answer["visit"]["note"]) == (visit, "right")
    assert answer["visit"]["occurredAt"] == at
    assert the_stay(ward, wrong)["visits"] == []
    assert the_stay(ward, right)["visits"] == [{"occurredAt": at}]
    ward.record("amendVisit", visitId=visit, note="again", **WRONG)
    ward.record("cancelVisit", visitId=visit, **WRONG)
    late_stay = ward.stay(at=ago(hours=1))
    answer = ward.record("recordVisit", stayId=right, practitioner=ward.doctor(), kind="ROUND")
    ward.record("amendVisit", visitId=answer["visit"]["id"], occurredAt=at, **WRONG)
    answer = ward.execute("amendVisit", visitId=answer["visit"]["id"], stayId=late_stay, **WRONG)
    assert answer["__typename"] == "OutsideStay"


def test_mistake_56_a_stay_of_no_duration_lies_in_no_other_stay(ward: Ward) -> None:
    mrn, at, other = ward.patient(), ago(days=1), ward.patient()
    ward.stay(patientMrn=mrn, at=ago(days=2))
    brief = {"admissionType": "EMERGENCY", "dischargedAt": at, "disposition": "HOME", **late(at)}

    inside = ward.execute("admitPatient", patientMrn=mrn, **brief)
    ward.record("admitPatient", patientMrn=other, **brief)
    around = ward.execute(
        "admitPatient", patientMrn=other, admissionType="ELECTIVE", **late(ago(days=2))
    )
    merged = ward.execute("mergePatients", patientMrn=other, intoMrn=mrn, **WRONG)

    assert {t["__typename"] for t in (inside, around)} == {"PatientAlreadyAdmitted"}
    assert merged["__typename"] == "MergeImpossible"
    ward.record("admitPatient", patientMrn=other, admissionType="ELECTIVE", **late(at))


def test_mistake_56_a_stay_of_no_duration_is_not_entered_twice(ward: Ward) -> None:
    mrn, other, at = ward.patient(), ward.patient(), ago(days=1)
    brief = {"admissionType": "EMERGENCY", "dischargedAt": at, "disposition": "HOME", **late(at)}
    ward.record("admitPatient", patientMrn=mrn, **brief)
    again = ward.execute("admitPatient", patientMrn=mrn, **brief)
    assert again["__typename"] == "PatientAlreadyAdmitted"
    ward.record("admitPatient", patientMrn=other, **brief)
    merged = ward.execute("mergePatients", patientMrn=other, intoMrn=mrn, **WRONG)
    assert merged["__typename"] == "MergeImpossible"


def test_mistake_56_a_fact_known_to_the_day_contradicts_nothing_of_that_day(ward: Ward) -> None:
    day = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight, eight, ten = (iso(day + timedelta(hours=h)) for h in (0, 8, 10))
    of_day = {"occurredAtPrecision": "DAY", **late(midnight)}
    mrn, doctor = ward.patient(), ward.doctor()
    stay = ward.stay(patientMrn=mrn, at=eight)
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}

    ward.record("recordVisit", **visit, **of_day)
    ward.record("recordVisit", **visit, **late(ten))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **of_day)
    ward.record("admitPatient", patientMrn=mrn, admissionType="ELECTIVE", **of_day)

    first, second = stays_of(ward, mrn)
    assert (first["admittedAt"], second["admittedAt"]) == (eight, ten)
    assert [v["occurredAt"] for v in the_stay(ward, stay)["visits"]] == [eight, ten]
    day_before = {**of_day, **late(iso(day - timedelta(days=1)))}
    answer = ward.execute("recordVisit", **visit, **day_before)
    assert answer["__typename"] == "OutsideStay"


def test_mistake_57_who_corrects_a_movement_or_merge_can_find_it(ward: Ward) -> None:
    one, other = ward.patient(), ward.patient()
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", patientMrn=one)
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(days=1)))
    ward.record("mergePatients", patientMrn=other, intoMrn=one, **WRONG)
    stays = """query($id: ID!) { stay(id: $id) { movements { id kind status bed reason
      recordedBy occurredAt correctedBy corrects entry room { number } } } }"""
    merges = "query($mrn: String!) { patient(mrn: $mrn) { merges { id into } } }"
    for role in (Role.REGISTRAR, Role.BED_MANAGER):
        token = LOGIN.make(subject="desk", role=role)
        desk = GraphQLClient(ward.client.http, token)
        answer = desk.ask(stays, id=stay)["stay"]["movements"]
        moved = [m for m in answer if m["kind"] == "STAY_TRANSFERRED" and m["status"] == "TRUE"]
        assert moved[-1]["room"]["number"] == room.split("/")[1]
        right = {"movementId": moved[-1]["id"], "occurredAt": ago(hours=20), **WRONG}
        mend = """mutation($input: CorrectMovementInput!) {
          correctMovement(input: $input) { __typename } }"""
        answer = desk.ask(mend, input={"commandId": str(uuid4()), **right})
        assert answer["correctMovement"]["__typename"] == "StayRecorded"
        answer = desk.ask(stays, id=stay)["stay"]["movements"]
        (new,) = [m for m in answer if m["id"] == moved[-1]["id"] and m["status"] == "TRUE"]
        (wrong,) = [m for m in answer if m["entry"] == moved[-1]["entry"]]
        assert (wrong["status"], new["corrects"]) == ("CORRECTED", wrong["entry"])
    registrar = GraphQLClient(ward.client.http, LOGIN.make(subject="desk", role=Role.REGISTRAR))
    for mrn in (one, other):
        (merge,) = registrar.ask(merges, mrn=mrn)["patient"]["merges"]
    undo = (
        "mutation($input: UnmergePatientsInput!) { unmergePatients(input: $input) { __typename } }"
    )
    registrar.ask(undo, input={"commandId": str(uuid4()), "mergeId": merge["id"], **WRONG})
    assert registrar.ask(merges, mrn=one)["patient"]["merges"] == []


CHANGE = """mutation($input: ChangeSpecialtyInput!) {
  changeSpecialty(input: $input) { __typename } }"""


def test_mistake_57_the_reason_of_a_movement_tells_no_finding_to_who_sees_none(
    ward: Ward,
) -> None:
    stay = ward.stay(f"{ward.room('a', 'b')}/a", at=ago(hours=3))
    nurse, desk = (
        GraphQLClient(ward.client.http, LOGIN.make(role, role))
        for role in (Role.NURSE, Role.REGISTRAR)
    )
    for client, reason in ((nurse, "resuscitated meanwhile"), (desk, "noted at the desk")):
        change = {"stayId": stay, "specialty": reason.split()[0], "occurredAt": ago(hours=2)}
        client.ask(CHANGE, input={**change, "reason": reason, "commandId": str(uuid4())})
    query = "query($id: ID!) { stay(id: $id) { movements { kind reason } } }"

    reasons = {
        client: [
            movement["reason"]
            for movement in client.ask(query, id=stay)["stay"]["movements"]
            if movement["kind"] == "STAY_SPECIALTY_CHANGED"
        ]
        for client in (nurse, desk)
    }

    assert reasons == {
        nurse: ["resuscitated meanwhile", "noted at the desk"],
        desk: [None, "noted at the desk"],
    }


def test_mistake_58_twins_in_one_bed_come_in_one_order(ward: Ward) -> None:
    mother_bed = f"{ward.room('a')}/a"
    mother = ward.stay(mother_bed, patientMrn=ward.patient(sex="FEMALE"))
    born = {"admissionType": "NEWBORN", "sharesBedOf": mother, "at": ago(days=1)}
    twins = [ward.stay(mother_bed, **born) for _ in range(2)]

    def occupants() -> list[str]:
        answer = ward.bed(mother_bed, asOf=ago(hours=12))["occupants"]
        return [o["stay"]["id"] for o in answer]

    before = occupants()
    assert before == [mother, *sorted(twins)]
    for twin in twins:
        ward.record("changeSpecialty", stayId=twin, specialty="paediatrics")
        assert occupants() == before


def test_mistake_58_names_keep_their_letters_in_the_summary_of_a_cancel(ward: Ward) -> None:
    room, query = ward.room("A"), "query($id: ID!) { timeline(stayId: $id) { nodes { summary } } }"
    stay = ward.stay(f"{room}/A")
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=5)))
    ward.record("cancelDischarge", stayId=stay, withoutBed="Hall West", **REVERSED)
    result = [n["summary"] for n in ward.ask(query, id=stay)["timeline"]["nodes"]]
    assert result[-1] == "Discharge cancelled: reversed; now in Hall West"


def test_mistake_159_a_visit_is_read_in_the_stay_where_it_is_whichever_was_written_first(
    ward: Ward,
) -> None:
    one, other = ward.stay(), ward.stay()
    visit = {"stayId": one, "practitioner": ward.doctor(), "kind": "ROUND", **late(ago(hours=5))}
    id = ward.record("recordVisit", **visit)["visit"]["id"]
    for stay, rest in ((other, one), (one, other), (other, one)):
        ward.record("amendVisit", visitId=id, note=f"in {stay}", **WRONG)
        answer = ward.record("amendVisit", visitId=id, stayId=stay, **WRONG)
        assert answer["visit"]["note"] == f"in {stay}"
        assert [len(the_stay(ward, s)["visits"]) for s in (stay, rest)] == [1, 0]


def test_mistake_426_nobody_is_seen_in_a_stay_that_never_was(ward: Ward) -> None:
    """Not in the minute of its admission, either."""
    at = late(ago(hours=3))
    stay = ward.stay(at=at["occurredAt"])
    never = {"because": "ENTERED_IN_ERROR", "reason": "another patient"}
    ward.record("cancelAdmission", stayId=stay, **never)
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    result = [
        ward.execute("recordVisit", **visit, **at),
        ward.execute("raiseFlag", stayId=stay, flagKind="FALL_RISK", **at),
        ward.execute("requestConsult", stayId=stay, specialty="cardiology", **at),
    ]
    assert {t["__typename"] for t in result} == {"OutsideStay"}
