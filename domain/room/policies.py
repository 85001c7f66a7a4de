"""The policies of a room: one small function each, listed in `POLICIES`.

A policy looks at who comes in and who is there in the same time, and says why not, or None.
It is asked about newcomers; those who lay in the room before the policy was set may stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.described_enum import DescribedEnum
from domain.patient import Sex

ADULT_AGE = 18
"""Years; from this birthday on a patient is no child (UN Convention on the Rights of the Child)."""


class RoomPolicy(DescribedEnum):
    """Demand that a room may make on its patients."""

    ISOLATION = "ISOLATION", "One patient alone."
    ONE_SEX_ONLY = "ONE_SEX_ONLY", "Patients of one sex at a time."
    CHILDREN_ONLY = "CHILDREN_ONLY", "Children only."


@dataclass(frozen=True, slots=True)
class Occupant:
    """A patient in the room, or a newcomer, as far as policies may know."""

    stay: UUID
    sex: Sex
    birth_date: date | None
    mother: UUID | None = None
    """The stay whose bed is shared."""


def isolation(newcomer: Occupant, others: Sequence[Occupant], at: datetime) -> str | None:
    """Allow nobody else in the room, but for a mother and the children in her bed."""
    family = newcomer.mother or newcomer.stay
    if all(family in (other.stay, other.mother) for other in others):
        return None
    return "somebody is in the room, and isolation means alone"


def one_sex_only(newcomer: Occupant, others: Sequence[Occupant], at: datetime) -> str | None:
    """Allow one administrative sex; a sex that is not known is let in."""
    if newcomer.mother:
        return None
    sexes = {Sex.FEMALE, Sex.MALE}
    for other in others:
        if not other.mother and {newcomer.sex, other.sex} == sexes:
            return f"a {other.sex.lower()} patient is in the room"
    return None


def children_only(newcomer: Occupant, others: Sequence[Occupant], at: datetime) -> str | None:
    """Allow patients under 18 years on the day by the clock of ``at``; an unknown one is let in."""
    birth_date = newcomer.birth_date
    if birth_date is None:
        return None
    birthday_to_come = (at.month, at.day) < (birth_date.month, birth_date.day)
    age = at.year - birth_date.year - birthday_to_come
    return f"the patient is {age} years old" if age >= ADULT_AGE else None


Rule = Callable[[Occupant, Sequence[Occupant], datetime], str | None]

POLICIES: dict[RoomPolicy, Rule] = {
    RoomPolicy.ISOLATION: isolation,
    RoomPolicy.ONE_SEX_ONLY: one_sex_only,
    RoomPolicy.CHILDREN_ONLY: children_only,
}
