"""Tests of `deploy`, the image and the compose file: they name what there is."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.cli.main import load_command
from api.errors import CODES, INTERNAL
from api.telemetry.metrics import REGISTRY
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.embedded_cluster import program_folder
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


def test_a_fault_that_an_alert_watches_has_a_code() -> None:
    """A fault of GraphQL is answered with 200: only its code tells it."""
    watched = re.findall(r'code=~"([A-Z_|]+)"', _text("deploy/prometheus/alerts.yml"))
    assert [set(codes.split("|")) for codes in watched] == [
        {INTERNAL.code, "DATABASE_AWAY", "KEYS_MISSING"}
    ]
    assert {"DATABASE_AWAY", "KEYS_MISSING"} <= CODES.keys()


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


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PATRONI = ROOT / "deploy" / "patroni"

each_service = pytest.mark.parametrize("name", SERVICES)


@each_service
def test_a_service_mounts_and_builds_what_is_there_of_one_version(name: str) -> None:
    service = SERVICES[name]
    for source in (mount.partition(":")[0] for mount in service.get("volumes", ())):
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    if "build" in service:
        assert (ROOT / service["build"] / "Dockerfile").exists()
    else:
        assert re.search(r":v?\d+(\.\d+\.\d+)?$", service["image"]), service["image"]


@each_service
def test_a_service_waits_for_what_is_started_with_it(name: str) -> None:
    profiles = set(SERVICES[name].get("profiles", ()))
    for other in SERVICES[name].get("depends_on", ()):
        assert set(SERVICES[other].get("profiles", ())) <= profiles, (name, other)


def test_the_nodes_of_compose_are_given_what_their_configuration_asks_for() -> None:
    nodes = {n: s["environment"] for n, s in SERVICES.items() if n.startswith("node")}
    members = {n: s["environment"] for n, s in SERVICES.items() if n.startswith("etcd")}
    assert (len(nodes), len(members)) == (3, 3)
    asked = set(re.findall(r"PATRONI_[A-Z0-9_]+", (PATRONI / "patroni.yml").read_text()))
    clients = {m["ETCD_ADVERTISE_CLIENT_URLS"].removeprefix("http://") for m in members.values()}
    peers = {f"{n}={m['ETCD_INITIAL_ADVERTISE_PEER_URLS']}" for n, m in members.items()}
    for name, given in nodes.items():
        assert asked <= given.keys()
        assert (given["PATRONI_NAME"], set(given["PATRONI_ETCD3_HOSTS"].split(","))) == (
            name,
            clients,
        )
    for name, given in members.items():
        assert (given["ETCD_NAME"], set(given["ETCD_INITIAL_CLUSTER"].split(","))) == (name, peers)
    haproxy = SERVICES["haproxy"]["environment"]
    configuration = (PATRONI / "haproxy.cfg").read_text()
    assert set(re.findall(r"\$\{([A-Z0-9_]+)\}", configuration)) == haproxy.keys()
    for number, given in enumerate(nodes.values(), 1):
        host = given["PATRONI_POSTGRESQL_CONNECT_ADDRESS"].partition(":")[0]
        assert haproxy[f"NODE_{number}"] == given["PATRONI_POSTGRESQL_CONNECT_ADDRESS"]
        assert f"{host}:{haproxy[f'REST_{number}']}" == given["PATRONI_RESTAPI_CONNECT_ADDRESS"]


def test_haproxy_takes_its_configuration_with_names_that_are_not_there_yet() -> None:
    program = shutil.which("haproxy", path=f"/usr/sbin:{os.environ['PATH']}")
    if program is None:
        pytest.skip("needs apt-get install haproxy")
    environment = {**os.environ, **SERVICES["haproxy"]["environment"]}
    check = [program, "-c", "-f", str(PATRONI / "haproxy.cfg")]
    answer = subprocess.run(check, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_nginx_takes_the_recipe_of_the_docs_as_it_stands(tmp_path: Path) -> None:
    """It named a variable that nothing set, and a host without its port, from which no page is ours."""
    page = (ROOT / "docs" / "production.md").read_text()
    (recipe,) = re.findall(r"^```nginx\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ours = set(re.findall(r"^map \S+ \$(\w+)", recipe, re.MULTILINE))
    theirs = {"http_upgrade", "http_host", "remote_addr"}
    assert set(re.findall(r"\$(\w+)", recipe)) == ours | theirs
    program = shutil.which("nginx", path=f"/usr/sbin:{os.environ['PATH']}")
    if program is None:
        pytest.skip("needs apt-get install nginx-light")
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{name}_temp_path {tmp_path / name};" for name in places)
    body = recipe.replace("listen 443 ssl;", "listen 127.0.0.1:8443;")
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path / 'pid'}; events {{}} http {{ access_log off; {paths}\n{body}}}"
    )
    check = [program, "-t", "-q", "-e", "stderr", "-c", str(configuration)]
    answer = subprocess.run(check, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_the_database_of_the_nodes_is_made_once_and_left_alone_then(server: Database) -> None:
    given = SERVICES["database"]["environment"]
    url = urlsplit(server.owner_url)
    (sockets,) = parse_qs(url.query)["host"]
    environment = {**given, "PGHOST": sockets, "PGPORT": "5432", "PGUSER": "postgres"}
    environment["PATH"] = f"{program_folder()}:{os.environ['PATH']}"
    for _ in range(2):
        script = str(PATRONI / "database.sh")
        answer = subprocess.run(["sh", script], env=environment, capture_output=True, text=True)
        assert (answer.returncode, answer.stderr) == (0, "")
    with psycopg.connect(server.owner_url) as owner:
        for query, name in (
            ("SELECT FROM pg_database WHERE datname = %s", "wardbook"),
            ("SELECT FROM pg_roles WHERE rolname = %s AND rolcanlogin", APP_ROLE),
        ):
            assert owner.execute(query, [name]).fetchone() is not None


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
