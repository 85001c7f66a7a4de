"""A hospital of many beds, long in use: its events made as the domain makes them, appended in bulk.

Each bed is given to one stay after the other, each some days long, and to the same few patients in
turn. Some stays are corrected, some have visits, a prescription and doses. The aggregates evolve and
tell the rooms as in a command, but no command is decided and nothing is claimed; the events go
through `record.append`, some hundred commands a batch.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.hospital import Hospital
from application.ports import Append
from domain.bed_ref import BedRef
from domain.envelope import About, Actor, Envelope
from domain.patient import Confidentiality, Patient, Sex
from domain.prescription.aggregate import Prescription
from domain.prescription.drug_chart import DrugChart
from domain.prescription.events import Medication
from domain.room.occupancy import BedStretch, Occupancy
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import Disposition
from domain.time import Precision
from infrastructure.event_store.append_request import to_request
from infrastructure.event_store.mapper import EventMapper
from infrastructure.event_store.recorder import Recorder
from tests.support.hospital_dsl import request

BEGUN = datetime(2006, 1, 1, tzinfo=UTC)
STAY = timedelta(days=3)
CLEANING = timedelta(hours=2)
HOUR = timedelta(hours=1)
PATIENTS = 16
"""To whom a bed is given in turn."""
TREATED, CORRECTED = 4, 20
"""Each fourth stay has visits, a prescription and doses; each twentieth a corrected movement."""

MAPPER = EventMapper()
Command = dict[str, Any]


@dataclass(slots=True)
class Lying:
    """A stay under way. ``version`` is that of its stream, ``since`` when it got its bed."""

    about: About
    stay: UUID
    patient: UUID
    since: datetime
    version: int = 0
    allocated: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Full:
    """A place in the log at which somebody lies in every bed, and a moment at which they do."""

    position: int
    moment: datetime


class House:
    """Rooms of two beds each, and who is in them now."""

    def __init__(self, made: Hospital, beds: int) -> None:
        assert isinstance(made.pipeline.recorder, Recorder)
        self.recorder = made.pipeline.recorder
        self.rooms = [_opened(made, n) for n in range(beds // 2)]
        self.doctor = made.practitioners.register_practitioner(
            request(BEGUN - timedelta(days=1)), staff_number="D1"
        ).ids("practitioner")[0]
        self.beds = [[(room, bed) for room in self.rooms] for bed in "ab"]
        self.full: list[Full] = []
        self.patients: dict[tuple[UUID, str], list[UUID]] = {}
        self._told = dict.fromkeys(self.rooms, 0)  # versions of the rooms' occupancy
        self._here: dict[tuple[UUID, str], Lying] = {}

    @property
    def lying(self) -> list[Lying]:
        """Return who lies in which bed, bed by bed."""
        return [self._here[bed] for beds in self.beds for bed in beds]

    def fill(self, events: int, on_progress: Callable[[int], None] = lambda done: None) -> datetime:
        """Record stays until there are so many events; returns a moment of the last of them.

        In the end somebody lies in every bed.
        """
        while (done := self.recorder.max_notification_id() or 0) < events:
            on_progress(done)
            turn = len(self.full)
            since = BEGUN + turn * (STAY + CLEANING)
            for beds in self.beds:  # no batch has two commands on one room: they share a stream
                if turn:
                    self._append(self._leaves(*bed, since - CLEANING) for bed in beds)
                if turn < PATIENTS:
                    self._append(self._registered(*bed, since - HOUR) for bed in beds)
                self._append(self._comes(*bed, since) for bed in beds)
            for beds in self.beds:
                self._append(
                    self._moved_later(*bed) for n, bed in enumerate(beds, turn) if not n % CORRECTED
                )
            lying = [bed for beds in self.beds for bed in beds]
            treated = [self._here[bed] for n, bed in enumerate(lying, turn) if not n % TREATED]
            for commands in zip(*(self._treated(stay) for stay in treated), strict=True):
                self._append(commands)
            self.full.append(Full(self.recorder.max_notification_id() or 0, since + STAY / 2))
        return self.full[-1].moment

    def leave_late(self, stays: int) -> None:
        """So many of those who lie there left an hour after they came; it is told only now."""
        lying = [bed for beds in self.beds for bed in beds][:stays]
        self._append(self._leaves(*bed, self._here[bed].since + HOUR) for bed in lying)

    def _append(self, commands: Iterable[Command]) -> None:
        self.recorder.append_batch(list(commands))

    def _registered(self, room: UUID, bed: str, at: datetime) -> Command:
        patient = uuid4()
        self.patients.setdefault((room, bed), []).append(patient)
        entry = _entry(at, About(patient=patient, key_id=f"{patient}/1"))
        registered = _made(
            Patient.Registered, patient, 1, entry, mrn=str(patient), mrn_authority="main",
            family_name="Patient", given_name=None, birth_date=None, sex=Sex.OTHER,
            confidentiality=Confidentiality.NORMAL,
        )  # fmt: skip
        return _one(entry, [registered])

    def _comes(self, room: UUID, bed: str, since: datetime) -> Command:
        """Admitted, into the bed."""
        patient = self.patients[room, bed][len(self.full) % PATIENTS]
        stay = uuid4()
        about = About(patient=patient, key_id=f"{patient}/1", stay=stay)
        lying = self._here[room, bed] = Lying(about, stay, patient, since)
        came = _entry(since, about)
        admitted = _made(
            Stay.Admitted, stay, 1, came, movement=uuid4(), patient=patient,
            admission_type=AdmissionType.ELECTIVE, decided_to_admit_at=None, attending=None,
            specialty=None, without_bed=None, confidentiality=Confidentiality.NORMAL,
        )  # fmt: skip
        allocated = _made(
            Stay.RoomAllocated, stay, 2, came, movement=lying.allocated, bed=BedRef(room, bed),
            shares_bed_of=None,
        )  # fmt: skip
        begun = BedStretch(bed=bed, since=since)
        return self._in_room(room, lying, came, [admitted, allocated], (), (begun,))

    def _moved_later(self, room: UUID, bed: str) -> Command:
        """The bed was given an hour later than was said."""
        lying = self._here[room, bed]
        before, lying.since = lying.since, lying.since + HOUR
        entry = _entry(lying.since + HOUR, lying.about)
        corrected = _made(
            Stay.MovementCorrected, lying.stay, lying.version + 1, entry, at=lying.since,
            movement=lying.allocated, precision=None, bed=None, shares_bed_of=None,
            without_bed=None,
        )  # fmt: skip
        ended, begun = BedStretch(bed=bed, since=before), BedStretch(bed=bed, since=lying.since)
        return self._in_room(room, lying, entry, [corrected], (ended,), (begun,))

    def _leaves(self, room: UUID, bed: str, until: datetime) -> Command:
        lying = self._here[room, bed]
        left = _entry(until, lying.about)
        discharged = _made(
            Stay.Discharged, lying.stay, lying.version + 1, left, movement=uuid4(),
            disposition=Disposition.HOME, destination=None, discharge_medicines=(),
        )  # fmt: skip
        ended = BedStretch(bed=bed, since=lying.since)
        begun = BedStretch(bed=bed, since=lying.since, until=until)
        return self._in_room(room, lying, left, [discharged], (ended,), (begun,))

    def _in_room(
        self,
        room: UUID,
        lying: Lying,
        entry: Envelope,
        events: list[Any],
        ended: tuple[BedStretch, ...],
        begun: tuple[BedStretch, ...],
    ) -> Command:
        """Return what happened to a stay, and what its room is told of it."""
        occupancy, result = Occupancy.id_for(room), self._told[room]
        changed = _made(
            Occupancy.StretchesChanged, occupancy, result + 1, entry, room=room, stay=lying.stay,
            patient=lying.patient, ended=ended, begun=begun,
        )  # fmt: skip
        self._told[room] = result + 1
        reads = {lying.stay: lying.version, occupancy: result}
        lying.version += len(events)
        return _one(entry, [*events, changed], reads)

    def _treated(self, lying: Lying) -> Iterator[Command]:
        """Two visits, a prescription, two doses; each a command."""
        at = lying.since + 2 * HOUR
        for n in (1, 2):
            entry = _entry(at + n * HOUR, lying.about)
            visited = _made(
                Stay.VisitRecorded, lying.stay, lying.version + 1, entry, visit=uuid4(),
                practitioner=self.doctor, visit_kind=VisitKind.ROUND, note=None,
            )  # fmt: skip
            yield _one(entry, [visited], {lying.stay: lying.version})
            lying.version += 1
        drug, entry = uuid4(), _entry(at, lying.about)
        written = _made(
            Prescription.Written, drug, 1, entry, stay=lying.stay, patient=lying.patient,
            medication=Medication(name="Paracetamol"), dose="1 g", route="oral",
            frequency="every 6 hours", start=at, stop=lying.since + STAY,
            prescriber=self.doctor,
        )  # fmt: skip
        charted = _made(
            DrugChart.PrescriptionCharted, DrugChart.id_for(lying.stay), 1, entry,
            stay=lying.stay, prescription=drug,
        )  # fmt: skip
        yield _one(entry, [written, charted])
        for n in (1, 2):
            entry = _entry(at + n * HOUR, lying.about)
            given = _made(
                Prescription.AdministrationRecorded, drug, n + 1, entry, administration=uuid4(),
                given=True, dose_given=None, reason_not_given=None, outside_prescription=None,
            )  # fmt: skip
            yield _one(entry, [given], {drug: n})


def _one(entry: Envelope, events: list[Any], reads: dict[UUID, int] | None = None) -> Command:
    """A command; without ``reads`` its streams are new."""
    reads = reads if reads is not None else {event.originator_id: 0 for event in events}
    append = Append(entry.command_id, entry.operation, entry.digest, reads)
    return to_request(append, [MAPPER.to_stored_event(event) for event in events])


def waves(total: int, least: int) -> Iterator[int]:
    """The sizes at which something is measured: the least one, then all."""
    yield from sorted({min(least, total), total})


def _opened(made: Hospital, number: int) -> UUID:
    ward, room = f"W{number // 20}", str(number % 20)
    command_request = request(BEGUN - timedelta(days=1))
    return made.rooms.open_room(command_request, ward=ward, room=room, beds=("a", "b")).ids("room")[
        0
    ]


def _made(kind: Any, stream: UUID, version: int, entry: Envelope, **content: Any) -> Any:
    return kind(originator_id=stream, originator_version=version, entry=entry, **content)


def _entry(at: datetime, about: About) -> Envelope:
    return Envelope(
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
