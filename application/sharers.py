"""Children in their mothers' beds: who may share one, and where they go when she leaves it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import hospital_days, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.patient import Sex
from domain.refusals import InvalidInput, NotFound
from domain.room.occupancy import outside_of_mother
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition, LeaveEnd, Move, Place, Status
from domain.stay.history import Stretch

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
    Raises InvalidInput, NotFound.
    """
    for sharer in sharers or ():
        child = lookups.stay(uow, sharer.stay_id, "sharers")
        place = own_place(uow, sharer)
        if not any(stretch.shares_bed_of for stretch in child.stretches):
            raise InvalidInput("sharers", f"stay {child.id} shares no bed")
        for _ in range(1 if place else MOST_MOVES):
            children_alone = _left_alone(uow, child)
            if children_alone is None:
                break
            stretch, at = children_alone
            assert stretch.shares_bed_of is not None
            mother = uow.one(Stay, stretch.shares_bed_of, "stay", "sharers")
            _go(uow, child, stretch, at, place or _along(mother, child, at))


def own_place(uow: UnitOfWork, sharer: Sharer) -> Place | None:
    """Return the place that is named for a child. Raises InvalidInput, NotFound."""
    try:
        return lookups.place(
            uow, sharer.ward, sharer.room, sharer.bed, None, sharer.without_bed or None
        )
    except InvalidInput as refusal:
        raise InvalidInput("sharers", "a bed is named by ward, room and bed") from refusal
    except NotFound as refusal:
        raise NotFound(refusal.what, refusal.key, "sharers") from refusal


def _left_alone(uow: UnitOfWork, child: Stay) -> tuple[Stretch, datetime] | None:
    """Return the first stretch of a child outside of its mother's, and from when on it is."""
    for stretch in child.stretches:
        if stretch.shares_bed_of is not None:
            mother = uow.one(Stay, stretch.shares_bed_of, "stay", "sharers")
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


def _go(uow: UnitOfWork, child: Stay, stretch: Stretch, at: datetime, place: Place | None) -> None:
    entry = replace(uow.entry, occurred_at=at)
    died_at = persons.told_death_at(uow, child.patient)
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
    movement = entry.id_of("transfer")  # the mother's too: they are one act
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
    new = stretch.period.without(s.period for s in children if s.bed == stretch.bed)
    ends = {s.period.end for s in (*children, *child.stretches) if s.shares_bed_of == mother.id}
    if not new or new[0].start in ends:
        return
    objection = _why_not(uow, child, mother, new[0].start)
    if objection:
        raise InvalidInput("shares_bed_of", f"a newborn shares its mother's bed, and {objection}")


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
        neighbour = uow.one(Stay, other, "stay", "shares_bed_of")
        if neighbour.patient and persons.person_of(uow, neighbour.patient) != her:
            return f"the mother is in stay {other}; if that is wrong, correct the bed there first"
    return None
