"""Flags of a patient on the board: raised, lowered, put right and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.aggregate import Event
from domain.board_flags import NOTE
from domain.envelope import Envelope
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    StayStateBroken,
)
from domain.stay.consults import StayConsults
from domain.stay.events import StayEvents
from domain.text import key
from domain.things import Thing
from domain.time import Period, Precision, corrected_time


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that was raised, with the fact that ended it."""

    id: UUID
    flag_kind: str
    note: str | None
    lowering: UUID | None = None


Flags = Mapping[UUID, Flag]


class StayFlags(StayConsults):
    """The commands to the flags of a stay."""

    def __init__(self) -> None:
        super().__init__()
        self.flags: Flags = {}

    def apply(self, event: Event) -> None:
        super().apply(event)
        self.flags = _after(self.flags, event)

    def raise_flag(
        self, flag_kind: str, note: str | None, envelope: Envelope, died_at: datetime | None
    ) -> None:
        """Raise a flag. Raises InvalidInput, StayStateBroken, OutsideStay, PatientDied."""
        flag = Flag(envelope.id_of("flag"), flag_kind, note)
        self._check_flag(flag, Period(envelope.occurred_at))
        self._record(
            StayEvents.FlagRaised,
            envelope,
            died_at,
            flag=flag.id,
            flag_kind=flag_kind,
            note=note,
        )

    def correct_flag(
        self,
        id: UUID,
        at: datetime | None,
        precision: Precision | None,
        flag_kind: str | None,
        note: str | None,
        envelope: Envelope,
        died_at: datetime | None,
    ) -> None:
        """Correct since when a flag holds, what it is or what it says; None leaves a value."""
        flag = self.flag(id)
        at = corrected_time(at, precision, self._period(flag).start)
        if at is None and flag_kind is None and note is None:
            raise InvalidInput("flag_kind", "say what was different")
        period = self._period(flag)
        lowering = self.history.fact(flag.lowering) if flag.lowering else None
        if (
            at
            and lowering
            and self.latest(lowering) < self.span_of(at, precision or Precision.MINUTE)[0]
        ):
            raise ContradictsLaterFacts((self.history.ref(lowering),))
        corrected_flag = Flag(id, flag_kind or flag.flag_kind, note or flag.note, flag.lowering)
        self._check_flag(corrected_flag, Period(at or period.start, period.end))
        self._record(
            StayEvents.FlagCorrected,
            envelope,
            died_at,
            flag=id,
            at=at,
            precision=precision,
            flag_kind=flag_kind,
            note=note,
        )

    def cancel_flag(self, id: UUID, envelope: Envelope) -> None:
        """Take back a flag that never held, and its lowering."""
        if self.flag(id).lowering is not None:
            self.record_lowering_cancel(id, envelope)
        self.record(StayEvents.FlagCancelled, envelope, flag=id)

    def lower_flag(self, id: UUID, envelope: Envelope, died_at: datetime | None) -> None:
        """Lower a flag: it does not hold any more. Raises StayStateBroken."""
        flag = self.flag(id)
        if flag.lowering is not None:
            raise StayStateBroken(Problem.FLAG_LOWERED)
        self._check_after(flag, envelope.occurred_at, envelope.precision)
        lowering = uuid5(id, f"lowering {envelope.command_id}")
        self._record(StayEvents.FlagLowered, envelope, died_at, lowering=lowering, flag=id)

    def correct_flag_lowering(
        self,
        id: UUID,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        died_at: datetime | None,
    ) -> None:
        """Correct when a flag was lowered. Raises StayStateBroken."""
        flag = self.flag(id)
        lowering, fact = _lowering(flag), self.history.fact(_lowering(flag))
        at = corrected_time(at, precision, fact.at) if fact else at
        if at is None:
            raise InvalidInput("occurred_at", "say when it was really lowered")
        self._check_after(flag, at, precision or Precision.MINUTE)
        self._check_flag(flag, Period(self._period(flag).start, at))
        self._record(
            StayEvents.FlagLoweringCorrected,
            envelope,
            died_at,
            lowering=lowering,
            flag=id,
            at=at,
            precision=precision or Precision.MINUTE,
        )

    def cancel_flag_lowering(self, id: UUID, envelope: Envelope) -> None:
        """Take back the lowering of a flag. Raises StayStateBroken."""
        flag = self.flag(id)
        _lowering(flag)
        self._check_flag(flag, Period(self._period(flag).start))
        self.record_lowering_cancel(id, envelope)

    def record_lowering_cancel(self, id: UUID, envelope: Envelope) -> None:
        """Record that a flag was not lowered."""
        lowering = _lowering(self.flag(id))
        self.record(StayEvents.FlagLoweringCancelled, envelope, lowering=lowering, flag=id)

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        flag = next((f.id for f in self.flags.values() if f.lowering == fact), None)
        if fact in self.flags:
            self.correct_flag(fact, at, precision, None, None, envelope, None)
        elif flag:
            self.correct_flag_lowering(flag, at, precision, envelope, None)
        else:
            super().retime(fact, at, precision, envelope)

    def flag(self, id: UUID) -> Flag:
        """Return a flag that is held to have been raised. Raises MovementNotFound."""
        flag = self.flags.get(id)
        if flag is None or self.history.fact(id) is None:
            raise MovementNotFound(Thing.FLAG, id, "flag_id")
        return flag

    def _period(self, flag: Flag) -> Period:
        """Return the period in which a flag holds, as far as nothing but its lowering ends it."""
        raising = self.history.fact(flag.id)
        lowering = self.history.fact(flag.lowering) if flag.lowering else None
        assert raising is not None
        return Period(raising.at, lowering.at if lowering else None)

    def _check_flag(self, flag: Flag, period: Period) -> None:
        """Refuse a flag without its text, or beside another of its kind."""
        if key(flag.flag_kind) == key(NOTE):
            if not (flag.note or "").strip():
                raise InvalidInput("note", "say what is to be noted")
            return
        for other in self.flags.values():
            is_of_kind = other.id != flag.id and key(other.flag_kind) == key(flag.flag_kind)
            if is_of_kind and self.history.fact(other.id) and self._period(other).overlaps(period):
                raise StayStateBroken(
                    Problem.FLAG_UP, f"the flag {flag.flag_kind} is up then already"
                )

    def _check_after(self, flag: Flag, at: datetime, precision: Precision) -> None:
        raising = self.history.fact(flag.id)
        if raising and self.span_of(at, precision)[1] < self.earliest(raising):
            raise InvalidInput("occurred_at", "the flag was raised later than that")


