"""Mistakes of other systems about what is left of a person: see `test_covered`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.sealing.key_ring import key_ring
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, late, place
from tests.support.graphql_client import GraphQLClient

WHY = {"reason": "as the person asked", "legalBasis": "CONSENT_WITHDRAWN"}


@pytest.fixture
def officer(ward: Ward) -> GraphQLClient:
    """Another login than the ward's, that may approve what that one requests."""
    token = LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER)
    return GraphQLClient(ward.client.http, token)


def erase(ward: Ward, officer: GraphQLClient, mrn: str) -> dict[str, Any]:
    ward.record("requestErasure", patientMrn=mrn, **WHY)
    answer = officer.record("erasePatient", patientMrn=mrn)
    patient = answer["patient"]
    assert isinstance(patient, dict)
    return patient


class Person:
    """Somebody of whom everything is told that identifies a person, discharged again."""

    def __init__(self, ward: Ward) -> None:
        self.sign = ward.name("Quetzal")
        self.mrn = ward.name(f"MRN-{self.sign}-")
        self.born = "1931-07-09"
        self.room = ward.room("a", ward=ward.name("W"))
        ward.record(
            "registerPatient",
            mrn=self.mrn,
            familyName=f"{self.sign} family",
            givenName=f"{self.sign} given",
            birthDate=self.born,
            sex="FEMALE",
            **late(ago(days=30)),
        )
        self.stay = ward.stay(patientMrn=self.mrn, withoutBed=f"by the window of {self.sign}")
        self.doctor = ward.doctor()
        ward.record(
            "allocateRoom", stayId=self.stay, **place(f"{self.room}/a"), **late(ago(days=1))
        )
        ward.record(
            "recordVisit",
            stayId=self.stay,
            practitioner=self.doctor,
            kind="ROUND",
            note=f"{self.sign} slept",
            occurredAt=ago(hours=20),
            reason=f"{self.sign} was away",
        )
        ward.record(
            "requestConsult",
            stayId=self.stay,
            specialty="cardiology",
            question=f"is {self.sign} fit?",
            **late(ago(hours=19)),
        )
        self.drug = ward.prescription(
            self.stay,
            dose=f"as {self.sign} likes",
            route=f"by {self.sign}",
            frequency=f"when {self.sign} asks",
        )
        ward.record(
            "recordAllergy", patientMrn=self.mrn, substance={"name": f"plum of {self.sign}"}
        )
        ward.record(
            "raiseFlag",
            stayId=self.stay,
            flagKind="NOTE",
            note=f"{self.sign} falls",
            **late(ago(hours=17)),
        )
        ward.record(
            "planAdmission",
            patientMrn=self.mrn,
            expectedAt=ahead(days=20),
            urgency="ROUTINE",
            note=f"{self.sign} comes again",
        )
        ward.record(
            "recordAdministration",
            prescriptionId=self.drug,
            given=False,
            reasonNotGiven=f"{self.sign} refused",
            **late(ago(hours=18)),
        )
        ward.record(
            "dischargePatient",
            stayId=self.stay,
            disposition="HOME",
            destination=f"aunt of {self.sign}",
            **late(ago(hours=2)),
        )
        answer = ward.ask("query($mrn: String!) { patient(mrn: $mrn) { id } }", mrn=self.mrn)
        self.id = answer["patient"]["id"]


def read(ward: Ward, person: Person) -> str:
    return str([ward.ask(each, stay=person.stay, patient=person.id) for each in QUESTIONS.values()])


QUESTIONS = {
    "stay": """query($stay: ID!, $patient: ID!) { node(id: $patient) { id }
      stay(id: $stay) { id status patient { mrn familyName givenName birthDate sex
          allergies { substance { name } } }
        visits { note } consults { question } flags { note } prescriptions { dose route frequency
        medication { name }
        administrations { given reasonNotGiven } } } }""",
    "timeline": """query($stay: ID!, $patient: ID!) { node(id: $patient) { id }
      timeline(stayId: $stay, first: 500) { nodes { kind summary reason data } } }""",
    "events": """query($stay: ID!, $patient: ID!) { node(id: $patient) { id } stay(id: $stay) { id }
      events(first: 500) { nodes { data } } }""",
}


