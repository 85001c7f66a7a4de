"""Empty hospitals to import into, and the folder of the real data where there is one."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from api.imports.mimic_iv import Account, import_mimic_iv
from application.hospital import Hospital
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.imports.fewer import first_patients
from tests.support.hospital_dsl import events

SAMPLE = Path(__file__).parent / "sample"

REAL = Path(
    os.environ.get("WARDBOOK_MIMIC_IV")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "mimic-iv-demo-dev"
)

PATIENTS = os.environ.get("WARDBOOK_MIMIC_PATIENTS", "6")
"""How many of the real patients are imported: a number, or all."""

numbers = count(1)


@dataclass(frozen=True, slots=True)
class Imported:
    """A hospital with a database of its own."""

    hospital: Hospital
    database: Database

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.owner_url) as owner:
            return owner.execute(statement.encode()).fetchall()

    def log(self) -> list[tuple[Any, ...]]:
        """All that was recorded, in order, read with the keys; clock and digest differ by database."""
        return [
            (
                position,
                end,
                event.TOPIC,
                event.originator_version,
                {
                    name: value
                    for name, value in vars(event).items()
                    if name not in ("entry", "timestamp")
                },
                msgspec.structs.replace(event.entry, digest=""),
            )
            for position, end, event in events(self.database)
        ]

    def claims(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT room, bed, stay, during FROM record.bed_claims ORDER BY 1, 2, 4")


NewHospital = Callable[[], Imported]


@contextmanager
def hospitals(server: Database, worker: str, home: Path) -> Iterator[NewHospital]:
    """Makes empty hospitals, and drops them in the end."""
    settings = Settings(home=home)
    with ExitStack() as stack:

        def made() -> Imported:
            database = stack.enter_context(server.scratch(f"import_{worker}_{next(numbers)}"))
            migrate(database)
            database.open_log("real")
            commands = hospital(settings, database)
            stack.callback(commands.close)
            return Imported(commands, database)

        yield made


@pytest.fixture(scope="module")
def new_hospital(
    server: Database, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewHospital]:
    """Makes empty hospitals that live as long as the tests of a module."""
    with hospitals(server, worker_id, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the real data: of some patients, or of all (`make nightly`)."""
    if not REAL.is_dir():
        pytest.skip(f"no MIMIC-IV data in {REAL}: set WARDBOOK_MIMIC_IV to their folder")
    if PATIENTS == "all":
        return REAL
    return first_patients(REAL, int(PATIENTS), tmp_path_factory.mktemp("some"))


@dataclass(frozen=True, slots=True)
class Run:
    """An import, with its account and the file that it was written to."""

    imported: Imported
    account: Account
    file: Path


@pytest.fixture(scope="session")
def real_run(
    real: Path, server: Database, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """The folder of the real data, imported once for all that look at it."""
    file = tmp_path_factory.mktemp("account") / "account.csv"
    with hospitals(server, worker_id, tmp_path_factory.mktemp("home")) as new_hospital:
        imported = new_hospital()
        yield Run(imported, import_mimic_iv(imported.hospital, real, file), file)
