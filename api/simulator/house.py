"""Wards, rooms and beds of the simulated hospital, and which bed a patient may have.

A bed counts as free only when it is so in life *and* in the record: where a discharge is entered
hours late, the next patient goes elsewhere, as nobody can be entered into that bed before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil
from random import Random
from typing import Any

from api.simulator.people import Person
from domain.room.policies import RoomPolicy


class Kind(StrEnum):
    """The kind of a ward; the value is its name."""

    EMERGENCY = "Emergency Unit"
    MEDICINE = "Medicine"
    SURGERY = "Surgery"
    INTENSIVE = "Intensive Care"
    MATERNITY = "Maternity"
    PAEDIATRICS = "Paediatrics"


PLANS: dict[Kind, tuple[float, tuple[int, ...]]] = {
    Kind.MEDICINE: (0.34, (1, 4, 3, 2, 4)),
    Kind.SURGERY: (0.25, (2, 3, 2, 4, 1)),
    Kind.EMERGENCY: (0.12, (3, 1, 2)),
    Kind.MATERNITY: (0.10, (2, 1, 2)),
    Kind.PAEDIATRICS: (0.10, (2, 3, 1)),
    Kind.INTENSIVE: (0.09, (1, 2)),
}
"""By kind of ward: its share of the beds, and the sizes of its rooms."""

ONE_SEX = 0.6
"""The share of shared rooms for patients of one sex, on wards for adults."""

LARGEST_WARD = 24


@dataclass(slots=True, eq=False)
class Bed:
    """A bed in life. ``known_free``: from when on the record shows what is true of it now.

    ``believed`` is who the record shows in it until then.
    """

    room: "Room"
    code: str
    known_free: datetime
    occupant: Person | None = None
    believed: Person | None = None
    blocked: bool = False
    reserved_for: Person | None = None
    reserved_until: datetime | None = None

    @property
    def place(self) -> dict[str, Any]:
        """Return the bed as parameters of a command."""
        return {"ward": self.room.ward, "room": self.room.number, "bed": self.code}

    @property
    def kind(self) -> Kind:
        return self.room.kind

    def reservation_holder(self, now: datetime) -> Person | None:
        if self.reserved_until is not None and now < self.reserved_until:
            return self.reserved_for
        return None

    def is_free(self, now: datetime, person: Person | None = None) -> bool:
        """Return whether it can be given, to this person or to anybody."""
        return (
            self.occupant is None
            and not self.blocked
            and self.known_free <= now
            and self.reservation_holder(now) in (None, person)
        )

    def people(self, now: datetime) -> Iterator[Person]:
        """Yield the patients in the bed, in life or in the record, and those expected."""
        occupants = self.believed if now < self.known_free else None
        people = (self.occupant, occupants, self.reservation_holder(now))
        return (person for person in people if person is not None)

    def occupy(self, person: Person, recorded: datetime) -> None:
        self.occupant = self.believed = person
        self.known_from(recorded)

    def mistake(self, person: Person, until: datetime) -> None:
        """Show somebody here, who never was, until that is corrected."""
        self.believed = person
        self.known_from(until)

    def vacate(self, recorded: datetime) -> None:
        self.occupant = None
        self.known_from(recorded)

    def known_from(self, recorded: datetime) -> None:
        self.known_free = max(self.known_free, recorded)


@dataclass(slots=True, eq=False)
class Room:
    ward: str
    kind: Kind
    number: str
    beds: list[Bed] = field(default_factory=list)
    one_sex: bool = False

    def admits(self, person: Person, now: datetime) -> bool:
        """Return whether the room's policies let a person in."""
        others = (other for bed in self.beds for other in bed.people(now))
        return not self.one_sex or all(other.sex is person.sex for other in others)

    @property
    def policies(self) -> Iterator[RoomPolicy]:
        if self.one_sex:
            yield RoomPolicy.ONE_SEX_ONLY
        if self.kind is Kind.PAEDIATRICS:
            yield RoomPolicy.CHILDREN_ONLY

    def rank(self) -> tuple[bool, int]:
        """Return how gladly its beds are given: patients of one sex are put together."""
        return self.one_sex, sum(bed.occupant is not None for bed in self.beds)


class House:
    """All wards, built at random once."""

    def __init__(self, beds: int, opened: datetime, rng: Random) -> None:
        self.rooms: list[Room] = []
        for floor, (ward, kind, size) in enumerate(_wards(beds), 1):
            for index, count in enumerate(_room_sizes(kind, size), 1):
                room = Room(ward, kind, f"{floor}{index:02}")
                room.beds = [Bed(room, code, opened) for code in "ABCD"[:count]]
                adults = kind in (Kind.MEDICINE, Kind.SURGERY)
                room.one_sex = adults and count > 1 and rng.random() < ONE_SEX
                self.rooms.append(room)
        self.beds = [bed for room in self.rooms for bed in room.beds]
        self._by_kind = {kind: [b for b in self.beds if b.kind is kind] for kind in Kind}

    @property
    def occupancy(self) -> float:
        """Return the share of beds that are occupied now."""
        return sum(bed.occupant is not None for bed in self.beds) / len(self.beds)

    def of(self, kind: Kind) -> list[Bed]:
        return self._by_kind[kind]

    def ward_of(self, kind: Kind) -> str | None:
        """Return the ward of a kind, if there is just one."""
        wards = {bed.room.ward for bed in self._by_kind[kind]}
        return wards.pop() if len(wards) == 1 else None

    def bed_for(self, person: Person, now: datetime, *kinds: Kind) -> Bed | None:
        """Return a free bed in the first of these kinds of ward that has one."""
        for kind in kinds:
            free_beds = [
                bed
                for bed in self._by_kind[kind]
                if bed.is_free(now, person) and bed.room.admits(person, now)
            ]
            if free_beds:
                return max(free_beds, key=lambda bed: bed.room.rank())
        return None

    def others_like(self, bed: Bed, person: Person, now: datetime) -> list[Bed]:
        """Return free beds that may be mistaken for this one, those of the same room first."""
        others = [
            other
            for other in self._by_kind[bed.kind]
            if other is not bed and other.is_free(now) and other.room.admits(person, now)
        ]
        return sorted(others, key=lambda other: other.room is not bed.room)


def _wards(beds: int) -> Iterator[tuple[str, Kind, int]]:
    """Yield name, kind and beds: shared out by largest remainder, large kinds as several wards."""
    quotas = {kind: beds * share for kind, (share, _) in PLANS.items()}
    counts = {kind: int(quota) for kind, quota in quotas.items()}
    by_remainder = sorted(PLANS, key=lambda kind: counts[kind] - quotas[kind])
    for kind in by_remainder[: beds - sum(counts.values())]:
        counts[kind] += 1
    for kind in Kind:
        wards = ceil(counts[kind] / LARGEST_WARD)
        for number in range(1, wards + 1):
            name = kind.value if wards == 1 else f"{kind.value} {number}"
            yield name, kind, counts[kind] * number // wards - counts[kind] * (number - 1) // wards


def _room_sizes(kind: Kind, beds: int) -> Iterator[int]:
    _, sizes = PLANS[kind]
    turn = 0
    while beds > 0:
        size = min(sizes[turn % len(sizes)], beds)
        yield size
        beds, turn = beds - size, turn + 1
