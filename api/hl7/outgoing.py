"""Messages to another system: one ADT per movement, made from the log, with the ids of movements."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from api.hl7.er7 import ERASED, escape_text
from api.hl7.outgoing_movements import MovementChange, changes_between, movements_of, patient_class
from api.hl7.receiving import ReceivingSystem
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.aggregate import Aggregate
from domain.patient import Patient, PatientDetail
from domain.practitioner import Practitioner
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay
from domain.stay.facts import Place
from domain.time import Precision
from infrastructure.hl7_deliveries import Change, PatientChange, StayChange

A = TypeVar("A", bound=Aggregate)

TIMES = {Precision.DAY: "%Y%m%d%z", Precision.HOUR: "%Y%m%d%H%z"}
STRUCTURES = {
    **dict.fromkeys(("A08", "A13", "Z99"), "ADT_A01"),
    "A07": "ADT_A06",
    "A11": "ADT_A09",
    "A22": "ADT_A21",
    "A53": "ADT_A52",
    "A55": "ADT_A52",
    "A31": "ADT_A05",
    "A40": "ADT_A39",
    "A45": "ADT_A45",
    "A47": "ADT_A30",
}
"""MSH-9.3 where it is not of the trigger's own name (HL7 2.5, table 0354)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent, and what is noted of it if it is refused."""

    control_id: str
    stay: UUID | None
    trigger: str
    data: bytes
    patients: frozenset[UUID] = frozenset()
    """The records that it names."""


@dataclass(frozen=True, slots=True)
class PersonNotice:
    """Notice of a person: of which record now, and of which number before."""

    trigger: str
    id: UUID
    patient: UUID
    former_number: str = ""
    former: UUID | None = None
    """The record that had that number, where it is another."""
    visit: UUID | None = None
    unknown: Collection[PatientDetail] = ()


