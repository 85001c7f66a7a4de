"""Warnings against a prescription or a dose: raised until somebody confirms them with a reason."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from application import persons
from application.command import reason_needed
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning, WarningsUnconfirmed
from domain.prescription.events import Medication
from domain.problems import Problem
from domain.time import Period

Confirmed = tuple[ClinicalWarning, ...] | None
"""The warnings that a command confirms; of an event: those that there were."""


def confirm(
    uow: UnitOfWork, warnings: Mapping[ClinicalWarning, str], confirmed: Confirmed
) -> Confirmed:
    """Return the warnings that there are, each confirmed with a reason; None if there are none.

    Raises WarningsUnconfirmed, ReasonNeeded.
    """
    rest = {warning: text for warning, text in warnings.items() if warning not in (confirmed or ())}
    if rest:
        raise WarningsUnconfirmed(rest)
    if not warnings:
        return None
    reason_needed(uow.entry, Problem.CONFIRMED_WARNING)
    return tuple(warnings)


def allergies_against(
    uow: UnitOfWork,
    patient: UUID | None,
    medication: Medication,
    start: datetime,
    stop: datetime | None,
    warnings: Collection[ClinicalWarning] = (),
) -> dict[ClinicalWarning, str]:
    """Return the warning of a person's allergies against a medicine that is given in a period.

    ``warnings``: the warnings that the prescription of the dose has confirmed.
    """
    assert patient is not None
    if ClinicalWarning.ALLERGY in warnings:
        return {}
    period = Period(start, stop)
    names = [
        f"{allergy.allergy_kind.lower()} to {allergy.substance.name}"
        for allergy in persons.allergies_of(uow, patient)
        if allergy.forbids(medication, period)
    ]
    return (
        {ClinicalWarning.ALLERGY: f"The patient has an {' and an '.join(names)}"} if names else {}
    )
