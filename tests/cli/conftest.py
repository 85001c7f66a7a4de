"""The command line in this process: what it prints, and how it ends."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli import main
from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings


@dataclass(frozen=True)
class Ended:
    """Result of a command: its exit code, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("WARDBOOK_HOME", str(folder))
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``wardbook`` with some arguments."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["wardbook", *arguments])
        environment, log = dict(os.environ), logging.getLogger()
        handlers, level = list(log.handlers), log.level
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code
        os.environ.clear()  # --demo sets its own
        os.environ.update(environment)
        log.handlers[:] = handlers  # of a command that logs into what was captured here
        log.setLevel(level)
        answer = capsys.readouterr()
        assert isinstance(code, int), code
        assert "Traceback" not in answer.err, answer.err
        return Ended(code, answer.out, answer.err)

    return run


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database that the environment names, with all tables and an empty log."""
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", database.owner_url)
    return database


@pytest.fixture
def bare(server: Database, worker_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database that the environment names, with nothing in it."""
    with server.scratch(f"bare_{worker_id}") as database:
        monkeypatch.setenv("WARDBOOK_DATABASE_URL", database.owner_url)
        yield database


@pytest.fixture
def staffed(here: Database, settings: Settings) -> Iterator[Hospital]:
    """The hospital of that database, to put something in."""
    with closing(wired(settings, here)) as made:
        yield made
