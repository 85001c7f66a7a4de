"""Topic of followed totals: the house or a ward, whenever a figure differs."""

import asyncio
from collections.abc import Hashable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.house_totals import HouseTotals, house_totals
from infrastructure.queries.log import TouchedSubjects, recorded_at
from infrastructure.subscriptions.broker import Change
from infrastructure.subscriptions.occupancy_topic import topics_read
from infrastructure.subscriptions.topics import database_now

CHECKED_SECONDS = 60.0
"""The time after which figures are counted again, as they change by time alone."""


class TotalsTopic:
    """The totals of a ward, or of the house: another change once any figure is another."""

    def __init__(
        self, hospital: str, ward: str | None, hours: int, seen_at: datetime | None = None
    ) -> None:
        """``seen_at``: the moment as of which the subscriber has them; else that of ``after``."""
        self._asked, self._seen_at = (hospital, ward, hours), seen_at
        self._last: HouseTotals | None = None
        self.due: float | None = None

    @property
    def key(self) -> Hashable:
        return TotalsTopic, self._asked

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        topics = topics_read((house_totals,))
        return not (subjects.is_readable and subjects.topics.isdisjoint(topics))

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[HouseTotals]], int]:
        now = await database_now(connection)
        if self._last is None:
            then = self._seen_at or await recorded_at(connection, after) or now
            self._last = await house_totals(connection, AsOf(then, after), *self._asked)
        before = self._last
        self._last = await house_totals(connection, AsOf(now, until), *self._asked)
        self.due = asyncio.get_running_loop().time() + CHECKED_SECONDS
        return [Change(until, self._last)] if self._last != before else [], until
