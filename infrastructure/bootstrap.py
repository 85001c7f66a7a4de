"""Puts the hospital together: settings, database, commands, clock."""

from datetime import datetime
from functools import partial
from uuid import NAMESPACE_URL, UUID, uuid5

from application.command import Request
from application.hospital import Hospital
from domain.envelope import Actor
from infrastructure import tracing
from infrastructure.postgres.database import Database, Log
from infrastructure.reports.report_data import open_report_service
from infrastructure.settings import Settings

SYSTEM = Actor(issuer="wardbook", subject="wardbook", role="admin")
"""Who records what the program itself records: the seeds of a new log."""


def hospital(settings: Settings, database: Database) -> Hospital:
    """The hospital of a database that is migrated."""
    env = {
        "PERSISTENCE_MODULE": "infrastructure.event_store.recorder",
        "DATABASE": database.app_url,
    }
    open_reports = partial(open_report_service, database.app_url, settings.hospital)
    made = Hospital(env, settings.rules, open_reports)
    made.pipeline.watch = tracing.span
    return made


def seed(settings: Settings, hospital: Hospital, log: Log, now: datetime | None = None) -> None:
    """Record what a new log begins with: the hospital's time zone. Harmless when done again."""
    request = Request(command_id=seed_id(log, settings), by=SYSTEM, now=now)
    if hospital.record.preload(request.command_id).earlier is None:
        hospital.calendar.set_hospital_time(request, time_zone=settings.time_zone)


def seed_id(log: Log, settings: Settings) -> UUID:
    return uuid5(NAMESPACE_URL, f"wardbook:{log.id}:{settings.hospital}:time")
