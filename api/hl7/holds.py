"""Holds of prescriptions whose release, and doses after it, came before them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from api.hl7.act import Act
from api.hl7.acts import acts_of
from api.hl7.er7 import parse
from api.hl7.refused import RefusedMessages
from api.hl7.sending import SendingSystem
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.aggregate import Event
from domain.prescription.aggregate import Prescription
from domain.problems import Problem

HOLD, RELEASE = "hold_prescription", "resume_prescription"

MAY_BE_RELEASED = (Problem.PRESCRIPTION_NOT_HELD, Problem.PRESCRIPTION_HELD)
"""Problems of a release before its hold, and of a dose before the release."""


def waiting_release(
    refused: RefusedMessages, sender: SendingSystem, subjects: Collection[UUID], hold: Act
) -> datetime | None:
    """Return when the first release after a hold was that waits for it; None if none does.

    ``subjects``: what messages about the order wait for.
    """
    assert hold.occurred
    releases = [
        act.occurred[0]
        for order in subjects
        for message in refused.waiting(order)
        if (data := refused.message_of(message)) is not None
        for act in acts_of(parse(data), sender)
        if act.command == RELEASE and act.names == hold.names and act.occurred
    ]
    return min((at for at in releases if at > hold.occurred[0]), default=None)


def is_released(hospital: Hospital, prescription: UUID, release: Act) -> bool:
    """Return whether a prescription is held to be resumed when a release says: told with its hold."""
    if release.command != RELEASE or release.occurred is None:
        return False
    course = current(hospital.record, Prescription.empty(prescription)).course
    return any(step.kind == "resumed" and step.at == release.occurred[0] for step in course.steps)


def content_as_recorded(act: Act, events: Iterable[Event]) -> dict[str, Any] | None:
    """Return what the command of a message may have said beside the message; None if nothing.

    A hold was told with its release, and a correction of a consult by a program of before without
    the clock of its source.
    """
    if act.command == "correct_consult":
        return {"source_recorded_at": None, "source_sequence": None}
    resumptions = (e.entry.occurred_at for e in events if isinstance(e, Prescription.Resumed))
    release = next(resumptions, None) if act.command == HOLD else None
    return None if release is None else {"until": release}
