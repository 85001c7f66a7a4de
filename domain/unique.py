"""What only one may have: an MRN within its authority, a room's number within its ward, a staff number.

The append claims it for the stream of the event that says so; the claims are the fold of the events.
"""

from typing import NamedTuple

import msgspec

from domain.aggregate import Event
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.room import Room


class Unique(NamedTuple):
    """A kind of name, and the name itself (JSON, since it may have several parts)."""

    kind: str
    key: str


def mrn(authority: str, number: str) -> Unique:
    return Unique("mrn", _key(authority, number))


def room_number(ward: str, number: str) -> Unique:
    return Unique("room", _key(ward, number))


def staff_number(number: str) -> Unique:
    return Unique("staff-number", _key(number))


def unique_of(event: Event) -> Unique | None:
    """What an event claims for its stream, if anything."""
    match event:
        case Patient.Registered():
            return mrn(event.mrn_authority, event.mrn)
        case Patient.DetailsCorrected(mrn=str() as number, mrn_authority=str() as authority):
            return mrn(authority, number)
        case Room.Opened():
            return room_number(event.ward, event.number)
        case Practitioner.Registered():
            return staff_number(event.staff_number)
        case _:
            return None


def _key(*parts: str) -> str:
    return msgspec.json.encode(parts).decode()
