"""Observations within a stay: the mark of their events, and the events of the flags on the board."""

from typing import ClassVar
from uuid import UUID

from domain.aggregate import Cancelling, Correcting, Event, FactId
from domain.envelope import Code, Sealed
from domain.time import Moment, Precision


class Observed:
    """A mark of events that each tell one observation: a clinical fact that changes no state."""

    OBSERVATION: ClassVar[str]
    """Noun of what is observed, as refusals name it."""


class FlagEvents:
    """The events of flags, which `Stay` inherits: they are read as ``Stay.FlagRaised``."""

    class FlagRaised(Observed, Event):
        """``flag_kind``: one of those that the house had set as it was raised."""

        OBSERVATION = "flag"
        TOPIC = "stay.flag-raised"
        PUBLIC = "flag.raised"
        DESCRIPTION = "A flag of a patient was raised on the board."
        CORRECTED_BY = ("correct_flag",)
        CANCELLED_BY = ("cancel_flag",)
        flag: FactId
        flag_kind: Code
        note: Sealed | None

    class FlagLowered(Observed, Event):
        """From its time on it is not shown; a flag that is not lowered ends with the stay."""

        OBSERVATION = "flag lowering"
        TOPIC = "stay.flag-lowered"
        PUBLIC = "flag.lowered"
        DESCRIPTION = "A flag of a patient was lowered."
        CORRECTED_BY = ("correct_flag_lowering",)
        CANCELLED_BY = ("cancel_flag_lowering",)
        lowering: FactId
        flag: UUID

    class FlagCorrected(Correcting, Event):
        """The flag was otherwise; an absent value stays as it was."""

        TOPIC = "stay.flag-corrected"
        PUBLIC = "flag.corrected"
        DESCRIPTION = "What was said of a flag was put right."
        flag: FactId
        at: Moment | None
        precision: Precision | None
        flag_kind: Code | None
        note: Sealed | None

    class FlagCancelled(Cancelling, Event):
        """Entered in error: it never held."""

        TOPIC = "stay.flag-cancelled"
        PUBLIC = "flag.cancelled"
        DESCRIPTION = "A flag was taken back."
        flag: FactId

    class FlagLoweringCorrected(Correcting, Event):
        TOPIC = "stay.flag-lowering-corrected"
        PUBLIC = "flag.lowering-corrected"
        DESCRIPTION = "A flag was lowered at another time."
        lowering: FactId
        flag: UUID
        at: Moment
        precision: Precision

    class FlagLoweringCancelled(Cancelling, Event):
        """Entered in error: it still holds."""

        TOPIC = "stay.flag-lowering-cancelled"
        PUBLIC = "flag.lowering-cancelled"
        DESCRIPTION = "The lowering of a flag was taken back."
        lowering: FactId
        flag: UUID


FLAGS = (
    FlagEvents.FlagRaised,
    FlagEvents.FlagLowered,
    FlagEvents.FlagCorrected,
    FlagEvents.FlagCancelled,
    FlagEvents.FlagLoweringCorrected,
    FlagEvents.FlagLoweringCancelled,
)
"""The events of flags: none of them changes where the patient is."""
