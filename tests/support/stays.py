"""Steps of stays in the words of a ward: what happened, what shall happen, where the patient lay."""

from typing import Any
from uuid import UUID

from domain.bed_ref import BedRef
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import DischargePlan, Disposition, Place, State
from tests.support import factories as events
from tests.support.aggregate_dsl import (
    DR_MEYER,
    DR_OKAFOR,
    OTHER_STAY,
    PATIENT,
    STAY,
    Act,
    Told,
    at,
    clock,
    entry,
    maybe_at,
    told,
)

To = BedRef | str | Place
"""A bed; or the name of a place without one, such as the corridor; or a place said in full."""


def a_stay(id: UUID = STAY) -> Stay:
    return Stay.empty(id)


def place(to: To) -> Place:
    if isinstance(to, Place):
        return to
    return Place(to) if isinstance(to, BedRef) else Place(without_bed=to)


def _named(to: To) -> dict[str, Any]:
    there = place(to)
    return {
        "bed": there.bed,
        "shares_bed_of": there.shares_bed_of,
        "without_bed": there.without_bed,
    }


# -- what happened --


def admitted(clock: str = "08:00", **said: Any) -> Told:
    return told(events.Admitted, clock, **{"patient": PATIENT, **said})


def allocated(bed: BedRef, clock: str = "08:00", shares_bed_of: UUID | None = None) -> Told:
    return told(events.RoomAllocated, clock, bed=bed, shares_bed_of=shares_bed_of)


def transferred(to: To, clock: str) -> Told:
    return told(events.Transferred, clock, **_named(to))


def swapped_into(bed: BedRef, clock: str) -> Told:
    return told(events.BedSwapped, clock, bed=bed, with_stay=OTHER_STAY)


def left(clock: str, *, keeps_bed: bool = True, back: str | None = None) -> Told:
    return told(events.LeaveStarted, clock, keeps_bed=keeps_bed, expected_return=maybe_at(back))


def returned(clock: str, to: To | None = None) -> Told:
    return told(events.LeaveEnded, clock, **_named(to) if to else {})


def attended_by(doctor: UUID, clock: str) -> Told:
    return told(events.AttendingChanged, clock, attending=doctor)


def specialty_became(specialty: str, clock: str) -> Told:
    return told(events.SpecialtyChanged, clock, specialty=specialty)


def visited(clock: str) -> Told:
    return told(events.VisitRecorded, clock)


def planned(plan: DischargePlan, clock: str, expected: str | None = None) -> Told:
    return told(events.DischargePlanned, clock, plan=plan, expected_at=maybe_at(expected))


def discharged(clock: str, **said: Any) -> Told:
    return told(events.Discharged, clock, **said)


# -- what shall happen --


def admit(clock: str = "08:00", died: str | None = None, **said: Any) -> Act[Stay]:
    return lambda stay: stay.admit(
        PATIENT, AdmissionType.ELECTIVE, entry(clock), died_at=maybe_at(died), **said
    )


def allocate_room(bed: BedRef, clock: str, shares_bed_of: UUID | None = None) -> Act[Stay]:
    return lambda stay: stay.allocate_room(bed, entry(clock), shares_bed_of)


def transfer(to: To, clock: str) -> Act[Stay]:
    return lambda stay: stay.transfer(place(to), entry(clock))


def swap_into(bed: BedRef, clock: str, with_stay: UUID = OTHER_STAY) -> Act[Stay]:
    return lambda stay: stay.swap_bed(bed, with_stay, entry(clock))


def start_leave(
    clock: str, *, keeps_bed: bool = True, back: str | None = None, died: str | None = None
) -> Act[Stay]:
    return lambda stay: stay.start_leave(keeps_bed, maybe_at(back), entry(clock), maybe_at(died))


def end_leave(clock: str, to: To | None = None, died: str | None = None) -> Act[Stay]:
    return lambda stay: stay.end_leave(
        None if to is None else place(to), entry(clock), maybe_at(died)
    )


def change_attending(clock: str, doctor: UUID = DR_OKAFOR) -> Act[Stay]:
    return lambda stay: stay.change_attending(doctor, entry(clock))


def change_specialty(clock: str, specialty: str = "surgery") -> Act[Stay]:
    return lambda stay: stay.change_specialty(specialty, entry(clock))


def record_visit(clock: str, died: str | None = None) -> Act[Stay]:
    fields = {"practitioner": DR_MEYER, "visit_kind": VisitKind.ROUND, "note": "feels better"}
    return lambda stay: stay.observe(Stay.VisitRecorded, entry(clock), maybe_at(died), **fields)


def plan_discharge(
    clock: str, plan: DischargePlan = DischargePlan.PLANNED, expected: str | None = None
) -> Act[Stay]:
    return lambda stay: stay.plan_discharge(plan, maybe_at(expected), entry(clock))


def discharge(clock: str, disposition: Disposition = Disposition.HOME) -> Act[Stay]:
    return lambda stay: stay.discharge(disposition, None, (), entry(clock))


# -- what is true --


def is_at(stay: Stay, moment: str) -> State | None:
    """The state of the stay at that time."""
    return stay.history.at(at(moment))


def standing(state: State | None) -> str:
    """Status and place in a few words: ``ADMITTED A``, ``ON_LEAVE A``, ``ADMITTED corridor``."""
    if state is None:
        return "-"
    bed = state.place.bed
    return f"{state.status.value} {bed.bed if bed else state.place.without_bed or '-'}"


def stands(stay: Stay, moment: str) -> str:
    return standing(is_at(stay, moment))


def lay(stay: Stay) -> list[str]:
    """Return the stretches of the patient: ``A 08:00-10:00``, ``A 10:00-12:00 kept``, ``B 12:00-``."""
    return [
        f"{s.bed.bed} {clock(s.period.start)}-{clock(s.period.end)}"
        + " kept" * s.kept
        + " shared" * (s.shares_bed_of is not None)
        for s in stay.stretches
    ]


def states(stay: Stay) -> list[str]:
    """The states in order: ``08:00-10:00 ADMITTED A``."""
    return [
        f"{clock(p.start)}-{clock(p.end)} {standing(state)}" for p, state in stay.history.segments
    ]
