"""A feed from another hospital system, for tests: messages, stories of them, and what came of them."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from application.command import Recorded
from application.commands.movement_reports import MovementReport
from application.hospital import Hospital
from domain.source_visit import SourceKind, SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.facts import Disposition
from tests.support.hospital_dsl import ago, place, request

SYSTEM = "ADT"


@dataclass(frozen=True)
class Message:
    """One report. Hours count from the beginning of the story, minutes from that of its sending."""

    visit: str
    id: str
    kind: SourceKind | None = None
    hour: float = 0
    where: str | None = None
    told: float = 0
    cancelled: bool = False
    sequence: int | None = None


def admit(visit: str, id: str, hour: float, bed: str | None = None, told: float = 0) -> Message:
    return Message(visit, id, SourceKind.ADMIT, hour, bed, told)


def transfer(visit: str, id: str, hour: float, bed: str, told: float = 0) -> Message:
    return Message(visit, id, SourceKind.TRANSFER, hour, bed, told)


def away(visit: str, id: str, hour: float, told: float = 0) -> Message:
    return Message(visit, id, SourceKind.START_LEAVE, hour, None, told)


def back(visit: str, id: str, hour: float, bed: str | None = None, told: float = 0) -> Message:
    return Message(visit, id, SourceKind.END_LEAVE, hour, bed, told)


def discharge(visit: str, id: str, hour: float, told: float = 0) -> Message:
    return Message(visit, id, SourceKind.DISCHARGE, hour, None, told)


def cancel(visit: str, id: str, told: float) -> Message:
    return Message(visit, id, told=told, cancelled=True)


class Feed:
    """Another system's view of a ward of its own, with a room of beds and its own patients."""

    began = ago(days=20).replace(minute=0, second=0, microsecond=0)

    def __init__(self, hospital: Hospital, name: str, patients: Iterable[str], beds: str) -> None:
        self.hospital, self.name = hospital, name
        opened = request(self.began - timedelta(days=1))
        room = hospital.rooms.open_room(opened, ward=name, room="1", beds=tuple(beds))
        self.rooms = {room.ids("room")[0]: "1"}
        self.patients: dict[str, UUID] = {}
        for patient in patients:
            self.register(patient)

    def seen_by(self, hospital: Hospital) -> "Feed":
        """The same feed, sent to another process."""
        other = copy(self)
        other.hospital = hospital
        return other

    def register(self, patient: str) -> None:
        answer = self.hospital.patients.register_patient(request(), mrn=self.mrn(patient))
        self.patients[patient] = answer.ids("patient")[0]

    def mrn(self, patient: str) -> str:
        return f"{self.name}-{patient}"

    def at(self, hour: float) -> datetime:
        return self.began + timedelta(hours=hour)

    def send(self, message: Message, **said: Any) -> Recorded:
        """One message; its visit is named for its patient (``P`` of ``P.2``)."""
        movement = None
        if message.kind is not None:
            where: dict[str, Any] = place(f"{self.name}/1/{message.where}") if message.where else {}
            admits = message.kind is SourceKind.ADMIT
            ends = message.kind is SourceKind.DISCHARGE
            movement = MovementReport(
                kind=message.kind,
                occurred_at=self.at(message.hour),
                patient_mrn=self.mrn(message.visit.partition(".")[0]) if admits else None,
                disposition=Disposition.HOME if ends else None,
                **where,
            )
        return self.hospital.source_movements.record_source_movement(
            request(**said),
            system=SYSTEM,
            source_id=f"{self.name} {message.visit} {message.id}",
            source_visit=f"{self.name} {message.visit}",
            source_recorded_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=message.told),
            source_sequence=message.sequence,
            cancelled=message.cancelled or None,
            movement=movement,
        )

    def visit(self, name: str) -> SourceVisit:
        """Return what is held of a visit, rebuilt from its events."""
        id = SourceVisit.id_for(SYSTEM, f"{self.name} {name}")
        visit: SourceVisit = self._folded(SourceVisit, id)
        return visit

    def pending(self, *visits: str) -> dict[str, str]:
        """Return what is pending, by visit and id, and why."""
        return {
            p.version.source_id.removeprefix(f"{self.name} "): p.why
            for visit in visits
            for p in self.visit(visit).pending
        }

    def history(self) -> dict[str, list[Any]]:
        """Return the history of each patient: each state with its period, each stretch in a bed."""
        return {name: self._stays(patient) for name, patient in self.patients.items()}

    def _stays(self, patient: UUID) -> list[Any]:
        stays = [self._folded(Stay, id) for id in self.hospital.record.stays_of([patient])]
        return sorted(
            [
                (
                    [
                        (p.start, p.end, s.status.value, replace(s, place=self._place(s.place)))
                        for p, s in stay.history.segments
                    ],
                    [(s.period, s.bed.bed, s.kept) for s in stay.history.stretches],
                    [(type(f).__name__, f.at) for f in stay.history.facts],
                )
                for stay in stays
                if stay.history.admission
            ],
            key=str,
        )

    def _place(self, there: Any) -> Any:
        """A place without the id of its room, which differs in every feed."""
        bed = there.bed.bed if there.bed else None
        return bed, there.without_bed, there.shares_bed_of

    def _folded(self, kind: Any, id: UUID) -> Any:
        result = kind.empty(id)
        for event in self.hospital.record.streams({id: 0}).get(id, ()):
            event.mutate(result)
        return result
