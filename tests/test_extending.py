"""docs/extending.md is executed: a newcomer who follows it ends with a working event, read model,
report and role.

The page is carried out in a copy of the product, block by block. In front of each block stands where
it goes, as a reader sees it: a file in bold, and the place in it.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text()
COPIED = ("api", "application", "domain", "infrastructure", "migrations", "tests", "docs")
STEP = re.compile(
    r"^\*\*`(?P<file>[^`]+)`\*\*, (?P<place>[^\n]+):\n\n```\w+\n(?P<text>.*?)^```$"
    r"|^```sh\n(?P<shell>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of the page: text for a place in a file, or a command line."""

    text: str
    file: str | None = None
    place: str = ""

    def carry_out(self, copy: Path) -> None:
        if self.file is None:
            for line in self.text.splitlines():
                run(copy, line)
            return
        path = copy / self.file
        if self.place == "a new file":
            path.write_text(self.text)
            return
        lines = path.read_text().splitlines(keepends=True)
        first, last, replaced = self._lines(lines)
        margin = "" if self.place.startswith(("with", "at")) else margin_of(lines[first])
        added = indent(self.text, margin).splitlines(keepends=True)
        lines[first if replaced else last : last] = added
        path.write_text("".join(lines))

    def _lines(self, lines: list[str]) -> tuple[int, int, bool]:
        """The lines from the anchor up to where the text goes, and if the text stands for them."""
        if self.place == "with the imports":
            first = next(i for i, line in enumerate(lines) if line.startswith(("import ", "from ")))
            return first, first, False
        if self.place == "at the end":
            return len(lines) - 1, len(lines), False
        order, anchor = self.place.removesuffix("`").split(" `", 1)
        first = the_one(lines, anchor)
        if order == "in place of the line before":
            return first - 1, first, True
        if order == "before":
            return first, first, False
        return first, end_of(lines, first), order == "in place of"


def margin_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def the_one(lines: list[str], anchor: str) -> int:
    """The number of the only line that begins with the anchor, whatever its margin."""
    numbers = [i for i, line in enumerate(lines) if line.strip().startswith(anchor)]
    assert len(numbers) == 1, f"{len(numbers)} lines begin with {anchor!r}"
    return numbers[0]


def end_of(lines: list[str], first: int) -> int:
    """The number of the line after a statement, with its body or its brackets."""
    margin = len(margin_of(lines[first]))
    last = first + 1
    for number in range(first + 1, len(lines)):
        text = lines[number].strip()
        depth = len(margin_of(lines[number]))
        if text and depth <= margin and not re.match(r"[\])}]", text):
            break
        if text:
            last = number + 1
    return last


def blocks_of(page: str) -> list[Block]:
    steps = []
    for step in STEP.finditer(page):
        if step["file"]:
            steps.append(Block(step["text"], step["file"], step["place"]))
        else:
            steps.append(Block(step["shell"]))
    return steps


def run(copy: Path, line: str) -> None:
    """Run a command of the page in the copy, with the copy's own code."""
    program, *arguments = line.split()
    assert program == "wardbook", line
    code = "from api.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=copy, check=True, timeout=60)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the product, to be extended."""
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tmp_path)
    return tmp_path


GATES = (
    "tests/api/test_schema.py",
    "tests/api/test_allowed.py",
    "tests/domain/test_events.py",
    "tests/record/test_events_are_handled.py",
    "tests/record/test_plans.py::test_each_query_of_a_read_model_declares_what_it_reads",
    "tests/reports/test_definitions.py",
    "tests/mistakes/test_page_words.py",
    "tests/test_docs.py::test_the_event_model_names_each_stream_event_and_read_model",
    "tests/api/test_mutations.py::test_there_are_no_examples_of_what_does_not_exist",
    "tests/api/test_mutations.py::test_a_mutation_records_what_it_says[recordFall]",
)
"""Tests that find a declaration which the page forgets."""

EXAMPLES = ("tests/api/test_mutations.py", "tests/record/test_plans.py")
"""Files of tests in which the page changes the examples alone."""


@pytest.mark.slow
def test_who_follows_the_page_has_a_working_event_read_model_report_and_role(copy: Path) -> None:
    blocks = blocks_of(PAGE)
    for block in blocks:
        block.carry_out(copy)
    tools = ("ruff check --fix --quiet .", "ruff format --quiet .", "ruff check .")
    files = dict.fromkeys(block.file for block in blocks if block.file)
    own = [file for file in files if "/test_" in file and file not in EXAMPLES]
    assert len(own) >= 5
    pytest_run = f"pytest -q -n 0 -p no:cacheprovider {' '.join(dict.fromkeys((*own, *GATES)))}"
    own_keys = {name: value for name, value in os.environ.items() if name != "WARDBOOK_KEYS"}
    for command in (*tools, pytest_run):
        done = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=copy,
            capture_output=True,
            text=True,
            env=own_keys,  # that run removes its key store as it ends
        )
        assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
