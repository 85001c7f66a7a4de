"""Bed occupancy: the difference that a change of a stay's history makes to the beds.

The stay decides where its patient lay. The difference of its stretches before and after a command,
per room, becomes one event in the room's occupancy stream; the claims held in the database are the
fold of the same stretches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from msgspec import Struct

from domain.aggregate import Aggregate, Derived, Event
from domain.envelope import About, Envelope
from domain.refusals import BedOccupied
from domain.stay.history import Stretch
from domain.time import Moment, Period


class BedStretch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A stretch as the event carries it; ``until`` absent while it is open."""

    bed: str
    since: Moment
    until: Moment | None = None
    kept: bool = False
    shares_bed_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A stretch of some stay, as held true now."""

    stay: UUID
    stretch: Stretch


class Occupancy(Aggregate):
    """The occupancy of one room, as a stream of differences.

    It is read by its version alone: what it adds up to is kept in the claims, under the same lock.
    """

    TOPIC = "occupancy"

    class StretchesChanged(Derived, Event):
        """Stretches of one stay in this room that are no longer held true, and those that now are."""

        TOPIC = "occupancy.stretches-changed"
        PUBLIC = "bed.occupancy-changed"
        DESCRIPTION = "Who lies in a bed, and from when until when, is held otherwise."
        room: UUID
        stay: UUID
        patient: UUID
        ended: tuple[BedStretch, ...]
        begun: tuple[BedStretch, ...]

    @staticmethod
    def id_for(room: UUID) -> UUID:
        """Return the stream of a room's occupancy."""
        return uuid5(room, "occupancy")

    def change(
        self,
        room: UUID,
        stay: UUID,
        patient: UUID,
        difference: "Difference",
        about: About | None,
        envelope: Envelope,
    ) -> None:
        """Record the difference that a stay's new history makes in the room."""
        self.about = about
        self.record(
            Occupancy.StretchesChanged,
            envelope,
            room=room,
            stay=stay,
            patient=patient,
            ended=tuple(_bed_stretch(s) for s in difference.ended),
            begun=tuple(_bed_stretch(s) for s in difference.begun),
        )

    def apply(self, event: Event) -> None:
        """Keep nothing; see the class."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The change in one room: stretches no longer held true, and stretches newly held true."""

    ended: tuple[Stretch, ...]
    begun: tuple[Stretch, ...]


def difference(
    before: Iterable[Stretch], after: Iterable[Stretch], *, anew: bool = False
) -> dict[UUID, Difference]:
    """Return the difference of a stay's stretches by room, rooms in the order of their ids.

    ``anew``: all end and begin, since somebody else lies in them.
    """
    old, new = frozenset(before), frozenset(after)
    unchanged_stretches = frozenset() if anew else old & new
    rooms = sorted({s.bed.room for s in (old | new) - unchanged_stretches})
    return {
        room: Difference(_in(room, old - unchanged_stretches), _in(room, new - unchanged_stretches))
        for room in rooms
    }


def newly_claimed(before: Iterable[Stretch], stretch: Stretch) -> list[Period]:
    """Return the parts of a stretch in which the stay did not have that bed before."""
    if stretch.period.is_empty:
        return [] if any(s.touches(stretch) for s in before) else [stretch.period]
    return stretch.period.without(s.period for s in before if s.bed == stretch.bed)


def check_free(stay: UUID, stretch: Stretch, others: Iterable[Claim]) -> None:
    """Refuse a stretch in a bed that somebody else has then; sharing with the mother is allowed."""
    for other in others:
        use = other.stretch
        if (
            other.stay == stay
            or use.bed != stretch.bed
            or not use.period.collides(stretch.period)
            or _share(stay, stretch, other)
        ):
            continue
        raise BedOccupied(stretch.bed, other.stay)


def outside_of_mother(stretch: Stretch, mother: Iterable[Stretch]) -> list[Period]:
    """Return the parts of a child's stretch outside of its mother's, in a bed that is her own."""
    own_stretches = [s for s in mother if s.bed == stretch.bed and s.shares_bed_of is None]
    if stretch.period.is_empty:
        return [] if any(s.touches(stretch) for s in own_stretches) else [stretch.period]
    return stretch.period.without(s.period for s in own_stretches)


def _share(stay: UUID, stretch: Stretch, other: Claim) -> bool:
    use = other.stretch
    return (
        stretch.shares_bed_of == other.stay
        or use.shares_bed_of == stay
        or (use.shares_bed_of is not None and use.shares_bed_of == stretch.shares_bed_of)
    )


def _in(room: UUID, stretches: frozenset[Stretch]) -> tuple[Stretch, ...]:
    inside = (s for s in stretches if s.bed.room == room)
    return tuple(sorted(inside, key=lambda s: (s.period.start, s.bed.bed)))


def _bed_stretch(stretch: Stretch) -> BedStretch:
    return BedStretch(
        bed=stretch.bed.bed,
        since=stretch.period.start,
        until=stretch.period.end,
        kept=stretch.kept,
        shares_bed_of=stretch.shares_bed_of,
    )
