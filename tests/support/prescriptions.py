"""Steps of prescriptions in the words of a ward: what happened, what shall happen, what it is then."""

from typing import Any
from uuid import UUID

from domain.prescription.aggregate import Prescription
from domain.prescription.course import Outside, Regimen
from domain.prescription.events import Medication
from tests.support import factories as events
from tests.support.aggregate_dsl import (
    DR_MEYER,
    PATIENT,
    STAY,
    Act,
    Told,
    at,
    clock,
    entry,
    known,
    maybe_at,
    told,
)

PRESCRIPTION, DISCHARGE = known("prescription"), known("discharge")
AMOXICILLIN = Medication(name="amoxicillin", code="J01CA04", system="ATC")


def a_prescription(id: UUID = PRESCRIPTION) -> Prescription:
    return Prescription.empty(id)


# -- what happened --


def written(
    clock: str = "08:00", start: str | None = None, stop: str | None = None, **fields: Any
) -> Told:
    """Written at that time; it starts then, too, unless ``start`` says otherwise."""
    fields = {"start": at(start or clock), "stop": maybe_at(stop), "stay": STAY, **fields}
    return told(events.Written, clock, **fields)


def changed(clock: str, stop: str | None = None, **fields: Any) -> Told:
    return told(events.Changed, clock, stop=maybe_at(stop), **fields)


def held(clock: str) -> Told:
    return told(events.Held, clock)


def resumed(clock: str) -> Told:
    return told(events.Resumed, clock)


def stopped(clock: str, discharge: UUID | None = None) -> Told:
    return told(events.Stopped, clock, discharge=discharge)


def completed(clock: str) -> Told:
    return told(events.Completed, clock)


def gave(clock: str, outside: Outside | None = None) -> Told:
    return told(events.AdministrationRecorded, clock, outside_prescription=outside)


def did_not_give(clock: str, why: str = "asleep") -> Told:
    return told(events.AdministrationRecorded, clock, given=False, reason_not_given=why)


# -- what shall happen --


def write(
    clock: str = "08:00",
    start: str | None = None,
    stop: str | None = None,
    died: str | None = None,
) -> Act[Prescription]:
    regimen = Regimen(at(start or clock), maybe_at(stop), "500 mg", "oral", "every 8 hours")
    return lambda prescription: prescription.write(
        STAY, PATIENT, AMOXICILLIN, regimen, DR_MEYER, entry(clock), maybe_at(died)
    )


def change(
    clock: str, dose: str | None = None, stop: str | None = None, died: str | None = None
) -> Act[Prescription]:
    return lambda prescription: prescription.change(
        dose, None, None, maybe_at(stop), entry(clock), maybe_at(died)
    )


def hold(clock: str, died: str | None = None, until: str | None = None) -> Act[Prescription]:
    return lambda prescription: prescription.hold(entry(clock), maybe_at(died), maybe_at(until))


def resume(clock: str, died: str | None = None, until: str | None = None) -> Act[Prescription]:
    return lambda prescription: prescription.resume(entry(clock), maybe_at(died), maybe_at(until))


def stop(clock: str, discharge: UUID | None = None) -> Act[Prescription]:
    return lambda prescription: prescription.stop(entry(clock), discharge)


def complete(clock: str) -> Act[Prescription]:
    return lambda prescription: prescription.complete(entry(clock))


def give(
    clock: str,
    outside: Outside | None = None,
    died: str | None = None,
    dose: str | None = "500 mg",
    because: str | None = None,
) -> Act[Prescription]:
    """A dose given."""
    return lambda prescription: prescription.record_administration(
        True, dose, because, outside, entry(clock), maybe_at(died)
    )


def do_not_give(
    clock: str, because: str | None = "asleep", dose: str | None = None
) -> Act[Prescription]:
    """A dose not given, and why."""
    return lambda prescription: prescription.record_administration(
        False, dose, because, None, entry(clock)
    )


# -- what is true --


def course(prescription: Prescription) -> list[str]:
    """Its states in order: ``08:00-10:00 ACTIVE 500 mg``."""
    return [
        f"{clock(p.start)}-{clock(p.end)} {status.value} {regimen.dose or '-'}"
        for p, status, regimen in prescription.course.segments()
    ]
