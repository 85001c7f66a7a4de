"""Reports and their definitions."""

from collections.abc import Collection, Mapping
from datetime import date

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.report_disclosure import DisclosedReport
from api.graphql.scalars import Position
from api.report_csv import report_csv
from application.reports import definition as definitions
from application.reports.formatting import format_value
from application.reports.inputs import Choice
from domain.described_enum import DescribedEnum


@strawberry.enum(description="What a figure counts, or is measured in.")
class ReportUnit(DescribedEnum):
    ADMISSIONS = "admissions", "Patients who came."
    BEDS = "beds", "Beds."
    DAYS = "days", "Days of patients or beds, or of 24 hours."
    DEATHS = "deaths", "Patients who died."
    DISCHARGES = "discharges", "Patients who left."
    DISCHARGES_PER_BED = "discharges per bed", "Discharges, divided by the beds that there were."
    FACTS = "facts", "Entries in the record."
    LEAVES = "leaves", "Leaves of absence."
    PATIENTS = "patients", "Patients."
    PERCENT = "percent", "Of 100."
    PER_THOUSAND_PATIENT_DAYS = "per 1 000 patient days", "Cases for each 1,000 patient days."
    PRESCRIPTIONS = "prescriptions", "Prescriptions."
    SECONDS = "seconds", "Seconds, of a wait or of time here."
    TRANSFERS = "transfers", "Moves to another bed."


UNIT = "What it counts, or is measured in."
USE_UNIT_KIND = "Use unitKind, an enum."


@shows(DataKind.FIGURES)
@strawberry.type(description="A figure that a report gives: what it counts, in which unit.")
class ReportFigureDefinition:
    name: str = strawberry.field(description="Its name.")
    unit: str = strawberry.field(description=UNIT, deprecation_reason=USE_UNIT_KIND)
    unit_kind: ReportUnit = strawberry.field(description=UNIT)
    meaning: str = strawberry.field(description="What it says, in words.")


@shows(DataKind.FIGURES)
@strawberry.type(description="A parameter of a report, as text; a list is separated by commas.")
class ReportParameter:
    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value; in a definition, the default.")
    meaning: str = strawberry.field(description="What it chooses.")


@shows(DataKind.FIGURES)
@strawberry.type(description="A named, versioned definition over the one history.")
class ReportDefinition:
    name: str = strawberry.field(description="Its name.")
    version: int = strawberry.field(description="Its version; versions that were issued stay.")
    title: str = strawberry.field(description="What it is called in print.")
    formula: str = strawberry.field(description="Its rule, in words.")
    source: str = strawberry.field(description="Where the rule comes from.")
    figures: list[ReportFigureDefinition] = strawberry.field(description="What it gives.")
    parameters: list[ReportParameter] = strawberry.field(description="What may be chosen.")

    @classmethod
    def of(cls, definition: definitions.Definition) -> "ReportDefinition":
        return cls(
            name=definition.name,
            version=definition.version,
            title=definition.title,
            formula=definition.rule,
            source=definition.source,
            figures=[
                ReportFigureDefinition(
                    name=f.name, unit=f.unit, unit_kind=ReportUnit(f.unit), meaning=f.meaning
                )
                for f in definition.figures
            ],
            parameters=_parameters(definition, {p.name: p.default for p in definition.parameters}),
        )


@shows(DataKind.FIGURES)
@strawberry.type(description="One thing that a figure is of: a day, a ward, a drug.")
class ReportFigureOf:
    name: str = strawberry.field(description="Of what kind it is: day, ward, drug.")
    value: str = strawberry.field(description="Which one.")


