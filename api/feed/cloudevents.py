"""What the feed tells, and under which names: a contract of its own, apart from the internal events.

One line an event: internal topic, public name, whose fact it is, and its public fields. An internal
event may change; its line here is mended so that what is told stays the same. A field may be added; to
rename or remove one, raise the version: the type and the schema of the old one stay as they were.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import msgspec

from domain.aggregate import Event
from domain.room.occupancy import Occupancy
from infrastructure.queries.feed import Located, Logged

Rooms = Mapping[UUID, Located]
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A public field: its JSON Schema, the internal name where that differs, and how it is told."""

    schema: Schema
    internal: str | None = None
    tell: Callable[[Any, Rooms], Any] = lambda value, rooms: value

    def of(self, internal: str) -> "Field":
        return replace(self, internal=internal)


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """What the feed tells of one internal event type."""

    topic: str
    name: str
    subject: str
    needs: Mapping[str, Field]
    may: Mapping[str, Field]
    version: int = 1

    @property
    def type(self) -> str:
        """The CloudEvents attribute ``type``."""
        return f"wardbook.{self.name}.v{self.version}"

    @property
    def dataschema(self) -> str:
        """The CloudEvents attribute ``dataschema``: the ``$id`` of the schema of ``data``."""
        return f"urn:wardbook:feed:{self.name}:v{self.version}"

    @property
    def kind(self) -> str:
        """Its value of the GraphQL enum EventKind."""
        return re.sub(r"[.-]", "_", self.name).upper()


def _place(bed: dict[str, Any], rooms: Rooms) -> dict[str, Any]:
    """A bed by its ward and number, which nobody has to look up."""
    return {**_room(UUID(bed["room"]), rooms), "bed": bed["bed"]}


def _room(room: UUID, rooms: Rooms) -> dict[str, Any]:
    return {"roomId": str(room), "ward": rooms[room].ward, "room": rooms[room].number}


def _stretches(stretches: list[dict[str, Any]], rooms: Rooms) -> list[dict[str, Any]]:
    return [_renamed(stretch) for stretch in stretches]


def _renamed(said: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(name): value for name, value in said.items() if value is not None}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)


def _object(needs: Schema, may: Schema | None = None, **more: Any) -> Schema:
    properties = {**needs, **(may or {})}
    return {"type": "object", "properties": properties, "required": sorted(needs), **more}


TEXT = Field({"type": "string"})
FLAG = Field({"type": "boolean"})
ID = Field({"type": "string", "format": "uuid"})
DAY = Field({"type": "string", "format": "date"})
MOMENT = Field({"type": "string", "format": "date-time"})
TEXTS = Field({"type": "array", "items": TEXT.schema})
IDS = Field({"type": "array", "items": ID.schema})
ROOM = {"roomId": ID.schema, "ward": TEXT.schema, "room": TEXT.schema}
PLACE = Field(_object({**ROOM, "bed": TEXT.schema}), tell=_place)
MEDICATION = Field(
    _object({"name": TEXT.schema}, {"code": TEXT.schema, "system": TEXT.schema}),
    tell=lambda said, rooms: _renamed(said),
)
STRETCHES = Field(
    {
        "type": "array",
        "items": _object(
            {"bed": TEXT.schema, "since": MOMENT.schema},
            {"until": MOMENT.schema, "kept": FLAG.schema, "sharesBedOf": ID.schema},
        ),
    },
    tell=_stretches,
)

_NAMES = {"familyName": TEXT, "givenName": TEXT}
_WHERE = {"bed": PLACE, "withoutBed": TEXT, "sharesBedOf": ID}
_MOVEMENT = {"movementId": ID.of("movement")}
_TAKEN_BACK = {**_MOVEMENT, "cancelId": ID.of("cancel"), "because": TEXT}
_VISIT = {"visitId": ID.of("visit")}
_CHANGE = {"changeId": ID.of("change")}
_DOSE = {"administrationId": ID.of("administration")}
_DOSE_SAID = {"doseGiven": TEXT, "reasonNotGiven": TEXT, "outsidePrescription": TEXT}
_CORRECTED = {"correctedOccurredAt": MOMENT.of("at"), "correctedPrecision": TEXT.of("precision")}
_REGIMEN = {"dose": TEXT, "route": TEXT, "frequency": TEXT, "stop": MOMENT}
_DETAILS = {**_NAMES, "sex": TEXT, "confidentiality": TEXT}


