"""The input of a moment: both clocks in one value."""

from datetime import datetime

import strawberry
from strawberry import UNSET

from api.graphql.scalars import Position


@strawberry.input(
    name="Moment",
    description="A moment that is asked about: as of which at the bedside, as known to the record when."
    " Names and meanings are those of the arguments.",
)
class MomentInput:
    as_of: datetime | None = strawberry.field(
        default=UNSET, description="As of this moment at the bedside; now by default."
    )
    known_at: datetime | None = strawberry.field(
        default=UNSET, description="As known to the record then; now by default."
    )
    known_at_position: Position | None = strawberry.field(
        default=UNSET, description="As known at this place in the log."
    )
    at_least: Position | None = strawberry.field(
        default=UNSET, description="Wait until this can be read."
    )
