"""Mistakes of systems whose tokens hold until they expire, whatever became of their holder."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.auth.authentication import check_not_revoked
from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from infrastructure.tokens.revocations import Revocations, revoke
from tests.conftest import LOGIN, TOKEN, app_on_empty_log, empty
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient


def test_mistake_134_a_token_holds_though_it_was_revoked(migrated: Database) -> None:
    async def told() -> list[bool]:
        engine = migrated.async_engine(2)
        try:
            list_now = Revocations(engine)
            ada = await LOGIN.authenticate(LOGIN.make(subject="rev-Ada"))
            bea = await LOGIN.authenticate(LOGIN.make(subject="rev-Bea"))
            revoke(migrated.owner_url, "local", subject="rev-Ada", reason="left", by="root")
            assert bea.token_id
            revoke(migrated.owner_url, "local", token_id=bea.token_id, reason="lost", by="root")
            later = datetime.now(UTC) + timedelta(minutes=1)
            await list_now.refresh()
            return [
                list_now.covers("local", "rev-Ada", ada.token_id, ada.issued_at),
                list_now.covers("local", "rev-Ada", "x", None),
                list_now.covers("local", "rev-Bea", bea.token_id, bea.issued_at),
                list_now.covers("local", "rev-Ada", "x", later),
                list_now.covers("local", "rev-Bea", "x", bea.issued_at),
                list_now.covers("other", "rev-Bea", bea.token_id, bea.issued_at),
            ]
        finally:
            await engine.dispose()

    assert asyncio.run(told()) == [True, True, True, False, False, False]


PROTOCOL = ["graphql-transport-ws"]


def test_mistake_134_a_revoked_login_comes_in_by_no_door_and_leaves_by_all(
    migrated: Database, tmp_path: Path
) -> None:
    bearer = {"Authorization": f"Bearer {LOGIN.make(subject='rev-Cyril')}"}
    with TestClient(app_on_empty_log(migrated, tmp_path)) as http:

        def socket() -> Any:
            return http.websocket_connect("/graphql", PROTOCOL, headers=bearer)

        with socket() as open_before:
            open_before.send_json({"type": "connection_init"})
            assert open_before.receive_json() == {"type": "connection_ack"}
            revoke(migrated.owner_url, "local", subject="rev-Cyril", reason="left", by="root")
            closed = open_before.receive()
            assert (closed["code"], closed["reason"]) == (
                4403,
                "the token was revoked: log in again",
            )
        response = http.post("/graphql", json={"query": "{ __typename }"}, headers=bearer)
        assert response.status_code == 401
        assert "revoked" in response.json()["errors"][0]["message"]
        assert http.post("/commands", json={"commands": []}, headers=bearer).status_code == 401
        with socket() as after:
            after.send_json({"type": "connection_init"})
            assert after.receive()["code"] == 4403


def test_mistake_135_a_websocket_that_nobody_uses_stays_open(
    migrated: Database, tmp_path: Path
) -> None:
    lasting = {"socket_hours": 0.7 / 3600, "socket_idle_minutes": 0.2 / 60}
    bearer = {"Authorization": f"Bearer {LOGIN.make()}"}
    follow = {"query": "subscription { events { __typename } }"}
    with TestClient(app_on_empty_log(migrated, tmp_path, **lasting)) as http:
        for is_used, ended in ((False, 4410), (True, 4403)):
            with http.websocket_connect("/graphql", PROTOCOL, headers=bearer) as socket:
                socket.send_json({"type": "connection_init"})
                assert socket.receive_json() == {"type": "connection_ack"}
                if is_used:
                    socket.send_json({"id": "1", "type": "subscribe", "payload": follow})
                else:
                    socket.send_json({"type": "ping"})
                    assert socket.receive_json() == {"type": "pong"}
                assert socket.receive()["code"] == ended


def test_mistake_190_a_token_that_nobody_used_for_long_comes_in_again(
    migrated: Database, tmp_path: Path
) -> None:
    empty(migrated)
    migrated.open_log("real")
    settings = Settings(home=tmp_path, token_idle_minutes=10)
    bearers = [{"Authorization": f"Bearer {LOGIN.make(subject=who)}"} for who in ("Eve", "Eve")]

    def statuses(minutes_later: int) -> list[int]:
        """Return what another server answers the first token, and the second, which was never used."""
        with psycopg.connect(migrated.owner_url) as owner:
            owner.execute(
                "UPDATE audit.token_uses SET used_at = used_at - %s * interval '1 minute'",
                [minutes_later],
            )
        with TestClient(app(settings, migrated, LOGIN)) as http:
            ask = {"query": "{ __typename }"}
            statuses = [http.post("/graphql", json=ask, headers=b).status_code for b in bearers]
            with http.websocket_connect("/graphql", PROTOCOL, headers=bearers[0]) as socket:
                socket.send_json({"type": "connection_init"})
                statuses.append(socket.receive().get("code", 200))
        return statuses

    assert statuses(0) == [200, 200, 200]
    assert statuses(9) == [200, 200, 200]
    with psycopg.connect(migrated.owner_url) as owner:  # the second was used a moment ago
        owner.execute(
            "UPDATE audit.token_uses SET used_at = used_at - interval '11 minutes' WHERE token ="
            " (SELECT token FROM audit.token_uses ORDER BY used_at LIMIT 1)"
        )
    assert statuses(0) == [401, 200, 4403]
    assert statuses(0) == [401, 200, 4403]


def test_mistake_350_a_websocket_asks_and_follows_on_until_somebody_looks_at_its_token(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the moment on at which the server knows, over HTTP: no item, no answer, no command."""
    monkeypatch.setattr("api.http.websocket.LOOK_SECONDS", 3600.0)
    bearer = {"Authorization": f"Bearer {LOGIN.make(subject='rev-Dora')}"}
    fields = {
        "1": "subscription { events { __typename } }",
        "2": "{ wards { name } }",
        "3": "mutation($i: OpenRoomInput!) { openRoom(input: $i) { __typename } }",
    }
    with (
        TestClient(app_on_empty_log(migrated, tmp_path)) as http,
        http.websocket_connect("/graphql", PROTOCOL, headers=bearer) as socket,
    ):

        def say(id: str, **variables: Any) -> None:
            payload = {"query": fields[id], "variables": variables}
            socket.send_json({"id": id, "type": "subscribe", "payload": payload})

        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
        say("1")
        say("2")
        assert socket.receive_json()["payload"]["data"] == {"wards": []}
        assert socket.receive_json() == {"id": "2", "type": "complete"}
        revoke(migrated.owner_url, "local", subject="rev-Dora", reason="left", by="root")
        while http.post("/graphql", json={"query": fields["2"]}, headers=bearer).is_success:
            pass
        ward = Ward(GraphQLClient(http, TOKEN))
        say("2")
        say("3", i={"commandId": str(uuid4()), "ward": "W", "number": "1", "beds": ["a"]})
        refusal = [socket.receive_json() for _ in range(2)]
        assert {(said["id"], said["type"]) for said in refusal} == {
            ("2", "error"),
            ("3", "error"),
        }
        for said in refusal:
            assert codes({"errors": said["payload"]}) == {"UNAUTHENTICATED"}
        assert ward.ask("{ wards { name } }")["wards"] == []
        ward.patient()  # which the feed tells
        answer = socket.receive_json()
        assert (answer["id"], answer["payload"]["data"]) == ("1", None)
        assert codes(answer["payload"]) == {"UNAUTHENTICATED"}
        assert socket.receive_json() == {"id": "1", "type": "complete"}


def test_mistake_351_a_server_that_has_just_begun_takes_what_was_revoked(
    migrated: Database,
) -> None:
    """The first to come has the list read; who comes meanwhile is not let in by an empty one."""
    revoke(migrated.owner_url, "local", subject="rev-Emil", reason="left", by="root")
    caller = asyncio.run(LOGIN.authenticate(LOGIN.make(subject="rev-Emil")))
    past = replace(caller, issued_at=datetime.now(UTC) - timedelta(minutes=1))

    async def answers(database: Database) -> list[str]:
        engine = database.async_engine(2)
        try:
            revocations = Revocations(engine)
            checks = (check_not_revoked(past, revocations) for _ in range(5))
            result = await asyncio.gather(*checks, return_exceptions=True)
            return [type(answer).__name__ for answer in result]
        finally:
            await engine.dispose()

    assert asyncio.run(answers(migrated)) == ["NotLoggedIn"] * 5
    away = Database("postgresql://wardbook_app@127.0.0.1:1/none")
    assert asyncio.run(answers(away)) == ["DatabaseUnavailable"] * 5
