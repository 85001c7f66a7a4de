"""The state of a room: its names, its beds and their states, and its policies, each by valid time."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.described_enum import DescribedEnum
from domain.refusals import InvalidInput
from domain.room.events import RoomEvents
from domain.room.names import RoomName, RoomNames
from domain.room.policies import RoomPolicy
from domain.text import key
from domain.time import Period, Precision

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

    def corrected_period(
        self,
        since: datetime | None,
        until: datetime | None,
        open_ended: bool,
        precision: Precision | None,
        now: datetime,
    ) -> Period:
        """Return its period with other times; what is absent stays as it was. Raises InvalidInput."""
        is_reserved = self.state is BedState.RESERVED
        end = None if open_ended else until or self.period.end
        is_released = is_reserved and self.ended and since is None
        if is_released and until is not None:
            end = max(until, self.period.start)  # released before it began, it never did
        period = Period(since or self.period.start, end)
        is_same = period == self.period and precision is None
        if is_same or (open_ended and (until is not None or is_reserved)):
            raise InvalidInput("until", "say since when or until when it really was so")
        if period.is_empty and not is_released:
            raise InvalidInput("until", "it has to be after it begins")
        if self.state is BedState.CLEANING and max(period.start, end or period.start) > now:
            raise InvalidInput("until", "cleaning is told once it has happened")
        return period

    def keeps_out(self, period: Period, now: datetime) -> bool:
        """Return whether a closed or uncleaned bed cannot have been used in a period."""
        if not self.planned:
            return self.period.collides(period)
        return period.start in self.period or self.period.until(now).overlaps(period)


class PolicySetting(NamedTuple):
    """A policy that was set or lifted at a time, with the id of that fact."""

    since: datetime
    policy: RoomPolicy
    applies: bool
    id: UUID

    def is_of(self, event: RoomEvents.PolicyCorrected | RoomEvents.PolicyCancelled) -> bool:
        """Return whether an event is about a policy of that time."""
        return (self.since, self.policy) == (event.set_at, event.policy)


@dataclass(frozen=True, slots=True)
class RoomFact:
    """A fact of a room that has a time: its opening, a bed, a state of one, a policy."""

    id: UUID
    at: datetime
    precision: Precision


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
        self.policies: tuple[PolicySetting, ...] = ()
        self.precisions: Mapping[UUID, Precision] = {}
        """Precisions of the times of facts that are not known to the minute."""

    def timed_facts(self) -> list[RoomFact]:
        times: dict[UUID, datetime] = {}
        if self.opened_at is not None:
            times[self.id] = self.opened_at
        later_beds = (bed for bed in self.beds if bed not in self.opened_with)
        times |= {self.adding_of(bed): self.beds[bed] for bed in later_beds}
        times |= {self.retirement_of(bed): at for bed, at in self.retired.items()}
        times |= {setting.id: setting.since for setting in self.policies}
        for spell in self.spells:
            times[spell.id] = spell.period.start
            if spell.ended and spell.period.end is not None:
                times[end_of(spell.id)] = spell.period.end
        return [RoomFact(id, at, self.precision_of(id)) for id, at in times.items()]

    def precision_of(self, fact: UUID) -> Precision:
        """Return the precision with which the time of a fact is known."""
        return self.precisions.get(fact, Precision.MINUTE)

    def adding_of(self, bed: str) -> UUID:
        """Return the fact that a bed was added to the room."""
        return uuid5(self.id, f"bed {bed}")

    def coming_of(self, bed: str) -> UUID:
        """Return the fact by which a bed is there: the opening of the room, or its adding."""
        return self.id if bed in self.opened_with else self.adding_of(bed)

    def precision_at(self, moment: datetime) -> Precision:
        """Return the precision of the time from which a name or a policy of the room holds.

        Of several facts of that time, as the one that is known the least precisely. A name holds
        from the beginning of its day, to the minute.
        """
        facts = [setting.id for setting in self.policies if setting.since == moment]
        facts += [self.id] if moment == self.opened_at else []
        precisions = (self.precision_of(fact) for fact in facts)
        return max(precisions, key=list(Precision).index, default=Precision.MINUTE)

    def retirement_of(self, bed: str) -> UUID:
        """Return the fact that a bed was taken out of service."""
        return uuid5(self.id, f"retirement {bed}")

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
        for setting in self.policies:
            if setting.since <= moment:
                in_force[setting.policy] = setting.applies
        return [policy for policy, applies in in_force.items() if applies]

    def apply(self, event: Event) -> None:
        at = event.entry.occurred_at
        match event:
            case RoomEvents.Opened():
                self.named = RoomNames(event.ward, event.number)
                self.opened_at, self.opened_with = at, frozenset(event.beds)
                self.beds = dict.fromkeys(event.beds, at)
                self._know(self.id, event.entry.precision)
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
                self._know(self.adding_of(event.bed), event.entry.precision)
            case RoomEvents.BedCorrected():
                self.beds = {**self.beds, event.bed: event.since}
                self.opened_with -= {event.bed}
                self._know(self.adding_of(event.bed), event.precision)
            case RoomEvents.BedCancelled():
                self.beds = {bed: at for bed, at in self.beds.items() if bed != event.bed}
                self.retired = {bed: at for bed, at in self.retired.items() if bed != event.bed}
                self.spells = tuple(s for s in self.spells if s.bed != event.bed)
                self.opened_with -= {event.bed}
            case RoomEvents.BedsRetired():
                self.retired = {**self.retired, **dict.fromkeys(event.beds, at)}
                for bed in event.beds:
                    self._know(self.retirement_of(bed), event.entry.precision)
            case RoomEvents.RetirementCancelled():
                retired_beds = event.beds
                self.retired = {
                    bed: at for bed, at in self.retired.items() if bed not in retired_beds
                }
            case RoomEvents.PolicySet():
                id = event.entry.id_of(f"policy {event.policy.value}")
                self._set_policy(PolicySetting(at, event.policy, event.applies, id))
                self._know(id, event.entry.precision)
            case RoomEvents.PolicyCorrected() | RoomEvents.PolicyCancelled():
                old = next((p for p in reversed(self.policies) if p.is_of(event)), None)
                self.policies = tuple(p for p in self.policies if not old or p[:3] != old[:3])
                if old and isinstance(event, RoomEvents.PolicyCorrected):
                    self._set_policy(old._replace(since=event.since))
                    self._know(old.id, event.precision)
            case _:
                self._apply_to_spells(event)

    def _apply_to_spells(self, event: Event) -> None:
        at = event.entry.occurred_at
        match event:
            case RoomEvents.BedClosed():
                period, is_planned = Period(event.since, event.until), event.since > at
                closed_state = BedState.CLOSED
                spell = Spell(event.spell, event.bed, closed_state, period, event.why)
                self._begin(replace(spell, planned=is_planned, about=event.patient), event)
            case RoomEvents.CleaningStarted():
                self._begin(Spell(event.spell, event.bed, BedState.CLEANING, Period(at)), event)
            case RoomEvents.BedReserved():
                period, holder = Period(event.since, event.until), (event.patient, event.stay)
                reserved_state = BedState.RESERVED
                spell = Spell(event.spell, event.bed, reserved_state, period, None, *holder)
                self._begin(replace(spell, about=event.about), event)
            case (
                RoomEvents.BedReopened()
                | RoomEvents.CleaningFinished()
                | RoomEvents.ReservationReleased()
            ):
                self._end(event.spell, at)
                self._know(end_of(event.spell), event.entry.precision)
            case RoomEvents.SpellCorrected():
                period = Period(event.since, event.until)
                is_planned = event.since > at
                self._know_corrected(event)
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
            self._know(self.id, event.precision)

    def _know(self, fact: UUID, precision: Precision | None) -> None:
        """Hold how precisely the time of a fact is known: to the minute, unless that is said."""
        if self.precision_of(fact) is not (precision or Precision.MINUTE):
            self.precisions = {**self.precisions, fact: precision or Precision.MINUTE}

    def _know_corrected(self, event: RoomEvents.SpellCorrected) -> None:
        """Hold how precisely corrected times are known; one that stayed, and was not said, as before."""
        old = next((s for s in self.spells if s.id == event.spell), None)
        if old is None:
            return
        if event.since_precision or event.since != old.period.start:
            self._know(event.spell, event.since_precision)
        if event.until_precision or event.until != old.period.end:
            self._know(end_of(event.spell), event.until_precision)

    def _set_policy(self, setting: PolicySetting) -> None:
        policies = list(self.policies)
        insort(policies, setting, key=lambda p: p.since)
        self.policies = tuple(policies)

    def _begin(self, spell: Spell, event: Event) -> None:
        self.spells = (*self.spells, spell)
        if spell.period.start == event.entry.occurred_at:  # or it was said apart, as planned
            self._know(spell.id, event.entry.precision)

    def _end(self, id: UUID, at: datetime) -> None:
        self.spells = tuple(
            replace(s, period=Period(s.period.start, max(s.period.start, at)), ended=True)
            if s.id == id
            else s
            for s in self.spells
        )


def end_of(spell: UUID) -> UUID:
    """Return the fact that a closure, cleaning or reservation ended."""
    return uuid5(spell, "end")