def _spell(id: str) -> dict[str, Field]:
    return {"bed": TEXT, id: ID.of("spell")}


_patient = partial(PublicEvent, subject="patient")
_practitioner = partial(PublicEvent, subject="practitioner")
_in_room = partial(PublicEvent, subject="room")
_stay = partial(PublicEvent, subject="stay")
_prescription = partial(PublicEvent, subject="prescription")

# fmt: off
PUBLIC = (
    #        internal topic                     public name           needed            where said
    _patient("patient.registered",              "patient.registered",
             needs={"mrn": TEXT, "mrnAuthority": TEXT, "sex": TEXT, "confidentiality": TEXT},
             may={**_NAMES, "birthDate": DAY}),
    _patient("patient.details-corrected",       "patient.details-corrected",
             needs={}, may={**_DETAILS, "mrn": TEXT, "mrnAuthority": TEXT, "birthDate": DAY}),
    _patient("patient.details-changed",         "patient.details-changed",
             needs={"since": MOMENT}, may=_DETAILS),
    _patient("patient.died",                    "patient.died",         needs={},         may={}),
    _patient("patient.merged",                  "patient.merged",
             needs={"mergeId": ID.of("merge"), "intoPatientId": ID.of("into")}, may={}),
    _patient("patient.unmerged",                "patient.unmerged",
             needs={"mergeId": ID.of("merge")}, may={}),
    _practitioner("practitioner.registered",    "practitioner.registered",
                  needs={"staffNumber": TEXT, "grade": TEXT},
                  may={**_NAMES, "gradeFrom": DAY, "specialty": TEXT}),

    _in_room("room.opened",                     "room.opened",          needs={"beds": TEXTS}, may={}),
    _in_room("room.policy-set",                 "room.policy-set",
             needs={"policy": TEXT, "applies": FLAG}, may={}),
    _in_room("room.bed-added",                  "bed.added",            needs={"bed": TEXT}, may={}),
    _in_room("room.bed-closed",                 "bed.closed",
             needs={**_spell("closureId"), "since": MOMENT, "why": TEXT}, may={"until": MOMENT}),
    _in_room("room.bed-reopened",               "bed.reopened",  needs=_spell("closureId"), may={}),
    _in_room("room.cleaning-started",           "bed.cleaning-started",
             needs=_spell("cleaningId"), may={}),
    _in_room("room.cleaning-finished",          "bed.cleaning-finished",
             needs=_spell("cleaningId"), may={}),
    _in_room("room.bed-reserved",               "bed.reserved",
             needs={**_spell("reservationId"), "since": MOMENT, "until": MOMENT},
             may={"forPatientId": ID.of("patient"), "forStayId": ID.of("stay")}),
    _in_room("room.reservation-released",       "bed.reservation-released",
             needs=_spell("reservationId"), may={}),
    _in_room("occupancy.stretches-changed",     "bed.occupancy-changed",
             needs={"ended": STRETCHES, "begun": STRETCHES}, may={}),

    _stay("stay.admitted",                      "stay.admitted",
          needs={**_MOVEMENT, "admissionType": TEXT, "confidentiality": TEXT},
          may={"attendingId": ID.of("attending"), "specialty": TEXT, "withoutBed": TEXT,
               "decidedToAdmitAt": MOMENT}),
    _stay("stay.room-allocated",                "stay.room-allocated",
          needs={**_MOVEMENT, "bed": PLACE}, may={"sharesBedOf": ID}),
    _stay("stay.transferred",                   "stay.transferred",     needs=_MOVEMENT, may=_WHERE),
    _stay("stay.bed-swapped",                   "stay.bed-swapped",
          needs={**_MOVEMENT, "bed": PLACE, "withStayId": ID.of("with_stay")}, may={}),
    _stay("stay.leave-started",                 "stay.leave-started",
          needs={**_MOVEMENT, "keepsBed": FLAG}, may={"expectedReturn": MOMENT}),
    _stay("stay.leave-ended",                   "stay.leave-ended",     needs=_MOVEMENT, may=_WHERE),
    _stay("stay.attending-changed",             "stay.attending-changed",
          needs={**_MOVEMENT, "attendingId": ID.of("attending")}, may={}),
    _stay("stay.specialty-changed",             "stay.specialty-changed",
          needs={**_MOVEMENT, "specialty": TEXT}, may={}),
    _stay("stay.discharge-planned",             "stay.discharge-planned",
          needs={**_MOVEMENT, "plan": TEXT}, may={"expectedAt": MOMENT}),
    _stay("stay.discharged",                    "stay.discharged",
          needs={**_MOVEMENT, "disposition": TEXT},
          may={"destination": TEXT, "dischargeMedicines": IDS}),
    _stay("stay.admission-cancelled",           "stay.admission-cancelled",
          needs=_TAKEN_BACK, may={"voidedVisitIds": IDS.of("voided")}),
    _stay("stay.movement-cancelled",            "stay.movement-cancelled",
          needs=_TAKEN_BACK, may=_WHERE),
    _stay("stay.discharge-cancelled",           "stay.discharge-cancelled",
          needs=_TAKEN_BACK, may=_WHERE),
    _stay("stay.movement-corrected",            "stay.movement-corrected",
          needs=_MOVEMENT, may={**_WHERE, **_CORRECTED}),
    _stay("stay.visit-recorded",                "visit.recorded",
          needs={**_VISIT, "practitionerId": ID.of("practitioner"), "kind": TEXT.of("visit_kind")},
          may={"note": TEXT}),
    _stay("stay.visit-amended",                 "visit.amended",        needs=_VISIT,
          may={"practitionerId": ID.of("practitioner"), "kind": TEXT.of("visit_kind"), "note": TEXT,
               **_CORRECTED}),
    _stay("stay.visit-cancelled",               "visit.cancelled",      needs=_VISIT,    may={}),

    _prescription("prescription.written",       "prescription.written",
                  needs={"medication": MEDICATION, "start": MOMENT},
                  may={**_REGIMEN, "prescriberId": ID.of("prescriber")}),
    _prescription("prescription.changed",       "prescription.changed", needs=_CHANGE, may=_REGIMEN),
    _prescription("prescription.held",          "prescription.held",    needs=_CHANGE,   may={}),
    _prescription("prescription.resumed",       "prescription.resumed", needs=_CHANGE,   may={}),
    _prescription("prescription.stopped",       "prescription.stopped", needs=_CHANGE,
                  may={"dischargeId": ID.of("discharge")}),
    _prescription("prescription.completed",     "prescription.completed", needs=_CHANGE, may={}),
    _prescription("prescription.cancelled",     "prescription.cancelled", needs={},      may={}),
    _prescription("prescription.stop-corrected", "prescription.stop-corrected",
                  needs={**_CHANGE, "dischargeId": ID.of("discharge")},
                  may={"stoppedAt": MOMENT.of("at")}),
    _prescription("prescription.administration-recorded", "dose.recorded",
                  needs={**_DOSE, "given": FLAG}, may=_DOSE_SAID),
    _prescription("prescription.administration-corrected", "dose.corrected", needs=_DOSE,
                  may={"given": FLAG, **_DOSE_SAID, **_CORRECTED}),
    _prescription("prescription.administration-cancelled", "dose.cancelled", needs=_DOSE, may={}),
)
# fmt: on

