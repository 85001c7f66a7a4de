"""Silent clients: a connection that sends no whole request is ended, others are served meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from api.http.app import app
from api.http.middleware import MAX_BODY
from api.http.server import MOST_SENT_AHEAD, TimedHttp
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.support.server_process import Served, served


class Hasty(TimedHttp):
    header_seconds = 0.3


@pytest.fixture(scope="module")
def hasty(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    migrated.open_log("real")
    home = tmp_path_factory.mktemp("home")
    with served(app(Settings(home=home), migrated, LOGIN), protocol=Hasty) as running:
        yield running


ALIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "begun", [b"", b"POST /graphql HTTP/1.1\r\nX: ", ALIVE + b"GET /livez HTTP/1.1\r\n"]
)
def test_a_connection_without_whole_headers_is_ended(hasty: Served, begun: bytes) -> None:
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", hasty.port), timeout=10))
            for _ in range(20)
        ]
        for connection in silent:
            connection.sendall(begun)
        with hasty.http() as http:
            assert http.get("/livez").status_code == 200
        for connection in silent:
            while connection.recv(4096):
                pass  # ends, or times out


def test_a_request_that_takes_its_time_to_be_answered_is_not_ended(hasty: Served) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(ALIVE)
            answer = b""
            while b"alive" not in answer:  # its headers may come before its body
                received = connection.recv(4096)
                assert received, answer
                answer += received


@pytest.mark.parametrize("begun", [b"X: ", b"X: a\r\n", b""])
def test_headers_that_do_not_end_are_refused(hasty: Served, begun: bytes) -> None:
    """One long header, many short ones, and a long address: none is kept as long as it comes."""
    start = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + begun if begun else b"GET /livez?"
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=10) as connection:
        connection.sendall(start)
        sent = 0
        with suppress(ConnectionError):
            while sent < 10 * MAX_BODY:
                connection.sendall((begun if begun.endswith(b"\n") else b"a") * 50_000)
                sent += 50_000 * max(1, len(begun))
        assert sent < 10 * MAX_BODY
    with hasty.http() as http:
        assert http.post("/graphql", content=b" " * (MAX_BODY - 1)).status_code in (400, 401)


def test_a_body_that_does_not_end_is_answered_and_not_read_for_ever(hasty: Served) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=10) as connection:
        connection.sendall(head)
        assert b" 401 " in connection.recv(4096)
        sent = 0
        with suppress(ConnectionError):
            while sent < 20 * MAX_BODY:
                connection.sendall(b"C350\r\n" + b"a" * 50_000 + b"\r\n")
                sent += 50_000
        assert sent < 20 * MAX_BODY


def test_requests_are_sent_ahead_within_bounds(hasty: Served) -> None:
    """Parsed and kept before anybody has logged in: some are answered in order, many end it."""
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=20) as connection:
        connection.sendall(10 * ALIVE)
        answered = b""
        while answered.count(b"alive\n") < 10:
            answered += connection.recv(65_536)
    with (
        socket.create_connection(("127.0.0.1", hasty.port), timeout=20) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(9_000 * ALIVE)
        while answer := connection.recv(65_536):
            answered += answer
    assert answered.count(b"alive\n") < 10 + MOST_SENT_AHEAD
