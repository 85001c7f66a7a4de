"""How a stay is made to say what another system reports: taken back, put right, entered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from application import lookups, persons
from application.commands.corrections import (
    cancel_admission_of,
    cancel_discharge_of,
    check_deferred,
)
from application.commands.stays import discharge_stay
from application.unit_of_work import UnitOfWork
from domain.envelope import Envelope, Source
from domain.refusals import InvalidInput, NotFound, StayStateBroken
from domain.source_visit import Applied, SourceKind, SourceMovement, SourceVisit, Version
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, Discharge, Disposition, Move, Place
from domain.time import Precision


@dataclass(frozen=True, slots=True)
class ReconciliationPlan:
    """What shall be held true of a visit: these versions, by the source's ids, and no others."""

    visit: SourceVisit
    versions: Mapping[str, Version]


@dataclass(frozen=True, slots=True)
class Held:
    """What is held true of a visit once its plan is carried out."""

    stay: UUID | None
    applied: tuple[Applied, ...]


def reconcile(uow: UnitOfWork, plans: Iterable[ReconciliationPlan]) -> dict[UUID, Held]:
    """Make the stays say what is planned; the result is looked at as a whole.

    Raises the refusal of what does not fit.
    """
    uow.defer_checks()
    held = {plan.visit.id: _apply_plan(uow, plan) for plan in plans}
    check_deferred(uow)
    return held


def _apply_plan(uow: UnitOfWork, plan: ReconciliationPlan) -> Held:
    visit = plan.visit
    stay = lookups.stay(uow, visit.stay) if visit.stay else None
    true = {a.version.source_id: a for a in visit.applied}
    new = [v for id, v in plan.versions.items() if id not in true or true[id].version != v]
    gone = [a for id, a in true.items() if plan.versions.get(id) != a.version]
    if stay is not None:
        was = next((a for a in gone if a.version.kind is SourceKind.ADMIT), None)
        told = plan.versions.get(was.version.source_id) if was else None
        if was and told and _only_elsewhere_or_at_another_time(was.version, told):
            then = [was.version, told]
            again = [a for a in true.values() if a not in gone and _same_moment(a, then)]
            gone = [a for a in gone if a is not was] + again
            new = [v for v in new if v is not told] + [a.version for a in again]
            _retract(uow, stay, gone)
            true[told.source_id] = _amend_admission(uow, visit, stay, was, told)
        elif was:
            _void(uow, stay, true.values())
            stay, true, gone, new = None, {}, [], list(plan.versions.values())
        else:
            again = [a for a in true.values() if a not in gone and _same_moment(a, new)]
            gone, new = gone + again, new + [a.version for a in again]
            _retract(uow, stay, gone)
    for a in gone:
        true.pop(a.version.source_id, None)
    for version in sorted(new, key=Version.rank):
        entry = uow.entry
        uow.entry = _entry_of(uow, visit, version)
        stay, true[version.source_id] = _enter_reported(uow, visit, stay, version)
        uow.entry = entry
    order = sorted(true.values(), key=lambda a: a.version.rank())
    return Held(stay.id if stay else None, tuple(order))


def _retract(uow: UnitOfWork, stay: Stay, gone: Iterable[Applied]) -> None:
    """Movements that are no longer reported so are taken back as entered in error.

    What the staff took back before stays as it is.
    """
    for applied in gone:
        fact = stay.history.fact(applied.movement)
        if isinstance(fact, Discharge):
            cancel_discharge_of(uow, stay, fact, CancellationReason.ENTERED_IN_ERROR, None)
        elif fact is not None:
            stay.cancel_movement(
                applied.movement, CancellationReason.ENTERED_IN_ERROR, None, uow.entry
            )


def _void(uow: UnitOfWork, stay: Stay, applied: Iterable[Applied]) -> None:
    """The stay never was. What was recorded in it by staff stops that."""
    _retract(uow, stay, [a for a in applied if a.version.kind is SourceKind.DISCHARGE])
    if stay.history.admission:
        cancel_admission_of(uow, stay, CancellationReason.ENTERED_IN_ERROR, False)


