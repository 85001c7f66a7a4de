"""Selection of what fits: as many of the reported versions as can hold true together."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from application import lookups
from application.bed_consistency import check_bed_consistency
from application.commands.source_movement_reconciliation import ReconciliationPlan, reconcile
from application.lives import check_lives
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.envelope import About
from domain.refusals import Refusal
from domain.source_visit import SourceKind, SourceVisit, Version

MAX_CONNECTED = 12
"""The number of visits that wait for the same rooms and persons and are tried together."""

Versions = Mapping[str, Version]
"""Versions of one visit by the source's ids."""

Selection = dict[UUID, Versions]
"""The versions that shall hold true, by visit."""


def connected_visits(uow: UnitOfWork, visit: SourceVisit) -> list[SourceVisit]:
    """Return a visit, those that wait for the rooms or the person that it names, and so on."""
    connected = {visit.id: visit}
    looked_up: set[UUID] = set()
    queue = [visit]
    while queue and len(connected) < MAX_CONNECTED:
        subjects = subjects_of(uow, queue.pop(0)) - looked_up
        looked_up |= subjects
        others = uow.record.owners(unique_keys.waiting_for(s) for s in sorted(subjects))
        for other in uow.load(SourceVisit, *(o for o in others if o not in connected)):
            if len(connected) < MAX_CONNECTED:
                connected[other.id] = other
                queue.append(other)
    return list(connected.values())


def best_subset(
    uow: UnitOfWork, visits: Sequence[SourceVisit]
) -> tuple[Selection, dict[tuple[UUID, str], str]]:
    """Return all that is wanted, if it fits together; else as much as does, in the source's order.

    With it the code of the refusal of each other version, by visit and the source's id.
    """
    wanted: Selection = {v.id: v.wanted for v in visits}
    if _refusal_of(uow, visits, wanted) is None:
        return wanted, {}
    selection: Selection = {v.id: v.true for v in visits}
    reasons: dict[tuple[UUID, str], str] = {}
    in_order = sorted(
        ((visit, version) for visit in visits for version in visit.held.values()),
        key=lambda pair: pair[1].turn(),
    )
    progress = True
    while progress:
        progress = False
        for visit in visits:
            candidate = {**selection, visit.id: wanted[visit.id]}
            if candidate != selection and _refusal_of(uow, visits, candidate) is None:
                selection, progress = candidate, True
        for visit, version in in_order:
            if matches(selection[visit.id], version):
                continue
            for versions in _next_candidates(selection[visit.id], version):
                candidate = {**selection, visit.id: versions}
                refusal = _refusal_of(uow, visits, candidate)
                if refusal is None:
                    selection, progress = candidate, True
                    break
                reasons[visit.id, version.source_id] = refusal.code
    return selection, reasons


def matches(selected: Versions, version: Version) -> bool:
    """Return whether a version is selected; of a cancelled one, whether nothing of its id is."""
    return selected.get(version.source_id) == (None if version.cancelled else version)


def subjects_of(uow: UnitOfWork, visit: SourceVisit) -> set[UUID]:
    """Return the rooms and persons that a visit names; of unknown ones, what will name them."""
    keys = set()
    for movement in (version.movement for version in visit.held.values()):
        if movement and movement.ward and movement.room:
            keys.add(unique_keys.room_number(movement.ward, movement.room))
        if movement and movement.patient_mrn:
            authority = movement.mrn_authority or uow.rules.mrn_authority
            keys.add(unique_keys.mrn(authority, movement.patient_mrn))
    subjects = {uow.owner(key) or unique_keys.subject_of(key) for key in keys}
    if visit.stay is not None:
        subjects |= {s.bed.room for s in lookups.stay(uow.dry_run(), visit.stay).stretches}
    return subjects


def about_of(uow: UnitOfWork, versions: Iterable[Version]) -> About | None:
    """Return the patient that versions of a visit name, if that patient is known."""
    for version in sorted(versions, key=Version.precedence, reverse=True):
        movement = version.movement
        if movement and movement.patient_mrn:
            authority = movement.mrn_authority or uow.rules.mrn_authority
            if uow.owner(unique_keys.mrn(authority, movement.patient_mrn)) is not None:
                return lookups.patient(uow, movement.patient_mrn, authority).about
    return None


def _refusal_of(
    uow: UnitOfWork, visits: Sequence[SourceVisit], selection: Mapping[UUID, Versions]
) -> Refusal | None:
    """Return why a selection cannot hold true; None if it can."""
    dry_run = uow.dry_run()
    try:
        reconcile(dry_run, [ReconciliationPlan(v, selection[v.id]) for v in visits])
        check_lives(dry_run)
        check_bed_consistency(dry_run)
    except Refusal as refusal:
        return refusal
    return None


def _next_candidates(selected: Versions, version: Version) -> list[Versions]:
    """Return the selections to try for a version: with it, or at least without what it replaces."""
    before = selected.get(version.source_id)
    without = {id: v for id, v in selected.items() if id != version.source_id}
    if before and before.kind is SourceKind.ADMIT:
        without = {}  # nothing is left of a stay without its admission
    with_it = without if version.cancelled else {**selected, version.source_id: version}
    return [with_it, without] if before else [with_it]
