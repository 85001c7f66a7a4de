"""The state of a room: its names, its beds and their states, and its policies, each by valid time."""

from bisect import insort
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.described_enum import DescribedEnum
from domain.room.events import RoomEvents
from domain.room.names import RoomName, RoomNames
from domain.room.policies import RoomPolicy
from domain.text import key
from domain.time import Period

RENAMING = "rename_ward"
"""The command that gives all rooms of a ward another name of it."""


class BedState(DescribedEnum):
    """State of a bed at a moment, the first that applies in this order."""

    OCCUPIED = "OCCUPIED", "A patient lies in it."
    KEPT = "KEPT", "Its patient is on leave and will come back to it."
    CLOSED = "CLOSED", "Nobody may be put into it until it is reopened."
    CLEANING = "CLEANING", "It is being cleaned."
    TO_BE_CLEANED = "TO_BE_CLEANED", "Its last patient left, and it is to be cleaned first."
    RESERVED = "RESERVED", "It is held for somebody until a time."
    FREE = "FREE", "None of these: it can be given."


@dataclass(frozen=True, slots=True)
class Spell:
    """A period in which a bed is closed, being cleaned, or reserved."""

    id: UUID
    bed: str
    state: BedState
    period: Period
    reason: str | None = None
    patient: UUID | None = None
    stay: UUID | None = None
    planned: bool = False
    ended: bool = False
    """True once its end was recorded (reopened, finished, released), and not only planned."""
    about: UUID | None = None
    """The person whom the reason is about."""


