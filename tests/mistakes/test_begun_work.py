"""Mistakes of servers that count what is asked, and not what was begun and goes on."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from time import monotonic
from uuid import uuid4

import psycopg
import pytest

from api.http.allowances import REFUSALS_PER_SECOND
from api.http.anonymous import MOST_SECONDS, Pace
from api.http.app import app
from api.http.middleware import SECURITY_HEADERS
from api.http.processor_share import OTHERS_SECONDS
from api.http.server import FREE_READS, REST_SECONDS, TimedHttp
from api.http.websocket_frames import FRAME_SECONDS, FREE_FRAMES, PIECE_BYTES
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, app_on_empty_log
from tests.support.server_process import Client, Served, served


class Counting(TimedHttp):
    """The protocol, with a count of what it read of all connections."""

    reads = 0

    def data_received(self, data: bytes) -> None:
        Counting.reads += 1
        super().data_received(data)


@pytest.fixture(scope="module")
def narrow(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of which a login has next to nothing while others ask."""
    application = app_on_empty_log(
        migrated,
        tmp_path_factory.mktemp("home"),
        anonymous_per_second=100,
        processor_share=0.001,
        requests_per_second=20,
    )
    with served(application, protocol=Counting) as running:
        yield running


def bearer(subject: str, role: Role = Role.ADMIN) -> dict[str, str]:
    return {"Authorization": f"Bearer {LOGIN.make(role, subject)}"}


def ask(server: Served, query: str, login: dict[str, str]) -> int:
    """Return the status of the answer to a question."""
    with server.http() as http:
        return http.post("/graphql", json={"query": query}, headers=login).status_code


def asked_by_another(narrow: Served) -> float:
    """Let somebody else ask; return a moment before they did."""
    before = monotonic()
    assert ask(narrow, "{ wards { name } }", bearer(str(uuid4()))) == 200
    return before


def test_mistake_265_messages_over_a_websocket_that_ask_nothing_are_free(narrow: Served) -> None:
    with Client(narrow.url, bearer("pings")) as client:
        before = asked_by_another(narrow)
        client.send(type="complete", id="none")
        client.send(type="ping")
        assert client.receive() == {"type": "pong"}
        assert monotonic() - before >= OTHERS_SECONDS


def test_mistake_265_so_are_those_before_the_login(narrow: Served) -> None:
    before = monotonic()
    with Client(narrow.url, login=None) as client:
        for _ in range(150):
            client.send(type="ping")
        for _ in range(150):
            assert client.receive() == {"type": "pong"}
    assert monotonic() - before >= 150 / 100 - 1 - 0.1  # a second's worth is answered at once


def test_mistake_271_frames_of_a_websocket_hold_the_server_up(narrow: Served) -> None:
    """Pings are answered by the protocol, whoever sends them, and so they come at a pace."""
    key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + "A" * 22 + "==\r\n"
    head = f"GET /graphql HTTP/1.1\r\nHost: x\r\n{key}Sec-WebSocket-Version: 13\r\n"
    head += "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ping, pong, before = b"\x89\x80\0\0\0\0", b"\x8a\x00", monotonic()
    with closing(socket.create_connection(("127.0.0.1", narrow.port), timeout=20)) as connection:
        connection.sendall(head.encode())
        answered = connection.recv(10_000)
        assert b" 101 " in answered
        connection.sendall(3_000 * ping)
        while answered.count(pong) < 3_000:
            answered += connection.recv(10_000)
    unhurried = FREE_FRAMES + PIECE_BYTES // len(ping) + 1
    assert monotonic() - before >= (3_000 - unhurried) * FRAME_SECONDS


def test_mistake_266_what_a_login_follows_passes_its_share_by(narrow: Served) -> None:
    with Client(narrow.url, bearer("follows")) as client:
        client.subscribe("subscription { events { position } }")
        narrow.await_followers(1)
        before = monotonic()
        mutation = f'registerPatient(input: {{commandId: "{uuid4()}", mrn: "{uuid4()}"}})'
        assert ask(narrow, f"mutation {{ {mutation} {{ __typename }} }}", bearer("records")) == 200
        client.next()
        assert monotonic() - before >= OTHERS_SECONDS


