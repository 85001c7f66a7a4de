"""Between events and the JSON that the log keeps, by topic and version of the schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from application.record import EventDoesNotFit
from domain.aggregate import Event
from domain.events import EVENTS

EVENT_COLUMNS = "stream, version, topic, schema_version, body::text"


class UnknownEvent(Exception):
    """The log holds an event type, or a version of one, that this program does not know."""


@dataclass(frozen=True)
class Stored(StoredEvent):
    """An event as it is kept: ``state`` is its JSON, ``schema_version`` the version of its schema."""

    schema_version: int = 1


class EventMapper(Mapper[UUID]):
    """Between events and JSON. Knows the registered topics only; strict on write, checks on read."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._decoders = {topic: msgspec.json.Decoder(event) for topic, event in EVENTS.items()}

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> Stored:
        """Encode an event. Raises EventDoesNotFit if its schema does not allow it."""
        event = cast(Event, domain_event)
        state = self._encode(event)
        try:
            self._decoders[event.TOPIC].decode(state)
        except msgspec.ValidationError as misfit:
            why, _, at = str(misfit).partition(" - at `$.")
            raise EventDoesNotFit(event.TOPIC, at.rstrip("`") or "event", why) from misfit
        return Stored(
            event.originator_id, event.originator_version, event.TOPIC, state, event.VERSION
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode an event, bringing an older version up to date. Raises UnknownEvent."""
        version = stored_event.schema_version if isinstance(stored_event, Stored) else 1
        return self._decoded(stored_event.topic, version, stored_event.state)

    def event(self, row: Sequence[Any]) -> Event:
        """The event of a row of `EVENT_COLUMNS`. Raises UnknownEvent."""
        _, _, topic, schema_version, body = row
        return self._decoded(topic, schema_version, body)

    def _decoded(self, topic: str, version: int, state: bytes | str) -> Event:
        event = EVENTS.get(topic)
        if event is None:
            raise UnknownEvent(f"The log holds events of type {topic!r}, unknown to this program.")
        if version > event.VERSION:
            raise UnknownEvent(
                f"The log holds {topic!r} in version {version}; this program knows it up to "
                f"version {event.VERSION}. Use a newer program."
            )
        if version < event.VERSION:
            state = self._upcast(event, version, state)
        try:
            return self._decoders[topic].decode(state)
        except msgspec.ValidationError as misfit:
            raise UnknownEvent(
                f"A {topic!r} in the log does not fit its schema: {misfit}"
            ) from None

    def _upcast(self, event: type[Event], version: int, state: bytes | str) -> bytes:
        body = msgspec.json.decode(state)
        for step in range(version, event.VERSION):
            getattr(event, f"upcast_v{step}_v{step + 1}")(body)
        return self._encode(body)


def stored_event(row: Sequence[Any]) -> Stored:
    """An event from a row of `EVENT_COLUMNS`."""
    stream, version, topic, schema_version, body = row
    return Stored(stream, version, topic, body.encode(), schema_version)
