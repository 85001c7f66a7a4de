"""Every report on a year of a hospital of 600 beds: now, as known a year ago, and restated.

The house of `many` is two years of 600 beds in a million events (``WARDBOOK_BENCH_EVENTS``; a smaller
log is asked about its latter half). Each report is computed for the last year, and, in turn, for the
year before it as known then: as many stays, so the difference is what the log has learned since. Then
each is issued, a hundred discharges are told late, and each is restated with its causes.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from uuid import uuid4

import psycopg

from application.command import Request
from application.commands.reports import ReportPeriod
from application.reports.definition import Definition
from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from application.reports.service import ReportService
from domain.report import Report
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.reports import inputs
from infrastructure.reports.report_data import ReadModelReportData
from infrastructure.settings import Settings
from tests.benchmarks.many import Full, House
from tests.benchmarks.processes import processor
from tests.benchmarks.restating import CLERK
from tests.benchmarks.results import Row, say

BEDS = 600
EVENTS = int(os.environ.get("WARDBOOK_BENCH_EVENTS", "1000000"))
YEAR = timedelta(days=365)
DAY = timedelta(days=1)
ROUNDS = 3
LATE = 100


@dataclass(frozen=True, slots=True)
class Year:
    """A period, and the position from which it is looked at."""

    first: date
    last: date
    position: int

    @classmethod
    def before(cls, end: Full, length: timedelta) -> "Year":
        last = end.moment.date() - DAY
        return cls(last - length + DAY, last, end.position)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds: by the clock, and of the processors for Python and for the database together."""

    waited: float
    worked: float

    def __str__(self) -> str:
        return f"{self.waited:.2f} s ({self.worked:.2f})"


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    with closing(hospital(Settings(), database)) as made, reduced_garbage_collection():
        house = House(made, BEDS)
        start = perf_counter()
        house.fill(EVENTS)
        say(f"{EVENTS:,} events made in {perf_counter() - start:.0f} s; filling")
        start = perf_counter()
        ProjectionRunner(database.app_url).catch_up()
        say(f"filled in {perf_counter() - start:.0f} s; asking. In brackets: seconds of processor")
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        now, past = _years(house.full)
        asked = {held.name: _asked(database, held, now, past) for held in newest_definitions()}
        period = ReportPeriod(now.first, now.last)
        issues = {
            held.name: made.reports.issue_report(_said(), name=held.name, period=period).ids(
                "report"
            )[0]
            for held in newest_definitions()
        }
        house.leave_late(LATE)
        ProjectionRunner(database.app_url).catch_up()
        restated: dict[str, tuple[float, int]] = {}
        for name, issue in issues.items():
            start = perf_counter()
            (event,) = made.reports.restate_report(_said(), issue_id=issue).events
            assert isinstance(event, Report.Restated)
            restated[name] = perf_counter() - start, len(event.causes)
    days = (now.last - now.first).days + 1
    return [
        Row(
            f"{name}, {days} days",
            str(here),
            f"{(now.last - past.last).days} days ago, known then",
            str(then),
            here.worked / then.worked,
            "under 2 s; 2x",
        )
        for name, (here, then) in asked.items()
    ] + [
        Row(
            f"{name} restated, {causes} causes",
            f"{took:.2f} s",
            wanted="under 5 s",
        )
        for name, (took, causes) in restated.items()
    ]


def _years(full: list[Full]) -> tuple[Year, Year]:
    """The last year of the house, and the one before it, as known at its end."""
    length = min(YEAR, (full[-1].moment - full[0].moment) / 2)
    then = max((f for f in full if f.moment <= full[-1].moment - length), key=lambda f: f.moment)
    return Year.before(full[-1], length), Year.before(then, length)


def _asked(database: Database, held: Definition, now: Year, past: Year) -> tuple[Took, Took]:
    """The medians of some rounds, in turn."""
    rounds = [(_report(database, held, now), _report(database, held, past)) for _ in range(ROUNDS)]
    result = [
        Took(median(took.waited for took in side), median(took.worked for took in side))
        for side in zip(*rounds, strict=True)
    ]
    say(f"{held.name}: {result[0].waited:.2f} s now, {result[1].waited:.2f} s then")
    return result[0], result[1]


def _report(database: Database, held: Definition, year: Year) -> Took:
    question = Question(year.first, year.last, None, held.parameters_of({}))
    with inputs.report_connection(database.app_url) as connection:
        reports = ReportService(ReadModelReportData(connection, "main"))
        begun, worked = perf_counter(), process_time()
        answer = reports.compute(held, question, year.position)
        took = Took(
            perf_counter() - begun,
            process_time() - worked + processor(connection.info.backend_pid) / 1000,
        )
    assert answer.rows
    return took


def _said() -> Request:
    return Request(command_id=uuid4(), by=CLERK)
