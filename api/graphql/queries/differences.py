"""Queries of differences between two moments of the record."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import check_known, known_ward, or_forbidden
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    AsOfArgument,
    AtLeast,
    FromKnown,
    KnownAt,
    KnownAtPosition,
    KnownMoment,
    ToKnown,
    id_of,
    known_moment,
    two_moments,
)
from api.graphql.types.differences import BedDifference, Exposure, StayDifference
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription.aggregate import Prescription
from domain.refusals import NotFound
from domain.room.aggregate import Room
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.differences import facts_by_id
from infrastructure.queries.log import has_fact, kind_of_stream
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.rooms import has_spell
from infrastructure.read_models.stays import stays_by_id


@strawberry.type
class DifferenceQueries:
    @strawberry.field(
        description="A stay as held at two moments of the record, and the facts that made the"
        " difference; null if it is not known."
    )
    async def stay_difference(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(description="The stay's id.")],
        from_known: FromKnown,
        to_known: ToKnown = None,
    ) -> StayDifference | None:
        after, before = await two_moments(info, None, from_known, to_known)
        difference = await StayDifference.find(info, id_of(id), before, after)
        await or_forbidden(info.context, difference, stays_by_id, id_of(id), after)
        await check_known(info.context, difference, id, Thing.STAY)
        return difference

    @strawberry.field(
        description="The beds of which something else is held for one moment than was held then,"
        " and the facts that made the difference."
    )
    async def occupancy_difference(
        self,
        info: Info,
        from_known: FromKnown,
        to_known: ToKnown = None,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        as_of: AsOfArgument = None,
    ) -> list[BedDifference]:
        after, before = await two_moments(info, as_of, from_known, to_known)
        ward = await known_ward(info.context, ward)
        return await BedDifference.all(info, ward, before, after)

    @strawberry.field(
        description="What was decided or recorded while a fact was wrong; null if it never was."
    )
    async def exposure(
        self,
        info: Info,
        movement_id: Annotated[
            strawberry.ID,
            argument(
                description="What was wrong: the movement, visit, dose or change; the prescription; the"
                " closure, cleaning or reservation of a bed; of a death, a birth date or a sex, the"
                " patient; of a grade, the practitioner; of a ward, an opening or a bed, the room."
            ),
        ],
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
        moment: KnownMoment = None,
    ) -> Exposure | None:
        earlier = known_at, known_at_position, at_least
        at = await info.context.at(None, *earlier, known_moment(moment))
        result = await Exposure.find(info, id_of(movement_id), at)
        id = id_of(movement_id)
        for find in (facts_by_id, prescriptions_by_id, patients_by_id):
            await or_forbidden(info.context, result, find, id, at)
        if result is None and not await _is_known(info, id, at):
            raise NotFound(Thing.MOVEMENT, movement_id, "movement_id")
        return result


_EXPOSED = {kind.TOPIC for kind in (Prescription, Patient, Practitioner, Room)}


async def _is_known(info: Info, id: UUID, at: AsOf) -> bool:
    """Return whether an id is of a fact, of a prescription, of a patient, or of a closure."""
    query = info.context.query
    return (
        await query(has_fact, id)
        or await query(kind_of_stream, id) in _EXPOSED
        or await query(has_spell, id, at)
    )
