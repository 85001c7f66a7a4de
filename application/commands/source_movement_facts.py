"""Facts of a movement that another system reported: its place, time, details and envelope."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from application import lookups
from application.unit_of_work import UnitOfWork
from domain.envelope import Envelope, Source
from domain.source_visit import SourceVisit, Version
from domain.stay.aggregate import Stay
from domain.stay.facts import Place


def details_of(uow: UnitOfWork, version: Version) -> dict[str, Any]:
    """Return the details in a report of an admission, None for those that it leaves out."""
    movement = version.movement
    assert movement is not None
    place, at = place_of(uow, version) or Place(), moment_of(uow, version)
    return {
        "attending": lookups.practitioner_if_named(uow, movement.attending, "attending", at),
        "specialty": movement.specialty,
        "without_bed": place.without_bed,
    }


def reported_details(version: Version) -> set[str]:
    """Return the names of the details in a report of an admission, known persons or not."""
    movement = version.movement
    assert movement is not None
    without_bed = movement.bed is None and (movement.ward or movement.without_bed)
    details = {
        "attending": movement.attending,
        "specialty": movement.specialty,
        "without_bed": without_bed,
    }
    return {name for name, value in details.items() if value}


def place_of(uow: UnitOfWork, version: Version) -> Place | None:
    """Return the place that a movement names. One without a bed is told in words, with its ward."""
    movement = version.movement
    assert movement is not None
    if movement.ward and movement.bed is None:
        words = [movement.ward, movement.room, movement.without_bed]
        return Place(without_bed=" ".join(part for part in words if part))
    place = (movement.ward, movement.room, movement.bed, None, movement.without_bed)
    return lookups.place(uow, *place, moment_of(uow, version))


def envelope_of(uow: UnitOfWork, visit: SourceVisit, version: Version) -> Envelope:
    source = Source(system=visit.system, id=version.source_id, recorded_at=version.recorded_at)
    named_precision = version.movement.precision if version.movement else None
    precision = named_precision or uow.entry.precision
    at = moment_of(uow, version)
    return replace(uow.entry, occurred_at=at, precision=precision, source=source)


def moment_of(uow: UnitOfWork, version: Version) -> datetime:
    """Return the time when a reported movement occurred by the record's clock, which is never ahead."""
    return min(version.occurred_at, uow.now)


def last_movement(stay: Stay) -> UUID:
    """Return the id of the movement that was entered last."""
    movement = getattr(stay.pending_events[-1], "movement", None)
    assert isinstance(movement, UUID)
    return movement
