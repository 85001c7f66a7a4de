"""A server that answers trusted documents only: over HTTP and WebSockets, and the limits hold."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.graphql.extensions.limits import ALIASES
from api.http.app import app
from api.http.persisted_documents import TrustedDocuments
from infrastructure.postgres.database import Database
from infrastructure.settings import InvalidSetting, Settings
from tests.conftest import LOGIN, empty
from tests.support.api_dsl import Ward, codes
from tests.support.server_process import LOGIN as BEARER
from tests.support.server_process import Client, Served, served

WARDS = "query Wards($asOf: DateTime) { wards(asOf: $asOf) { name } }"
FOLLOW = "subscription { events { id } }"
COMMAND = (
    "mutation($input: RegisterPatientInput!) { registerPatient(input: $input) { __typename } }"
)
LARGE = "{ " + " ".join(f"a{n}: wards {{ name }}" for n in range(ALIASES + 1)) + " }"
OTHER = "{ wards { name } }"
NOT_TRUSTED = {"DOCUMENT_NOT_TRUSTED"}


def hashed(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()


MANIFEST = {hashed(text): text for text in (WARDS, FOLLOW, COMMAND, LARGE)} | {"ours": WARDS}


@pytest.fixture(scope="module")
def strict(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a manifest."""
    empty(migrated)
    migrated.open_log("real")
    home = tmp_path_factory.mktemp("home")
    manifest = home / "documents.json"
    manifest.write_text(json.dumps(MANIFEST))
    with served(app(Settings(home=home, trusted_documents=manifest), migrated, LOGIN)) as server:
        yield server


def post(server: Served, **body: Any) -> Any:
    with server.http() as http:
        return http.post("/graphql", json=body, headers=BEARER)


def get(server: Served, **params: str) -> Any:
    with server.http() as http:
        return http.get("/graphql", params=params, headers=BEARER)


# -- what is answered --


@pytest.mark.parametrize(
    "named",
    [
        {"documentId": hashed(WARDS)},
        {"documentId": hashed(WARDS).removeprefix("sha256:")},
        {"documentId": "ours"},
        {"documentId": hashed(WARDS), "query": WARDS},
        {"documentId": hashed(WARDS), "query": ""},
        {"query": WARDS},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashed(WARDS)[7:]}}},
    ],
    ids=str,
)
def test_a_trusted_document_is_answered_however_it_is_named(
    strict: Served, named: dict[str, Any]
) -> None:
    response = post(strict, **named, variables={"asOf": "2026-01-01T00:00:00Z"})
    assert (response.status_code, response.json()["data"]) == (200, {"wards": []})
    as_params = {n: v if isinstance(v, str) else json.dumps(v) for n, v in named.items()}
    assert get(strict, **as_params).json()["data"] == {"wards": []}
    with Client(strict.url) as socket:
        socket.send(id="1", type="subscribe", payload=named)
        assert socket.next() == []


def test_a_trusted_subscription_follows_and_a_trusted_command_is_recorded(strict: Served) -> None:
    with Client(strict.url) as socket:
        socket.send(id="1", type="subscribe", payload={"documentId": hashed(FOLLOW)})
        strict.await_followers(1)
        input = {"commandId": "00000000-0000-4000-8000-00000000000a", "mrn": "T1"}
        answer = post(strict, documentId=hashed(COMMAND), variables={"input": input}).json()
        assert answer["data"]["registerPatient"] == {"__typename": "PatientRecorded"}
        assert set(socket.next()) == {"id"}


