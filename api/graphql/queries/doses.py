"""Query of the doses that are due in a ward."""

from datetime import timedelta
from typing import Annotated

import strawberry
from strawberry import argument

from api.graphql.authorization import check_ward_of
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    bitemporal,
)
from api.graphql.types.schedules import DoseDue
from domain.refusals import InvalidInput
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.doses_due import DoseOrder, doses_due
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.named import ward_named

LONGEST_HOURS = 7 * 24
"""Longest time that a question may look back, and ahead."""

HoursBack = Annotated[int, argument(description="How far the overdue ones are looked for.")]
HoursAhead = Annotated[int, argument(description="How far the coming ones are.")]
InDoseOrder = Annotated[DoseOrder, argument(description="In which order.")]


@strawberry.type
class DoseQueries:
    @strawberry.field(
        description="The doses that are due in a ward by the schedules of prescriptions, and of which"
        " nothing is recorded: by default the longest overdue first. A prescription without a schedule"
        " claims none; none is due while it is held, or the patient is on leave."
    )
    @bitemporal
    async def doses_due(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str, argument(description="Of those who lie in this ward.")],
        hours_back: HoursBack = 24,
        hours_ahead: HoursAhead = 12,
        order_by: InDoseOrder = DoseOrder.DUE,
    ) -> list[DoseDue]:
        context = info.context
        back, ahead = around(hours_back, hours_ahead)
        ward = await context.query(ward_named, ward)
        days = await context.query(hospital_days, context.state.settings.hospital, at.known)
        views = await context.query(doses_due, at, days, ward, back, ahead, order_by)
        await check_ward_of(context, ward, at, views)
        return [DoseDue.of(view, at) for view in views]


def around(hours_back: int, hours_ahead: int) -> tuple[timedelta, timedelta]:
    """Return how far to look back and ahead. Raises InvalidInput."""
    return _hours(hours_back, "hoursBack"), _hours(hours_ahead, "hoursAhead")


def _hours(hours: int, field: str) -> timedelta:
    """Return some hours. Raises InvalidInput for a number that is negative or too large."""
    if not 0 <= hours <= LONGEST_HOURS:
        raise InvalidInput(field, f"from 0 to {LONGEST_HOURS} hours")
    return timedelta(hours=hours)
