"""Properties of every command and every parameter, found from the parser: whatever is wrong, it ends
with one sentence and an exit code of the documented list, and never with a traceback."""

import os
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.cli.main import MODULES, load_command
from api.exit_codes import ExitCode
from infrastructure.postgres.database import Database
from infrastructure.sealing.key_ring import key_ring
from tests.cli.conftest import Ended, Run
from tests.cli.test_commands import commands_below
from tests.cli.test_failures import NOWHERE
from tests.conftest import KEYS
from tests.support.hospital_dsl import rows

pytestmark = pytest.mark.slow

UNTIL_STOPPED = {"serve", "worker", "feed", "hl7 listen", "hl7 send"}
"""Commands that go on until a signal comes: here they meet no database."""

COMMANDS = {
    path: command
    for name in sorted(MODULES)
    for path, command in commands_below([name], load_command(name))
    if path != "demo"  # has a home and a database of its own
}
SMALLER = {"simulate": ("--beds", "2", "--days", "1")}
"""Values instead of those of the example, for what takes long."""


NOTES = ("No server was started", "As known at position")
"""Beginnings of what is told before a failure."""


def example(path: str, folder: Path) -> list[str]:
    """The words of a command's example, with its files in a folder."""
    epilog = COMMANDS[path].epilog.removeprefix("Example: wardbook ")
    words = [*shlex.split(epilog), *SMALLER.get(path, ())]
    return [str(folder / word.lstrip("/")) if word.startswith("/srv/") else word for word in words]


def check(told: Ended, *, fails: bool = False) -> None:
    """A failure is one sentence, on standard error alone, and a code of the list."""
    assert told.code in set(ExitCode)
    assert not fails or told.code != ExitCode.DONE
    if told.code not in (ExitCode.DONE, ExitCode.CHECK_FAILED):
        lines = [line for line in told.err.splitlines() if not line.startswith(NOTES)]
        assert len(lines) == 1, told.err
        assert lines[0].endswith((".", "?", "!")) or "Run: wardbook " in lines[0]
        assert "Errno" not in told.err
        assert "geheim" not in told.err


@pytest.fixture
def elsewhere(server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of the test's own to work in, and a copy of the keys, which commands change."""
    keys = tmp_path / "keys" / KEYS.name
    keys.parent.mkdir(mode=0o700)
    keys.touch(mode=0o600)
    with closing(sqlite3.connect(KEYS)) as store, closing(sqlite3.connect(keys)) as copy:
        store.backup(copy)
    shutil.copy2(KEYS.with_name("house.key"), keys.parent)
    monkeypatch.setenv("WARDBOOK_KEYS", str(keys))
    key_ring.cache_clear()
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    key_ring.cache_clear()


ENVIRONMENTS = {
    "a database that refuses": {"WARDBOOK_DATABASE_URL": NOWHERE},
    "an address of no database": {"WARDBOOK_DATABASE_URL": "postgresql://a:geheim@[b/c"},
    "a home that is no folder": {"WARDBOOK_HOME": __file__},
    "a home in which nothing can be made": {"WARDBOOK_HOME": "/proc/nothing/home"},
    "an unknown zone": {"WARDBOOK_TIME_ZONE": "Mars/Base"},
    "an issuer without https": {"OIDC_ISSUER": "http://login.example"},
    "a port out of range": {"WARDBOOK_HEALTH_PORT": "70000"},
}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize("path", COMMANDS)
def test_an_environment_that_cannot_be_is_one_sentence_whatever_the_command(
    run: Run, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, path: str, environment: str
) -> None:
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE)  # never the embedded one
    for name, value in ENVIRONMENTS[environment].items():
        monkeypatch.setenv(name, value)
    check(run(*example(path, elsewhere)))


@pytest.mark.parametrize("path", COMMANDS)
def test_a_database_that_lacks_or_is_newer_is_one_sentence_whatever_the_command(
    run: Run, here: Database, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    ((newest,),) = rows(here, "SELECT version_num FROM alembic_version")
    with psycopg.connect(here.owner_url) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")
    try:
        check(run(*example(path, elsewhere)))
    finally:
        with psycopg.connect(here.owner_url) as owner:
            owner.execute("UPDATE alembic_version SET version_num = %s", [newest])
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", here.sibling("nowhere").owner_url)
    check(run(*example(path, elsewhere)))


LONG = "x" * 5_000
TEXTS = (
    "",
    " ",
    "\udcff",
    "a\tb\nc\x1b[31md\u202e",
    LONG,
    "nobody",
    "2026-02-30",
    "-1",
    "nats://[b",
)
PATHS = ("missing/file", "folder", "empty", "latin", "\udcff", "/proc/nothing/file", LONG)


@dataclass(frozen=True)
class Wrong:
    """A command with one parameter that has an odd value."""

    path: str
    parameter: str
    value: str

    def __str__(self) -> str:
        return f"{self.path} {self.parameter} {self.value[:12]!a}"

    def words(self, folder: Path) -> list[str]:
        """The example with that value in place of its own."""
        words = example(self.path, folder)
        if self.parameter.startswith("-"):
            if self.parameter in words:
                words[words.index(self.parameter) + 1] = self.value
                return words
            return [*words, f"{self.parameter}={self.value}"]
        command, names = COMMANDS[self.path], self.path.split()
        arguments = command.make_context(self.path, words[len(names) :]).params
        own = arguments[self.parameter]
        own = own[0] if isinstance(own, list | tuple) and own else own
        place = words.index(str(own), len(names)) if own is not None and str(own) in words else None
        if place is None:
            return [*words, "--", self.value]
        return [*words[:place], *words[place + 1 :], "--", self.value]


def odd_values(parameter: Any) -> tuple[str, ...]:
    """Values that no parameter of that kind should take without a word."""
    kind = parameter.type_descriptor.annotation
    if kind is Path:
        return PATHS
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ("nothing", "", "\udcff", LONG)
    return ("many", "", "1e999", "nan", "9" * 30, "\udcff", "-1") if kind in (int, float) else TEXTS


def all_wrong() -> Iterator[Wrong]:
    for path, command in COMMANDS.items():
        for parameter in command.params:
            if getattr(parameter, "is_flag", False):
                continue
            is_option = parameter.param_type_name == "option"
            name = parameter.opts[-1] if is_option else parameter.name
            yield from (Wrong(path, name, value) for value in odd_values(parameter))


def by_day() -> Iterator[Any]:
    """Yield every third odd value, so that each is given to some parameters; the night gives all."""
    for number, wrong in enumerate(all_wrong()):
        yield pytest.param(wrong, marks=pytest.mark.nightly if number % 3 else ())


@pytest.mark.parametrize("wrong", list(by_day()), ids=str)
def test_an_odd_value_is_taken_or_refused_in_one_sentence_whatever_the_parameter(
    run: Run, here: Database, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, wrong: Wrong
) -> None:
    (elsewhere / "folder").mkdir()
    (elsewhere / "empty").touch()
    (elsewhere / "latin").write_bytes('name = "Stati\xf3n"'.encode("latin-1"))
    if wrong.path in UNTIL_STOPPED:
        monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE)
    check(run(*wrong.words(elsewhere)))


