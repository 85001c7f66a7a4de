"""Totals of the house and of its wards."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.declarations import DataKind, shows
from domain.room.aggregate import BedState
from infrastructure.queries import house_totals as queries
from infrastructure.queries.house_totals import house_totals


@shows(DataKind.HOUSE, read_by=(house_totals,))
@strawberry.type(description="Who is expected within an hour of the hospital's clocks.")
class ExpectedHour:
    start: datetime = strawberry.field(description="The beginning of the hour.")
    leaving: int = strawberry.field(description="Discharges that are planned for it.")
    coming: int = strawberry.field(description="Beds that are needed from then on.")


@shows(DataKind.HOUSE, read_by=(house_totals,))
@strawberry.type(description="Beds by state, and who is expected.")
class BedTotals:
    ward: str | None = strawberry.field(description="The ward; absent for the house.")
    beds: int = strawberry.field(description="All beds.")
    taken: int = strawberry.field(description="Beds with somebody in them: OCCUPIED.")
    kept: int = strawberry.field(description="Beds of patients on leave: KEPT.")
    free: int = strawberry.field(description="Beds that can be given: FREE.")
    to_be_cleaned: int = strawberry.field(description="Beds to be cleaned first: TO_BE_CLEANED.")
    in_cleaning: int = strawberry.field(description="Beds that are being cleaned: CLEANING.")
    closed: int = strawberry.field(description="Beds that nobody may be put into: CLOSED.")
    reserved: int = strawberry.field(description="Beds that are held for somebody: RESERVED.")
    without_bed: int | None = strawberry.field(
        description="Patients in the house without a bed; of the house alone."
    )
    waiting: int = strawberry.field(
        description="Beds that are waited for; of the house without those for who is in it."
    )
    overdue_out: int = strawberry.field(description="Planned to leave before the first hour.")
    overdue_in: int = strawberry.field(description="Expected before the first hour.")
    hours: list[ExpectedHour] = strawberry.field(
        description="Who is expected to leave and to come, hour by hour."
    )

    @classmethod
    def of(cls, view: queries.BedTotals) -> Self:
        return cls(
            ward=view.ward,
            beds=view.count(),
            taken=view.count(BedState.OCCUPIED),
            kept=view.count(BedState.KEPT),
            free=view.count(BedState.FREE),
            to_be_cleaned=view.count(BedState.TO_BE_CLEANED),
            in_cleaning=view.count(BedState.CLEANING),
            closed=view.count(BedState.CLOSED),
            reserved=view.count(BedState.RESERVED),
            without_bed=view.without_bed,
            waiting=view.waiting,
            overdue_out=view.overdue_out,
            overdue_in=view.overdue_in,
            hours=[
                ExpectedHour(start=hour.start, leaving=hour.leaving, coming=hour.coming)
                for hour in view.hours
            ],
        )


@shows(DataKind.HOUSE, read_by=(house_totals,))
@strawberry.type(description="The totals of the house, or of a ward, as on its occupancy board.")
class HouseTotals:
    total: BedTotals = strawberry.field(description="All that was asked about together.")
    wards: list[BedTotals] = strawberry.field(description="Each ward by itself, by name.")

    @classmethod
    def of(cls, view: queries.HouseTotals) -> Self:
        return cls(total=BedTotals.of(view.total), wards=[BedTotals.of(w) for w in view.wards])
