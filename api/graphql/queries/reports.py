"""Questions for figures."""

import asyncio
from typing import Annotated

import strawberry
from strawberry import argument

from api.graphql.context import Ask
from api.graphql.queries.arguments import AtLeast, KnownAt, KnownAtPosition
from api.graphql.reports import Report, ReportDefinition, ReportParameterInput, ReportPeriod
from application.reports import defined, newest
from infrastructure.queries import reporting


@strawberry.type
class ReportQueries:
    @strawberry.field(description="What reports there are, each in its newest version.")
    def report_definitions(self) -> list[ReportDefinition]:
        return [ReportDefinition.of(held) for held in newest()]

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
        held = defined(name, version)
        chosen = {p.name: p.value for p in parameters or ()}
        at = await info.context.at(None, known_at, known_at_position, at_least)
        house = info.context.house

        def compute() -> Report:
            with reporting.reading(house.database.app_url) as connection:
                told = reporting.report_of_period(
                    connection,
                    house.settings.hospital,
                    held,
                    at.known,
                    period.from_,
                    period.to,
                    ward,
                    chosen,
                )
                return Report.of(info, told, reporting.left_out(connection, at.known))

        return await asyncio.to_thread(compute)
