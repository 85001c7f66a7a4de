"""The feed as CloudEvents: a published language, derived from the events by a rule.

An event names itself for other systems by ``PUBLIC``. Its fields are told in camelCase, ids with the
suffix ``Id``; what the envelope or the subject says already (patient, stay, room) is left out, and
``PUBLIC_FIELDS`` names the exceptions. An internal event may change; what is told stays the same. A
field may be added; to rename or remove one, raise ``PUBLIC_VERSION``: the type and the schema of the
old one stay as they were.
"""

import json
import re
import types
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cached_property
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

import msgspec

from domain.aggregate import Event
from domain.bed_ref import BedRef
from domain.event_types import EVENTS
from domain.room.occupancy import Occupancy
from infrastructure.queries.feed import LoggedEvent, RoomLocation

Rooms = Mapping[UUID, RoomLocation]
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A public field: its JSON Schema, the name of the event's field, and how its value is told."""

    schema: Schema
    internal: str
    tell: Callable[[Any, Rooms], Any]
    required: bool


@dataclass(frozen=True)
class PublicEvent:
    """An internal event type as the feed tells it."""

    event: type[Event]
    name: str

    @property
    def topic(self) -> str:
        return self.event.TOPIC

    @property
    def type(self) -> str:
        """Return the CloudEvents attribute ``type``."""
        return f"wardbook.{self.name}.v{self.event.PUBLIC_VERSION}"

    @property
    def dataschema(self) -> str:
        """Return the CloudEvents attribute ``dataschema``: the ``$id`` of the schema of ``data``."""
        return f"urn:wardbook:feed:{self.name}:v{self.event.PUBLIC_VERSION}"

    @property
    def kind(self) -> str:
        """Return the value of the GraphQL enum EventKind."""
        return re.sub(r"[.-]", "_", self.name).upper()

    @property
    def subject(self) -> str:
        """Return the kind of thing that the fact is about: that of its stream, but the room of a bed."""
        return "room" if self.event.belongs_to(Occupancy) else self.topic.partition(".")[0]

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Return the public fields by name: those that are always there, then those that may be."""
        hints = get_type_hints(self.event)
        names = [field.name for field in fields(self.event) if field.name not in ENVELOPE]  # type: ignore[arg-type]
        public_names = {name: self._name(name, hints[name]) for name in names}
        by_name = {
            new: _field(old, hints[old]) for old, new in public_names.items() if new is not None
        }
        return dict(sorted(by_name.items(), key=_place_in_schema))

    def _name(self, field: str, kind: Any) -> str | None:
        if field in self.event.PUBLIC_FIELDS:
            name = self.event.PUBLIC_FIELDS[field]
            return name and _camel(name)
        if field in SAID_ELSEWHERE:
            return None
        is_id = _without_none(kind)[0] is UUID and not field.endswith("_of")
        return NAMES.get(field) or _camel(f"{field}_id" if is_id else field)


ENVELOPE = ("originator_id", "originator_version", "entry")
SAID_ELSEWHERE = ("patient", "stay", "room")
"""Fields that repeat the patient and the stay of the envelope, or the room that is the subject."""

NAMES = {"at": "correctedOccurredAt", "precision": "correctedPrecision", "visit_kind": "kind"}
"""Public names of fields that several events have, and that do not follow the rule."""

_FIRST = ("movementId", "bed")
_LAST = (
    "mrn",
    "mrnAuthority",
    "birthDate",
    "sharesBedOf",
    "decidedToAdmitAt",
    "correctedOccurredAt",
    "correctedPrecision",
)
"""Fields that the released schema has in another place than the event: first; last if optional."""


def _place_in_schema(item: tuple[str, Field]) -> tuple[bool, int]:
    name, field = item
    if name in _FIRST:
        place = _FIRST.index(name) - len(_FIRST)
    elif name in _LAST and not field.required:
        place = 1 + _LAST.index(name)
    else:
        place = 0
    return not field.required, place


def _place(bed: dict[str, Any], rooms: Rooms) -> dict[str, Any]:
    """Return a bed by ward, room number and code, so that nobody has to look up its room."""
    return {**_room(UUID(bed["room"]), rooms), "bed": bed["bed"]}


def _room(room: UUID, rooms: Rooms) -> dict[str, Any]:
    return {"roomId": str(room), "ward": rooms[room].ward, "room": rooms[room].number}


def _in_camel_case(value: Any) -> Any:
    """Return a value with the fields of its structs in camelCase."""
    if isinstance(value, list):
        return [_in_camel_case(item) for item in value]
    if isinstance(value, dict):
        return {_camel(name): part for name, part in value.items() if part is not None}
    return value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _object(needs: Schema, may: Schema | None = None, **more: Any) -> Schema:
    properties = {**needs, **(may or {})}
    return {"type": "object", "properties": properties, "required": sorted(needs), **more}


TEXT: Schema = {"type": "string"}
ID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
SCHEMAS: dict[Any, Schema] = {
    str: TEXT,
    bool: {"type": "boolean"},
    UUID: ID,
    date: {"type": "string", "format": "date"},
    datetime: MOMENT,
}
"""By the type of a field; an enumeration is told as text."""
ROOM: Schema = {"roomId": ID, "ward": TEXT, "room": TEXT}


def _field(internal: str, hint: Any) -> Field:
    """Return the public field of a type. A list of ids may be left out, as a value may."""
    kind, optional = _without_none(hint)
    if kind is BedRef:
        return Field(_object({**ROOM, "bed": TEXT}), internal, _place, not optional)
    optional = optional or get_args(kind) == (UUID, ...)
    return Field(_schema(kind), internal, lambda value, rooms: _in_camel_case(value), not optional)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """Return a type without None, and whether it allows None."""
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    (kind,) = (kind for kind in get_args(hint) if kind is not type(None))
    return _without_none(kind)[0], True


def _schema(kind: Any) -> Schema:
    """Return the JSON Schema of a type: of text, ids, moments, structs of these, or lists."""
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        parts = msgspec.structs.fields(kind)
        hints = get_type_hints(kind)
        schemas = {_camel(f.encode_name): _schema(_without_none(hints[f.name])[0]) for f in parts}
        needs = {_camel(f.encode_name) for f in parts if f.required}
        return _object(
            {name: schema for name, schema in schemas.items() if name in needs},
            {name: schema for name, schema in schemas.items() if name not in needs},
        )
    return SCHEMAS.get(kind, TEXT)


_LATER = {"patient.died": 2.5}
"""Events that the released list has later than their aggregate does: by how many places."""


def _public_events() -> tuple[PublicEvent, ...]:
    """Return the public events: those of a stream together, then by what they are about."""
    public_events = [PublicEvent(event, event.PUBLIC) for event in EVENTS.values() if event.PUBLIC]
    streams = list(dict.fromkeys(p.topic.partition(".")[0] for p in public_events))
    about = list(dict.fromkeys(p.name.partition(".")[0] for p in public_events))

    def place(numbered_event: tuple[int, PublicEvent]) -> tuple[int, int, float]:
        number, event = numbered_event
        stream, subject = event.topic.partition(".")[0], event.name.partition(".")[0]
        return streams.index(stream), about.index(subject), number + _LATER.get(event.topic, 0)

    return tuple(event for _, event in sorted(enumerate(public_events), key=place))


PUBLIC = _public_events()
BY_TOPIC = {public.topic: public for public in PUBLIC}

_ACTOR = _object(
    {"issuer": TEXT, "subject": TEXT, "role": TEXT},
    {"onBehalfOf": TEXT},
)
_SOURCE = _object({"system": TEXT, "id": TEXT}, {"recordedAt": MOMENT})
ENVELOPE_NEEDS: Schema = {
    "commandId": ID,
    "occurredAt": MOMENT,
    "occurredAtPrecision": TEXT,
    "recordedBy": _ACTOR,
}
ENVELOPE_MAY: Schema = {
    "performedBy": TEXT,
    "witnessedBy": TEXT,
    "reason": TEXT,
    "source": _SOURCE,
    "patientId": ID,
    "stayId": ID,
}
"""Properties that ``data`` has of every fact: who, when at the bedside, why, and about whom."""


def event_id(entry: LoggedEvent) -> UUID:
    """Return the CloudEvents attribute ``id``, from the command and the place in the stream.

    Two facts never share one, not even when the log is restored to before the first of them.
    """
    event = entry.event
    return uuid5(entry.command_id, f"{event.originator_id}/{event.originator_version}")


def subject(event: Event) -> str:
    """Return the CloudEvents attribute ``subject``: kind and id of what the fact is about."""
    return f"{BY_TOPIC[event.TOPIC].subject}/{_subject(event)}"


def data(event: Event, rooms: Rooms) -> dict[str, Any]:
    """Return the CloudEvents attribute ``data``: the public fields of an event and its envelope."""
    public_event, entry = BY_TOPIC[event.TOPIC], event.entry
    values = msgspec.to_builtins(event)
    public_data: dict[str, Any] = {
        "commandId": entry.command_id,
        "occurredAt": entry.occurred_at,
        "occurredAtPrecision": entry.precision,
        "recordedBy": _in_camel_case(msgspec.to_builtins(entry.recorded_by)),
        "performedBy": entry.performed_by,
        "witnessedBy": entry.witnessed_by,
        "reason": entry.reason,
        "source": _in_camel_case(msgspec.to_builtins(entry.source)) if entry.source else None,
        "patientId": entry.about.patient if entry.about else None,
        "stayId": entry.about.stay if entry.about else None,
    }
    public_data |= (
        _room(_subject(event), rooms) if public_event.subject == "room" else _subject_id(event)
    )
    for name, field in public_event.fields.items():
        value = values.get(field.internal)
        public_data[name] = None if value is None else field.tell(value, rooms)
    public_data = {name: value for name, value in public_data.items() if value is not None}
    attributes: dict[str, Any] = msgspec.to_builtins(public_data)
    return attributes


def patients_of(event: Event, data: Mapping[str, Any]) -> set[UUID]:
    """Return the patients whose data an event tells, given its public data."""
    patients = set(_ids_in(data, PATIENTS))
    return patients | ({event.entry.about.patient} if event.entry.about else set())


def resources_of(data: Mapping[str, Any]) -> set[UUID]:
    """Return the stays and prescriptions that the public data of an event name."""
    return set(_ids_in(data, RESOURCES))


def _ids_in(value: Any, names: Set[str], *, is_named: bool = False) -> Iterator[UUID]:
    """Yield the ids that fields of some names hold, however deep they stand."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _ids_in(inner, names, is_named=name in names)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _ids_in(item, names, is_named=is_named)
    elif is_named:
        yield UUID(value)


