"""Queries of reports."""

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from functools import partial
from typing import Annotated, TypeVar
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import check_known, check_ward, known_ward, or_forbidden
from api.graphql.context import Ask, Context
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
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.reports import Report, ReportDefinition, ReportParameterInput, ReportPeriod
from api.work import in_thread
from application.reports import definition as computed
from application.reports.definition import Subject
from application.reports.disclosure import PERSONS, Cells, suppress, without_clinical
from application.reports.registry import find_definition, newest_definitions
from application.reports.service import OpenReportService, ReportService
from domain.refusals import NotAllowed
from infrastructure.caching.replica import FAILURES
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.stays import stays_by_id
from infrastructure.reports import issued_reports


async def _hidden_subjects(context: Context, persons: Set[Subject]) -> set[Subject]:
    """Return those among some persons whom the viewer may not see now; the others are read."""
    if not context.may("data:identity"):
        return set(persons)
    now = await context.at()
    ids = {kind: [UUID(s.id) for s in persons if s.kind == kind] for kind in PERSONS}
    patients = await context.query(patients_by_id, ids["person"], now)
    stays = await context.query(stays_by_id, ids["stay"], now)
    for patient in (*patients, *(stay.patient for stay in stays.values())):
        now.record_access(patient)
    visible = {*map(str, patients), *map(str, stays)}
    return {person for person in persons if person.id not in visible}


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
        info: Ask,
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
        info: Ask,
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
        info: Ask,
        id: Annotated[strawberry.ID, argument(description="Its id.")],
        at_least: AtLeast = None,
    ) -> ReportIssue | None:
        at = await info.context.at(at_least=at_least)
        issue = await ReportIssue.find(info, id_of(id), at)
        await or_forbidden(info.context, issue, issued_reports.issues_by_id, id_of(id), at)
        await check_known(info.context, issue, id, "issued report")
        return issue


async def _report(
    info: Ask,
    definition: computed.Definition,
    period: ReportPeriod,
    ward: str | None,
    choices: Mapping[str, str],
    at: AsOf,
) -> Report:
    """Return a report as the viewer may see it."""
    context = info.context
    sees_persons = context.viewer.sees_all and context.may("data:identity")
    actor, figures = context.caller.actor, context.state.disclosed_figures
    disclosures = figures.to(actor.issuer, actor.subject)

    def compute(reports: ReportService) -> tuple[computed.Report, Cells | None, list[UUID]]:
        report = reports.of_period(
            definition, period.from_, period.to, ward, choices, position=at.known
        )
        smallest_cell = context.state.settings.smallest_cell
        cells = None if sees_persons else reports.cells(report, smallest_cell)
        if cells is not None:
            cells = replace(cells, differences=disclosures.differences(cells, figures.clock()))
        return report, cells, reports.parked_commands(at.known)

    suppressed_rows: set[computed.Row] = set()
    # One report at a time of a login, so that the others are answered, too.
    async with disclosures.lock:
        full_report, cells, parked_commands = await _on_reports(context, compute)
        report = full_report
        if cells is not None:
            closed_subjects = await _hidden_subjects(context, cells.all_small)
            report, suppressed_rows = suppress(report, cells, closed_subjects)
        if not context.may("data:clinical"):
            report = without_clinical(report)
        if cells is not None:
            visible_rows = {*report.rows} - suppressed_rows
            rows = [number for number, row in enumerate(full_report.rows) if row in visible_rows]
            await in_thread(partial(disclosures.keep, cells, rows, figures.clock()))
    return Report.of(info, report, parked_commands, suppressed_rows)


T = TypeVar("T")


async def _on_reports(context: Context, compute: Callable[[ReportService], T]) -> T:
    """Run a computation on the report service where the answer is read, in a thread."""

    def run_on(open_service: OpenReportService) -> T:
        with open_service() as reports:
            return compute(reports)

    replica = context.state.replica
    if replica is not None and context.source is replica:
        try:
            return await in_thread(partial(run_on, replica.open_reports))
        except FAILURES:
            context.replica_failed()
    return await in_thread(partial(run_on, context.state.hospital.reports.open_service))
