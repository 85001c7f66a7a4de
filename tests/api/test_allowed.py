"""Tests of access rules: everything in the schema and every command has one, and keeps it."""

from uuid import uuid4

import pytest
import strawberry
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    extend_schema,
    parse,
)

from api.cli.access_matrix import access_matrix
from api.cli.schema import ACCESS_FILE
from api.graphql.declarations import DataKind, declarations_of, shows
from api.graphql.extensions.authorization import DECLARED, analyse_document, needed_for, snake
from api.graphql.relay import Node
from api.graphql.schema import schema
from application.authorization.roles import MAY, Role, may
from application.authorization.scope import OWN_WARD
from application.hospital import COMMANDS
from domain.patient import Confidentiality
from infrastructure.read_models.stays import stays_by_id
from infrastructure.read_models.visits import visits, visits_of
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient


def types_of(held: GraphQLSchema) -> dict[str, GraphQLObjectType | GraphQLInterfaceType]:
    return {
        name: kind
        for name, kind in held.type_map.items()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
    }


def fields_of(held: GraphQLSchema) -> list[tuple[str, str]]:
    return [(name, field) for name, kind in types_of(held).items() for field in kind.fields]


def without_rule(held: GraphQLSchema) -> set[str]:
    """The questions, subscriptions, commands and fields that nobody has a rule for."""
    return {
        f"{kind}.{field}"
        for kind, field in fields_of(held)
        if (snake(field) if kind == "Mutation" else needed_for(kind, field)) not in MAY
    }


SCHEMA = schema._schema
TYPES, FIELDS = types_of(SCHEMA), fields_of(SCHEMA)


def test_every_question_subscription_command_and_field_has_a_rule() -> None:
    assert without_rule(SCHEMA) == set()


LATER = """
    type Insurance { number: String }
    extend type Query { insurances: [Insurance] }
    extend type Mutation { insurePatient(number: String): Insurance }
    extend type Subscription { insured: Insurance }
    extend type Bed { nextPatient: String }
    extend type BedOccupied { ofPatient: String }
    extend type Stay { diagnosis: String }
    extend type Patient { shoeSize: Int }
    extend type ReportIssue { signedBy: String }
"""
"""What somebody adds to the schema, and thinks of no rule."""


def test_what_is_added_later_fails_that_test_until_it_has_a_rule() -> None:
    later = extend_schema(SCHEMA, parse(LATER))
    assert without_rule(later) == {
        "Insurance.number",
        "Query.insurances",
        "Mutation.insurePatient",
        "Subscription.insured",
        "Bed.nextPatient",
        "BedOccupied.ofPatient",
        "Stay.diagnosis",
        "Patient.shoeSize",
        "ReportIssue.signedBy",
    }


@pytest.mark.parametrize(
    "query",
    [
        "{ roomOccupancy { beds { nextPatient } } }",
        "{ insurances { __typename } }",
        "subscription { insured { __typename } }",
        "subscription { roomOccupancyChanged { rooms { beds { stay { diagnosis } } } } }",
        'mutation { breakGlass(input: {commandId: "1"}) { ... on BedOccupied { ofPatient } } }',
    ],
)
def test_what_is_added_later_nobody_sees_until_it_has_a_rule(query: str) -> None:
    needs = analyse_document(extend_schema(SCHEMA, parse(LATER)), parse(query)).needs
    assert [role for role in Role if all(may(role, what) for what in needs)] == []


def test_a_type_that_declares_no_kind_of_data_stops_the_program() -> None:
    @strawberry.type
    class Insurance:
        number: str

    @strawberry.type
    class Query:
        insurance: Insurance

    with pytest.raises(TypeError, match="Insurance does not declare"):
        declarations_of(strawberry.Schema(Query)._schema)
    shows(DataKind.IDENTITY)(Insurance)
    assert declarations_of(strawberry.Schema(Query)._schema).kinds == {
        "Insurance.number": DataKind.IDENTITY
    }


def test_the_declaration_of_a_class_is_not_that_of_its_subclasses() -> None:
    """Every type of the schema that has an id is a `Node`, which is of the house."""

    @strawberry.type
    class Insurance(Node):
        number: str

    @strawberry.type
    class Query:
        insurance: Insurance

    with pytest.raises(TypeError, match="Insurance does not declare"):
        declarations_of(strawberry.Schema(Query)._schema)


def test_what_reads_a_table_without_valid_time_boundaries_cannot_be_cached() -> None:
    shows(DataKind.STAY, cached_from=[stays_by_id])
    with pytest.raises(TypeError, match=visits.fullname):
        shows(DataKind.STAY, cached_from=[stays_by_id, visits_of])


def test_every_command_is_allowed_to_the_roles_that_it_declares() -> None:
    assert {name: spec.roles for name, spec in COMMANDS.items()} == {
        name: roles for name, roles in MAY.items() if name in COMMANDS
    }
    assert len(COMMANDS) > 40


def test_the_published_matrix_is_up_to_date() -> None:
    assert ACCESS_FILE.read_text() == access_matrix(), "run: wardbook schema --access --write"


