"""Movements of a stay as HL7 tells them, and what changed of them by a command."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from domain.stay.facts import (
    Admission,
    AdmissionType,
    AttendingChange,
    Discharge,
    Disposition,
    Fact,
    LeaveEnd,
    LeaveStart,
    Move,
    Place,
    Reversal,
    SpecialtyChange,
    State,
    TypeChange,
)
from domain.stay.history import History
from domain.time import Precision

CANCEL_OF = {
    "A01": "A11",
    "A02": "A12",
    "A03": "A13",
    "A21": "A52",
    "A22": "A53",
    "A54": "A55",
}
"""The trigger that cancels the latest movement of a trigger; any other is cancelled by Z99."""

CLASS_CHANGES = {"A06": "I", "A07": "O"}
"""The patient class (PV1-2) to which a change of type leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement under its trigger. None of what it does not say, so that it changes nothing of it."""

    id: UUID
    trigger: str
    at: datetime
    precision: Precision = Precision.MINUTE
    place: Place | None = None
    attending: UUID | None = None
    specialty: str | None = None
    admission_type: AdmissionType | None = None
    keeps_bed: bool | None = None
    disposition: Disposition | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class MovementChange:
    """A change of a movement as a message tells it: its trigger, and INSERT, UPDATE or CANCEL."""

    movement: Movement
    trigger: str
    action: str
    is_historic: bool


def movements_of(history: History) -> list[Movement]:
    """Return the movements of a stay in order; none if its admission was cancelled or reversed."""
    movements: list[Movement] = []
    for number, fact in enumerate(history.facts, 1):
        if isinstance(fact, Reversal) and isinstance(history.fact(fact.of), Admission):
            return []
        segments = History(history.stay, history.facts[:number]).segments
        if segments:
            own_fact = _of_one_stay(fact, history.stay)
            movements = _with_fact(movements, own_fact, history, segments[-1][1])
    return movements if history.admission else []


def _of_one_stay(fact: Fact, stay: UUID) -> Fact:
    """Return a fact with an id that no other stay has: the halves of a swap share theirs."""
    if isinstance(fact, Reversal) or (isinstance(fact, Move) and fact.with_stay):
        return replace(fact, id=uuid5(fact.id, str(stay)))
    return fact


def _with_fact(
    movements: list[Movement], fact: Fact, history: History, state: State
) -> list[Movement]:
    """Return the movements after a fact. ``state``: that of the stay from it on."""
    if isinstance(fact, Move) and _is_first_bed(fact, movements, history):
        return [replace(movements[0], place=fact.place), *movements[1:]]
    trigger: str
    content: dict[str, object]
    match fact:
        case Admission():
            trigger, place = "A01", Place(without_bed=fact.without_bed)
            content = {
                "place": place if fact.without_bed else None,
                "attending": fact.attending,
                "specialty": fact.specialty,
                "admission_type": fact.admission_type,
            }
        case Move():
            trigger, content = "A02", {"place": fact.place}
        case LeaveStart():
            trigger, content = "A21", {"keeps_bed": fact.keeps_bed}
        case LeaveEnd():
            trigger, content = "A22", {"place": fact.place}
        case AttendingChange():
            trigger, content = "A54", {"attending": fact.attending}
        case SpecialtyChange():
            trigger, content = "A08", {"specialty": fact.specialty}
        case TypeChange():
            trigger = _type_trigger(fact.admission_type)
            content = {"admission_type": fact.admission_type}
        case Discharge():
            trigger = "A03"
            content = {"disposition": fact.disposition, "destination": fact.destination}
        case Reversal():
            return _without_reversed(movements, fact, history, state)
        case _:
            return movements
    return [*movements, _movement(fact, trigger, **content)]


def _type_trigger(type: AdmissionType) -> str:
    """Return the trigger of a change of type: to an outpatient, or to an inpatient."""
    return "A07" if type is AdmissionType.DAY_CASE else "A06"


def patient_class(movement: Movement, history: History) -> str:
    """Return the class in which a movement finds the patient, or to which it leads: O or I."""
    if movement.trigger in CLASS_CHANGES:
        return CLASS_CHANGES[movement.trigger]
    changes = [m for m in movements_of(history) if m.trigger in CLASS_CHANGES]
    classes = (CLASS_CHANGES[m.trigger] for m in reversed(changes) if m.at <= movement.at)
    return next(classes, "I")


def _movement(fact: Fact, trigger: str, **content: object) -> Movement:
    return Movement(
        id=fact.id,
        trigger=trigger,
        at=fact.at,
        precision=fact.precision,
        **content,  # type: ignore[arg-type]
    )


def _is_first_bed(fact: Move, movements: Sequence[Movement], history: History) -> bool:
    """Return whether a move is the bed of the admission itself: one act, one moment."""
    admission = history.admission
    return (
        admission is not None
        and len(movements) == 1
        and (admission.at, admission.act) == (fact.at, fact.act)
        and movements[0].place is None
    )


def _without_reversed(
    movements: list[Movement], reversal: Reversal, history: History, state: State
) -> list[Movement]:
    """Return the movements with what leads back, as of the reversal."""
    fact = history.fact(reversal.of)
    match fact:
        case Discharge():
            # the patient was away, and came back: HL7 has no discharge within a stay
            rest = [movement for movement in movements if movement.id != fact.id]
            leave = replace(fact, id=uuid5(reversal.id, "away"))
            back = _movement(reversal, "A22", place=reversal.place or state.place)
            return [*rest, _movement(leave, "A21", keeps_bed=False), back]
        case LeaveStart():
            place = None if fact.keeps_bed and not reversal.place else state.place
            return [*movements, _movement(reversal, "A22", place=place)]
        case LeaveEnd():
            return [*movements, _movement(reversal, "A21", keeps_bed=state.bed_kept)]
        case AttendingChange() if state.attending:
            return [*movements, _movement(reversal, "A54", attending=state.attending)]
        case SpecialtyChange() if state.specialty:
            return [*movements, _movement(reversal, "A08", specialty=state.specialty)]
        case TypeChange() if state.admission_type:
            trigger = _type_trigger(state.admission_type)
            return [*movements, _movement(reversal, trigger, admission_type=state.admission_type)]
        case Move() if state.place != Place():
            return [*movements, _movement(reversal, "A02", place=state.place)]
    id = _of_one_stay(fact, history.stay).id if fact else None
    return [movement for movement in movements if movement.id != id]


def changes_between(
    before: Sequence[Movement], after: Sequence[Movement]
) -> Iterator[MovementChange]:
    """Return the changes of a command: cancelled movements (the latest first), corrected, and new."""
    held_movements, remaining = {movement.id: movement for movement in before}, list(before)
    kept_ids = {movement.id for movement in after}
    for movement in reversed(before):
        if movement.id in kept_ids:
            continue
        is_latest = movement is remaining[-1]
        trigger = CANCEL_OF.get(movement.trigger, "Z99") if is_latest else "Z99"
        remaining.remove(movement)
        yield MovementChange(movement, trigger, "CANCEL", not is_latest)
    for movement in after:
        if movement.id in held_movements and held_movements[movement.id] != movement:
            yield MovementChange(movement, "Z99", "UPDATE", movement is not after[-1])
    for movement in after:
        if movement.id not in held_movements:
            yield MovementChange(movement, movement.trigger, "INSERT", movement is not after[-1])
