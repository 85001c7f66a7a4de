"""Lookups of a command: what its input names by id, MRN, staff number, room number or bed.

Each refuses what does not exist with NotFound, and what is out of the login's scope with NotAllowed;
what is named beside that which the command is about, with NotFound in both cases.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from application import bed_claims
from application.authorization import scope
from application.command import Rules
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.bed_ref import BedRef
from domain.expected_arrival import ExpectedArrival
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription.aggregate import Prescription
from domain.prescription.drug_chart import DrugChart
from domain.refusals import InvalidInput, MovementNotFound, NotFound
from domain.room.aggregate import Room
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.facts import Place
from domain.things import Thing
from domain.time import TICK, is_later


def stay(uow: UnitOfWork, id: UUID, field: str = "stay_id") -> Stay:
    """Return a stay to act on."""
    aggregate = uow.one(Stay, id, field)
    scope.check_stay(uow, aggregate)
    check_kept(uow, aggregate.patient, field)
    return aggregate


def check_kept(uow: UnitOfWork, patient: UUID | None, field: str) -> None:
    """Refuse to tell anything of a person who was erased. Raises InvalidInput."""
    if patient is not None and uow.one(Patient, patient, field).is_erased:
        raise InvalidInput(field, "the person was erased: nothing is recorded of them any more")


def stays_with_movement(uow: UnitOfWork, movement: UUID, field: str = "movement_id") -> list[Stay]:
    """Return the stays that have a movement or visit: two for a swap. Raises MovementNotFound."""
    streams = uow.streams_of(movement)
    stays_ever_with_it = [s for s in uow.load(Stay, *streams) if s.exists]
    stays = [s for s in stays_ever_with_it if s.history.fact(movement)]
    if not stays:
        is_open = all(scope.is_open(uow, stay) for stay in stays_ever_with_it)
        is_cancelled = bool(stays_ever_with_it) and is_open
        kind = Thing.VISIT if field == "visit_id" else Thing.MOVEMENT
        raise MovementNotFound(kind, movement, field, cancelled=is_cancelled)
    for candidate in stays:
        scope.check_stay(uow, candidate)
        check_kept(uow, candidate.patient, field)
    return stays


def mother(uow: UnitOfWork, id: UUID) -> UUID:
    """Return the id of the stay whose bed a child is to share. Raises NotFound, if it is closed too.

    Who sees a child that has shared her bed may name her, wherever she is now.
    """
    stay = uow.one(Stay, id, "shares_bed_of")
    if not scope.is_open(uow, stay):
        children = uow.load(Stay, *{claim.stay for claim in bed_claims.sharers(uow, id)})
        if not any(scope.is_open(uow, child) for child in children):
            raise NotFound(Thing.STAY, str(id), "shares_bed_of")
    return id


def stay_with_consult(uow: UnitOfWork, consult: UUID) -> Stay:
    """Return the stay in which a consult was asked for. Raises MovementNotFound."""
    stays = [s for s in uow.load(Stay, *uow.record.streams_of_consult(consult)) if s.exists]
    if not stays:
        raise MovementNotFound(Thing.CONSULT, consult, "consult_id")
    scope.check_stay(uow, stays[0])
    check_kept(uow, stays[0].patient, "consult_id")
    return stays[0]


def check_consult_of(uow: UnitOfWork, stay: Stay, consult: UUID) -> None:
    """Refuse a consult that was never asked for in a stay. Raises MovementNotFound."""
    if stay.id not in uow.record.streams_of_consult(consult):
        raise MovementNotFound(Thing.CONSULT_OF_STAY, consult, "consult_id")


def patient(
    uow: UnitOfWork,
    mrn: str,
    authority: str | None = None,
    *,
    in_scope: bool = True,
    field: str = "patient_mrn",
) -> Patient:
    """Return the patient of an MRN; ``authority`` is the hospital's own by default.

    A former number still names who had it, as long as nobody else has it, or had it too.
    """
    id = patient_id(uow, mrn, authority)
    if id is None:
        raise NotFound(Thing.PATIENT_WITH_MRN, mrn, field)
    aggregate = uow.one(Patient, id, field)
    if in_scope:
        scope.check_patient(uow, aggregate)
    return aggregate


def person_of_reason(uow: UnitOfWork, mrn: str | None, authority: str | None) -> UUID | None:
    """Return the person whom a reason is about, if one is named. Raises NotFound, NotAllowed."""
    return None if mrn is None else patient(uow, mrn, authority, field="about_patient_mrn").id


def patient_id(uow: UnitOfWork, mrn: str, authority: str | None = None) -> UUID | None:
    """Return the id of the patient of an MRN, if there is one."""
    parts = (authority or uow.rules.mrn_authority, mrn)
    id = owner(uow, "mrn", *parts)
    if id is not None:
        return id
    kind = unique_keys.former_mrn(*parts)
    if kind not in uow.former_owners:
        uow.former_owners[kind] = uow.record.owners([kind])
    return uow.former_owners[kind][0] if len(uow.former_owners[kind]) == 1 else None


def patient_of(uow: UnitOfWork, stay: Stay) -> Patient:
    """Return the patient of a stay."""
    assert stay.patient is not None
    return uow.one(Patient, stay.patient, "stay_id")


def prescription(uow: UnitOfWork, id: UUID) -> Prescription:
    """Return a prescription to act on."""
    aggregate = uow.one(Prescription, id, "prescription_id")
    scope.check_prescription(uow, aggregate)
    check_kept(uow, aggregate.patient, "prescription_id")
    return aggregate


def prescription_of_dose(uow: UnitOfWork, administration: UUID) -> Prescription:
    """Return the prescription of a dose. Raises MovementNotFound."""
    prescriptions = uow.load(Prescription, *uow.streams_of(administration))
    if not prescriptions or not prescriptions[0].exists:
        raise MovementNotFound(Thing.DOSE, administration, "administration_id")
    holders = (p for p in prescriptions if p.exists and p.course.dose(administration))
    prescription = next(holders, prescriptions[0])  # one that was moved was in several
    scope.check_prescription(uow, prescription)
    check_kept(uow, prescription.patient, "administration_id")
    return prescription


def prescription_with_change(uow: UnitOfWork, change: UUID) -> Prescription | None:
    """Return the prescription that has a change, a hold, a resumption or an end; None: no change."""
    prescriptions = uow.load(Prescription, *uow.record.streams_of_change(change))
    for prescription in prescriptions:
        scope.check_prescription(uow, prescription)
        check_kept(uow, prescription.patient, "change_id")
    holders = (p for p in prescriptions if p.course.step(change) and not p.course.cancelled)
    return next(holders, next(iter(prescriptions), None))  # one that was moved was in several


def stay_of(uow: UnitOfWork, prescription: Prescription, field: str) -> Stay:
    """Return the stay of a prescription."""
    assert prescription.stay is not None
    return uow.one(Stay, prescription.stay, field)


def prescriptions_of(uow: UnitOfWork, stay: Stay) -> list[Prescription]:
    """Return the prescriptions of a stay."""
    (chart,) = uow.load(DrugChart, DrugChart.id_for(stay.id))
    return uow.load(Prescription, *chart.prescriptions)


def bed_requests_of(uow: UnitOfWork, stay: Stay) -> list[ExpectedArrival]:
    """Return the requests of a bed for the patient of a stay, as held true now."""
    assert stay.patient is not None
    arrivals = uow.load(ExpectedArrival, *uow.record.arrivals_of(stay.patient))
    return [a for a in arrivals if a.stay == stay.id and not a.never_was]


def practitioner(
    uow: UnitOfWork, staff_number: str, field: str, at: datetime | None = None
) -> UUID:
    """Return the id of the practitioner with a staff number, now or when the fact was (``at``)."""
    id = owner(uow, "staff-number", staff_number)
    moment = at or _moment_of_fact(uow)
    if id is None and is_later(uow.now, moment):
        ids = uow.record.owners_beginning(*unique_keys.STAFF_NUMBERS)
        doctors = uow.load(Practitioner, *ids)
        period = (moment, moment + TICK)
        id = next((d.id for d in doctors if d.has_number(staff_number, *period)), None)
    if id is None:
        raise NotFound(Thing.STAFF_NUMBER, staff_number, field)
    return id


def practitioner_if_named(
    uow: UnitOfWork, staff_number: str | None, field: str, at: datetime | None = None
) -> UUID | None:
    """Return the id of the practitioner with a staff number; None if none is named."""
    return practitioner(uow, staff_number, field, at) if staff_number else None


def room(uow: UnitOfWork, ward: str, number: str) -> Room:
    """Return a room to act on."""
    scope.check_ward(uow, ward)
    return _room(uow, ward, number, uow.now)


def rooms_of(uow: UnitOfWork, ward: str) -> list[Room]:
    """Return the rooms of a ward to act on, in order. Raises NotFound if there is no such ward."""
    scope.check_ward(uow, ward)
    ids = uow.record.owners_beginning(*unique_keys.rooms_of(ward))
    rooms = uow.load(Room, *ids)
    if not rooms:
        raise NotFound(Thing.WARD, ward, "ward")
    return rooms


def bed(uow: UnitOfWork, ward: str, number: str, code: str, at: datetime | None = None) -> BedRef:
    """Return a bed of any ward: a patient may be sent out of the login's wards.

    The room is the one of that name at the moment of the fact (``at``), else the one that has it now.
    """
    aggregate = _room(uow, ward, number, at or _moment_of_fact(uow))
    return BedRef(aggregate.id, aggregate.code_of(code))


def _moment_of_fact(uow: UnitOfWork) -> datetime:
    """Return the moment of the command's fact: the corrected one, if it corrects one."""
    return uow.times.corrected_at or uow.entry.occurred_at


