"""Composition root: the hospital of settings and database."""

import asyncio
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from uuid import NAMESPACE_URL, UUID, uuid5

from application.command import Request
from application.hospital import Hospital
from domain.envelope import Actor
from infrastructure import tracing
from infrastructure.postgres.database import Database, Log
from infrastructure.reports.report_data import open_report_service
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy
from infrastructure.settings import Settings

SYSTEM = Actor(issuer="wardbook", subject="wardbook", role="admin")
"""The actor of what the program itself records: the seeds of a new log."""


def hospital(settings: Settings, database: Database, *, durable: bool = True) -> Hospital:
    """Return the hospital of a database that is migrated; close it after use.

    Without ``durable`` a command is recorded before it is on the disk: for a simulation, which is
    finished by running it again.
    """
    env = {
        "PERSISTENCE_MODULE": "infrastructure.event_store.recorder",
        "DATABASE": database.app_url,
        "SYNCHRONOUS_COMMIT": "on" if durable else "off",
    }
    open_reports = partial(open_report_service, database.app_url, settings.hospital)
    hospital = Hospital(env, settings.rules, open_reports)
    hospital.pipeline.watch = tracing.span
    hospital.pipeline.find_duplicates = partial(_find_duplicates, database)
    hospital.record.bind_keys()
    with suppress(
        KeysMissing, KeyStoreBusy
    ):  # it goes on without them, and says so: `wardbook doctor`, /readyz
        hospital.erasures.finish()
    return hospital


def _find_duplicates(
    database: Database,
    family_name: str | None,
    given_name: str | None,
    birth_date: date | None,
    sex: str | None,
    role: str,
) -> list[UUID]:
    """Return the patients who are likely the same person, as the read models have them now."""
    from application.authorization.scope import hidden_labels
    from infrastructure.queries.as_of import AsOf
    from infrastructure.queries.log import log_status
    from infrastructure.queries.patient_search import likely_duplicates
    from infrastructure.queries.permissions import closed_by_merge
    from infrastructure.queries.row_security import Viewer

    async def search() -> list[UUID]:
        engine = database.async_engine(1)
        try:
            status = await log_status(engine)
            hidden = hidden_labels(role)
            async with engine.connect() as connection:
                closed_records, _ = await closed_by_merge(connection, hidden)
                viewer = Viewer(hidden=hidden, label_hidden=closed_records)
                at = AsOf(status.now, status.position, viewer)
                details = family_name, given_name, birth_date, sex
                views = await likely_duplicates(connection, *details, at)
        finally:
            await engine.dispose()
        return [view.patient for view in views]

    return asyncio.run(search())


def seed(settings: Settings, hospital: Hospital, log: Log, now: datetime | None = None) -> None:
    """Record the time zone of the hospital in a new log. Idempotent."""
    request = Request(command_id=seed_id(log, settings), by=SYSTEM, now=now)
    if hospital.record.preload(request.command_id).earlier is None:
        hospital.calendar.set_hospital_time(request, time_zone=settings.time_zone)


def seed_id(log: Log, settings: Settings) -> UUID:
    """Return the id of the command that seeds a log."""
    return uuid5(NAMESPACE_URL, f"wardbook:{log.id}:{settings.hospital}:time")
