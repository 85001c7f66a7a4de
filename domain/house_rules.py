"""Decisions of a house about its work, with valid time: so far, about cleaning beds."""

from dataclasses import dataclass
from datetime import datetime

from domain.aggregate import Aggregate, Event, NotNeeded, UnknownEvent, WardNamed
from domain.envelope import Envelope, Text
from domain.text import key
from domain.time import Moment


@dataclass(frozen=True, slots=True)
class CleaningRule:
    """From a time on a bed is, or is not, to be cleaned once a patient has left it."""

    since: datetime
    ward: str | None
    """The ward; None is the whole house."""
    applies: bool


@dataclass(frozen=True, slots=True)
class CleaningRules:
    """The decisions about cleaning, in the order of recording."""

    rules: tuple[CleaningRule, ...] = ()

    def apply_at(self, moment: datetime, ward: str) -> bool:
        """Return whether a bed of a ward that is left at a moment is to be cleaned.

        What a ward has decided comes before what the house has; of several, the latest holds.
        """
        for of in (key(ward), None):
            candidates = [
                r for r in self.rules if (r.ward and key(r.ward)) == of and r.since <= moment
            ]
            if candidates:
                return max(enumerate(candidates), key=lambda r: (r[1].since, r[0]))[1].applies
        return False


class HouseRules(Aggregate):
    """The decisions of one hospital."""

    TOPIC = "house-rules"
    BEGINS_EMPTY = True

    class CleaningSet(WardNamed, Event):
        """``since``: from when on it holds; it may lie ahead."""

        TOPIC = "house-rules.cleaning-set"
        PUBLIC = None
        DESCRIPTION = "It was decided whether beds are to be cleaned after each patient."
        CORRECTED_BY = ("set_bed_cleaning",)
        CANCELLED_BY = NotNeeded("set what holds from the same time on instead")
        ward: Text | None
        applies: bool
        since: Moment

    def __init__(self) -> None:
        self.cleaning = CleaningRules()

    def set_cleaning(
        self, ward: str | None, applies: bool, since: datetime, envelope: Envelope
    ) -> None:
        """Decide whether beds are to be cleaned after each patient, from a time on."""
        self.record(HouseRules.CleaningSet, envelope, ward=ward, applies=applies, since=since)

    def apply(self, event: Event) -> None:
        match event:
            case HouseRules.CleaningSet():
                rule = CleaningRule(event.since, event.ward, event.applies)
                self.cleaning = CleaningRules((*self.cleaning.rules, rule))
            case _:
                raise UnknownEvent(event)
