"""Reports, given out and restated."""

from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import report_recorded
from api.graphql.mutations.inputs import CommandInput, optional, required
from api.graphql.mutations.payloads import CommonRefusals, ReportRecorded, result_union
from api.graphql.types.reports import ReportParameterInput, ReportPeriod


@strawberry.input(description="Give a report out, as known now.")
class IssueReportInput(CommandInput):
    name: str = required("The name of its definition.")
    period: ReportPeriod = required("On which days.")
    ward: str | None = optional("On this ward only; the hospital by default.")
    version: int | None = optional("Which version; the newest by default.")
    parameters: list[ReportParameterInput] | None = optional("Others than the defaults.")


@strawberry.input(description="Compute an issued report again, as known now.")
class RestateReportInput(CommandInput):
    issue_id: strawberry.ID = required("The issue.")


IssueReportResult = Annotated[ReportRecorded | CommonRefusals, result_union("IssueReport")]
RestateReportResult = Annotated[ReportRecorded | CommonRefusals, result_union("RestateReport")]


@strawberry.type
class ReportMutations:
    @strawberry.mutation(
        description="Give a report out: its figures, its definition and the place in the log that"
        " it was computed at are recorded, and it can be computed again for ever."
    )
    async def issue_report(self, info: Ask, input: IssueReportInput) -> IssueReportResult:
        return await report_recorded(info, input, info.context.state.hospital.issue_report)

    @strawberry.mutation(
        description="Compute an issued report again as known now, and record each figure that"
        " changed since it was last said, with the facts that changed it."
    )
    async def restate_report(self, info: Ask, input: RestateReportInput) -> RestateReportResult:
        return await report_recorded(info, input, info.context.state.hospital.restate_report)
