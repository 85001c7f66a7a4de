"""Integrity check: every invariant of the log, the claims and the read models.

Each check counts what it looked at and what breaks the invariant. The log is read as a stream,
so memory does not grow with it.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext
from functools import partial
from random import Random
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.aggregate import Event
from domain.envelope import REDACTED
from domain.errors import WardbookError
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
from infrastructure.integrity.beds import beds, claim_numbers, occupancy, sharers
from infrastructure.integrity.keys import keys_and_acts
from infrastructure.integrity.result import CheckResult, query
from infrastructure.integrity.times import times
from infrastructure.integrity.unaltered import Trust, compare_trees
from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import compare, compare_sample
from infrastructure.read_models import READ_MODELS
from infrastructure.reports import inputs
from infrastructure.reports.reissue_check import reissue_differences
from infrastructure.sealing.key_ring import key_ring

UNREADABLE = (WardbookError, ValueError, LookupError, TypeError, AttributeError, psycopg.DataError)
"""Exceptions that reading spoiled data raises."""


def verify_log(database: Database, trust: Trust | None = None) -> Iterator[CheckResult]:
    """Check the log and the record of reading by themselves, and against what was signed of them."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for check in (_positions, _clock, _streams, _commands, times):
            yield _run(partial(check, connection), connection)
        yield from compare_trees(connection, trust or Trust())


def verify(
    database: Database,
    read_models: bool = True,
    sample: int | None = None,
    seed: int = 0,
    trust: Trust | None = None,
) -> Iterator[CheckResult]:
    """Check one invariant after the other. Changes nothing that lasts.

    Each read model is compared with a fresh projection of the log: whole, or ``sample`` many of its
    entities, drawn at random from ``seed``. ``trust``: what is known of the log outside of its
    database.
    """
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        unreadable_streams: set[UUID] = set()
        yield _run(partial(_events, connection, unreadable_streams), connection)
        claims = partial(_claims, unreadable=unreadable_streams)
        of_log = (_positions, _clock, _streams, _commands, times)
        of_claims = (claims, claim_numbers, beds, sharers, occupancy)
        for check in (*of_log, *of_claims, keys_and_acts):
            yield _run(partial(check, connection), connection)
        yield from compare_trees(connection, trust or Trust())
    if read_models:
        yield _run(partial(_reports, database))
        for model in READ_MODELS:
            comparison = CheckResult(f"read model {model.name} is the fold of the log")
            try:
                if sample is None:
                    result = compare(database, model, lambda done, total: None)
                else:
                    lot = Random(f"{seed} {model.name}")
                    count, result = compare_sample(database, model, sample, lot)
                    comparison.promise += f", for {count} drawn by lot"
            except UNREADABLE as gap:
                comparison.breaks(_message_of(gap))
                yield comparison
                continue
            comparison.looked_at = result.rows
            for problem in result.parked:
                comparison.breaks(problem)
            if result.different:
                comparison.breaks(f"{result.different} rows differ at position {result.position}")
            yield comparison


def _run(
    check: Callable[[], CheckResult], connection: Connection[TupleRow] | None = None
) -> CheckResult:
    """Return the result of a check; where something cannot be read, that it could not be ended.

    The checks that follow are made all the same: who spoils one event hides nothing else.
    """
    try:
        with nullcontext() if connection is None else connection.transaction():
            return check()
    except UNREADABLE as gap:
        function = check.func if isinstance(check, partial) else check
        result = CheckResult(f"the check of the {function.__name__.strip('_')} can be made")
        result.breaks(_message_of(gap))
        return result


def _message_of(gap: Exception) -> str:
    """Return the text of an error of reading; of the database only its kind, since it quotes values."""
    return type(gap).__name__ if isinstance(gap, psycopg.Error) else str(gap) or type(gap).__name__


_IN_TIME = (
    "occurred_at BETWEEN '0001-01-02' AND '9999-12-30' AND (source_recorded_at IS NULL"
    " OR source_recorded_at BETWEEN '0001-01-02' AND '9999-12-30')"
)
"""Condition for events whose moments Python can hold: others end the reading of a whole page."""


def _events(connection: Connection[TupleRow], unreadable: set[UUID]) -> CheckResult:
    """Decode every event by itself; gather the streams that have one which cannot be read."""
    result = CheckResult("every event can be read")
    mapper = EventMapper(strict=True)
    rows = connection.execute(f"SELECT position, stream FROM record.events WHERE NOT {_IN_TIME}")
    for position, stream in rows:
        result.breaks(f"position {position}: a moment beyond all time")
        unreadable.add(stream)
    with connection.cursor("events") as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            f"SELECT position, stream, {EVENT_COLUMNS} FROM record.events WHERE {_IN_TIME}"
            " ORDER BY position"
        )
        for position, stream, *row in cursor:
            result.looked_at += 1
            try:
                mapper.event(row)
            except UNREADABLE as gap:
                result.breaks(f"position {position}: {type(gap).__name__}")
                unreadable.add(stream)
    return result


def _reports(database: Database) -> CheckResult:
    """Compute every issue and restatement again from the read models."""
    result = CheckResult("issued reports come out the same when they are computed again")
    with inputs.report_connection(database.owner_url) as connection:
        for issue, problems in reissue_differences(connection):
            result.looked_at += 1
            for problem in problems:
                result.breaks(f"report {issue}: {problem}")
    return result


