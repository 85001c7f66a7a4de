"""A real program of before, from this repository's history, and this one, on one database.

A log of a day before is read; and the program right before the newest migration works beside this one.
WARDBOOK_FORMER names another commit. Without the history (a shallow clone) they are skipped, and say so.
"""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api.auth.local_tokens import LocalTokens
from infrastructure.postgres.database import Database
from tests.support.checker import wait_until
from tests.support.jetstream import free_port

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).parents[2]
MIGRATIONS, PROJECTIONS = "migrations/versions", "infrastructure/projections"
STOPS = "are those of another program"
"""What a worker says that stops before tables of another program."""

START = "from api.cli.main import main; main()"
RECORDED = "__typename ... on Recorded { position } ... on Refusal { message }"


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def a_day_older() -> str:
    """Return the newest commit that is a day older than this one."""
    (day,) = git("log", "-1", "--format=%ct").split()
    return git("rev-list", "-1", f"--before={int(day) - 86_400}", "HEAD").decode().strip()


def before_the_newest_migration() -> str:
    """Return the commit right before the tables were last changed.

    Or by which they were, if a worker of the former goes on where another program has made the tables
    of a read model, and parks commands in them, or if it has a migration that is there no more: no such
    program was released.
    """
    changed = ("log", "-1", "--format=%H", "--diff-filter=ADR", "--", MIGRATIONS)
    newest = git(*changed).decode().strip()
    before = git("rev-list", "-1", f"{newest}~").decode().strip()
    first, *_ = git("log", "--reverse", "--format=%H", f"-S{STOPS}", "--", PROJECTIONS).split()
    stops = ["git", "merge-base", "--is-ancestor", first.decode(), before]
    goes_on = subprocess.run(stops, cwd=ROOT, check=False).returncode != 0
    kept = {
        commit: set(git("ls-tree", "--name-only", commit, f"{MIGRATIONS}/").split())
        for commit in (before, "HEAD")
    }
    return newest if goes_on or kept[before] - kept["HEAD"] else before


@contextmanager
def former_tree(find: Callable[[], str], folder: Path) -> Iterator[Path]:
    """Lay out the program of a commit beside. Skips where the history has none."""
    try:
        commit = os.environ.get("WARDBOOK_FORMER") or find()
        kept = git("archive", commit)
    except (OSError, ValueError, subprocess.CalledProcessError) as problem:
        pytest.skip(f"the git history here does not reach back so far: {problem}")
    tree = folder / commit[:12]
    with tarfile.open(fileobj=io.BytesIO(kept)) as archive:
        archive.extractall(tree, filter="data")
    print(f"the program before: {commit}", flush=True)
    yield tree


