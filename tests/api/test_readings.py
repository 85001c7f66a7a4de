"""Reading is recorded: whose data every answer shows, before it leaves."""

import ast
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ahead, codes, place
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import rows

API = Path(__file__).parents[2] / "api"


def readings(database: Database) -> list[tuple[Any, ...]]:
    """Return the record of reading: by whom, by which operation, for what, whose (MRNs, in order)."""
    return rows(
        database,
        "SELECT a.subject, a.role, a.operation, a.purpose, array(SELECT DISTINCT p.mrn FROM"
        " patients_v4.patients p WHERE p.patient = ANY(a.patients) ORDER BY p.mrn)"
        " FROM audit.accesses a ORDER BY a.no",
    )


Settled = tuple[Ward, dict[str, str]]


@pytest.fixture(scope="module")
def lying(shared: Ward) -> Settled:
    """Two patients in beds, one with a visit and a dose."""
    ward = shared
    room = ward.room("a", "b")
    doctor = ward.doctor()
    mrns = [ward.patient(), ward.patient()]
    stays = [ward.stay(f"{room}/{bed}", patientMrn=m) for m, bed in zip(mrns, "ab", strict=True)]
    visit = ward.record("recordVisit", stayId=stays[0], practitioner=doctor, kind="ROUND")
    drug = ward.prescription(stays[0])
    ward.record("recordAdministration", prescriptionId=drug, given=True)
    ids = {"one": mrns[0], "other": mrns[1], "stay": stays[0], "drug": drug}
    ids["visit"] = visit["visit"]["id"]
    ids["patient"] = ward.ask("query($m: String) { patient(mrn: $m) { id } }", m=mrns[0])[
        "patient"
    ]["id"]
    return ward, ids


@pytest.fixture
def settled(lying: Settled, migrated: Database) -> Settled:
    """The same, and nothing is recorded as read so far."""
    with psycopg.connect(migrated.owner_url) as owner:
        owner.execute("DELETE FROM audit.accesses")
    return lying


ONE = [
    ("patient", 'patient(mrn: "{one}") {{ sex }}'),
    ("patient", 'patient(id: "{patient}") {{ stays {{ id }} }}'),
    ("stay", 'stay(id: "{stay}") {{ status }}'),
    ("node", 'node(id: "{visit}") {{ ... on Visit {{ note }} }}'),
    ("node", 'node(id: "{drug}") {{ ... on Prescription {{ dose }} }}'),
    ("prescription", 'prescription(id: "{drug}") {{ administrations {{ given }} }}'),
    ("timeline", 'timeline(mrn: "{one}", first: 1) {{ nodes {{ summary }} }}'),
    ("timeline", 'timeline(stayId: "{stay}") {{ edges {{ node {{ data }} }} }}'),
    ("course", 'course(stayId: "{stay}", format: HTML) {{ text }}'),
    ("course", 'course(mrn: "{one}", format: JSON) {{ fileName }}'),
    (
        "stayDifference",
        'stayDifference(id: "{stay}", fromKnown: "2020-01-01T00:00:00Z") {{ facts {{ data }} }}',
    ),
]


@pytest.mark.parametrize(("operation", "question"), ONE, ids=[q for _, q in ONE])
def test_who_reads_of_one_patient_has_read_that_patient(
    settled: Settled, migrated: Database, operation: str, question: str
) -> None:
    ward, ids = settled
    ward.ask(f"query ItsOwnName {{ x: {question.format(**ids)} }}")
    assert readings(migrated) == [("tester", "admin", operation, "treatment", [ids["one"]])]


RESERVED = [
    ("roomOccupancy", "roomOccupancy { beds { reservedForPatient reservedForStay } }"),
    ("events", "events(kinds: [BED_RESERVED]) { nodes { data } }"),
]


@pytest.mark.parametrize(("operation", "question"), RESERVED, ids=[q for _, q in RESERVED])
def test_who_reads_for_whom_a_bed_is_reserved_has_read_that_patient(
    ward: Ward, database: Database, operation: str, question: str
) -> None:
    mrn, bed = ward.patient(), place(f"{ward.room('a')}/a")
    ward.record("reserveBed", **bed, patientMrn=mrn, until=ahead(hours=3))
    ward.ask(f"{{ {question} }}")
    (*_, last) = readings(database)
    assert last == ("tester", "admin", operation, "treatment", [mrn])


