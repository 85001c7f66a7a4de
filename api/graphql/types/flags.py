"""Flags of patients on the board."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.declarations import DataKind, shows
from infrastructure.read_models.flags import FlagView, flags_of


@shows(DataKind.CLINICAL, cached_from=(flags_of,))
@strawberry.type(description="A flag that holds at the moment: fall risk, isolation, a note.")
class Flag:
    id: strawberry.ID = strawberry.field(description="By which it is lowered and corrected.")
    stay_id: strawberry.ID = strawberry.field(description="The stay that it is of.")
    kind: str = strawberry.field(description="One of Hospital.flags, as it was when it was raised.")
    note: str | None = strawberry.field(description="What is to be noted.")
    since: datetime = strawberry.field(description="From when on it holds, as held now.")

    @classmethod
    def of(cls, view: FlagView) -> Self:
        return cls(
            id=strawberry.ID(str(view.flag)),
            stay_id=strawberry.ID(str(view.stay)),
            kind=view.flag_kind,
            note=view.note,
            since=view.since,
        )
