"""Tests of the questions of GraphQL scanners (graphql-cop's), where no other test asks them.

Elsewhere: aliases, repeats, directives and deep introspection in test_limits; batches, forms of other
pages, GET and suggestions in test_http and test_graphql_over_http; trusted documents in test_trusted.
"""

import json

import pytest
from graphql import get_introspection_query

from application.authorization.roles import Role
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, codes

BEARER = {"Authorization": f"Bearer {TOKEN}"}
SCHEMA = {"query": get_introspection_query(descriptions=False)}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}], ids=str)
def test_the_schema_is_not_told_to_who_is_not_logged_in(
    shared: Ward, headers: dict[str, str]
) -> None:
    for result in (
        shared.client.http.post("/graphql", json=SCHEMA, headers=headers),
        shared.client.http.get("/graphql", params=SCHEMA, headers=headers),
        shared.client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers),
    ):
        assert (result.status_code, codes(result.json())) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize("role", Role)
def test_the_schema_is_told_to_roles_that_build_clients(shared: Ward, role: Role) -> None:
    headers = {"Authorization": f"Bearer {LOGIN.make(role)}"}
    answer = shared.client.http.post("/graphql", json=SCHEMA, headers=headers).json()
    if role in (Role.ADMIN, Role.SERVICE):
        assert answer["data"]["__schema"]["queryType"]["name"] == "Query"
    else:
        assert (codes(answer), answer.get("data")) == ({"NOT_ALLOWED"}, None)


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/playground", "/altair", "/console"])
def test_no_ide_is_served(shared: Ward, path: str) -> None:
    for headers in ({}, BEARER):
        response = shared.client.http.get(path, headers={**headers, "Accept": "text/html"})
        assert response.status_code in (400, 401, 404, 406)
        assert "<script" not in response.text


def test_no_trace_is_told_though_it_is_asked_for(shared: Ward) -> None:
    fields = {**BEARER, "X-Apollo-Tracing": "1", "Apollo-Query-Plan-Experimental": "1"}
    body = {"query": "{ wards { name } }", "extensions": {"tracing": True}}
    answer = shared.client.http.post("/graphql", json=body, headers=fields).json()
    assert set(answer["extensions"]) == {"position"}


@pytest.mark.parametrize(
    "query",
    [
        "query cop { abc }",
        "{ stay(id: 3.5) { id } }",
        '{ stay(id: "nonsense") { id } reportIssue(id: "\' OR 1=1 --") { id } }',
        '{ patients(search: "\'; DROP TABLE x; --", first: 1) { nodes { id } } }',
        '{ node(id: "1 UNION SELECT 1") { id } }',
        '{ report(name: "../../etc/passwd", period: {from: "2026-01-01", to: "2026-01-01"}) { ward } }',
    ],
    ids=lambda query: query[:40],
)
def test_no_error_says_how_the_server_is_made(shared: Ward, query: str) -> None:
    answer = shared.client.raw(query)
    assert "INTERNAL" not in json.dumps(answer)
    for error in answer.get("errors", ()):
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert (
            {"code", "errorCode"} <= set(error["extensions"]) <= {"code", "errorCode", "parameters"}
        )
        for word in ("Traceback", ".py", "psycopg", "SELECT ", "sqlalchemy", "_v1."):
            assert word not in error["message"].replace("1 UNION SELECT 1", "")


def test_no_header_says_how_the_server_is_made(shared: Ward) -> None:
    response = shared.client.http.post("/graphql", json={"query": "{ __typename }"}, headers=BEARER)
    assert {"x-powered-by", "set-cookie", "access-control-allow-origin"}.isdisjoint(
        response.headers
    )
    assert "python" not in str(response.headers).lower()
