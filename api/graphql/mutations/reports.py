"""Reports, given out and restated."""

from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import report_recorded
from api.graphql.mutations.inputs import CommandInput, must, said
from api.graphql.mutations.payloads import Any_, ReportRecorded, union_of
from api.graphql.types.reports import ReportParameterInput, ReportPeriod


@strawberry.input(description="Give a report out, as known now.")
class IssueReportInput(CommandInput):
    name: str = must("The name of its definition.")
    period: ReportPeriod = must("On which days.")
    ward: str | None = said("On this ward only; the hospital by default.")
    version: int | None = said("Which version; the newest by default.")
    parameters: list[ReportParameterInput] | None = said("Others than the defaults.")


@strawberry.input(description="Compute an issued report again, as known now.")
class RestateReportInput(CommandInput):
    issue_id: strawberry.ID = must("The issue.")


IssueReportResult = Annotated[ReportRecorded | Any_, union_of("IssueReport")]
RestateReportResult = Annotated[ReportRecorded | Any_, union_of("RestateReport")]


@strawberry.type
class ReportMutations:
    @strawberry.mutation(
        description="Give a report out: its figures, its definition and the place in the log that"
        " it was computed at are recorded, and it can be computed again for ever."
    )
    async def issue_report(self, info: Ask, input: IssueReportInput) -> IssueReportResult:
        return await report_recorded(info, input, info.context.house.hospital.issue_report)

    @strawberry.mutation(
        description="Compute an issued report again as known now, and record each figure that"
        " changed since it was last said, with the facts that changed it."
    )
    async def restate_report(self, info: Ask, input: RestateReportInput) -> RestateReportResult:
        return await report_recorded(info, input, info.context.house.hospital.restate_report)
