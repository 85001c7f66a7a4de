"""A hospital of many beds, long in use: its events made as the domain makes them, appended in bulk.

Each bed is given to one stay after the other, each some days long. The aggregates evolve and tell
the rooms as in a command, but no command is decided and nothing is claimed; the events go through
`record.append`, some hundred commands a batch.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.hospital import Hospital
from application.record import Append
from domain.entry import About, Actor, Entry
from domain.facts import Disposition
from domain.occupancy import BedStretch, Occupancy
from domain.patient import Confidentiality
from domain.refusals import BedRef
from domain.stay import AdmissionType, Stay
from domain.time import Precision
from infrastructure.event_mapper import EventMapper
from infrastructure.event_store import Recorder, _command
from tests.record.ward import request

BEGUN = datetime(2006, 1, 1, tzinfo=UTC)
STAY = timedelta(days=3)
CLEANING = timedelta(hours=2)

MAPPER = EventMapper()


class House:
    """Rooms of two beds each, and who is in them now."""

    def __init__(self, made: Hospital, beds: int) -> None:
        assert isinstance(made.recorder, Recorder)
        self.recorder = made.recorder
        self.rooms = [_opened(made, n) for n in range(beds // 2)]
        self._told = dict.fromkeys(self.rooms, 0)  # versions of the rooms' occupancy
        self._left = dict.fromkeys(((r, b) for r in self.rooms for b in "ab"), BEGUN)

    def fill(self, events: int, on_progress: Callable[[int], None] = lambda done: None) -> datetime:
        """Record stays until there are at least so many events; returns when the last one ended."""
        while (done := self.recorder.max_notification_id() or 0) < events:
            on_progress(done)
            for bed in "ab":  # no batch has two commands on one room: they share a stream
                for commands in zip(*(self._stay(room, bed) for room in self.rooms), strict=True):
                    self.recorder.append_batch(commands)
        return min(self._left.values())

    def _stay(self, room: UUID, bed: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two commands: came and got a bed, left."""
        since = self._left[room, bed] + CLEANING
        until = self._left[room, bed] = since + STAY
        stay, patient, occupancy = uuid4(), uuid4(), Occupancy.id_for(room)
        about = About(patient=patient, key_id=str(patient), stay=stay)
        came, left = _entry(since, about), _entry(until, about)
        told = self._told[room]
        events: list[Any] = [
            _made(
                Stay.Admitted, stay, 1, came, movement=uuid4(), patient=patient,
                admission_type=AdmissionType.ELECTIVE, decided_to_admit_at=None, attending=None,
                specialty=None, without_bed=None, confidentiality=Confidentiality.NORMAL,
            ),
            _made(
                Stay.RoomAllocated, stay, 2, came, movement=uuid4(),
                bed=BedRef(room, bed), shares_bed_of=None,
            ),
            _made(
                Occupancy.StretchesChanged, occupancy, told + 1, came, room=room, stay=stay,
                patient=patient, ended=(), begun=(BedStretch(bed=bed, since=since),),
            ),
            _made(
                Stay.Discharged, stay, 3, left, movement=uuid4(), disposition=Disposition.HOME,
                destination=None, discharge_medicines=(),
            ),
            _made(
                Occupancy.StretchesChanged, occupancy, told + 2, left, room=room, stay=stay,
                patient=patient, ended=(BedStretch(bed=bed, since=since),),
                begun=(BedStretch(bed=bed, since=since, until=until),),
            ),
        ]  # fmt: skip
        self._told[room] = told + 2
        return (
            _one(came, events[:3], {stay: 0, occupancy: told}),
            _one(left, events[3:], {stay: 2, occupancy: told + 1}),
        )


def _one(entry: Entry, events: list[Any], reads: dict[UUID, int]) -> dict[str, Any]:
    append = Append(entry.command_id, entry.operation, entry.digest, reads)
    return _command(append, [MAPPER.to_stored_event(event) for event in events])


def waves(total: int, least: int) -> Iterator[int]:
    """The sizes at which something is measured: the least one, then all."""
    yield from sorted({min(least, total), total})


def _opened(made: Hospital, number: int) -> UUID:
    ward, room = f"W{number // 20}", str(number % 20)
    said = request(BEGUN - timedelta(days=1))
    return made.open_room(said, ward=ward, room=room, beds=("a", "b")).ids("room")[0]


def _made(kind: Any, stream: UUID, version: int, entry: Entry, **content: Any) -> Any:
    return kind(originator_id=stream, originator_version=version, entry=entry, **content)


def _entry(at: datetime, about: About) -> Entry:
    return Entry(
        command_id=uuid4(),
        operation="simulated_stay",
        digest="0" * 32,
        occurred_at=at,
        precision=Precision.MINUTE,
        recorded_by=Actor(issuer="bench", subject="nurse", role="nurse"),
        reason="noted afterwards",
        hospital="main",
        about=about,
    )
