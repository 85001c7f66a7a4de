"""Steps of rooms and their beds in the words of a ward, and who lies in them."""

from datetime import date
from typing import Any
from uuid import UUID

from domain.bed_ref import BedRef
from domain.patient import Sex
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Claim
from domain.room.policies import Occupant, RoomPolicy
from domain.stay.history import Stretch
from tests.support import factories as events
from tests.support.aggregate_dsl import (
    OTHER_STAY,
    PATIENT,
    ROOM_119,
    STAY,
    Act,
    Told,
    at,
    clock,
    entry,
    known,
    maybe_at,
    period,
    told,
)


def a_room() -> Room:
    return Room.empty(ROOM_119)


# -- what happened --


def opened(clock: str = "06:00", beds: tuple[str, ...] = ("A", "B")) -> Told:
    return told(events.Opened, clock, beds=beds)


def bed_added(bed: str, clock: str) -> Told:
    return told(events.BedAdded, clock, bed=bed)


def policy_set(policy: RoomPolicy, clock: str, *, applies: bool = True) -> Told:
    return told(events.PolicySet, clock, policy=policy, applies=applies)


def closed(clock: str, bed: str = "A", since: str | None = None, until: str | None = None) -> Told:
    spell = known(f"closure {clock}")
    return told(
        events.BedClosed,
        clock,
        spell=spell,
        bed=bed,
        since=at(since or clock),
        until=maybe_at(until),
    )


def reopened(clock: str, closure: str) -> Told:
    """``closure`` names the closure by when it was said."""
    return told(events.BedReopened, clock, spell=known(f"closure {closure}"))


def cleaning(clock: str, bed: str = "A") -> Told:
    return told(events.CleaningStarted, clock, spell=known(f"cleaning {clock}"), bed=bed)


def cleaned(clock: str, since: str) -> Told:
    return told(events.CleaningFinished, clock, spell=known(f"cleaning {since}"))


def reserved(
    said: str, since: str, until: str, *, patient: UUID | None = None, stay: UUID | None = None
) -> Told:
    """Bed A, for a patient or for a stay."""
    return told(
        events.BedReserved,
        said,
        spell=known(f"reservation {said}"),
        since=at(since),
        until=at(until),
        patient=patient,
        stay=stay,
    )


# -- what shall happen --


def open_room(*beds: str) -> Act[Room]:
    return lambda room: room.open("A", "119", beds, entry("06:00"))


def add_bed(bed: str, clock: str) -> Act[Room]:
    return lambda room: room.add_bed(bed, entry(clock))


def set_policy(policy: RoomPolicy, clock: str, *, applies: bool = True) -> Act[Room]:
    return lambda room: room.set_policy(policy, applies, entry(clock))


def close_bed(
    said: str,
    bed: str = "A",
    since: str | None = None,
    until: str | None = None,
    now: str | None = None,
    claims: list[Claim] | None = None,
) -> Act[Room]:
    """``since`` as planned, or when it was said; ``now`` as late as the record learns of it."""
    closure = period(since or said, until)
    return lambda room: room.close_bed(
        bed, closure, "leaking tap", claims or [], at(now or said), entry(said)
    )


def reopen_bed(clock: str, bed: str = "A") -> Act[Room]:
    return lambda room: room.reopen_bed(bed, entry(clock))


def start_cleaning(
    clock: str, bed: str = "A", now: str | None = None, claims: list[Claim] | None = None
) -> Act[Room]:
    return lambda room: room.start_cleaning(bed, claims or [], at(now or clock), entry(clock))


def finish_cleaning(clock: str, bed: str = "A") -> Act[Room]:
    return lambda room: room.finish_cleaning(bed, entry(clock))


def reserve_bed(
    said: str,
    since: str,
    until: str | None,
    bed: str = "A",
    patient: UUID | None = None,
    stay: UUID | None = None,
) -> Act[Room]:
    return lambda room: room.reserve_bed(bed, period(since, until), patient, stay, entry(said))


def release_reservation(clock: str, reservation: str) -> Act[Room]:
    """``reservation`` names it by when it was said."""
    spell = known(f"reservation {reservation}")
    return lambda room: room.release_reservation(spell, entry(clock))


def put_into(
    bed: str,
    since: str,
    until: str | None = None,
    *,
    now: str | None = None,
    before: tuple[Stretch, ...] = (),
    stay: UUID = STAY,
    patient: UUID = PATIENT,
) -> Act[Room]:
    """Ask the room whether a patient may have the bed in that time."""
    stretch = Stretch(BedRef(ROOM_119, bed), period(since, until))
    return lambda room: room.check_open(stretch, before, stay, patient, at(now or since), {})


# -- who lies there --


def lying(
    bed: str, since: str, until: str | None = None, stay: UUID = OTHER_STAY, **said: Any
) -> Claim:
    return Claim(stay, Stretch(BedRef(ROOM_119, bed), period(since, until), **said))


def who(
    name: str = "newcomer",
    sex: Sex = Sex.UNKNOWN,
    born: date | None = None,
    *,
    child_of: str | None = None,
) -> Occupant:
    return Occupant(known(name), sex, born, known(child_of) if child_of else None)


# -- what is true --


def spells(room: Room, state: BedState) -> list[str]:
    """``A 08:00-10:00`` for each spell of that kind that is not empty."""
    return [
        f"{s.bed} {clock(s.period.start)}-{clock(s.period.end)}"
        for s in room.spells
        if s.state is state and not s.period.is_empty
    ]