# -- what is refused --


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"query": OTHER}, "Only trusted documents"),
        ({"query": WARDS + " "}, "Only trusted documents"),
        ({"query": "{ __schema { types { name } } }"}, "Only trusted documents"),
        ({"documentId": hashed(OTHER)}, "No trusted document"),
        ({"documentId": "sha256:"}, "No trusted document"),
        ({"documentId": hashed(OTHER), "query": OTHER}, "No trusted document"),
        ({"documentId": hashed(WARDS), "query": OTHER}, "not the document of this documentId"),
        ({"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}}, "No trusted document"),
        ({"extensions": {}}, "Name a trusted document"),
        ({"query": ""}, "Name a trusted document"),
    ],
    ids=str,
)
def test_what_is_not_trusted_is_refused_with_a_reason(
    strict: Served, named: dict[str, Any], why: str
) -> None:
    as_params = {n: v if isinstance(v, str) else json.dumps(v) for n, v in named.items()}
    for result in (post(strict, **named), get(strict, **as_params)):
        assert (result.status_code, codes(result.json())) == (400, NOT_TRUSTED)
        assert why in result.json()["errors"][0]["message"]
    with Client(strict.url) as socket:
        socket.send(id="1", type="subscribe", payload=named)
        refusal = socket.receive()
        assert (refusal["id"], refusal["type"]) == ("1", "error")
        assert codes({"errors": refusal["payload"]}) == NOT_TRUSTED
        socket.send(id="2", type="subscribe", payload={"documentId": "ours"})
        assert socket.next() == []


@pytest.mark.parametrize("id", [3, ["ours"], {"ours": 1}], ids=str)
def test_an_id_is_a_text(strict: Served, id: Any) -> None:
    response = post(strict, documentId=id)
    assert (response.status_code, codes(response.json())) == (400, NOT_TRUSTED)


def test_a_command_is_not_given_by_get_though_it_is_trusted(strict: Served) -> None:
    input = {"commandId": "00000000-0000-4000-8000-00000000000b", "mrn": "T2"}
    response = get(strict, documentId=hashed(COMMAND), variables=json.dumps({"input": input}))
    assert response.status_code in (400, 405)


def test_a_trusted_document_that_asks_too_much_is_refused_as_any_other(strict: Served) -> None:
    assert codes(post(strict, documentId=hashed(LARGE)).json()) == {"TOO_COSTLY"}


def test_who_is_not_logged_in_hears_nothing_of_the_documents(strict: Served) -> None:
    with strict.http() as http:
        for id in ("ours", "nothing"):
            response = http.post("/graphql", json={"documentId": id})
            assert codes(response.json()) == {"UNAUTHENTICATED"}
    with Client(strict.url, login=None) as socket:
        socket.send(id="1", type="subscribe", payload={"documentId": "nothing"})
        assert socket.closed() == (4401, "Unauthorized")


def test_the_schema_is_not_told_by_a_page_either(strict: Served) -> None:
    with strict.http() as http:
        for path in ("/docs", "/", "/web/forms.json"):
            assert http.get(path).status_code == 404


def test_commands_that_were_recorded_offline_are_taken_all_the_same(strict: Served) -> None:
    """Their documents are the server's own."""
    input = {"commandId": "00000000-0000-4000-8000-00000000000c", "mrn": "T3"}
    input |= {"occurredAt": "2026-01-01T00:00:00Z", "reason": "network was away"}
    with strict.http() as http:
        body = {"commands": [{"mutation": "registerPatient", "input": input}]}
        answer = http.post("/commands", json=body, headers=BEARER).json()
    assert answer["results"][0]["__typename"] == "PatientRecorded"


def test_a_server_without_a_manifest_says_that_it_has_none(shared: Ward) -> None:
    response = shared.client.http.post("/graphql", json={"documentId": "ours"}, headers=BEARER)
    assert (response.status_code, codes(response.json())) == (400, NOT_TRUSTED)
    assert "send the text" in response.json()["errors"][0]["message"]


# -- manifests --


def test_an_apollo_manifest_is_taken_too(tmp_path: Path) -> None:
    operation = {"id": "abc", "name": "Wards", "type": "query", "body": WARDS}
    fields = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(fields))
    documents = TrustedDocuments.of(Settings(trusted_documents=path))
    assert documents.text({"documentId": "abc"}) == WARDS


@pytest.mark.parametrize(
    "said",
    [
        None,
        "nonsense",
        "[]",
        '{"a": 3}',
        '{"operations": [{"id": "a"}]}',
        '{"sha256:00": "{ wards { name } }"}',
    ],
)
def test_a_manifest_that_makes_no_sense_is_a_bad_setting(tmp_path: Path, said: str | None) -> None:
    path = tmp_path / "manifest.json"
    if said is not None:
        path.write_text(said)
    with pytest.raises(InvalidSetting, match="WARDBOOK_TRUSTED_DOCUMENTS"):
        TrustedDocuments.of(Settings(trusted_documents=path))
