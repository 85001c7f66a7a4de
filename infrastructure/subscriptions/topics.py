"""Topics of subscriptions: the feed, the timeline of a patient or a stay."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.patient import Patient
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.feed import LoggedEvent, events_page
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.log import TouchedSubjects
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.patients import records_of
from infrastructure.read_models.timeline.queries import EntryView, entries_recorded
from infrastructure.subscriptions.broker import Change

PAGE = 200
"""Changes that one query returns at most, of the feed and of a timeline."""

MERGES = {Patient.Merged.TOPIC, Patient.Unmerged.TOPIC}


@dataclass(frozen=True, slots=True)
class ExtendedBy:
    """A new entry of a timeline with its summary, as known when it was recorded."""

    entry: EntryView
    summary: str


class FeedTopic:
    """The events of some internal topics, of all wards or of one."""

    due: float | None = None

    def __init__(self, topics: frozenset[str], ward: str | None) -> None:
        self._topics, self._ward = topics, ward

    @property
    def key(self) -> Hashable:
        return FeedTopic, self._topics, self._ward

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        return not (subjects.is_readable and subjects.topics.isdisjoint(self._topics))

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[LoggedEvent]], int]:
        page = await events_page(connection, after, until, PAGE, self._topics, self._ward)
        return [Change(event.position, event) for event in page.events], page.reached


class TimelineTopic:
    """The timeline of a stay, or of a patient with all records of the same person."""

    due: float | None = None

    def __init__(
        self, hospital: str, *, stay: UUID | None = None, patient: UUID | None = None
    ) -> None:
        """``hospital``: by whose clocks times are told in words."""
        self._hospital = hospital
        self._stay, self._patient = stay, patient
        self._records = {patient} if patient else set()

    @property
    def key(self) -> Hashable:
        return TimelineTopic, self._stay, self._patient

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        if self._patient is None:
            return self._stay in subjects.stays
        is_merged = not subjects.topics.isdisjoint(MERGES)
        return is_merged or not self._records.isdisjoint(subjects.patients)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[ExtendedBy]], int]:
        now = await database_now(connection)
        records = None
        if self._patient is not None:
            records = await records_of(connection, self._patient, AsOf(now, until))
            self._records = set(records)
        entries = await entries_recorded(
            connection, after, until, PAGE, patients=records, stay=self._stay
        )
        is_all = len(entries) < PAGE
        days = await hospital_days(connection, self._hospital, until)
        zone = days.zone_on(days.date_of(now))
        changes: list[Change[ExtendedBy]] = []
        for position, of_command in groupby(entries, key=lambda entry: entry.recorded_position):
            changes_of_command = list(of_command)
            texts = await summaries(connection, changes_of_command, AsOf(now, position), zone)
            for entry in changes_of_command:
                ends_command = entry is changes_of_command[-1] and (
                    is_all or entry is not entries[-1]
                )
                resume_after = position if ends_command else entry.position
                changes.append(Change(resume_after, ExtendedBy(entry, texts[entry.entry])))
        return changes, until if is_all else entries[-1].position


async def database_now(connection: AsyncConnection) -> datetime:
    """Return the database's clock."""
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now
