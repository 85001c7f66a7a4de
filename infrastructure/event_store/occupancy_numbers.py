"""Numbers of what commands do to the beds of a room, given as they are sent: one after the other.

Commands that are decided at once on beds of one room would all have its next number. Numbered by whoever
sends a batch, after what this process has sent before, they are appended together. Where another process
was quicker, the log answers *behind*, with the number as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.ports import Append
from infrastructure.event_store.append_request import rows_of
from infrastructure.event_store.mapper import EventMapper, VersionedStoredEvent

MOST_ROOMS = 10_000
"""The rooms whose numbers are remembered; beyond them all are forgotten, and read anew."""


@dataclass(slots=True)
class Sending:
    """A command on its way to the log: its request for ``record.append``, and its events."""

    append: Append
    events: list[VersionedStoredEvent]
    request: dict[str, Any]

    def reads_caught_up(self) -> dict[UUID, int]:
        """Return the versions read, those of written streams as they are before its events."""
        before: dict[UUID, int] = {}
        for event in self.events:
            before.setdefault(event.stream, event.originator_version - 1)
        return {**self.append.reads, **before}


class OccupancyNumbers:
    """The last number in each room that this process knows of. One batch is sent at a time."""

    def __init__(self, mapper: EventMapper) -> None:
        self._mapper = mapper
        self._last: dict[UUID, int] = {}

    def number(self, sendings: Sequence[Sending]) -> None:
        """Give their numbers, in this order, to events in rooms of which a command read some beds."""
        if len(self._last) > MOST_ROOMS:
            self._last.clear()
        ahead: dict[UUID, int] = {}
        for sending in sendings:
            append = sending.append
            last = {
                stream: max(append.reads[stream], ahead.get(stream, self._last.get(stream, 0)))
                for stream in append.beds_read.keys() & append.reads.keys()
            }
            is_renumbered = False
            for index, event in enumerate(sending.events):
                if (stream := event.stream) in last:
                    last[stream] = ahead[stream] = version = last[stream] + 1
                    if version != event.originator_version:
                        sending.events[index] = self._with_version(event, version)
                        is_renumbered = True
            if is_renumbered:
                sending.request["events"] = rows_of(sending.events)

    def _with_version(self, event: VersionedStoredEvent, version: int) -> VersionedStoredEvent:
        """Encode an event anew, in another place of its stream: its texts are sealed under that."""
        in_place = self._mapper.to_domain_event(event).with_version(version)
        return self._mapper.to_stored_event(in_place)

    def learn(self, sendings: Sequence[Sending], outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Note the numbers that a batch has reached, or that others have."""
        for sending, outcome in zip(sendings, outcomes, strict=True):
            if outcome["outcome"] == "behind":
                self._last |= {UUID(id): version for id, version in outcome["versions"].items()}
            elif outcome["outcome"] == "recorded":
                beds_read = sending.append.beds_read
                self._last |= {
                    event.stream: event.originator_version
                    for event in sending.events
                    if event.stream in beds_read
                }
