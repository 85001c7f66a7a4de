"""A question that is refused in part, or of which a part fails, gives the rest."""

from typing import Any

import pytest

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient

DASHBOARD = """query($stay: ID!) {
  wards { name }
  stay(id: $stay) { status visits { kind note } prescriptions { id } patient { mrn } }
  timeline(stayId: $stay) { nodes { summary } }
  totals: houseTotals { total { beds } }
}"""


@pytest.fixture
def clerk(shared: Ward) -> GraphQLClient:
    return GraphQLClient(shared.client.http, LOGIN.make(Role.REGISTRAR, "clerk"))


def test_what_a_role_may_not_see_is_null_and_the_rest_is_answered(
    shared: Ward, clerk: GraphQLClient
) -> None:
    stay = shared.stay(f"{shared.room('a')}/a")
    visit = {"practitioner": shared.doctor(), "kind": "ROUND", "note": "sleeps"}
    shared.record("recordVisit", stayId=stay, **visit)
    answer = clerk.raw(DASHBOARD, {"stay": stay})
    assert answer["data"]["wards"]
    assert answer["data"]["totals"]["total"]["beds"] > 0
    assert answer["data"]["stay"]["patient"]["mrn"]
    del answer["data"]["stay"]["patient"]
    rest = {"status": "ADMITTED", "visits": [{"kind": None, "note": None}], "prescriptions": []}
    assert answer["data"]["stay"] == rest
    assert list(answer["data"]) == ["wards", "stay", "timeline", "totals"]
    assert answer["data"]["timeline"] is None
    refusal = {".".join(map(str, e.get("path", ""))): e["extensions"] for e in answer["errors"]}
    codes = {"code": "NOT_ALLOWED", "errorCode": "NOT_ALLOWED"}
    assert refusal == {
        "": {**codes, "field": "Prescription.id"},  # there is none
        "stay.visits.0.kind": {**codes, "field": "Visit.kind"},
        "stay.visits.0.note": {**codes, "field": "Visit.note"},
        "timeline": {**codes, "field": "Query.timeline"},
    }
    assert "findings, prescriptions" in str(answer["errors"])


def test_a_refused_part_of_a_list_is_told_once(shared: Ward, clerk: GraphQLClient) -> None:
    ward = shared.name("Part")
    shared.room("a", "b", "c", ward=ward)
    query = "query($ward: String) { roomOccupancy(ward: $ward) { beds { code flags { id } } } }"
    answer = clerk.raw(query, {"ward": ward})
    beds = answer["data"]["roomOccupancy"][0]["beds"]
    assert beds == [{"code": code, "flags": None} for code in "abc"]
    assert [error["path"] for error in answer["errors"]] == [
        ["roomOccupancy", 0, "beds", 0, "flags"]
    ]


def test_what_is_refused_of_a_fragment_and_of_an_alias_is_null_too(
    shared: Ward, clerk: GraphQLClient
) -> None:
    stay = shared.stay()
    shared.record("recordVisit", stayId=stay, practitioner=shared.doctor(), kind="ROUND")
    query = """query($id: ID!) { a: node(id: $id) { ...Notes id } b: stay(id: $id) { ...Notes } }
      fragment Notes on Stay { seen: visits { note } admissionType }"""
    answer = clerk.raw(query, {"id": stay})
    rest = {"seen": [{"note": None}], "admissionType": "ELECTIVE"}
    assert answer["data"] == {"a": {**rest, "id": stay}, "b": rest}
    assert codes(answer) == {"NOT_ALLOWED"}


def test_the_refused_part_is_in_the_record_of_reading(shared: Ward, clerk: GraphQLClient) -> None:
    name = shared.name("clerk")
    clerk = GraphQLClient(shared.client.http, LOGIN.make(Role.REGISTRAR, name))
    clerk.raw(DASHBOARD, {"stay": shared.stay()})
    query = "query($s: String) { accesses(subject: $s) { nodes { outcome operation } } }"
    rows = shared.ask(query, s=name)["accesses"]["nodes"]
    assert {row["outcome"] for row in rows} == {"SUCCESS", "REFUSED"}


def test_a_command_and_a_question_of_which_nothing_may_be_asked_are_refused_whole(
    shared: Ward, clerk: GraphQLClient
) -> None:
    mrn = shared.name("M")
    command = """mutation($input: RegisterPatientInput!) { registerPatient(input: $input) {
      ... on PatientRecorded { patient { stays { visits { note } } } } } }"""
    input = {"commandId": "5d2f3f0a-8d0c-4f3c-9a55-0b6f1f0e7a11", "mrn": mrn}
    for query, variables in (
        (command, {"input": input}),
        ("{ accesses { nodes { id } } projections { name parked } }", {}),
    ):
        answer = clerk.raw(query, variables)
        if query == command:
            assert (answer.get("data"), codes(answer)) == (None, {"NOT_ALLOWED"})
    result = shared.client.raw("query($m: String!) { patient(mrn: $m) { id } }", {"m": mrn})
    assert codes(result) == {"NotFound"}


def test_one_of_several_root_fields_that_fails_leaves_the_others(shared: Ward) -> None:
    query = """{ wards { name } none: roomOccupancy(ward: "nowhere") { room { id } }
      patients(after: "nowhere") { nodes { id } } hospital { name } }"""
    answer: dict[str, Any] = shared.client.raw(query)
    assert answer["data"]["hospital"]["name"]
    assert answer["data"]["none"] is answer["data"]["patients"] is None
    result = {error["path"][0]: error["extensions"]["code"] for error in answer["errors"]}
    assert result == {"none": "NotFound", "patients": "InvalidInput"}
