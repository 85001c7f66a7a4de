"""A room with its beds: their states by valid time, and the policies of the room.

A bed is closed (with a reason), being cleaned, or reserved for somebody, in periods of its own;
whether somebody lies in it is not the room's to say: see `domain.room.occupancy`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace as replace_entry

from domain.envelope import Envelope, Text
from domain.problems import Problem
from domain.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    InvalidInput,
    NotFound,
    PolicyName,
    RoomPolicyBroken,
)
from domain.room.details import RoomDetails
from domain.room.occupancy import Claim, newly_claimed
from domain.room.policies import POLICIES, Occupant, RoomPolicy
from domain.room.state import BedState, Spell, end_of
from domain.stay.history import Stretch
from domain.text import key
from domain.things import Thing
from domain.time import Period, Precision, corrected_time

__all__ = ["BedState", "Room", "Spell"]


class Room(RoomDetails):
    """A room of a ward, its beds, their spells, and its policies."""

    TOPIC = "room"
    THING = Thing.ROOM

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
            raise AlreadyExists(Thing.BED, bed, "bed")
        self._must_be_open(envelope.occurred_at)
        self.record(Room.BedAdded, envelope, bed=bed)

    # -- policies, closures, cleaning, reservations --

    def set_policy(self, policy: RoomPolicy, applies: bool, envelope: Envelope) -> None:
        """Set or lift a policy of the room."""
        self.record(Room.PolicySet, envelope, policy=policy, applies=applies)

    def correct_policy(
        self,
        policy: RoomPolicy,
        set_at: datetime,
        since: datetime | None,
        envelope: Envelope,
        precision: Precision | None = None,
    ) -> None:
        """Correct when a policy was set or lifted. Raises InvalidInput."""
        self._must_have_policy(policy, set_at)
        since = corrected_time(since, precision, set_at)
        if since is None:
            raise InvalidInput("occurred_at", "say when it was really set or lifted")
        times = {"set_at": set_at, "since": since, "precision": precision}
        self.record(Room.PolicyCorrected, envelope, policy=policy, **times)

    def cancel_policy(self, policy: RoomPolicy, set_at: datetime, envelope: Envelope) -> None:
        """Take back that a policy was set or lifted. Raises InvalidInput."""
        self._must_have_policy(policy, set_at)
        self.record(Room.PolicyCancelled, envelope, policy=policy, set_at=set_at)

    def correct_spell(
        self,
        id: UUID,
        since: datetime | None,
        until: datetime | None,
        open_ended: bool,
        claims: Iterable[Claim],
        now: datetime,
        envelope: Envelope,
        about: UUID | None = None,
        precision: Precision | None = None,
    ) -> None:
        """Correct the times of a closure, cleaning or reservation; what is absent stays as it was.

        ``about``: the person whom the reason is about, by default that of the closure.
        ``precision``: of the times that are given; with none, of the beginning as it is held.
        Raises NotFound, InvalidInput, BedStateBroken, BedOccupied.
        """
        old = self._spell_of(id)
        period = old.corrected_period(since, until, open_ended, precision, now)
        self._must_have(old.bed, min(period.start, now))
        others = [s for s in self.spells if s.id != id]
        _must_not_be(others, old.bed, old.state, period)
        if old.state is not BedState.RESERVED:
            claims = list(claims)
            for part in period.without([old.period]):
                self._must_be_empty(old.bed, part, max(now, envelope.occurred_at), claims)
        self.record(
            Room.SpellCorrected,
            envelope,
            spell=id,
            bed=old.bed,
            since=period.start,
            until=period.end,
            ended=period.end is not None
            and (old.ended or (until is not None and period.end <= now)),
            patient=about or old.about,
            since_precision=precision if since or not until else None,
            until_precision=precision if until else None,
        )

    def cancel_spell(self, id: UUID, envelope: Envelope, about: UUID | None = None) -> None:
        """Take back a closure, cleaning or reservation that was entered in error. Raises NotFound."""
        old = self._spell_of(id)
        patient = about or old.about
        self.record(Room.SpellCancelled, envelope, spell=id, bed=old.bed, patient=patient)

    def close_bed(
        self,
        bed: str,
        period: Period,
        why: str,
        claims: Iterable[Claim],
        now: datetime,
        envelope: Envelope,
        about: UUID | None = None,
        *,
        id: UUID | None = None,
        is_over: bool = False,
    ) -> None:
        """Close a bed. While somebody lies in it, it can be closed from a later time on only.

        ``about``: the person whom the reason is about. ``is_over``: it was reopened at its end.
        """
        bed = self.code_of(bed)
        self._must_have(bed, min(period.start, now))
        _must_not_be(self.spells, bed, BedState.CLOSED, period)
        self._must_be_empty(bed, period, max(now, envelope.occurred_at), claims)
        self.record(
            Room.BedClosed,
            envelope,
            spell=id or envelope.id_of("closure"),
            bed=bed,
            since=period.start,
            until=None if is_over else period.end,
            why=why,
            patient=about,
        )
        if is_over and period.end is not None:
            self.reopen_bed(bed, replace_entry(envelope, occurred_at=period.end), about)

    def reopen_bed(self, bed: str, envelope: Envelope, about: UUID | None = None) -> None:
        """Reopen a bed: end the closure in force or, where there is none, drop the next planned one."""
        bed = self.code_of(bed)
        spell = self._spell(bed, BedState.CLOSED, envelope.occurred_at, or_planned=True)
        patient = about or spell.about
        self.record(Room.BedReopened, envelope, spell=spell.id, bed=bed, patient=patient)

    def start_cleaning(
        self,
        bed: str,
        claims: Iterable[Claim],
        now: datetime,
        envelope: Envelope,
        *,
        id: UUID | None = None,
        until: datetime | None = None,
    ) -> None:
        """Start cleaning a bed; ``until``: it was finished then. Raises BedStateBroken, BedOccupied."""
        bed, period = self.code_of(bed), Period(envelope.occurred_at, until)
        self._must_have(bed, period.start)
        _must_not_be(self.spells, bed, BedState.CLEANING, period)
        self._must_be_empty(bed, period, max(now, envelope.occurred_at), claims)
        spell = id or envelope.id_of("cleaning")
        self.record(Room.CleaningStarted, envelope, spell=spell, bed=bed)
        if until is not None:
            self.finish_cleaning(bed, replace_entry(envelope, occurred_at=until))

    def is_in(self, bed: str, state: BedState, at: datetime) -> bool:
        """Return whether a bed is closed, being cleaned or reserved at a moment."""
        return any(s.bed == bed and s.state is state and at in s.period for s in self.spells)

    def finish_cleaning(self, bed: str, envelope: Envelope) -> None:
        """Finish cleaning a bed. Raises BedStateBroken."""
        bed = self.code_of(bed)
        spell = self._spell(bed, BedState.CLEANING, envelope.occurred_at)
        self.record(Room.CleaningFinished, envelope, spell=spell.id, bed=bed)

    def reserve_bed(
        self,
        bed: str,
        period: Period,
        patient: UUID | None,
        stay: UUID | None,
        envelope: Envelope,
        reservation_ends: Mapping[UUID, datetime] | None = None,
        *,
        id: UUID | None = None,
        about: UUID | None = None,
    ) -> None:
        """Reserve a bed for a patient or a stay. The bed may be occupied; the reservation lapses.

        ``about``: the patient, of the stay or named. ``reservation_ends``: when other reservations
        ended by use or by a death, by their ids.
        """
        if period.end is None or period.is_empty:
            raise InvalidInput("until", "it has to be after the reservation begins")
        bed = self.code_of(bed)
        self._must_have(bed, max(period.start, envelope.occurred_at))
        _must_not_be(_until(self.spells, reservation_ends or {}), bed, BedState.RESERVED, period)
        self.record(
            Room.BedReserved,
            envelope,
            spell=id or envelope.id_of("reservation"),
            bed=bed,
            since=period.start,
            until=period.end,
            patient=patient,
            stay=stay,
            about=about,
        )

    def release_reservation(self, reservation: UUID, envelope: Envelope) -> None:
        """Release a reservation before it lapses. Raises NotFound, BedStateBroken."""
        spell = next((s for s in self.spells if s.id == reservation), None)
        if spell is None or spell.state is not BedState.RESERVED:
            raise NotFound(Thing.RESERVATION, str(reservation), "reservation_id")
        if spell.period.is_empty:
            raise BedStateBroken(Problem.RESERVATION_RELEASED)
        if spell.period.end is not None and spell.period.end <= envelope.occurred_at:
            raise BedStateBroken(Problem.RESERVATION_ENDED)
        ids = {"spell": spell.id, "bed": spell.bed, "patient": spell.about}
        self.record(Room.ReservationReleased, envelope, **ids)

    def check_open(
        self,
        stretch: Stretch,
        before: Iterable[Stretch],
        stay: UUID,
        patient: UUID,
        now: datetime,
        reservation_ends: Mapping[UUID, datetime],
    ) -> None:
        """Refuse a stretch in a bed that does not exist, is closed, being cleaned or reserved.

        Only time that is newly claimed is checked: whoever lay there when a planned closure began
        may stay. A reservation counts at the beginning of the stretch alone, whatever is learned of
        its end afterwards; a planned closure there and all through the part of it that has passed;
        what was closed or cleaned at once was empty.
        ``reservation_ends``: when reservations ended by use or by a death, by their ids.
        """
        bed = stretch.bed.bed
        self._must_have(bed, stretch.period.start)
        retired_at, end = self.retired.get(bed), stretch.period.end
        if retired_at is not None and (end is None or end > retired_at):
            self._must_have(bed, retired_at)
        for period in newly_claimed(before, stretch):
            for spell in _until(self.spells, reservation_ends):
                if spell.bed != bed or spell.period.is_empty:
                    continue
                if spell.state is BedState.RESERVED:
                    if (
                        period.start == stretch.period.start
                        and period.start in spell.period
                        and spell.stay != stay
                        and (spell.patient is None or spell.patient != patient)
                    ):
                        raise BedNotOpen(
                            stretch.bed, "it is reserved for somebody else", spell.state
                        )
                elif spell.keeps_out(period, now):
                    doing = spell.reason or "it is being cleaned"
                    raise BedNotOpen(
                        stretch.bed, doing, spell.state, is_free_text=spell.reason is not None
                    )

    def check_policies(self, newcomer: Occupant, others: Sequence[Occupant], at: datetime) -> None:
        """Refuse a newcomer whom one of the policies in force then keeps out."""
        for policy in self.policies_at(at):
            objection = POLICIES[policy](newcomer, others, at)
            if objection:
                raise RoomPolicyBroken(PolicyName(policy.value), objection)

    def retime(
        self,
        fact: UUID,
        at: datetime,
        precision: Precision,
        envelope: Envelope,
        claims: Iterable[Claim] = (),
    ) -> None:
        claims, now = list(claims), envelope.occurred_at
        if fact == self.id:
            self.correct(None, None, at, claims, envelope, precision)
        for bed in [b for b in self.beds if self.adding_of(b) == fact]:
            self.correct_bed(bed, at, claims, envelope, precision)
        for bed in [b for b in self.retired if self.retirement_of(b) == fact]:
            self.cancel_retirement([bed], envelope)
            entry = replace_entry(envelope, occurred_at=at, precision=precision)
            self.retire([bed], claims, entry)
        for setting in [s for s in self.policies if s.id == fact]:
            self.correct_policy(setting.policy, setting.since, at, envelope, precision)
        for spell in [s for s in self.spells if fact in (s.id, end_of(s.id))]:
            since, until = (at, None) if fact == spell.id else (None, at)
            correction = (since, until, False, claims, now, envelope, None, precision)
            self.correct_spell(spell.id, *correction)

    def _must_have_policy(self, policy: RoomPolicy, set_at: datetime) -> None:
        if not any((p.since, p.policy) == (set_at, policy) for p in self.policies):
            raise InvalidInput("set_at", f"{policy.value} was not set or lifted then")

    def _spell_of(self, id: UUID) -> Spell:
        spell = next((s for s in self.spells if s.id == id), None)
        if spell is None:
            raise NotFound(Thing.BED_STATE, str(id), "bed_state_id")
        return spell

    def _must_be_empty(
        self, bed: str, period: Period, now: datetime, claims: Iterable[Claim]
    ) -> None:
        """Refuse if somebody comes into the bed in that period, or has it as the period begins.

        Only a period that begins later than now may lie over somebody who has the bed: who will
        still be there then is not known.
        """
        for claim in claims:
            claimed_stretch = claim.stretch.period
            comes_in = claimed_stretch.start >= period.start and claimed_stretch.collides(period)
            is_there = period.start <= now and period.start in claimed_stretch
            if claim.stretch.bed.bed == bed and (comes_in or is_there):
                raise BedOccupied(claim.stretch.bed, claim.stay)

    def _spell(self, bed: str, state: BedState, at: datetime, or_planned: bool = False) -> Spell:
        """Return the spell in force at a moment, or else the next planned one. Raises BedStateBroken."""
        if bed not in self.beds:
            raise NotFound(Thing.BED, bed, "bed")
        spells = [s for s in self.spells if s.bed == bed and s.state is state]
        for spell in spells:
            if at in spell.period:
                if spell.ended:
                    raise BedStateBroken(
                        Problem.BED_STATE_ENDED,
                        f"its end is recorded already: {spell.period.end}",
                        state,
                    )
                return spell
        planned_spells = [
            s for s in spells if s.planned and s.period.start > at and not s.period.is_empty
        ]
        if or_planned and planned_spells:
            return min(planned_spells, key=lambda s: s.period.start)
        raise BedStateBroken(
            Problem.BED_NOT_IN_STATE, f"bed {bed} is not {state.value.lower()} then", state
        )


def _until(spells: Iterable[Spell], reservation_ends: Mapping[UUID, datetime]) -> Iterator[Spell]:
    """Yield spells, those that ended before their time only until then."""
    for spell in spells:
        end = reservation_ends.get(spell.id)
        yield spell if end is None else replace(spell, period=spell.period.until(end))


def _must_not_be(spells: Iterable[Spell], bed: str, state: BedState, period: Period) -> None:
    for spell in spells:
        if spell.bed == bed and spell.state is state and spell.period.overlaps(period):
            raise BedStateBroken(
                Problem.BED_IN_STATE, f"bed {bed} is {state.value.lower()} in that time", state
            )
