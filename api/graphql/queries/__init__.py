"""Queries. Those about patients, stays and rooms are as of a moment, as known at another."""

from typing import Annotated

import strawberry
from strawberry import argument

from api.graphql.context import Info
from api.graphql.extensions.authorization import needed_for
from api.graphql.queries.accesses import AccessQueries
from api.graphql.queries.arguments import (
    bitemporal,
    id_of,
)
from api.graphql.queries.courses import CourseQueries
from api.graphql.queries.differences import DifferenceQueries
from api.graphql.queries.doses import DoseQueries
from api.graphql.queries.expected_arrivals import ExpectedArrivalQueries
from api.graphql.queries.house import HouseQueries
from api.graphql.queries.people import PeopleQueries
from api.graphql.queries.projection_status import RecordQueries
from api.graphql.queries.reports import ReportQueries
from api.graphql.queries.rooms import RoomQueries
from api.graphql.queries.source_movements import SourceMovementQueries
from api.graphql.queries.stays import StayQueries
from api.graphql.queries.timeline import TimelineQueries
from api.graphql.relay import Node
from api.graphql.types.events import EventQueries
from api.graphql.types.expected_arrivals import ExpectedArrival
from api.graphql.types.people import Patient, Practitioner
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.rooms import Room
from api.graphql.types.source_movements import SourceMovement
from api.graphql.types.stays import Prescription, Stay, Visit
from api.graphql.types.timeline import TimelineEntry, summaries_of
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.timeline.queries import entry_by_id
from infrastructure.read_models.visits import visits_by_id


@strawberry.type(
    description="What can be asked: by POST to /graphql, with the header Authorization: Bearer TOKEN."
    " X-Purpose says what patients' data are read for (viewer { purposes }). extensions.position of an"
    " answer is how far the log was read: it is given as atLeast, or to a subscription as after. An"
    " error says in extensions.errorCode which it is (ErrorCode)."
)
class Query(
    HouseQueries,
    PeopleQueries,
    StayQueries,
    ExpectedArrivalQueries,
    DoseQueries,
    RoomQueries,
    TimelineQueries,
    CourseQueries,
    DifferenceQueries,
    ReportQueries,
    SourceMovementQueries,
    EventQueries,
    RecordQueries,
    AccessQueries,
):
    @strawberry.field(description="Anything that has an id, as held now.")
    async def node(  # with no other argument: Relay takes no other signature
        self, info: Info, id: Annotated[strawberry.ID, argument(description="Its id.")]
    ) -> Node | None:
        return await _node(info, id, await info.context.at())

    @strawberry.field(description="Anything that has an id, as held at a moment.")
    @bitemporal
    async def node_as_of(
        self,
        info: Info,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="Its id.")],
    ) -> Node | None:
        return await _node(info, id, at)


async def _node(info: Info, id: strawberry.ID, at: AsOf) -> Node | None:
    """Return the thing of an id that the caller may see, as of a moment."""
    key = id_of(id)
    kinds = (
        Patient,
        Stay,
        Room,
        Practitioner,
        Prescription,
        ExpectedArrival,
        SourceMovement,
        ReportIssue,
    )
    for kind in kinds:
        if _may_see(info, kind):
            entity: Node | None = await kind.find(info, key, at)
            if entity is not None:
                return entity
    if not _may_see(info, Visit):
        return None
    visit = await info.context.load(visits_by_id, key, at)
    if visit is not None and await Stay.find(info, visit.stay, at):
        return Visit.of(visit, at)
    entry = await info.context.query(entry_by_id, key, at)
    if entry is None:
        return None
    stories = await summaries_of(info, [entry], at)
    return TimelineEntry.of(info, entry, stories[entry.entry])


def _may_see(info: Info, kind: type[Node]) -> bool:
    """Return whether the caller's role may see things of a type."""
    requirement = needed_for(kind.__name__, "id")
    return requirement is not None and info.context.may(requirement)