NOT_TOLD = (
    "drug-chart.prescription-charted",
    "glass.broken",
    "hospital-time.set",
    "projection.command-skipped",
    "projection.retry-requested",
    "report.issued",
    "report.restated",
    "source-visit.reported",
    "source-visit.settled",
)
"""Internal events that are nobody else's concern: they keep the record itself, or what another system
reported until it is true (what comes of that is told as any other fact), or are figures, which are
asked for as reports, or say who may read."""

BY_TOPIC = {public.topic: public for public in PUBLIC}

_ACTOR = _object(
    {"issuer": TEXT.schema, "subject": TEXT.schema, "role": TEXT.schema},
    {"onBehalfOf": TEXT.schema},
)
_SOURCE = _object({"system": TEXT.schema, "id": TEXT.schema}, {"recordedAt": MOMENT.schema})
ENVELOPE_NEEDS: Schema = {
    "commandId": ID.schema,
    "occurredAt": MOMENT.schema,
    "occurredAtPrecision": TEXT.schema,
    "recordedBy": _ACTOR,
}
ENVELOPE_MAY: Schema = {
    "performedBy": TEXT.schema,
    "witnessedBy": TEXT.schema,
    "reason": TEXT.schema,
    "source": _SOURCE,
    "patientId": ID.schema,
    "stayId": ID.schema,
}
"""What ``data`` says of every fact: who, when at the bedside, why, and about whom."""