def _positions(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
        "positions have no gap and no double",
        "SELECT count(*) FROM record.events",
        "SELECT 'position ' || position || ' follows ' || before FROM (SELECT position,"
        " lag(position, 1, 0) OVER (ORDER BY position) AS before FROM record.events) AS e"
        " WHERE position <> before + 1",
    )


def _clock(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
        "recorded_at increases strictly with the position",
        "SELECT count(*) FROM record.events",
        "SELECT 'position ' || position || ' was recorded before the one before it'"
        " FROM (SELECT position, recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before"
        " FROM record.events) AS e WHERE recorded_at <= before",
    )


def _streams(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
        "each stream has the versions 1 to n, in the order of positions",
        "SELECT count(DISTINCT stream) FROM record.events",
        "SELECT 'stream ' || stream || ' has version ' || version || ' as its '"
        " || nth || 'th' FROM (SELECT stream, version,"
        " row_number() OVER (PARTITION BY stream ORDER BY position) AS nth FROM record.events)"
        " AS e WHERE version <> nth",
    )


def _commands(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
        "the events of a command are adjacent, as many as recorded, and agree with its memory",
        "SELECT count(*) FROM record.commands",
        "SELECT 'command ' || coalesce(c.command_id, e.command_id) FROM record.commands c"
        " FULL JOIN (SELECT command_id, min(position) AS first, max(position) AS last,"
        "   count(*) AS events, max(recorded_at) AS recorded_at,"
        "   min(command_end) AS least_end, max(command_end) AS greatest_end,"
        "   array_agg(DISTINCT operation) AS operation,"
        "   array_agg(DISTINCT encode(digest, 'hex')) AS digest"
        "   FROM record.events GROUP BY command_id) AS e USING (command_id)"
        " WHERE (c.first_position, c.last_position, c.recorded_at, ARRAY[c.operation],"
        "   ARRAY[c.digest]) IS DISTINCT FROM (e.first, e.last, e.recorded_at, e.operation, e.digest)"
        "   OR e.events <> e.last - e.first + 1"
        "   OR e.least_end <> e.last OR e.greatest_end <> e.last",
    )


def _claims(connection: Connection[TupleRow], unreadable: Collection[UUID] = ()) -> CheckResult:
    """Fold every stay, patient, room and practitioner that can be read; compare with the claims."""
    result = CheckResult("the claims are the fold of the events")
    bed_claims = _rows_by_stream(
        connection,
        "SELECT stay, room, bed, lower(during), upper(during), kept, shares_bed_of"
        " FROM record.bed_claims ORDER BY stay, during",
    )
    person_claims = _rows_by_stream(
        connection,
        "SELECT stay, person, lower(during), upper(during), isempty(during)"
        " FROM record.person_claims ORDER BY stay",
    )
    unique_claims = {
        Unique(kind, key): owner
        for kind, key, owner in connection.execute(
            "SELECT kind, key, owner FROM record.unique_claims"
        )
    }
    links, keys = _links(connection), key_ring()
    for stream in unreadable:
        bed_claims.pop(stream, None)
        person_claims.pop(stream, None)
    unique_claims = {key: owner for key, owner in unique_claims.items() if owner not in unreadable}
    of_owner: dict[UUID, list[Unique]] = {}
    for claim, owner in unique_claims.items():
        of_owner.setdefault(owner, []).append(claim)
    for stream, events in _aggregates(connection, unreadable):
        first = events[0]
        if isinstance(first, Stay.Admitted):
            result.looked_at += 1
            stay = Stay.empty(stream)
            try:
                for event in events:
                    event.mutate(stay)
            except ValueError as gap:  # then there is nothing to compare the claims with
                result.breaks(str(gap))
                bed_claims.pop(stream, None)
                person_claims.pop(stream, None)
                continue
            instants = [_bed_row(s) for s in stay.history.instants]  # not claimed in older logs
            stretches_claimed = [row for row in bed_claims.pop(stream, []) if row not in instants]
            if stretches_claimed != [_bed_row(s) for s in stay.stretches]:
                result.breaks(f"bed claims of stay {stream}")
            if person_claims.pop(stream, []) != _person_rows(stay, links):
                result.breaks(f"claim of the patient of stay {stream}")
        else:
            if any(isinstance(e, Patient.Registered) and e.mrn == REDACTED for e in events):
                for claim in [claim for claim in of_owner.get(stream, ()) if claim.kind != ERASED]:
                    unique_claims.pop(claim, None)  # of a number that nobody can read any more
            for key, stored_claim in _unique_claims(stream, events).items():
                result.looked_at += 1
                names = [key] if stored_claim is None else [key, stored_claim]
                candidates = [form for name in names for form in forms(name, keys)]
                held_claim = next(
                    (form for form in candidates if unique_claims.get(form) == stream), None
                )
                if held_claim is None:
                    result.breaks(f"{key.kind} of {stream}")
                unique_claims.pop(held_claim or key, None)
    for stray in (*bed_claims, *person_claims, *unique_claims):
        result.breaks(f"a claim of {stray} without an event")
    return result


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


def _rows_by_stream(connection: Connection[TupleRow], query: str) -> dict[UUID, list[TupleRow]]:
    groups: dict[UUID, list[TupleRow]] = {}
    for stay, *rest in connection.execute(query.encode()):
        groups.setdefault(stay, []).append(tuple(rest))
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
