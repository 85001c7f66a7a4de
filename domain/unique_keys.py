"""Unique keys: an MRN within its authority, a room's number within its ward, a staff number.

The append claims it for the stream of the event that says so; the claims are the fold of the events.
"""

from typing import NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from domain.aggregate import Event
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.room.aggregate import Room
from domain.source_visit import SourceVisit


class Unique(NamedTuple):
    """A unique key: its kind, and its parts as JSON."""

    kind: str
    key: str


def mrn(authority: str, number: str) -> Unique:
    """Return the key of a medical record number."""
    return Unique("mrn", _key(authority, number))


def room_number(ward: str, number: str) -> Unique:
    """Return the key of a room's number."""
    return Unique("room", _key(ward, number))


def staff_number(number: str) -> Unique:
    """Return the key of a staff number."""
    return Unique("staff-number", _key(number))


def source(system: str, id: str) -> Unique:
    """Return the key of an id of another system."""
    return Unique("source", _key(system, id))


def waiting_for(subject: UUID) -> str:
    """Return the kind of the claims of visits that wait for a room, a person or a stay to change."""
    return f"waiting {subject}"


def waiting(subject: UUID, visit: UUID) -> Unique:
    """Return the claim of a reported visit that waits for a subject."""
    return Unique(waiting_for(subject), str(visit))


def subject_of(name: Unique) -> UUID:
    """Return an id for what does not exist yet (an MRN, a room), so that a visit can wait for it."""
    return uuid5(NAMESPACE_OID, f"{name.kind} {name.key}")


def unique_of(event: Event) -> Unique | None:
    """Return the unique key that an event claims for its stream, if any."""
    match event:
        case Patient.Registered():
            return mrn(event.mrn_authority, event.mrn)
        case Patient.DetailsCorrected(mrn=str() as number, mrn_authority=str() as authority):
            return mrn(authority, number)
        case Room.Opened():
            return room_number(event.ward, event.number)
        case SourceVisit.Reported():
            return source(event.system, event.version.source_id)
        case Practitioner.Registered():
            return staff_number(event.staff_number)
        case _:
            return None


def _key(*parts: str) -> str:
    return msgspec.json.encode(parts).decode()
