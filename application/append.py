"""The append of a command: its versions read, and the claims that it takes and releases."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast
from uuid import UUID

from application import bed_claims, persons
from application.ports import Append, PersonClaim, UniqueClaim
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.aggregate import Event
from domain.room.occupancy import Claim
from domain.source_visit import SourceVisit


def append_of(uow: UnitOfWork, operation: str, recorded_at: datetime | None) -> Append:
    """Return the append of a unit of work: the versions to compare and the claims, beside its events.

    ``recorded_at`` is the clock of a simulated log; a real one has its own.
    """
    restatement = uow.restated_stays()
    return Append(
        command_id=uow.entry.command_id,
        operation=operation,
        digest=uow.entry.digest,
        reads=uow.versions_read(),
        beds_read=bed_claims.beds_read(uow),
        restated=[stay.id for stay in restatement],
        beds=[
            Claim(stay.id, stretch)
            for stay in restatement
            for stretch in (*stay.stretches, *stay.history.instants)
        ],
        begun={
            Claim(stay.id, stretch)
            for stay in restatement
            for stretch in (*stay.stretches, *stay.history.instants)
            if not uow.before[stay.id].had_stretch(stretch)
        },
        persons_read=uow.persons_read,
        stays_read=uow.stays_read,
        persons=[
            PersonClaim(persons.person_of(uow, stay.patient), stay.id, stay.history.period)
            for stay in restatement
            if stay.patient and stay.history.period
        ],
        unique=[*_names(uow), *_former_claims(uow), *_erased_claims(uow), *_waits(uow, new=True)],
        released=[*uow.released, *_waits(uow, new=False)],
        recorded_at=recorded_at,
    )


def pending_events(uow: UnitOfWork) -> list[Event]:
    """Return the events that the command has made, stream by stream.

    First those of what it is about, in the order in which it read that; last what made room for it.
    """
    aggregates = [a for id in (*uow.read_order, *uow.made_room) if (a := uow.loaded.get(id))]
    about = [a for a in aggregates if len(a.pending_events) > uow.made_room.get(a.id, 0)]
    in_order = {a.id: a for a in (*about, *aggregates)}
    return [cast(Event, event) for a in in_order.values() for event in a.pending_events]


def with_next_versions(events: Iterable[Event], versions: Mapping[UUID, int]) -> list[Event]:
    """Return events as those that come next in their streams, after the versions of these."""
    last = dict(versions)
    next_events = []
    for event in events:
        last[event.originator_id] = version = last[event.originator_id] + 1
        is_next = event.originator_version == version
        next_events.append(event if is_next else event.with_version(version))
    return next_events


def _names(uow: UnitOfWork) -> list[UniqueClaim]:
    """Return the unique keys that the command's events claim: of those that replace, the last."""
    claims: dict[tuple[UUID, str], UniqueClaim] = {}
    for event in pending_events(uow):
        if key := unique_keys.unique_of(event):
            replaces = isinstance(event, unique_keys.REPLACING)
            claim = UniqueClaim(*key, event.originator_id, replaces=replaces)
            claims[event.originator_id, key.kind if replaces else key.key] = claim
    return [
        claim
        for claim in claims.values()
        if uow.owners.get(unique_keys.Unique(claim.kind, claim.key)) != claim.owner
    ]


def _former_claims(uow: UnitOfWork) -> list[UniqueClaim]:
    """Return the claims of numbers that the command's events replace."""
    return [
        UniqueClaim(*claim, event.originator_id)
        for event in pending_events(uow)
        if (claim := unique_keys.former_of(event))
    ]


def _erased_claims(uow: UnitOfWork) -> list[UniqueClaim]:
    """Return the claims of those whom the command erases."""
    return [
        UniqueClaim(*claim, event.originator_id)
        for event in pending_events(uow)
        if (claim := unique_keys.erased_of(event))
    ]


def _waits(uow: UnitOfWork, *, new: bool) -> list[UniqueClaim]:
    """Return the claims of what reported visits wait for since this command, or no longer wait for."""
    claims = []
    for visit in uow.loaded.values():
        if isinstance(visit, SourceVisit):
            before, after = uow.waited_for[visit.id], frozenset(visit.waits_for)
            for subject in sorted(after - before if new else before - after):
                claims.append(UniqueClaim(*unique_keys.waiting(subject, visit.id), visit.id))
    return claims
