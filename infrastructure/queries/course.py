"""Course of a stay, or of all stays of a person, as one document: the queries of its content."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stay.facts import OVER, Status
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.course_parts import (
    Administration,
    Allergy,
    Consult,
    Course,
    Entry,
    Imprint,
    Login,
    Medication,
    Place,
    Prescription,
    Record,
    RoomName,
    Staff,
    Stay,
    Substance,
    Visit,
)
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.allergies import AllergyView, allergies_of_persons
from infrastructure.read_models.consults import ConsultView, consults_of
from infrastructure.read_models.patients import (
    PatientView,
    deaths_of_persons,
    patients_by_id,
    records_of,
)
from infrastructure.read_models.practitioners import PractitionerView, practitioners_by_id
from infrastructure.read_models.prescriptions import (
    DoseView,
    PrescriptionView,
    doses_of,
    prescriptions_of,
)
from infrastructure.read_models.rooms import RoomView, rooms_by_id
from infrastructure.read_models.stays import (
    StayPeriodView,
    StayView,
    stay_periods,
    stays_by_id,
    stays_of_persons,
)
from infrastructure.read_models.timeline.queries import EntryView, Reading, place, timeline_page
from infrastructure.read_models.visits import VisitView, visits_of

PAGE = 1_000
"""Timeline entries that are read at once."""


async def course_of_stay(
    connection: AsyncConnection, stay: UUID, at: AsOf, imprint: Imprint
) -> Course | None:
    """Return the course of a stay; None if the viewer sees none at that moment."""
    view = (await stays_by_id(connection, [stay], at)).get(stay)
    if view is None:
        return None
    records = await records_of(connection, view.patient, at)
    entries = await _timeline(connection, at, stay=stay)
    return await _course(connection, at, imprint, records, [view], entries)


async def course_of_person(
    connection: AsyncConnection, patient: UUID, at: AsOf, imprint: Imprint
) -> Course:
    """Return the course of all stays of the person of a record."""
    records = await records_of(connection, patient, at)
    stays = (await stays_of_persons(connection, [patient], at)).get(patient, [])
    entries = await _timeline(connection, at, patients=records)
    return await _course(connection, at, imprint, records, stays, entries)


async def _timeline(connection: AsyncConnection, at: AsOf, **of: Any) -> list[EntryView]:
    entries: list[EntryView] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = await timeline_page(connection, at, PAGE, after, **of)
        entries += page
        if len(page) < PAGE:
            return entries
        after = place(page[-1], Reading.ALL)


async def _course(
    connection: AsyncConnection,
    at: AsOf,
    imprint: Imprint,
    records: Sequence[UUID],
    stays: Sequence[StayView],
    entries: Sequence[EntryView],
) -> Course:
    ids = [stay.stay for stay in stays]
    periods = {id: await stay_periods(connection, id, at) for id in ids}
    prescriptions = await prescriptions_of(connection, ids, at)
    drugs = [p.prescription for of_stay in prescriptions.values() for p in of_stay]
    doses = await doses_of(connection, drugs, at)
    visits, consults = await visits_of(connection, ids, at), await consults_of(connection, ids, at)
    rooms = await rooms_by_id(
        connection, list({p.stay.room for of in periods.values() for p in of if p.stay.room}), at
    )
    staff_ids = {stay.attending for stay in stays}
    staff_ids |= {p.prescriber for of_stay in prescriptions.values() for p in of_stay}
    staff_ids |= {v.practitioner for of_stay in visits.values() for v in of_stay}
    staff_ids |= {
        id for of_stay in consults.values() for c in of_stay for id in (c.asked, c.requested_by)
    }
    views = await practitioners_by_id(connection, [id for id in staff_ids if id], at)
    staff = {id: _staff(view) for id, view in views.items()}
    allergies = await allergies_of_persons(connection, [records[0]], at)
    people = await patients_by_id(connection, records, at)
    deaths = await deaths_of_persons(connection, [records[0]], at)
    patient_records = [
        _record(people[id], deaths.get(records[0])) for id in records if id in people
    ]
    is_named = bool(patient_records) and patient_records[0].id == records[0]
    sentences = await summaries(connection, entries, at, ZoneInfo(imprint.time_zone))
    return Course(
        imprint=imprint,
        patient=patient_records[0] if is_named else None,
        other_records=patient_records[1:] if is_named else patient_records,
        allergies=[_allergy(view) for view in allergies.get(records[0], ())],
        stays=[
            Stay(
                id=stay.stay,
                patient_id=stay.patient,
                status=stay.status,
                admission_type=periods[stay.stay][0].stay.admission_type,
                admitted_at=stay.admitted_at,
                discharged_at=stay.discharged_at,
                specialty=stay.specialty,
                attending=_staff_member(staff, stay.attending),
                expected_discharge=stay.expected_discharge,
                disposition=stay.disposition,
                destination=stay.destination,
                places=_places(periods[stay.stay], at, rooms),
                prescriptions=[
                    _prescription(p, staff, doses.get(p.prescription, ()))
                    for p in prescriptions.get(stay.stay, ())
                ],
                visits=[_visit(v, staff) for v in visits.get(stay.stay, ())],
                consults=[_consult(c, staff) for c in consults.get(stay.stay, ())],
            )
            for stay in stays
        ],
        timeline=[_entry(entry, sentences[entry.entry]) for entry in entries],
    )


def _places(
    periods: Iterable[StayPeriodView], at: AsOf, rooms: Mapping[UUID, RoomView]
) -> list[Place]:
    """Return the places up to the moment, which cuts the last one."""
    places: list[Place] = []
    for period in periods:
        stay = period.stay
        if period.since > at.as_of or Status(stay.status) in OVER:
            continue
        room = rooms.get(stay.room) if stay.room else None
        goes_on = period.until is None or period.until > at.as_of
        current_place = Place(
            since=period.since,
            until=None if goes_on else period.until,
            on_leave=stay.status == Status.ON_LEAVE.value,
            room=RoomName(room.ward, room.number) if room else None,
            bed=stay.bed,
            without_bed=stay.without_bed,
            shared=stay.shares_bed_of is not None,
            kept=stay.bed_kept,
        )
        is_same = bool(places) and _place_key(places[-1]) == _place_key(current_place)
        if is_same and places[-1].until == current_place.since:
            current_place = Place(places[-1].since, current_place.until, *_place_key(current_place))
            places.pop()
        places.append(current_place)
    return places


def _place_key(
    place: Place,
) -> tuple[bool, RoomName | None, str | None, str | None, bool, bool]:
    return (
        place.on_leave,
        place.room,
        place.bed,
        place.without_bed,
        place.shared,
        place.kept,
    )


def _staff(view: PractitionerView) -> Staff:
    return Staff(view.staff_number, view.family_name, view.given_name)


def _staff_member(staff: Mapping[UUID, Staff], id: UUID | None) -> Staff | None:
    return staff.get(id) if id else None


def _record(view: PatientView, died_at: datetime | None) -> Record:
    return Record(
        id=view.patient,
        mrn=view.mrn,
        mrn_authority=view.mrn_authority,
        family_name=view.family_name,
        given_name=view.given_name,
        birth_date=view.birth_date,
        sex=view.sex,
        died_at=died_at,
    )


def _prescription(
    view: PrescriptionView, staff: Mapping[UUID, Staff], doses: Iterable[DoseView]
) -> Prescription:
    return Prescription(
        id=view.prescription,
        status=view.status,
        medication=Medication(view.medication, view.medication_code, view.medication_system),
        dose=view.dose,
        route=view.route,
        frequency=view.frequency,
        schedule=view.schedule,
        written_at=view.written_at,
        start=view.start,
        stop=view.stop,
        prescriber=_staff_member(staff, view.prescriber),
        without_prescription=view.basis,
        administrations=[
            Administration(
                id=dose.administration,
                occurred_at=dose.since,
                given=dose.given,
                dose_given=dose.dose_given,
                reason_not_given=dose.reason_not_given,
                outside_prescription=dose.outside_prescription,
                performed_by=dose.performed_by,
                infusion=dose.infusion,
                ended_at=dose.ended_at,
            )
            for dose in doses
        ],
    )


def _allergy(view: AllergyView) -> Allergy:
    return Allergy(
        id=view.allergy,
        substance=Substance(view.substance, view.code, view.system),
        kind=view.kind,
        severity=view.severity,
        reaction=view.reaction,
        verification=view.verification,
        since=view.since,
    )


def _visit(view: VisitView, staff: Mapping[UUID, Staff]) -> Visit:
    practitioner = _staff_member(staff, view.practitioner)
    return Visit(view.visit, view.since, view.kind, practitioner, view.note, view.consult)


def _consult(view: ConsultView, staff: Mapping[UUID, Staff]) -> Consult:
    return Consult(
        id=view.consult,
        status=view.status,
        requested_at=view.since,
        specialty=view.specialty,
        practitioner=_staff_member(staff, view.asked),
        requested_by=_staff_member(staff, view.requested_by),
        question=view.question,
        withdrawn_at=view.withdrawn_at if view.status == "WITHDRAWN" else None,
        visit_id=view.visit,
    )


def _entry(view: EntryView, summary: str) -> Entry:
    return Entry(
        id=view.entry,
        stay_id=view.stay,
        kind=view.kind,
        status=view.status,
        occurred_at=view.occurred_at,
        occurred_at_precision=view.precision,
        recorded_at=view.recorded_at,
        late=view.late,
        summary=summary,
        performed_by=view.performed_by,
        recorded_by=Login.of(view.recorded_by),
        reason=view.reason,
        corrects=view.corrects,
        corrected_by=view.corrected_by,
        cancels=view.cancels,
        cancelled_by=view.cancelled_by,
    )