@shows(DataKind.FIGURES)
@strawberry.type(description="A figure as computed.")
class ReportFigure:
    name: str = strawberry.field(description="Its name in the definition.")
    of: list[ReportFigureOf] = strawberry.field(description="What it is of; empty: the whole.")
    unit: str = strawberry.field(description=UNIT, deprecation_reason=USE_UNIT_KIND)
    unit_kind: ReportUnit = strawberry.field(description=UNIT)
    value: float | None = strawberry.field(
        description="The value; null where its denominator is 0."
    )
    exact: str | None = strawberry.field(description="The value without loss: `275` or `23/7`.")
    shown: str = strawberry.field(description="The value rounded, as it is printed.")
    suppressed: bool = strawberry.field(
        description="Whether the value is withheld: it is of few persons, whom this login may not"
        " all see, or would tell such a value. Digest and canonical form are of what is told."
    )


@shows(DataKind.FIGURES)
@strawberry.type(description="Hospital days, both included.")
class ReportDays:
    from_: date = strawberry.field(name="from", description="The first day.")
    to: date = strawberry.field(description="The last day.")


@strawberry.input(description="Days of the hospital's calendar, both included.")
class ReportPeriod:
    from_: date = strawberry.field(name="from", description="The first day.")
    to: date = strawberry.field(description="The last day; one that has not ended is left out.")


@strawberry.input(description="What is chosen for a parameter.")
class ReportParameterInput:
    name: str = strawberry.field(description="Its name in the definition.")
    value: str = strawberry.field(description="Its value as text; a list is separated by commas.")


@shows(DataKind.FIGURES)
@strawberry.type(
    description="A report as computed. Definition with version, parameters, period, scope and"
    " position fix it: with the same five the digest is the same for ever."
)
class Report:
    definition: ReportDefinition = strawberry.field(description="What was computed.")
    parameters: list[ReportParameter] = strawberry.field(description="With which parameters.")
    period: ReportDays = strawberry.field(description="Of which days: those that had ended.")
    ward: str | None = strawberry.field(description="Of which ward; null: of the hospital.")
    position: Position = strawberry.field(description="As known at which place in the log.")
    digest: str = strawberry.field(description="SHA-256 of the canonical form.")
    canonical: str = strawberry.field(description="The canonical form: JSON, fractions exact.")
    figures: list[ReportFigure] = strawberry.field(description="Its figures, in order.")
    notes: list[str] = strawberry.field(
        description="What is not known that the figures rest on, such as grades, times or any data; of"
        " a report as computed, not as it was issued."
    )
    parked: list[strawberry.ID] = strawberry.field(
        description="Commands that a read model could not take in: figures may lack what they say."
    )
    computed: strawberry.Private[definitions.Report]
    suppressed: strawberry.Private[Collection[definitions.Row]]

    @strawberry.field(
        description="Its figures as CSV, with a heading; a value that is withheld is *."
    )
    def csv(self) -> str:
        return report_csv(self.computed, self.suppressed)

    @classmethod
    def of(cls, info: Info, disclosed_report: DisclosedReport) -> "Report":
        report, withheld_rows = disclosed_report.report, disclosed_report.suppressed_rows
        definition, question = report.definition, report.question
        return cls(
            definition=ReportDefinition.of(definition),
            parameters=_parameters(definition, question.parameters),
            period=ReportDays(from_=question.first, to=question.last),
            ward=question.ward,
            position=info.context.position(report.position),
            digest=report.digest,
            canonical=report.canonical().decode(),
            figures=[
                ReportFigure(
                    name=row.figure,
                    of=[ReportFigureOf(name=name, value=value) for name, value in row.of],
                    unit=row.unit,
                    unit_kind=ReportUnit(row.unit),
                    value=None if row.value is None else float(row.value),
                    exact=None if row.value is None else str(row.value),
                    shown="*" if row in withheld_rows else format_value(definition, row),
                    suppressed=row in withheld_rows,
                )
                for row in report.rows
            ],
            notes=list(report.notes),
            parked=[strawberry.ID(str(command)) for command in disclosed_report.parked_commands],
            computed=report,
            suppressed=withheld_rows,
        )


def _parameters(
    definition: definitions.Definition, values: Mapping[str, Choice]
) -> list[ReportParameter]:
    return [
        ReportParameter(name=p.name, value=definitions.text_of(values[p.name]), meaning=p.meaning)
        for p in definition.parameters
    ]
