"""The simulated house: wards of each kind, their rooms and beds, and which bed a patient may have.

A bed counts as free only when it is so in life *and* in the record: where a discharge is entered
hours late, the next patient goes elsewhere, as nobody can be entered into that bed before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil
from random import Random

from api.simulator.people import Person
from domain.room.policies import RoomPolicy


class Kind(StrEnum):
    """What a ward is for; the value is its name."""

    EMERGENCY = "Emergency Unit"
    MEDICINE = "Medicine"
    SURGERY = "Surgery"
    INTENSIVE = "Intensive Care"
    MATERNITY = "Maternity"
    PAEDIATRICS = "Paediatrics"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a kind of ward is built: its share of the beds, and the sizes of its rooms."""

    share: float
    room_sizes: tuple[int, ...]
    one_sex: float = 0.0


PLANS: dict[Kind, Plan] = {
    Kind.MEDICINE: Plan(0.34, (1, 4, 3, 2, 4), one_sex=0.6),
    Kind.SURGERY: Plan(0.25, (2, 3, 2, 4, 1), one_sex=0.6),
    Kind.EMERGENCY: Plan(0.12, (3, 1, 2)),
    Kind.MATERNITY: Plan(0.10, (2, 1, 2)),
    Kind.PAEDIATRICS: Plan(0.10, (2, 3, 1)),
    Kind.INTENSIVE: Plan(0.09, (1, 2)),
}
LARGEST_WARD = 24


@dataclass(slots=True, eq=False)
class Bed:
    """``known_free``: from when on the record shows what is true of it now."""

    room: "Room"
    code: str
    known_free: datetime
    occupant: Person | None = None
    believed: Person | None = None
    blocked: bool = False
    reserved_for: Person | None = None
    reserved_until: datetime | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Ward, room and bed, as commands name it."""
        return self.room.ward, self.room.number, self.code

    @property
    def kind(self) -> Kind:
        return self.room.kind

    def reserved(self, now: datetime) -> Person | None:
        if self.reserved_until is not None and now < self.reserved_until:
            return self.reserved_for
        return None

    def is_free(self, now: datetime) -> bool:
        return self.occupant is None and not self.blocked and self.known_free <= now

    def people(self, now: datetime) -> Iterator[Person]:
        """Whom anybody would find there: in the bed, in the record, or coming."""
        believed = self.believed if now < self.known_free else None
        found = (self.occupant, believed, self.reserved(now))
        return (person for person in found if person is not None)

    def taken(self, person: Person, recorded: datetime) -> None:
        self.occupant = self.believed = person
        self.known_from(recorded)

    def mistaken_for(self, person: Person, until: datetime) -> None:
        """The record shows somebody here, who never was, until that is put right."""
        self.believed = person
        self.known_from(until)

    def left(self, recorded: datetime) -> None:
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
    isolation: bool = False

    def admits(self, person: Person, now: datetime) -> bool:
        """Whether the room's policies let a person in."""
        if not self.one_sex:
            return True
        others = (other for bed in self.beds for other in bed.people(now))
        return all(other.sex is person.sex for other in others)

    @property
    def policies(self) -> Iterator[RoomPolicy]:
        if self.one_sex:
            yield RoomPolicy.ONE_SEX_ONLY
        if self.isolation:
            yield RoomPolicy.ISOLATION
        if self.kind is Kind.PAEDIATRICS:
            yield RoomPolicy.CHILDREN_ONLY

    def company(self) -> int:
        return sum(bed.occupant is not None for bed in self.beds)


class House:
    """All wards. What is drawn by lot is drawn once, as it is built."""

    def __init__(self, beds: int, opened: datetime, lot: Random) -> None:
        self.rooms: list[Room] = []
        for floor, (ward, kind, count) in enumerate(_wards(beds), 1):
            self._build(ward, kind, count, floor, opened, lot)
        self.beds = [bed for room in self.rooms for bed in room.beds]
        self._by_kind = {kind: [b for b in self.beds if b.kind is kind] for kind in Kind}

    @property
    def occupancy(self) -> float:
        """The share of beds that are taken now."""
        return sum(bed.occupant is not None for bed in self.beds) / len(self.beds)

    def of(self, kind: Kind) -> list[Bed]:
        return self._by_kind[kind]

    def bed_for(
        self, person: Person, kinds: Sequence[Kind], now: datetime, isolate: bool = False
    ) -> Bed | None:
        """A free bed in the first of these kinds of ward that has one.

        Patients of one sex are put together, and single rooms kept for those who need them.
        """
        for kind in kinds:
            fitting = [
                bed
                for bed in self._by_kind[kind]
                if bed.is_free(now)
                and bed.reserved(now) in (None, person)
                and bed.room.admits(person, now)
            ]
            if fitting:
                return max(fitting, key=lambda bed: _worth(bed.room, isolate))
        return None

    def others_like(self, bed: Bed, person: Person, now: datetime) -> list[Bed]:
        """Free beds that somebody may take for this one, those of the same room first."""
        fitting = [
            other
            for other in self._by_kind[bed.kind]
            if other is not bed
            and not other.room.isolation
            and other.is_free(now)
            and other.reserved(now) is None
            and other.room.admits(person, now)
        ]
        return sorted(fitting, key=lambda other: other.room is not bed.room)

    def _build(
        self, ward: str, kind: Kind, count: int, floor: int, opened: datetime, lot: Random
    ) -> None:
        for index, size in enumerate(_sizes(kind, count), 1):
            room = Room(ward, kind, f"{floor}{index:02}")
            room.beds = [Bed(room, code, opened) for code in "ABCD"[:size]]
            room.one_sex = size > 1 and lot.random() < PLANS[kind].one_sex
            room.isolation = size == 1 and kind in (Kind.MEDICINE, Kind.PAEDIATRICS)
            self.rooms.append(room)


def _worth(room: Room, isolate: bool) -> tuple[bool, bool, int]:
    return room.isolation == isolate, room.one_sex, room.company()


def _wards(beds: int) -> Iterator[tuple[str, Kind, int]]:
    """Beds are shared out by largest remainder; large kinds are split into several wards."""
    quotas = {kind: beds * plan.share for kind, plan in PLANS.items()}
    counts = {kind: int(quota) for kind, quota in quotas.items()}
    by_remainder = sorted(PLANS, key=lambda kind: counts[kind] - quotas[kind])
    for kind in by_remainder[: beds - sum(counts.values())]:
        counts[kind] += 1
    for kind in Kind:
        wards = ceil(counts[kind] / LARGEST_WARD)
        for number in range(1, wards + 1):
            name = kind.value if wards == 1 else f"{kind.value} {number}"
            yield name, kind, counts[kind] * number // wards - counts[kind] * (number - 1) // wards


def _sizes(kind: Kind, count: int) -> Iterator[int]:
    pattern = PLANS[kind].room_sizes
    turn = 0
    while count > 0:
        size = min(pattern[turn % len(pattern)], count)
        yield size
        count, turn = count - size, turn + 1
