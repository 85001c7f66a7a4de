"""Placements of facts that are known to the day or hour: one contradicts nothing of its day.

Each is held at some moment of its day. A command that contradicts it only because of that moment is
tried again with the fact at another moment of its day, be it a recorded one or one that the command
tells.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from msgspec.structs import replace

from application import hospital_days, persons
from application.stay_end import let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.envelope import Envelope
from domain.prescription.aggregate import Prescription
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    ContradictsLaterFacts,
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
from domain.stay.facts import Observation
from domain.time import MINUTE, Precision

OF_TIME = (
    BedNotOpen,
    BedOccupied,
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

MOST = 16
"""The placements that are tried, at most, before the command is refused."""

PLACED = ("visit", "consult")
"""The observations that can be held at another moment."""

REASON = "held at another moment of its day: another fact of that day is known more precisely"


@dataclass(frozen=True, slots=True)
class ImpreciseFact:
    """A recorded fact of a stay or a prescription that is known to the day or hour."""

    of: UUID
    id: UUID
    at: datetime
    precision: Precision
    in_stay: bool


@dataclass(frozen=True)
class Placement:
    """Other moments for recorded facts, and for what the command tells (by its part)."""

    recorded: Mapping[ImpreciseFact, datetime] = field(default_factory=dict)
    told: Mapping[str, datetime] = field(default_factory=dict)

    def apply(self, uow: UnitOfWork) -> None:
        """Hold the facts at these moments, before the command is decided. Raises Refusals."""
        uow.place(self.told)
        reason = uow.entry.reason or REASON
        entry = replace(uow.entry, occurred_at=uow.now, precision=Precision.MINUTE, reason=reason)
        for fact, at in self.recorded.items():
            if fact.in_stay:
                for stay in uow.load(Stay, fact.of, *uow.streams_of(fact.id)):
                    _place_in_stay(uow, stay, fact, at, entry)
            else:
                for prescription in uow.load(Prescription, fact.of):
                    _place_in_prescription(prescription, fact, at, entry)

    def check(self, uow: UnitOfWork) -> None:
        """Refuse stays that the command itself has not checked. Raises ContradictsLaterFacts."""
        for fact in self.recorded:
            for stay in uow.load(Stay, fact.of) if fact.in_stay else ():
                if stay.exists:
                    stay.history.check((), persons.told_death_at(uow, stay.patient))


def placements(uow: UnitOfWork, refusal: Refusal) -> Iterator[Placement]:
    """Return the placements to try for a command that was refused, those that move least first."""
    if not isinstance(refusal, OF_TIME):
        return iter(())
    if isinstance(refusal, BedOccupied):
        uow.load(Stay, refusal.by_stay)
    return islice(_placements(uow), MOST)


def _placements(uow: UnitOfWork) -> Iterator[Placement]:
    times = uow.told_times
    known_moments = {*_moments(uow), *(at for at, _ in times.values())}
    imprecise_parts = {
        part: hospital_days.other_moments(uow, at, precision, known_moments)
        for part, (at, precision) in times.items()
        if precision in (Precision.HOUR, Precision.DAY)
    }
    for part, moments in imprecise_parts.items():
        for moment in moments:
            yield Placement(told={part: moment})
    if len(imprecise_parts) > 1:
        for moment in dict.fromkeys(m for moments in imprecise_parts.values() for m in moments):
            yield Placement(told=dict.fromkeys(imprecise_parts, moment))
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
    """Yield the facts of the stays and prescriptions at hand that are known to the day or hour."""
    for aggregate in list(uow.loaded.values()):
        if isinstance(aggregate, Stay) and aggregate.exists:
            facts = [
                (f.id, f.at, f.precision)
                for f in uow.before[aggregate.id].history.facts
                if not isinstance(f, Observation) or f.name in PLACED
            ]
        elif isinstance(aggregate, Prescription) and aggregate.exists:
            course = aggregate.course
            facts = [(s.id, s.at, s.precision) for s in course.steps if s.discharge is None]
            facts += [(dose.id, dose.at, dose.precision) for dose in course.doses]
        else:
            continue
        for id, at, precision in facts:
            if precision in (Precision.HOUR, Precision.DAY):
                in_stay = isinstance(aggregate, Stay)
                yield ImpreciseFact(aggregate.id, id, at, precision, in_stay)


def _moments(uow: UnitOfWork) -> Iterator[datetime]:
    """Yield the moments of all that is recorded in the stays, prescriptions and rooms at hand."""
    for aggregate in uow.loaded.values():
        if isinstance(aggregate, Stay):
            yield from (fact.at for fact in aggregate.history.facts)
        elif isinstance(aggregate, Prescription) and aggregate.exists:
            yield from (fact.occurred_at for fact in aggregate.all_facts())
        elif isinstance(aggregate, Room):
            for spell in aggregate.spells:
                yield spell.period.start
                if spell.period.end:
                    yield spell.period.end


def _place_in_stay(
    uow: UnitOfWork, stay: Stay, fact: ImpreciseFact, at: datetime, entry: Envelope
) -> None:
    held_fact = stay.history.fact(fact.id)
    if held_fact is None or held_fact.at == at:
        return
    ends = stay.history.ends
    checks = stay.deferred
    stay.defer_checks()  # the command's own check is of the whole history
    if not isinstance(held_fact, Observation):
        stay.correct_movement(fact.id, at, fact.precision, None, entry)
    elif held_fact.name == "visit":
        stay.amend_visit(fact.id, at, fact.precision, None, None, None, entry)
    else:
        nothing_else = dict.fromkeys(("specialty", "asked", "requested_by", "question"))
        stay.correct_consult(fact.id, at, fact.precision, entry, None, **nothing_else)
    stay.deferred = checks
    if stay.history.ends != ends:
        let_prescriptions_follow(uow, stay)


def _place_in_prescription(
    prescription: Prescription, fact: ImpreciseFact, at: datetime, entry: Envelope
) -> None:
    no_details = (None, None, None, None)
    if prescription.course.step(fact.id):
        prescription.correct_change(fact.id, at, fact.precision, *no_details, entry)
    elif prescription.course.dose(fact.id):
        prescription.correct_administration(fact.id, at, fact.precision, *no_details, entry)