class RoomState(RoomEvents, Aggregate):
    """A room as its events have it."""

    def __init__(self) -> None:
        self.named = RoomNames("", "")
        self.opened_at: datetime | None = None
        self.opened_with: frozenset[str] = frozenset()
        """The beds that are there since the opening."""
        self.beds: dict[str, datetime] = {}
        self.retired: dict[str, datetime] = {}
        """Since when beds are out of service for good."""
        self.spells: tuple[Spell, ...] = ()
        self.policies: tuple[tuple[datetime, RoomPolicy, bool], ...] = ()

    @property
    def ward(self) -> str:
        """Return the ward, as the room is named last."""
        return self.names[-1].ward

    @property
    def number(self) -> str:
        """Return the number, as the room is named last."""
        return self.names[-1].number

    @property
    def names(self) -> tuple[RoomName, ...]:
        """Return the names in order; the first always was so."""
        return self.named.names

    def name_at(self, moment: datetime) -> RoomName:
        """Return the ward and number of the room at a moment."""
        return self.named.at(moment)

    def is_named(self, ward: str, number: str, moment: datetime) -> bool:
        """Return whether the room has a ward and number at a moment, in whatever spelling."""
        name = self.name_at(moment)
        return (key(name.ward), key(name.number)) == (key(ward), key(number))

    def code_of(self, text: str) -> str:
        """Return a bed's code as the room has it; as typed if it has none such."""
        if text in self.beds:
            return text
        return next((bed for bed in self.beds if key(bed) == key(text)), text)

    def in_service(self, bed: str) -> Period:
        """Return the period in which a bed of the room can be used."""
        return Period(self.beds[bed], self.retired.get(bed))

    def policies_at(self, moment: datetime) -> list[RoomPolicy]:
        """Return the policies in force at a moment."""
        in_force: dict[RoomPolicy, bool] = {}
        for since, policy, applies in self.policies:
            if since <= moment:
                in_force[policy] = applies
        return [policy for policy, applies in in_force.items() if applies]

    def apply(self, event: Event) -> None:
        at = event.entry.occurred_at
        match event:
            case RoomEvents.Opened():
                self.named = RoomNames(event.ward, event.number)
                self.opened_at, self.opened_with = at, frozenset(event.beds)
                self.beds = dict.fromkeys(event.beds, at)
            case RoomEvents.DetailsCorrected():
                self._correct(event)
            case RoomEvents.DetailsChanged():
                self.named = self.named.with_change(
                    event.since,
                    event.ward,
                    event.number,
                    renames_ward=event.entry.operation == RENAMING,
                )
            case RoomEvents.ChangeCancelled():
                self.named = self.named.without_as_told(event.since, event.ward, event.number)
            case RoomEvents.BedAdded():
                self.beds = {**self.beds, event.bed: at}
            case RoomEvents.BedCorrected():
                self.beds = {**self.beds, event.bed: event.since}
                self.opened_with -= {event.bed}
            case RoomEvents.BedCancelled():
                self.beds = {bed: at for bed, at in self.beds.items() if bed != event.bed}
                self.retired = {bed: at for bed, at in self.retired.items() if bed != event.bed}
                self.spells = tuple(s for s in self.spells if s.bed != event.bed)
                self.opened_with -= {event.bed}
            case RoomEvents.BedsRetired():
                self.retired = {**self.retired, **dict.fromkeys(event.beds, at)}
            case RoomEvents.RetirementCancelled():
                retired_beds = event.beds
                self.retired = {
                    bed: at for bed, at in self.retired.items() if bed not in retired_beds
                }
            case RoomEvents.PolicySet():
                self._set_policy(at, event.policy, event.applies)
            case RoomEvents.PolicyCorrected() | RoomEvents.PolicyCancelled():
                replaced_policies = [
                    p for p in self.policies if p[:2] == (event.set_at, event.policy)
                ][-1:]
                self.policies = tuple(p for p in self.policies if p not in replaced_policies)
                if isinstance(event, RoomEvents.PolicyCorrected):
                    for _, policy, applies in replaced_policies:
                        self._set_policy(event.since, policy, applies)
            case _:
                self._apply_to_spells(event)

    def _apply_to_spells(self, event: Event) -> None:
        at = event.entry.occurred_at
        match event:
            case RoomEvents.BedClosed():
                period, is_planned = Period(event.since, event.until), event.since > at
                closed_state = BedState.CLOSED
                spell = Spell(event.spell, event.bed, closed_state, period, event.why)
                self._begin(replace(spell, planned=is_planned, about=event.patient))
            case RoomEvents.CleaningStarted():
                self._begin(Spell(event.spell, event.bed, BedState.CLEANING, Period(at)))
            case RoomEvents.BedReserved():
                period, holder = Period(event.since, event.until), (event.patient, event.stay)
                reserved_state = BedState.RESERVED
                spell = Spell(event.spell, event.bed, reserved_state, period, None, *holder)
                self._begin(replace(spell, about=event.about))
            case (
                RoomEvents.BedReopened()
                | RoomEvents.CleaningFinished()
                | RoomEvents.ReservationReleased()
            ):
                self._end(event.spell, at)
            case RoomEvents.SpellCorrected():
                period = Period(event.since, event.until)
                is_planned = event.since > at
                self.spells = tuple(
                    replace(s, period=period, ended=event.ended, planned=s.planned or is_planned)
                    if s.id == event.spell
                    else s
                    for s in self.spells
                )
            case RoomEvents.SpellCancelled():
                self.spells = tuple(s for s in self.spells if s.id != event.spell)
            case _:
                raise UnknownEvent(event)

    def _correct(self, event: RoomEvents.DetailsCorrected) -> None:
        if event.ward is not None and event.number is not None:
            self.named = self.named.with_last(event.ward, event.number)
        if event.opened_at is not None:
            self.opened_at = event.opened_at
            self.beds = {**self.beds, **dict.fromkeys(self.opened_with, event.opened_at)}

    def _set_policy(self, since: datetime, policy: RoomPolicy, applies: bool) -> None:
        policies = list(self.policies)
        insort(policies, (since, policy, applies), key=lambda p: p[0])
        self.policies = tuple(policies)

    def _begin(self, spell: Spell) -> None:
        self.spells = (*self.spells, spell)

    def _end(self, id: UUID, at: datetime) -> None:
        self.spells = tuple(
            replace(s, period=Period(s.period.start, max(s.period.start, at)), ended=True)
            if s.id == id
            else s
            for s in self.spells
        )
