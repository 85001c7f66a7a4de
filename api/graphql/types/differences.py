"""Differences between two moments of the record, and the exposure to a wrong fact."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from api.graphql.batches import find_all
from api.graphql.context import Info
from api.graphql.declarations import ISSUES, DataKind, shows
from api.graphql.scalars import Position
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.rooms import Bed, Room
from api.graphql.types.stays import Stay
from api.graphql.types.timeline import TimelineEntry, summaries_of
from api.work import in_thread
from infrastructure.queries import differences
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.stays import stay_periods
from infrastructure.read_models.timeline.queries import EntryView
from infrastructure.reports import inputs
from infrastructure.reports.exposure import containing


@shows(DataKind.STAY)
@strawberry.type(description="A period in which nothing about a stay changed.")
class StayPeriod:
    since: datetime = strawberry.field(description="When it began.")
    until: datetime | None = strawberry.field(description="When it ended; absent if it goes on.")
    stay: Stay = strawberry.field(description="The stay as held in that period.")


@shows(DataKind.STAY)
@strawberry.type(description="A stay as held at two moments of the record.")
class StayDifference:
    before: list[StayPeriod] = strawberry.field(description="Its whole history as held then.")
    after: list[StayPeriod] = strawberry.field(description="Its whole history as held later.")
    facts: list[TimelineEntry] = strawberry.field(
        description="What was recorded of it in between, in that order."
    )

    @classmethod
    async def find(cls, info: Info, id: UUID, before: AsOf, after: AsOf) -> "StayDifference | None":
        facts_held = [
            [
                StayPeriod(since=p.since, until=p.until, stay=Stay.of(p.stay, at))
                for p in await info.context.query(stay_periods, id, at)
            ]
            for at in (before, after)
        ]
        if not facts_held[1]:
            return None
        facts_found = await info.context.query(differences.facts_between, [id], before.known, after)
        return cls(
            before=facts_held[0],
            after=facts_held[1],
            facts=await _timeline_entries(info, facts_found, after),
        )


@shows(DataKind.HOUSE)
@strawberry.type(description="A bed of which something else is held than before.")
class BedDifference:
    room: Room = strawberry.field(description="The room.")
    before: Bed | None = strawberry.field(description="The bed as held then; null: not known.")
    after: Bed | None = strawberry.field(description="The bed as held later.")
    facts: list[TimelineEntry] = strawberry.field(
        description="What was recorded in between of the stays on either side, in that order."
    )

    @classmethod
    async def all(
        cls, info: Info, ward: str | None, before: AsOf, after: AsOf
    ) -> list["BedDifference"]:
        changes = await info.context.query(differences.bed_changes, ward, before, after)
        return [
            cls(
                room=Room.of(change.room, after),
                before=Bed.of(change.before, change.room, before) if change.before else None,
                after=Bed.of(change.after, change.room, after) if change.after else None,
                facts=await _timeline_entries(
                    info,
                    await info.context.query(
                        differences.facts_between, change.stays, before.known, after
                    ),
                    after,
                ),
            )
            for change in changes
        ]


@shows(DataKind.CLINICAL)
@strawberry.type(description="What was decided or recorded while a fact was wrong.")
class Exposure:
    wrong_from: Position = strawberry.field(description="Where the wrong fact was recorded.")
    wrong_to: Position = strawberry.field(description="Where it was corrected, or taken back.")
    wrong: list[TimelineEntry] = strawberry.field(
        description="The fact as it was held wrongly; of the closure of a bed nothing, which is in no"
        " patient's timeline."
    )
    decided: list[TimelineEntry] = strawberry.field(
        description="Doses, prescriptions, visits and beds of the same stay, and who was put into"
        " the rooms that it names, recorded in between, in that order."
    )
    view: strawberry.Private[differences.ExposureView]
    at: strawberry.Private[AsOf]

    @strawberry.field(
        description="The reports, issued or restated in between, to whose figures the fact belonged,"
        " or which left somebody out because of it.",
        metadata=ISSUES,
    )
    async def reports(self, info: Info) -> list[ReportIssue]:
        state, view = info.context.state, self.view

        def find_issues() -> list[UUID]:
            with inputs.report_connection(state.database.app_url) as connection:
                return containing(connection, state.settings.hospital, view)

        issues = await in_thread(find_issues)
        return await find_all(ReportIssue.find(info, issue, self.at) for issue in issues)

    @classmethod
    async def find(cls, info: Info, fact: UUID, at: AsOf) -> "Exposure | None":
        view = await info.context.query(differences.exposure, fact, at)
        if view is None:
            return None
        return cls(
            wrong_from=info.context.position(view.wrong_from),
            wrong_to=info.context.position(view.wrong_to),
            wrong=await _timeline_entries(info, view.wrong, at),
            decided=await _timeline_entries(info, view.decided, at),
            view=view,
            at=at,
        )


async def _timeline_entries(
    info: Info, views: Sequence[EntryView], at: AsOf
) -> list[TimelineEntry]:
    stories = await summaries_of(info, views, at)
    return [TimelineEntry.of(info, v, stories[v.entry]) for v in views]
