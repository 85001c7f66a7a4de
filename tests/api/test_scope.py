"""Tests of scope: the wards of a login, the labels of patients, and breaking the glass."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from application.authorization.roles import Role
from domain.break_glass import EmergencyAccess
from domain.envelope import About, Actor, Envelope
from domain.refusals import InvalidInput, ReasonNeeded
from infrastructure.postgres.database import Database
from tests.api.test_mutations import mutations
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, place
from tests.support.api_example import EXAMPLES
from tests.support.graphql_client import GraphQLClient


def login(ward: Ward, role: Role = Role.NURSE, *wards: str, who: str = "Ada") -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, who, wards))


@dataclass
class House:
    """Two wards, a patient in each, and one who waits in the corridor."""

    ward: Ward
    mrn: dict[str, str]
    stay: dict[str, str]
    bed: dict[str, str]
    visit: dict[str, str]
    drug: dict[str, str]


@pytest.fixture(scope="module")
def house(shared: Ward) -> House:
    made = House(shared, {}, {}, {}, {}, {})
    doctor = shared.doctor()
    for name in ("North", "South", "corridor"):
        mrn = made.mrn[name] = shared.patient()
        bed = None
        if name != "corridor":
            bed = made.bed[name] = f"{shared.room('a', 'b', ward=name)}/a"
        content = {} if bed else {"withoutBed": "corridor"}
        stay = made.stay[name] = shared.stay(bed, patientMrn=mrn, **content)
        answer = shared.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND")
        made.visit[name] = answer["visit"]["id"]
        drug = made.drug[name] = shared.prescription(stay)
        shared.record("recordAdministration", prescriptionId=drug, given=True)
    return made


# -- wards --


def test_staff_of_a_ward_see_its_patients_and_who_is_in_no_bed_yet(house: House) -> None:
    north = login(house.ward, Role.NURSE, "North")
    assert north.ask("{ wards { name } }") == {"wards": [{"name": "North"}]}
    board = north.ask("{ roomOccupancy { room { ward } beds { patient { mrn } } } }")
    assert {r["room"]["ward"] for r in board["roomOccupancy"]} == {"North"}
    result = north.ask("{ stays { nodes { id visits { id } prescriptions { id } } } }")["stays"]
    seen = {s["id"]: s for s in result["nodes"]}
    assert set(seen) == {house.stay["North"], house.stay["corridor"]}
    assert [v["id"] for v in seen[house.stay["North"]]["visits"]] == [house.visit["North"]]
    result = north.ask("{ patients { nodes { mrn stays { id } } } }")["patients"]["nodes"]
    assert {p["mrn"] for p in result} == {house.mrn["North"], house.mrn["corridor"]}
    answer = north.ask(
        "query($m: String) { timeline(mrn: $m) { nodes { kind } } }", m=house.mrn["North"]
    )
    assert len(answer["timeline"]["nodes"]) == 6


CLOSED: list[tuple[str, Callable[[House], str]]] = [
    ("query($x: String) { patient(mrn: $x) { id } }", lambda h: h.mrn["South"]),
    ("query($x: ID!) { stay(id: $x) { id } }", lambda h: h.stay["South"]),
    ("query($x: ID!) { prescription(id: $x) { id } }", lambda h: h.drug["South"]),
    ("query($x: String) { timeline(mrn: $x) { nodes { id } } }", lambda h: h.mrn["South"]),
    ("query($x: ID!) { timeline(stayId: $x) { nodes { id } } }", lambda h: h.stay["South"]),
    ("query($x: String) { course(mrn: $x, format: CSV) { text } }", lambda h: h.mrn["South"]),
    ("query($x: ID!) { course(stayId: $x, format: CSV) { text } }", lambda h: h.stay["South"]),
    (
        'query($x: ID!) { stayDifference(id: $x, fromKnown: "2020-01-01T00:00:00Z")'
        " { after { since } } }",
        lambda h: h.stay["South"],
    ),
    (
        "query($x: String) { stays(filter: {patientMrn: $x}) { nodes { id } } }",
        lambda h: h.mrn["South"],
    ),
]


@pytest.mark.parametrize(("query", "named"), CLOSED, ids=[q for q, _ in CLOSED])
def test_who_is_of_another_ward_is_closed_and_is_said_to_be(
    house: House, query: str, named: Callable[[House], str]
) -> None:
    answer = login(house.ward, Role.NURSE, "North").raw(query, {"x": named(house)})
    assert codes(answer) == {"NOT_ALLOWED"}
    assert "breakGlass" in answer["errors"][0]["message"]
    assert "errors" not in login(house.ward, Role.NURSE, "South").raw(query, {"x": named(house)})


def test_no_other_way_leads_to_a_patient_of_another_ward(house: House) -> None:
    north = login(house.ward, Role.NURSE, "North")
    period = 'from: "2020-01-01T00:00:00Z", to: "2099-01-01T00:00:00Z"'
    for query in (
        f"{{ occupancyHistory({period}) {{ stay {{ id }} patient {{ mrn }} }} }}",
        '{ occupancyDifference(fromKnown: "2020-01-01T00:00:00Z") { facts { data } } }',
        f'{{ node(id: "{house.stay["South"]}") {{ id }} }}',
        f'{{ node(id: "{house.visit["South"]}") {{ id }} }}',
        f'{{ node(id: "{house.drug["South"]}") {{ id }} }}',
        '{ patients(search: "Family") { nodes { mrn stays { id visits { id } } } } }',
    ):
        answer = json.dumps(north.ask(query))
        for secret in (house.mrn, house.stay, house.visit, house.drug):
            assert secret["South"] not in answer, query


def test_the_ward_is_that_of_the_moment_asked_about(house: House) -> None:
    ward = house.ward
    bed = f"{ward.room('a', ward='North')}/a"
    stay = ward.stay(bed, at=ago(days=5))
    ward.record("transferPatient", stayId=stay, **place(f"{ward.room('a', ward='South')}/a"))
    query = "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { bed } }"
    north = login(ward, Role.NURSE, "North")
    assert codes(north.raw(query, {"id": stay})) == {"NOT_ALLOWED"}
    assert north.ask(query, id=stay, at=ago(days=1))["stay"] == {"bed": "a"}


def test_who_is_in_another_ward_now_was_not_free_before(house: House) -> None:
    north, south = (login(house.ward, Role.NURSE, ward) for ward in ("North", "South"))
    one = "query($m: String, $at: DateTime) { patient(mrn: $m, asOf: $at) { mrn } }"
    fields = {"m": house.mrn["South"], "at": ago(days=400)}
    assert codes(north.raw(one, fields)) == {"NOT_ALLOWED"}
    assert south.ask(one, **fields)["patient"] == {"mrn": house.mrn["South"]}
    some = "query($at: DateTime) { patients(first: 500, asOf: $at) { nodes { mrn } } }"
    result = {p["mrn"] for p in north.ask(some, at=ago(days=400))["patients"]["nodes"]}
    assert result >= {house.mrn["North"], house.mrn["corridor"]}
    assert house.mrn["South"] not in result


def test_a_person_is_in_another_ward_by_whichever_record(house: House) -> None:
    ward = house.ward
    known, unknown = ward.patient(), ward.patient()
    stay = ward.stay(f"{ward.room('a', ward='South')}/a", patientMrn=unknown)
    north, south = (login(ward, Role.NURSE, name) for name in ("North", "South"))
    query = "query($m: String) { patient(mrn: $m) { mrn } }"
    assert north.ask(query, m=known)["patient"] == {"mrn": known}

    ward.record("mergePatients", patientMrn=unknown, intoMrn=known, reason="one person")

    assert codes(north.raw(query, {"m": known})) == {"NOT_ALLOWED"}
    assert south.ask(query, m=known)["patient"] == {"mrn": known}
    plan = {"patientMrn": known, "expectedAt": ahead(hours=9)}
    assert north.execute("planAdmission", **plan)["code"] == "NotAllowed"
    assert south.execute("planAdmission", **plan)["__typename"] == "ExpectedArrivalRecorded"
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    assert north.ask(query, m=known)["patient"] == {"mrn": known}


def test_somebody_discharged_can_be_found_and_admitted_by_every_ward(house: House) -> None:
    ward = house.ward
    mrn = ward.patient()
    stay = ward.stay(f"{ward.room('a', ward='South')}/a", patientMrn=mrn)
    north = login(ward, Role.NURSE, "North")
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    query = "query($m: String) { patient(mrn: $m) { mrn stays { id } } }"
    assert north.ask(query, m=mrn)["patient"] == {"mrn": mrn, "stays": []}
    bed = place(f"{ward.room('a', ward='North')}/a")
    answer = north.execute("admitPatient", patientMrn=mrn, admissionType="EMERGENCY", **bed)
    assert answer["__typename"] == "StayRecorded"


def test_a_patient_may_be_sent_to_another_ward_and_the_answer_is_still_shown(house: House) -> None:
    ward = house.ward
    stay = ward.stay(f"{ward.room('a', ward='North')}/a")
    north = login(ward, Role.NURSE, "North")
    away = place(f"{ward.room('a', ward='South')}/a")
    answer = north.execute("transferPatient", stayId=stay, **away)
    assert answer["stay"]["room"]["ward"] == "South"
    assert north.execute("startLeave", stayId=stay, keepBed=True)["code"] == "NotAllowed"


ANYBODYS = {
    # another system tells of the whole house
    "recordSourceMovement",
    "registerPatient",
    "registerPractitioner",
    "correctPractitioner",
    "changePractitioner",
    "cancelPractitionerChange",
    "setHospitalTime",
    "breakGlass",
    # of patients who are in no stay
    "correctPatientDetails",
    "correctPatientChange",
    "cancelPatientChange",
    "mergePatients",
    "unmergePatients",
    "placeLegalHold",
    "liftLegalHold",
    "requestErasure",
    "withdrawErasure",
    "erasePatient",
    "admitPatient",
    # their example has no bed yet
    "allocateRoom",
}


@pytest.mark.parametrize("name", [m for m in mutations() if m not in ANYBODYS])
def test_a_command_about_another_ward_is_refused(shared: Ward, name: str) -> None:
    """Each mutation's example, prepared by somebody who may, then given by somebody elsewhere."""
    elsewhere = login(shared, Role.ADMIN, "Elsewhere")
    ward = Ward(shared.client, shared._named)
    answers: list[dict[str, Any]] = []

    class Told(Exception):
        pass

    def execute(command: str, **input: Any) -> dict[str, Any]:
        if command != name:
            return shared.client.execute(command, **input)
        answers.append(elsewhere.execute(command, **input))
        raise Told

    def record(command: str, **input: Any) -> dict[str, Any]:
        return (
            execute(command, **input) if command == name else shared.client.record(command, **input)
        )

    ward.execute, ward.record = execute, record
    bedless = ward.stay

    def stay(bed: str | None = None, *told: Any, **content: Any) -> str:
        """In a bed always: who has none yet is of every ward."""
        if bed is None and "withoutBed" not in content:
            bed = f"{shared.room('x', ward='A')}/x"
        return bedless(bed, *told, **content)

    ward.stay = stay  # type: ignore[method-assign]
    with pytest.raises(Told):
        EXAMPLES[name][1](ward)
    assert [a["__typename"] for a in answers] == ["NotAllowed"], answers


