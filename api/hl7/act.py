"""An act of a message: the command that it gives, and what most of them take from a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.hl7.er7 import Message, Unreadable
from api.hl7.sending import SendingSystem
from domain.prescription.events import Medication
from domain.time import Precision

MOVEMENT = "record_source_movement"

Moment = tuple[datetime, Precision | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A command that a message gives.

    ``visit``: the command is about the stay of that visit. ``thing``: what it makes is known by a name
    of the sender's (an order), so that it is made once, whatever message says so.
    """

    command: str
    content: Mapping[str, Any]
    occurred: Moment | None = None
    performed_by: str | None = None
    visit: str | None = None
    thing: str | None = None
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Inputs that are ids of things made before: the name of the thing, and what it is."""
    medication: Medication | None = None
    """The medicine that the prescription is of, if the message says it."""
    start: datetime | None = None
    """The moment at which the prescription starts, if the message says it."""


BY_HAND = Act(command="", content={})
"""Act that no command carries out: somebody has to enter it."""


def recording_time(message: Message, sender: SendingSystem) -> Moment:
    """Return when a message was recorded: EVN-2, else MSH-7. Raises Unreadable."""
    moment = message.time("EVN", 2, sender.zone) or message.time("MSH", 7, sender.zone)
    if moment is None:
        raise Unreadable(101, "EVN^1^2", "the time of recording is absent")
    return moment


def needed_value(message: Message, segment: str, number: int, name: str) -> str:
    """Return the first component of a field. Raises Unreadable where it is absent."""
    value = message.value(segment, number)
    if value is None:
        raise Unreadable(101, f"{segment}^1^{number}", f"{name} is absent")
    return value


def visit_number(message: Message) -> str:
    """Return PV1-19. Raises Unreadable where it is absent."""
    return needed_value(message, "PV1", 19, "the number of the visit")


def thing_name(*parts: str | None) -> str:
    """Return the name of a thing that a sender makes."""
    return "\0".join(part or "" for part in parts)