def tables(database: Database) -> Iterator[tuple[str, str]]:
    """All rows of all tables, each as text."""
    with psycopg.connect(database.owner_url) as owner:
        names = owner.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in names:
            query = f'SELECT t::text FROM "{schema}"."{table}" t'
            for (text,) in owner.execute(query.encode()):
                yield f"{schema}.{table}", text


ROOT = Path(__file__).parents[2]
CLEAR = {
    "allergies.allergies",
    "consults.consults",
    "expected_arrivals.expected_arrivals",
    "flags.flags",
    "patients.patients",
    "prescriptions.doses",
    "prescriptions.prescriptions",
    "stays.stays",
    "timeline.entries",
    "visits.visits",
}
"""The tables in which something of a person is in clear: none of the log, claims or audit."""


def where(database: Database, sign: str) -> set[str]:
    return {table for table, text in tables(database) if sign in text}


def test_mistake_170_a_copy_of_the_log_tells_nobody_who_the_patients_are(
    ward: Ward, migrated: Database
) -> None:
    person = Person(ward)
    assert person.sign in read(ward, person)
    result = where(migrated, person.sign)
    assert {re.sub(r"_v\d+\.", ".", table) for table in result} == CLEAR
    text = (ROOT / "docs" / "privacy.md").read_text()
    named = {table.partition(".")[2] for table in CLEAR}
    assert [name for name in named if f"`{name}`" not in text] == []


def test_mistake_171_who_was_erased_is_nowhere_left_and_nothing_fails_for_it(
    ward: Ward, officer: GraphQLClient, migrated: Database
) -> None:
    person = Person(ward)
    kept = ward.client.http.app_state["container"].response_cache
    for _ in range(3):  # an answer to a document that was asked before is kept
        ward.ask("{ roomOccupancy { beds { state } } }")
    assert kept.size
    patient = erase(ward, officer, person.mrn)
    assert kept.size == 0, "an answer of before is in memory"
    assert patient["id"] == person.id
    assert where(migrated, person.sign) == set()
    result = read(ward, person)
    assert person.sign not in result
    assert person.born not in str(
        ward.ask(QUESTIONS["timeline"], stay=person.stay, patient=person.id)
    )
    stay = ward.ask(QUESTIONS["stay"], stay=person.stay, patient=person.id)["stay"]
    assert stay["status"] == "DISCHARGED"
    assert stay["patient"] == {
        "mrn": "REDACTED",
        "familyName": "REDACTED",
        "givenName": "REDACTED",
        "birthDate": None,
        "sex": "UNKNOWN",
        "allergies": [{"substance": {"name": "REDACTED"}}],
    }
    assert stay["visits"] == [{"note": "REDACTED"}]
    assert [p["medication"]["name"] for p in stay["prescriptions"]] == ["Paracetamol"]
    by_number = ward.client.raw("query($m: String!) { patient(mrn: $m) { id } }", {"m": person.mrn})
    assert codes(by_number) == {"NotFound"}
    assert ward.ask('query { patients(search: "REDACTED") { nodes { id } } }')["patients"] == {
        "nodes": []
    }
    again = ward.execute(
        "recordVisit", stayId=person.stay, practitioner=person.doctor, kind="ROUND", note="late"
    )
    assert (again["__typename"], again["path"]) == ("InvalidInput", ["stayId"])
    ward.record("registerPatient", mrn=person.mrn)  # who comes back is somebody new


REPORTS = """query($period: ReportPeriod!, $name: String!) {
  report(name: $name, period: $period) { figures { name shown } } }"""


def test_mistake_172_figures_and_boards_are_the_same_after_an_erasure(
    ward: Ward, officer: GraphQLClient
) -> None:
    person = Person(ward)
    names = {d["name"] for d in ward.ask("{ reportDefinitions { name } }")["reportDefinitions"]}
    period = {"from": ago(days=3)[:10], "to": ago(days=0)[:10]}
    at = ago(hours=10)

    def figures() -> list[Any]:
        result = [ward.ask(REPORTS, name=name, period=period)["report"] for name in sorted(names)]
        beds = [ward.bed(f"{person.room}/a", asOf=when)["state"] for when in (at, ago(days=0))]
        return [*result, *beds]

    before = figures()
    erase(ward, officer, person.mrn)
    assert figures() == before


