"""Prefetching: what an operation selects of all things of a list, read before any is completed.

One statement for each kind of thing; what was prefetched is completed by the fast executor.
"""

import asyncio
from collections.abc import Iterable, Sequence

from api.graphql.context import Info
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.bed_uses import BedView
from infrastructure.read_models.expected_arrivals import ArrivalView
from infrastructure.read_models.flags import flags_of
from infrastructure.read_models.patients import labels_of_persons, patients_by_id
from infrastructure.read_models.practitioners import practitioners_by_id
from infrastructure.read_models.rooms import rooms_by_id
from infrastructure.read_models.stays import StayView, stays_by_id


async def prefetch_occupants(info: Info, beds: Sequence[BedView], at: AsOf) -> None:
    """Prefetch stays, their doctors and labels, patients and flags of who has beds, if selected."""
    occupants = [o for bed in beds for o in bed.occupants]
    prefetch = info.context.prefetch
    ids = {o.stay for o in occupants}
    await asyncio.gather(
        prefetch("Stay", stays_by_id, ids, at),
        prefetch("Patient", patients_by_id, {o.patient for o in occupants}, at),
        prefetch("Flag", flags_of, ids, at),
    )
    stays = (info.context.prefetched(stays_by_id, id, at)[1] for id in ids)
    await _prefetch_doctors_and_labels(info, [stay for stay in stays if stay], at)


async def prefetch_arrivals(info: Info, arrivals: Sequence[ArrivalView], at: AsOf) -> None:
    """Prefetch the stays and patients of expected arrivals, and what is selected of the stays."""
    ids = {id for view in arrivals for id in (view.stay, view.converted_by) if id}
    patients = {view.patient for view in arrivals if view.patient}
    await asyncio.gather(
        info.context.prefetch("Stay", stays_by_id, ids, at),
        info.context.prefetch("Patient", patients_by_id, patients, at),
    )
    stays = (info.context.prefetched(stays_by_id, id, at)[1] for id in ids)
    await prefetch_stays(info, [stay for stay in stays if stay], at)


async def prefetch_stays(info: Info, stays: Sequence[StayView], at: AsOf) -> None:
    """Prefetch the patients, rooms, doctors and labels of stays, if selected."""
    prefetch = info.context.prefetch
    await asyncio.gather(
        prefetch("Patient", patients_by_id, {stay.patient for stay in stays}, at),
        prefetch("Room", rooms_by_id, {stay.room for stay in stays if stay.room}, at),
        _prefetch_doctors_and_labels(info, stays, at),
    )


async def _prefetch_doctors_and_labels(info: Info, stays: Iterable[StayView], at: AsOf) -> None:
    prefetch, shows_labels = info.context.prefetch, labels_of_persons in info.context.queries
    doctors = {stay.attending for stay in stays if stay.attending}
    patients = {stay.patient for stay in stays if shows_labels}
    await asyncio.gather(
        prefetch("Practitioner", practitioners_by_id, doctors, at),
        prefetch("Stay", labels_of_persons, patients, at),
    )
