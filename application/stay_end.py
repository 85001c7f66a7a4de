"""The end of a stay, and what follows from it for its prescriptions."""

from collections.abc import Iterable
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.refusals import NotFound
from domain.stay.aggregate import Stay
from domain.stay.facts import Discharge, Disposition
from domain.things import Thing


def discharge_stay(
    uow: UnitOfWork,
    stay: Stay,
    disposition: Disposition,
    destination: str | None = None,
    prescription_ids: tuple[UUID, ...] = (),
    name: str = "discharge",
) -> None:
    """Close a stay within a command, and stop its prescriptions but for ``prescription_ids``.

    ``name``: of the discharge within the command.
    """
    entry = imprecise_times.entry_after_all(uow, stay)
    at, prescriptions = entry.occurred_at, lookups.prescriptions_of(uow, stay)
    for id in prescription_ids:
        if id not in {p.id for p in prescriptions}:
            raise NotFound(Thing.PRESCRIPTION_OF_STAY, str(id), "keep_prescriptions")
    later_facts = [f for p in prescriptions for f in p.facts_after(at)]
    died_at = persons.recorded_death_at(uow, stay.patient)
    stay.discharge(disposition, destination, prescription_ids, entry, later_facts, died_at, name)
    let_prescriptions_follow(uow, stay, prescriptions)


def let_prescriptions_follow(
    uow: UnitOfWork, stay: Stay, prescriptions: Iterable[Prescription] | None = None
) -> None:
    """Stop prescriptions of a stay (all, by default) by its end as held now.

    The result is the same whether an end was entered, corrected or entered anew. A discharge that was
    reversed goes on to stop what it stopped. A command whose checks are deferred lets them follow
    once it is complete. Raises ContradictsLaterFacts.
    """
    if uow.defers_checks:
        return
    ends, end = stay.history.ends, stay.history.ended_by
    if not ends and prescriptions is not None:
        return
    if prescriptions is None:
        prescriptions = lookups.prescriptions_of(uow, stay)
    prescription_ids = end.medicines if isinstance(end, Discharge) else ()
    for prescription in prescriptions:
        is_stopped = end is not None and prescription.id not in prescription_ids
        prescription.follow_stay(ends, end.id if end and is_stopped else None, uow.entry)


def check_deferred(uow: UnitOfWork) -> None:
    """Check stays and prescriptions whose checks were deferred, on the end result. Raises Refusals."""
    uow.defers_checks = False
    stays = uow.all_of(Stay)
    for stay in stays:
        stay.check_deferred(persons.recorded_death_at(uow, stay.patient))
    for stay in stays:
        if stay.exists and stay.history.ends != uow.before[stay.id].history.ends:
            let_prescriptions_follow(uow, stay)
    for prescription in uow.all_of(Prescription):
        if prescription.pending_events and not prescription.course.cancelled:
            let_prescription_follow(uow, prescription)
        if prescription.exists:
            prescription.check_deferred(persons.recorded_death_at(uow, prescription.patient))


def let_prescription_follow(uow: UnitOfWork, prescription: Prescription) -> None:
    """Stop a prescription that has just changed by the end of its stay, if that has ended."""
    assert prescription.stay is not None
    stay = uow.one(Stay, prescription.stay, "prescription_id")
    let_prescriptions_follow(uow, stay, [prescription])
