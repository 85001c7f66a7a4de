"""Empty hospitals to import into, and the folder of the real data where there is one."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.database import Database
from infrastructure.settings import Settings
from infrastructure.wiring import hospital

SAMPLE = Path(__file__).parent / "sample"

REAL = Path(
    os.environ.get("WARDBOOK_MIMIC_IV")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "mimic-iv-demo-dev"
)

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
        """All that was recorded, in order; when, the database says, differs from run to run."""
        return self.ask(
            "SELECT position, stream, version, topic, command_id, command_end, body::text"
            " FROM record.events ORDER BY position"
        )

    def claims(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT room, bed, stay, during FROM record.bed_claims ORDER BY 1, 2, 4")


NewHospital = Callable[[], Imported]


@pytest.fixture(scope="module")
def new_hospital(
    server: Database, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewHospital]:
    """Makes empty hospitals that live as long as the tests of a module."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with ExitStack() as stack:

        def made() -> Imported:
            database = stack.enter_context(server.scratch(f"import_{worker_id}_{next(numbers)}"))
            database.migrate()
            database.open_log("real")
            commands = hospital(settings, database)
            stack.callback(commands.close)
            return Imported(commands, database)

        yield made


@pytest.fixture(scope="module")
def real() -> Path:
    """The folder of the real data."""
    if not REAL.is_dir():
        pytest.skip(f"no MIMIC-IV data in {REAL}: set WARDBOOK_MIMIC_IV to their folder")
    return REAL
