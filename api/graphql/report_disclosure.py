"""Disclosure of reports: figures as the viewer may see them, computed just now or issued before."""

from collections.abc import Callable, Collection, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

from api.graphql.context import Context
from api.work import in_thread
from application.reports.definition import Report, Row, Subject
from application.reports.disclosure import (
    PERSONS,
    Cells,
    suppress,
    without_clinical,
    without_counts,
)
from application.reports.formula import Dimensions
from application.reports.service import OpenReportService, ReportService
from infrastructure.caching.replica import FAILURES
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.stays import stays_by_id

T = TypeVar("T")


@dataclass(frozen=True)
class DisclosedReport:
    """A report without what its viewer may not see."""

    report: Report
    suppressed_rows: Collection[Row] = ()
    parked_commands: Collection[UUID] = ()
    """Commands whose facts the figures may lack."""

    def tells(self, figure: str, of: Dimensions) -> bool:
        """Return whether the value of a figure is told, or that there is none."""
        return (figure, of) not in {(row.figure, row.of) for row in self.suppressed_rows}


async def disclose_issued(context: Context, report: Report) -> DisclosedReport:
    """Return a report that was issued as the viewer may see it: as if it were asked for as of then."""
    if _sees_persons(context) and context.may("data:clinical"):
        return DisclosedReport(report)
    return await disclose(context, lambda _: (report, ()))


async def disclose(
    context: Context, compute: Callable[[ReportService], tuple[Report, Collection[UUID]]]
) -> DisclosedReport:
    """Return a report as the viewer may see it, with the commands that it lacks.

    It is compared with the figures that the login was told before, and is one of them from now on.
    """
    sees_persons = _sees_persons(context)
    actor, figures = context.caller.actor, context.state.disclosed_figures
    disclosures = figures.to(actor.issuer, actor.subject)

    def compute_cells(
        reports: ReportService,
    ) -> tuple[Report, Cells | None, Collection[UUID]]:
        report, parked_commands = compute(reports)
        if sees_persons:
            return report, None, parked_commands
        cells = reports.cells(report, context.state.settings.smallest_cell)
        differences = disclosures.differences(cells, figures.clock())
        return report, replace(cells, differences=differences), parked_commands

    suppressed_rows: set[Row] = set()
    # One report at a time of a login, so that the others are answered, too.
    async with disclosures.lock:
        full_report, cells, parked_commands = await _on_reports(context, compute_cells)
        report = full_report
        if cells is not None:
            closed_subjects = await _hidden_subjects(context, cells.all_small)
            report, suppressed_rows = suppress(without_counts(report), cells, closed_subjects)
        if not context.may("data:clinical"):
            report = without_clinical(report)
        if cells is not None:
            visible_rows = {*report.rows} - suppressed_rows
            rows = [number for number, row in enumerate(full_report.rows) if row in visible_rows]
            await in_thread(partial(disclosures.keep, cells, rows, figures.clock()))
    return DisclosedReport(report, suppressed_rows, parked_commands)


def _sees_persons(context: Context) -> bool:
    return context.viewer.sees_all and context.may("data:identity")


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
