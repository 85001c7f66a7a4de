"""Query on retention: the persons of whom nothing was recorded since a moment, and what holds them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.erasure import LegalBasis
from domain.patient import Patient
from infrastructure.postgres.database import Database

_ABOUT_KEEPING = tuple(
    event.TOPIC
    for event in (
        Patient.LegalHoldPlaced,
        Patient.LegalHoldLifted,
        Patient.ErasureRequested,
        Patient.ErasureWithdrawn,
    )
)
"""Topics of what is decided about the record itself: the person is not treated by it."""

_LAST_FACTS = (
    "SELECT patient, max(greatest(occurred_at, coalesce((own->>'expected_at')::timestamptz,"
    " occurred_at))) FROM record.events WHERE patient IS NOT NULL AND topic <> ALL(%s)"
    " GROUP BY patient"
)
"""The moment of the last fact about each record, or for which one is expected."""

_OPEN = "SELECT DISTINCT person FROM record.person_claims WHERE upper_inf(during)"

_DECISIONS = (
    "SELECT stream, topic, own->>'into', own->>'legal_basis' FROM record.events"
    " WHERE topic = ANY(%s) ORDER BY position"
)

_DECIDED = (
    *_ABOUT_KEEPING,
    Patient.Merged.TOPIC,
    Patient.Unmerged.TOPIC,
    Patient.Erased.TOPIC,
)


@dataclass(frozen=True, slots=True)
class DuePerson:
    """A person whose time to be kept has ended: all records, the one that the others are in first."""

    records: tuple[UUID, ...]
    last_fact_at: datetime
    """The moment of the last fact about any of the records (UTC)."""
    is_held: bool
    """True if a legal hold keeps the person all the same."""
    is_requested: bool
    """True if the erasure is requested, because the person's data are needed no more."""


@dataclass(slots=True)
class _Decisions:
    """Decisions about the records, by record."""

    merged_into: dict[UUID, UUID]
    held: set[UUID]
    requested: set[UUID]
    erased: set[UUID]


def due_persons(database: Database, until: datetime) -> list[DuePerson]:
    """Return the persons with no stay that is open and no fact since a moment, the oldest first."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        decisions = _decisions(connection)
        last_facts: dict[UUID, datetime] = dict(
            connection.execute(_LAST_FACTS, [list(_ABOUT_KEEPING)]).fetchall()
        )
        open_records = {person for (person,) in connection.execute(_OPEN)}
    persons = _persons(decisions, last_facts, open_records, until)
    return sorted(persons, key=lambda person: (person.last_fact_at, person.records))


def _decisions(connection: Connection[TupleRow]) -> _Decisions:
    decisions = _Decisions({}, set(), set(), set())
    for stream, topic, into, basis in connection.execute(_DECISIONS, [list(_DECIDED)]):
        if topic == Patient.Merged.TOPIC:
            decisions.merged_into[stream] = UUID(into)
        elif topic == Patient.Unmerged.TOPIC:
            decisions.merged_into.pop(stream, None)
        elif topic == Patient.Erased.TOPIC:
            decisions.erased.add(stream)
        elif topic == Patient.LegalHoldPlaced.TOPIC:
            decisions.held.add(stream)
        elif topic == Patient.LegalHoldLifted.TOPIC:
            decisions.held.discard(stream)
        elif basis == LegalBasis.NO_LONGER_NECESSARY:
            decisions.requested.add(stream)
        else:
            decisions.requested.discard(stream)
    return decisions


def _persons(
    decisions: _Decisions,
    last_facts: Mapping[UUID, datetime],
    open_records: set[UUID],
    until: datetime,
) -> Iterator[DuePerson]:
    records: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for record in sorted(last_facts.keys() - decisions.erased):
        records[_person_of(record, decisions.merged_into)].append(record)
    for person, of_person in records.items():
        last_fact_at = max(last_facts[record] for record in of_person).astimezone(UTC)
        if last_fact_at >= until or not open_records.isdisjoint(of_person):
            continue
        yield DuePerson(
            tuple(sorted(of_person, key=lambda record: (record != person, record))),
            last_fact_at,
            not decisions.held.isdisjoint(of_person),
            not decisions.requested.isdisjoint(of_person),
        )


def _person_of(record: UUID, merged_into: Mapping[UUID, UUID]) -> UUID:
    """Return the record that a record was merged into, by all its merges; itself, if by none."""
    chain = {record}
    while (into := merged_into.get(record)) is not None and into not in chain:
        record = into
        chain.add(record)
    return record
