"""Integrity check: that the claims are the fold of the events."""

from collections.abc import Collection, Iterator
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.aggregate import Event
from domain.envelope import REDACTED
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.room.aggregate import Room
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.history import Stretch
from domain.unique_keys import (
    ERASED,
    Unique,
    as_stored_of,
    erased_of,
    former_of,
    unique_of,
    waiting,
)
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.event_store.sealed_claims import forms
from infrastructure.integrity.result import CheckResult
from infrastructure.sealing.key_ring import key_ring


def compare_claims(connection: Connection[TupleRow], unreadable: Collection[UUID]) -> CheckResult:
    """Fold every stay, patient, room and practitioner that can be read; compare with the claims."""
    claims = _StoredClaims(connection, unreadable)
    for stream, events in _aggregates(connection, unreadable):
        if isinstance(events[0], Stay.Admitted):
            claims.compare_stay(stream, events)
        else:
            claims.compare_unique(stream, events)
    return claims.result()


class _StoredClaims:
    """The claims as they are stored; those that are compared are taken out."""

    def __init__(self, connection: Connection[TupleRow], unreadable: Collection[UUID]) -> None:
        self._result = CheckResult("the claims are the fold of the events")
        self._of_beds = _rows_by_stream(
            connection,
            unreadable,
            "SELECT stay, room, bed, lower(during), upper(during), kept, shares_bed_of"
            " FROM record.bed_claims ORDER BY stay, during",
        )
        self._of_persons = _rows_by_stream(
            connection,
            unreadable,
            "SELECT stay, person, lower(during), upper(during), isempty(during)"
            " FROM record.person_claims ORDER BY stay",
        )
        self._owners = {
            Unique(kind, key): owner
            for kind, key, owner in connection.execute(
                "SELECT kind, key, owner FROM record.unique_claims"
            )
            if owner not in unreadable
        }
        self._of_owner: dict[UUID, list[Unique]] = {}
        for claim, owner in self._owners.items():
            self._of_owner.setdefault(owner, []).append(claim)
        self._links, self._keys = _links(connection), key_ring()

    def compare_stay(self, stream: UUID, events: list[Event]) -> None:
        """Compare the claims of a stay on beds and on its person."""
        self._result.looked_at += 1
        of_beds, of_persons = self._of_beds.pop(stream, []), self._of_persons.pop(stream, [])
        stay = Stay.empty(stream)
        try:
            for event in events:
                event.mutate(stay)
        except ValueError as gap:  # then there is nothing to compare the claims with
            self._result.breaks(str(gap))
            return
        instants = [_bed_row(s) for s in stay.history.instants]  # not claimed in older logs
        if [row for row in of_beds if row not in instants] != [_bed_row(s) for s in stay.stretches]:
            self._result.breaks(f"bed claims of stay {stream}")
        if of_persons != _person_rows(stay, self._links):
            self._result.breaks(f"claim of the patient of stay {stream}")

    def compare_unique(self, stream: UUID, events: list[Event]) -> None:
        """Compare the claims of a stream on unique keys."""
        if any(isinstance(e, Patient.Registered) and e.mrn == REDACTED for e in events):
            for claim in self._of_owner.get(stream, ()):
                if claim.kind != ERASED:  # of a number that nobody can read any more
                    self._owners.pop(claim, None)
        for key, older_key in _unique_claims(stream, events).items():
            self._result.looked_at += 1
            names = [key] if older_key is None else [key, older_key]
            candidates = [form for name in names for form in forms(name, self._keys)]
            claim_held = next(
                (form for form in candidates if self._owners.get(form) == stream), None
            )
            if claim_held is None:
                self._result.breaks(f"{key.kind} of {stream}")
            self._owners.pop(claim_held or key, None)

    def result(self) -> CheckResult:
        """Return the result, after all: what is left is of no event."""
        for stray in (*self._of_beds, *self._of_persons, *self._owners):
            self._result.breaks(f"a claim of {stray} without an event")
        return self._result


def _unique_claims(stream: UUID, events: list[Event]) -> dict[Unique, Unique | None]:
    """Return the unique claims of a stream: the last of each kind, and former numbers; of a visit all.

    Each with the claim that stands for it in an older log, where another has the key.
    """
    if erasure := next((claim for event in events if (claim := erased_of(event))), None):
        return {erasure: None}  # the numbers were given up
    if any(isinstance(event, Patient.Registered) and event.mrn == REDACTED for event in events):
        return {}
    claims = [(key, as_stored_of(event)) for event in events if (key := unique_of(event))]
    if not isinstance(events[0], SourceVisit.Reported):
        last = dict({key.kind: (key, stored_claim) for key, stored_claim in claims}.values())
        return last | {former_key: None for event in events if (former_key := former_of(event))}
    waits_for = next(
        (e.waits_for for e in reversed(events) if isinstance(e, SourceVisit.Settled)), ()
    )
    return {**dict(claims), **dict.fromkeys(waiting(subject, stream) for subject in waits_for)}


def _aggregates(
    connection: Connection[TupleRow], unreadable: Collection[UUID]
) -> Iterator[tuple[UUID, list[Event]]]:
    """Yield the streams that claims come from and that can be read, one after the other."""
    mapper = EventMapper()
    kinds = [f"{kind.TOPIC}.%" for kind in (Stay, Patient, Room, Practitioner, SourceVisit)]
    with connection.cursor("aggregates") as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            f"SELECT {EVENT_COLUMNS} FROM record.events WHERE topic LIKE ANY(%s)"
            " AND NOT stream = ANY(%s) ORDER BY stream, version",
            [kinds, list(unreadable)],
        )
        events: list[Event] = []
        for row in cursor:
            event = mapper.event(row)
            if events and events[0].originator_id != event.originator_id:
                yield events[0].originator_id, events
                events = []
            events.append(event)
        if events:
            yield events[0].originator_id, events


def _rows_by_stream(
    connection: Connection[TupleRow], unreadable: Collection[UUID], select: str
) -> dict[UUID, list[TupleRow]]:
    """Return the rows of streams that can be read, by the first column."""
    groups: dict[UUID, list[TupleRow]] = {}
    for stream, *rest in connection.execute(select.encode()):
        if stream not in unreadable:
            groups.setdefault(stream, []).append(tuple(rest))
    return groups


def _bed_row(stretch: Stretch) -> TupleRow:
    period = stretch.period
    return (
        stretch.bed.room,
        stretch.bed.bed,
        period.start,
        period.end,
        stretch.kept,
        stretch.shares_bed_of,
    )


def _person_rows(stay: Stay, links: dict[UUID, UUID]) -> list[TupleRow]:
    """Return the person claims of a stay: none, if its admission was cancelled."""
    period, person = stay.history.period, stay.patient
    if period is None:
        return []
    while person in links:
        person = links[person]
    if period.is_empty:
        return [(person, None, None, True)]
    return [(person, period.start, period.end, False)]


def _links(connection: Connection[TupleRow]) -> dict[UUID, UUID]:
    """Return the record that each merged record is merged into, after all merges and unmerges."""
    links: dict[UUID, UUID] = {}
    for stream, topic, into in connection.execute(
        "SELECT stream, topic, (own->>'into')::uuid FROM record.events"
        " WHERE topic IN (%s, %s) ORDER BY position",
        [Patient.Merged.TOPIC, Patient.Unmerged.TOPIC],
    ):
        links.pop(stream, None)
        if topic == Patient.Merged.TOPIC:
            links[stream] = into
    return links
