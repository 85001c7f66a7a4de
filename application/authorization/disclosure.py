"""Disclosure by refusals: facts, ids and texts only as the caller's role and wards may see them."""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any
from uuid import UUID

from application.authorization.role import Role
from application.authorization.roles import may, permission_for
from application.authorization.scope import hidden_labels, is_of_wards, is_open
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import AllergyKnown, WarningsUnconfirmed
from domain.envelope import About
from domain.erasure import ErasureImpossible
from domain.fact_ref import FactRef
from domain.patient import Patient
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    ContradictsLaterFacts,
    MergeImpossible,
    MovementNotFound,
    NotAllowed,
    NotFound,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    Refusal,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
)
from domain.room.aggregate import BedState, Room
from domain.stay.aggregate import Stay
from domain.things import Thing, other_kind

TELLING = (
    BedOccupied,
    ContradictsLaterFacts,
    ErasureImpossible,
    MergeImpossible,
    NotAllowed,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    WarningsUnconfirmed,
)
"""The refusals that tell something of a patient, or that keep somebody from one."""

UNSEEN = "that you may not see"
"""Text in place of an id."""

CLOSED_STAY = (
    "The patient is in the hospital at that time, with a stay that is closed to you;"
    " `break_glass` opens a patient's data, with a reason"
)
CLOSED_CAUSE = (
    "What stands against this is closed to you; `break_glass` opens a patient's data, with a reason"
)

CLINICAL_CAUSE = "Clinical facts stand against this, which your role may not see"


def redact_refusal(refusal: Refusal, uow: UnitOfWork, content: Mapping[str, Any]) -> Refusal:
    """Return a refusal without what the caller may not see, with the patients of whom it tells.

    ``content`` is the input of the command: its ids are told by the caller.
    """
    redacted_refusal = _redact(refusal, uow)
    closed_ids = _closed_ids(redacted_refusal, uow, content)
    if closed_ids:
        redacted_refusal = _without(redacted_refusal, closed_ids)
    redacted_refusal.patients = _patients(redacted_refusal, uow)
    redacted_refusal.rewrite(uow.calendar.days.with_local_times)
    if isinstance(redacted_refusal, NotFound | MovementNotFound):
        hint = _other_kind(redacted_refusal, uow)
        redacted_refusal.rewrite(lambda text: f"{text} {hint}".rstrip())
    if isinstance(redacted_refusal, BedNotOpen):
        redacted_refusal.reason = uow.calendar.days.with_local_times(redacted_refusal.reason)
    return redacted_refusal


OF_NOBODY = (Thing.PRACTITIONER.topic, Thing.ROOM.topic)
"""The things that every login may see: a visitor who is expected may have a name alone."""


def _other_kind(refusal: NotFound | MovementNotFound, uow: UnitOfWork) -> str:
    """Return a sentence that says of what else an unknown id is, if the caller may see that."""
    histories = uow.record.streams(dict.fromkeys(_ids(vars(refusal)), 0))
    for first, *_ in histories.values():
        kind, about = first.TOPIC.partition(".")[0], first.entry.about
        if kind == refusal.thing.topic or not _may(uow, permission_for(kind)):
            continue
        if _is_open(uow.dry_run(), about) if about else kind in OF_NOBODY:
            return other_kind(kind)
    return ""


def _without(refusal: Refusal, closed_ids: frozenset[UUID]) -> Refusal:
    """Return a refusal that tells none of some ids, of a class that its command may raise."""
    match refusal:
        case BedOccupied():
            return BedNotOpen(refusal.bed, "it is taken", BedState.OCCUPIED)
        case PatientAlreadyAdmitted():
            return NotAllowed(CLOSED_STAY)
        case ContradictsLaterFacts():
            return _with_facts(refusal, lambda fact: _subject(fact) not in closed_ids)
        case SharersUnplaced():
            stays = tuple(stay for stay in refusal.stays if stay not in closed_ids)
            return SharersUnplaced(stays, untold=True)
    for name, value in vars(refusal).items():
        if isinstance(value, tuple):
            setattr(refusal, name, tuple(item for item in value if not _ids(item) & closed_ids))
    refusal.rewrite(lambda text: _ID.sub(lambda id: _id_text(id[0], closed_ids), text))
    return NotAllowed(CLOSED_CAUSE) if _ids(vars(refusal)) & closed_ids else refusal


def _id_text(id: str, closed_ids: frozenset[UUID]) -> str:
    return UNSEEN if UUID(id) in closed_ids else id


def _with_facts(
    refusal: ContradictsLaterFacts, is_told: Callable[[FactRef], bool]
) -> ContradictsLaterFacts:
    facts = tuple(filter(is_told, refusal.facts))
    return ContradictsLaterFacts(facts, untold=len(facts) < len(refusal.facts))