def test_a_bed_is_not_said_to_be_reserved_for_somebody_who_is_closed(ward: Ward) -> None:
    nurse = GraphQLClient(ward.client.http, LOGIN.make(Role.NURSE, "Ada"))
    query = "{ roomOccupancy { beds { state reservedForPatient reservedForStay } } }"
    for label, is_told in (("NORMAL", True), ("VERY_RESTRICTED", False)):
        mrn, bed = ward.patient(confidentiality=label), ward.room("a")
        ward.record("reserveBed", **place(f"{bed}/a"), patientMrn=mrn, until=ahead(hours=3))
        (*_, room) = nurse.ask(query)["roomOccupancy"]
        assert room["beds"][0]["state"] == "RESERVED"
        assert bool(room["beds"][0]["reservedForPatient"]) == is_told


MANY = [
    ("patients", "patients { nodes { familyName } }"),
    ("stays", "stays { nodes { patient { mrn } } }"),
    ("roomOccupancy", "roomOccupancy { beds { patient { mrn } } }"),
    ("roomOccupancy", "roomOccupancy { beds { occupants { stay { specialty } } } }"),
    (
        "occupancyHistory",
        'occupancyHistory(from: "2020-01-01T00:00:00Z", to: "2099-01-01T00:00:00Z")'
        " { patient { mrn } }",
    ),
    (
        "occupancyDifference",
        'occupancyDifference(fromKnown: "2020-01-01T00:00:00Z") { facts { summary } }',
    ),
]


@pytest.mark.parametrize(("operation", "question"), MANY, ids=[q for _, q in MANY])
def test_who_reads_a_list_or_a_board_has_read_all_who_are_on_it(
    settled: Settled, migrated: Database, operation: str, question: str
) -> None:
    ward, ids = settled
    ward.ask(f"{{ {question} }}")
    both = [ids["one"], ids["other"]]
    assert readings(migrated) == [("tester", "admin", operation, "treatment", both)]


def test_what_names_nobody_is_no_reading(settled: Settled, migrated: Database) -> None:
    ward, _ = settled
    ward.ask("{ wards { name } roomOccupancy { beds { code state } } projections { name } }")
    ward.client.raw("{ patients { nodes { nonsense } } }")
    assert readings(migrated) == []


def test_who_gives_a_command_reads_what_it_answers(settled: Settled, migrated: Database) -> None:
    ward, ids = settled
    ward.record("changeSpecialty", stayId=ids["stay"], specialty="Cardiology")
    assert readings(migrated) == [("tester", "admin", "changeSpecialty", "treatment", [ids["one"]])]
    ward.execute("changeSpecialty", stayId="x", specialty="Cardiology")
    assert len(readings(migrated)) == 1


def test_a_reading_says_who_and_what_for(settled: Settled, migrated: Database) -> None:
    ward, ids = settled
    request_body = {"query": "query($m: String) { patient(mrn: $m) { mrn } }"}
    body = {**request_body, "variables": {"m": ids["one"]}}
    bearer = {"Authorization": f"Bearer {LOGIN.make(Role.NURSE, 'Ada')}"}
    http = ward.client.http
    answer = http.post("/graphql", json=body, headers={**bearer, "X-Purpose": "research"})
    assert answer.status_code == 200
    assert readings(migrated) == [("Ada", "nurse", "patient", "research", [ids["one"]])]

    answer = http.post("/graphql", json=body, headers={**bearer, "X-Purpose": "curiosity"})
    assert answer.status_code == 400
    assert "public_health" in answer.text
    assert len(readings(migrated)) == 1


def test_what_cannot_be_recorded_as_read_is_not_shown(settled: Settled, migrated: Database) -> None:
    ward, ids = settled
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute("REVOKE EXECUTE ON FUNCTION audit.record(jsonb) FROM wardbook_app")
        try:
            answer = ward.client.raw("{ patients { nodes { mrn } } }")
            shown = ward.ask("{ wards { name } }")
        finally:
            owner.execute("GRANT EXECUTE ON FUNCTION audit.record(jsonb) TO wardbook_app")
    assert answer["data"] is None
    assert codes(answer) == {"INTERNAL"}
    # in the errors: a position may have such letters by chance
    assert ids["one"] not in json.dumps(answer["errors"])
    assert shown == {"wards": [{"name": "A"}]}


