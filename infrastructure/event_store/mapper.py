"""Between events and what the log keeps of them, by topic and version of the schema.

Events are told as JSON, whole, and kept in columns and what is their own (docs/adr/0016): the view
``record.events`` puts them together again for whoever reads with SQL, `EventMapper.event` does for this
program.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypedDict, cast, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from application.ports import EventDoesNotFit
from domain.aggregate import Event
from domain.envelope import About, Actor, Envelope, Source
from domain.errors import IntegrityError
from domain.event_types import EVENTS
from domain.time import Precision

EVENT_COLUMNS = (
    "stream, version, topic, schema_version, own::text, stay, patient, key_id, command_id, operation,"
    " digest, occurred_at, precision, issuer, subject, role, on_behalf_of, performed_by,"
    " witnessed_by, reason, source, source_id, source_recorded_at, hospital"
)
"""The columns of ``record.events`` that an event is read from, by `EventMapper.event`."""

OF_ALL = ("originator_id", "originator_version", "entry")
"""What every event has beside its own fields."""


class UnknownEvent(IntegrityError):
    """The log holds an event type, or a version of one, that this program does not know."""


@dataclass(frozen=True)
class Stored(StoredEvent):
    """An event to be kept, or kept: ``state`` is its JSON, whole; ``told`` its parts as JSON.

    ``schema_version`` is the version of its schema.
    """

    schema_version: int = 1
    told: bytes = b""


class EventMapper(Mapper[UUID]):
    """Between events and JSON. Knows the registered topics only; strict on write, checks on read."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._decoders = {topic: _decoder(event) for topic, event in EVENTS.items()}
        self._own = {topic: _own_decoder(event) for topic, event in EVENTS.items()}

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> Stored:
        """Encode an event. Raises EventDoesNotFit if its schema does not allow it."""
        event = cast(Event, domain_event)
        state = self._encode(event)
        try:
            self._decoders[event.TOPIC].decode(state)
        except msgspec.ValidationError as misfit:
            why, _, at = str(misfit).partition(" - at `$.")
            raise EventDoesNotFit(event.TOPIC, at.rstrip("`") or "event", why) from misfit
        told = self._encode(_told(event))
        return Stored(
            event.originator_id, event.originator_version, event.TOPIC, state, event.VERSION, told
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode an event, bringing an older version up to date. Raises UnknownEvent."""
        version = stored_event.schema_version if isinstance(stored_event, Stored) else 1
        return self._decoded(stored_event.topic, version, stored_event.state)

    def event(self, row: Sequence[Any]) -> Event:
        """The event of a row of `EVENT_COLUMNS`. Raises UnknownEvent."""
        stream, version, topic, schema_version, own = row[:5]
        event, entry = _known(topic, schema_version), _entry(row)
        if schema_version < event.VERSION:
            envelope = {"originator_id": stream, "originator_version": version, "entry": entry}
            whole = msgspec.to_builtins(envelope) | msgspec.json.decode(own)
            return self._decoded(topic, schema_version, self._encode(whole))
        try:
            said = self._own[topic](own)
        except msgspec.ValidationError as misfit:
            raise _misfit(topic, misfit) from None
        said["originator_id"], said["originator_version"], said["entry"] = stream, version, entry
        made = object.__new__(event)
        object.__setattr__(made, "__dict__", said)  # all at once: events are frozen
        return made

    def _decoded(self, topic: str, version: int, state: bytes | str) -> Event:
        event = _known(topic, version)
        if version < event.VERSION:
            state = self._upcast(event, version, state)
        try:
            return self._decoders[topic].decode(state)
        except msgspec.ValidationError as misfit:
            raise _misfit(topic, misfit) from None

    def _upcast(self, event: type[Event], version: int, state: bytes | str) -> bytes:
        body = msgspec.json.decode(state)
        for step in range(version, event.VERSION):
            getattr(event, f"upcast_v{step}_v{step + 1}")(body)
        return self._encode(body)


def _known(topic: str, version: int) -> type[Event]:
    """The class of an event that this program knows in that version. Raises UnknownEvent."""
    event = EVENTS.get(topic)
    if event is None:
        raise UnknownEvent(f"The log holds events of type {topic!r}, unknown to this program.")
    if version > event.VERSION:
        raise UnknownEvent(
            f"The log holds {topic!r} in version {version}; this program knows it up to "
            f"version {event.VERSION}. Use a newer program."
        )
    return event


def _misfit(topic: str, misfit: msgspec.ValidationError) -> UnknownEvent:
    return UnknownEvent(f"A {topic!r} in the log does not fit its schema: {misfit}")


@cache
def _decoder(event: type[Event]) -> msgspec.json.Decoder[Event]:
    """Made once: that takes longer than most of what is done with it."""
    return msgspec.json.Decoder(event)


@cache
def _own_decoder(event: type[Event]) -> Callable[[str], dict[str, Any]]:
    """Decodes what an event says beside its envelope, as strictly as the event itself."""
    types = get_type_hints(event, include_extras=True)
    names = [field.name for field in fields(event)]  # type: ignore[arg-type]
    own = {name: types[name] for name in names if name not in OF_ALL}
    return msgspec.json.Decoder(TypedDict(event.__name__, own)).decode  # type: ignore[operator]


class _Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event in parts, named as the columns are that ``record.append`` puts them into."""

    stream: UUID
    version: int
    topic: str
    schema_version: int
    operation: str
    digest: str
    occurred_at: datetime
    issuer: str
    subject: str
    role: str
    hospital: str
    own: dict[str, Any]
    precision: Precision = Precision.MINUTE
    on_behalf_of: str | None = None
    performed_by: str | None = None
    witnessed_by: str | None = None
    reason: str | None = None
    source: str | None = None
    source_id: str | None = None
    source_recorded_at: datetime | None = None
    patient: UUID | None = None
    stay: UUID | None = None
    key: str | None = None


def _told(event: Event) -> _Told:
    entry = event.entry
    by, source, about = entry.recorded_by, entry.source, entry.about
    return _Told(
        event.originator_id,
        event.originator_version,
        event.TOPIC,
        event.VERSION,
        entry.operation,
        f"\\x{entry.digest}",
        entry.occurred_at,
        by.issuer,
        by.subject,
        by.role,
        entry.hospital,
        {name: value for name, value in event.__dict__.items() if name not in OF_ALL},
        entry.precision,
        by.on_behalf_of,
        entry.performed_by,
        entry.witnessed_by,
        entry.reason,
        source.system if source else None,
        source.id if source else None,
        source.recorded_at if source else None,
        about.patient if about else None,
        about.stay if about else None,
        _key(about) if about else None,
    )


def _key(about: About) -> str:
    """The key's id, without the patient's if it begins with that and a slash, as it mostly does."""
    patient = str(about.patient)
    return about.key_id[36:] if about.key_id.startswith(f"{patient}/") else about.key_id


def _entry(row: Sequence[Any]) -> Envelope:
    """The envelope from its columns: the inverse of `_told`."""
    (
        *_,
        stay,
        patient,
        key_id,
        command_id,
        operation,
        digest,
        occurred_at,
        precision,
        issuer,
        subject,
        role,
        on_behalf_of,
        performed_by,
        witnessed_by,
        reason,
        source,
        source_id,
        source_recorded_at,
        hospital,
    ) = row
    about = told_by = None
    if patient is not None:
        about = About(patient=patient, key_id=key_id, stay=stay)
    if source is not None:
        known_at = source_recorded_at and source_recorded_at.astimezone(UTC)
        told_by = Source(system=source, id=source_id, recorded_at=known_at)
    return Envelope(
        command_id=command_id,
        operation=operation,
        digest=digest.hex(),
        occurred_at=occurred_at.astimezone(UTC),
        precision=Precision(precision) if precision else Precision.MINUTE,
        recorded_by=Actor(issuer=issuer, subject=subject, role=role, on_behalf_of=on_behalf_of),
        performed_by=performed_by,
        witnessed_by=witnessed_by,
        reason=reason,
        source=told_by,
        hospital=hospital,
        about=about,
    )
