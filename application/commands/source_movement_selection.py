"""Selection of what fits: as many of the reported versions as can hold true together."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from application import lookups
from application.bed_consistency import check_bed_consistency
from application.commands.source_movement_reconciliation import (
    ReconciliationPlan,
    reconcile,
)
from application.commands.source_persons import loaded_patient, numbers_of, subject_of
from application.life_consistency import check_life_consistency
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.envelope import About
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    ContradictsLaterFacts,
    InvalidInput,
    MergeImpossible,
    NotFound,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    Refusal,
    StayNotOpen,
    StayStateBroken,
)
from domain.source_visit import OF_RECORDS, SourceVisit, Version
from domain.things import Thing

MAX_TOGETHER = 12
"""The number of visits that block each other and are tried together."""

Versions = Mapping[str, Version]
"""Versions of one visit by the source's ids."""

Selection = dict[UUID, Versions]
"""The versions that shall hold true, by visit."""


class Search:
    """The search for as much of a visit as fits, alone or with the pending visits that block it.

    ``selection`` is what fits, ``refusals`` what each other version of the visit met, ``also`` what
    several together met.
    """

    def __init__(self, uow: UnitOfWork, visit: SourceVisit) -> None:
        self.uow, self.visit = uow, visit
        self.selection: Selection = {visit.id: visit.wanted}
        self.refusals: dict[str, list[Refusal]] = {}
        self.also: list[Refusal] = []
        versions = visit.wanted.values()
        needs_stay = bool(versions) and all(version.needs_stay for version in versions)
        if needs_stay and visit.stay is None and visit.admission_among(versions) is None:
            not_found = NotFound(Thing.ADMISSION_OF_VISIT, visit.source_visit, "source_visit")
            self.selection = {visit.id: {}}
            self.refusals = {id: [not_found] for id in visit.wanted}
        elif not self._take(self._together(self.selection)):
            self.selection = {visit.id: visit.true}
            while self._enter_one_by_one() or self._enter_several():
                pass

    def _take(self, selection: Selection | None) -> bool:
        self.selection = selection or self.selection
        return selection is not None

    def _enter_one_by_one(self) -> bool:
        """Add each version that fits by itself, in the source's order. Returns whether any did."""
        visit, progress = self.visit, False
        self.refusals = {}
        for version in sorted(visit.held.values(), key=visit.turn):
            selection, refusals = self.selection[visit.id], []
            if matches(selection, version):
                continue
            for versions in _next_candidates(visit, selection, version):
                candidate = {**self.selection, visit.id: versions}
                refusal = self._refusal_of(candidate)
                if refusal is None:
                    self.selection, progress = candidate, True
                    break
                refusals.append(refusal)
            else:
                self.refusals[version.source_id] = refusals
        return progress

    def _enter_several(self) -> bool:
        """Add versions that fit together only: all that are blocked, or all but one of the visit."""
        id, wanted_versions = self.visit.id, self.visit.wanted
        blocked_ids = [i for i, refusals in self.refusals.items() if any(map(blocker_of, refusals))]
        selection = {i: v for i, v in self.selection[id].items() if i not in blocked_ids}
        candidates = (
            [selection | {i: wanted_versions[i] for i in blocked_ids if i in wanted_versions}]
            if blocked_ids
            else []
        )
        if 1 < len(self.refusals) <= MAX_TOGETHER:
            candidates += [
                {i: v for i, v in wanted_versions.items() if i != excluded_id}
                for excluded_id in self.refusals
            ]
        return any(self._take(self._together({**self.selection, id: c})) for c in candidates)

    def _together(self, selection: Selection) -> Selection | None:
        """Return a selection, with what is blocked of the pending visits that block it, if it fits."""
        selection = dict(selection)
        while True:
            refusal = self._refusal_of(selection)
            if refusal is None:
                return selection
            self.also.append(refusal)
            stay = blocker_of(refusal)
            of_stay = unique_keys.waiting_for(unique_keys.visit_of(stay)) if stay else None
            blocking = self.uow.record.owners([of_stay]) if of_stay else []
            visits = self.uow.load(SourceVisit, *blocking)
            if not visits or visits[0].id in selection or len(selection) == MAX_TOGETHER:
                return None
            waiting = {p.version.source_id for p in visits[0].pending if p.why in BLOCKED}
            versions = {i: v for i, v in visits[0].true.items() if i not in waiting}
            selection[visits[0].id] = versions | {
                i: v for i, v in visits[0].wanted.items() if i in waiting
            }

    def _refusal_of(self, selection: Selection) -> Refusal | None:
        """Return the reason why a selection cannot hold true; None if it can."""
        dry_run = self.uow.dry_run()
        visits = self.uow.load(SourceVisit, *selection)
        try:
            reconcile(dry_run, [ReconciliationPlan(v, selection[v.id]) for v in visits])
            check_life_consistency(dry_run)
            check_bed_consistency(dry_run)
        except Refusal as refusal:
            return refusal
        return None

    def waits(self) -> set[UUID]:
        """Return the subjects that the visit waits for beside its own stay: those of its refusals.

        What can never fit beside the rest of the visit waits for the visit alone.
        """
        uow, visit, subjects = self.uow, self.visit, set[UUID]()
        versions = [*visit.held.values(), *(application.version for application in visit.applied)]
        if any(v.kind in OF_RECORDS for v in versions):
            subjects |= _persons_of(uow, versions)
        for refusal in [*self.also, *(r for refusals in self.refusals.values() for r in refusals)]:
            stay = blocker_of(refusal)
            if isinstance(refusal, MergeImpossible):
                subjects |= {unique_keys.room_left_by(stay) for stay in refusal.stays}
            elif stay is not None:
                subjects.add(unique_keys.room_left_by(stay))
                if isinstance(refusal, PatientAlreadyAdmitted) and visit.about:
                    subjects |= {visit.about.patient} | _patients_of(uow, stay)
            elif isinstance(refusal, NotFound):
                subjects |= _named_by(uow, visit)
            elif isinstance(refusal, BedNotOpen):
                subjects.add(unique_keys.openings_of(refusal.bed.room))
            elif isinstance(refusal, PatientDied):
                subjects |= {visit.about.patient} if visit.about else set()
            elif not isinstance(refusal, OF_THE_VISIT):
                subjects |= _rooms_of(uow, visit)
        return subjects


