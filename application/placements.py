"""Placements of facts that are known to the day or hour: one contradicts nothing of its day.

Each is held at some moment of its day. A command that contradicts it only because of that moment is
tried again with the fact at another moment of its day, be it a recorded one or one of the command.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from msgspec.structs import replace

from application import bed_claims, hospital_days, persons
from application.stay_end import let_prescription_follow, let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.aggregate import Aggregate
from domain.envelope import Envelope
from domain.prescription.aggregate import Prescription
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    ContradictsLaterFacts,
    InvalidInput,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
    Refusal,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    StayStateBroken,
)
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay
from domain.stay.facts import Move
from domain.time import MINUTE, Precision

OF_TIME = (
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    ContradictsLaterFacts,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    StayStateBroken,
)
"""The refusals that may rest on a moment."""

TIMES = {"occurred_at", "from", "until"}
"""The parts of an input that say a moment: an invalid one may rest on another fact of its day."""

MOST = 16
"""The placements that are tried, at most, before the command is refused."""

REASON = "held at another moment of its day: another fact of that day is known more precisely"


@dataclass(frozen=True, slots=True)
class ImpreciseFact:
    """A recorded fact that is known to the day or hour, of an aggregate of some kind."""

    kind: type[Aggregate]
    of: UUID
    id: UUID
    at: datetime
    precision: Precision


@dataclass(frozen=True)
class Placement:
    """Other moments for recorded facts, and for parts of the command."""

    recorded: Mapping[ImpreciseFact, datetime] = field(default_factory=dict)
    stated: Mapping[str, datetime] = field(default_factory=dict)

    def apply(self, uow: UnitOfWork) -> None:
        """Hold the facts at these moments, before the command is decided. Raises Refusals."""
        uow.entry = uow.times.place(self.stated, uow.entry)
        reason = uow.entry.reason or REASON
        entry = replace(uow.entry, occurred_at=uow.now, precision=Precision.MINUTE, reason=reason)
        for fact, at in self.recorded.items():
            for aggregate in uow.load(fact.kind, fact.of, *uow.streams_of(fact.id)):
                _hold(uow, aggregate, fact, at, entry)
        uow.made_room = {a.id: len(a.pending_events) for a in uow.loaded.values()}
        uow.read_order.clear()

    def check(self, uow: UnitOfWork) -> None:
        """Refuse stays that the command itself has not checked. Raises ContradictsLaterFacts."""
        for fact in self.recorded:
            for stay in uow.load(Stay, fact.of) if fact.kind is Stay else ():
                if stay.exists:
                    stay.history.check((), persons.recorded_death_at(uow, stay.patient))
                    _check_first_bed(stay, fact.id)


def placements(uow: UnitOfWork, refusal: Refusal) -> Iterator[Placement]:
    """Return the placements to try for a command that was refused, those that move least first."""
    is_invalid_time = isinstance(refusal, InvalidInput) and refusal.field in TIMES
    if not (is_invalid_time or isinstance(refusal, OF_TIME)):
        return iter(())
    if isinstance(refusal, BedOccupied):
        uow.load(Stay, refusal.by_stay)
    return islice(_placements(uow), MOST)


def _placements(uow: UnitOfWork) -> Iterator[Placement]:
    times = uow.times.stated_times(uow.entry)
    known_moments = {*_moments(uow), *(at for at, _ in times.values())}
    imprecise_parts = {
        part: hospital_days.other_moments(uow, at, precision, known_moments)
        for part, (at, precision) in times.items()
        if precision in (Precision.HOUR, Precision.DAY)
    }
    for part, moments in imprecise_parts.items():
        for moment in moments:
            yield Placement(stated={part: moment})
    if len(imprecise_parts) > 1:
        for moment in dict.fromkeys(m for moments in imprecise_parts.values() for m in moments):
            yield Placement(stated=dict.fromkeys(imprecise_parts, moment))
    facts = list(_imprecise_facts(uow))
    for at, _ in times.values():
        near = {fact: s for fact in facts if (s := _span(uow, fact))[0] <= at <= s[1]}
        for fact in near:
            for moment in hospital_days.other_moments(uow, fact.at, fact.precision, {at}):
                yield Placement({fact: moment})
        if len(near) > 1:
            yield Placement({fact: at for fact in near if fact.at > at})
            later = at + MINUTE
            yield Placement({f: later for f, s in near.items() if f.at <= at and later <= s[1]})
        for fact in near:
            for moment in hospital_days.other_moments(
                uow, fact.at, fact.precision, known_moments - {at}
            ):
                yield Placement({fact: moment})


def _span(uow: UnitOfWork, fact: ImpreciseFact) -> tuple[datetime, datetime]:
    return hospital_days.span_of(uow, fact.at, fact.precision)


def _imprecise_facts(uow: UnitOfWork) -> Iterator[ImpreciseFact]:
    """Yield the recorded facts of all that is at hand which are known to the day or hour."""
    for aggregate in [a for a in uow.loaded.values() if a.version > len(a.pending_events)]:
        before = uow.before.get(aggregate.id)
        for fact in before.history.facts if before else aggregate.timed_facts():
            if fact.precision in (Precision.HOUR, Precision.DAY):
                kind = type(aggregate)
                yield ImpreciseFact(kind, aggregate.id, fact.id, fact.at, fact.precision)


def _moments(uow: UnitOfWork) -> Iterator[datetime]:
    """Yield the moments of all that is recorded in the stays, prescriptions and rooms at hand."""
    for aggregate in uow.loaded.values():
        if isinstance(aggregate, Stay):
            yield from (fact.at for fact in aggregate.history.facts)
        elif isinstance(aggregate, Prescription) and aggregate.exists:
            yield from (fact.occurred_at for fact in aggregate.all_facts())
        elif isinstance(aggregate, Room):
            yield from (fact.at for fact in aggregate.timed_facts())
            yield from (spell.period.end for spell in aggregate.spells if spell.period.end)


def _check_first_bed(stay: Stay, id: UUID) -> None:
    """Refuse that a bed told with the admission follows another. Raises ContradictsLaterFacts."""
    moves = [fact for fact in stay.history.facts if isinstance(fact, Move)]
    admission = stay.history.admission
    bed = next((move for move in moves if move.id == id), None)
    if bed and admission and bed.act == admission.act and bed != moves[0]:
        raise ContradictsLaterFacts((stay.history.ref(moves[0]),))


def _hold(
    uow: UnitOfWork, aggregate: Aggregate, fact: ImpreciseFact, at: datetime, entry: Envelope
) -> None:
    held_fact = next((f for f in aggregate.timed_facts() if f.id == fact.id), None)
    if held_fact is None or held_fact.at == at:
        return
    if isinstance(aggregate, Room):
        claims = bed_claims.claims_on(uow, aggregate.id)
        aggregate.retime(fact.id, at, fact.precision, entry, claims)
        return
    if not isinstance(aggregate, Stay):
        aggregate.retime(fact.id, at, fact.precision, entry)
        if isinstance(aggregate, Prescription):
            let_prescription_follow(uow, aggregate)
        return
    ends, checks = aggregate.history.ends, aggregate.deferred
    aggregate.defer_checks()  # the command's own check is of the whole history
    aggregate.retime(fact.id, at, fact.precision, entry)
    aggregate.deferred = checks
    if aggregate.history.ends != ends:
        let_prescriptions_follow(uow, aggregate)
