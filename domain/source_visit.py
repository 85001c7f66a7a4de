"""A visit as another system reports it: its movements, which come late, twice, or out of order.

Each movement has an id in its system, and each id may be told in several versions; the one recorded
last at the source holds, and may be a cancel. Versions are kept as reported. Those that do not fit
the record yet are *pending*: visible, not true.
"""

from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec import Struct, json

from domain.aggregate import Aggregate, Event, event
from domain.entry import Code, Entry, Text
from domain.facts import Disposition
from domain.stay import AdmissionType
from domain.time import Moment


class SourceKind(StrEnum):
    """The movements that another system may report (HL7 A01, A02, A21, A22, A03)."""

    ADMIT = "ADMIT"
    TRANSFER = "TRANSFER"
    START_LEAVE = "START_LEAVE"
    END_LEAVE = "END_LEAVE"
    DISCHARGE = "DISCHARGE"


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

    def precedence(self) -> tuple[datetime, bool, bytes]:
        """Of two versions the one recorded later holds; of the same moment, always the same one."""
        return self.recorded_at, self.cancelled, json.encode(self.movement)


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
    """The movements of one visit in another system, and what became of each."""

    TOPIC = "source-visit"

    class Reported(Event):
        """Another system said so; whether it is true is told by `Settled`."""

        TOPIC = "source-visit.reported"
        system: Text
        source_visit: Text
        version: Version

    class Settled(Event):
        """What is held true of it now, and what is pending. ``waits_for``: beds' rooms, people."""

        TOPIC = "source-visit.settled"
        stay: UUID | None
        applied: tuple[Applied, ...]
        pending: tuple[Pending, ...]
        waits_for: tuple[UUID, ...]

    def __init__(self) -> None:
        self.system = self.source_visit = ""
        self.held: dict[str, Version] = {}
        self.stay: UUID | None = None
        self.applied: tuple[Applied, ...] = ()
        self.pending: tuple[Pending, ...] = ()
        self.waits_for: tuple[UUID, ...] = ()

    @staticmethod
    def id_for(system: str, source_visit: str) -> UUID:
        return uuid5(NAMESPACE_OID, json.encode(("source-visit", system, source_visit)).decode())

    # -- decide --

    def report(self, system: str, source_visit: str, version: Version, entry: Entry) -> None:
        self._reported(system=system, source_visit=source_visit, version=version, entry=entry)

    def settle(
        self,
        stay: UUID | None,
        applied: tuple[Applied, ...],
        pending: tuple[Pending, ...],
        waits_for: tuple[UUID, ...],
        entry: Entry,
    ) -> None:
        """Say what became of it, if that is anything new."""
        if (stay, applied, pending) == (self.stay, self.applied, self.pending):
            return
        self._settled(stay=stay, applied=applied, pending=pending, waits_for=waits_for, entry=entry)

    @property
    def wanted(self) -> list[Version]:
        """The movements that hold, in the order in which the source recorded them."""
        held = [v for v in self.held.values() if not v.cancelled and v.movement is not None]
        return sorted(held, key=Version.precedence)

    # -- evolve --

    @event(Reported)
    def _reported(self, system: str, source_visit: str, version: Version, entry: Entry) -> None:
        self.system, self.source_visit = system, source_visit
        before = self.held.get(version.source_id)
        if before is None or before.precedence() < version.precedence():
            self.held = {**self.held, version.source_id: version}

    @event(Settled)
    def _settled(
        self,
        stay: UUID | None,
        applied: tuple[Applied, ...],
        pending: tuple[Pending, ...],
        waits_for: tuple[UUID, ...],
        entry: Entry,
    ) -> None:
        self.stay, self.applied, self.pending = stay, applied, pending
        self.waits_for = waits_for
