"""Allergies that other systems tell: what the source says last holds, in any order of arrival."""

from dataclasses import dataclass, replace
from uuid import UUID

from msgspec.structs import replace as replace_entry

from application import lookups, persons
from application.commands.allergies import check_new
from application.commands.source_persons import hidden
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.allergies import (
    Allergy,
    AllergyAction,
    AllergyKind,
    AllergySeverity,
    AllergyVerification,
    ToldAllergy,
    is_one_substance,
)
from domain.patient import Patient
from domain.refusals import InvalidInput, NotFound
from domain.source_visit import Applied, SourceMovement, SourceVisit, Version
from domain.text import key


@dataclass(frozen=True, slots=True)
class HeldAllergy:
    """An allergy as a source has it: the report by which it began, and what was said of it last."""

    first: Version
    severity: AllergySeverity | None
    reaction: str | None


def allergy_subject(uow: UnitOfWork, movement: SourceMovement) -> str:
    """Return the name under which an allergy to a substance is held. Raises InvalidInput."""
    if movement.patient_mrn is None or movement.allergy is None:
        raise InvalidInput("patient_mrn", "say whose allergy it is, and to what")
    authority, substance = (
        movement.mrn_authority or uow.rules.mrn_authority,
        movement.allergy.substance,
    )
    parts = (substance.system or "", substance.code) if substance.code else (substance.name,)
    of = unique_keys.mrn(authority, movement.patient_mrn)
    subject = unique_keys.Unique(of.kind, "\0".join((of.key, *map(key, parts))))
    return f"allergy {hidden(uow.record, subject)}"


def hold_allergy(
    uow: UnitOfWork, told: SourceVisit, system: str, name: str, version: Version
) -> None:
    """Hold what a source tells of an allergy, and make that of the person what it says by now.

    What staff took back stays so until the source tells it anew. Raises NotFound for an unknown person,
    and where nothing is known of an allergy that is put right or deleted; AllergyKnown.
    """
    movement = version.movement
    assert movement is not None
    assert movement.allergy is not None
    assert movement.patient_mrn is not None
    patient = lookups.patient(uow, movement.patient_mrn, movement.mrn_authority)
    lookups.check_kept(uow, patient.id, "patient_mrn")
    told.about = patient.about
    before, was_told = held_allergy(told), bool(told.held)
    told.report(system, name, version, uow.entry)
    now = held_allergy(told)
    applications = told.applied
    allergy_id = next((a.movement for a in applications), None)
    record = _record_with(uow, patient, allergy_id)
    if now is None and record is not None and allergy_id is not None:
        record.cancel_allergy(allergy_id, uow.entry)
        applications = ()
    elif now is None and before is None:
        is_latest = version == max(told.held.values(), key=told.turn)
        is_changed = is_latest and _change_that_of_others(uow, patient, movement.allergy)
        if not is_changed and not was_told:
            raise NotFound("allergy to", movement.allergy.substance.name, "allergy_id")
    elif now is not None and now != before:
        if before is None or now.first != before.first:
            if record is not None and allergy_id is not None:
                record.cancel_allergy(allergy_id, uow.entry)
            applications = (_record_allergy(uow, patient, now),)
        elif record is not None and allergy_id is not None:
            _correct(uow, record, allergy_id, now.severity, now.reaction)
    told.settle(None, applications, (), (), uow.entry)


def held_allergy(told: SourceVisit) -> HeldAllergy | None:
    """Return an allergy as its source has it by its clock; None if it has deleted it.

    What it said at one moment of its clock is in the order in which it came.
    """
    state = None
    for report in sorted(told.held.values(), key=told.turn):
        allergy = _allergy_of(report)
        if allergy.action is AllergyAction.DELETE:
            state = None
        elif state is not None:
            state = replace(
                state,
                severity=allergy.severity or state.severity,
                reaction=allergy.reaction or state.reaction,
            )
        elif allergy.action is AllergyAction.ADD:
            state = HeldAllergy(report, allergy.severity, allergy.reaction)
    return state


def _allergy_of(report: Version) -> ToldAllergy:
    assert report.movement is not None
    assert report.movement.allergy is not None
    return report.movement.allergy


def _record_with(uow: UnitOfWork, patient: Patient, allergy: UUID | None) -> Patient | None:
    """Return the record of a person that has an allergy; None if there is none by now."""
    records = persons.records(uow, patient.id)
    return next((record for record in records if allergy in record.allergies), None)


def _record_allergy(uow: UnitOfWork, patient: Patient, held: HeldAllergy) -> Applied:
    """Record an allergy. Raises AllergyKnown where staff, or another source, have told it."""
    substance = _allergy_of(held.first).substance
    movement = held.first.movement
    assert movement is not None
    precision = movement.precision or uow.entry.precision
    id = patient.record_allergy(
        replace_entry(uow.entry, occurred_at=movement.occurred_at, precision=precision),
        substance=substance,
        allergy_kind=AllergyKind.ALLERGY,
        severity=held.severity,
        reaction=held.reaction,
        verification=AllergyVerification.UNCONFIRMED,
    )
    check_new(uow, patient, id)
    return Applied(version=held.first, movement=id)


def _change_that_of_others(uow: UnitOfWork, patient: Patient, told: ToldAllergy) -> bool:
    """Carry out what is told of an allergy that staff recorded; return whether there is one."""
    allergies: list[Allergy] = [
        allergy
        for allergy in persons.allergies_of(uow, patient.id)
        if is_one_substance(allergy.substance, told.substance)
    ]
    if not allergies:
        return False
    id = allergies[-1].id
    record = _record_with(uow, patient, id)
    assert record is not None
    if told.action is AllergyAction.DELETE:
        record.cancel_allergy(id, uow.entry)
    else:
        _correct(uow, record, id, told.severity, told.reaction)
    return True


def _correct(
    uow: UnitOfWork,
    record: Patient,
    id: UUID,
    severity: AllergySeverity | None,
    reaction: str | None,
) -> None:
    record.correct_allergy(
        id,
        None,
        None,
        uow.entry,
        substance=None,
        allergy_kind=None,
        severity=severity,
        reaction=reaction,
        verification=None,
    )
