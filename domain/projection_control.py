"""Decisions about a read model that could not take in a command: try again, or leave it out.

A read model is computed, so nothing about it is a fact but this. The facts lie in the log, so that
whoever fills the model, now or in ten years, leaves out the same (docs/adr/0010).
"""

from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, NotNeeded, UnknownEvent
from domain.envelope import Envelope, Text
from domain.problems import Problem
from domain.refusals import InvalidInput, ReasonNeeded

PROJECTIONS = UUID("5f6b3a52-6a0e-5b0a-8f0c-6f2f2f0f9d10")
"""The namespace of the streams of decisions, one a read model."""

NEVER_LEFT_OUT = ("occupancy",)
"""Read models that halt rather than miss something: a bed shown free by a hole is a danger."""


class ProjectionControl(Aggregate):
    """The decisions about one read model, by its name."""

    TOPIC = "projection"

    class CommandSkipped(Event):
        """The read model leaves the command out from here on; the reason is the envelope's."""

        TOPIC = "projection.command-skipped"
        PUBLIC = None
        DESCRIPTION = "A read model was told to leave a command out."
        CORRECTED_BY = NotNeeded("an order to a read model, no fact of the hospital")
        CANCELLED_BY = NotNeeded("an order to a read model, no fact of the hospital")
        name: Text
        command: UUID

    class RetryRequested(Event):
        """Parked commands are to be taken in again, in the order of the log."""

        TOPIC = "projection.retry-requested"
        PUBLIC = None
        DESCRIPTION = "A read model was told to take in again what is parked."
        CORRECTED_BY = NotNeeded("an order to a read model, no fact of the hospital")
        CANCELLED_BY = NotNeeded("an order to a read model, no fact of the hospital")
        name: Text

    def __init__(self) -> None:
        self.skipped: frozenset[UUID] = frozenset()

    @staticmethod
    def id_for(name: str) -> UUID:
        """Return the stream of the decisions about a read model."""
        return uuid5(PROJECTIONS, name)

    def skip(self, name: str, command: UUID, envelope: Envelope) -> None:
        """Leave a command out of the read model. Raises InvalidInput, ReasonNeeded."""
        if name in NEVER_LEFT_OUT:
            raise InvalidInput("name", f"{name} never leaves anything out; it halts until mended")
        if not (envelope.reason or "").strip():
            raise ReasonNeeded(Problem.SKIPPED_COMMAND)
        if command in self.skipped:
            raise InvalidInput("skipped", "the read model leaves that command out already")
        self.record(ProjectionControl.CommandSkipped, envelope, name=name, command=command)

    def retry(self, name: str, envelope: Envelope) -> None:
        """Let the read model try again what is parked."""
        self.record(ProjectionControl.RetryRequested, envelope, name=name)

    def apply(self, event: Event) -> None:
        match event:
            case ProjectionControl.CommandSkipped():
                self.skipped |= {event.command}
            case ProjectionControl.RetryRequested():
                pass  # whoever fills the read model acts on it
            case _:
                raise UnknownEvent(event)