def test_mistake_267_a_body_byte_by_byte_is_read_as_often_as_it_comes(narrow: Served) -> None:
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n"
    head += "Content-Type: application/json\r\n"
    head += f"Authorization: {bearer('bytes')['Authorization']}\r\n\r\n"
    clock, before = Event(), monotonic()
    Counting.reads = 0
    with closing(socket.create_connection(("127.0.0.1", narrow.port), timeout=20)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head.encode())
        for _ in range(400):
            connection.sendall(b" ")
            clock.wait(0.001)
        assert connection.recv(12) == b"HTTP/1.1 400"
    rests = (monotonic() - before) / REST_SECONDS
    assert Counting.reads <= FREE_READS + rests + 2


@pytest.mark.parametrize("places", [5, 9])
def test_mistake_268_one_login_takes_all_connections_to_the_database(
    migrated: Database, tmp_path: Path, places: int
) -> None:
    """While its questions wait for a table, another login's question is answered."""
    settings = Settings(home=tmp_path, statements_per_login=places)
    with (
        served(app(settings, migrated, LOGIN, with_worker=False)) as server,
        psycopg.connect(migrated.owner_url) as connection,
        ThreadPoolExecutor(40) as threads,
    ):
        connection.execute("LOCK TABLE practitioners_v1.practitioners IN ACCESS EXCLUSIVE MODE")
        each = [f"{{ practitioners(first: {n}) {{ nodes {{ id }} }} }}" for n in range(1, 41)]
        asking = [threads.submit(ask, server, question, bearer("greedy")) for question in each]
        try:
            until = monotonic() + 20
            while waiting(migrated) < places and monotonic() < until:
                pass
            assert ask(server, "{ wards { name } }", bearer("modest")) == 200
            assert waiting(migrated) == places
        finally:
            connection.rollback()
        for result in asking:
            result.result()


def waiting(database: Database) -> int:
    """Return the number of this database's statements that wait for a lock."""
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_mistake_269_refusals_come_as_fast_as_they_are_asked_for(
    migrated: Database, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, requests_per_second=0.1)
    with (
        served(app(settings, migrated, LOGIN, with_worker=False)) as server,
        server.http() as http,
    ):
        login, began = bearer("refused"), monotonic()
        statuses = [http.post("/graphql", json={}, headers=login).status_code for _ in range(100)]
        refusal = statuses.count(429)
        assert refusal > 90
        assert monotonic() - began >= refusal / REFUSALS_PER_SECOND - 1 - 0.1


def test_mistake_270_who_asks_after_a_flood_waits_for_its_end() -> None:
    now = [100.0]
    pace = Pace(100, clock=lambda: now[0])
    assert max(pace.wait() for _ in range(100_000)) <= MOST_SECONDS
    now[0] += MOST_SECONDS + 1
    assert pace.wait() == 0


NO_REQUESTS: dict[str, bytes] = {
    "no HTTP": b"GARBAGE\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00",
    "another version": b"GET / HTTP/9.9\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "headers without end": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000,
    "no handshake": b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\n\r\n",
    "another version of WebSockets": b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: "
    b"dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_REQUESTS)
def test_mistake_604_what_is_no_request_is_refused_without_the_headers_of_every_response(
    migrated: Database, tmp_path: Path, sent: str
) -> None:
    """No application sees it, so none of its middleware does either."""
    application = app(Settings(home=tmp_path), migrated, LOGIN, with_worker=False)
    with (
        served(application) as server,
        closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection,
    ):
        connection.sendall(NO_REQUESTS[sent])
        result = b""
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                result += part
    status, *lines = result.decode().partition("\r\n\r\n")[0].split("\r\n")
    assert status.split()[1] in ("400", "426", "431"), result
    names = [line.partition(":")[0].lower() for line in lines]
    assert len(names) == len(set(names))
    assert {f"{name}: {value}".lower() for name, value in SECURITY_HEADERS.items()} <= {
        line.lower() for line in lines
    }
    assert "content-type" in names