def _subject(event: Event) -> UUID:
    """Return the subject of an event: its stream, but of an occupancy's event the room."""
    return event.room if isinstance(event, Occupancy.StretchesChanged) else event.originator_id


def _subject_id(event: Event) -> dict[str, Any]:
    return {f"{BY_TOPIC[event.TOPIC].subject}Id": _subject(event)}


PATIENTS = {"patientId", "despiteLikelyDuplicates"} | {
    f for p in PUBLIC for f in p.fields if f.endswith("PatientId")
}
"""The fields of an event that name a patient."""

RESOURCES = {"stayId", "prescriptionId", "sharesBedOf"} | {
    f for p in PUBLIC for f in p.fields if f.endswith("StayId")
}
"""The fields of an event that name a stay or a prescription."""


def feed_schema() -> str:
    """Return the JSON Schema of the feed: the attributes of each event, and ``data`` by its type."""
    kinds: Schema = {}
    for event in sorted(PUBLIC, key=lambda public: public.name):
        of_subject = ROOM if event.subject == "room" else {f"{event.subject}Id": ID}
        needed_schemas = {n: f.schema for n, f in event.fields.items() if f.required}
        needs = {**ENVELOPE_NEEDS, **of_subject, **needed_schemas}
        may = {n: s for n, s in ENVELOPE_MAY.items() if n not in needs}
        may |= {n: f.schema for n, f in event.fields.items() if not f.required}
        kinds[event.name] = {
            "$id": event.dataschema,
            "title": event.type,
            **_object(needs, may),
        }
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:wardbook:feed",
        "title": "Wardbook feed",
        "description": "An event of the feed in the JSON format of CloudEvents 1.0.",
        **_object(
            {
                "specversion": {"const": "1.0"},
                "id": ID,
                "source": {"type": "string", "format": "uri"},
                "type": {"enum": sorted(event.type for event in PUBLIC)},
                "subject": TEXT,
                "time": MOMENT,
                "datacontenttype": {"const": "application/json"},
                "dataschema": {"type": "string", "format": "uri"},
                "data": {"type": "object"},
            }
        ),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": event.type}}},
                "then": {
                    "properties": {
                        "dataschema": {"const": event.dataschema},
                        "data": {"$ref": event.dataschema},
                    }
                },
            }
            for event in sorted(PUBLIC, key=lambda public: public.name)
        ],
        "$defs": kinds,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
