"""Breaking the glass: access that somebody opens for themselves, with a reason, for some hours.

What is closed to somebody by a confidentiality label or by the ward can be needed at once. Then it
is opened first and asked about later: the act is a fact in the log, and every reading that rests on
it says so.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, NotNeeded, UnknownEvent
from domain.envelope import About, Actor, Envelope
from domain.problems import Problem
from domain.refusals import InvalidInput, ReasonNeeded
from domain.time import Moment

GLASSES = UUID("6d1c0b51-2f0b-5e5e-9a43-6a0c8e1f7b02")
"""The namespace of the streams, one for each login."""

HOURS = 8
"""Default duration of an emergency access: a shift."""
MOST_HOURS = 24
LETTERS = 3
"""The letters that a reason has at least: a full stop says nothing to who reviews it."""


class EmergencyAccess(Aggregate):
    """The emergency accesses of one login."""

    TOPIC = "glass"

    class Broken(Event):
        """From here on until that moment the patient's data are open to who recorded this."""

        TOPIC = "glass.broken"
        PUBLIC = None
        DESCRIPTION = "Somebody opened a patient's closed data, with a reason."
        CORRECTED_BY = NotNeeded("it lapses by itself")
        CANCELLED_BY = NotNeeded("that data were opened stays in the record")
        patient: UUID
        until: Moment

    def __init__(self) -> None:
        self.opened: dict[UUID, datetime] = {}

    @staticmethod
    def id_for(actor: Actor) -> UUID:
        """Return the stream of a login's emergency accesses."""
        return uuid5(GLASSES, f"{actor.issuer}\n{actor.subject}")

    def is_open(self, patient: UUID, now: datetime) -> bool:
        """Return whether a patient's data are open to the login at a moment."""
        return patient in self.opened and now < self.opened[patient]

    def grant(self, about: About, hours: int | None, now: datetime, envelope: Envelope) -> None:
        """Open a patient's data to the login for some hours; what is open longer already stays so.

        Raises ReasonNeeded, InvalidInput.
        """
        if len({*filter(str.isalpha, envelope.reason or "")}) < LETTERS:
            raise ReasonNeeded(Problem.EMERGENCY_ACCESS)
        if hours is not None and not 1 <= hours <= MOST_HOURS:
            raise InvalidInput("hours", f"access is opened for 1 to {MOST_HOURS} hours")
        self.about = about
        until = max(now + timedelta(hours=hours or HOURS), self.opened.get(about.patient, now))
        self.record(EmergencyAccess.Broken, envelope, patient=about.patient, until=until)

    def apply(self, event: Event) -> None:
        match event:
            case EmergencyAccess.Broken():
                before = self.opened.get(event.patient, event.until)
                self.opened = {**self.opened, event.patient: max(before, event.until)}
            case _:
                raise UnknownEvent(event)
