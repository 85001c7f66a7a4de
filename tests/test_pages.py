"""The pages of the documentation, followed: their blocks in the order of the page, twice."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from infrastructure.postgres.embedded_server import stop_server
from tests.cli.test_serving import WARDBOOK, await_ready, free_port
from tests.test_docs import ASK, DOCS, blocks
from tests.test_readme import home

pytestmark = pytest.mark.slow

__all__ = ["home"]

NOT_FOLLOWED = {
    "extending.md": "tests/test_extending.py executes it",
    "performance.md": "the benchmarks take three quarters of an hour",
    "production.md": "it needs Docker, and a provider; tests/test_deploy.py reads its files",
    "tour.md": "tests/test_tour.py executes it",
}
"""Pages with blocks, and why they are not followed here."""

LINES_LEFT_OUT = {
    "pip install": "it would fetch packages",
    "openssl ts -verify": "the answer of a time stamping service",
    "WARDBOOK_TRUSTED_DOCUMENTS=": "a server, which would not end; tests/api/test_trusted.py starts one",
}
"""Parts of lines that are not given, and why."""

PAGES = ("analysis.md", "evidence.md", "operations.md", "reports.md", "feed.md")
ASKED = ("feed.md", "reports.md", "source-movements.md", "time.md")


@dataclass(frozen=True)
class House:
    """The demo's hospital, while it is served."""

    url: str
    token: str
    folder: Path
    """Of its files, and of those that the pages make."""
    stay: str
    issue: str

    def run(self, shell: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "URL": self.url,
            "TOKEN": self.token,
            "WARDBOOK_HOME": str(self.folder / "demo"),
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        }
        return subprocess.run(
            ["sh", "-eu"],
            input=shell,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def ask(self, document: str) -> Any:
        asked = self.run(f"{ASK}\nask <<'GRAPHQL'\n{document}\nGRAPHQL\n")
        return json.loads(asked.stdout)


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    demo_here = ["demo", "--port", str(port), "--beds", "4", "--days", "2"]
    demo = subprocess.Popen(
        [*WARDBOOK, *demo_here], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert demo.stdout is not None
        assert "Wardbook at" in demo.stdout.readline()
        await_ready(demo, url)
        token = subprocess.run(
            [*WARDBOOK, "--demo", "token"], capture_output=True, text=True, check=True
        ).stdout.strip()
        begun = House(url, token, home, "", "")
        stay = begun.ask("{ stays(first: 1) { nodes { id } } }")["data"]["stays"]["nodes"][0]["id"]
        census = "wardbook report inpatient-census --from 2026-03-01 --issue"
        (issue,) = re.findall("Issued: wardbook restate (.+)", begun.run(census).stderr)
        (home / "keys").mkdir()
        for key in (home / "demo").glob("[hc]*.key"):  # as the house saves them
            shutil.copy(key, home / "keys")
        yield House(url, token, home, stay, issue)
    finally:
        demo.terminate()
        demo.communicate(timeout=60)
        for folder in home.glob("new*"):
            stop_server(folder)


def test_each_page_with_commands_is_followed_or_is_said_why_not() -> None:
    with_commands = {page.name for page in DOCS.glob("*.md") if blocks(page.read_text(), "sh")}
    assert with_commands <= {*PAGES, *NOT_FOLLOWED}
    with_questions = {
        page.name for page in DOCS.glob("*.md") if blocks(page.read_text(), "graphql")
    }
    assert with_questions <= {*ASKED, *NOT_FOLLOWED}


def test_the_commands_of_each_page_run_twice_in_its_order(house: House) -> None:
    for page in PAGES:
        for number in (1, 2):
            done = house.run(_commands(page, house, number))
            assert done.returncode == 0, (page, done.stdout[-2000:], done.stderr[-2000:])
            if page == "feed.md":
                assert len(json.loads(done.stdout)["results"]) == 2


def _commands(page: str, house: House, number: int) -> str:
    """The commands of a page, with the names of this house."""
    text = "\n".join(blocks((DOCS / page).read_text(), "sh"))
    lines = [line for line in text.splitlines() if not any(p in line for p in LINES_LEFT_OUT)]
    new = house.folder / f"new{number}"
    here = {
        "WARDBOOK_HOSPITAL=north WARDBOOK_DATABASE_URL=postgresql://... ": "",
        "/srv/warehouse": f"{house.folder}/warehouse",
        "/backups/house": f"{house.folder}/keys",
        "/backups/keys/2026-11-28": f"{house.folder}/{number}",  # each is a new file
        "/backups/2026-11-28": f"{house.folder}/{number}",
        "/srv/new": str(new),  # a restore wants an empty database
        "3f0c9a52-7a1e-5d0b-9d55-2f6d1c0b8e11": house.issue,
        "\N{HORIZONTAL ELLIPSIS}": house.stay,
    }
    joined = "\n".join(lines)
    for result, real in here.items():
        joined = joined.replace(result, real)
    if not shutil.which("curl"):
        joined = "" if "curl" in joined else joined
    if not shutil.which("openssl"):
        joined = "\n".join(line for line in joined.splitlines() if "openssl" not in line)
    return joined


def test_the_questions_and_commands_of_each_page_are_answered_twice(house: House) -> None:
    for page in ASKED:
        documents = blocks((DOCS / page).read_text(), "graphql")
        asked = [_document(d, house) for d in documents if not d.startswith("subscription")]
        answers = [[house.ask(document) for document in asked] for _ in range(2)]
        for document, first, second in zip(asked, *answers, strict=True):
            assert first.get("errors") is None, (page, document, first)
            if document.startswith("mutation"):
                assert first["data"] == second["data"]


def _document(document: str, house: House) -> str:
    """A document of a page, with the ids of this house; a command keeps its id."""
    ids = {"commandId": str(uuid5(NAMESPACE_URL, document)), "stayId": house.stay}
    for field, id in ids.items():
        document = document.replace(f'{field}: "\N{HORIZONTAL ELLIPSIS}"', f'{field}: "{id}"')
    id = house.issue if "reportIssue" in document else house.stay
    return document.replace("\N{HORIZONTAL ELLIPSIS}", id)
