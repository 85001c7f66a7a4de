"""A server and a worker as processes of their own: they start, work, and stop when they are told."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.auth.local_tokens import LocalTokens
from api.exit_codes import ExitCode
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import request, rows
from tests.support.shared_history import await_read, end

pytestmark = pytest.mark.slow

WARDBOOK = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in jobs
    "from api.cli import main; main()",
]
ROOT = Path(__file__).parents[2]


@contextmanager
def process(home: Path, database: Database, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """``wardbook`` as a process; killed in the end if it did not stop."""
    environment = {
        **os.environ,
        "WARDBOOK_HOME": str(home),
        "WARDBOOK_DATABASE_URL": database.owner_url,
        "PYTHONPATH": str(ROOT),
    }
    started = subprocess.Popen(
        [*WARDBOOK, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def get(url: str, data: Any = None, token: str = "") -> tuple[int, Any]:
    """Status and answer; 0 while nobody listens."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    body = None if data is None else json.dumps(data).encode()
    asked = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return 0, ""


def await_ready(server: subprocess.Popen[str], url: str) -> None:
    for _ in range(200):
        if get(f"{url}/readyz")[0] == 200:
            return
        try:
            server.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    server.kill()
    out, err = server.communicate()
    raise AssertionError(f"the server is not ready: {out}\n{err}")


@pytest.mark.parametrize("told_to_end", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_makes_its_tables_answers_and_stops_cleanly(
    bare: Database, home: Path, told_to_end: signal.Signals
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with process(home, bare, "serve", "--port", str(port), "--show-token") as server:
        await_ready(server, url)
        assert server.stdout is not None
        assert server.stdout.readline().strip() == f"Wardbook at {url}/graphql"
        token = server.stdout.readline().removeprefix("Token: ").strip()

        with urllib.request.urlopen(f"{url}/livez", timeout=10) as alive:
            assert alive.headers["Server"] is None  # what it is made of is nobody's concern
        assert get(f"{url}/graphql", {"query": "{ wards { name } }"})[0] == 401
        command = """mutation($id: ID!) { openRoom(input: {commandId: $id, ward: "A", room: "1",
            beds: ["a"]}) { ... on RoomRecorded { position room { beds { state } } } } }"""
        body = {"query": command, "variables": {"id": str(uuid4())}}
        status, result = get(f"{url}/graphql", body, token)
        assert status == 200
        room = json.loads(result)["data"]["openRoom"]["room"]
        assert room == {"beds": [{"state": "FREE"}]}

        server.send_signal(told_to_end)
        assert server.wait(timeout=15) == 0
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()
    assert rows(bare, "SELECT topic FROM record.events ORDER BY position") == [
        ("hospital-time.set",),
        ("room.opened",),
    ]


def test_a_server_whose_port_is_taken_does_not_stay(here: Database, home: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process(home, here, "serve", "--port", str(port)) as server:
            out, err = server.communicate(timeout=20)
            assert server.returncode == ExitCode.USAGE
            assert f"port {port}" in err
            assert out == ""  # no address that another server answers at


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_worker_follows_the_log_and_stops_cleanly(
    here: Database, staffed: Hospital, home: Path, told: signal.Signals
) -> None:
    with process(home, here, "worker") as worker:
        staffed.patients.register_patient(request(), mrn="M1")
        await_read(here, end(here))
        staffed.patients.register_patient(request(), mrn="M2")
        await_read(here, end(here))

        worker.send_signal(told)
        assert worker.wait(timeout=15) == 0
        assert worker.stderr is not None
        assert "Traceback" not in worker.stderr.read()
    assert rows(here, "SELECT mrn FROM patients_v4.patients ORDER BY mrn") == [("M1",), ("M2",)]


def test_a_server_without_a_worker_is_served_by_another_process(here: Database, home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = ("serve", "--port", str(port), "--no-worker")
    with process(home, here, "worker"), process(home, here, *serve) as server:
        await_ready(server, url)
        token = LocalTokens.of(home).make()
        command = """mutation($id: ID!) { registerPatient(input: {commandId: $id, mrn: "M1"}) {
            __typename ... on PatientRecorded { patient { mrn } } } }"""
        body = {"query": command, "variables": {"id": str(uuid4())}}
        _, result = get(f"{url}/graphql", body, token)
        recorded = json.loads(result)["data"]["registerPatient"]
        assert recorded == {"__typename": "PatientRecorded", "patient": {"mrn": "M1"}}
