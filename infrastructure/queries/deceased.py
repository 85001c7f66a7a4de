"""The dead who still hold a bed or have active prescriptions: what is left to do for them."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, literal_values
from infrastructure.queries.stay_search import StayCriteria, stays_page
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import deaths_of_persons
from infrastructure.read_models.prescriptions import (
    LIVE,
    PrescriptionView,
    in_order,
    prescriptions,
)
from infrastructure.read_models.stays import StayView

HOUSEFUL = 100_000
"""More open stays than any hospital has."""


@dataclass(frozen=True, slots=True)
class DeceasedView:
    """A dead patient with the stays and prescriptions that go on."""

    patient: UUID
    died_at: datetime
    stays: list[StayView] = field(default_factory=list)
    prescriptions: list[PrescriptionView] = field(default_factory=list)


_live = CompiledStatement(
    lambda at: (
        select(*columns(prescriptions, "agent"))
        .where(prescriptions.c.status.in_(literal_values("live", LIVE)), at.holds(prescriptions))
        .order_by(*in_order)
    )
)


@reads(stays_page, prescriptions, deaths_of_persons)
async def deceased(
    connection: AsyncConnection, at: AsOf, ward: str | None = None
) -> list[DeceasedView]:
    """Return the dead whose stay is open, or who have live prescriptions, the longest dead first.

    ``ward``: only those who lie in it.
    """
    entries = await stays_page(connection, StayCriteria(ward=ward), at, HOUSEFUL, None)
    stays = [entry.stay for entry in entries]
    rows = await _live.execute(connection, at)
    live_prescriptions = [view(PrescriptionView, row) for row in rows]
    if ward is not None:
        inside = {stay.stay for stay in stays}
        live_prescriptions = [
            prescription for prescription in live_prescriptions if prescription.stay in inside
        ]
    patients = list(
        {stay.patient for stay in stays} | {drug.patient for drug in live_prescriptions}
    )
    deaths = await deaths_of_persons(connection, patients, at)
    views = {patient: DeceasedView(patient, died_at) for patient, died_at in deaths.items()}
    for stay in stays:
        if stay.patient in views:
            views[stay.patient].stays.append(stay)
    for prescription in live_prescriptions:
        if prescription.patient in views:
            views[prescription.patient].prescriptions.append(prescription)
    return sorted(views.values(), key=lambda dead: (dead.died_at, dead.patient))
