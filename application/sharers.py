"""Children in their mothers' beds: who may share one, and where they go when she leaves it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import bed_claims, hospital_days, lookups, persons
from application.stay_end import let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.aggregate import Event
from domain.patient import Patient, Sex
from domain.problems import Problem
from domain.refusals import InvalidInput, MergeImpossible, NotFound, Refusal
from domain.room.occupancy import newly_claimed, outside_of_mother
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, Disposition, LeaveEnd, Move, Place, Status
from domain.stay.history import History, Stretch

MOST_MOVES = 100
"""More than a mother makes while a child shares her bed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharer:
    """Destination of a child that shared its mother's bed: along with her, or to a place of its own."""

    stay_id: UUID
    shares_bed: bool = False
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    without_bed: str | None = None
    disposition: Disposition | None = None
    """Of a child that is discharged together with her."""


def place_sharers(uow: UnitOfWork, sharers: Iterable[Sharer] | None) -> None:
    """Let children follow what a command has made of their mothers' stays.

    Each goes from where it is left without its mother to the place that is named, or along with her.
    One that was discharged together with her comes back with her. Raises InvalidInput, NotFound.
    """
    must_be_named_once(sharers)
    for sharer in sharers or ():
        child = lookups.stay(uow, sharer.stay_id, "sharers")
        place = own_place(uow, sharer)
        if _comes_back(uow, child, place):
            continue
        if not any(stretch.shares_bed_of for stretch in child.stretches):
            raise InvalidInput("sharers", f"stay {child.id} shares no bed")
        for _ in range(1 if place else MOST_MOVES):
            first_alone = _left_alone(uow, child)
            if first_alone is None:
                break
            stretch, at = first_alone
            assert stretch.shares_bed_of is not None
            mother = uow.one(Stay, stretch.shares_bed_of, "sharers")
            _go(uow, child, mother, stretch, at, place or _along(mother, child, at))


def _comes_back(uow: UnitOfWork, child: Stay, place: Place | None) -> bool:
    """Take the discharge of a child back with that of its mother; return whether it was."""
    discharge = child.history.discharge
    if discharge is None:
        return False
    for mother in uow.load(Stay, *(s.shares_bed_of for s in child.stretches if s.shares_bed_of)):
        cancels = [e for e in mother.pending_events if isinstance(e, Stay.DischargeCancelled)]
        for cancel in cancels:
            hers = uow.before[mother.id].history.fact(cancel.movement)
            if hers is None or hers.act != discharge.act:
                continue
            is_error = cancel.because is CancellationReason.ENTERED_IN_ERROR
            if place is None and (cancel.bed or cancel.without_bed or not is_error):
                place = _along(
                    mother, child, discharge.at if is_error else cancel.entry.occurred_at
                )
            died_at = persons.recorded_death_at(uow, child.patient)
            child.cancel_discharge(discharge, cancel.because, place, cancel.entry, died_at)
            let_prescriptions_follow(uow, child)
            return True
        if cancels:
            raise InvalidInput(
                "sharers",
                f"stay {child.id} was not discharged together with its mother; cancel that by itself",
            )
    return False


def must_be_named_once(sharers: Iterable[Sharer] | None) -> None:
    """Refuse two places for one child. Raises InvalidInput."""
    children = [sharer.stay_id for sharer in sharers or ()]
    if len(set(children)) < len(children):
        raise InvalidInput("sharers", "name each child once")


def own_place(uow: UnitOfWork, sharer: Sharer) -> Place | None:
    """Return the place that is named for a child. Raises InvalidInput, NotFound."""
    try:
        return lookups.place(
            uow, sharer.ward, sharer.room, sharer.bed, None, sharer.without_bed or None
        )
    except InvalidInput as refusal:
        raise InvalidInput("sharers", "a bed is named by ward, room and bed") from refusal
    except NotFound as refusal:
        raise NotFound(refusal.thing, refusal.key, "sharers") from refusal


def _left_alone(uow: UnitOfWork, child: Stay) -> tuple[Stretch, datetime] | None:
    """Return the first stretch of a child outside of its mother's, and from when on it is."""
    for stretch in child.stretches:
        if stretch.shares_bed_of is not None:
            mother = uow.one(Stay, stretch.shares_bed_of, "sharers")
            outside_periods = outside_of_mother(stretch, mother.stretches)
            if outside_periods:
                return stretch, outside_periods[0].start
    return None


