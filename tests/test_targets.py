"""Each target of the nightly run in short, as `make test` has it: without what it needs besides."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

BEFORE, AFTER = "== sexes", "!= sexes"
"""What domain/room/policies.py says, and what a mutant says instead."""

SETTINGS = "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n"


def test_the_tests_of_the_domain_kill_a_mutant_and_cover_what_they_run(tmp_path: Path) -> None:
    for folder in ("domain", "tests/support"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    tests = tmp_path / "test_policies.py"
    shutil.copy(ROOT / "tests" / "domain" / tests.name, tests)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    python = [sys.executable, "-m", "pytest", "-q", tests.name]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*python, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    result = run("--cov=domain.room.policies")
    assert result.returncode == 0, result.stdout
    (percent,) = re.findall(r"^domain/room/policies\.py .* (\d+)%", result.stdout, re.MULTILINE)
    assert int(percent) > 90
    policies = tmp_path / "domain" / "room" / "policies.py"
    text = policies.read_text()
    assert BEFORE in text
    policies.write_text(text.replace(BEFORE, AFTER))
    killed = run()
    assert killed.returncode == 1, killed.stdout


SHORT = re.compile(r"^\| `(?:make )?([a-z]+)` \|.*\| (.*) \|$", re.MULTILINE)
"""A row of the table in CONTRIBUTING.md: a target, and where `make test` has it in short."""


def test_each_target_of_the_nightly_run_is_in_make_test_in_short() -> None:
    workflow = (ROOT / ".github" / "workflows" / "nightly.yml").read_text()
    (matrix,) = re.findall(r"target: \[(.*)\]", workflow)
    targets = {*matrix.split(", "), *re.findall(r"make ([a-z]+)", workflow)} - {"setup"}
    page = (ROOT / "CONTRIBUTING.md").read_text()
    (part,) = re.findall(r"## What `make test` has of each.*?(?=\n## )", page, re.DOTALL)
    short = dict(SHORT.findall(part))
    assert targets <= short.keys()
    for target, places in short.items():
        files = [ROOT / name for name in re.findall(r"tests/[\w/.]+", places)]
        assert files, target
        assert all(file.exists() for file in files), target
        assert any(runs_by_day(file) for file in files), target


def runs_by_day(path: Path) -> bool:
    """Return whether `make test` runs some test of a file, or of the files of a folder."""
    if path.is_dir():
        return any(runs_by_day(file) for file in path.glob("test_*.py"))
    return not re.search(r"^pytestmark = pytest\.mark\.", path.read_text(), re.MULTILINE)