BLOCKED = (BedOccupied.__name__, PatientAlreadyAdmitted.__name__)
"""The codes of refusals for the sake of another stay."""


def blocker_of(refusal: Refusal) -> UUID | None:
    """Return the stay for whose sake something is refused."""
    match refusal:
        case BedOccupied():
            return refusal.by_stay
        case PatientAlreadyAdmitted():
            return refusal.stay
    return None


def matches(selection: Versions, version: Version) -> bool:
    """Return whether a version is selected; of a cancelled one, whether nothing of its id is."""
    return selection.get(version.source_id) == (None if version.cancelled else version)


OF_THE_VISIT = (ContradictsLaterFacts, InvalidInput, OutsideStay, StayNotOpen, StayStateBroken)
"""Refusals that nothing but the visit, or its own stay, can mend."""


def _room_keys(visit: SourceVisit) -> set[unique_keys.Unique]:
    movements = [version.movement for version in visit.held.values()]
    return {unique_keys.room_number(m.ward, m.room) for m in movements if m and m.ward and m.room}


def _rooms_of(uow: UnitOfWork, visit: SourceVisit) -> set[UUID]:
    """Return the rooms that a visit names, those that exist."""
    return {room for key in _room_keys(visit) if (room := uow.owner(key))}


def _named_by(uow: UnitOfWork, visit: SourceVisit) -> set[UUID]:
    """Return the subjects that a visit names and that do not exist; of a known room, its openings."""
    keys = _room_keys(visit)
    for movement in (version.movement for version in visit.held.values()):
        keys |= {unique_keys.mrn(*number) for number in numbers_of(uow, movement)}
        if movement and movement.attending:
            keys.add(unique_keys.staff_number(movement.attending))
    subjects = set()
    for key in keys:
        owner = uow.owner(key)
        if owner is None:
            subjects.add(subject_of(uow.record, key))
        elif key in _room_keys(visit):
            subjects.add(unique_keys.openings_of(owner))
    return subjects


def _persons_of(uow: UnitOfWork, versions: Iterable[Version]) -> set[UUID]:
    """Return the records that have a number which reports name."""
    numbers = {number for version in versions for number in numbers_of(uow, version.movement)}
    owners = (lookups.patient_id(uow, number, authority) for authority, number in numbers)
    return {owner for owner in owners if owner}


def _patients_of(uow: UnitOfWork, stay: UUID) -> set[UUID]:
    patient = lookups.stay(uow.dry_run(), stay).patient
    return {patient} if patient else set()


def about_of(uow: UnitOfWork, versions: Iterable[Version]) -> About | None:
    """Return the patient that versions of a visit name, if that patient is known."""
    for version in sorted(versions, key=lambda v: (not v.cancelled, v.clock), reverse=True):
        movement = version.movement
        if movement and movement.patient_mrn:
            authority = movement.mrn_authority or uow.rules.mrn_authority
            key = unique_keys.mrn(authority, movement.patient_mrn)
            if new := loaded_patient(uow, key):  # registered by the report itself
                return new.about
            if lookups.patient_id(uow, movement.patient_mrn, authority) is not None:
                return lookups.patient(uow, movement.patient_mrn, authority).about
    return None


def _next_candidates(visit: SourceVisit, selection: Versions, version: Version) -> list[Versions]:
    """Return the selections to try for a version: with it, or at least without what it replaces."""
    before = selection.get(version.source_id)
    reduced_selection = {id: v for id, v in selection.items() if id != version.source_id}
    if before and visit.admission_among(reduced_selection.values()) is None:
        # nothing is left of a stay without its admission
        reduced_selection = {id: v for id, v in reduced_selection.items() if not v.needs_stay}
    with_it = reduced_selection if version.cancelled else {**selection, version.source_id: version}
    return [with_it, reduced_selection] if before else [with_it]
