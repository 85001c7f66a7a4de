"""Tests of the documentation: its GraphQL is of the schema, its story true of a record."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
import uvicorn
from graphql import GraphQLSchema, build_schema, parse, validate
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.cli.main import COMMANDS, load_command
from api.http.app import app
from application.command import Request
from application.hospital import Hospital
from domain.envelope import Actor
from domain.event_types import AGGREGATES, EVENTS
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, Disposition
from infrastructure.analysis import TABLES, query_history
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.graphql_client import GraphQLClient

DOCS = Path(__file__).parents[1] / "docs"
README = (DOCS.parent / "README.md").read_text()
TIME = (DOCS / "time.md").read_text()
ANALYSIS = (DOCS / "analysis.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    """The examples of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


PAGES = (TIME, *((DOCS / page).read_text() for page in ("reports.md", "feed.md")))
BLOCKS = [block for page in PAGES for block in blocks(page, "graphql")]
BLOCKS += re.findall(r"<<'?GRAPHQL'?\n(.*?)^GRAPHQL", README, re.MULTILINE | re.DOTALL)
DAYS = {"Mon": 2, "Tue": 3, "Wed": 4}


ROOT = DOCS.parent
EVERY_PAGE = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
DECISIONS = sorted((DOCS / "adr").glob("0*.md"))
FOLDERS = r"(?:api|application|domain|infrastructure|migrations|tests|docs)"


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_and_each_path_on_a_page_leads_to_a_file(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    paths = re.findall(rf"`({FOLDERS}/[\w/.-]*\w\.\w+)`", text)
    missing = {link for link in links if not (page.parent / link).exists()}
    if page.name not in ("CHANGELOG.md", "extending.md"):  # of the past; of what a reader makes
        missing |= {path for path in paths if not (ROOT / path).exists()}
    assert missing == set()


def test_the_index_of_decisions_has_each_with_its_topic_title_and_status() -> None:
    index, topic = [], ""
    for line in (DOCS / "adr" / "README.md").read_text().splitlines():
        if row := re.fullmatch(r"\| (.*?) ?\| \[\d+\]\((.+?)\) (.+?) \| (.+?) \|", line):
            topic = row[1] or topic
            index.append((row[2], row[3], row[4], topic))
    decisions = []
    for page in DECISIONS:
        title, status = re.match(r"# (.+)\n\nStatus: (.+)\n", page.read_text()).groups()  # type: ignore[union-attr]
        match = re.fullmatch(
            r"(?:(accepted), [\d-]+(?:; (.+ by) \[(\d+)\].*)?)\. Topic: (.+)\.", status
        )
        assert match, f"{page.name}: {status}"
        state = f"{match[2]} {match[3]}" if match[2] else match[1]
        decisions.append((page.name, title, state, match[4]))
    assert sorted(index) == sorted(decisions)


def test_each_decision_names_what_was_rejected() -> None:
    headings = ["Context", "Decision", "Alternatives rejected", "Consequences"]
    for page in DECISIONS:
        assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == headings, page.name


def test_there_is_graphql_to_check() -> None:
    assert len(BLOCKS) >= 11


@pytest.mark.parametrize(
    "block", BLOCKS, ids=[b.split("{")[1].split("(")[0].strip() for b in BLOCKS]
)
def test_the_graphql_of_the_pages_is_that_of_the_schema(block: str) -> None:
    assert validate(published_schema(), parse(block)) == []


@cache
def published_schema() -> GraphQLSchema:
    """Build the schema from its page, once in a process that tests an example."""
    return build_schema((DOCS / "schema.graphql").read_text())


def test_the_grid_of_the_page_about_time_is_what_the_record_answers(
    settings: Settings, simulated: Database
) -> None:
    with closing(wired(settings, simulated)) as hospital:
        stay = _mrs_mensah(hospital)
    columns, *lines = _grid()
    assert len(lines) == 7
    with TestClient(app(settings, simulated, LOGIN)) as http:
        client = GraphQLClient(http, TOKEN)
        result = [[line[0], *(_asked(client, stay, line, columns))] for line in lines]
    assert result == lines


def test_the_event_model_names_each_stream_event_and_read_model() -> None:
    """A topic that begins with a dot is of the aggregate of the one before it."""
    page = (DOCS / "event-model.md").read_text()
    names, topics, kind = set(re.findall(r"`([\w.-]+)`", page)), set(), ""
    for line in page.splitlines():
        for aggregate, rest in re.findall(r"`([a-z-]*)\.([a-z-]+)`", line):
            kind = aggregate or kind
            topics.add(f"{kind}.{rest}")
    assert topics >= set(EVENTS)
    assert names >= {aggregate.__name__ for aggregate in AGGREGATES}
    assert names >= {str(model.metadata.schema) for model in READ_MODELS}


def test_the_tables_of_the_page_about_analysis_are_those_there_are() -> None:
    answer = re.findall(r"^\| `(\w+)` \|", ANALYSIS, re.MULTILINE)
    assert answer == [table.name for table in TABLES]


def test_the_examples_of_the_page_about_analysis_run(
    settings: Settings, simulated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(wired(settings, simulated)) as hospital:
        _mrs_mensah(hospital)
    known = ProjectionRunner(simulated.app_url).catch_up()
    answers = []
    for question in blocks(ANALYSIS, "sql"):
        with query_history(simulated, question, known, "Europe/Berlin", lambda *_: None) as (
            _,
            rows,
        ):
            answers.append(list(rows))
    assert answers == [[("West", 2, 602.5)], []]

    monkeypatch.setenv("WARDBOOK_DATABASE_URL", simulated.owner_url)
    (fold,) = blocks(ANALYSIS, "python")
    names: dict[str, Any] = {}
    exec(fold, names)
    assert names["state"] == (0, 1)


def test_the_readmes_question_has_two_answers_and_a_difference(
    settings: Settings, simulated: Database
) -> None:
    with closing(wired(settings, simulated)) as hospital:
        _mrs_mensah(hospital)
    ProjectionRunner(simulated.app_url).catch_up()
    section = README.partition("## One question with two answers\n")[2].partition("\n## ")[0]
    commands = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(commands) == 3
    with _served(app(settings, simulated, LOGIN)) as url:
        answer = subprocess.run(
            ["sh", "-eu"],
            input="\n".join([ASK, *commands]),
            env={"URL": url, "TOKEN": TOKEN, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
    result, answers, difference = answer.stdout.splitlines()
    assert "moved 2026-03-02T13:00:00Z, entered 2026-03-02T19:00:00" in result
    stays = json.loads(answers)["data"]
    assert [stays[when]["bed"] for when in ("before", "after")] == ["B", "C"]
    (fact,) = json.loads(difference)["data"]["stayDifference"]["facts"]
    assert (fact["summary"], fact["reason"]) == (
        "Moved to West, room 119, bed C",
        "wrong bed entered",
    )


ASK = """ask() { python3 -c '
import json, os, sys, urllib.request
content = {"Authorization": "Bearer " + os.environ["TOKEN"], "Content-Type": "application/json"}
body = json.dumps({"query": sys.stdin.read()}).encode()
asked = urllib.request.Request(os.environ["URL"] + "/graphql", body, content)
print(urllib.request.urlopen(asked).read().decode())'; }"""
"""What the README's `ask` does, without curl, which not every machine has."""


@contextmanager
def _served(application: Starlette) -> Iterator[str]:
    """Its address, while it is served to other processes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _grid() -> list[list[str]]:
    """The page's own table: in the first line the columns, then what is known at each time."""
    rows = [line.strip("|").split("|") for line in TIME.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [row for row in cells if len(row) == 6]


def _asked(client: GraphQLClient, stay: UUID, line: list[str], columns: list[str]) -> list[str]:
    """A line of the table, asked; what lies ahead of what is known is left out."""
    query = """query($id: ID!, $asOf: DateTime, $knownAt: DateTime) {
      stay(id: $id, asOf: $asOf, knownAt: $knownAt) { status bed } }"""
    known, answers = _at(line[0]), []
    for column in columns[1:]:
        as_of = _at(column.removeprefix("as of "))
        fields = {"asOf": as_of.isoformat(), "knownAt": known.isoformat()}
        answer = client.ask(query, id=str(stay), **fields)["stay"]
        gone = answer["status"] == "DISCHARGED"
        answers.append("·" if as_of > known else "gone" if gone else answer["bed"])
    return answers


def _at(told: str) -> datetime:
    """`Mon 08:05` of the story."""
    day, hour = told.split()
    at = datetime.fromisoformat(f"2026-03-{DAYS[day]:02}T{hour}:00")
    return at.replace(tzinfo=timezone(timedelta(hours=1)))


def _mrs_mensah(hospital: Hospital) -> UUID:
    """Record the story, each thing when the page says. Returns the stay's id."""
    bed: dict[str, Any] = {"ward": "West", "room": "119"}
    nurse = Actor(issuer="tests", subject="nurse", role="admin")

    def said(recorded: str, occurred: str | None, reason: str | None = None) -> Request:
        return Request(
            command_id=uuid5(NAMESPACE_URL, recorded),
            by=nurse,
            occurred_at=_at(occurred) if occurred else None,
            reason=reason,
            now=_at(recorded),
        )

    hospital.rooms.open_room(said("Mon 06:00", "Mon 06:00"), **bed, beds=["A", "B", "C"])
    hospital.patients.register_patient(
        said("Mon 07:00", "Mon 07:00"), mrn="M1", family_name="Mensah"
    )
    stay = hospital.stays.admit_patient(
        said("Mon 08:05", "Mon 08:00"),
        patient_mrn="M1",
        admission_type=AdmissionType.EMERGENCY,
        **bed,
        bed="A",
    ).ids("stay")[0]
    moved = hospital.stays.transfer_patient(
        said("Mon 20:00", "Mon 14:00", "written up after the shift"), stay_id=stay, **bed, bed="B"
    )
    (movement,) = [e.movement for e in moved.events if isinstance(e, Stay.Transferred)]
    hospital.corrections.correct_movement(
        said("Tue 10:00", None, "wrong bed entered"), movement_id=movement, **bed, bed="C"
    )
    hospital.stays.discharge_patient(
        said("Wed 09:10", "Wed 09:00"), stay_id=stay, disposition=Disposition.HOME
    )
    hospital.corrections.cancel_discharge(
        said("Wed 15:05", "Wed 15:00", "nobody came to fetch her"),
        stay_id=stay,
        because=CancellationReason.DECISION_REVERSED,
        **bed,
        bed="A",
    )
    return stay


GIVEN = re.compile(r"(?:^|[\s`(])(?:\.venv/bin/)?wardbook ((?:-|[a-z])[^`#|;&\n]*)", re.MULTILINE)
"""A command of the program on a page, in a block or within a line."""


NOT_MADE = {"route"}
"""A command of which a page says that there is none."""


def commands_of(text: str) -> list[str]:
    """Return the commands of the program that a page gives, in blocks and in single quotes of code."""
    code = [*re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    joined = "\n".join(code).replace("\\\n", " ")
    return [match.strip() for match in GIVEN.findall(joined)]


@pytest.mark.parametrize(
    "page", [page for page in EVERY_PAGE if "adr" not in page.parts], ids=lambda page: page.stem
)
def test_each_command_on_a_page_is_one_with_these_options(page: Path) -> None:
    wrong = [line for line in commands_of(page.read_text()) if not is_of_the_program(line)]
    assert wrong == []


def is_of_the_program(line: str) -> bool:
    """Return whether a line names a command, and options that it has."""
    first, *words = (word.strip("[]().,:") for word in line.split())
    if first == "--demo":
        first, *words = words or ["--help"]
    if first == "COMMAND":  # any of them
        return True
    if first.startswith("-") or first in NOT_MADE:
        return first in {"--version", "--help", "--install-completion", *NOT_MADE}
    if first not in {name for commands in COMMANDS.values() for name in commands}:
        return False
    command, groups = load_command(first), True
    options = {"--help"}
    for word in words:
        groups = groups and hasattr(command, "commands")
        if groups and word in command.commands:
            command = command.commands[word]
        elif word.startswith("--"):
            options |= {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            if word.partition("=")[0] not in options:
                return False
        elif groups and re.fullmatch("[a-z-]+", word):
            return False
    return True
