"""Tests of first questions: who the client is, which hospital this is, the schema, origins."""

import pytest

from api.graphql.schema import schema, sdl
from application.authorization.roles import Role, may
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, moment
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Served

ORIGIN = "https://board.example"
VIEWER = """{ viewer { subject role wards purpose purposes until commands
  admits: may(command: "admitPatient") reads: may(command: "timeline") } }"""
HOSPITAL = """{ hospital { id name timeZone censusTime now simulated lateAfterMinutes
  clockToleranceSeconds mrnAuthority } }"""


@pytest.mark.parametrize("role", [Role.NURSE, Role.PHYSICIAN, Role.ANALYST])
def test_a_login_learns_who_it_is_and_what_it_may_do(followed: Ward, role: Role) -> None:
    token = LOGIN.make(subject="sam", role=role, wards=["B", "A"])
    viewer = GraphQLClient(followed.client.http, token).ask(VIEWER)["viewer"]
    assert (viewer["subject"], viewer["role"]) == ("sam", role.value)
    assert viewer["wards"] == ["A", "B"]
    assert (viewer["purpose"], len(viewer["purposes"])) == ("TREATMENT", 8)
    assert viewer["admits"] == may(role, "admit_patient") == ("admitPatient" in viewer["commands"])
    assert viewer["reads"] == may(role, "timeline")


def test_a_command_that_is_none_is_not_found(followed: Ward) -> None:
    answer = followed.client.raw('{ viewer { may(command: "flyToTheMoon") } }')
    assert answer["errors"][0]["extensions"]["code"] == "NotFound"


def test_the_hospital_tells_its_clock(followed: Ward) -> None:
    hospital = followed.ask(HOSPITAL)["hospital"]
    assert moment(hospital.pop("now")).tzinfo
    assert hospital == {
        "id": "main",
        "name": "main",
        "timeZone": "UTC",
        "censusTime": "23:59",
        "simulated": False,
        "lateAfterMinutes": 60,
        "clockToleranceSeconds": 60,
        "mrnAuthority": "main",
    }
    followed.record("setHospitalTime", timeZone="Asia/Tokyo", censusTime="07:00:00")
    hospital = followed.ask(HOSPITAL)["hospital"]
    assert (hospital["timeZone"], hospital["censusTime"]) == ("Asia/Tokyo", "07:00")


def test_the_schema_is_served_as_a_file(followed: Ward) -> None:
    answer = followed.client.http.get("/schema.graphql")
    assert answer.status_code == 200
    assert answer.text == sdl()
    assert "type Viewer" in answer.text
    assert schema.get_type_by_name("Hospital")


@pytest.mark.parametrize(("origin", "taken"), [(ORIGIN, True), ("https://evil.example", False)])
def test_pages_of_named_origins_may_ask(running: Served, origin: str, taken: bool) -> None:
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-purpose",
    }
    with running.http() as http:
        response = http.request("OPTIONS", "/graphql", headers=preflight)
        refusal = http.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"Origin": origin}
        )
    assert (response.status_code == 200) is taken
    assert refusal.status_code == 401
    for answer in (response, refusal):
        allowed = answer.headers.get("access-control-allow-origin")
        assert allowed == (origin if taken else None)
        assert "access-control-allow-credentials" not in answer.headers
    if taken:
        assert "POST" in response.headers["access-control-allow-methods"]
        assert "x-purpose" in response.headers["access-control-allow-headers"].lower()
