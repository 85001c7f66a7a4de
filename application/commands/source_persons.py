"""Persons whom other systems report: who is expected, whose a number is, and which records are one.

A merge or another number may come before the records that it is about: it waits for them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from application import lookups, persons
from application.commands.expected_arrivals import convert
from application.commands.patient_identity import merge_records, unmerge_record
from application.commands.source_movement_facts import moment_of
from application.hospital_days import today
from application.ports import EventStore
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.envelope import About, Envelope
from domain.expected_arrival import Expectation, ExpectedArrival
from domain.patient import Confidentiality, Patient, PatientDetail, Sex
from domain.refusals import (
    AlreadyExists,
    InvalidInput,
    MergeImpossible,
    NotFound,
    PatientDied,
)
from domain.source_visit import (
    OF_RECORDS,
    Applied,
    SourceKind,
    SourceMovement,
    SourceVisit,
    Version,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason
from domain.text import code
from domain.things import Thing
from domain.time import is_later


def numbers_of(uow: UnitOfWork, movement: SourceMovement | None) -> set[tuple[str, str]]:
    """Return the numbers of patients that a report names, each with its authority."""
    if movement is None:
        return set()
    pairs = (
        (movement.mrn_authority, movement.patient_mrn),
        (movement.former_mrn_authority, movement.former_mrn),
    )
    return {(authority or uow.rules.mrn_authority, number) for authority, number in pairs if number}


def hidden(record: EventStore, name: unique_keys.Unique) -> str:
    """Return the pseudonym of a number of a person, for a log that has texts in clear.

    Ids are derived from it: without the keys nobody confirms a guess by them. Raises KeysMissing.
    """
    return record.prove(f"{name.kind} {name.key}")[:40]


def subject_of(record: EventStore, name: unique_keys.Unique) -> UUID:
    """Return the id by which a visit waits for what does not exist yet. Raises KeysMissing."""
    if name.kind == "mrn":
        name = unique_keys.Unique(name.kind, hidden(record, name))
    return unique_keys.subject_of(name)


def loaded_patient(uow: UnitOfWork, key: unique_keys.Unique) -> Patient | None:
    """Return a patient whom the command read or registered, by the key of the MRN."""
    for record in uow.loaded.values():
        if isinstance(record, Patient) and record.exists:
            authority = record.mrn_authority
            if unique_keys.mrn(authority, record.mrn) == key:
                return record
    return None


def patient_named(uow: UnitOfWork, movement: SourceMovement) -> Patient:
    """Return the patient that a report names; registered now, if nobody has the MRN.

    Raises InvalidInput, NotFound where it does not say what is known of the patient.
    """
    mrn, details = movement.patient_mrn, movement.patient
    if mrn is None:
        raise InvalidInput("patient_mrn", "name the patient")
    authority = movement.mrn_authority or uow.rules.mrn_authority
    if new := loaded_patient(uow, unique_keys.mrn(authority, mrn)):
        return new
    if details is None or lookups.patient_id(uow, mrn, authority) is not None:
        return lookups.patient(uow, mrn, authority)
    if details.birth_date is not None and details.birth_date > today(uow):
        raise InvalidInput("birth_date", "it lies in the future")
    subject = f"patient {hidden(uow.record, unique_keys.mrn(authority, mrn))}"
    id = uow.entry.id_of(subject)
    patient = uow.new(Patient, subject, About(patient=id, key_id=f"{id}/1"))
    patient.register(
        mrn,
        authority,
        details.family_name,
        details.given_name,
        details.birth_date,
        details.sex or Sex.UNKNOWN,
        Confidentiality.NORMAL,
        uow.entry,
    )
    return patient


def register_described(uow: UnitOfWork, version: Version) -> None:
    """Register the patient whom a report describes, if nobody has the number.

    Whatever becomes of the report: a movement that was cancelled before it came is of somebody, too.
    """
    movement = version.movement
    if movement is None or movement.patient is None or movement.kind is SourceKind.CHANGE_MRN:
        return
    number, authority = movement.patient_mrn, movement.mrn_authority
    if number is None or lookups.patient_id(uow, number, authority) is not None:
        return
    precision = movement.precision or uow.entry.precision
    entry = replace(uow.entry, occurred_at=moment_of(uow, version), precision=precision)
    with uow.use_entry(entry), suppress(InvalidInput):
        patient_named(uow, movement)


def details_subject(uow: UnitOfWork, system: str, source_id: str, movement: SourceMovement) -> str:
    """Return the name under which all details of a number are held. Raises InvalidInput."""
    mrn, details = movement.patient_mrn, movement.patient
    if mrn is None or details is None:
        raise InvalidInput("patient_mrn", "say whose details they are, and which")
    if details.birth_date is not None and details.birth_date > today(uow):
        raise InvalidInput("birth_date", "it lies in the future")
    authority = movement.mrn_authority or uow.rules.mrn_authority
    in_clear = f"details of {code(authority)} {code(mrn)}"
    told_of = uow.owner(unique_keys.source(system, source_id))
    if told_of is not None and told_of == SourceVisit.id_for(system, in_clear):
        return in_clear  # told before, by an older program
    return f"details of {hidden(uow.record, unique_keys.mrn(authority, mrn))}"


def hold_details(
    uow: UnitOfWork, visit: SourceVisit, system: str, source_visit: str, version: Version
) -> None:
    """Hold what a source says of a person, detail by detail, by the source's clock.

    A detail that it told later, or that any source told later, stays; so does what staff corrected,
    until a source says something else than it said before. Nobody of that number: a registration.
    """
    assert version.movement is not None
    patient = patient_named(uow, version.movement)
    lookups.check_kept(uow, patient.id, "patient_mrn")
    visit.about = patient.about
    before = visit.details
    visit.report(system, source_visit, version, uow.entry)
    visit.settle(None, (), (), (), uow.entry)
    current_details = patient.details[0][1]
    news = {
        name: value
        for name, (clock, value) in visit.details.items()
        if (name not in before or before[name][1] != value)
        and patient.told_at.get(name, clock[0]) <= clock[0]
        and getattr(current_details, name) != value
    }
    if news:
        unknown = tuple(d for d in PatientDetail if news.get(d.value.lower(), d) is None)
        values: dict[str, Any] = {name: value for name, value in news.items() if value}
        patient.correct_details(None, uow.entry, **values, unknown=unknown or None)


def link_records(uow: UnitOfWork, movement: SourceMovement) -> UUID:
    """Merge the person of the former number into that of the other. Returns the merge, if any.

    Of two who are one already, the record. Raises NotFound, MergeImpossible.
    """
    return _merge(uow, _former_patient(uow, movement), patient_named(uow, movement))


def change_number(uow: UnitOfWork, movement: SourceMovement) -> UUID:
    """Give the record of the former number the other one; two records are merged.

    Where the record has the new number already, the former one names it, too. Returns what was
    changed: the record, or the merge. Raises NotFound, MergeImpossible.
    """
    former_authority, former = _former_number(uow, movement)
    authority, number = movement.mrn_authority or uow.rules.mrn_authority, movement.patient_mrn
    if number is None:
        raise InvalidInput("patient_mrn", "name the number that holds now")
    is_former_known = lookups.patient_id(uow, former, former_authority) is not None
    if lookups.patient_id(uow, number, authority) is None:
        record = _former_patient(uow, movement)
        _renumber(record, authority, number, uow.entry)
    elif is_former_known:
        return _merge(uow, _former_patient(uow, movement), patient_named(uow, movement))
    else:
        record = lookups.patient(uow, number, authority)
        current_authority, current_number = record.mrn_authority, record.mrn
        _renumber(record, former_authority, former, uow.entry)
        _renumber(record, current_authority, current_number, uow.entry)
    return record.id


def expect_admission(
    uow: UnitOfWork, visit: UUID, source_id: str, movement: SourceMovement
) -> UUID:
    """Plan the admission of a visit, of a patient or of a name. Returns the expected arrival."""
    details, ward, about = movement.patient, movement.ward, None
    if movement.patient_mrn:
        patient = patient_named(uow, movement)
        died_at = persons.died_at(uow, patient.id)
        if died_at is not None and is_later(uow.entry.occurred_at, died_at):
            raise PatientDied(died_at)
        about = patient.about
    is_known_ward = ward and uow.record.first_owner(*unique_keys.rooms_of(ward)) is not None
    arrival = uow.new(ExpectedArrival, f"arrival of {visit} {source_id}")
    expectation = Expectation(
        expected_at=movement.expected_at or movement.occurred_at,
        ward=lookups.ward_name(uow, ward) if ward and is_known_ward else None,
        family_name=details.family_name if details and about is None else None,
        given_name=details.given_name if details and about is None else None,
        birth_date=details.birth_date if details and about is None else None,
        sex=details.sex if details else None,
        specialty=movement.specialty,
        note=None if is_known_ward else ward,
    )
    arrival.plan(about, expectation, uow.entry)
    return arrival.id


def convert_expected(uow: UnitOfWork, arrivals: Iterable[UUID], stay: Stay) -> None:
    """Note that a stay was admitted as expected, where its person was and it still is."""
    for arrival in uow.load(ExpectedArrival, *arrivals):
        is_open = arrival.cancelled_at is None and not arrival.never_was
        if not is_open or stay.id in arrival.by_stays or stay.patient is None:
            continue
        records = {record.id for record in persons.records(uow, stay.patient)}
        if arrival.patient is None or arrival.patient in records:
            convert(uow, arrival.id, stay)


def undo(uow: UnitOfWork, visit: SourceVisit, applied: Applied, others: dict[str, Applied]) -> None:
    """Take back a plan, a merge or another number; what the staff has taken back stays as it is.

    The number that never was the record's names it no more; one that it had before the change stays.
    What was told by another id, too, holds by that. ``others``: what else of the visit is applied,
    by id; put right where it is linked anew.

    Raises AlreadyExists while somebody else has the number that the record had before.
    """
    version, id = applied.version, applied.movement
    if version.kind is SourceKind.EXPECT:
        arrival = uow.one(ExpectedArrival, id, "source_id")
        if not arrival.never_was:
            arrival.cancel(CancellationReason.ENTERED_IN_ERROR, uow.entry)
    if version.kind not in OF_RECORDS:
        return
    linked_record = next(iter(uow.load(Patient, *uow.streams_of(id))), None)
    record = linked_record or uow.one(Patient, id, "source_id")
    if linked_record is not None and record.merge != id:
        return
    reports = _reports_of_person(uow, visit, record, others)
    if linked_record is None and version.kind is SourceKind.CHANGE_MRN:
        _undo_number(uow, record, version, (application.version for _, application in reports))
    for other, before, now in _link_anew(uow, record, applied, reports):
        if other is visit:
            others[now.version.source_id] = now
        else:
            applications = tuple(now if a == before else a for a in other.applied)
            other.settle(other.stay, applications, other.pending, other.waits_for, uow.entry)


def _reports_of_person(
    uow: UnitOfWork, visit: SourceVisit, record: Patient, others: Mapping[str, Applied]
) -> list[tuple[SourceVisit, Applied]]:
    """Return the applied reports of a person's records; ``others``: those of the visit."""
    ids = [r.id for r in persons.records(uow, record.id)]
    visits = uow.load(SourceVisit, *uow.record.streams_of_patients(ids))
    reports = [(other, a) for other in visits if other.id != visit.id for a in other.applied]
    reports += [(visit, application) for application in others.values()]
    reports = [(other, a) for other, a in reports if a.version.kind in OF_RECORDS]
    return sorted(reports, key=lambda report: (report[0].turn(report[1].version), report[0].id))


