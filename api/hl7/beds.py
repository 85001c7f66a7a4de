"""Acts of messages on beds: their states (A20), and pending transfers (A15, A26)."""

from collections.abc import Collection
from datetime import timedelta

from api.hl7.act import BY_HAND, Act, needed_value, recording_time, thing_name, visit_number
from api.hl7.adt import is_cancelling, trigger_of
from api.hl7.er7 import Message, Unreadable
from api.hl7.sending import SendingSystem
from domain.room.aggregate import BedState

PENDING_FOR = timedelta(hours=24)
"""The time for which a bed is reserved for a pending transfer, from when it is planned for."""

STATUSES = ("C", "H", "U", "O")
"""Codes of NPU-2 (HL7 table 0116): closed, housekeeping, unoccupied, occupied; any other is by hand."""


def bed_status(message: Message, sender: SendingSystem) -> Act:
    """Return what an A20 says of a bed. Raises Unreadable."""
    status = needed_value(message, "NPU", 2, "the status of the bed")
    if status not in STATUSES:
        return BY_HAND
    moment = message.time("EVN", 6, sender.zone) or recording_time(message, sender)
    place = _place(message, sender, "NPU", 1)
    return Act(command="", content=place, occurred=moment, bed_status=status)


def commands_to(status: str, states: Collection[BedState]) -> list[str]:
    """Return the commands that bring a bed from its states to a status.

    Who is in a bed is told by movements, so that occupied changes nothing. Of an unoccupied bed the
    cleaning is finished, if it was to be cleaned.
    """
    match status:
        case "C":
            return [] if BedState.CLOSED in states else ["close_bed"]
        case "H":
            return [] if BedState.CLEANING in states else ["start_cleaning"]
        case "U":
            return [*(["reopen_bed"] if BedState.CLOSED in states else []), "finish_cleaning"]
    return []


def pending_transfer(message: Message, sender: SendingSystem) -> Act:
    """Return the reservation of the bed of PV1-42 for a stay, or its end (A26). Raises Unreadable."""
    visit, place = visit_number(message), _place(message, sender, "PV1", 42)
    id = message.value("ZBE", 1)
    reservation = thing_name("reservation", visit, id) if id else None
    moment = recording_time(message, sender)
    if trigger_of(message) == "A26" or is_cancelling(message):
        content = {"ward": place["ward"], "room": place["room"]}
        names = {"reservation_id": (reservation, "reservation")} if reservation else {}
        return Act(
            command="release_reservation",
            content=content,
            occurred=moment,
            names=names,
            visit=None if reservation else visit,
            bed=None if reservation else place["bed"],
        )
    planned_time = message.time("EVN", 3, sender.zone) or moment
    until = max(planned_time[0], moment[0]) + PENDING_FOR
    return Act(
        command="reserve_bed",
        content={**place, "until": until},
        occurred=moment,
        visit=visit,
        thing=reservation,
    )


def _place(message: Message, sender: SendingSystem, segment: str, number: int) -> dict[str, str]:
    """Return the bed that a field names. Raises Unreadable where a part of it is absent."""
    ward, room, bed = (message.value(segment, number, part) for part in (1, 2, 3))
    if ward is None or room is None or bed is None:
        raise Unreadable(101, f"{segment}^1^{number}", "ward, room and bed are absent")
    return {"ward": sender.wards.get(ward, ward), "room": room, "bed": bed}
