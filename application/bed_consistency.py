"""Checks of what a command does to beds and occupants, and its claims told to the rooms."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from application import bed_claims, hospital_days, lookups, persons, reservations
from application.cleaning import check_clean
from application.sharers import check_shared_beds, check_sharing
from application.unit_of_work import UnitOfWork
from domain.fact_ref import FactKind, FactRef
from domain.prescription.aggregate import Prescription
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    SharersUnplaced,
)
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Claim, check_free, newly_claimed, outside_of_mother
from domain.room.policies import Occupant
from domain.stay.aggregate import Stay
from domain.stay.history import History, Stretch
from domain.time import Period, Precision, minute_of


def check_bed_consistency(uow: UnitOfWork) -> None:
    """Let the beds follow the stays: check every stretch that is new, tell each room."""
    moving_stays = {
        stay.id: stay
        for stay in uow.loaded.values()
        if isinstance(stay, Stay) and (uow.has_other_beds(stay) or uow.went_to_another(stay))
    }
    if moving_stays:
        bed_claims.read(uow, _spans(uow, moving_stays.values()), moving_stays)
        for stay in moving_stays.values():
            for room, difference in uow.differences(stay).items():
                bed_claims.rest_on(
                    uow, room, {s.bed.bed for s in (*difference.ended, *difference.begun)}
                )
    children = [
        child for stay in moving_stays.values() for child in _left_by(uow, stay, moving_stays)
    ]
    if children:
        raise SharersUnplaced(tuple(dict.fromkeys(children)))
    for stay in moving_stays.values():
        for stretch in _new_stretches(uow, stay):
            _check_stretch(uow, stay, stretch, moving_stays)
    for stay in moving_stays.values():
        assert stay.patient is not None
        for room, difference in uow.differences(stay).items():
            bed_claims.occupancy(uow, room).change(
                room, stay.id, stay.patient, difference, stay.about, uow.entry
            )
    check_shared_beds(uow)
    for stay in [s for s in uow.loaded.values() if isinstance(s, Stay)]:
        if stay.id not in uow.reassigned:
            _check_person(uow, stay)
        _check_clinical(uow, stay)
        _check_bed_requests(uow, stay)


def _spans(uow: UnitOfWork, stays: Iterable[Stay]) -> dict[UUID, Period | None]:
    """Return the rooms whose beds stays take or leave, with the time in which each takes any."""
    spans: dict[UUID, Period | None] = {}
    for stay in stays:
        spans = dict.fromkeys(uow.differences(stay)) | spans
        for stretch in _new_stretches(uow, stay):
            spans[stretch.bed.room] = stretch.period.hull(spans.get(stretch.bed.room))
    return spans


def _new_stretches(uow: UnitOfWork, stay: Stay) -> Iterator[Stretch]:
    """Yield the stretches that the command gives a stay, those of no duration last."""
    for difference in uow.differences(stay).values():
        yield from difference.begun
    yield from set(stay.history.instants) - set(uow.before[stay.id].history.instants)


def _check_stretch(
    uow: UnitOfWork, stay: Stay, stretch: Stretch, moving_stays: dict[UUID, Stay]
) -> None:
    """Refuse a stretch in a bed that is taken, not open, or against the room's policies."""
    assert stay.patient is not None
    room = uow.one(Room, stretch.bed.room, "room")
    new = newly_claimed(uow.before[stay.id].stretches, stretch)
    has_policies = bool(new and room.policies_at(stretch.period.start))
    claims = bed_claims.claims_on(
        uow, room.id, stretch.period, None if has_policies else stretch.bed.bed
    )
    others = [
        c
        for c in claims
        if c.stay not in moving_stays and c.stretch.period.collides(stretch.period)
    ]
    others += [
        Claim(other.id, other_stretch)
        for other in moving_stays.values()
        for other_stretch in (*other.stretches, *other.history.instants)
        if other_stretch.bed.room == room.id and other_stretch.period.collides(stretch.period)
    ]
    check_free(stay.id, stretch, others)
    before = uow.before[stay.id].stretches
    reserved_for = {
        spell.patient
        for spell in room.spells
        if spell.bed == stretch.bed.bed and spell.state is BedState.RESERVED
    }
    records = (r.id for r in persons.records(uow, stay.patient) if r.id in reserved_for)
    patient = next(records, stay.patient)
    reservation_ends = reservations.early_ends(uow, room, stretch.bed.bed) if reserved_for else {}
    room.check_open(stretch, before, stay.id, patient, uow.now, reservation_ends)
    if any(period.start == stretch.period.start for period in new):
        check_clean(uow, stay, stretch, moving_stays, room)
    if stretch.shares_bed_of is not None:
        mother = uow.one(Stay, stretch.shares_bed_of, "shares_bed_of")
        if outside_of_mother(stretch, (*mother.stretches, *mother.history.instants)):
            objection = f"stay {mother.id} does not have that bed all the time"
            raise InvalidInput("shares_bed_of", objection)
        check_sharing(uow, stay, stretch, mother, before)
    if has_policies:
        _check_policies(uow, stay, stretch, others, room)


