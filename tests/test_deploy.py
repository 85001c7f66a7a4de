"""What is in `deploy`, the image and the compose file names what there is."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.cli.main import load_command
from api.telemetry.metrics import REGISTRY
from infrastructure.settings import Settings, variable_name

ROOT = Path(__file__).resolve().parents[1]
DEPLOYED = [
    *(ROOT / name for name in ("Dockerfile", "compose.yaml")),
    *(path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file()),
]
OF_THE_COMPOSE_FILE = {"WARDBOOK_APP_PASSWORD"}

each_file = pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.name)


def metrics() -> Iterator[str]:
    for family in text_string_to_metric_families(generate_latest(REGISTRY).decode()):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket"]}.get(family.type, [""])
        yield from (family.name + suffix for suffix in suffixes)


@each_file
def test_every_metric_that_is_watched_is_told(path: Path) -> None:
    named = set(re.findall(r"\bwardbook_[a-z_]+(?=[\[{)])", path.read_text()))
    assert named <= set(metrics())
    assert bool(named) == (path.name in ("alerts.yml", "wardbook.json"))


@each_file
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    settings = {variable_name(name) for name in Settings.__dataclass_fields__}
    named = re.findall(r"\b(?:WARDBOOK|OIDC)_[A-Z_]+", path.read_text())
    assert set(named) <= settings | OF_THE_COMPOSE_FILE


def test_the_processes_are_commands_with_options_that_there_are() -> None:
    given = re.findall(r"wardbook (\w+)(.*)$", _text("deploy/systemd/*.service"), re.MULTILINE)
    for line in re.findall(r"command: \[(.*)\]", _text("compose.yaml")):
        name, *rest = line.split(", ")
        given.append((name, " ".join(rest)))
    assert {name for name, _ in given} == {"serve", "worker", "migrate"}
    for name, rest in given:
        options = {o for p in load_command(name).params for o in (*p.opts, *p.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, (name, rest)


def test_the_image_has_all_that_is_imported_and_nothing_of_tests() -> None:
    packages = tomllib.loads(_text("pyproject.toml"))["tool"]["importlinter"]["root_packages"]
    copied = set(re.findall(r"^COPY (\w+) \1$", _text("Dockerfile"), re.MULTILINE))
    assert copied == {*packages, "migrations"}
    let_through = set(re.findall(r"^!(\S+)$", _text(".dockerignore"), re.MULTILINE))
    assert copied <= let_through
    assert "tests" not in let_through


def test_the_board_has_a_title_and_a_query_for_each_panel() -> None:
    panels = json.loads(_text("deploy/grafana/wardbook.json"))["panels"]
    assert all(panel["title"] and panel["targets"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_workflows_take_each_action_as_it_was_at_one_commit() -> None:
    for line in re.findall(r"uses: (.*)", _text(".github/workflows/*.yml")):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", line), line


BY_HAND = {"help", "setup", "format", "demo", "lock", "clean"}
"""Targets that check nothing."""

WITHIN = {"schemas": "check"}
"""Targets that are a part of another."""


def test_each_target_that_checks_or_measures_is_run_by_a_workflow_that_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):.*?## ", _text("Makefile"), re.MULTILINE))
    assert BY_HAND | WITHIN.keys() <= targets
    workflows = _text(".github/workflows/*.yml") + _text(".ci/run")
    run = set(re.findall(r"make ([a-z]+)", workflows))
    for matrix in re.findall(r"target: \[(.*)\]", workflows):
        run |= set(matrix.split(", "))
    assert targets - BY_HAND - WITHIN.keys() <= run
    assert set(WITHIN.values()) <= run


def _text(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))
