"""Holds and releases of prescriptions that came after what they are before."""

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
from domain.prescription.course import Course, PrescriptionStatus
from domain.problems import Problem
from domain.refusals import ContradictsLaterFacts, PrescriptionStateBroken

HOLD, RELEASE = "hold_prescription", "resume_prescription"

NEXT = {HOLD: RELEASE, RELEASE: HOLD}
"""The command that ends what each begins."""

STEPS = {HOLD: "held", RELEASE: "resumed"}
"""The kinds of steps of a prescription that the commands make."""

MAY_BE_RELEASED = (Problem.PRESCRIPTION_NOT_HELD, Problem.PRESCRIPTION_HELD)
"""Problems of a release before its hold, and of a dose before the release."""


def may_fit_later(
    hospital: Hospital,
    prescription: UUID,
    act: Act,
    error: PrescriptionStateBroken | ContradictsLaterFacts,
) -> bool:
    """Return whether an act may fit once another hold or release is known."""
    if isinstance(error, ContradictsLaterFacts):
        return act.command in NEXT
    if error.problem is Problem.PRESCRIPTION_NOT_ACTIVE and act.occurred:  # a hold during another
        return _course(hospital, prescription).status_at(act.occurred[0]) is PrescriptionStatus.HELD
    return error.problem in MAY_BE_RELEASED


def waiting_end(
    refused: RefusedMessages, sender: SendingSystem, subjects: Collection[UUID], act: Act
) -> datetime | None:
    """Return when the first release after a hold was, or the first hold after a release, that waits.

    ``subjects``: what messages about the order wait for. None if no such message waits.
    """
    assert act.occurred
    ends = [
        end.occurred[0]
        for order in subjects
        for message in refused.waiting(order)
        if (data := refused.message_of(message)) is not None
        for end in acts_of(parse(data), sender)
        if end.command == NEXT[act.command] and end.names == act.names and end.occurred
    ]
    return min((at for at in ends if at > act.occurred[0]), default=None)


def is_recorded(hospital: Hospital, prescription: UUID, act: Act) -> bool:
    """Return whether a hold or a release is known already: it was told with the one before it."""
    if act.command not in STEPS or act.occurred is None:
        return False
    steps = _course(hospital, prescription).steps
    return (STEPS[act.command], act.occurred[0]) in {(step.kind, step.at) for step in steps}


def content_as_recorded(act: Act, events: Iterable[Event]) -> dict[str, Any] | None:
    """Return the content that a message's command was recorded with beside the message; None without.

    A hold or a release was told with the one that ended it, and a correction of a consult by a
    program of before without the clock of its source.
    """
    if act.command == "correct_consult":
        return {"source_recorded_at": None, "source_sequence": None}
    kinds = {HOLD: Prescription.Resumed, RELEASE: Prescription.Held}
    kind = kinds.get(act.command)
    ends = (e.entry.occurred_at for e in events if kind and isinstance(e, kind))
    end = next(ends, None)
    return None if end is None else {"until": end}


def _course(hospital: Hospital, prescription: UUID) -> Course:
    return current(hospital.record, Prescription.empty(prescription)).course