class MessageWriter:
    """Writes the messages of what commands changed, for one receiver."""

    def __init__(self, hospital: Hospital, receiver: ReceivingSystem, log: UUID) -> None:
        self._hospital, self._receiver, self._log = hospital, receiver, log

    def messages_of(self, change: Change) -> Iterator[Outgoing]:
        """Return the messages of a command, the same ones whenever they are asked for."""
        number = 0
        for of_stay in change.stays:
            for difference, stay in self._changes(of_stay):
                number += 1
                control_id = f"{self._log.hex[:6]}{change.position}-{number}"
                data = self._message(difference, stay, change, control_id)
                patients = frozenset([stay.patient] if stay.patient else [])
                yield Outgoing(control_id, stay.id, difference.trigger, data, patients)
        moves = (self._move_of(of_stay) for of_stay in change.stays)
        notices = (notice for record in change.patients for notice in self._notices_of(record))
        for notice in (*(move for move in moves if move), *notices):
            number += 1
            control_id = f"{self._log.hex[:6]}{change.position}-{number}"
            data = self._notice_message(notice, change, control_id)
            patients = frozenset({notice.patient, notice.former or notice.patient})
            yield Outgoing(control_id, notice.visit, notice.trigger, data, patients)

    def _move_of(self, change: StayChange) -> PersonNotice | None:
        """Return that a command gave a stay to another patient."""
        stay = Stay.empty(change.stay)
        notice = None
        for event in self._hospital.record.streams({stay.id: 0}).get(stay.id, ()):
            if event.originator_version > change.last:
                break
            if (
                isinstance(event, Stay.PatientCorrected)
                and event.originator_version >= change.first
            ):
                former, id = stay.patient, event.entry.id_of(f"patient of {stay.id}")
                assert former is not None
                number = self._number(former)
                notice = PersonNotice("A45", id, event.patient, number, former, stay.id)
            event.mutate(stay)
        return notice

    def _notices_of(self, change: PatientChange) -> Iterator[PersonNotice]:
        """Yield the notices of a command about a person: merges, other numbers, details."""
        record = Patient.empty(change.patient)
        for event in self._hospital.record.streams({record.id: 0}).get(record.id, ()):
            if event.originator_version > change.last:
                return
            if event.originator_version >= change.first:
                match event:
                    case Patient.Merged():
                        number = self._number(record.id)
                        yield PersonNotice("A40", event.merge, event.into, number, record.id)
                    case Patient.Unmerged() if record.merged_into:
                        number = self._number(record.id)
                        into = record.merged_into
                        yield PersonNotice("A37", event.merge, into, number, record.id)
                    case Patient.DetailsCorrected() if event.mrn:
                        former = self._number_text(record.mrn, record.mrn_authority)
                        id = event.entry.id_of("number")
                        yield PersonNotice("A47", id, record.id, former)
                    case Patient.DetailsCorrected() | Patient.DetailsChanged():
                        unknown = getattr(event, "unknown", None) or ()
                        id = event.entry.id_of("details")
                        yield PersonNotice("A31", id, record.id, unknown=unknown)
            event.mutate(record)

    def _notice_message(self, notice: PersonNotice, change: Change, control_id: str) -> bytes:
        segments = [
            *self._head(notice.trigger, change, control_id, self._time(change.recorded_at)),
            self._patient(notice.patient, notice.unknown),
        ]
        if notice.former_number:
            segments.append(_segment("MRG", {1: notice.former_number}))
        if notice.visit:
            segments.append(_segment("PV1", {2: "I", 19: str(notice.visit)}))
        if notice.trigger != "A31":
            action = "CANCEL" if notice.trigger == "A37" else "INSERT"
            segments.append(_segment("ZBE", {1: str(notice.id), 4: action, 6: notice.trigger}))
        return _message_data(segments)

    def _changes(self, change: StayChange) -> Iterator[tuple[MovementChange, Stay]]:
        stay = Stay.empty(change.stay)
        before = movements_of(stay.history)
        for event in self._hospital.record.streams({stay.id: 0}).get(stay.id, ()):
            if event.originator_version == change.first:
                before = movements_of(stay.history)
            if event.originator_version > change.last:
                break
            event.mutate(stay)
        for difference in changes_between(before, movements_of(stay.history)):
            yield difference, stay

    def _message(
        self, difference: MovementChange, stay: Stay, change: Change, control_id: str
    ) -> bytes:
        movement, receiver = difference.movement, self._receiver
        occurred_at = self._time(movement.at, movement.precision)
        ends = {45: occurred_at} if movement.trigger == "A03" else {}
        begins = {44: occurred_at} if movement.trigger == "A01" else {}
        bed_status = {None: "", True: "O", False: "U"}[movement.keeps_bed]
        type = movement.admission_type.name if movement.admission_type else ""
        disposition = movement.disposition.name if movement.disposition else ""
        visit = {
            2: patient_class(movement, stay.history),
            3: self._place(movement.place),
            4: _text(receiver.admission_types.get(type, type)),
            7: self._staff_number(movement.attending),
            10: _text(movement.specialty),
            19: str(stay.id),
            36: _text(receiver.dispositions.get(disposition, disposition)),
            37: _text(movement.destination),
            40: bed_status,
            **begins,
            **ends,
        }
        segments = [
            *self._head(difference.trigger, change, control_id, occurred_at),
            self._patient(stay.patient),
            _segment("PV1", visit),
            _segment(
                "ZBE",
                {
                    1: str(movement.id),
                    2: occurred_at,
                    4: difference.action,
                    5: "Y" if difference.is_historic else "N",
                    6: movement.trigger,
                },
            ),
        ]
        return _message_data(segments)

    def _head(
        self, trigger: str, change: Change, control_id: str, occurred_at: str
    ) -> tuple[str, str]:
        """Return MSH and EVN."""
        receiver = self._receiver
        recorded_at = self._time(change.recorded_at)
        header = {
            2: _text(receiver.sending_application),
            3: _text(receiver.sending_facility),
            4: _text(receiver.application),
            5: _text(receiver.facility),
            6: recorded_at,
            8: f"ADT^{trigger}^{STRUCTURES.get(trigger, f'ADT_{trigger}')}",
            9: control_id,
            10: "P",
            11: "2.5",
            12: str(change.position),
            17: "UNICODE UTF-8",
        }
        event = {1: trigger, 2: recorded_at, 6: occurred_at}
        return _segment("MSH", header, r"^~\&"), _segment("EVN", event)

    def _current(self, aggregate: A) -> A:
        return current(self._hospital.record, aggregate)

    def _time(self, at: datetime, precision: Precision = Precision.MINUTE) -> str:
        """Return a moment as well as it is known; a day is one of the hospital's."""
        pattern = TIMES.get(precision)
        if pattern:
            return at.astimezone(self._hospital.zone()).strftime(pattern)
        return at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f%z")

    def _number(self, patient: UUID) -> str:
        record = self._current(Patient.empty(patient))
        return self._number_text(record.mrn, record.mrn_authority)

    def _number_text(self, mrn: str, authority: str) -> str:
        return f"{_text(mrn)}^^^{_text(self._receiver.authorities.get(authority, authority))}^MR"

    def _patient(self, id: UUID | None, unknown: Collection[PatientDetail] = ()) -> str:
        """Return PID; ``unknown``: what nobody knows of the details after all."""
        patient, receiver = self._current(Patient.empty(id)), self._receiver  # type: ignore[arg-type]
        if patient.is_erased or not patient.exists:
            return _segment("PID", {})
        details = patient.details[-1][1]
        erasures = dict.fromkeys(unknown, ERASED)
        family_name = _text(details.family_name) or erasures.get(PatientDetail.FAMILY_NAME, "")
        given_name = _text(details.given_name) or erasures.get(PatientDetail.GIVEN_NAME, "")
        born = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
        return _segment(
            "PID",
            {
                3: self._number_text(patient.mrn, patient.mrn_authority),
                5: f"{family_name}^{given_name}".rstrip("^"),
                7: born or erasures.get(PatientDetail.BIRTH_DATE, ""),
                8: _text(receiver.sexes.get(patient.sex.name, patient.sex.name)),
            },
        )

    def _place(self, place: Place | None) -> str:
        if place is None or place == Place():
            return ""
        if place.bed is None:
            return _text(place.without_bed)
        room = self._current(Room.empty(place.bed.room))
        ward = _text(self._receiver.wards.get(room.ward, room.ward))
        # the mother's bed is hers: the child is in the room
        bed = "" if place.shares_bed_of else _text(place.bed.bed)
        return f"{ward}^{_text(room.number)}^{bed}".rstrip("^")

    def _staff_number(self, practitioner: UUID | None) -> str:
        if practitioner is None:
            return ""
        return _text(self._current(Practitioner.empty(practitioner)).staff_number)


def _message_data(segments: Iterable[str]) -> bytes:
    return "".join(segment + "\r" for segment in segments).encode()


def _text(text: str | None) -> str:
    return escape_text(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text)) if text else ""


def _segment(name: str, fields: dict[int, str], first: str | None = None) -> str:
    """Return a segment. ``first``: field 1, as it stands (MSH-2)."""
    values = {**({1: first} if first else {}), **fields}
    return "|".join(
        [name, *(values.get(n, "") for n in range(1, max(values, default=0) + 1))]
    ).rstrip("|")