def event_id(logged: Logged) -> UUID:
    """The CloudEvents attribute ``id``: of the command and the place in its stream, so for ever.

    Two facts never share one, not even when the log is restored to before the first of them.
    """
    event = logged.event
    return uuid5(logged.command_id, f"{event.originator_id}/{event.originator_version}")


def subject(event: Event) -> str:
    """The CloudEvents attribute ``subject``: what the fact is about."""
    return f"{BY_TOPIC[event.TOPIC].subject}/{_subject(event)}"


def data(event: Event, rooms: Rooms) -> dict[str, Any]:
    """The public data of an event."""
    public, entry = BY_TOPIC[event.TOPIC], event.entry
    said = msgspec.to_builtins(event)
    told: dict[str, Any] = {
        "commandId": entry.command_id,
        "occurredAt": entry.occurred_at,
        "occurredAtPrecision": entry.precision,
        "recordedBy": _renamed(msgspec.to_builtins(entry.recorded_by)),
        "performedBy": entry.performed_by,
        "witnessedBy": entry.witnessed_by,
        "reason": entry.reason,
        "source": _renamed(msgspec.to_builtins(entry.source)) if entry.source else None,
        "patientId": entry.about.patient if entry.about else None,
        "stayId": entry.about.stay if entry.about else None,
    }
    told |= _room(_subject(event), rooms) if public.subject == "room" else _named(event)
    for name, field in {**public.needs, **public.may}.items():
        value = said.get(field.internal or _snake(name))
        told[name] = None if value is None else field.tell(value, rooms)
    told = {name: value for name, value in told.items() if value is not None}
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return plain


def _subject(event: Event) -> UUID:
    """Of an occupancy's event the room: its stream is nobody's concern."""
    return event.room if isinstance(event, Occupancy.StretchesChanged) else event.originator_id


def _named(event: Event) -> dict[str, Any]:
    return {f"{BY_TOPIC[event.TOPIC].subject}Id": _subject(event)}


def feed_schema() -> str:
    """The JSON Schema of the feed: the attributes of each event, and ``data`` by its type."""
    kinds: Schema = {}
    for public in sorted(PUBLIC, key=lambda public: public.name):
        own = ROOM if public.subject == "room" else {f"{public.subject}Id": ID.schema}
        needs = {**ENVELOPE_NEEDS, **own, **{n: f.schema for n, f in public.needs.items()}}
        may = {n: s for n, s in ENVELOPE_MAY.items() if n not in needs}
        may |= {n: f.schema for n, f in public.may.items()}
        kinds[public.name] = {
            "$id": public.dataschema,
            "title": public.type,
            **_object(needs, may),
        }
    told: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:wardbook:feed",
        "title": "Wardbook feed",
        "description": "An event of the feed in the JSON format of CloudEvents 1.0.",
        **_object(
            {
                "specversion": {"const": "1.0"},
                "id": ID.schema,
                "source": {"type": "string", "format": "uri"},
                "type": {"enum": sorted(public.type for public in PUBLIC)},
                "subject": TEXT.schema,
                "time": MOMENT.schema,
                "datacontenttype": {"const": "application/json"},
                "dataschema": {"type": "string", "format": "uri"},
                "data": {"type": "object"},
            }
        ),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": public.type}}},
                "then": {
                    "properties": {
                        "dataschema": {"const": public.dataschema},
                        "data": {"$ref": public.dataschema},
                    }
                },
            }
            for public in sorted(PUBLIC, key=lambda public: public.name)
        ],
        "$defs": kinds,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
