"""The names of a room (its ward and number) by valid time, as what each change of them said."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from domain.time import ALWAYS


@dataclass(frozen=True, slots=True)
class RoomName:
    """The ward and number of a room, held from a time on."""

    since: datetime
    ward: str
    number: str


@dataclass(frozen=True, slots=True)
class NameChange:
    """Another ward, number or both from a time on; None says nothing of it."""

    since: datetime
    ward: str | None
    number: str | None
    renames_ward: bool = False
    """True if the ward got another name, and the room did not go to another ward."""
    arrival: datetime | None = None
    """Of a ward's new name: when the room had come to that ward, if it has not always been there."""


@dataclass(frozen=True)
class RoomNames:
    """The name as the room was opened, and its changes in order."""

    ward: str
    number: str
    changes: tuple[NameChange, ...] = ()

    @cached_property
    def names(self) -> tuple[RoomName, ...]:
        """Return the names in order; the first always was so.

        A new name of a ward is none of a room that had left the ward before.
        """
        names = [RoomName(ALWAYS.start, self.ward, self.number)]
        arrival: datetime | None = None
        for change in self.changes:
            last, ward = names[-1], change.ward
            if change.renames_ward and change.arrival != arrival:
                ward = None
            elif ward is not None and not change.renames_ward:
                arrival = change.since
            names.append(RoomName(change.since, ward or last.ward, change.number or last.number))
        return tuple(names)

    def at(self, moment: datetime) -> RoomName:
        """Return the name at a moment."""
        return next((n for n in reversed(self.names) if n.since <= moment), self.names[0])

    def with_change(
        self, since: datetime, ward: str, number: str, *, renames_ward: bool = False
    ) -> "RoomNames":
        """Return the names with a change from a time on; later ones hold as far as they say."""
        others = self.without(since)
        before = others.at(since)
        came_then = any(
            c.since == since and c.ward is not None and not c.renames_ward for c in self.changes
        )
        change = NameChange(
            since,
            ward if ward != before.ward else None,
            number if number != before.number else None,
            renames_ward and not came_then,
            others.arrived_by(since),
        )
        changes = sorted((*others.changes, change), key=lambda c: c.since)
        return replace(others, changes=tuple(changes))

    def arrived_by(self, moment: datetime) -> datetime | None:
        """Return the time when the room came to the ward that it has at a moment; None: always there."""
        moves = [c.since for c in self.changes if c.ward is not None and not c.renames_ward]
        return max((since for since in moves if since <= moment), default=None)

    def without(self, since: datetime) -> "RoomNames":
        """Return the names without the change at a time."""
        return replace(self, changes=tuple(c for c in self.changes if c.since != since))

    def without_as_told(self, since: datetime, ward: str, number: str) -> "RoomNames":
        """Return the names without the change at a time, and with those that hold last as it was told.

        In logs of before a change held ward and number whole: the next one keeps what it had.
        """
        others = self.without(since)
        if (others.names[-1].ward, others.names[-1].number) == (ward, number):
            return others
        next_change = next((c for c in others.changes if c.since > since), None)
        if next_change is None:
            return others
        name = self.at(next_change.since)
        whole_change = NameChange(next_change.since, name.ward, name.number)
        changes = (
            replace(c, arrival=whole_change.since) if c.renames_ward and c.arrival == since else c
            for c in others.changes
        )
        return replace(
            others,
            changes=tuple(whole_change if c.since == whole_change.since else c for c in changes),
        )

    def with_last(self, ward: str, number: str) -> "RoomNames":
        """Return the names with the last one corrected."""
        if not self.changes:
            return RoomNames(ward, number)
        last = self.changes[-1]
        return self.with_change(last.since, ward, number, renames_ward=last.renames_ward)