def _undo_number(
    uow: UnitOfWork, record: Patient, version: Version, others: Iterable[Version]
) -> None:
    """Give a record the number back that it had before. Raises AlreadyExists."""
    assert version.movement is not None
    had_before = {unique_keys.mrn(*number) for number in record.former_numbers}
    current = unique_keys.mrn(record.mrn_authority, record.mrn)
    numbers_beside = {_key_told(uow, other) for other in others}
    if current == _key_told(uow, version) and current not in had_before | numbers_beside:
        authority, number = _former_number(uow, version.movement)
        if lookups.owner(uow, "mrn", authority, number) not in (None, record.id):
            raise AlreadyExists(Thing.PATIENT_WITH_MRN, number, "former_mrn")
        record.correct_details(
            None, uow.entry, mrn=number, mrn_authority=authority, keeps_number=False
        )


def _link_anew(
    uow: UnitOfWork,
    record: Patient,
    applied: Applied,
    reports: Sequence[tuple[SourceVisit, Applied]],
) -> Iterator[tuple[SourceVisit, Applied, Applied]]:
    """Link the records of a person by what is told still, since one report is undone.

    A link of two other records than its report names was made while those were one with them: it is
    made anew, and whatever else was one already. Links by hand stay, and what the staff took back is
    linked no more. Yields what is applied otherwise: as it was, and as it is now.
    """
    records = persons.records(uow, record.id)
    ids = {r.id for r in records}
    links = {r.merge: r for r in records if r.merge}
    rest = []
    for visit, application in reports:
        numbers = numbers_of(uow, application.version.movement)
        named_records = {lookups.patient_id(uow, number, of) for of, number in numbers}
        link = links.get(application.movement)
        is_linked_so = link is not None and named_records == {link.id, link.merged_into}
        if named_records <= ids and not is_linked_so and (link or application.movement in ids):
            rest.append((visit, application))
    for merge in {
        applied.movement,
        *(application.movement for _, application in rest),
    } & links.keys():
        unmerge_record(uow, links[merge], merge)
    for visit, application in rest:
        is_merge = application.version.kind is SourceKind.MERGE
        with suppress(NotFound, MergeImpossible):
            movement = application.version.movement
            assert movement is not None
            fact = (link_records if is_merge else change_number)(uow, movement)
            if fact != application.movement:
                yield visit, application, replace(application, movement=fact)


