"""Beds of the import: the source names care units only, so rooms and beds are made up.

Beds are given by the files alone, never by what the record holds, so that an import that is repeated
asks for the same beds. Patients are placed in the order of their numbers: adding patients with higher
numbers changes nobody's bed.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

BEDS = ("A", "B")
"""The beds of every room."""

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bed:
    """A bed of a care unit, by number; the numbers fill one room after the other."""

    ward: str
    number: int

    @property
    def room(self) -> str:
        return str(self.number // len(BEDS) + 1)

    @property
    def code(self) -> str:
        return BEDS[self.number % len(BEDS)]


class Allotment:
    """Times from which on each bed is free for good.

    A bed is not used in the time before that, even if it is free then: a patient who is put into a
    bed has it until the next move is recorded, so whoever has it later would stand in the way.
    """

    def __init__(self) -> None:
        self._free_from: dict[str, list[datetime]] = defaultdict(list)

    def allot(self, ward: str, start: datetime, end: datetime | None, last: Bed | None) -> Bed:
        """Return the first free bed of the ward, but for the one that the patient leaves."""
        beds = self._free_from[ward]
        last_number = last.number if last and last.ward == ward else None
        for number, free_from in enumerate(beds):
            if free_from <= start and number != last_number:
                beds[number] = end or NEVER
                return Bed(ward, number)
        beds.append(end or NEVER)
        return Bed(ward, len(beds) - 1)