# -- breaking the glass --


def test_breaking_the_glass_opens_a_patient_and_is_seen_afterwards(
    shared: Ward, migrated: Database
) -> None:
    mrn = shared.patient(confidentiality="VERY_RESTRICTED")
    other = shared.patient(confidentiality="VERY_RESTRICTED")
    stay = shared.stay(f"{shared.room('a')}/a", patientMrn=mrn)
    nurse, colleague = login(shared, who="Bea"), login(shared, who="Cyril")
    query = "query($m: String) { patient(mrn: $m) { mrn stays { id status } } }"
    assert codes(nurse.raw(query, {"m": mrn})) == {"NOT_ALLOWED"}
    assert nurse.execute("breakGlass", patientMrn=mrn)["code"] == "ReasonNeeded"
    assert codes(nurse.raw(query, {"m": mrn})) == {"NOT_ALLOWED"}

    answer = nurse.execute("breakGlass", patientMrn=mrn, reason="found unconscious")
    assert answer["patient"]["mrn"] == mrn
    assert nurse.ask(query, m=mrn)["patient"]["stays"] == [{"id": stay, "status": "ADMITTED"}]
    assert nurse.execute("startLeave", stayId=stay, keepBed=True)["__typename"] == "StayRecorded"
    # to nobody else, and of nobody else
    assert codes(colleague.raw(query, {"m": mrn})) == {"NOT_ALLOWED"}
    assert codes(nurse.raw(query, {"m": other})) == {"NOT_ALLOWED"}

    shared.ask(query, m=mrn)
    auditor = login(shared, Role.AUDITOR)
    document = "query($m: String) { accesses(mrn: $m) { nodes { subject operation brokeGlass } } }"
    read = auditor.ask(document, m=mrn)["accesses"]["nodes"]
    broke = {(a["subject"], a["operation"]) for a in read if a["brokeGlass"]}
    assert broke == {("Bea", "breakGlass"), ("Bea", "patient"), ("Bea", "startLeave")}
    line = "query($m: String) { timeline(mrn: $m, kinds: [GLASS_BROKEN]) { nodes { reason } } }"
    assert shared.ask(line, m=mrn)["timeline"]["nodes"] == [{"reason": "found unconscious"}]


ENTRY = Envelope(
    command_id=uuid4(),
    operation="break_glass",
    digest="",
    occurred_at=datetime(2026, 3, 2, tzinfo=UTC),
    recorded_by=Actor(issuer="test", subject="ada", role="nurse"),
    reason="found unconscious",
    hospital="main",
)


def test_the_glass_is_whole_again_after_some_hours() -> None:
    glass = EmergencyAccess.empty(EmergencyAccess.id_for(ENTRY.recorded_by))
    about = About(patient=ENTRY.command_id, key_id="1")
    now = ENTRY.occurred_at
    glass.grant(about, None, now, ENTRY)
    assert glass.is_open(about.patient, now + timedelta(hours=7, minutes=59))
    assert not glass.is_open(about.patient, now + timedelta(hours=8))
    for hours in (0, 25, -1):
        with pytest.raises(InvalidInput):
            glass.grant(about, hours, now, ENTRY)
    for reason in (None, "", " "):
        with pytest.raises(ReasonNeeded):
            glass.grant(about, 1, now, replace(ENTRY, reason=reason))
