"""The same questions, commands and checks on a log of a hundred thousand, a million, ten million events.

By hand: a million takes some ten minutes, ten million (``WARDBOOK_BENCH_EVENTS=10000000``) hours and
20 GB. The house of `many` grows; at each size everything is measured again. Moments are at 1, 50 and
99 % of the log's age, of valid time and of what was known: nine combinations.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from uuid import UUID

import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection

from application.hospital import Hospital
from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from application.reports.service import ReportService
from domain.stay.events import VisitKind
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.rebuild import compare_sample
from infrastructure.projections.runner import ProjectionRunner, connect
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.timeline.queries import timeline_page
from infrastructure.reports import inputs
from infrastructure.reports.report_data import ReadModelReportData
from infrastructure.settings import Settings
from tests.benchmarks.many import House
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import admitted, doctor, request, room

BEDS = 600
SIZES = tuple(
    size
    for size in (100_000, 1_000_000, 10_000_000)
    if size <= int(os.environ.get("WARDBOOK_BENCH_EVENTS", "1000000"))
)
AGES = (0.01, 0.5, 0.99)
REPEATS, COMMANDS, SAMPLE, BEHIND = 7, 100, 20, 10_000
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing at one size: milliseconds, or what else ``unit`` says."""

    what: str
    value: float
    unit: str = "ms"


def measure(
    database: Database, folder: Path, *, sizes: Sequence[int] = SIZES, beds: int = BEDS
) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    by_size: dict[int, list[Measured]] = {}
    with closing(hospital(Settings(), database)) as made:
        house = House(made, beds)
        doctor(made, "bench")
        for size in sizes:
            start = perf_counter()
            house.fill(size)
            say(f"{size:,} events made in {perf_counter() - start:.0f} s; filling")
            start = perf_counter()
            ProjectionRunner(database.app_url).catch_up()
            say(f"filled in {perf_counter() - start:.0f} s; asking")
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE")
            by_size[size] = []
            for one in _measured(database, folder, made, house, f"bench-{size}"):
                say(f"{one.what}: {one.value:,.1f} {one.unit}")  # hours before the table
                by_size[size].append(one)
    least = sizes[0]
    return [
        Row(
            f"{now.what}, {size:,} events",
            f"{now.value:,.1f} {now.unit}",
            f"{least:,} events",
            f"{then.value:,.1f} {then.unit}",
            now.value / then.value if then.value else None,
            "1.5x",
        )
        for size in sizes
        for now, then in zip(by_size[size], by_size[least], strict=True)
    ]


def _measured(
    database: Database, folder: Path, made: Hospital, house: House, name: str
) -> Iterator[Measured]:
    """Measure everything at this size; ``name``: of a room and a patient that nobody had before."""
    room(made, name, ward="bench")
    stay = admitted(made, name, f"bench/{name}/a")
    patients = [some[0] for some in house.patients.values()]
    asked = asyncio.run(_asked(database, house, patients))
    for what, milliseconds in asked.items():
        yield Measured(f"{what}, median of nine moments", median(milliseconds))
        yield Measured(f"{what}, slowest of nine moments", max(milliseconds))

    def visit() -> None:
        made.stays.record_visit(request(), stay_id=stay, practitioner="bench", kind=VisitKind.ROUND)

    yield Measured("a visit recorded", median(_took(visit) for _ in range(COMMANDS)))
    with connect(database.app_url) as connection:
        projector = BatchProjector(connection)
        projector.prepare()
        while projector.step():
            pass
        waits = []
        for _ in range(COMMANDS):
            visit()
            waits.append(_took(projector.step))
        yield Measured("its batch of the read models", median(waits))
    yield Measured("a month's reports", _took(lambda: _reports(database, house)), "ms for all")
    house.fill((house.recorder.max_notification_id() or 0) + BEHIND)
    yield Measured(
        f"catching up on {BEHIND:,} events", _took(ProjectionRunner(database.app_url).catch_up)
    )

    def start() -> None:
        with served(database, folder / "home-of-scale"):
            pass

    yield Measured("start and end of a server", _took(start))
    lot = Random(0)
    yield Measured(
        f"a sample of {SAMPLE} of each read model compared",
        _took(lambda: [compare_sample(database, model, SAMPLE, lot) for model in READ_MODELS]),
    )
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    yield Measured("on disk", row[0] / 1e6, "MB")


async def _asked(
    database: Database, house: House, patients: Sequence[UUID]
) -> dict[str, list[float]]:
    """Return the milliseconds of each question at each of nine moments."""
    places = [house.full[int(age * (len(house.full) - 1))] for age in AGES]
    engine, random = database.async_engine(), Random(1)
    took: dict[str, list[float]] = {"occupancy of the house": [], "a patient's timeline": []}

    async def occupancy(connection: AsyncConnection, at: AsOf) -> None:
        await board(connection, at)

    async def timeline(connection: AsyncConnection, at: AsOf) -> None:
        await timeline_page(connection, at, 50, None, patients=[random.choice(patients)])

    async with engine.connect() as connection:
        for what, question in zip(took, (occupancy, timeline), strict=True):
            for true, known in product(places, places):
                times = []
                for _ in range(REPEATS):
                    start = perf_counter()
                    await question(connection, AsOf(true.moment, known.position))
                    times.append((perf_counter() - start) * 1000)
                took[what].append(median(times))
    await engine.dispose()
    return took


def _reports(database: Database, house: House) -> None:
    """Compute each report of the last month."""
    end = house.full[-1]
    last = end.moment.date() - timedelta(days=1)
    with inputs.report_connection(database.app_url) as connection:
        reports = ReportService(ReadModelReportData(connection, "main"))
        for held in newest_definitions():
            question = Question(last - MONTH, last, None, held.parameters_of({}))
            reports.compute(held, question, end.position)


def _took(act: Callable[[], object]) -> float:
    """Milliseconds."""
    start = perf_counter()
    act()
    return (perf_counter() - start) * 1000
