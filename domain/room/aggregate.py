"""A room with its beds: their states by valid time, and the policies of the room.

A bed is closed (with a reason), being cleaned, or reserved for somebody, in periods of its own;
whether somebody lies in it is not the room's to say: see `domain.room.occupancy`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Sealed, Text
from domain.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    BedRef,
    BedStateBroken,
    InvalidInput,
    NotFound,
    RoomPolicyBroken,
)
from domain.room.occupancy import Claim, newly_claimed
from domain.room.policies import POLICIES, Occupant, RoomPolicy
from domain.stay.history import Stretch
from domain.text import key
from domain.time import Moment, Period


class BedState(DescribedEnum):
    """What a bed is at a moment, the first that applies in this order."""

    OCCUPIED = "OCCUPIED", "A patient lies in it."
    KEPT = "KEPT", "Its patient is on leave and will come back to it."
    CLOSED = "CLOSED", "Nobody may be put into it until it is reopened."
    CLEANING = "CLEANING", "It is being cleaned."
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
    """Whether its end was told (reopened, finished, released), and not only planned."""


class Room(Aggregate):
    """A room of a ward, its beds, their spells, and its policies."""

    TOPIC = "room"

    class Opened(Event):
        TOPIC = "room.opened"
        PUBLIC = "room.opened"
        PUBLIC_FIELDS = {"ward": None, "number": None}
        DESCRIPTION = "A room was opened with its beds."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        ward: Text
        number: Code
        beds: tuple[Code, ...]

    class BedAdded(Event):
        TOPIC = "room.bed-added"
        PUBLIC = "bed.added"
        DESCRIPTION = "A room got another bed."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        bed: Code

    class PolicySet(Event):
        TOPIC = "room.policy-set"
        PUBLIC = "room.policy-set"
        DESCRIPTION = "A policy of a room was set or lifted."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        policy: RoomPolicy
        applies: bool

    class BedClosed(Event):
        """Closed from ``since``, which may be planned, until it is reopened or ``until``."""

        TOPIC = "room.bed-closed"
        PUBLIC = "bed.closed"
        PUBLIC_FIELDS = {"spell": "closure_id"}
        DESCRIPTION = "A bed was closed."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code
        since: Moment
        until: Moment | None
        why: Sealed

    class BedReopened(Event):
        TOPIC = "room.bed-reopened"
        PUBLIC = "bed.reopened"
        PUBLIC_FIELDS = {"spell": "closure_id"}
        DESCRIPTION = "A bed was opened again."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code

    class CleaningStarted(Event):
        TOPIC = "room.cleaning-started"
        PUBLIC = "bed.cleaning-started"
        PUBLIC_FIELDS = {"spell": "cleaning_id"}
        DESCRIPTION = "A bed is being cleaned."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code

    class CleaningFinished(Event):
        TOPIC = "room.cleaning-finished"
        PUBLIC = "bed.cleaning-finished"
        PUBLIC_FIELDS = {"spell": "cleaning_id"}
        DESCRIPTION = "A bed is clean."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code

    class BedReserved(Event):
        """Reserved for a patient or a stay; it lapses at ``until``."""

        TOPIC = "room.bed-reserved"
        PUBLIC = "bed.reserved"
        PUBLIC_FIELDS = {
            "spell": "reservation_id",
            "patient": "for_patient_id",
            "stay": "for_stay_id",
        }
        DESCRIPTION = "A bed was reserved."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code
        since: Moment
        until: Moment
        patient: UUID | None
        stay: UUID | None

    class ReservationReleased(Event):
        TOPIC = "room.reservation-released"
        PUBLIC = "bed.reservation-released"
        PUBLIC_FIELDS = {"spell": "reservation_id"}
        DESCRIPTION = "A reservation was given up."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        spell: UUID
        bed: Code

    def __init__(self) -> None:
        self.ward: str = ""
        self.number: str = ""
        self.beds: dict[str, datetime] = {}
        self.spells: tuple[Spell, ...] = ()
        self.policies: tuple[tuple[datetime, RoomPolicy, bool], ...] = ()

    # -- decide --

    def open(self, ward: Text, number: Text, beds: Sequence[str], envelope: Envelope) -> None:
        """Open the room with its beds. Raises InvalidInput."""
        if not beds:
            raise InvalidInput("beds", "a room needs at least one bed")
        if len({key(bed) for bed in beds}) < len(beds):
            raise InvalidInput("beds", "each bed of a room needs a code of its own")
        self.record(Room.Opened, envelope, ward=ward, number=number, beds=tuple(beds))

    def add_bed(self, bed: str, envelope: Envelope) -> None:
        """Add a bed to the room. Raises AlreadyExists."""
        if self.code_of(bed) in self.beds:
            raise AlreadyExists("bed", bed, "bed")
        self.record(Room.BedAdded, envelope, bed=bed)

    def set_policy(self, policy: RoomPolicy, applies: bool, envelope: Envelope) -> None:
        """Set or lift a policy of the room."""
        self.record(Room.PolicySet, envelope, policy=policy, applies=applies)

    def close_bed(
        self,
        bed: str,
        period: Period,
        why: str,
        claims: Iterable[Claim],
        now: datetime,
        envelope: Envelope,
    ) -> None:
        """Close a bed. While somebody lies in it, it can be closed from a later time on only."""
        bed = self.code_of(bed)
        self._must_have(bed, min(period.start, now))
        self._must_not_be(bed, (BedState.CLOSED,), period)
        self._must_be_empty(bed, period, max(now, envelope.occurred_at), claims)
        self.record(
            Room.BedClosed,
            envelope,
            spell=envelope.id_of("closure"),
            bed=bed,
            since=period.start,
            until=period.end,
            why=why,
        )

    def reopen_bed(self, bed: str, envelope: Envelope) -> None:
        """Reopen a bed: end the closure in force or, where there is none, drop the next planned one."""
        bed = self.code_of(bed)
        spell = self._spell(bed, BedState.CLOSED, envelope.occurred_at, or_planned=True)
        self.record(Room.BedReopened, envelope, spell=spell.id, bed=bed)

    def start_cleaning(
        self, bed: str, claims: Iterable[Claim], now: datetime, envelope: Envelope
    ) -> None:
        """Start cleaning a bed. Raises BedStateBroken, BedOccupied."""
        bed, period = self.code_of(bed), Period(envelope.occurred_at)
        self._must_have(bed, period.start)
        self._must_not_be(bed, (BedState.CLEANING,), period)
        self._must_be_empty(bed, period, max(now, envelope.occurred_at), claims)
        self.record(Room.CleaningStarted, envelope, spell=envelope.id_of("cleaning"), bed=bed)

    def finish_cleaning(self, bed: str, envelope: Envelope) -> None:
        """Finish cleaning a bed. Raises BedStateBroken."""
        bed = self.code_of(bed)
        spell = self._spell(bed, BedState.CLEANING, envelope.occurred_at)
        self.record(Room.CleaningFinished, envelope, spell=spell.id, bed=bed)

    def reserve_bed(
        self, bed: str, period: Period, patient: UUID | None, stay: UUID | None, envelope: Envelope
    ) -> None:
        """Reserve a bed for a patient or a stay. The bed may be occupied; the reservation lapses."""
        if period.end is None or period.is_empty:
            raise InvalidInput("until", "a reservation ends after it begins")
        bed = self.code_of(bed)
        self._must_have(bed, max(period.start, envelope.occurred_at))
        self._must_not_be(bed, (BedState.RESERVED,), period)
        self.record(
            Room.BedReserved,
            envelope,
            spell=envelope.id_of("reservation"),
            bed=bed,
            since=period.start,
            until=period.end,
            patient=patient,
            stay=stay,
        )

    def release_reservation(self, reservation: UUID, envelope: Envelope) -> None:
        """Release a reservation before it lapses. Raises NotFound, BedStateBroken."""
        spell = next((s for s in self.spells if s.id == reservation), None)
        if spell is None or spell.state is not BedState.RESERVED:
            raise NotFound("reservation", str(reservation), "reservation_id")
        if spell.period.is_empty:
            raise BedStateBroken("the reservation was released before it began")
        if spell.period.end is not None and spell.period.end <= envelope.occurred_at:
            raise BedStateBroken("the reservation has ended before that time")
        self.record(Room.ReservationReleased, envelope, spell=spell.id, bed=spell.bed)

    def check_open(
        self,
        stretch: Stretch,
        before: Iterable[Stretch],
        stay: UUID,
        patient: UUID,
        now: datetime,
    ) -> None:
        """Refuse a stretch in a bed that does not exist, is closed, being cleaned or reserved.

        Only time that is newly claimed is checked: whoever lay there when a planned closure began
        may stay. A reservation counts at the beginning of the stretch, a planned closure there and
        all through the part of it that has passed; what was closed or cleaned at once was empty.
        """
        bed = stretch.bed.bed
        self._must_have(bed, stretch.period.start)
        for period in newly_claimed(before, stretch):
            for spell in self.spells:
                if spell.bed != bed or spell.period.is_empty:
                    continue
                if spell.state is BedState.RESERVED:
                    if (
                        period.start in spell.period
                        and spell.stay != stay
                        and (spell.patient is None or spell.patient != patient)
                    ):
                        raise BedNotOpen(stretch.bed, "it is reserved for somebody else")
                elif _refuses(spell, period, now):
                    doing = spell.reason or "it is being cleaned"
                    raise BedNotOpen(stretch.bed, doing)

    def check_policies(self, newcomer: Occupant, others: Sequence[Occupant], at: datetime) -> None:
        """Refuse a newcomer whom one of the policies in force then keeps out."""
        for policy in self.policies_at(at):
            why = POLICIES[policy](newcomer, others, at)
            if why:
                raise RoomPolicyBroken(policy.value, why)

    def policies_at(self, moment: datetime) -> list[RoomPolicy]:
        """Return the policies in force at a moment."""
        in_force: dict[RoomPolicy, bool] = {}
        for since, policy, applies in self.policies:
            if since <= moment:
                in_force[policy] = applies
        return [policy for policy, applies in in_force.items() if applies]

    def code_of(self, typed: str) -> str:
        """Return a bed's code as the room has it; as typed if it has none such."""
        if typed in self.beds:
            return typed
        return next((bed for bed in self.beds if key(bed) == key(typed)), typed)

    def _must_have(self, bed: str, at: datetime) -> None:
        if bed not in self.beds:
            raise NotFound("bed", bed, "bed")
        if at < self.beds[bed]:
            raise BedNotOpen(
                BedRef(self.id, bed), f"it exists only from {self.beds[bed]:%F %R} UTC"
            )

    def _must_not_be(self, bed: str, states: tuple[BedState, ...], period: Period) -> None:
        for spell in self.spells:
            if spell.bed == bed and spell.state in states and spell.period.overlaps(period):
                raise BedStateBroken(f"bed {bed} is {spell.state.value.lower()} in that time")

    def _must_be_empty(
        self, bed: str, period: Period, now: datetime, claims: Iterable[Claim]
    ) -> None:
        """Refuse if somebody comes into the bed in that period, or has it as the period begins.

        Only a period that begins later than now may lie over somebody who has the bed: who will
        still be there then is not known.
        """
        for claim in claims:
            claimed = claim.stretch.period
            comes_in = claimed.start >= period.start and claimed.overlaps(period)
            is_there = period.start <= now and period.start in claimed
            if claim.stretch.bed.bed == bed and (comes_in or is_there):
                raise BedOccupied(claim.stretch.bed, claim.stay)

    def _spell(self, bed: str, state: BedState, at: datetime, or_planned: bool = False) -> Spell:
        """Return the spell in force at a moment, or else the next planned one. Raises BedStateBroken."""
        if bed not in self.beds:
            raise NotFound("bed", bed, "bed")
        spells = [s for s in self.spells if s.bed == bed and s.state is state]
        for spell in spells:
            if at in spell.period:
                if spell.ended:
                    raise BedStateBroken(
                        f"its end is recorded already: {spell.period.end:%F %R} UTC"
                    )
                return spell
        ahead = [s for s in spells if s.planned and s.period.start > at and not s.period.is_empty]
        if or_planned and ahead:
            return min(ahead, key=lambda s: s.period.start)
        raise BedStateBroken(f"bed {bed} is not {state.value.lower()} then")

    # -- evolve --

    def apply(self, event: Event) -> None:
        at = event.entry.occurred_at
        match event:
            case Room.Opened():
                self.ward, self.number = event.ward, event.number
                self.beds = dict.fromkeys(event.beds, at)
            case Room.BedAdded():
                self.beds = {**self.beds, event.bed: at}
            case Room.PolicySet():
                policies = (*self.policies, (at, event.policy, event.applies))
                self.policies = tuple(sorted(policies, key=lambda p: p[0]))
            case Room.BedClosed():
                period = Period(event.since, event.until)
                closed = Spell(event.spell, event.bed, BedState.CLOSED, period, event.why)
                self._begin(replace(closed, planned=event.since > at))
            case Room.CleaningStarted():
                self._begin(Spell(event.spell, event.bed, BedState.CLEANING, Period(at)))
            case Room.BedReserved():
                period = Period(event.since, event.until)
                reserved = Spell(event.spell, event.bed, BedState.RESERVED, period)
                self._begin(replace(reserved, patient=event.patient, stay=event.stay))
            case Room.BedReopened() | Room.CleaningFinished() | Room.ReservationReleased():
                self._end(event.spell, at)
            case _:
                raise UnknownEvent(event)

    def _begin(self, spell: Spell) -> None:
        self.spells = (*self.spells, spell)

    def _end(self, id: UUID, at: datetime) -> None:
        self.spells = tuple(
            replace(s, period=Period(s.period.start, max(s.period.start, at)), ended=True)
            if s.id == id
            else s
            for s in self.spells
        )


def _refuses(spell: Spell, period: Period, now: datetime) -> bool:
    """Return whether a closed or uncleaned bed cannot have been used in a period."""
    if not spell.planned:
        return spell.period.overlaps(period)
    return period.start in spell.period or spell.period.until(now).overlaps(period)