def test_answers_that_come_together_are_all_recorded(settled: Settled, migrated: Database) -> None:
    ward, _ = settled
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ward.ask, "{ stays { nodes { id } } }") for _ in range(40)]
        for each in asked:
            each.result()
    assert len(readings(migrated)) == 40


# -- asking who read --


ACCESSES = """query($mrn: String, $subject: String, $from: DateTime, $to: DateTime, $first: Int,
  $after: String) {
  accesses(mrn: $mrn, subject: $subject, from: $from, to: $to, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id at issuer subject role operation purpose brokeGlass patient { mrn } } } }"""


def test_an_auditor_hears_who_read_whose_data(settled: Settled) -> None:
    ward, ids = settled
    nurse = GraphQLClient(ward.client.http, LOGIN.make(Role.NURSE, "Ada"))
    auditor = GraphQLClient(ward.client.http, LOGIN.make(Role.AUDITOR, "Otto"))
    nurse.ask("{ roomOccupancy { beds { patient { mrn } } } }")
    ward.ask("query($m: String) { patient(mrn: $m) { mrn } }", m=ids["one"])

    answer = auditor.ask(ACCESSES, mrn=ids["one"])["accesses"]["nodes"]
    assert [(a["subject"], a["operation"]) for a in answer] == [
        ("tester", "patient"),
        ("Ada", "roomOccupancy"),
    ]
    # what a patient may be handed names nobody else
    assert {a["patient"]["mrn"] for a in answer} == {ids["one"]}
    assert {a["purpose"] for a in answer} == {"TREATMENT"}
    assert not any(a["brokeGlass"] for a in answer)

    by_ada = auditor.ask(ACCESSES, subject="Ada")["accesses"]["nodes"]
    assert {a["patient"]["mrn"] for a in by_ada} == {ids["one"], ids["other"]}
    assert auditor.ask(ACCESSES, mrn=ids["one"], to=answer[-1]["at"])["accesses"]["nodes"] == []
    # the auditor's own asking is a reading too
    mine = auditor.ask(ACCESSES, subject="Otto", mrn=ids["one"])["accesses"]["nodes"]
    assert {a["operation"] for a in mine} == {"accesses"}
    assert codes(nurse.raw(ACCESSES)) == {"NOT_ALLOWED"}


def test_accesses_are_read_page_by_page(settled: Settled) -> None:
    ward, _ = settled
    for _ in range(3):
        ward.ask("{ stays { nodes { id } } }")
    result: list[str] = []
    after = None
    while True:
        answer = ward.ask(
            ACCESSES, subject="tester", to="2099-01-01T00:00:00Z", first=2, after=after
        )
        page = answer["accesses"]
        result += [a["id"] for a in page["nodes"] if a["operation"] == "stays"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(result) == len(set(result)) == 6


# -- nothing is shown past it --


def test_no_part_of_the_api_makes_a_moment_without_its_reader() -> None:
    made = [
        f"{file.name}:{node.lineno}"
        for file in (API / "graphql").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "AsOf"
    ]
    assert [where.split(":")[0] for where in made] == ["context.py"]


def test_the_application_can_only_add_to_what_was_read(
    settled: Settled, migrated: Database
) -> None:
    ward, _ = settled
    ward.ask("{ stays { nodes { id } } }")
    with psycopg.connect(migrated.app_url, autocommit=True) as app:
        for statement in (
            "UPDATE audit.accesses SET subject = 'somebody else'",
            "DELETE FROM audit.accesses",
            "TRUNCATE audit.accesses",
            "DROP TABLE audit.accesses",
            "INSERT INTO audit.accesses DEFAULT VALUES",
            "ALTER FUNCTION audit.record SECURITY INVOKER",
            "CREATE TABLE audit.mine (x int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())
    assert len(readings(migrated)) == 1
