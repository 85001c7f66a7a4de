"""Unique keys: an MRN within its authority, a room's number within its ward, a staff number.

The append claims it for the stream of the event that says so; the claims are the fold of the events.
Spellings that `domain.text` calls the same have one key. A log that is older than this rule may have two
owners of one key: the later one is claimed `as_stored`.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from domain.aggregate import Event
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.room.aggregate import Room
from domain.source_visit import SourceVisit
from domain.text import key, line, number_key


class Unique(NamedTuple):
    """A unique key: its kind, and its parts as JSON."""

    kind: str
    key: str


def mrn(authority: str, number: str) -> Unique:
    """Return the key of a medical record number."""
    return Unique("mrn", _key(key(authority), number_key(number)))


def room_number(ward: str, number: str) -> Unique:
    """Return the key of a room's number."""
    return Unique("room", _key(key(ward), key(number)))


def staff_number(number: str) -> Unique:
    """Return the key of a staff number."""
    return Unique("staff-number", _key(number_key(number)))


def source(system: str, id: str) -> Unique:
    """Return the key of an id of another system."""
    return Unique("source", _key(line(system), line(id)))


def rooms_of(ward: str) -> Unique:
    """Return the beginning of the keys of all rooms of a ward."""
    return Unique("room", _key(key(ward)).removesuffix("]") + ",")


ROOMS = Unique("room", "[")
"""The beginning of the keys of all rooms."""

STAFF_NUMBERS = Unique("staff-number", "[")
"""The beginning of the keys of all staff numbers."""


def as_stored(kind: str, *parts: str) -> Unique:
    """Return the key of a spelling, for the later of two owners of one key in an older log."""
    return Unique(f"{kind} as stored", _key(*parts))


def former_mrn(authority: str, number: str) -> str:
    """Return the kind of the claims of those who had an MRN before, of whom there may be several."""
    return former(mrn(authority, number))


def former(name: Unique) -> str:
    """Return the kind of the claims of those who had the MRN of a key before."""
    return f"former {name.key}"


def former_of(event: Event) -> Unique | None:
    """Return the claim of a number that an event replaces, if any."""
    if isinstance(event, Patient.DetailsCorrected) and event.former_mrn:
        kind = former_mrn(event.former_mrn_authority or "", event.former_mrn)
        return Unique(kind, f"{event.originator_id} {event.originator_version}")
    return None


def erasure(patient: UUID) -> Unique:
    """Return the claim of a person who was erased: of whom no key may ever be kept again."""
    return Unique(ERASED, str(patient))


def erased_of(event: Event) -> Unique | None:
    """Return the claim of the person whom an event erases, if any."""
    return erasure(event.originator_id) if isinstance(event, Patient.Erased) else None


ERASED = "erased"
"""The kind of the claims of those who were erased."""


def waiting_for(subject: UUID) -> str:
    """Return the kind of the claims of visits that wait for a room, a person or a stay to change."""
    return f"waiting {subject}"


def waiting(subject: UUID, visit: UUID) -> Unique:
    """Return the claim of a reported visit that waits for a subject."""
    return Unique(waiting_for(subject), str(visit))


def subject_of(name: Unique) -> UUID:
    """Return an id for what does not exist yet (an MRN, a room), so that a visit can wait for it."""
    return uuid5(NAMESPACE_OID, f"{name.kind} {name.key}")


REPLACING = (
    Patient.DetailsCorrected,
    Room.DetailsCorrected,
    Room.DetailsChanged,
    Room.ChangeCancelled,
    Practitioner.DetailsCorrected,
    Practitioner.DetailsChanged,
    Practitioner.ChangeCancelled,
)
"""The events whose key takes the place of the one that the stream had before."""


def openings_of(room: UUID) -> UUID:
    """Return an id for the states of a room's beds, which visits wait for apart from its patients."""
    return uuid5(room, "openings")


def visit_of(stay: UUID) -> UUID:
    """Return an id for whatever is recorded in a stay, which the reported visit that it is waits for."""
    return uuid5(stay, "visit")


def room_left_by(stay: UUID) -> UUID:
    """Return an id for the beds and the time that a stay leaves to others, which wait for them."""
    return uuid5(stay, "room left")


def links_of(patient: UUID) -> UUID:
    """Return an id for the merges of a record, which what is told of the person waits for."""
    return uuid5(patient, "links")


def departures_from(room: UUID, bed: str) -> UUID:
    """Return an id for those who leave a bed, which what is told of the bed waits for."""
    return uuid5(room, f"departures {bed}")


def unique_of(event: Event) -> Unique | None:
    """Return the unique key that an event claims for its stream, if any."""
    parts = _key_of(event)
    return KEYS[parts[0]](*parts[1:]) if parts else None


def as_stored_of(event: Event) -> Unique | None:
    """Return the `as_stored` key of what an event claims, if any."""
    parts = _key_of(event)
    return as_stored(*parts) if parts else None


KEYS: dict[str, Callable[..., Unique]] = {
    "mrn": mrn,
    "room": room_number,
    "source": source,
    "staff-number": staff_number,
}
"""The key of each kind that an event claims, from its parts."""


def _key_of(event: Event) -> tuple[str, ...] | None:
    """Return the kind of the key that an event claims, and its parts as they are stored."""
    match event:
        case Patient.Registered():
            return "mrn", event.mrn_authority, event.mrn
        case Patient.DetailsCorrected(mrn=str() as number, mrn_authority=str() as authority):
            return "mrn", authority, number
        case (
            Room.Opened() | Room.ChangeCancelled() | Room.DetailsCorrected(ward=str(), number=str())
        ):
            assert event.ward is not None
            assert event.number is not None
            return "room", event.ward, event.number
        case Room.DetailsChanged():
            return "room", event.latest_ward or event.ward, event.latest_number or event.number
        case SourceVisit.Reported():
            return "source", event.system, event.version.source_id
        case Practitioner.Registered() | Practitioner.ChangeCancelled():
            return "staff-number", event.staff_number
        case (
            Practitioner.DetailsCorrected(staff_number=str())
            | Practitioner.DetailsChanged(staff_number=str())
        ):
            assert event.staff_number is not None
            return "staff-number", event.latest_staff_number or event.staff_number
        case _:
            return None


def _key(*parts: str) -> str:
    return msgspec.json.encode(parts).decode()