def _amend_admission(
    uow: UnitOfWork, visit: SourceVisit, stay: Stay, was: Applied, told: Version
) -> Applied:
    """The same patient was admitted at another time, or into another place: the stay stays.

    With it stays what the staff has entered in it.
    """
    said, died_at = told.movement, persons.died_at(uow, stay.patient)
    assert said is not None
    admission = stay.movement(was.movement)
    place, bed = _place(uow, said) or Place(), was.bed
    elsewhere = Place(without_bed=place.without_bed) if place.without_bed else None
    if admission.corrected(said.occurred_at, elsewhere) != admission:
        stay.correct_movement(
            was.movement, said.occurred_at, Precision.MINUTE, elsewhere, uow.entry, died_at
        )
    if bed and place.bed:
        move = stay.movement(bed)
        if isinstance(move, Move) and move.place != place:
            stay.correct_movement(bed, None, None, place, uow.entry, died_at)
    elif bed:
        if stay.history.fact(bed):  # or the staff took it back before
            stay.cancel_movement(bed, CancellationReason.ENTERED_IN_ERROR, None, uow.entry, died_at)
        bed = None
    elif place.bed:
        stay.allocate_room(place.bed, _entry_of(uow, visit, told))
        bed = _just_entered(stay)
    return replace(was, version=told, bed=bed)


def _enter_reported(
    uow: UnitOfWork, visit: SourceVisit, stay: Stay | None, version: Version
) -> tuple[Stay, Applied]:
    """One reported movement, as the same command by a ward would enter it."""
    said = version.movement
    assert said is not None
    if said.kind is SourceKind.ADMIT:
        return _admit_reported(uow, visit, stay, version, said)
    if stay is None:
        raise NotFound("admission of visit", visit.source_visit, "source_visit")
    place, died_at = _place(uow, said), persons.died_at(uow, stay.patient)
    match said.kind:
        case SourceKind.TRANSFER:
            if place is None:
                raise InvalidInput("bed", "name a bed, or a place without one")
            stay.transfer(place, uow.entry)
        case SourceKind.START_LEAVE:
            stay.start_leave(said.keep_bed, None, uow.entry, died_at)
        case SourceKind.END_LEAVE:
            stay.end_leave(place, uow.entry, died_at)
        case SourceKind.DISCHARGE:
            discharge_stay(uow, stay, said.disposition or Disposition.OTHER)
    return stay, Applied(version=version, movement=_just_entered(stay))


def _admit_reported(
    uow: UnitOfWork,
    visit: SourceVisit,
    stay: Stay | None,
    version: Version,
    said: SourceMovement,
) -> tuple[Stay, Applied]:
    if stay is not None:
        raise StayStateBroken("the visit has an admission already, with another id")
    if said.patient_mrn is None:
        raise InvalidInput("patient_mrn", "an admission names its patient")
    patient = lookups.patient(uow, said.patient_mrn, said.mrn_authority)
    assert patient.about is not None
    place = _place(uow, said) or Place()
    what = f"stay of {visit.id}"
    stay = uow.new(Stay, what, replace(patient.about, stay=uow.entry.id_of(what)))
    stay.admit(
        patient.id,
        said.admission_type or AdmissionType.EMERGENCY,
        uow.entry,
        died_at=persons.died_at(uow, patient.id),
        without_bed=place.without_bed,
        confidentiality=patient.confidentiality,
    )
    admission, bed = _just_entered(stay), None
    if place.bed is not None:
        stay.allocate_room(place.bed, uow.entry)
        bed = _just_entered(stay)
    return stay, Applied(version=version, movement=admission, bed=bed)


def _place(uow: UnitOfWork, said: SourceMovement) -> Place | None:
    return lookups.place(uow, said.ward, said.room, said.bed, None, said.without_bed)


def _entry_of(uow: UnitOfWork, visit: SourceVisit, version: Version) -> Envelope:
    source = Source(system=visit.system, id=version.source_id, recorded_at=version.recorded_at)
    return replace(uow.entry, occurred_at=version.occurred_at, source=source)


def _same_moment(applied: Applied, new: Iterable[Version]) -> bool:
    """Whether it has to be entered again, so that facts of one moment are in the source's order."""
    version = applied.version
    return version.kind is not SourceKind.ADMIT and any(
        v.occurred_at == version.occurred_at and v.rank() < version.rank() for v in new
    )


def _only_elsewhere_or_at_another_time(was: Version, told: Version) -> bool:
    """Whether an admission can be corrected; else the stay is another one."""
    before, after = was.movement, told.movement
    if before is None or after is None or after.kind is not SourceKind.ADMIT:
        return False
    there = replace(
        before, ward=after.ward, room=after.room, bed=after.bed, without_bed=after.without_bed
    )
    return replace(there, occurred_at=after.occurred_at) == after


def _just_entered(stay: Stay) -> UUID:
    """The id of the movement that was entered last."""
    movement = getattr(stay.pending_events[-1], "movement", None)
    assert isinstance(movement, UUID)
    return movement
