"""The periods of a room: its names and policies, its beds, and the states of these."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.types.enums import BedState, Precision, RoomPolicy
from application.authorization.roles import may
from application.authorization.scope import is_of_wards
from infrastructure.read_models.rooms import (
    BedPeriodView,
    RoomPeriodView,
    SpellPeriodView,
    bed_periods,
    room_periods,
    spells_of,
)


@shows(DataKind.HOUSE, cached_from=(spells_of,))
@strawberry.type(description="A closure, cleaning or reservation of a bed, at whatever time.")
class BedStatePeriod:
    id: strawberry.ID = strawberry.field(description="To correct or cancel it.")
    bed: str = strawberry.field(description="The bed's code.")
    state: BedState = strawberry.field(description="CLOSED, CLEANING or RESERVED.")
    since: datetime = strawberry.field(description="Since when.")
    until: datetime | None = strawberry.field(description="Until when; absent while it goes on.")
    since_precision: Precision = strawberry.field(
        description="How precisely the beginning is known."
    )
    until_precision: Precision = strawberry.field(
        description="How precisely the end is known; one that is planned is to the minute."
    )
    why: strawberry.Private[str | None]
    ward: strawberry.Private[str]

    @classmethod
    def of(cls, spell: SpellPeriodView, ward: str) -> Self:
        return cls(
            id=strawberry.ID(str(spell.spell)),
            bed=spell.bed,
            state=BedState(spell.state),
            since=spell.since,
            until=spell.until,
            since_precision=Precision(spell.since_precision),
            until_precision=Precision(spell.until_precision),
            why=spell.reason,
            ward=ward,
        )

    @strawberry.field(description="Why it is closed; for the staff of its ward and bed managers.")
    def reason(self, info: Info) -> str | None:
        return self.why if may_see_closures(info, self.ward) else None


@shows(DataKind.HOUSE, cached_from=(room_periods,))
@strawberry.type(description="A period in which neither name nor policies of a room changed.")
class RoomPeriod:
    ward: str = strawberry.field(description="The ward.")
    number: str = strawberry.field(description="The number within the ward.")
    policies: list[RoomPolicy] = strawberry.field(description="The policies in force.")
    since: datetime = strawberry.field(description="Since when.")
    until: datetime | None = strawberry.field(description="Until when; absent while it goes on.")
    since_precision: Precision = strawberry.field(
        description="How precisely the opening, or the policy, is known with which it begins."
    )

    @classmethod
    def of(cls, period: RoomPeriodView) -> Self:
        return cls(
            ward=period.ward,
            number=period.number,
            policies=[RoomPolicy(policy) for policy in period.policies],
            since=period.since,
            until=period.until,
            since_precision=Precision(period.since_precision),
        )


@shows(DataKind.HOUSE, cached_from=(bed_periods,))
@strawberry.type(description="The period in which a bed is there.")
class BedPeriod:
    bed: str = strawberry.field(description="The bed's code.")
    since: datetime = strawberry.field(
        description="Since when, by the opening of the room or later."
    )
    until: datetime | None = strawberry.field(description="Until when; absent while it is there.")
    since_precision: Precision = strawberry.field(
        description="How precisely the beginning is known."
    )
    until_precision: Precision = strawberry.field(description="How precisely the end is known.")

    @classmethod
    def of(cls, period: BedPeriodView) -> Self:
        return cls(
            bed=period.bed,
            since=period.since,
            until=period.until,
            since_precision=Precision(period.since_precision),
            until_precision=Precision(period.until_precision),
        )


def may_see_closures(info: Info, ward: str) -> bool:
    """Return whether somebody may see what staff wrote of why a bed of a ward is closed."""
    caller = info.context.caller
    concerns = is_of_wards(caller.wards, ward)
    return concerns and may(caller.role, "data:closures")
