"""A visit as another system reports it: its movements, which come late, twice, or out of order.

Each movement has an id in its system, and each id may be told in several versions; the one recorded
last at the source holds, and may be a cancel. Versions are kept as reported. Those that do not fit
the record yet are *pending*: visible, not true.
"""

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec import Struct, json

from domain.aggregate import Aggregate, Derived, Event, UnknownEvent
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Text
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import Moment


class SourceKind(DescribedEnum):
    """The movements that another system may report (HL7 A01, A02, A21, A22, A03)."""

    ADMIT = "ADMIT", "An admission (HL7 A01)."
    TRANSFER = "TRANSFER", "A transfer (A02)."
    START_LEAVE = "START_LEAVE", "The patient left for a while (A21)."
    END_LEAVE = "END_LEAVE", "The patient came back from leave (A22)."
    DISCHARGE = "DISCHARGE", "A discharge (A03)."


class SourceMovement(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What the other system says that happened. A place is named by ward, room and bed."""

    kind: SourceKind
    occurred_at: Moment
    patient_mrn: Code | None = None
    mrn_authority: Code | None = None
    admission_type: AdmissionType | None = None
    ward: Text | None = None
    room: Code | None = None
    bed: Code | None = None
    without_bed: Text | None = None
    keep_bed: bool = True
    disposition: Disposition | None = None


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One id as its system held it from a moment on: a movement, or that it was cancelled."""

    source_id: Text
    recorded_at: Moment
    cancelled: bool = False
    movement: SourceMovement | None = None

    @property
    def kind(self) -> SourceKind | None:
        """The kind of the movement; None of a cancel that does not name it."""
        return self.movement.kind if self.movement else None

    @property
    def occurred_at(self) -> datetime:
        """The moment of the movement; of a cancel without one, when it was recorded at the source."""
        return self.movement.occurred_at if self.movement else self.recorded_at

    def precedence(self) -> tuple[datetime, bool, bytes]:
        """Return the sort key of versions of one id: the greatest holds, in any order of arrival."""
        return self.recorded_at, self.cancelled, json.encode(self.movement)

    def turn(self) -> tuple[datetime, str]:
        """Return the sort key in the order of recording at the source."""
        return self.recorded_at, self.source_id

    def rank(self) -> tuple[int, datetime, str]:
        """Return the sort key of movements of one moment: admission first, discharge last."""
        first = {SourceKind.ADMIT: 0, SourceKind.DISCHARGE: 2}
        return (first.get(self.kind, 1) if self.kind else 1, *self.turn())


class Applied(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version that is held true: as which movement of the stay."""

    version: Version
    movement: UUID
    bed: UUID | None = None
    """The movement into the first bed, where an admission named one."""


class Pending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version that does not fit yet, and why (the code of the refusal)."""

    version: Version
    why: Text


class SourceVisit(Aggregate):
    """The reported movements of one visit in another system, each held true or pending."""

    TOPIC = "source-visit"

    class Reported(Event):
        """Another system reported a version; `Settled` says whether it is held true."""

        TOPIC = "source-visit.reported"
        PUBLIC = None
        DESCRIPTION = "Another system reported a movement, or its cancel."
        CORRECTED_BY = ("recordSourceMovement",)
        CANCELLED_BY = ("recordSourceMovement",)
        system: Text
        source_visit: Text
        version: Version

    class Settled(Derived, Event):
        """The versions that are held true now, and those that are pending until something changes.

        ``begun`` and ``ended``: the ids that are pending in the patient's timeline from now on, or no
        longer.
        """

        TOPIC = "source-visit.settled"
        PUBLIC = None
        DESCRIPTION = "What another system reported was tried, and holds or waits."
        system: Text
        stay: UUID | None
        applied: tuple[Applied, ...]
        pending: tuple[Pending, ...]
        waits_for: tuple[UUID, ...]
        begun: tuple[Text, ...]
        ended: tuple[Text, ...]

    def __init__(self) -> None:
        self.system = self.source_visit = ""
        self.held: dict[str, Version] = {}
        self.reported: dict[str, int] = {}
        """The version of this stream in which each id was told as it is held."""
        self.patient: UUID | None = None
        self.stay: UUID | None = None
        self.applied: tuple[Applied, ...] = ()
        self.pending: tuple[Pending, ...] = ()
        self.waits_for: tuple[UUID, ...] = ()
        self.shown: dict[str, tuple[UUID, Version]] = {}
        """What is pending in whose timeline."""

    @staticmethod
    def id_for(system: str, source_visit: str) -> UUID:
        """Return the stream of a visit of another system."""
        return uuid5(NAMESPACE_OID, json.encode(("source-visit", system, source_visit)).decode())

    @staticmethod
    def movement_id_for(visit: UUID, source_id: str) -> UUID:
        """Return the id of a reported movement, whether it is held true or not."""
        return uuid5(visit, source_id)

    # -- decide --

    def report(self, system: str, source_visit: str, version: Version, envelope: Envelope) -> None:
        """Record a version as another system reported it."""
        self.record(
            SourceVisit.Reported,
            envelope,
            system=system,
            source_visit=source_visit,
            version=version,
        )

    def settle(
        self,
        stay: UUID | None,
        applied: tuple[Applied, ...],
        pending: tuple[Pending, ...],
        waits_for: tuple[UUID, ...],
        envelope: Envelope,
    ) -> bool:
        """Record which versions are held true and which pending. Returns False if nothing changed."""
        patient = self.about.patient if self.about else None
        outcome = (stay, applied, pending, waits_for, patient)
        if outcome == (self.stay, self.applied, self.pending, self.waits_for, self.patient):
            return False
        in_timeline = {p.version.source_id: (patient, p.version) for p in pending if patient}
        self.record(
            SourceVisit.Settled,
            envelope,
            system=self.system,
            stay=stay,
            applied=applied,
            pending=pending,
            waits_for=waits_for,
            begun=tuple(id for id in in_timeline if in_timeline[id] != self.shown.get(id)),
            ended=tuple(id for id in self.shown if self.shown[id] != in_timeline.get(id)),
        )
        return True

    @property
    def wanted(self) -> dict[str, Version]:
        """The versions that should be held true, by the source's ids."""
        return {id: v for id, v in self.held.items() if not v.cancelled}

    @property
    def true(self) -> dict[str, Version]:
        """The versions that are held true, by the source's ids."""
        return {a.version.source_id: a.version for a in self.applied}

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case SourceVisit.Reported(version=version):
                self.system, self.source_visit = event.system, event.source_visit
                before = self.held.get(version.source_id)
                if before is None or before.precedence() < version.precedence():
                    self.held = {**self.held, version.source_id: version}
                    self.reported = {**self.reported, version.source_id: event.originator_version}
            case SourceVisit.Settled():
                self.stay, self.applied, self.pending = event.stay, event.applied, event.pending
                self.waits_for = event.waits_for
                self.patient = event.entry.about.patient if event.entry.about else None
                self.shown = (
                    {p.version.source_id: (self.patient, p.version) for p in event.pending}
                    if self.patient
                    else {}
                )
            case _:
                raise UnknownEvent(event)