@dataclass(frozen=True)
class Program:
    """A tree of the program with its environment."""

    tree: Path
    home: Path
    url: str

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PYTHONPATH": str(self.tree),
            "WARDBOOK_HOME": str(self.home),
            "WARDBOOK_KEYS": str(self.home / "keys.sqlite"),
            "WARDBOOK_DATABASE_URL": self.url,
        }
        return {**os.environ, **own}

    def run(self, *arguments: str) -> str:
        """Run a command to its end, which has to be a good one."""
        command = [sys.executable, "-c", START, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.tree, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{self.tree} {arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator["Client"]:
        """Serve with a worker, until the end of the block."""
        port = free_port()
        with (self.home / f"{self.tree.name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", START, "serve", "--port", str(port)],
                env=self.environment,
                cwd=self.tree,
                stdout=log,
                stderr=log,
            )
        try:
            with Client(port, LocalTokens.of(self.home).make(subject="tester")) as client:
                wait_until(client.is_ready, 60, f"{self.tree} serves")
                yield client
        finally:
            process.terminate()
            assert process.wait(30) == 0


class Client(httpx2.Client):
    """A client of a server: what it asks, and is told."""

    def __init__(self, port: int, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        super().__init__(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30)

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        body = {"query": document, "variables": variables}
        answer = self.post("/graphql", json=body).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def record(self, command: str, **content: Any) -> str:
        """Give a command; return the position of its facts."""
        kind = f"{command[0].upper()}{command[1:]}Input!"
        document = f"mutation($i: {kind}) {{ {command}(input: $i) {{ {RECORDED} }} }}"
        answer = self.ask(document, i={"commandId": str(uuid4()), **content})[command]
        assert "position" in answer, answer
        return str(answer["position"])


def a_day(client: Client, room: str) -> str:
    """Open a room, admit two patients, move one and discharge the other; return the position."""
    client.record("openRoom", ward="A", room=room, beds=["a", "b"])
    client.record("registerPractitioner", staffNumber=f"D{room}")
    for bed in "ab":
        mrn = f"M{room}{bed}"
        client.record("registerPatient", mrn=mrn, familyName=f"Name of {mrn}", sex="FEMALE")
        here = {"ward": "A", "room": room, "bed": bed}
        client.record("admitPatient", patientMrn=mrn, admissionType="ELECTIVE", **here)
    boards = client.ask(BOARD)["roomOccupancy"]
    (beds,) = [board["beds"] for board in boards if board["room"]["number"] == room]
    first, second = (bed["stay"]["id"] for bed in beds)
    visit = {"practitioner": f"D{room}", "kind": "ROUND", "note": "slept well"}
    client.record("recordVisit", stayId=first, **visit)
    client.record("writePrescription", stayId=first, medication={"name": "Paracetamol"}, dose="1 g")
    client.record("dischargePatient", stayId=second, disposition="HOME")
    return client.record("transferPatient", stayId=first, ward="A", room=room, bed="b")


BOARD = """{ roomOccupancy { room { ward number } beds {
  code state patient { mrn familyName sex }
  stay { id status admittedAt visits { note } prescriptions { dose medication { name } } } } } }"""
TIMELINE = """query($i: ID!) {
  timeline(stayId: $i) { nodes { kind occurredAt recordedAt summary } } }"""


def board(client: Client) -> list[Any]:
    """Return the board, with the timelines of who is on it."""
    boards: list[Any] = client.ask(BOARD)["roomOccupancy"]
    stays = [bed["stay"]["id"] for room in boards for bed in room["beds"] if bed["stay"]]
    return [*boards, *(client.ask(TIMELINE, i=stay) for stay in stays)]


@contextmanager
def two_programs(
    find: Callable[[], str], server: Database, folder: Path, name: str
) -> Iterator[tuple[Program, Program]]:
    """Prepare a former program and the present one, with a database that the former has migrated."""
    with former_tree(find, folder) as tree, server.scratch(name) as database:
        former = Program(tree, folder, database.owner_url)
        former.run("migrate")
        yield former, Program(ROOT, folder, database.owner_url)


def test_the_log_of_a_program_a_day_older_is_read_as_that_one_read_it(
    server: Database, tmp_path: Path, worker_id: str
) -> None:
    programs = two_programs(a_day_older, server, tmp_path, f"former_{worker_id}")
    with programs as (former, present):
        with former.serving() as old:
            a_day(old, "1")
            result = board(old)
        present.run("migrate")
        with present.serving() as new:
            assert board(new) == result
            a_day(new, "2")
        present.run("verify")


def test_two_programs_with_a_migration_between_them_read_on_what_the_other_writes(
    server: Database, tmp_path: Path, worker_id: str
) -> None:
    programs = two_programs(before_the_newest_migration, server, tmp_path, f"rolling_{worker_id}")
    with programs as (former, present):
        with former.serving() as old:
            a_day(old, "1")
            result = board(old)
            present.run("migrate")
            with present.serving() as new:
                assert board(new) == result
                a_day(new, "2")
                result = board(new)
                assert len([room for room in result if "room" in room]) == 2
                wait_until(lambda: board(old) == result, 20, "the program before reads it, too")
                a_day(old, "3")
                wait_until(lambda: board(old) == board(new), 20, "and what it wrote meanwhile")
        present.run("verify")