def _lowering(flag: Flag) -> UUID:
    if flag.lowering is None:
        raise StayStateBroken(Problem.FLAG_NOT_LOWERED)
    return flag.lowering


def _after(flags: Flags, event: Event) -> Flags:
    """Return the flags after an event of their stay."""
    if not flags and not isinstance(event, StayEvents.FlagRaised):
        return flags
    match event:
        case StayEvents.FlagRaised():
            return {**flags, event.flag: Flag(event.flag, event.flag_kind, event.note)}
        case StayEvents.FlagCorrected():
            values = {"flag_kind": event.flag_kind, "note": event.note}
            return _with(flags, event.flag, **{n: v for n, v in values.items() if v is not None})
        case StayEvents.FlagCancelled():
            return {id: flag for id, flag in flags.items() if id != event.flag}
        case StayEvents.FlagLowered():
            return _with(flags, event.flag, lowering=event.lowering)
        case StayEvents.FlagLoweringCancelled():
            return _with(flags, event.flag, lowering=None)
        case StayEvents.AdmissionCancelled():
            return {id: flag for id, flag in flags.items() if id not in event.voided}
        case _:
            return flags


def _with(flags: Flags, id: UUID, **values: Any) -> Flags:
    flag = flags.get(id)  # a read model may have skipped it
    return flags if flag is None else {**flags, id: replace(flag, **values)}
