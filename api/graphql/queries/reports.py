"""Queries of reports."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import check_known, check_ward, known_ward, or_forbidden
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    After,
    AtLeast,
    First,
    KnownAt,
    KnownAtPosition,
    KnownMoment,
    id_of,
    known_moment,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.report_disclosure import disclose
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.reports import Report, ReportDefinition, ReportParameterInput, ReportPeriod
from application.reports import definition as computed
from application.reports.definition import Definition
from application.reports.registry import find_definition, newest_definitions
from application.reports.service import ReportService
from domain.refusals import NotAllowed
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.reports import issued_reports


@strawberry.type
class ReportQueries:
    @strawberry.field(description="What reports there are, each in its newest version.")
    def report_definitions(self) -> list[ReportDefinition]:
        return [ReportDefinition.of(definition) for definition in newest_definitions()]

    @strawberry.field(description="A report on a period, as known now or at another moment.")
    async def report(
        self,
        info: Info,
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
        moment: KnownMoment = None,
    ) -> Report:
        check_ward(info.context, ward)
        ward = await known_ward(info.context, ward)
        definition = find_definition(name, version)
        choices = {p.name: p.value for p in parameters or ()}
        context = info.context
        if not context.may("data:clinical") and any(
            p.clinical and p.name in choices for p in definition.parameters
        ):
            raise NotAllowed(f"The role {context.caller.role} may not choose by what is clinical")
        context.note_entity(
            f"{definition.name}@{definition.version} {period.from_}..{period.to}"
            f" {'' if ward is None else f'ward {ward}'} {choices or ''}".strip()
        )
        at = await context.at(None, known_at, known_at_position, at_least, known_moment(moment))
        return await _report(info, definition, period, ward, choices, at)

    @strawberry.field(
        description="All reports on a period, as of a month, each in its newest version, as known at"
        " one moment."
    )
    async def report_bundle(
        self,
        info: Info,
        period: Annotated[ReportPeriod, argument(description="On which days.")],
        ward: Annotated[
            str | None, argument(description="On this ward only; the hospital by default.")
        ] = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
        moment: KnownMoment = None,
    ) -> list[Report]:
        context = info.context
        check_ward(context, ward)
        ward = await known_ward(context, ward)
        of_ward = "" if ward is None else f" ward {ward}"
        context.note_entity(f"bundle {period.from_}..{period.to}{of_ward}")
        at = await context.at(None, known_at, known_at_position, at_least, known_moment(moment))
        return [
            await _report(info, definition, period, ward, {}, at)
            for definition in newest_definitions()
        ]

    @strawberry.field(
        description="The reports that were given out, the newest first; for who has wards,"
        " those on them."
    )
    async def report_issues(
        self,
        info: Info,
        name: Annotated[str | None, argument(description="Of this definition only.")] = None,
        first: First = None,
        after: After = None,
        at_least: AtLeast = None,
    ) -> Connection[ReportIssue]:
        at = await info.context.at(at_least=at_least)
        if name is not None:
            find_definition(name)
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
        info: Info,
        id: Annotated[strawberry.ID, argument(description="Its id.")],
        at_least: AtLeast = None,
    ) -> ReportIssue | None:
        at = await info.context.at(at_least=at_least)
        issue = await ReportIssue.find(info, id_of(id), at)
        await or_forbidden(info.context, issue, issued_reports.issues_by_id, id_of(id), at)
        await check_known(info.context, issue, id, Thing.ISSUED_REPORT)
        return issue


async def _report(
    info: Info,
    definition: Definition,
    period: ReportPeriod,
    ward: str | None,
    choices: Mapping[str, str],
    at: AsOf,
) -> Report:
    """Return a report as the viewer may see it."""

    def compute(reports: ReportService) -> tuple[computed.Report, list[UUID]]:
        report = reports.of_period(
            definition, period.from_, period.to, ward, choices, position=at.known
        )
        return report, reports.parked_commands(at.known)

    return Report.of(info, await disclose(info.context, compute))