@pytest.mark.parametrize("path", sorted(COMMANDS.keys() - UNTIL_STOPPED))
def test_an_example_is_run_as_it_is_written_and_once_more(
    run: Run, here: Database, elsewhere: Path, path: str
) -> None:
    for _ in range(2):
        check(run(*example(path, elsewhere)))


@pytest.mark.parametrize("path", COMMANDS)
def test_what_no_command_knows_is_refused_by_each(run: Run, elsewhere: Path, path: str) -> None:
    words = example(path, elsewhere)
    check(run(*words, "--no-such-option"), fails=True)
    check(run(*words, *(["more"] * 9)), fails=True) if not takes_any(path) else None


def test_the_question_of_the_example_is_answered_and_an_unknown_table_is_told_where_to_look(
    run: Run, here: Database, elsewhere: Path
) -> None:
    assert run(*example("query", elsewhere)).json == [{"count_star()": 0}]
    result = run("query", "SELECT * FROM stays")
    check(result, fails=True)
    assert "name stays does not exist. Run: wardbook query --tables" in result.err


def takes_any(path: str) -> bool:
    """Return whether a command takes any number of arguments."""
    return any(parameter.nargs == -1 for parameter in COMMANDS[path].params)


@pytest.mark.parametrize(
    "path", [path for path in COMMANDS if "--port" in str(vars(COMMANDS[path]))]
)
def test_a_port_that_is_taken_is_named(
    run: Run, here: Database, elsewhere: Path, path: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(*example(path, elsewhere), "--port", str(port))
    check(result, fails=True)


INTERRUPTED = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
left = int(sys.argv.pop(1))
def hook(event, given):
    global left
    left -= event == "import"
    if event == "import" and left == 0:
        signal.raise_signal(signal.SIGINT)
from api.cli import main
sys.addaudithook(hook)
main()
"""
"""The command line, interrupted at the import of so many modules more: a moment of any command's."""


def as_process(code: str, *words: str, stdout: int) -> tuple[int, str]:
    """The exit code of the command line as a process, and what it told on standard error."""
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=60,
    )
    return ended.returncode, ended.stderr.decode()


@pytest.fixture
def without_end(here: Database, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end of a pipe whose other end is closed: `head` that has read enough."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def meet_no_database(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if path in UNTIL_STOPPED:
        monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE)


@pytest.mark.nightly
@pytest.mark.parametrize("path", COMMANDS)
def test_an_output_that_nobody_reads_is_no_traceback_whatever_the_command(
    run: Run, without_end: int, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    meet_no_database(path, monkeypatch)
    whole = "from api.cli import main; main()"
    for words in (example(path, elsewhere), [*path.split(), "--help"]):
        code, result = as_process(whole, *words, stdout=without_end)
        assert code in set(ExitCode), result
        assert "Traceback" not in result
        assert "Broken" not in result
    assert code == ExitCode.REFUSED  # the help was not read


BY_DAY = {("accesses", 400), ("report", 400), ("serve", 400), ("worker", 150)}
"""Interruptions that are not left to the night: each is a process of its own."""


@pytest.mark.parametrize(
    ("path", "moment"),
    [
        pytest.param(path, moment, marks=() if (path, moment) in BY_DAY else pytest.mark.nightly)
        for path in COMMANDS
        for moment in (1, 150, 400, 600)
    ],
)
def test_an_interruption_at_any_moment_is_130_and_no_traceback_whatever_the_command(
    here: Database, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, path: str, moment: int
) -> None:
    meet_no_database(path, monkeypatch)
    words = example(path, elsewhere)
    code, result = as_process(INTERRUPTED, str(moment), *words, stdout=subprocess.DEVNULL)
    assert "Traceback" not in result
    if moment == 1:
        assert code == ExitCode.INTERRUPTED
    assert code in set(ExitCode)
    if code == ExitCode.INTERRUPTED:
        lines = [line for line in result.splitlines() if not line.startswith(NOTES)]
        assert lines in ([], ["Interrupted."])
