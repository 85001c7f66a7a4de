"""Commands about reports: issuing one, and restating it as known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from application import lookups
from application.authorization import scope
from application.authorization.roles import ANALYSIS
from application.command_group import CommandGroup, command
from application.command_pipeline import CommandPipeline
from application.reports.issued import explained_by, report_of, stored_result, terms_of
from application.reports.registry import find_definition
from application.reports.service import OpenReportService
from application.unit_of_work import UnitOfWork
from domain.report import Report


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Days of the hospital's calendar, both included."""

    from_: date
    to: date


@dataclass(frozen=True, slots=True)
class ReportParameter:
    """The choice for a parameter of a report, as text."""

    name: str
    value: str


class Reports(CommandGroup):
    """Issued reports. They are computed as the command is decided."""

    def __init__(self, pipeline: CommandPipeline, open_service: OpenReportService) -> None:
        super().__init__(pipeline)
        self.open_service = open_service

    @command(roles=ANALYSIS)
    def issue_report(
        self,
        uow: UnitOfWork,
        *,
        name: str,
        period: ReportPeriod,
        ward: str | None = None,
        version: int | None = None,
        parameters: Sequence[ReportParameter] | None = None,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """Issue a report as known now: its figures stay readable, and can be computed again.

        Raises NotFound for an unknown name or ward, InvalidInput for a period of which no day has
        ended, and FiguresNotReadable, which is no refusal.
        """
        scope.check_ward(uow, ward)
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        ward = None if ward is None else lookups.ward_name(uow, ward)
        choices = {p.name: p.value for p in parameters or ()}
        definition = find_definition(name, version)
        with self.open_service() as reports:
            report = reports.of_period(definition, period.from_, period.to, ward, choices)
            result = stored_result(report, reports.checkpoint())
        uow.new(Report, "report").issue(terms_of(report), result, uow.entry, about)

    @command(roles=ANALYSIS)
    def restate_report(
        self,
        uow: UnitOfWork,
        *,
        issue_id: UUID,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """Compute an issued report again as known now, and record each change with its causes.

        Raises NotFound, InvalidInput if nothing was recorded since, and FiguresNotReadable.
        """
        issue = uow.one(Report, issue_id, "issue_id")
        assert issue.terms is not None
        assert issue.said is not None
        scope.check_ward(uow, issue.terms.ward)
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        with self.open_service() as reports:
            restatement = reports.restate(report_of(issue.terms, issue.said))
            result = stored_result(restatement.report, reports.checkpoint())
        changes, causes = explained_by(restatement.changes, restatement.facts)
        issue.restate(result, changes, causes, uow.entry, about)
