"""Inputs of the commands that issue and restate reports."""

from api.graphql.mutations.inputs import (
    CommandInput,
    IssueId,
    about_person,
    authority_of_mrn,
    optional,
    required,
)
from api.graphql.mutations.payloads import ReportRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.reports import ReportParameterInput, ReportPeriod


@command_input(
    "issue_report",
    ReportRecorded,
    "Give a report out, as known now.",
    mutation_description="Give a report out: its figures, its definition and the place in the log that"
    " it was computed at are recorded, and it can be computed again for ever.",
)
class IssueReportInput(CommandInput):
    name: str = required("The name of its definition.")
    period: ReportPeriod = required("On which days.")
    ward: str | None = optional("On this ward only; the hospital by default.")
    version: int | None = optional("Which version; the newest by default.")
    parameters: list[ReportParameterInput] | None = optional("Others than the defaults.")
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()


@command_input(
    "restate_report",
    ReportRecorded,
    "Compute an issued report again, as known now.",
    mutation_description="Compute an issued report again as known now, and record each figure that"
    " changed since it was last said, with the facts that changed it.",
)
class RestateReportInput(CommandInput):
    issue_id: IssueId = required("The issue.")
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()
