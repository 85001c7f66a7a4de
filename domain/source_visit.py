"""A visit as another system reports it: its movements, which come late, twice, or out of order.

Each movement has an id in its system, and each id may be told in several versions; the one recorded
last at the source holds, unless one of them is a cancel, which is final where the source itself gives
the ids. Versions are kept as reported.
Those that do not fit the record yet are *pending*: visible, not true.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec import Struct, json

from domain.aggregate import Aggregate, Derived, Event, UnknownEvent
from domain.allergies import ToldAllergy
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Sealed, SealedCode, SealedDate, SealedLine, Text
from domain.patient_events import PatientDetail, SealedSex
from domain.room.state import BedState
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import Moment, Precision


class SourceKind(DescribedEnum):
    """Kind of a report by another system, of a visit or of the person behind a number."""

    ADMIT = "ADMIT", "An admission (HL7 A01)."
    TRANSFER = "TRANSFER", "A transfer (A02)."
    START_LEAVE = "START_LEAVE", "The patient left for a while (A21)."
    END_LEAVE = "END_LEAVE", "The patient came back from leave (A22)."
    DISCHARGE = "DISCHARGE", "A discharge (A03)."
    UPDATE = (
        "UPDATE",
        "From then on somebody else, or another specialty, is responsible, or the type is another"
        " one (A08, A54); the patient stays where they are.",
    )
    CHANGE_TYPE = (
        "CHANGE_TYPE",
        "From then on the type is another one (A06, A07). Of a visit whose admission nobody tells"
        " and that names the patient, it is the admission.",
    )
    EXPECT = "EXPECT", "A planned admission, which that of the visit converts (A05)."
    MOVE_STAY = "MOVE_STAY", "The whole visit is another patient's, whose number is told (A45)."
    MERGE = "MERGE", "The former number and the patient's are of one person (A34, A36, A40)."
    CHANGE_MRN = "CHANGE_MRN", "The former number was changed to the patient's (A46, A47)."
    DETAILS = (
        "DETAILS",
        "What is known of the person of the number, as of when the source recorded it (A28, A31, A08).",
    )
    BED_STATE = "BED_STATE", "From then on a bed is closed, being cleaned or free (A20)."
    RESERVATION = (
        "RESERVATION",
        "From then on a bed is reserved for the stay of the visit (A15), or no more (A26).",
    )
    ALLERGY = "ALLERGY", "An allergy of the person of the number, put right or deleted (A60)."


OUTSIDE_STAY = (
    *(SourceKind.EXPECT, SourceKind.MERGE, SourceKind.CHANGE_MRN),
    *(SourceKind.DETAILS, SourceKind.BED_STATE, SourceKind.RESERVATION, SourceKind.ALLERGY),
)
"""Kinds of reports that need no stay, and that outlive one that is void."""

OF_RECORDS = (SourceKind.MERGE, SourceKind.CHANGE_MRN)
"""Kinds of reports about two records, or two numbers, of one person."""

STATES_HELD = 200
"""The number of states of one bed that are held; older ones have done their part."""


class PatientDetails(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A patient as far as another system knows one."""

    family_name: Sealed | None = None
    given_name: Sealed | None = None
    birth_date: SealedDate | None = None
    sex: SealedSex | None = None
    unknown: tuple[PatientDetail, ...] = ()
    """The details that the source had, and says now that nobody knows."""

    def by_name(self) -> dict[str, date | str | None]:
        """Return the details by name: None for one that nobody knows. An absent one says nothing."""
        values = {
            "family_name": self.family_name,
            "given_name": self.given_name,
            "birth_date": self.birth_date,
            "sex": self.sex,
        }
        details = {name: value for name, value in values.items() if value is not None}
        return {**dict.fromkeys(detail.value.lower() for detail in self.unknown), **details}


