"""Subscriptions: the changes missed since a position, then live ones, each exactly once."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_known,
    check_ward,
    known_ward,
    or_forbidden,
    patient_by_mrn,
)
from api.graphql.context import ById, Context, Info
from api.graphql.declarations import DataKind, shows
from api.graphql.mutations.dispatch import uuid
from api.graphql.queries.arguments import Hours, MrnAuthority, check_subject, hours_ahead
from api.graphql.queries.doses import HoursAhead, HoursBack, InDoseOrder, around
from api.graphql.scalars import Position
from api.graphql.types.events import AfterPosition, Event, Kinds, OfWard, topics_of
from api.graphql.types.house_totals import HouseTotals
from api.graphql.types.rooms import RoomOccupancy, boards
from api.graphql.types.schedules import DoseDue
from api.graphql.types.stays import Stay
from api.graphql.types.timeline import TimelineEntry
from api.work import next_step
from domain.refusals import InvalidInput, NotFound
from domain.things import Thing
from infrastructure.queries.doses_due import DoseOrder, doses_due
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.named import check_ward_held, ward_named
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.stays import stays_by_id
from infrastructure.read_models.timeline.queries import entry_by_id
from infrastructure.subscriptions.broker import Change, Topic
from infrastructure.subscriptions.doses_topic import DosesTopic
from infrastructure.subscriptions.occupancy_topic import OccupancyTopic
from infrastructure.subscriptions.topics import FeedTopic, TimelineTopic
from infrastructure.subscriptions.totals_topic import TotalsTopic

T = TypeVar("T")
OptionalWard = TypeVar("OptionalWard", str, str | None)


@shows(DataKind.STAY)
@strawberry.type(description="Rooms of which something else is held than before.")
class RoomOccupancyChange:
    position: Position = strawberry.field(
        description="As known there; go on after it by giving it as after."
    )
    rooms: list[RoomOccupancy] = strawberry.field(
        description="Those rooms with all their beds, as they are now."
    )
    left: list[strawberry.ID] = strawberry.field(
        description="The ids of rooms that are on this board no more: of another ward now."
    )


@shows(DataKind.HOUSE)
@strawberry.type(description="Totals of which one is another than before.")
class HouseTotalsChange:
    position: Position = strawberry.field(
        description="As known there; go on after it by giving it as after."
    )
    totals: HouseTotals = strawberry.field(description="All of them, as they are now.")


@shows(DataKind.CLINICAL)
@strawberry.type(description="Doses of a ward of which something is another than before.")
class DosesDueChange:
    position: Position = strawberry.field(
        description="As known there; go on after it by giving it as after."
    )
    doses: list[DoseDue] = strawberry.field(description="All that are due, as they are now.")


@strawberry.type(
    description="What can be followed, over graphql-transport-ws at /graphql; connection_init has"
    ' {"Authorization": "Bearer TOKEN", "purpose": …}. Go on after the position of the last item.'
)
class Subscription:
    @strawberry.subscription(
        description="What is recorded, in the order of the log, as in the query events."
    )
    async def events(
        self, info: Info, after: AfterPosition = None, kinds: Kinds = None, ward: OfWard = None
    ) -> AsyncGenerator[Event, None]:
        context = info.context
        check_ward(context, ward)
        ward = await known_ward(context, ward)
        begin = await _begin(context, after)
        return _events(context, FeedTopic(topics_of(kinds), ward), begin)

    @strawberry.subscription(
        description="What is recorded of a stay or of a patient, late entries and corrections too,"
        " in the order of the log. Each entry is told once, as it was known when it was recorded."
    )
    async def timeline_extended(
        self,
        info: Info,
        mrn: Annotated[str | None, argument(description="Of the patient with this MRN.")] = None,
        mrn_authority: MrnAuthority = None,
        stay_id: Annotated[strawberry.ID | None, argument(description="Of this stay.")] = None,
        after: AfterPosition = None,
    ) -> AsyncGenerator[TimelineEntry, None]:
        context = info.context
        check_subject(mrn, stay_id)
        begin, hospital = await _begin(context, after), context.state.settings.hospital
        if mrn is not None:
            patient = await patient_by_mrn(context, mrn, mrn_authority, await context.at())
            if patient is None:
                raise NotFound(Thing.PATIENT, mrn, "mrn")
            subject = Subject(patients_by_id, patient.patient)
            return _entries(info, TimelineTopic(hospital, patient=patient.patient), subject, begin)
        stay = uuid(str(stay_id), Thing.STAY, "stayId")
        at = await context.at()
        found_stay = await Stay.find(info, stay, at)
        await or_forbidden(context, found_stay, stays_by_id, stay, at)
        await check_known(context, found_stay, str(stay_id), Thing.STAY, "stay_id")
        return _entries(info, TimelineTopic(hospital, stay=stay), Subject(stays_by_id, stay), begin)

    @strawberry.subscription(
        description="Who lies where in a ward, or in the house: the rooms of which something else is"
        " held, of the past too, or whose beds changed as time went by; also when what is selected"
        " of a patient, stay or doctor changed. What was missed since after is told in one item."
    )
    async def room_occupancy_changed(
        self,
        info: Info,
        ward: Annotated[str | None, argument(description="Of this ward only.")] = None,
        after: AfterPosition = None,
    ) -> AsyncGenerator[RoomOccupancyChange, None]:
        ward, begin, seen_at = await _begin_ward(info.context, ward, after)
        topic = OccupancyTopic(ward, seen_at, (board, *info.context.queries))
        return _rooms(info, topic, begin)

    @strawberry.subscription(
        description="The totals of a ward, or of the house, whenever one of them is another: because"
        " something is recorded, of the past too, or as time goes by (within a minute)."
    )
    async def house_totals_changed(
        self,
        info: Info,
        ward: Annotated[str | None, argument(description="Of this ward only.")] = None,
        hours: Hours = 24,
        after: AfterPosition = None,
    ) -> AsyncGenerator[HouseTotalsChange, None]:
        ward, begin, seen_at = await _begin_ward(info.context, ward, after)
        hospital = info.context.state.settings.hospital
        topic = TotalsTopic(hospital, ward, hours_ahead(hours), seen_at)
        return _totals(info.context, topic, begin)

    @strawberry.subscription(
        description="The doses that are due in a ward, as in the query dosesDue, whenever one of them,"
        " its status, its prescription, the stay or the patient is another: because something is"
        " recorded, of the past too, or as time goes by (within a minute)."
    )
    async def doses_due_changed(
        self,
        info: Info,
        ward: Annotated[str, argument(description="Of those who lie in this ward.")],
        hours_back: HoursBack = 24,
        hours_ahead: HoursAhead = 12,
        order_by: InDoseOrder = DoseOrder.DUE,
        after: AfterPosition = None,
    ) -> AsyncGenerator[DosesDueChange, None]:
        back, ahead = around(hours_back, hours_ahead)
        ward, begin, seen_at = await _begin_ward(info.context, ward, after)
        topic = DosesTopic(info.context.state.settings.hospital, ward, back, ahead, seen_at)
        return _doses(info.context, topic, (ward, back, ahead, order_by), begin)


async def _begin(context: Context, after: Position | None) -> int | None:
    """Return the log position to resume at. Raises InvalidInput if the log has not reached it."""
    if after is None:
        return None
    begin = context.after(after)
    if begin > (await context.log_status()).recorded:
        raise InvalidInput("after", "the log is not that far yet")
    return begin


async def _begin_ward(
    context: Context, ward: OptionalWard, after: Position | None
) -> tuple[OptionalWard, int | None, datetime | None]:
    """Return a ward's stored name, the position to resume at, and without one the time now.

    Raises NotFound, NotAllowed, InvalidInput.
    """
    check_ward(context, ward)
    if ward is not None:
        ward = await context.query(ward_named, ward)
    begin = await _begin(context, after)
    if ward is not None:
        await context.query(check_ward_held, ward, await context.at())
    return ward, begin, (await context.log_status()).now if after is None else None


async def _events(
    context: Context, topic: FeedTopic, after: int | None
) -> AsyncGenerator[Event, None]:
    async with _changes(context, topic, after) as items:
        async for item in items:
            yield Event.of(context, item.payload)


@dataclass(frozen=True, slots=True)
class Subject:
    """The stay or patient of a followed timeline, with the query that finds it."""

    question: ById[Any]
    id: UUID


async def _entries(
    info: Info, topic: TimelineTopic, subject: Subject, after: int | None
) -> AsyncGenerator[TimelineEntry, None]:
    """Yield the entries. Raises NotAllowed once all are hidden: silence would be a wrong answer."""
    async with _changes(info.context, topic, after) as items:
        async for item in items:
            if not info.context.viewer.sees_all:  # what is told is the same for all who are told
                status = await info.context.log_status()  # the clock of who noted it may be ahead
                at = await info.context.at(max(status.now, item.payload.entry.occurred_at))
                views = await info.context.query(entry_by_id, item.payload.entry.entry, at)
                if (
                    await or_forbidden(info.context, views, subject.question, subject.id, at)
                    is None
                ):
                    continue
            entry = TimelineEntry.of(info, item.payload.entry, item.payload.summary)
            entry.position = info.context.position(item.position)
            yield entry


async def _rooms(
    info: Info, topic: OccupancyTopic, after: int | None
) -> AsyncGenerator[RoomOccupancyChange, None]:
    context = info.context
    async with _changes(context, topic, after) as items:
        async for item in items:
            at = context.moment(item.payload.at.as_of, item.payload.at.known)
            yield RoomOccupancyChange(
                position=context.position(item.position),
                rooms=await boards(info, item.payload.rooms, at),
                left=[strawberry.ID(str(room)) for room in item.payload.left],
            )


async def _totals(
    context: Context, topic: TotalsTopic, after: int | None
) -> AsyncGenerator[HouseTotalsChange, None]:
    async with _changes(context, topic, after) as items:
        async for item in items:
            yield HouseTotalsChange(
                position=context.position(item.position), totals=HouseTotals.of(item.payload)
            )


async def _doses(
    context: Context,
    topic: DosesTopic,
    asked: tuple[str, timedelta, timedelta, DoseOrder],
    after: int | None,
) -> AsyncGenerator[DosesDueChange, None]:
    """Yield the doses that the viewer may see: asked for as by the query, for each change."""
    async with _changes(context, topic, after) as items:
        async for item in items:
            at = context.moment(item.payload.as_of, item.payload.known)
            days = await context.query(hospital_days, context.state.settings.hospital, at.known)
            views = await context.query(doses_due, at, days, *asked)
            yield DosesDueChange(
                position=context.position(item.position),
                doses=[DoseDue.of(view, at) for view in views],
            )


def _changes(
    context: Context, topic: Topic[T], after: int | None
) -> aclosing[AsyncGenerator[Change[T], None]]:
    """Yield the changes of a topic, each with a fresh context that subscribers may share reads of."""

    async def items() -> AsyncGenerator[Change[T], None]:
        async with aclosing(context.state.broker.subscribe(topic, after)) as stream:
            async for item in stream:
                await next_step()
                context.check_login()
                context.next_item(item.position, item.shared)
                await context.load_permissions()
                yield item

    return aclosing(items())