def test_mistake_173_nobody_is_erased_by_one_login_nor_while_it_must_not_be(
    ward: Ward, officer: GraphQLClient
) -> None:
    mrn = ward.patient()
    other = ward.patient()
    ward.record("mergePatients", patientMrn=other, intoMrn=mrn, reason="one person")

    def refused(by: Any, command: str, **content: Any) -> str:
        answer = by.execute(command, patientMrn=mrn, **content)
        assert answer["__typename"] == "ErasureImpossible", answer
        assert answer["path"] == ["patientMrn"]
        return str(answer["message"])

    assert "requestErasure" in refused(officer, "erasePatient")
    stay = ward.stay(patientMrn=other)
    assert "stay is open" in refused(ward, "requestErasure", **WHY)
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    officer.record("placeLegalHold", patientMrn=other, reason="a lawsuit")
    assert "legal hold" in refused(ward, "requestErasure", **WHY)
    officer.record("liftLegalHold", patientMrn=mrn, reason="settled")
    ward.record("requestErasure", patientMrn=mrn, **WHY)
    assert "another login" in refused(ward, "erasePatient")
    officer.record("placeLegalHold", patientMrn=mrn, reason="a lawsuit")
    assert "legal hold" in refused(officer, "erasePatient")
    officer.record("liftLegalHold", patientMrn=other, reason="settled")
    officer.record("withdrawErasure", patientMrn=other)
    assert "requestErasure" in refused(officer, "erasePatient")
    erase(ward, officer, other)
    answer = ward.client.raw(
        "query($a: String!, $b: String!) { a: patient(mrn: $a) { id } b: patient(mrn: $b) { id } }",
        {"a": mrn, "b": other},
    )
    assert (answer["data"], codes(answer)) == ({"a": None, "b": None}, {"NotFound"})


def test_mistake_174_a_stay_recorded_under_another_patient_goes_with_whose_it_is(
    ward: Ward, officer: GraphQLClient, migrated: Database
) -> None:
    person, right = Person(ward), ward.patient()
    ward.record("moveStay", stayId=person.stay, patientMrn=right, reason="another patient's")
    erase(ward, officer, right)
    visit = ward.ask("query($s: ID!) { stay(id: $s) { visits { note } } }", s=person.stay)
    assert visit["stay"]["visits"] == [{"note": "REDACTED"}]
    ring = key_ring()
    store = ring.store()
    assert store is not None
    assert (store.wrapped_key(person.stay), bool(store.wrapped_key(person.id))) == (b"", True)
    patient = ward.ask("query($m: String!) { patient(mrn: $m) { familyName } }", m=person.mrn)
    assert patient["patient"]["familyName"] == f"{person.sign} family"
    assert where(migrated, f"{person.sign} slept") == set()


ARRIVAL = """query($id: ID!) {
  expectedArrival(id: $id) { familyName givenName birthDate note } }"""


@pytest.mark.parametrize("because", [None, "DECISION_REVERSED", "ENTERED_IN_ERROR"])
def test_mistake_230_who_was_expected_and_never_came_can_be_held_and_erased(
    ward: Ward, officer: GraphQLClient, migrated: Database, because: str | None
) -> None:
    """Erasure was of records of patients, and there was none."""
    sign = ward.name("Quokka")
    name = {"familyName": f"{sign} family", "givenName": f"{sign} given", "birthDate": "1931-07-09"}
    planned = ward.record("planAdmission", **name, expectedAt=ahead(days=3), note=f"{sign} limps")
    id = planned["expectedArrival"]["id"]
    if because:
        cancel = {"because": because, "reason": f"{sign} called"}
        ward.record("cancelExpectedArrival", expectedArrivalId=id, **cancel)
    ward.record("placeLegalHold", expectedArrivalId=id, reason="a lawsuit")
    refusal = ward.execute("requestErasure", expectedArrivalId=id, **WHY)
    assert refusal["__typename"] == "ErasureImpossible"
    ward.record("liftLegalHold", expectedArrivalId=id, reason="settled")
    ward.record("requestErasure", expectedArrivalId=id, **WHY)
    ward.record("withdrawErasure", expectedArrivalId=id)
    ward.record("requestErasure", expectedArrivalId=id, **WHY)
    assert ward.execute("erasePatient", expectedArrivalId=id)["__typename"] == "ErasureImpossible"
    assert where(migrated, sign)
    answer = officer.record("erasePatient", expectedArrivalId=id)
    assert answer["patient"]["mrn"] == "REDACTED"
    assert where(migrated, sign) == set()
    if because != "ENTERED_IN_ERROR":
        arrival = ward.ask(ARRIVAL, id=id)["expectedArrival"]
        assert set(arrival.values()) == {"REDACTED", None}
    again = ward.execute("erasePatient", expectedArrivalId=id)
    assert again["__typename"] in ("InvalidInput", "ErasureImpossible", "NotFound")


