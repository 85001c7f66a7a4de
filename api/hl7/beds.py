"""Acts of messages on beds: their states (A20), and pending transfers (A15, A26)."""

from datetime import timedelta
from typing import Any

from api.hl7.act import BY_HAND, Act, needed_value, recording_time, visit_number
from api.hl7.adt import Report, is_cancelling, movement_act, sequence_of, trigger_of
from api.hl7.er7 import Message, Unreadable
from api.hl7.sending import SendingSystem
from application.commands.movement_reports import MovementReport
from domain.room.aggregate import BedState
from domain.source_visit import SourceKind

PENDING_FOR = timedelta(hours=24)
"""The time for which a bed is reserved for a pending transfer, from when it is planned for."""

STATUSES = {"C": BedState.CLOSED, "H": BedState.CLEANING, "U": BedState.FREE}
"""Codes of NPU-2 (HL7 table 0116): closed, housekeeping, unoccupied; any other is by hand."""

OCCUPIED = "O"
"""Code of a bed that somebody is in: movements tell who, so that it says nothing."""


def bed_status(message: Message, sender: SendingSystem) -> list[Act]:
    """Return the acts of the status of a bed in an A20. Raises Unreadable."""
    status = needed_value(message, "NPU", 2, "the status of the bed")
    place = _place(message, sender, "NPU", 1)
    if status == OCCUPIED:
        return []
    if status not in STATUSES:
        return [BY_HAND]
    moment, precision = message.time("EVN", 6, sender.zone) or recording_time(message, sender)
    report = MovementReport(
        kind=SourceKind.BED_STATE,
        occurred_at=moment,
        occurred_at_precision=precision,
        bed_state=STATUSES[status],
        **place,
    )
    return [_report_act(message, sender, report, None)]


def pending_transfer(message: Message, sender: SendingSystem) -> Act:
    """Return the reservation of the bed of PV1-42 for a stay, or its end (A26). Raises Unreadable."""
    visit, place = visit_number(message), _place(message, sender, "PV1", 42)
    is_given_up = trigger_of(message) == "A26" or is_cancelling(message)
    moment, precision = recording_time(message, sender)
    planned_time = message.time("EVN", 3, sender.zone) or (moment, None)
    until = max(planned_time[0], moment) + PENDING_FOR
    report = MovementReport(
        kind=SourceKind.RESERVATION,
        occurred_at=moment,
        occurred_at_precision=precision,
        bed_state=BedState.FREE if is_given_up else BedState.RESERVED,
        expected_at=None if is_given_up else until,
        **place,
    )
    return _report_act(message, sender, report, visit)


def _report_act(
    message: Message, sender: SendingSystem, movement: MovementReport, visit: str | None
) -> Act:
    """Return the act of a bed, by an id made of its content: the same sent again is the same."""
    bed = movement.ward, movement.room, movement.bed
    state, until = movement.bed_state, movement.expected_at
    recorded_at, sequence = recording_time(message, sender)[0], sequence_of(message)
    parts = (*bed, state, movement.occurred_at, until, recorded_at, sequence)
    return movement_act(
        Report(
            system=sender.name,
            source_id="/".join([visit or "bed", *map(str, parts)]),
            source_visit=visit,
            source_recorded_at=recorded_at,
            source_sequence=sequence,
            cancelled=None,
            derived_id=True,
            movement=movement,
        )
    )


def _place(message: Message, sender: SendingSystem, segment: str, number: int) -> dict[str, Any]:
    """Return the bed that a field names. Raises Unreadable where a part of it is absent."""
    ward, room, bed = (message.value(segment, number, part) for part in (1, 2, 3))
    if ward is None or room is None or bed is None:
        raise Unreadable(101, f"{segment}^1^{number}", "ward, room and bed are absent")
    return {"ward": sender.wards.get(ward, ward), "room": room, "bed": bed}
