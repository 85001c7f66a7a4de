"""Who may: everything in the schema and every command has a rule, and the rules are held to."""

import json
from uuid import uuid4

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType

from api.graphql.allowed import DATA, needed_for, snake
from api.graphql.schema import schema
from application.access import MAY, Role
from application.hospital import Hospital
from domain.patient import Confidentiality
from tests.api.ward import Ward, codes
from tests.conftest import LOGIN
from tests.graphql import GraphQLClient
from tests.record.lived import commands_of

TYPES = {
    name: kind
    for name, kind in schema._schema.type_map.items()
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
}
FIELDS = [
    (name, field) for name, kind in TYPES.items() if name != "Mutation" for field in kind.fields
]


def test_every_question_and_every_field_has_a_rule() -> None:
    without = [f"{t}.{f}" for t, f in FIELDS if needed_for(t, f) not in MAY]
    assert without == []


def test_every_command_has_a_rule() -> None:
    assert commands_of(Hospital) - set(MAY) == set()
    mutation = TYPES["Mutation"]
    assert {snake(name) for name in mutation.fields} <= set(MAY)


def test_no_rule_is_about_nothing() -> None:
    questions = {snake(f) for t, f in FIELDS if t in ("Query", "Subscription")}
    labels = {
        f"label:{c.value.lower()}" for c in Confidentiality if c is not Confidentiality.NORMAL
    }
    assert set(MAY) == commands_of(Hospital) | questions | set(DATA.values()) | labels
    known = set(TYPES) | {f"{t}.{f}" for t, f in FIELDS}
    assert set(DATA) - known == set()


def test_every_role_may_something_and_no_row_is_empty() -> None:
    for role in Role:
        assert any(role in roles for roles in MAY.values())
    assert [what for what, roles in MAY.items() if not roles] == []


def as_role(ward: Ward, role: Role) -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, f"a {role.value}"))


NAMES = "{ roomOccupancy { beds { state patient { familyName } } } }"
COUNTS = "{ roomOccupancy { beds { state occupants { stay { admittedAt patient { id } } } } } }"
NOTES = "query($id: ID!) { stay(id: $id) { visits { note } } }"


def test_an_analyst_sees_the_course_of_stays_and_no_names(shared: Ward) -> None:
    analyst = as_role(shared, Role.ANALYST)
    assert "errors" not in analyst.raw(COUNTS)
    for query in (
        NAMES,
        "{ patients { pageInfo { endCursor } } }",
        "{ stays { nodes { patient { ...who } } } } fragment who on Patient { mrn }",
        "{ n: node(id: 1) { ... on Patient { x: birthDate } } }",
        'query A { wards { name } } query B { timeline(mrn: "1") { nodes { id } } }',
    ):
        body = {"query": query, "operationName": "A" if "query A" in query else None}
        told = shared.client.http.post("/graphql", json=body, headers=analyst._headers).json()
        assert codes(told) == {"NOT_ALLOWED"}, query
        assert told.get("data") is None


def test_an_analyst_finds_nobody_by_an_mrn_that_is_known_already(shared: Ward) -> None:
    mrn = shared.patient()
    for query in (
        "query($m: String) { patient(mrn: $m) { id } }",
        "query($m: String) { stays(filter: {patientMrn: $m}) { nodes { id } } }",
    ):
        assert codes(as_role(shared, Role.ANALYST).raw(query, {"m": mrn})) == {"NOT_ALLOWED"}


def test_who_is_at_the_desk_reads_no_notes(shared: Ward) -> None:
    stay = shared.stay()
    for role in Role:
        told = as_role(shared, role).raw(NOTES, {"id": stay})
        refused = role in (Role.REGISTRAR, Role.BED_MANAGER, Role.ANALYST, Role.AUDITOR)
        assert ("errors" in told) == refused, role


def test_nothing_runs_of_an_operation_that_asks_for_too_much(shared: Ward) -> None:
    registrar = as_role(shared, Role.REGISTRAR)
    mrn = shared.name("M")
    told = registrar.raw(
        """mutation($id: ID!, $mrn: String!) {
          registerPatient(input: {commandId: $id, mrn: $mrn}) {
            ... on PatientRecorded { patient { stays { visits { note } } } } } }""",
        {"id": str(uuid4()), "mrn": mrn},
    )
    assert codes(told) == {"NOT_ALLOWED"}
    assert shared.ask("query($mrn: String) { patient(mrn: $mrn) { id } }", mrn=mrn) == {
        "patient": None
    }


def test_a_command_that_the_role_may_not_give_is_refused(shared: Ward) -> None:
    nurse, registrar = as_role(shared, Role.NURSE), as_role(shared, Role.REGISTRAR)
    bed = f"{shared.room()}/a"
    ward, room, _ = bed.split("/")
    told = nurse.give("addBed", ward=ward, room=room, bed="z")
    assert told["code"] == "NotAllowed"
    assert "nurse" in told["message"]
    assert [b["code"] for b in _beds(shared, ward, room)] == ["a", "b"]
    told = registrar.give("registerPatient", mrn=shared.name("M"))
    assert told["__typename"] == "PatientRecorded"


def _beds(ward: Ward, name: str, number: str) -> list[dict[str, str]]:
    board = ward.ask(
        "query($ward: String) { roomOccupancy(ward: $ward) { room { number } beds { code } } }",
        ward=name,
    )["roomOccupancy"]
    (beds,) = [r["beds"] for r in board if r["room"]["number"] == number]
    assert isinstance(beds, list)
    return beds


@pytest.mark.parametrize("role", Role)
def test_introspection_is_not_a_question_about_patients(shared: Ward, role: Role) -> None:
    told = as_role(shared, role).raw("{ __schema { queryType { name } } __typename }")
    assert "Query" in json.dumps(told)