def _check_policies(
    uow: UnitOfWork, stay: Stay, stretch: Stretch, others: list[Claim], room: Room
) -> None:
    mothers = {c.stay: c.stretch.shares_bed_of for c in others if c.stay != stay.id}
    stays = uow.load(Stay, *mothers)
    occupants = [_occupant(uow, other, mothers[other.id]) for other in stays]
    newcomer = _occupant(uow, stay, stretch.shares_bed_of)
    room.check_policies(newcomer, occupants, hospital_days.local(uow, stretch.period.start))


def _occupant(uow: UnitOfWork, stay: Stay, mother: UUID | None) -> Occupant:
    assert stay.patient is not None
    sex, birth_date = persons.sex_of(uow, stay.patient), persons.born_on(uow, stay.patient)
    return Occupant(stay.id, sex, birth_date, mother)


def _left_by(uow: UnitOfWork, mother: Stay, moving_stays: dict[UUID, Stay]) -> list[UUID]:
    """Return the children who share a bed of a stay outside of its stretches there."""
    if not any(difference.ended for difference in uow.differences(mother).values()):
        return []
    children = [c for c in bed_claims.sharers(uow, mother.id) if c.stay not in moving_stays]
    children += [  # all of them: those that do not change may lie outside of hers now
        Claim(other.id, other_stretch)
        for other in moving_stays.values()
        for other_stretch in other.stretches
        if other_stretch.shares_bed_of == mother.id
    ]
    return [
        c.stay
        for c in children
        if not c.stretch.period.is_empty and outside_of_mother(c.stretch, mother.stretches)
    ]


def _check_person(uow: UnitOfWork, stay: Stay) -> None:
    """Refuse a stay beside another of the person. Claims hold no stay of no duration: all are read."""
    period = stay.history.presence
    if period is None or stay.patient is None or period == uow.before[stay.id].history.presence:
        return
    persons.check_one_stay(uow, stay, stay.patient)


def _check_clinical(uow: UnitOfWork, stay: Stay) -> None:
    """Refuse a stay that is no longer open when something was prescribed or given in it."""
    before, now = uow.before[stay.id].history, stay.history
    was_moment = before.period is not None and before.period.is_empty
    is_shorter = (was_moment and now.period != before.period) or any(
        p.without(now.open_periods) for p in before.open_periods
    )
    if not is_shorter and before.care == now.care:
        return
    admission = stay.history.admission
    outside_facts = [
        fact
        for prescription in lookups.prescriptions_of(uow, stay)
        for fact in prescription.facts()
        if not stay.history.includes(fact.occurred_at)
        and not (fact.kind == "prescription" and admission and fact.occurred_at < admission.at)
        and not (fact.kind == "prescription" and _may_be_inside(now, prescription))
    ]
    if outside_facts:
        raise ContradictsLaterFacts(tuple(outside_facts))


def _check_bed_requests(uow: UnitOfWork, stay: Stay) -> None:
    """Refuse an admission that is corrected past a bed that was asked for in the stay."""
    before, now = uow.before[stay.id].history.presence, stay.history.presence
    if before is None or now is None or now.start <= before.start:
        return
    early_requests = [
        FactRef(request.id, FactKind.BED_REQUEST, request.requested_at, stay.id)
        for request in lookups.bed_requests_of(uow, stay)
        if request.requested_at is not None
        and hospital_days.span_of(uow, request.requested_at, request.precision)[1]
        < minute_of(now.start)
    ]
    if early_requests:
        raise ContradictsLaterFacts(tuple(early_requests))


def _may_be_inside(history: History, prescription: Prescription) -> bool:
    """Return whether a prescription that is known to the hour or day may have been written in a stay."""
    course = prescription.course
    first, last = prescription.span_of(course.written_at, course.precision)[0], course.written_at
    return course.precision in (Precision.HOUR, Precision.DAY) and any(
        period.start <= last and (period.end is None or first <= period.end)
        for period in history.open_periods
    )
