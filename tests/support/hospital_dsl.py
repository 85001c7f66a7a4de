"""A few short words for the tests of the record: what a ward says, with sensible defaults."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg

from application.command import Request
from application.hospital import Hospital
from domain.aggregate import Event
from domain.envelope import Actor
from domain.patient import Patient
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.postgres.database import Database

T = TypeVar("T")

ADA = Actor(issuer="test", subject="ada", role="admin")
ELECTIVE = AdmissionType.ELECTIVE


def request(at: datetime | None = None, **fields: Any) -> Request:
    """A request with an id of its own; one about the past says why it is late."""
    if at is not None:
        fields = {"occurred_at": at, "reason": "noted afterwards", **fields}
    return Request(**{"command_id": uuid4(), "by": ADA, **fields})


def place(bed: str) -> dict[str, Any]:
    """``A/1/a`` as the commands take it: ward, room, bed."""
    return dict(zip(("ward", "room", "bed"), bed.split("/"), strict=True))


def ago(**before: float) -> datetime:
    """A moment before now, for entries that are made late."""
    return datetime.now(UTC) - timedelta(**before)


def room(
    hospital: Hospital, number: str = "1", *beds: str, ward: str = "A", at: datetime | None = None
) -> UUID:
    """A room, opened long ago, so that late entries find it."""
    command_request = request(at or ago(days=30))
    opened = hospital.rooms.open_room(
        command_request, ward=ward, room=number, beds=beds or ("a", "b")
    )
    return opened.ids("room")[0]


def admitted(
    hospital: Hospital,
    mrn: str,
    bed: str | None = None,
    at: datetime | None = None,
    **content: Any,
) -> UUID:
    """The stay of a new patient."""
    hospital.patients.register_patient(request(ago(days=30)), mrn=mrn, family_name=f"Name of {mrn}")
    return readmitted(hospital, mrn, bed, at, **content)


def readmitted(
    hospital: Hospital,
    mrn: str,
    bed: str | None = None,
    at: datetime | None = None,
    **content: Any,
) -> UUID:
    """Another stay of a patient who is known."""
    content = {"admission_type": ELECTIVE, **(place(bed) if bed else {}), **content}
    return hospital.stays.admit_patient(request(at), patient_mrn=mrn, **content).ids("stay")[0]


def doctor(hospital: Hospital, staff_number: str = "D1") -> str:
    hospital.practitioners.register_practitioner(request(ago(days=30)), staff_number=staff_number)
    return staff_number


def rows(database: Database, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Return what a query finds, asked as the owner."""
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute(query.encode(), list(values)).fetchall()


def events(database: Database) -> list[tuple[int, int, Event]]:
    """The whole log: position, the last position of the command, event."""
    mapper = EventMapper()
    result = rows(
        database,
        f"SELECT position, command_end, {EVENT_COLUMNS} FROM record.events ORDER BY position",
    )
    return [(row[0], row[1], mapper.event(row[2:])) for row in result]


def stays_folded(log: Iterable[tuple[int, int, Event]]) -> dict[UUID, Stay]:
    """Every stay, rebuilt from its events alone."""
    stays: dict[UUID, Stay] = {}
    for _, _, event in log:
        if event.TOPIC.startswith("stay."):
            stay = stays.setdefault(event.originator_id, Stay.empty(event.originator_id))
            event.mutate(stay)
    return stays


def at_once(*acts: Callable[[], T]) -> list[T | Exception]:
    """Return what each act answers, or raises, when all begin at the same moment in threads."""
    together = Barrier(len(acts))

    def begin(act: Callable[[], T]) -> T | Exception:
        together.wait(timeout=20)
        try:
            return act()
        except Exception as raised:
            return raised

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(begin, acts))


def assert_claims_are_the_stays(database: Database) -> None:
    """The claims held are those of every stay, rebuilt from its events alone."""
    beds, persons = set(), set()
    links: dict[UUID | None, UUID] = {}
    for _, _, event in events(database):
        if isinstance(event, Patient.Merged):
            links[event.originator_id] = event.into
        elif isinstance(event, Patient.Unmerged):
            del links[event.originator_id]
    for stay in stays_folded(events(database)).values():
        for s in (*stay.stretches, *stay.history.instants):
            bed_claim = (s.bed.room, s.bed.bed, s.period.start, s.period.end)
            beds.add((stay.id, *bed_claim, s.kept, s.shares_bed_of))
        period, person = stay.history.period, stay.patient
        while person in links:
            person = links[person]
        if period is not None:
            ends = (None, None) if period.is_empty else (period.start, period.end)
            persons.add((person, stay.id, *ends))
    bed_claims = rows(
        database,
        "SELECT stay, room, bed, lower(during), upper(during), kept, shares_bed_of"
        " FROM record.bed_claims",
    )
    person_claims = rows(
        database, "SELECT person, stay, lower(during), upper(during) FROM record.person_claims"
    )
    assert sorted(bed_claims, key=str) == sorted(beds, key=str)
    assert sorted(person_claims, key=str) == sorted(persons, key=str)
