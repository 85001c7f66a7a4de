"""The reference to a bed in events, claims and refusals."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BedRef:
    """A bed, by its room's id and its code within the room."""

    room: UUID
    bed: str
