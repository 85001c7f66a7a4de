"""Queries of reports."""

import asyncio
from typing import Annotated

import strawberry
from strawberry import argument

from api.graphql.authorization import check_ward, or_forbidden
from api.graphql.context import Ask
from api.graphql.queries.arguments import After, AtLeast, First, KnownAt, KnownAtPosition, named
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.reports import Report, ReportDefinition, ReportParameterInput, ReportPeriod
from application.reports.registry import find_definition, newest_definitions
from infrastructure.reports import issued_reports


@strawberry.type
class ReportQueries:
    @strawberry.field(description="What reports there are, each in its newest version.")
    def report_definitions(self) -> list[ReportDefinition]:
        return [ReportDefinition.of(definition) for definition in newest_definitions()]

    @strawberry.field(description="A report on a period, as known now or at another moment.")
    async def report(
        self,
        info: Ask,
        name: Annotated[str, argument(description="The name of its definition.")],
        period: Annotated[ReportPeriod, argument(description="On which days.")],
        ward: Annotated[
            str | None, argument(description="On this ward only; the hospital by default.")
        ] = None,
        version: Annotated[
            int | None, argument(description="Which version; the newest by default.")
        ] = None,
        parameters: Annotated[
            list[ReportParameterInput] | None, argument(description="Others than the defaults.")
        ] = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Report:
        check_ward(info.context, ward)
        definition = find_definition(name, version)
        chosen = {p.name: p.value for p in parameters or ()}
        at = await info.context.at(None, known_at, known_at_position, at_least)

        def compute() -> Report:
            with info.context.state.hospital.reports.open_service() as reports:
                report = reports.of_period(
                    definition, period.from_, period.to, ward, chosen, position=at.known
                )
                return Report.of(info, report, reports.parked_commands(at.known))

        return await asyncio.to_thread(compute)

    @strawberry.field(
        description="The reports that were given out, the newest first; for who has wards,"
        " those on them."
    )
    async def report_issues(
        self,
        info: Ask,
        name: Annotated[str | None, argument(description="Of this definition only.")] = None,
        first: First = None,
        after: After = None,
        at_least: AtLeast = None,
    ) -> Connection[ReportIssue]:
        at = await info.context.at(at_least=at_least)
        size, place = page_size(first), decode_cursor(after, "issues", int)
        before = place[0] if place else None
        views = await info.context.query(issued_reports.issues_page, at, name, size + 1, before)
        return page(
            views,
            size,
            after,
            lambda view: encode_cursor("issues", view.position),
            lambda view: ReportIssue.of(info, view, at),
        )

    @strawberry.field(description="A report that was given out, by its id.")
    async def report_issue(
        self,
        info: Ask,
        id: Annotated[strawberry.ID, argument(description="Its id.")],
        at_least: AtLeast = None,
    ) -> ReportIssue | None:
        at = await info.context.at(at_least=at_least)
        found = await ReportIssue.find(info, named(id), at)
        return await or_forbidden(info.context, found, issued_reports.issues_by_id, named(id), at)