def _key_told(uow: UnitOfWork, version: Version) -> unique_keys.Unique | None:
    """Return the number that a report of another number says holds now."""
    movement = version.movement
    if movement is None or movement.patient_mrn is None or version.kind is SourceKind.MERGE:
        return None
    return unique_keys.mrn(movement.mrn_authority or uow.rules.mrn_authority, movement.patient_mrn)


def _merge(uow: UnitOfWork, former: Patient, into: Patient) -> UUID:
    record, person = persons.records(uow, former.id)[0], persons.records(uow, into.id)[0]
    if record.id == person.id:
        return former.id
    merge_records(uow, record, person)
    assert record.merge is not None
    return record.merge


def _former_number(uow: UnitOfWork, movement: SourceMovement) -> tuple[str, str]:
    if movement.former_mrn is None:
        raise InvalidInput("former_mrn", "name the number that held before")
    return movement.former_mrn_authority or uow.rules.mrn_authority, movement.former_mrn


def _former_patient(uow: UnitOfWork, movement: SourceMovement) -> Patient:
    authority, number = _former_number(uow, movement)
    return lookups.patient(uow, number, authority, field="former_mrn")


def _renumber(record: Patient, authority: str, number: str, entry: Envelope) -> None:
    record.correct_details(None, entry, mrn=number, mrn_authority=authority)