def _closed_ids(refusal: Refusal, uow: UnitOfWork, content: Mapping[str, Any]) -> frozenset[UUID]:
    """Return the ids that a refusal adds to those of the input and that are closed to the caller."""
    ids = _ids(_contents(refusal)) - _ids(content)
    sees_all = uow.wards is None and not hidden_labels(uow.entry.recorded_by.role)
    if sees_all or not ids:
        return frozenset()
    dry_run, abouts = uow.dry_run(), _abouts(uow, ids)  # as it is without the command
    dry_run.load(Stay, *{about.stay for of in abouts.values() for about in of if about.stay})
    is_open_to = cache(partial(_is_open, dry_run))
    return frozenset(id for id, of in abouts.items() if not all(map(is_open_to, of)))


def _contents(refusal: Refusal) -> object:
    """Return the data of a refusal; of a fact, the stay it belongs to stands for its id."""
    if isinstance(refusal, ContradictsLaterFacts):
        return [_subject(fact) for fact in refusal.facts]
    return vars(refusal)


def _subject(fact: FactRef) -> UUID:
    return fact.stay or fact.id


def _ids(value: object) -> set[UUID]:
    """Return the ids in a value of whatever shape, its texts too."""
    return {UUID(id) for id in _ID.findall(repr(value))}


_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _abouts(uow: UnitOfWork, ids: set[UUID]) -> dict[UUID, set[About]]:
    """Return the persons whom each id is about: that of a stream, or of a fact in some."""
    streams = {
        id: aggregate.about for id in ids if (aggregate := uow.loaded.get(id)) and aggregate.exists
    }
    streams |= _abouts_of_streams(uow, ids - streams.keys())
    facts = {id: uow.streams_of(id) for id in ids - streams.keys()}
    abouts_of_facts = _abouts_of_streams(uow, {id for of in facts.values() for id in of})
    of_ids = {id: [about] for id, about in streams.items()} | {
        id: [abouts_of_facts.get(stream) for stream in of] for id, of in facts.items()
    }
    return {id: {about for about in of if about} for id, of in of_ids.items()}


def _abouts_of_streams(uow: UnitOfWork, ids: set[UUID]) -> dict[UUID, About | None]:
    histories = uow.record.streams(dict.fromkeys(ids, 0)) if ids else {}
    return {id: events[0].entry.about for id, events in histories.items()}


def _is_open(uow: UnitOfWork, about: About) -> bool:
    """Tell whether a stay, or else a patient, is in the login's scope, or not recorded yet."""
    if about.stay is not None:
        subjects: list[Stay] | list[Patient] = uow.load(Stay, about.stay)
    else:
        subjects = uow.load(Patient, about.patient)
    return all(is_open(uow, subject) for subject in subjects if subject.exists)


def _patients(refusal: Refusal, uow: UnitOfWork) -> frozenset[UUID]:
    """Return the patients of the stays that a refusal names; else those whom the command is about."""
    if not isinstance(refusal, TELLING):
        return frozenset()
    stay_ids = {fact.stay for fact in getattr(refusal, "facts", ())} | {
        *getattr(refusal, "stays", ())
    }
    stay_ids |= {getattr(refusal, "stay", None), getattr(refusal, "by_stay", None)}
    patients = {stay.patient for stay in uow.load(Stay, *(stay_ids - {None})) if stay.exists}
    if not patients:
        aggregates = uow.loaded.values()
        patients = {a.id for a in aggregates if isinstance(a, Patient) and a.exists}
        patients |= {a.patient for a in aggregates if isinstance(a, Stay)}
    return frozenset(patient for patient in patients if patient is not None)


def _may(uow: UnitOfWork, permission: str) -> bool:
    role = uow.entry.recorded_by.role
    if permission == "data:clinical" and role == Role.ADMIN:
        return uow.rules.admins_see_clinical
    return may(role, permission)


def _redact(refusal: Refusal, uow: UnitOfWork) -> Refusal:
    role, sees_clinical = uow.entry.recorded_by.role, _may(uow, "data:clinical")
    match refusal:
        case ContradictsLaterFacts() if not sees_clinical:
            return _with_facts(refusal, lambda fact: not fact.is_clinical)
        case AllergyKnown() | WarningsUnconfirmed() if not sees_clinical:
            return NotAllowed(CLINICAL_CAUSE)
        case BedNotOpen(is_free_text=True):
            room = uow.loaded.get(refusal.bed.room)
            ward = room.ward if isinstance(room, Room) else None
            if not may(role, "data:closures") or not is_of_wards(uow.wards, ward):
                return BedNotOpen(refusal.bed, "it is closed", refusal.state)
    return refusal