def place(
    uow: UnitOfWork,
    ward: str | None,
    room: str | None,
    bed_code: str | None,
    shares_bed_of: UUID | None,
    without_bed: str | None,
    at: datetime | None = None,
) -> Place | None:
    """Return the place that an input names; None if it names none. Raises InvalidInput.

    ``at``: the moment of the fact; that of the command by default.
    """
    if ward is None and room is None and bed_code is None:
        if shares_bed_of is not None:
            raise InvalidInput("shares_bed_of", "name the bed that is shared: ward, room and bed")
        return Place(without_bed=without_bed) if without_bed else None
    if without_bed is not None:
        raise InvalidInput("without_bed", "name a bed or a place without one, not both")
    if ward is None or room is None or bed_code is None:
        raise InvalidInput("bed", "a bed is named by ward, room and bed")
    return Place(
        bed(uow, ward, room, bed_code, at),
        None if shares_bed_of is None else mother(uow, shares_bed_of),
    )


def _room(uow: UnitOfWork, ward: str, number: str, moment: datetime) -> Room:
    """Return the room of a name at a moment, else the one that has it now. Raises NotFound."""
    id = owner(uow, "room", ward, number)
    room = None if id is None else uow.one(Room, id, "room")
    if is_later(uow.now, moment) and not (room and room.is_named(ward, number, moment)):
        rooms = uow.load(Room, *uow.record.owners_beginning(*unique_keys.ROOMS))
        room = next((other for other in rooms if other.is_named(ward, number, moment)), room)
    if room is None:
        raise NotFound(Thing.ROOM, f"{ward}/{number}", "room")
    return room


