"""Topic of the followed doses of a ward: those that are due, whenever something about them differs."""

import asyncio
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.doses_due import doses_due
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.log import TouchedSubjects, recorded_at
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.stays import stays_by_id
from infrastructure.subscriptions.broker import Change
from infrastructure.subscriptions.occupancy_topic import topics_read
from infrastructure.subscriptions.topics import database_now

CHECKED_SECONDS = 60.0
"""The time after which the doses are asked for again, as they change by time alone."""

_QUERIES = doses_due, prescriptions_by_id, stays_by_id, patients_by_id


class DosesTopic:
    """The doses that are due in a ward, with the prescription, stay and patient of each.

    A change tells the moment as of which they are another list: who follows asks for their own.
    """

    def __init__(
        self,
        hospital: str,
        ward: str,
        back: timedelta,
        ahead: timedelta,
        seen_at: datetime | None = None,
    ) -> None:
        """``seen_at``: the moment as of which the subscriber has them; else that of ``after``."""
        self._hospital, self._ward, self._seen_at = hospital, ward, seen_at
        self._period = back, ahead
        self._last: Any = None
        self.due: float | None = None

    @property
    def key(self) -> Hashable:
        return DosesTopic, self._ward, self._period

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        return not subjects.topics.isdisjoint(topics_read(_QUERIES))

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[AsOf]], int]:
        now = await database_now(connection)
        if self._last is None:
            then = self._seen_at or await recorded_at(connection, after) or now
            self._last = await self._state(connection, AsOf(then, after))
        before, at = self._last, AsOf(now, until)
        self._last = await self._state(connection, at)
        self.due = asyncio.get_running_loop().time() + CHECKED_SECONDS
        return [Change(until, at)] if self._last != before else [], until

    async def _state(self, connection: AsyncConnection, at: AsOf) -> Any:
        """Return the doses that are due, with what is shown of each."""
        days = await hospital_days(connection, self._hospital, at.known)
        doses = await doses_due(connection, at, days, self._ward, *self._period)
        stays = await stays_by_id(connection, sorted({dose.stay for dose in doses}), at)
        patients = sorted({stay.patient for stay in stays.values()})
        prescriptions = sorted({dose.prescription for dose in doses})
        return (
            doses,
            stays,
            await prescriptions_by_id(connection, prescriptions, at),
            await patients_by_id(connection, patients, at),
        )
