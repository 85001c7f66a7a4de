"""A month's reports restated after 1, 10 and 1,000 late facts: how long it takes to tell the causes.

A house of 600 beds as `many` makes it, every stay of which lies in the month. Each report is issued;
then so many discharges are told late, and each report is restated.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from application.command import Request
from application.commands.reports import ReportPeriod
from application.hospital import Hospital
from application.reports.registry import newest_definitions
from domain.envelope import Actor
from domain.report import Report
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.benchmarks.results import Row, say

CLERK = Actor(issuer="benchmark", subject="clerk", role="admin")
STAYS = 1_500
LATE = (1, 10, 1_000)
BEDS = 25


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    house = hospital(Settings(), database)
    try:
        stays = _filled(house)
        ProjectionRunner(database.app_url).catch_up()
        return [row for late in LATE for row in _restated(house, database, stays, late)]
    finally:
        house.close()


def _restated(house: Hospital, database: Database, stays: list[UUID], late: int) -> list[Row]:
    """Issue every report, tell so many discharges late, restate every report."""
    today = datetime.now(UTC).date()
    period = ReportPeriod(today - timedelta(days=31), today - timedelta(days=1))
    issues = {
        held.name: house.reports.issue_report(_said(), name=held.name, period=period).ids("report")[
            0
        ]
        for held in newest_definitions()
    }
    for _ in range(late):
        house.stays.discharge_patient(
            _said(timedelta(days=5 + len(stays) % 20)),
            stay_id=stays.pop(),
            disposition=Disposition.HOME,
        )
    ProjectionRunner(database.app_url).catch_up()
    slowest, causes = 0.0, 0
    for issue in issues.values():
        start = perf_counter()
        (event,) = house.reports.restate_report(_said(), issue_id=issue).events
        slowest = max(slowest, perf_counter() - start)
        assert isinstance(event, Report.Restated)
        causes = max(causes, len(event.causes))
    assert causes == late, (causes, late)
    what = f"restating a month after {late:,} late facts, the slowest report"
    return [Row(what, f"{slowest:.2f} s", wanted="under 5 s")]


def _filled(house: Hospital) -> list[UUID]:
    stays = []
    for number in range(STAYS):
        if number % BEDS == 0:
            beds = [f"{bed}" for bed in range(BEDS)]
            room: dict[str, Any] = {"ward": f"W{number % 8}", "room": str(number)}
            house.rooms.open_room(_said(timedelta(days=60)), **room, beds=beds)
        house.patients.register_patient(_said(timedelta(days=50)), mrn=f"M{number}")
        admitted = house.stays.admit_patient(
            _said(timedelta(days=45 - number % 10)),
            patient_mrn=f"M{number}",
            admission_type=AdmissionType.ELECTIVE,
            **room,
            bed=str(number % BEDS),
        )
        stays += admitted.ids("stay")
    say(f"{STAYS:,} stays")
    return stays


def _said(before: timedelta | None = None) -> Request:
    at = datetime.now(UTC) - before if before else None
    return Request(command_id=uuid4(), by=CLERK, occurred_at=at, reason="told late")