def _along(mother: Stay, child: Stay, at: datetime) -> Place | None:
    """Return the place of a child that goes along with its mother; None if both go on leave."""
    state = mother.history.at(at)
    if state and state.status is Status.ON_LEAVE:
        return None
    if state is None or state.place.bed is None:
        raise InvalidInput(
            "sharers",
            f"the mother of stay {child.id} has no bed then that could be shared; name ward, room and"
            " bed, or a place without one",
        )
    return Place(state.place.bed, shares_bed_of=mother.id)


def _go(
    uow: UnitOfWork,
    child: Stay,
    mother: Stay,
    stretch: Stretch,
    at: datetime,
    place: Place | None,
) -> None:
    entry = replace(uow.entry, occurred_at=at)
    died_at = persons.recorded_death_at(uow, child.patient)
    if place is None:
        child.start_leave(False, None, entry, died_at)
        return
    begins = [
        fact
        for fact in child.history.facts
        if isinstance(fact, Move | LeaveEnd) and fact.at == at and fact.place
    ]
    if begins and at == stretch.period.start:
        child.correct_movement(begins[-1].id, None, None, place, uow.entry, died_at)
        return
    moves = (f for f in mother.history.facts if f.act == entry.command_id and f.at == at)
    hers = (f.id for f in moves if isinstance(f, Move | LeaveEnd))
    movement = next(hers, entry.id_of("transfer"))  # they are one act: taken back together
    if child.history.fact(movement):
        movement = uuid5(movement, f"{child.id} {child.version}")
    child.transfer(place, entry, movement)


def check_sharing(
    uow: UnitOfWork, child: Stay, stretch: Stretch, mother: Stay, before: Sequence[Stretch]
) -> None:
    """Refuse a bed to share that a child has not shared: only a newborn shares its mother's.

    Who shared it before goes on, however old. Raises InvalidInput.
    """
    children = [s for s in before if s.shares_bed_of == mother.id]
    new = newly_claimed(children, stretch)
    ends = {s.period.end for s in (*children, *child.stretches) if s.shares_bed_of == mother.id}
    if not new or new[0].start in ends:
        return
    objection = _why_not(uow, child, mother, new[0].start)
    if objection:
        raise InvalidInput("shares_bed_of", f"a newborn shares its mother's bed, and {objection}")


def check_shared_beds(uow: UnitOfWork) -> None:
    """Refuse a change of a person or of a type of stay after which somebody may not share a bed.

    Raises InvalidInput, MergeImpossible.
    """
    for stay, refusing in list(_changed_stays(uow)):
        for child, mother in _children_and_mothers(uow, stay):
            objection = _objection(uow, child, mother)
            if objection:
                reason = (
                    f"the bed is shared, as a newborn shares its mother's, and {objection};"
                    " correct that place first"
                )
                raise refusing(reason)


def _changed_stays(uow: UnitOfWork) -> Iterator[tuple[Stay, Callable[[str], Refusal]]]:
    """Yield the stays of whom the command tells another sex, age or type, each with its refusal."""
    for aggregate in list(uow.loaded.values()):
        if isinstance(aggregate, Stay) and aggregate.pending_events:
            before = uow.before[aggregate.id].history
            if uow.went_to_another(aggregate):
                yield aggregate, partial(InvalidInput, "patient_mrn")
            elif before.admission and _types(before) != _types(aggregate.history):
                yield aggregate, partial(InvalidInput, "admission_type")
        elif isinstance(aggregate, Patient):
            for event in aggregate.pending_events:
                assert isinstance(event, Event)
                refusing = _refusal_of(event)
                for stay in persons.stays_of(uow, aggregate.id) if refusing else ():
                    assert refusing is not None
                    yield stay, refusing


def _refusal_of(event: Event) -> Callable[[str], Refusal] | None:
    """Return the refusal of an event that tells another sex or birth date of a person."""
    if isinstance(event, Patient.Merged):
        return partial(MergeImpossible, Problem.BED_NOT_SHARED)
    if isinstance(event, Patient.DetailsCorrected) and event.birth_date:
        return partial(InvalidInput, "birth_date")
    has_sex = isinstance(
        event, Patient.DetailsCorrected | Patient.DetailsChanged | Patient.ChangeCorrected
    )
    return partial(InvalidInput, "sex") if has_sex and getattr(event, "sex", None) else None


def _types(history: History) -> list[tuple[datetime | None, AdmissionType | None]]:
    """Return the types of a stay in order, each after the first with its beginning."""
    types: list[tuple[datetime | None, AdmissionType | None]] = []
    for period, state in history.segments:
        if not types or types[-1][1] is not state.admission_type:
            types.append((period.start if types else None, state.admission_type))
    return types


