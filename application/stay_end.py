"""The end of a stay, and what follows from it for its prescriptions."""

from collections.abc import Iterable

from application import lookups
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.stay.aggregate import Stay
from domain.stay.facts import Discharge


def let_prescriptions_follow(
    uow: UnitOfWork, stay: Stay, prescriptions: Iterable[Prescription] | None = None
) -> None:
    """Stop prescriptions of a stay (all, by default) by its end as held now.

    The result is the same whether an end was entered, corrected or entered anew. A discharge that was
    reversed goes on to stop what it stopped. Raises ContradictsLaterFacts.
    """
    ends, end = stay.history.ends, stay.history.ended_by
    if not ends and prescriptions is not None:
        return
    if prescriptions is None:
        prescriptions = lookups.prescriptions_of(uow, stay)
    prescription_ids = end.medicines if isinstance(end, Discharge) else ()
    for prescription in prescriptions:
        is_stopped = end is not None and prescription.id not in prescription_ids
        prescription.follow_stay(ends, end.id if end and is_stopped else None, uow.entry)


def let_prescription_follow(uow: UnitOfWork, prescription: Prescription) -> None:
    """Stop a prescription that has just changed by the end of its stay, if that has ended."""
    assert prescription.stay is not None
    stay = uow.one(Stay, prescription.stay, "stay", "prescription_id")
    let_prescriptions_follow(uow, stay, [prescription])
