"""Labels of confidentiality: whom they close, in the past too, and in what a repeated command shows."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, ago, codes, late, place

# -- labels --


@pytest.mark.parametrize(
    ("label", "closed_to"),
    [
        ("NORMAL", set()),
        ("RESTRICTED", {Role.NURSE, Role.PHARMACIST, Role.BED_MANAGER}),
        (
            "VERY_RESTRICTED",
            {
                Role.NURSE,
                Role.PHARMACIST,
                Role.BED_MANAGER,
                Role.REGISTRAR,
                Role.PHYSICIAN,
            },
        ),
    ],
)
def test_a_label_closes_a_patient_to_those_without_the_right(
    shared: Ward, label: str, closed_to: set[Role]
) -> None:
    mrn = shared.patient(confidentiality=label, familyName="Ogunbanjo")
    bed = f"{shared.room('a')}/a"
    stay = shared.stay(bed, patientMrn=mrn)
    for role in set(Role) - {Role.ANALYST}:
        asking = login(shared, role)
        answer = asking.raw("query($m: String) { patient(mrn: $m) { mrn } }", {"m": mrn})
        assert ("errors" in answer) == (role in closed_to), role
        result = asking.ask("{ stays(first: 500) { nodes { id } } }")["stays"]["nodes"]
        assert (stay not in [s["id"] for s in result]) == (role in closed_to), role
    nurse = login(shared)
    board = nurse.ask("{ roomOccupancy { beds { state patient { mrn } } } }")["roomOccupancy"]
    lying = [b for room in board for b in room["beds"] if b["state"] == "OCCUPIED"]
    # the bed is taken for everybody; by whom is not said
    assert (mrn in json.dumps(lying)) == (Role.NURSE not in closed_to)
    assert len(lying) == rows_occupied(shared)


def rows_occupied(ward: Ward) -> int:
    board = ward.ask("{ roomOccupancy { beds { state } } }")["roomOccupancy"]
    return sum(b["state"] == "OCCUPIED" for room in board for b in room["beds"])


def test_a_label_of_today_closes_the_past_too(shared: Ward) -> None:
    mrn = shared.patient()
    stay = shared.stay(f"{shared.room('a')}/a", patientMrn=mrn)
    before = datetime.now(UTC).isoformat()
    shared.record(
        "correctPatientDetails",
        patientMrn=mrn,
        confidentiality="RESTRICTED",
        reason="known to the press",
    )
    nurse = login(shared)
    query = "query($m: String, $at: DateTime) { patient(mrn: $m, knownAt: $at, asOf: $at) { mrn } }"
    assert codes(nurse.raw(query, {"m": mrn, "at": before})) == {"NOT_ALLOWED"}
    assert nurse.execute("startLeave", stayId=stay, keepBed=True)["code"] == "NotAllowed"


REPEATED = (
    "registerPatient",
    "admitPatient",
    "recordVisit",
    "startLeave",
    "swapBeds",
    "recordAdministration",
)


def repeatable(ward: Ward, command: str) -> tuple[dict[str, Any], str]:
    """The input of a command that a nurse may give, and the MRN of whom it is about."""
    if command == "registerPatient":
        mrn = ward.name("M")
        return {"mrn": mrn, "familyName": "Featherstone"}, mrn
    mrn = ward.patient()
    if command == "admitPatient":
        admission = {"admissionType": "EMERGENCY", "withoutBed": "corridor"}
        return {"patientMrn": mrn, **admission}, mrn
    bed = f"{ward.room('a', 'b')}/a"
    stay = ward.stay(bed, patientMrn=mrn)
    if command == "recordAdministration":
        return {"prescriptionId": ward.prescription(stay), "given": True}, mrn
    response: dict[str, Any] = {"startLeave": {"keepBed": True}}.get(command, {})
    if command == "recordVisit":
        response = {"practitioner": ward.doctor(), "kind": "ROUND"}
    if command == "swapBeds":
        response = {"withStayId": ward.stay(bed[:-1] + "b")}
    return {"stayId": stay, **response}, mrn


@pytest.mark.parametrize("command", REPEATED)
def test_a_repeated_command_does_not_show_what_a_label_has_closed_since(
    shared: Ward, command: str
) -> None:
    input, mrn = repeatable(shared, command)
    input["commandId"] = str(uuid4())
    nurse = login(shared)
    first = nurse.execute(command, **input)
    assert nurse.execute(command, **input) == first
    shared.record(
        "correctPatientDetails",
        patientMrn=mrn,
        confidentiality="VERY_RESTRICTED",
        reason="known to the press",
    )
    assert nurse.execute(command, **input) == {
        "__typename": "RecordedNotYetReadable",
        **{said: first[said] for said in ("commandId", "position", "recordedAt")},
    }
    assert nurse.execute("breakGlass", patientMrn=mrn, reason="found unconscious")["until"]
    assert nurse.execute(command, **input)["__typename"] == first["__typename"]


def test_a_repeated_transfer_does_not_show_a_patient_who_has_left_the_ward(shared: Ward) -> None:
    here, there = (f"{shared.room('a', ward=shared.name('W'))}/a" for _ in range(2))
    stay = shared.stay(here)
    nurse = login(shared, Role.NURSE, here.split("/")[0])
    transfer = {"commandId": str(uuid4()), "stayId": stay, **place(there)}
    first = nurse.record("transferPatient", **transfer)
    assert first["stay"]["room"]["ward"] == there.split("/")[0], "who sent the patient is told"
    again = nurse.execute("transferPatient", **transfer)
    assert (again["__typename"], again["position"]) == (
        "RecordedNotYetReadable",
        first["position"],
    )


@pytest.mark.parametrize("labelled", [0, 3])
def test_of_several_records_of_a_person_one_with_a_label_closes_them_all(
    shared: Ward, labelled: int
) -> None:
    """One is merged into another, and that, with a third, into the last: any may have the label."""
    mrns: list[str] = []
    stays: list[str] = []
    for n in range(4):
        label = "RESTRICTED" if n == labelled else "NORMAL"
        mrns.append(shared.patient(confidentiality=label))
        stays.append(shared.stay(f"{shared.room('a')}/a", ago(days=9 - n), patientMrn=mrns[n]))
        shared.record(
            "dischargePatient", stayId=stays[n], disposition="HOME", **late(ago(days=8.5 - n))
        )
    nurse, query = login(shared), "query($m: String) { patient(mrn: $m) { mrn } }"

    def closed() -> list[bool]:
        """Return as answers tell; commands and lists have to tell the same."""
        result = ["errors" in nurse.raw(query, {"m": mrn}) for mrn in mrns]
        visit = {"practitioner": doctor, "kind": "ROUND", **late(ago(days=1))}
        given = [nurse.execute("recordVisit", stayId=stay, **visit)["code"] for stay in stays]
        assert [code == "NotAllowed" for code in given] == result
        finding = nurse.ask("{ patients(first: 500) { nodes { mrn } } }")["patients"]["nodes"]
        assert [m not in {p["mrn"] for p in finding} for m in mrns] == result
        return result

    doctor = shared.doctor()
    alone = [n == labelled for n in range(4)]
    assert closed() == alone
    for away, into in ((0, 1), (1, 3), (2, 3)):
        merge = {"patientMrn": mrns[away], "intoMrn": mrns[into], "reason": "one person"}
        shared.record("mergePatients", **merge)
    assert closed() == [True] * 4
    # who breaks the glass for one of them has broken it for the person
    assert nurse.execute("breakGlass", patientMrn=mrns[2], hours=1, reason="now")["until"]
    assert closed() == [False] * 4


def test_records_that_are_not_of_one_person_after_all_have_their_own_labels(shared: Ward) -> None:
    away, into = shared.patient(confidentiality="RESTRICTED"), shared.patient()
    query = "query($m: String) { patient(mrn: $m) { mrn } }"
    shared.record("mergePatients", patientMrn=away, intoMrn=into, reason="one person")
    nurse = login(shared)
    assert codes(nurse.raw(query, {"m": into})) == {"NOT_ALLOWED"}
    line = shared.ask(
        "query($m: String) { timeline(mrn: $m, kinds: [PATIENT_MERGED]) { nodes { data } } }",
        m=away,
    )
    (merge,) = [entry["data"]["merge"] for entry in line["timeline"]["nodes"]]
    shared.record("unmergePatients", mergeId=merge, reason="two after all")
    assert nurse.ask(query, m=into)["patient"] == {"mrn": into}
    assert codes(nurse.raw(query, {"m": away})) == {"NOT_ALLOWED"}
    admission = {"patientMrn": into, "admissionType": "EMERGENCY"}
    assert nurse.execute("admitPatient", **admission)["__typename"] == "StayRecorded"