class SourceMovement(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A movement as the other system reports it. A place is named by ward, room and bed."""

    kind: SourceKind
    occurred_at: Moment
    patient_mrn: SealedCode | None = None
    mrn_authority: Code | None = None
    admission_type: AdmissionType | None = None
    ward: Text | None = None
    room: Code | None = None
    bed: Code | None = None
    without_bed: SealedLine | None = None
    keep_bed: bool = True
    disposition: Disposition | None = None
    destination: SealedLine | None = None
    attending: Code | None = None
    specialty: Text | None = None
    precision: Precision | None = None
    patient: PatientDetails | None = None
    """Patient as the source knows them, who is registered so where nobody has the MRN."""
    former_mrn: SealedCode | None = None
    former_mrn_authority: Code | None = None
    expected_at: Moment | None = None
    bed_state: BedState | None = None
    allergy: ToldAllergy | None = None


class Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One id as its system held it from a moment on: a movement, or that it was cancelled."""

    source_id: Text
    recorded_at: Moment
    sequence: int | None = None
    """Its number in the order of the source, beside a clock that may tell seconds only."""
    cancelled: bool = False
    movement: SourceMovement | None = None
    derived: bool = False
    """True if the source has no id of its own for it, so that the same may be told after a cancel."""

    @property
    def clock(self) -> tuple[datetime, int]:
        """Return the sort key by the source's clock: the time, then the sequence number of one tick."""
        return self.recorded_at, -1 if self.sequence is None else self.sequence

    @property
    def admits(self) -> bool:
        """Return whether it tells an admission."""
        return not self.cancelled and self.kind is SourceKind.ADMIT

    @property
    def may_admit(self) -> bool:
        """Return whether it tells an admission, if no other version of its visit does."""
        is_of_patient = self.movement is not None and self.movement.patient_mrn is not None
        return not self.cancelled and self.kind is SourceKind.CHANGE_TYPE and is_of_patient

    @property
    def needs_stay(self) -> bool:
        """Return whether it is a movement within a stay."""
        return self.kind not in OUTSIDE_STAY

    @property
    def kind(self) -> SourceKind | None:
        """Return the kind of the movement; None of a cancel that does not name it."""
        return self.movement.kind if self.movement else None

    @property
    def occurred_at(self) -> datetime:
        """Return the moment of the movement; of a cancel without one, when the source recorded it."""
        return self.movement.occurred_at if self.movement else self.recorded_at

    def precedence(self) -> tuple[bool, tuple[datetime, int], bool]:
        """Return the sort key of versions of one id: the greatest holds.

        A cancel is final; of a derived id it is one version among the others.
        """
        return self.cancelled and not self.derived, self.clock, self.cancelled

    def first_precedence(self) -> tuple[datetime, bool, bytes]:
        """Return the sort key by which versions were held before events said which one holds."""
        return self.recorded_at, self.cancelled, json.encode(self.movement)


class Applied(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version that is held true: as which movement of the stay."""

    version: Version
    movement: UUID
    bed: UUID | None = None
    """The movement into the first bed, where an admission named one."""
    also: tuple[UUID, ...] = ()
    """The changes of attending and specialty that came with a movement."""


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
        CORRECTED_BY = ("record_source_movement",)
        CANCELLED_BY = ("record_source_movement",)
        system: Text
        source_visit: Text
        version: Version
        holds: bool | None = None
        """True if its id is held so from now on; absent in events of before that was decided."""

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
        self.first_told: dict[str, int] = {}
        """The version of this stream in which each id was told first."""
        self.tied: dict[str, tuple[Version, ...]] = {}
        """The versions of each id that the source does not order, the one that holds among them."""
        self.details: dict[str, tuple[tuple[datetime, int], date | str | None]] = {}
        """What was told of a person last by the clock of the source, by detail."""
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
        """Record a version as another system reported it, and whether its id is held so now.

        Of versions that the source does not order, the one that came last holds; one that came before
        is a repeat.
        """
        id, before = version.source_id, self.held.get(version.source_id)
        holds = before is None or version.precedence() > before.precedence()
        if before is not None and version.precedence() == before.precedence():
            holds = version not in self.tied[id]
        self.record(
            SourceVisit.Reported,
            envelope,
            system=system,
            source_visit=source_visit,
            version=version,
            holds=holds,
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

    def turn(self, version: Version) -> tuple[datetime, int, int]:
        """Return the sort key in the order of recording at the source, then in that of arrival."""
        return *version.clock, self.first_told.get(version.source_id, 0)

    def rank(self, version: Version) -> tuple[int, datetime, int, int]:
        """Return the sort key of movements of one moment: admission first, discharge last."""
        first = {SourceKind.EXPECT: -1, SourceKind.ADMIT: 0, SourceKind.DISCHARGE: 2}
        return (first.get(version.kind, 1) if version.kind else 1, *self.turn(version))

    def admission_among(self, versions: Iterable[Version]) -> Version | None:
        """Return the earliest of the admissions told; each later one is a move (HL7 A04, then A01)."""
        versions = list(versions)
        admissions = [version for version in versions if version.admits]
        admissions = admissions or [version for version in versions if version.may_admit]
        return min(admissions, key=lambda v: (v.occurred_at, self.turn(v)), default=None)

    def patient_among(self, versions: Iterable[Version]) -> SourceMovement | None:
        """Return the report that names the patient: the latest move of the stay, or its admission."""
        versions = list(versions)
        moves = [v for v in versions if not v.cancelled and v.kind is SourceKind.MOVE_STAY]
        naming = max(moves, key=self.turn, default=None) or self.admission_among(versions)
        return naming.movement if naming else None

    @property
    def wanted(self) -> dict[str, Version]:
        """Return the versions that should be held true, by the source's ids."""
        return {id: v for id, v in self.held.items() if not v.cancelled}

    @property
    def true(self) -> dict[str, Version]:
        """Return the versions that are held true, by the source's ids."""
        return {a.version.source_id: a.version for a in self.applied}

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case SourceVisit.Reported(version=version):
                self.system, self.source_visit = event.system, event.source_visit
                id, before = version.source_id, self.held.get(version.source_id)
                holds = event.holds
                if holds is None:
                    holds = before is None or (
                        before.first_precedence() < version.first_precedence()
                    )
                if id not in self.first_told:
                    self.first_told = {**self.first_told, id: event.originator_version}
                if holds:
                    is_tie = before is not None and before.precedence() == version.precedence()
                    tied_versions = (*self.tied[id], version) if is_tie else (version,)
                    self.tied = {**self.tied, id: tied_versions}
                    self.held = {**self.held, id: version}
                    self.reported = {**self.reported, id: event.originator_version}
                    if version.kind is SourceKind.BED_STATE and len(self.held) > STATES_HELD:
                        oldest = min(self.held.values(), key=lambda v: (v.occurred_at, v.clock))
                        del self.held[oldest.source_id]
                details = version.movement.patient if version.movement else None
                if details and version.kind is SourceKind.DETAILS:
                    self._hold_details(version.clock, details.by_name())
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

    def _hold_details(
        self, clock: tuple[datetime, int], details: Mapping[str, date | str | None]
    ) -> None:
        """Hold what is told of a person, but for details that were told later by the source's clock."""
        newest = {
            name: (clock, value)
            for name, value in details.items()
            if name not in self.details or self.details[name][0] <= clock
        }
        self.details = {**self.details, **newest}
