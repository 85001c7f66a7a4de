"""Mapper of events to JSON and to rows of the log, by topic and version of their schema.

An event is stored in columns for its envelope and a JSON object of its own fields (docs/adr/0016).
The view ``record.events`` composes the whole JSON for SQL; `EventMapper.event` decodes a row. Fields
that are marked as sealed are stored as ciphertext, and opened here and nowhere else (docs/privacy.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, NotRequired, TypedDict, cast, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from domain.aggregate import Event
from domain.envelope import REDACTED, About, Actor, Envelope, Source
from domain.errors import IntegrityError
from domain.event_types import EVENTS
from domain.time import Precision
from infrastructure.event_store.misfit import misfit
from infrastructure.sealing.fields import (
    SEAL_IN_JSON,
    UNTOLD_VALUES,
    Open,
    altered_value,
    open_value,
    sealed_fields,
)
from infrastructure.sealing.key_ring import SEAL, KeyRing, key_ring
from infrastructure.sealing.keys_missing import TextAltered
from infrastructure.sealing.subjects import OF_PERSON, binding_of, subject_of_field

EVENT_COLUMNS = (
    "stream, version, topic, schema_version, own::text, stay, patient, key_id, command_id, operation,"
    " digest, occurred_at, precision, issuer, subject, role, on_behalf_of, performed_by,"
    " witnessed_by, reason, source, source_id, source_recorded_at, hospital"
)
"""The columns of ``record.events`` that an event is read from, by `EventMapper.event`."""

COMMON_FIELDS = ("originator_id", "originator_version", "entry")
"""The fields that every event has beside its own."""


class UnknownEvent(IntegrityError):
    """The log holds an event that this program cannot read."""


class NewerEvent(UnknownEvent):
    """The log holds an event type, or a version of one, that only a newer program knows."""

    def __init__(self, topic: str, version: int) -> None:
        event = EVENTS.get(topic)
        super().__init__(
            f"The log holds {topic!r} in version {version}; this program knows it up to version"
            f" {event.VERSION}. Use a newer program."
            if event
            else f"The log holds events of type {topic!r}, unknown to this program. Use a newer one."
        )


@dataclass(frozen=True)
class VersionedStoredEvent(StoredEvent):
    """A stored event with the version of its schema.

    ``state`` is the event's whole JSON, ``row`` the JSON of its columns.
    """

    schema_version: int = 1
    row: bytes = b""

    @property
    def stream(self) -> UUID:
        return cast(UUID, self.originator_id)


class EventMapper(Mapper[UUID]):
    """Maps events of the registered topics; validates against their schemas on write and on read."""

    def __init__(self, keys: KeyRing | None = None, *, strict: bool = False) -> None:
        """``strict``: an altered text is an error (TextAltered), and does not read as ALTERED."""
        self._keys, self._is_strict = keys, strict
        self._encode = msgspec.json.Encoder().encode
        self._decoders = {topic: _decoder(event) for topic, event in EVENTS.items()}
        self._own_fields = {topic: _own_decoder(event) for topic, event in EVENTS.items()}

    @property
    def keys(self) -> KeyRing:
        """The keys by which texts are sealed: those of the process, unless others were given."""
        return self._keys or key_ring()

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> VersionedStoredEvent:
        """Encode an event. Raises EventDoesNotFit if its schema does not allow it."""
        event = cast(Event, domain_event)
        state = self._encode(event)
        try:
            self._decoders[event.TOPIC].decode(state)
        except msgspec.ValidationError as error:
            raise misfit(event.TOPIC, error) from error
        row = self._encode(self._to_row(event))
        stream = event.originator_id
        return VersionedStoredEvent(
            stream, event.originator_version, event.TOPIC, state, event.written_version, row
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode an event, bringing an older version up to date. Raises UnknownEvent."""
        version = (
            stored_event.schema_version if isinstance(stored_event, VersionedStoredEvent) else 1
        )
        return self._decode(stored_event.topic, version, stored_event.state)

    def event(self, row: Sequence[Any], *, opens_reason: bool = True) -> Event:
        """Decode a row of `EVENT_COLUMNS`; a reason left sealed is REDACTED. Raises UnknownEvent."""
        stream, version, topic, schema_version, body = row[:5]
        event, about, reason = _event_class(topic, schema_version), _about(row), row[_REASON]
        is_reason_sealed = reason is not None and reason.startswith(SEAL)
        is_body_sealed = SEAL_IN_JSON in body
        altered_fields: list[str] = []
        if is_reason_sealed and not opens_reason:
            is_reason_sealed, reason = False, REDACTED
        if is_reason_sealed or is_body_sealed:
            is_needed = is_body_sealed or topic in OF_PERSON
            own_fields = msgspec.json.decode(body) if is_needed else {}
            open = self._opener(topic, stream, version, about, own_fields, altered_fields)
            if is_reason_sealed:
                text = open(REASON, reason)
                reason = REDACTED if text is None else text
            if is_body_sealed:
                body = self._encode(open_value(own_fields, open))
        envelope = _envelope(row, about, reason)
        if schema_version < event.VERSION:
            common = {"originator_id": stream, "originator_version": version, "entry": envelope}
            all_fields = msgspec.to_builtins(common) | msgspec.json.decode(body)
            instance = self._decode(topic, schema_version, self._encode(all_fields))
        else:
            try:
                values = self._own_fields[topic](body)
            except msgspec.ValidationError as error:
                raise _schema_mismatch(topic, error) from None
            values |= {"originator_id": stream, "originator_version": version, "entry": envelope}
            instance = object.__new__(event)
            object.__setattr__(instance, "__dict__", values)  # all at once: events are frozen
        if altered_fields:
            object.__setattr__(instance, "ALTERED", tuple(altered_fields))
        return instance

    def _decode(self, topic: str, version: int, state: bytes | str) -> Event:
        event = _event_class(topic, version)
        if SEAL_IN_JSON in (state if isinstance(state, str) else state.decode()):
            state = self._open_body(topic, state)
        if version < event.VERSION:
            state = self._upcast(event, version, state)
        try:
            return self._decoders[topic].decode(state)
        except msgspec.ValidationError as error:
            raise _schema_mismatch(topic, error) from None

    def _to_row(self, event: Event) -> "_Row":
        """Return an event as a row, its marked fields sealed."""
        about, topic, stream = event.entry.about, event.TOPIC, event.originator_id
        own_fields = {
            name: value for name, value in event.__dict__.items() if name not in COMMON_FIELDS
        }
        reason = event.entry.reason
        version, keys = event.originator_version, self.keys
        subject, place = binding_of(topic, stream, version, about, own_fields)

        def seal(field: str, text: str) -> str:
            of = subject_of_field(topic, field, subject)
            return keys.seal(of, f"{place}\n{field}\n{of}", text)

        for name, seal_field in sealed_fields(type(event)).items():
            if name in own_fields:
                own_fields[name] = seal_field(own_fields[name], name, seal)
        return _to_row(event, own_fields, reason and seal(REASON, reason))

    def _opener(
        self,
        topic: str,
        stream: UUID,
        version: int,
        about: About | None,
        own_fields: Mapping[str, Any],
        altered_fields: list[str] | None = None,
    ) -> Open:
        """Return the opener of an event's sealed texts; note altered fields without a text."""
        subject, place = binding_of(topic, stream, version, about, own_fields)
        keys = self.keys

        def open(field: str, sealed: str) -> str | None:
            try:
                of = subject_of_field(topic, field, subject)
                return keys.open(of, f"{place}\n{field}\n{of}", sealed)
            except TextAltered:
                if self._is_strict:
                    raise
                if altered_fields is not None and field in UNTOLD_VALUES:
                    altered_fields.append(field)
                return altered_value(field)

        return open

    def _open_body(self, topic: str, state: bytes | str) -> bytes:
        """Return the whole JSON of an event with its sealed texts opened."""
        body = msgspec.json.decode(state)
        stream, version = UUID(body["originator_id"]), body["originator_version"]
        about = msgspec.convert(body["entry"].get("about"), About | None)
        own_fields = {name: value for name, value in body.items() if name not in COMMON_FIELDS}
        open = self._opener(topic, stream, version, about, own_fields)
        entry = self.open_entry(topic, stream, version, body["entry"], own_fields)
        return self._encode({**body, **open_value(own_fields, open), "entry": entry})

    def open_entry(
        self,
        topic: str,
        stream: UUID,
        version: int,
        entry: dict[str, Any],
        own_fields: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return the JSON of an envelope with its reason opened."""
        about = msgspec.convert(entry.get("about"), About | None)
        open = self._opener(topic, stream, version, about, own_fields)
        return {**entry, **open_value({"reason": entry.get("reason")}, open, "entry")}

    def _upcast(self, event: type[Event], version: int, state: bytes | str) -> bytes:
        body = msgspec.json.decode(state)
        for step in range(version, event.VERSION):
            getattr(event, f"upcast_v{step}_v{step + 1}")(body)
        return self._encode(body)


class ParkingMapper(EventMapper):
    """A mapper of a program that is to go on without the events of a newer one: they are parked."""

    def event(self, row: Sequence[Any], *, opens_reason: bool = True) -> Event:
        try:
            return super().event(row, opens_reason=opens_reason)
        except NewerEvent as error:
            raise UnknownEvent(str(error)) from None


REASON = "entry.reason"
"""The place of an entry's reason among the fields of an event."""


def is_known(topic: str, version: int) -> bool:
    """Return whether this program can read the events of a topic in a version."""
    event = EVENTS.get(topic)
    return event is not None and version <= event.VERSION


def _event_class(topic: str, version: int) -> type[Event]:
    """Return the class of a topic if it can read that version. Raises NewerEvent."""
    if not is_known(topic, version):
        raise NewerEvent(topic, version)
    return EVENTS[topic]


def _schema_mismatch(topic: str, error: msgspec.ValidationError) -> UnknownEvent:
    return UnknownEvent(f"A {topic!r} in the log does not fit its schema: {error}")


@cache
def _decoder(event: type[Event]) -> msgspec.json.Decoder[Event]:
    """Return the decoder of an event, made once: that takes longer than decoding."""
    return msgspec.json.Decoder(event)


@cache
def _own_decoder(event: type[Event]) -> Callable[[str], dict[str, Any]]:
    """Return the decoder of an event's own fields, as strict as the event's.

    A field with a default may be absent: it is younger than the first events of the kind.
    """
    types = get_type_hints(event, include_extras=True)
    own_fields = [f for f in fields(event) if f.name not in COMMON_FIELDS]  # type: ignore[arg-type]
    defaults = {f.name: f.default for f in own_fields if f.default is not MISSING}
    hints = {
        f.name: NotRequired[types[f.name]] if f.name in defaults else types[f.name]
        for f in own_fields
    }
    decode = msgspec.json.Decoder(TypedDict(event.__name__, hints)).decode  # type: ignore[operator]
    return (lambda own: {**defaults, **decode(own)}) if defaults else decode


class _Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as a row: fields named as the columns that ``record.append`` inserts."""

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


def _to_row(event: Event, fields: dict[str, Any], reason: str | None) -> _Row:
    entry = event.entry
    by, source, about = entry.recorded_by, entry.source, entry.about
    return _Row(
        event.originator_id,
        event.originator_version,
        event.TOPIC,
        event.written_version,
        entry.operation,
        f"\\x{entry.digest}",
        entry.occurred_at,
        by.issuer,
        by.subject,
        by.role,
        entry.hospital,
        fields,
        entry.precision,
        by.on_behalf_of,
        entry.performed_by,
        entry.witnessed_by,
        reason,
        source.system if source else None,
        source.id if source else None,
        source.recorded_at if source else None,
        about.patient if about else None,
        about.stay if about else None,
        _key(about) if about else None,
    )


def _key(about: About) -> str:
    """Return the key's id, shortened where it begins with the patient's id and a slash."""
    patient = str(about.patient)
    return about.key_id[36:] if about.key_id.startswith(f"{patient}/") else about.key_id


_REASON = EVENT_COLUMNS.split(", ").index("reason")


def _about(row: Sequence[Any]) -> About | None:
    stay, patient, key_id = row[5:8]
    return None if patient is None else About(patient=patient, key_id=key_id, stay=stay)


def _envelope(row: Sequence[Any], about: About | None, reason: str | None) -> Envelope:
    """Decode the envelope from its columns: the inverse of `_to_row`. ``reason``: as a text."""
    (
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
        _,
        source,
        source_id,
        source_recorded_at,
        hospital,
    ) = row[8:]
    origin = None
    if source is not None:
        known_at = source_recorded_at and source_recorded_at.astimezone(UTC)
        origin = Source(system=source, id=source_id, recorded_at=known_at)
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
        source=origin,
        hospital=hospital,
        about=about,
    )