def test_mistake_260_a_reason_of_a_closed_bed_or_of_a_report_outlives_whom_it_names(
    ward: Ward, officer: GraphQLClient, migrated: Database
) -> None:
    """It was kept under the key of the room or of the report, which no erasure ends."""
    mrn, sign = ward.patient(), ward.name("Quagga")
    about = {"aboutPatientMrn": mrn}
    bed = f"{ward.room('a', ward=ward.name('W'))}/a"
    here = place(bed)
    before = ago(hours=9)
    for command, hours, reason, named in (
        ("closeBed", 10, "paint", {}),
        ("reopenBed", 8, "dry", {}),
        ("closeBed", 7, f"{sign} bled on it", about),
        ("reopenBed", 6, f"what {sign} left is clean", {}),
        ("closeBed", 5, f"{sign} bled again", about),
    ):
        ward.record(command, **here, **named, occurredAt=ago(hours=hours), reason=reason)
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    result = {"name": "inpatient-census", "period": period, "reason": f"{sign} asked for it"}
    issue = ward.record("issueReport", **result, **about)["issue"]["id"]
    ward.patient()
    ward.record("restateReport", issueId=issue, reason=f"{sign} asked again")
    reasons = "query($id: ID!) { reportIssue(id: $id) { reason restatements { reason } } }"
    assert sign in str(ward.ask(reasons, id=issue))
    assert sign in ward.bed(bed)["stateReason"]
    assert where(migrated, sign)

    erase(ward, officer, mrn)

    assert where(migrated, sign) == set()
    assert ward.ask(reasons, id=issue)["reportIssue"] == {
        "reason": "REDACTED",
        "restatements": [{"reason": "REDACTED"}],
    }
    assert [ward.bed(bed, asOf=at)["stateReason"] for at in (before, ago(days=0))] == [
        "paint",
        "REDACTED",
    ]
    feed = ward.ask("{ events(first: 500) { nodes { kind data } } }")["events"]["nodes"]
    closures = [event["data"] for event in feed if event["kind"] == "BED_CLOSED"]
    assert [closure["why"] for closure in closures] == ["paint", "REDACTED", "REDACTED"]
    assert sign not in str(feed)


def test_mistake_264_a_reason_of_a_reservation_outlives_whom_the_bed_is_held_for(
    ward: Ward, officer: GraphQLClient
) -> None:
    """It was kept under the key of the room, though the reservation says whose it is."""
    mrn, sign = ward.patient(), ward.name("Quoll")
    room = ward.room("a", "b", "c", ward=ward.name("W"))
    stay = ward.stay(f"{room}/a", patientMrn=mrn)
    for bed, holder in (("b", {"patientMrn": mrn}), ("c", {"stayId": stay})):
        reserved = ward.record(
            "reserveBed",
            **place(f"{room}/{bed}"),
            **holder,
            until=ahead(hours=3),
            reason=f"{sign} comes back",
        )
        (spell,) = [s for s in reserved["room"]["beds"] if s["code"] == bed]
        id = spell["reservationId"]
        names = {"ward": room.split("/")[0], "room": room.split("/")[1]}
        other = {"until": ahead(hours=5), "reason": f"{sign} is late"}
        ward.record("correctBedState", **names, bedStateId=id, **other)
        ward.record("releaseReservation", **names, reservationId=id, reason=f"{sign} stays there")
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    feed = "{ events(first: 500) { nodes { kind data } } }"
    assert str(ward.ask(feed)).count(sign) == 6
    erase(ward, officer, mrn)
    result = str(ward.ask(feed))
    assert sign not in result
    assert result.count("'reason': 'REDACTED'") >= 6


def test_an_erasure_names_a_person_or_an_arrival(ward: Ward) -> None:
    for both in ({}, {"patientMrn": ward.patient(), "expectedArrivalId": str(uuid4())}):
        answer = ward.execute("placeLegalHold", **both, reason="a lawsuit")
        assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["patientMrn"])
