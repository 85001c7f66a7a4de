"""The layers hold, and the contracts that say so can fail: each is broken once on purpose."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in PYPROJECT["contracts"]}

TYPES_ALONE = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import application.lookups"

# What a careless change would be: the contract it breaks, the file, the import.
BREACHES = [
    ("layers", "domain/new_rule.py", "import application"),
    ("layers", "domain/new_rule.py", "from api import __doc__"),
    ("layers", "application/new_report.py", "import infrastructure.postgres.embedded_server"),
    ("layers", "infrastructure/new_query.py", "import api"),
    ("no-technology", "domain/new_rule.py", "import rich"),
    ("no-technology", "application/new_report.py", "from sqlalchemy import select"),
    ("no-technology", "application/new_report.py", "def f() -> None:\n    import psycopg"),
    ("application", "application/unit_of_work.py", "import application.bed_consistency"),
    ("application", "application/persons.py", TYPES_ALONE),
    ("application", "application/commands/new_command.py", "import application.hospital"),
    ("container", "api/http/new_route.py", "from infrastructure.event_store import recorder"),
    ("container", "api/graphql/new_query.py", "from infrastructure.postgres import database"),
    ("no-driver", "api/cli/new_command.py", "import psycopg"),
    ("one-door", "domain/new_rule.py", "from eventsourcing.domain import event"),
    ("one-door", "domain/new_folder/__init__.py", "import eventsourcing"),
]


def contracts_broken_in(folder: Path) -> set[str]:
    """The ids of the contracts that import-linter finds broken in the packages of a folder."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    broken = {id for id, name in CONTRACTS.items() if f"{name} BROKEN" in said}
    kept = {id for id, name in CONTRACTS.items() if f"{name} KEPT" in said}
    # Neither found nor judged would look like kept.
    assert broken | kept == set(CONTRACTS), said
    assert (done.returncode != 0) == bool(broken), said
    return broken


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the four packages, to be broken."""
    for package in PYPROJECT["root_packages"]:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_layer_imports_only_what_it_may() -> None:
    assert contracts_broken_in(ROOT) == set()


def test_an_untouched_copy_is_as_clean(copy: Path) -> None:
    assert contracts_broken_in(copy) == set()


@pytest.mark.slow
@pytest.mark.parametrize(("contract", "file", "code"), BREACHES)
def test_a_forbidden_import_is_found(copy: Path, contract: str, file: str, code: str) -> None:
    (copy / file).parent.mkdir(exist_ok=True)
    with (copy / file).open("a") as written:
        written.write(f"{code}\n")
    assert contract in contracts_broken_in(copy)


def test_each_contract_is_broken_once() -> None:
    assert {contract for contract, _, _ in BREACHES} == set(CONTRACTS)
