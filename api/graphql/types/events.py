"""The feed: events in the order of the log, in the shape of CloudEvents 1.0."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument

from api.feed.cloudevents import BY_TOPIC, data, event_id, patients_of, resources_of, subject
from api.graphql.authorization import check_ward, known_ward
from api.graphql.context import Context, Info
from api.graphql.declarations import DataKind, shows
from api.graphql.queries.arguments import First
from api.graphql.relay import Connection, Edge, PageInfo, page_size
from api.graphql.scalars import JSON, Position
from api.graphql.types.enums import EventKind
from domain.refusals import InvalidInput
from infrastructure.queries.feed import LoggedEvent, events_page

AfterPosition = Annotated[
    Position | None,
    argument(
        description="What follows this place in the log only: of the item told last, or"
        " extensions.position of an answer, to miss nothing that came after it."
    ),
]
Kinds = Annotated[
    list[EventKind] | None, argument(description="These kinds of events only; all by default.")
]
OfWard = Annotated[
    str | None,
    argument(
        description="Only what touches a room of this ward, with the rest of what the same command"
        " says of that patient, and what is said of a stay that had a bed there when it occurred."
        " A login that is for some wards names one of them."
    ),
]


@shows(DataKind.CLINICAL)
@strawberry.type(
    description="A recorded fact as other systems take it: the attributes of CloudEvents 1.0 under"
    " their own names. The schema of data is in docs/feed.schema.json."
)
class Event:
    id: strawberry.ID = strawberry.field(
        description="The same for ever, and no other event's: keep it to know what you have."
    )
    source: str = strawberry.field(description="Which log it is from, a URN.")
    specversion: str = strawberry.field(description="The version of CloudEvents: 1.0.")
    type: str = strawberry.field(
        description="Public name and version of what it tells: wardbook.stay.admitted.v1."
    )
    kind: EventKind = strawberry.field(description="What it tells, whatever the version.")
    subject: str = strawberry.field(description="What it is about: stay/ID, patient/ID, room/ID.")
    time: datetime = strawberry.field(description="When it was recorded.")
    datacontenttype: str = strawberry.field(description="Of data: application/json.")
    dataschema: str = strawberry.field(description="The schema of data, a URN.")
    data: JSON = strawberry.field(
        description="The fact: when it occurred, who recorded it, and what it says."
    )
    position: Position = strawberry.field(
        description="Its place in the log; go on after it by giving it as after."
    )
    known_from: Position = strawberry.field(
        description="The end of its command: questions know of it from there on (knownAtPosition)."
    )

    @classmethod
    def of(cls, context: Context, entry: LoggedEvent) -> "Event":
        public_event, values = BY_TOPIC[entry.event.TOPIC], data(entry.event, entry.rooms)
        for patient in patients_of(entry.event, values):
            context.viewer.record_access(patient, *resources_of(values))
        return cls(
            id=strawberry.ID(str(event_id(entry))),
            source=f"urn:uuid:{context.state.log.id}",
            specversion="1.0",
            type=public_event.type,
            kind=EventKind(public_event.topic),
            subject=subject(entry.event),
            time=entry.recorded_at,
            datacontenttype="application/json",
            dataschema=public_event.dataschema,
            data=JSON(values),
            position=context.position(entry.position),
            known_from=context.position(entry.known),
        )


def topics_of(kinds: list[EventKind] | None) -> frozenset[str]:
    """Return the internal topics of some kinds, or of all that are public."""
    return frozenset(kind.value for kind in kinds) if kinds is not None else frozenset(BY_TOPIC)


@strawberry.type
class EventQueries:
    @strawberry.field(
        description="What was recorded, in the order of the log, for other systems and for clients"
        " that were offline. A page ends where a command ends, so it may have a few more than asked"
        " for, or with a filter fewer, even none: go on after endCursor while hasNextPage."
    )
    async def events(
        self,
        info: Info,
        after: AfterPosition = None,
        first: First = None,
        kinds: Kinds = None,
        ward: OfWard = None,
    ) -> Connection[Event]:
        context, size = info.context, page_size(first)
        check_ward(context, ward)
        ward = await known_ward(context, ward)
        begin = context.after(after)
        status = await context.log_status()
        if begin > status.recorded:
            raise InvalidInput("after", "the log is not that far yet")
        context.note_position(status.position)
        page_found = await context.query(
            events_page, begin, status.position, size, topics_of(kinds), ward
        )
        edges = [
            Edge(cursor=str(event.position), node=event)
            for event in (Event.of(context, entry) for entry in page_found.events)
        ]
        return Connection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=page_found.reached < status.position,
                has_previous_page=after is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=str(context.position(page_found.reached)),
            ),
        )
