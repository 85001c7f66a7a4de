"""Tests of lock files: what runs is locked apart from the tools, as the tests run with it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = re.compile(
    r"^([a-z0-9.-]+(?:\[[a-z,]+\])?==[^ \\]+)((?:[^\n]*\\\n +--hash=[^\n ]+)+)", re.MULTILINE
)


def pins(lock: str) -> dict[str, set[str]]:
    """The pins of a lock, each with its hashes."""
    text = (ROOT / lock).read_text()
    return {pin: set(re.findall(r"sha256:\w+", hashes)) for pin, hashes in PINS.findall(text)}


def test_what_runs_is_a_part_of_what_is_tested() -> None:
    running, developing = pins("requirements.lock"), pins("requirements-dev.lock")
    assert len(running) > 30
    assert {pin: developing.get(pin) for pin in running} == running


def test_no_tool_is_in_what_runs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {pin.partition("==")[0].partition("[")[0] for pin in pins("requirements.lock")}
    needed = {re.split(r"[\[<>=]", d)[0] for d in project["project"]["dependencies"]}
    tools = {re.split(r"[<>=]", d)[0] for d in project["dependency-groups"]["dev"]}
    assert needed <= names
    assert not names & tools
