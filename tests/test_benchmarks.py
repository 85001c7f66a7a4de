"""The benchmarks ask tables that are there, and those that are run by hand run at a small size."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from domain.envelope import About
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.read_models import READ_MODELS
from tests.benchmarks import caches, hl7, scale, screens, shift, soak
from tests.benchmarks.many import Lying
from tests.benchmarks.results import Row

TEXTS = [file.read_text() for file in (Path(__file__).parent / "benchmarks").glob("*.py")]


def test_the_benchmarks_name_the_read_models_of_today() -> None:
    named = {name for text in TEXTS for name in re.findall(r"\b[a-z_]+_v\d+(?=\b)", text)}

    assert named
    assert named - {str(model.metadata.schema) for model in READ_MODELS} == set()


def test_each_question_of_the_page_can_be_measured() -> None:
    now, ids = datetime.now(UTC), (uuid4(), uuid4())
    lying = Lying(About(patient=ids[0], key_id="key", stay=ids[1]), ids[1], ids[0], now)

    assert len(screens.screens(lying, uuid4(), now, Role.ADMIN)) > 30


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("measure", "told"),
    [
        (caches.measure, "small query: cached, every limiter on"),
        (partial(hl7.measure, connections=2, seconds=3), "HL7, 2 connections, one room of 10 beds"),
        (partial(shift.measure, nurses=2, seconds=5), "shift, 2 nurses, everything"),
        (partial(soak.measure, nurses=2, seconds=5), "memory of serve"),
        (partial(screens.measure, events=2_000, beds=40), "Board by admin, median / most of"),
        (partial(scale.measure, sizes=(2_000, 4_000), beds=20), "on disk, 4,000 events"),
    ],
    ids=["caches", "hl7", "shift", "soak", "screens", "scale"],
)
def test_what_is_measured_by_hand_can_be_measured(
    server: Database,
    worker_id: str,
    tmp_path: Path,
    measure: Callable[[Database, Path], list[Row]],
    told: str,
) -> None:
    with server.scratch(f"bench_{worker_id}") as database:
        migrate(database)

        rows = measure(database, tmp_path)

    assert any(row.what.startswith(told) for row in rows)
    assert all(row.measured for row in rows)