def ward_name(uow: UnitOfWork, text: str) -> str:
    """Return a ward's name as its rooms have it; as typed if it has none yet."""
    id = uow.record.first_owner(*unique_keys.rooms_of(text))
    return text if id is None else uow.one(Room, id, "ward").ward


def owner(uow: UnitOfWork, kind: str, *parts: str) -> UUID | None:
    """Return the owner of a key of `unique_keys.KEYS`, in whatever spelling it is typed."""
    as_stored = uow.owner(unique_keys.as_stored(kind, *parts))
    return as_stored or uow.owner(unique_keys.KEYS[kind](*parts))


STAFF = ("practitioner", "attending", "prescriber", "ordered_by", "requested_by", "staff_number")
"""The parameters of commands that name somebody by staff number."""


def unique_keys_in(content: Mapping[str, Any], rules: Rules) -> list[unique_keys.Unique]:
    """Return the unique keys that these lookups will ask for, to be read in one round trip.

    ``content`` is a command's input by parameter, with the movement that another system reports. A key
    that is not foreseen costs one more query.
    """
    content = {**content, **_named_in(content.get("movement"))}
    keys: list[tuple[str, ...]] = [
        ("staff-number", content[name]) for name in STAFF if content.get(name)
    ]
    if mrn := content.get("patient_mrn") or content.get("mrn"):
        keys.append(("mrn", content.get("mrn_authority") or rules.mrn_authority, mrn))
    if content.get("ward") and content.get("room"):
        keys.append(("room", content["ward"], content["room"]))
    names = [
        key
        for kind, *parts in keys
        for key in (unique_keys.as_stored(kind, *parts), unique_keys.KEYS[kind](*parts))
    ]
    if content.get("system") and content.get("source_id"):
        names.append(unique_keys.source(content["system"], content["source_id"]))
    return names


def streams_in(content: Mapping[str, Any]) -> list[UUID]:
    """Return the streams that a command's input names by ids, and by the visit of another system."""
    ids = [value for value in content.values() if isinstance(value, UUID)]
    if content.get("system") and content.get("source_visit"):
        ids.append(SourceVisit.id_for(content["system"], content["source_visit"]))
    return ids


def _named_in(movement: object) -> dict[str, Any]:
    """Return the names in a reported movement, by the parameters of other commands."""
    names = ("patient_mrn", "mrn_authority", "ward", "room", "attending")
    return {name: getattr(movement, name, None) for name in names} if movement else {}
