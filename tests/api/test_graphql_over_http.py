"""GraphQL over HTTP, the main points of its specification; `make audits` asks for all of them."""

from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, codes

RESPONSE, JSON = "application/graphql-response+json", "application/json"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WELL = {"query": "{ __typename }"}


def post(ward: Ward, body: Any, accept: str | None = None) -> Any:
    headers = {**BEARER, "Accept": accept} if accept is not None else BEARER
    return ward.client.http.post("/graphql", json=body, headers=headers)


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (RESPONSE, RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("", JSON),
        ("application/*", JSON),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{JSON};q=0.9, {RESPONSE}", RESPONSE),
        (f"{RESPONSE};q=0.1, {JSON}", JSON),
        (f"text/html, {RESPONSE}; charset=utf-8, */*;q=0.1", RESPONSE),
        (f"{RESPONSE};q=nonsense, {JSON}", JSON),
    ],
)
def test_a_client_is_answered_as_it_likes(shared: Ward, accept: str, answered: str) -> None:
    answer = post(shared, WELL, accept)
    assert answer.headers["content-type"].split(";")[0] == answered
    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


def test_what_a_client_does_not_accept_is_not_done(shared: Ward) -> None:
    answer = post(shared, WELL, "text/event-stream")
    assert answer.status_code == 406
    assert codes(answer.json()) == {"BAD_REQUEST"}


NOT_EXECUTED = [
    {"query": "{"},
    {"query": "{ nothing }"},
    {"query": "query($at: DateTime!) { wards(asOf: $at) { name } }"},
    {"query": "query($at: DateTime!) { wards(asOf: $at) { name } }", "variables": {"at": 3}},
    {"query": "query A { __typename } query B { __typename }", "operationName": "C"},
    {"query": "query A { __typename } query B { __typename }"},
    {"query": "subscription { events { id } }"},
]


@pytest.mark.parametrize("body", NOT_EXECUTED, ids=str)
def test_what_is_not_executed_has_no_data_and_is_the_clients_fault(
    shared: Ward, body: dict[str, Any]
) -> None:
    answer = post(shared, body, RESPONSE)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith(RESPONSE)
    assert "data" not in answer.json()
    assert codes(answer.json()) == {"BAD_REQUEST"}
    legacy = post(shared, body, JSON)
    assert legacy.status_code in (200, 400)
    assert legacy.json().get("data") is None


def test_what_is_executed_and_fails_has_data_and_is_answered(shared: Ward) -> None:
    body = {"query": "{ patient { mrn } __typename }"}
    for accept in (RESPONSE, JSON):
        answer = post(shared, body, accept)
        assert (answer.status_code, answer.json()["data"]["patient"]) == (200, None)
        assert codes(answer.json()) == {"InvalidInput"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"query": 3},
        {"query": ["{ __typename }"]},
        {**WELL, "variables": "none"},
        {**WELL, "variables": [1]},
        {**WELL, "extensions": "none"},
        {**WELL, "operationName": {}},
        [WELL, WELL],
    ],
    ids=str,
)
def test_what_is_no_request_is_the_clients_fault(shared: Ward, body: Any) -> None:
    answer = post(shared, body)
    assert answer.status_code == 400
    assert codes(answer.json()) == {"BAD_REQUEST"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_of_another_page_can_send_is_not_taken(shared: Ward, kind: str) -> None:
    content = b'{"query": "{ __typename }"}'
    headers = {**BEARER, "Content-Type": kind}
    answer = shared.client.http.post("/graphql", content=content, headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["errors"][0]["message"]
    assert codes(answer.json()) == {"BAD_REQUEST"}


@pytest.mark.parametrize(
    "kind",
    ["APPLICATION/JSON; Charset=UTF-8", "Application/Json", "application/json;charset=utf-8"],
)
def test_a_media_type_may_be_written_in_any_case(shared: Ward, kind: str) -> None:
    headers = {**BEARER, "Content-Type": kind}
    content = b'{"query": "{ __typename }"}'
    answer = shared.client.http.post("/graphql", content=content, headers=headers)
    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_there_is_nothing_but_get_and_post(shared: Ward, method: str) -> None:
    answer = shared.client.http.request(method, "/graphql", headers=BEARER)
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("method", "sent", "todo"),
    [
        ("POST", {"json": "text"}, "JSON object"),
        ("GET", {"params": {**WELL, "variables": "{"}}, "JSON object"),
        ("POST", {"json": [WELL, WELL]}, "one operation"),
        ("GET", {"params": {"query": "mutation { __typename }"}}, "by POST"),
        ("GET", {"params": {"query": "subscription { events { position } }"}}, "WebSocket"),
    ],
)
def test_what_is_no_request_is_told_what_to_send(
    shared: Ward, method: str, sent: dict[str, Any], todo: str
) -> None:
    sent = {**sent, "headers": {**BEARER, **sent.get("headers", {})}}
    answer = shared.client.http.request(method, "/graphql", **sent)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert todo in error["message"]