def test_the_published_matrix_has_each_rule_with_its_roles() -> None:
    rows = [
        line.split("|")[1:-1] for line in access_matrix().splitlines() if line.startswith("| `")
    ]
    marked = {
        row[0].strip(" `"): {role for role, mark in zip(Role, row[1:], strict=True) if "x" in mark}
        for row in rows
    }
    assert marked == MAY


def test_who_sees_facts_whole_may_see_all_that_they_hold() -> None:
    """Timelines and the feed hold names, beds and notes in one field."""
    whole = MAY["data:clinical"] & MAY["data:identity"] & MAY["data:stay"]
    assert MAY["data:clinical"] <= whole
    assert MAY["events"] | MAY["timeline"] | MAY["timeline_extended"] <= whole


def test_no_rule_is_about_nothing() -> None:
    questions = {snake(f) for t, f in FIELDS if t in ("Query", "Subscription")}
    labels = {
        f"label:{c.value.lower()}" for c in Confidentiality if c is not Confidentiality.NORMAL
    }
    assert set(MAY) == set(COMMANDS) | questions | set(DataKind) | labels | {
        "introspection",
        "data:closures",
        OWN_WARD,
    }
    assert set(DECLARED.kinds.values()) == set(DataKind)


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
    analyst, mrn = as_role(shared, Role.ANALYST), shared.patient()
    stay = shared.stay(patientMrn=mrn)
    assert "errors" not in analyst.raw(COUNTS)
    for query in (
        NAMES,
        "{ patients { pageInfo { endCursor } } }",
        "{ stays(first: 500) { nodes { id patient { ...who } } } } fragment who on Patient { mrn }",
        "{ wards { name } n: node(id: 1) { ... on Patient { x: birthDate } } }",
        'query A { wards { name } } query B { timeline(mrn: "1") { nodes { id } } }',
    ):
        body = {"query": query, "operationName": "A" if "query A" in query else None}
        answer = shared.client.http.post("/graphql", json=body, headers=analyst._headers).json()
        assert "NOT_ALLOWED" in codes(answer), query
        assert mrn not in str(answer)
        assert stay in str(answer) or "stays" not in query


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
        answer = as_role(shared, role).raw(NOTES, {"id": stay})
        refusal = role in (Role.REGISTRAR, Role.BED_MANAGER, Role.ANALYST, Role.AUDITOR)
        assert ("errors" in answer) == refusal, role


def test_nothing_runs_of_an_operation_that_asks_for_too_much(shared: Ward) -> None:
    registrar = as_role(shared, Role.REGISTRAR)
    mrn = shared.name("M")
    answer = registrar.raw(
        """mutation($id: ID!, $mrn: String!) {
          registerPatient(input: {commandId: $id, mrn: $mrn}) {
            ... on PatientRecorded { patient { stays { visits { note } } } } } }""",
        {"id": str(uuid4()), "mrn": mrn},
    )
    assert codes(answer) == {"NOT_ALLOWED"}
    reply = shared.client.raw("query($mrn: String) { patient(mrn: $mrn) { id } }", {"mrn": mrn})
    assert codes(reply) == {"NotFound"}


def test_a_command_that_the_role_may_not_give_is_refused(shared: Ward) -> None:
    nurse, registrar = as_role(shared, Role.NURSE), as_role(shared, Role.REGISTRAR)
    bed = f"{shared.room()}/a"
    ward, room, _ = bed.split("/")
    answer = nurse.execute("addBed", ward=ward, room=room, bed="z")
    assert answer["code"] == "NotAllowed"
    assert "nurse" in answer["message"]
    assert [b["code"] for b in _beds(shared, ward, room)] == ["a", "b"]
    answer = registrar.execute("registerPatient", mrn=shared.name("M"))
    assert answer["__typename"] == "PatientRecorded"


def _beds(ward: Ward, name: str, number: str) -> list[dict[str, str]]:
    board = ward.ask(
        "query($ward: String) { roomOccupancy(ward: $ward) { room { number } beds { code } } }",
        ward=name,
    )["roomOccupancy"]
    (beds,) = [r["beds"] for r in board if r["room"]["number"] == number]
    assert isinstance(beds, list)
    return beds


INTROSPECTION = [
    "{ __schema { queryType { name } } }",
    '{ t: __type(name: "Stay") { name } }',
    "{ ...s } fragment s on Query { wards { name } __schema { queryType { name } } }",
    'query A { wards { name } } query B { __type(name: "Stay") { name } }',
]


@pytest.mark.parametrize("query", INTROSPECTION)
@pytest.mark.parametrize("role", Role)
def test_introspection_is_for_those_who_build_clients(shared: Ward, role: Role, query: str) -> None:
    body = {"query": query, "operationName": "A" if "query A" in query else None}
    http, headers = shared.client.http, as_role(shared, role)._headers
    answer = http.post("/graphql", json=body, headers=headers).json()
    if role in (Role.ADMIN, Role.SERVICE):
        assert "errors" not in answer
    else:
        assert codes(answer) == {"NOT_ALLOWED"}
        assert answer.get("data") is None


@pytest.mark.parametrize("role", Role)
def test_any_role_is_told_the_type_of_what_it_sees(shared: Ward, role: Role) -> None:
    """Clients keep answers by it."""
    answer = as_role(shared, role).raw("{ __typename roomOccupancy { __typename } }")
    assert answer["data"]["__typename"] == "Query"
