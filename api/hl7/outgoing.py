"""Messages to another system: one ADT per movement, made from the log, with the ids of movements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from api.hl7.er7 import escape_text
from api.hl7.outgoing_movements import Told, changes_between, movements_of
from api.hl7.receiving import ReceivingSystem
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.aggregate import Aggregate
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay
from domain.stay.facts import Place
from domain.time import Precision
from infrastructure.hl7_deliveries import Change, StayChange

A = TypeVar("A", bound=Aggregate)

TIMES = {Precision.DAY: "%Y%m%d%z", Precision.HOUR: "%Y%m%d%H%z"}
STRUCTURES = {
    **dict.fromkeys(("A08", "A13", "Z99"), "ADT_A01"),
    "A11": "ADT_A09",
    "A22": "ADT_A21",
    "A53": "ADT_A52",
    "A55": "ADT_A52",
}
"""MSH-9.3 where it is not of the trigger's own name (HL7 2.5, table 0354)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent, and what is noted of it if it is refused."""

    control_id: str
    stay: UUID
    trigger: str
    data: bytes


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
                yield Outgoing(control_id, stay.id, difference.trigger, data)

    def _changes(self, change: StayChange) -> Iterator[tuple[Told, Stay]]:
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

    def _message(self, difference: Told, stay: Stay, change: Change, control_id: str) -> bytes:
        movement, receiver = difference.movement, self._receiver
        occurred_at = self._time(movement.at, movement.precision)
        recorded_at = f"{change.recorded_at.astimezone(UTC):%Y%m%d%H%M%S.%f%z}"
        structure = STRUCTURES.get(difference.trigger, f"ADT_{difference.trigger}")
        ends = {45: occurred_at} if movement.trigger == "A03" else {}
        begins = {44: occurred_at} if movement.trigger == "A01" else {}
        bed_status = {None: "", True: "O", False: "U"}[movement.keeps_bed]
        type = movement.admission_type.name if movement.admission_type else ""
        disposition = movement.disposition.name if movement.disposition else ""
        visit = {
            2: "I",
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
            _segment(
                "MSH",
                {
                    2: _text(receiver.sending_application),
                    3: _text(receiver.sending_facility),
                    4: _text(receiver.application),
                    5: _text(receiver.facility),
                    6: recorded_at,
                    8: f"ADT^{difference.trigger}^{structure}",
                    9: control_id,
                    10: "P",
                    11: "2.5",
                    12: str(change.position),
                    17: "UNICODE UTF-8",
                },
                r"^~\&",
            ),
            _segment("EVN", {1: difference.trigger, 2: recorded_at, 6: occurred_at}),
            self._patient(stay),
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
        return "".join(segment + "\r" for segment in segments).encode()

    def _current(self, aggregate: A) -> A:
        return current(self._hospital.record, aggregate)

    def _time(self, at: datetime, precision: Precision) -> str:
        """Return a moment as well as it is known; a day is one of the hospital's."""
        pattern = TIMES.get(precision)
        if pattern:
            return at.astimezone(self._hospital.zone()).strftime(pattern)
        return at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f%z")

    def _patient(self, stay: Stay) -> str:
        patient, receiver = self._current(Patient.empty(stay.patient)), self._receiver  # type: ignore[arg-type]
        if patient.is_erased or not patient.exists:
            return _segment("PID", {})
        details = patient.details[-1][1]
        authority = receiver.authorities.get(patient.mrn_authority, patient.mrn_authority)
        name = f"{_text(details.family_name)}^{_text(details.given_name)}"
        return _segment(
            "PID",
            {
                3: f"{_text(patient.mrn)}^^^{_text(authority)}^MR",
                5: name.strip("^"),
                7: f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "",
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


def _text(text: str | None) -> str:
    return escape_text(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", text)) if text else ""


def _segment(name: str, fields: dict[int, str], first: str | None = None) -> str:
    """Return a segment. ``first``: field 1, as it stands (MSH-2)."""
    values = {**({1: first} if first else {}), **fields}
    return "|".join(
        [name, *(values.get(n, "") for n in range(1, max(values, default=0) + 1))]
    ).rstrip("|")
