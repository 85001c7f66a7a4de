"""Allergies that other systems tell: what the source says last holds, in any order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace as replace_fields

from application import lookups, persons
from application.commands.allergies import check_new
from application.commands.source_persons import hidden, patient_named
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.allergies import (
    Allergy,
    AllergyAction,
    AllergyKind,
    AllergySeverity,
    AllergyVerification,
    Substance,
    ToldAllergy,
    is_one_substance,
)
from domain.patient import Patient
from domain.refusals import InvalidInput, NotFound
from domain.source_visit import (
    Applied,
    PatientDetails,
    Pending,
    SourceMovement,
    SourceVisit,
    Version,
)
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
    authority = movement.mrn_authority or uow.rules.mrn_authority
    return _subject(uow, authority, movement.patient_mrn, movement.allergy.substance)


def _subject(uow: UnitOfWork, authority: str, mrn: str, substance: Substance) -> str:
    parts = (substance.system or "", substance.code) if substance.code else (substance.name,)
    of = unique_keys.mrn(authority, mrn)
    subject = unique_keys.Unique(of.kind, "\0".join((of.key, *map(key, parts))))
    return f"allergy {hidden(uow.record, subject)}"


def hold_allergy(
    uow: UnitOfWork, told: SourceVisit, system: str, name: str, version: Version
) -> None:
    """Hold what a source tells of an allergy, and make that of the person what it says by now.

    Who has no record is registered. What staff took back stays so until the source tells it anew; what
    is put right or deleted before it was told is pending. Raises AllergyKnown.
    """
    movement = version.movement
    assert movement is not None
    details = movement.patient or PatientDetails()
    patient = patient_named(uow, replace_fields(movement, patient=details))
    lookups.check_kept(uow, patient.id, "patient_mrn")
    person = _Person(uow, patient, told, system, movement)
    before = person.allergy()
    told.about = patient.about
    told.report(system, name, version, uow.entry)
    person.settle(before, version)


def settle_allergy(uow: UnitOfWork, told: SourceVisit) -> bool:
    """Hold an allergy anew once records are merged, or parted. Returns whether anything changed."""
    movement = next(iter(told.held.values())).movement
    assert movement is not None
    assert movement.patient_mrn is not None
    patient = lookups.patient(uow, movement.patient_mrn, movement.mrn_authority)
    if patient.is_erased:
        return False
    person = _Person(uow, patient, told, told.system, movement)
    return person.settle(None, None)


class _Person:
    """Reports of one source about an allergy of a person, under all numbers of the person's records."""

    def __init__(
        self,
        uow: UnitOfWork,
        patient: Patient,
        told: SourceVisit,
        system: str,
        movement: SourceMovement,
    ) -> None:
        assert movement.allergy is not None
        substance = movement.allergy.substance
        self.uow, self.patient, self.told = uow, patient, told
        self.records = persons.records(uow, patient.id)
        numbers = [
            number
            for record in self.records
            for number in ((record.mrn_authority, record.mrn), *record.former_numbers)
        ]
        names = {number: _subject(uow, *number, substance) for number in numbers}
        self.current = {
            SourceVisit.id_for(system, names[record.mrn_authority, record.mrn])
            for record in self.records
            if record.merged_into is None
        }
        others = uow.load(
            SourceVisit,
            *(SourceVisit.id_for(system, name) for name in sorted(set(names.values()))),
        )
        self.streams = [told, *(stream for stream in others if stream.held and stream is not told)]

    def turn(self, report: Version) -> tuple[datetime, int, bool, int, str]:
        """Return the sort key of a report among those of all numbers of the person.

        What was told at one time of the source's clock came under former numbers first.
        """
        stream = self.stream_of(report)
        recorded_at, sequence, arrival = stream.turn(report)
        return recorded_at, sequence, stream.id in self.current, arrival, report.source_id

    def stream_of(self, report: Version) -> SourceVisit:
        return next(s for s in self.streams if s.held.get(report.source_id) == report)

    def reports(self) -> list[Version]:
        """Return the reports, in the order of the source's clock."""
        return sorted((r for s in self.streams for r in s.held.values()), key=self.turn)

    def allergy(self) -> HeldAllergy | None:
        """Return the allergy as its source has it by its clock; None if it has deleted it."""
        return held_allergy(self.reports())

    def settle(self, before: HeldAllergy | None, version: Version | None) -> bool:
        """Make the allergy of the person what was told. Returns whether anything changed.

        ``before``: what was held before this report (``version``); without one records were linked
        or parted.
        """
        uow, now = self.uow, self.allergy()
        versions = {record.id: record.version for record in self.records}
        applications = {stream.id: list(stream.applied) for stream in self.streams}
        pairs = [(stream, a) for stream in self.streams for a in stream.applied]
        holding = next((a for _, a in pairs if now is not None and a.version == now.first), None)
        for stream, other in pairs:
            if other is not holding:
                applications[stream.id].remove(other)
                if (record := _record_with(uow, self.patient, other.movement)) is not None:
                    record.cancel_allergy(other.movement, uow.entry)
        if now is not None and holding is None:
            applications[self.stream_of(now.first).id].append(_record_allergy(uow, now))
        elif now is not None and holding is not None and (version is None or now != before):
            self._correct(holding.movement, now, is_told=version is not None)
        pending_ids = self._pending(now, version)
        is_changed = any(record.version != versions[record.id] for record in self.records)
        links = {unique_keys.links_of(record.id) for record in self.records}
        for stream in self.streams:
            pending = tuple(
                Pending(version=report, why=NotFound.__name__)
                for id, report in stream.held.items()
                if id in pending_ids
            )
            others = (r.about for r in self.records if r.id == stream.patient)
            stream.about = self.patient.about if stream is self.told else next(others, None)
            waits_for = links | {record.id for record in self.records} if pending else links
            is_changed |= stream.settle(
                None, tuple(applications[stream.id]), pending, tuple(sorted(waits_for)), uow.entry
            )
        return is_changed

    def _pending(self, now: HeldAllergy | None, version: Version | None) -> set[str]:
        """Return the ids of reports that correct or delete an allergy before it is known."""
        reports = self.reports()
        was_pending = {p.version.source_id for s in self.streams for p in s.pending}
        pending = set()
        for n, report in enumerate(reports):
            is_open = report == version or report.source_id in was_pending
            earlier = [_allergy_of(r).action for r in reports[: n + 1]]
            if not is_open or AllergyAction.ADD in earlier:
                continue
            is_last = now is None and report == reports[-1]
            if not (
                is_last and _change_that_of_others(self.uow, self.patient, _allergy_of(report))
            ):
                pending.add(report.source_id)
        return pending

    def _correct(self, id: UUID, now: HeldAllergy, *, is_told: bool) -> None:
        """Correct an allergy to what is told; as records are linked, only what was told before."""
        record = _record_with(self.uow, self.patient, id)
        if record is None:
            return
        current, allergies = record.allergy(id), [_allergy_of(report) for report in self.reports()]
        severity, reaction = now.severity, now.reaction
        if not is_told:
            severity = severity if current.severity in {t.severity for t in allergies} else None
            reaction = reaction if current.reaction in {t.reaction for t in allergies} else None
        if (severity, reaction) not in ((None, None), (current.severity, current.reaction)):
            _correct(self.uow, record, id, severity, reaction)


def held_allergy(reports: Sequence[Version]) -> HeldAllergy | None:
    """Return an allergy as reports in the order of their source tell it; None if it was deleted."""
    state = None
    for report in reports:
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


def _record_allergy(uow: UnitOfWork, held: HeldAllergy) -> Applied:
    """Record an allergy. Raises AllergyKnown where staff, or another source, have told it."""
    substance = _allergy_of(held.first).substance
    movement = held.first.movement
    assert movement is not None
    patient = patient_named(uow, replace_fields(movement, patient=PatientDetails()))
    precision = movement.precision or uow.entry.precision
    id = patient.record_allergy(
        replace_fields(uow.entry, occurred_at=movement.occurred_at, precision=precision),
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
