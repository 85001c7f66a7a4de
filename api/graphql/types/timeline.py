"""The timeline of a patient or stay: facts with both clocks, in words."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry import argument

from api.feed.cloudevents import BY_TOPIC
from api.graphql.context import ById, Info
from api.graphql.declarations import DataKind, shows
from api.graphql.relay import After, Connection, First, Node, page, page_size
from api.graphql.scalars import JSON, Position, decode_cursor, encode_cursor, optional_id
from api.graphql.types.enums import (
    EntryStatus,
    Precision,
    Reading,
    Role,
    TimelineKind,
    TimelineOrder,
)
from domain.envelope import ALTERED
from domain.hospital_calendar import LocalDays
from domain.refusals import InvalidInput
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.feed import RoomLocation
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.timeline_names import names_in, rooms_in
from infrastructure.queries.timeline_summaries import KINDS, sentences, summaries
from infrastructure.read_models.rooms import rooms_by_id
from infrastructure.read_models.timeline.queries import (
    EntryView,
    TimelineCriteria,
    first_entries,
    place,
    timeline_page,
)
from infrastructure.read_models.timeline.recordings import changes_of_prescriptions, recordings_of
from infrastructure.sealing.fields import UNTOLD_VALUES

OfKinds = Annotated[list[TimelineKind] | None, argument(description="These kinds of facts only.")]
OccurredFrom = Annotated[
    datetime | None, argument(description="What happened at this moment or later.")
]
OccurredTo = Annotated[datetime | None, argument(description="What happened before this moment.")]
InTimelineOrder = Annotated[TimelineOrder, argument(description="In which order.")]


@shows(DataKind.HOUSE, read_by=(timeline_page, first_entries))
@strawberry.type(description="Who recorded a fact, as the login said.")
class Recorder:
    issuer: str = strawberry.field(description="Who issued the login.")
    subject: str = strawberry.field(description="Whose login it was.")
    role: str = strawberry.field(description="The role used, as the login named it.")
    role_name: Role | None = strawberry.field(
        description="The role used; null if it is none of those there are now."
    )
    on_behalf_of: str | None = strawberry.field(description="For whom, if for somebody else.")

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        return cls(
            issuer=values["issuer"],
            subject=values["subject"],
            role=values["role"],
            role_name=Role.member_of(values["role"]),
            on_behalf_of=values.get("on_behalf_of"),
        )


@shows(DataKind.CLINICAL, read_by=(recordings_of, changes_of_prescriptions))
@strawberry.type(description="What was recorded of a fact: by whom, when and why.")
class Recording:
    entry: strawberry.ID = strawberry.field(description="Its entry of the timeline.")
    change_id: strawberry.ID | None = strawberry.field(
        description="Of a change of a prescription: the id by which it is corrected or cancelled."
    )
    kind: TimelineKind = strawberry.field(description="What kind of fact.")
    status: EntryStatus = strawberry.field(description="What became of it.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When the record learned of it.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_by: Recorder = strawberry.field(description="Who recorded it.")
    performed_by: str | None = strawberry.field(description="Who did it.")
    reason: str | None = strawberry.field(description="Why.")
    discharge_id: strawberry.ID | None = strawberry.field(
        description="Of a stop that came with the discharge of the patient: its movement."
    )

    @classmethod
    def of(cls, info: Info, view: EntryView) -> Self:
        return cls(
            entry=strawberry.ID(str(view.entry)),
            change_id=optional_id(view.movement),
            kind=TimelineKind(view.kind),
            status=EntryStatus(view.status),
            occurred_at=view.occurred_at,
            recorded_at=view.recorded_at,
            position=info.context.position(view.recorded_position),
            recorded_by=Recorder.of(view.recorded_by),
            performed_by=view.performed_by,
            reason=view.reason,
            discharge_id=optional_id(view.data.get("discharge")),
        )


@shows(DataKind.CLINICAL, read_by=(timeline_page, first_entries))
@strawberry.type(description="Another system that knew a fact first.")
class Source:
    system: str = strawberry.field(description="Its name.")
    id: strawberry.ID = strawberry.field(description="Its id of the fact.")
    recorded_at: datetime | None = strawberry.field(description="When it recorded the fact.")


@shows(DataKind.CLINICAL, read_by=(timeline_page, first_entries, summaries))
@strawberry.type(description="One fact: when it happened, when it was recorded, by whom, and why.")
class TimelineEntry(Node):
    kind: TimelineKind = strawberry.field(description="What kind of fact.")
    status: EntryStatus = strawberry.field(description="What became of it.")
    occurred_at: datetime = strawberry.field(description="When it happened at the bedside.")
    occurred_at_precision: Precision = strawberry.field(description="How precisely that is known.")
    recorded_at: datetime = strawberry.field(description="When the record learned of it.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_by: Recorder = strawberry.field(description="Who recorded it.")
    performed_by: str | None = strawberry.field(description="Who did it.")
    reason: str | None = strawberry.field(description="Why; given for late entries above all.")
    late: bool = strawberry.field(description="Recorded more than an hour after it happened.")
    movement_id: strawberry.ID | None = strawberry.field(
        description="Of a movement, or of a change of a prescription: its id for life, by which it is"
        " corrected or cancelled."
    )
    corrected_by: strawberry.ID | None = strawberry.field(description="The entry that corrects it.")
    corrects: strawberry.ID | None = strawberry.field(description="The entry that it corrects.")
    cancels: strawberry.ID | None = strawberry.field(description="The entry that it takes back.")
    cancelled_by: strawberry.ID | None = strawberry.field(
        description="The entry that takes it back."
    )
    stay_id: strawberry.ID | None = strawberry.field(description="The stay it belongs to.")
    subject: strawberry.ID = strawberry.field(
        description="Whose record it is in: the patient, the stay or the prescription."
    )
    patient_id: strawberry.ID = strawberry.field(description="The patient whom it is about.")
    source: Source | None = strawberry.field(description="The system that knew first.")
    summary: str = strawberry.field(description="The fact in words.")
    data: JSON = strawberry.field(
        description="What the fact says, with the record's own names; content has the public ones."
    )
    view: strawberry.Private[EntryView]

    @classmethod
    def of(cls, info: Info, view: EntryView, summary: str) -> Self:
        of_its_own = None if view.subject == view.patient else view.subject
        info.context.viewer.record_access(view.patient, view.stay, of_its_own)
        source = view.source
        return cls(
            id=strawberry.ID(str(view.entry)),
            kind=TimelineKind(view.kind),
            status=EntryStatus(view.status),
            occurred_at=view.occurred_at,
            occurred_at_precision=Precision(view.precision),
            recorded_at=view.recorded_at,
            position=info.context.position(view.recorded_position),
            recorded_by=Recorder.of(view.recorded_by),
            performed_by=view.performed_by,
            reason=view.reason,
            late=view.late,
            movement_id=optional_id(view.movement),
            corrected_by=optional_id(view.corrected_by),
            corrects=optional_id(view.corrects),
            cancels=optional_id(view.cancels),
            cancelled_by=optional_id(view.cancelled_by),
            stay_id=optional_id(view.stay),
            subject=strawberry.ID(str(view.subject)),
            patient_id=strawberry.ID(str(view.patient)),
            source=_source(source) if source else None,
            summary=summary,
            data=JSON(view.data),
            view=view,
        )

    @strawberry.field(
        description="What the fact says as other systems are told it: by kind, the fields of data in"
        " docs/feed.schema.json beside those of every event. Null for a kind that the feed has not."
    )
    async def content(self, info: Info) -> JSON | None:
        public = BY_TOPIC.get(KINDS[self.view.kind].TOPIC)
        if public is None or self.view.status == EntryStatus.PENDING:
            return None
        status, rooms = await info.context.log_status(), {}
        for id in rooms_in([self.view]):
            now = info.context.moment(status.now, status.position)
            if room := await info.context.load(rooms_by_id, id, now):
                rooms[id] = RoomLocation(room.ward, room.number)
        values = {
            name: (field, self.view.data.get(field.internal))
            for name, field in public.fields.items()
        }
        return JSON(
            {
                name: field.tell(value, rooms)
                for name, (field, value) in values.items()
                if value is not None
                and not (
                    value == ALTERED and field.internal in UNTOLD_VALUES
                )  # no text, but a date
            }
        )


async def summaries_of(info: Info, views: Iterable[EntryView], at: AsOf) -> dict[UUID, str]:
    """Return the summary of each entry, with rooms, staff and drugs by name."""
    context, entries = info.context, list(views)
    days = await context.query(_days, context.state.settings.hospital, at)

    async def views_of(query: ById[Any], ids: set[UUID]) -> dict[UUID, Any]:
        views = await gather(*(context.load(query, id, at) for id in ids))
        return {id: view for id, view in zip(ids, views, strict=True) if view is not None}

    ids_by_query = names_in(entries)
    names = await gather(*(views_of(query, ids) for query, ids in ids_by_query.items()))
    zone = days.zone_on(days.date_of(at.as_of))
    return sentences(entries, dict(zip(ids_by_query, names, strict=True)), zone)


async def _days(connection: AsyncConnection, hospital: str, at: AsOf) -> LocalDays:
    return await hospital_days(connection, hospital, at.known)


def criteria_of(
    read: Reading,
    kinds: Sequence[TimelineKind] | None,
    occurred_from: datetime | None,
    occurred_to: datetime | None,
    order_by: TimelineOrder,
) -> TimelineCriteria:
    """Return the options of a timeline. Raises InvalidInput for a period that ends before it begins."""
    if occurred_from and occurred_to and occurred_to < occurred_from:
        raise InvalidInput("occurred_to", "it has to lie after occurredFrom")
    names = tuple(k.value for k in kinds) if kinds else None
    return TimelineCriteria(read, names, occurred_from, occurred_to, order_by)


async def timeline_of(
    info: Info,
    at: AsOf,
    first: int | None,
    after: str | None,
    criteria: TimelineCriteria,
    *,
    patients: Sequence[UUID] | None = None,
    stay: UUID | None = None,
) -> Connection[TimelineEntry]:
    """Return a page of the timeline of some records of a person, or of a stay.

    First pages that are asked for at once are read together.
    """
    size, read = page_size(first), criteria.reading
    name, begin = ("record", int) if read is Reading.RECORD else ("timeline", datetime)
    name += " latest first" if criteria.descends else ""
    begins = decode_cursor(after, name, begin, int, int)
    if begins is None:
        of, ids = ("patient", patients) if stay is None else ("stay", [stay])
        options = of, criteria, size + 1

        async def first_page(id: UUID) -> list[EntryView]:
            return await info.context.load(first_entries, id, at, *options) or []

        entries = sorted(
            chain.from_iterable(await gather(*map(first_page, ids or ()))),
            key=lambda entry: (*place(entry, read), entry.entry),
            reverse=criteria.descends,
        )[: size + 1]
    else:
        entries = await info.context.query(
            timeline_page, at, size + 1, begins, criteria, patients=patients, stay=stay
        )
    stories = await summaries_of(info, entries[:size], at)
    return page(
        entries,
        size,
        after,
        lambda v: encode_cursor(name, *place(v, read)),
        lambda v: TimelineEntry.of(info, v, stories[v.entry]),
    )


def timeline_field(
    description: str, subject: Callable[[Any, Info], Awaitable[Mapping[str, Any]]]
) -> Any:
    """Return a field with the timeline of what ``subject`` names, as an argument of `timeline_of`."""

    async def timeline(
        self: Any,
        info: Info,
        kinds: OfKinds = None,
        read: Annotated[
            Reading, argument(description="ALL, TRUTH or RECORD, as in the query timeline.")
        ] = Reading.ALL,
        occurred_from: OccurredFrom = None,
        occurred_to: OccurredTo = None,
        order_by: InTimelineOrder = TimelineOrder.EARLIEST_FIRST,
        first: First = None,
        after: After = None,
    ) -> Connection[TimelineEntry]:
        criteria = criteria_of(read, kinds, occurred_from, occurred_to, order_by)
        of = await subject(self, info)
        return await timeline_of(info, self.at, first, after, criteria, **of)

    return strawberry.field(resolver=timeline, description=description)


def _source(values: dict[str, Any]) -> Source:
    at = values.get("recorded_at")
    return Source(
        system=values["system"],
        id=strawberry.ID(values["id"]),
        recorded_at=datetime.fromisoformat(at) if at else None,
    )