def _children_and_mothers(uow: UnitOfWork, stay: Stay) -> list[tuple[Stay, Stay]]:
    """Return the pairs of child and mother in which a stay is the one or the other."""
    mothers = {s.shares_bed_of for s in (*stay.stretches, *stay.history.instants)}
    pairs = [(stay, mother) for mother in uow.load(Stay, *(m for m in mothers if m))]
    children = {claim.stay for claim in bed_claims.sharers(uow, stay.id)}
    return pairs + [(child, stay) for child in uow.load(Stay, *sorted(children))]


def _objection(uow: UnitOfWork, child: Stay, mother: Stay) -> str | None:
    """Return the reason why a child may not share its mother's bed as it is held to have done."""
    stretches = [s for s in child.stretches if s.shares_bed_of == mother.id]
    instants = [s for s in child.history.instants if s.shares_bed_of == mother.id]
    ends = {stretch.period.end for stretch in stretches}
    starts = [s.period.start for s in stretches if s.period.start not in ends]
    for at in starts + [s.period.start for s in instants]:
        if objection := _why_not(uow, child, mother, at):
            return objection
    for period, state in child.history.segments:
        is_newborn = state.admission_type in (None, AdmissionType.NEWBORN)
        if not is_newborn and any(period.overlaps(s.period) for s in stretches):
            assert state.admission_type is not None
            return f"the admission type is {state.admission_type.value} then"
    return None


def _why_not(uow: UnitOfWork, child: Stay, mother: Stay, at: datetime) -> str | None:
    assert child.patient is not None
    assert mother.patient is not None
    type = child.type_at(at)
    if type is not AdmissionType.NEWBORN:
        return f"the admission type is {type.value} then"
    admission = child.history.admission
    birth_date = persons.born_on(uow, child.patient)
    if birth_date is None and admission is not None:
        birth_date = hospital_days.date_of(uow, admission.at)
    age = (hospital_days.date_of(uow, at) - birth_date).days if birth_date else 0
    if age > uow.rules.newborn_days:
        return f"the child is {age} days old then; {uow.rules.newborn_days} are the most"
    if mother.type_at(at) is AdmissionType.NEWBORN:
        return f"stay {mother.id} is of a newborn itself"
    if persons.sex_of(uow, mother.patient) is Sex.MALE:
        return f"stay {mother.id} is of a man"
    her = persons.person_of(uow, mother.patient)
    if her == persons.person_of(uow, child.patient):
        return f"stay {mother.id} is of the same person"
    for other in {s.shares_bed_of for s in child.stretches if s.shares_bed_of} - {mother.id}:
        neighbour = uow.one(Stay, other, "shares_bed_of")
        if neighbour.patient and persons.person_of(uow, neighbour.patient) != her:
            return f"the mother is in stay {other}; if that is wrong, correct the bed there first"
    return None


def placed_by(
    movement: UUID, stays: list[Stay], place: Place | None, details: Collection[str]
) -> list[Stay]:
    """Return the stays that a correction of a movement changes: of its place, those that moved to it.

    These are the mover, and who went along in the bed; without a place, all.

    A child that left its mother's bed in that act for a place of its own stays there.
    Raises InvalidInput, also for what only one of several patients has said of them (``details``).
    """
    for name in ("disposition", "destination"):
        if len(stays) > 1 and name in details:  # discharged by one id, by an older program
            raise InvalidInput(
                name,
                "several patients were discharged in that act; cancel the discharge of the stay, and"
                " enter what happened",
            )
    if place is None:
        return stays
    ids = {stay.id for stay in stays}
    along = [stay for stay in stays if shares_bed(stay, movement, ids)]
    others = [stay for stay in stays if stay not in along]
    movers = [s for s in others if not any(t.shares_bed_of in ids for t in s.stretches)]
    if len(others) > 1 and len(movers) != 1:
        raise InvalidInput(
            "bed", "several patients were moved in that act; cancel it and enter what happened"
        )
    return (movers if len(others) > 1 else others) + along


def shares_bed(stay: Stay, movement: UUID, stay_ids: set[UUID]) -> bool:
    """Return whether a child was moved along in the bed of its mother, in one act with her."""
    fact = stay.movement(movement)
    return isinstance(fact, Move) and fact.place.shares_bed_of in stay_ids


def mother_in(stay: Stay, movement: UUID) -> UUID | None:
    """Return the stay whose bed a movement lets a child share."""
    fact = stay.movement(movement)
    return fact.place.shares_bed_of if isinstance(fact, Move) else None
