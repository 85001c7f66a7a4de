"""Totals of the house and of its wards: beds by state, who is without one, who is expected when.

They are counted on the occupancy board and the waiting list themselves: no rule is written twice.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.room.aggregate import BedState
from domain.stay.facts import DischargePlan
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.compiled import CompiledStatement, literal_values
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.tables_read import reads
from infrastructure.queries.waiting_list import WaitingView, all_waiting
from infrastructure.read_models.bed_uses import BoardRoom
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.stays import OPEN, StayView, stays, stays_by_id

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExpectedHour:
    """An hour of the hospital's clocks, with those expected to leave and to need a bed in it."""

    start: datetime
    leaving: int
    coming: int


@dataclass(frozen=True, slots=True)
class BedTotals:
    """The totals of a ward; of the house, where ``ward`` is None."""

    ward: str | None
    states: tuple[tuple[str, int], ...]
    waiting: int
    overdue_out: int
    overdue_in: int
    hours: tuple[ExpectedHour, ...]
    without_bed: int | None = None
    """Patients in the house who have none: of the house alone, as they are in no ward."""

    def count(self, *states: BedState) -> int:
        """Return the number of beds in some states; in all, for none."""
        return sum(n for state, n in self.states if not states or state in states)


@dataclass(frozen=True, slots=True)
class HouseTotals:
    """The totals of some wards together, and of each of them."""

    total: BedTotals
    wards: tuple[BedTotals, ...]


@dataclass(frozen=True, slots=True)
class _Expected:
    """Those who are expected to leave and to come, by the hours of the hospital's clocks."""

    hours: Sequence[datetime]

    def totals(
        self,
        ward: str | None,
        rooms: Iterable[BoardRoom],
        stays: Iterable[StayView],
        waiting: Sequence[WaitingView],
        without_bed: int | None = None,
    ) -> BedTotals:
        states = Counter(bed.state.value for room in rooms for bed in room.beds)
        leaving = [
            stay.expected_discharge
            for stay in stays
            if stay.expected_discharge and stay.plan != DischargePlan.NONE.value
        ]
        coming = [arrival.expected_at for arrival in waiting]
        return BedTotals(
            ward,
            tuple(sorted(states.items())),
            len(waiting),
            sum(moment < self.hours[0] for moment in leaving),
            sum(moment < self.hours[0] for moment in coming),
            tuple(
                ExpectedHour(start, _in_hour(start, leaving), _in_hour(start, coming))
                for start in self.hours
            ),
            without_bed,
        )


def _in_hour(start: datetime, moments: Iterable[datetime]) -> int:
    return sum(start <= moment < start + HOUR for moment in moments)


_without_bed = CompiledStatement(
    lambda at: select(stays.c.stay).where(
        stays.c.status.in_(literal_values("open", OPEN)), stays.c.bed.is_(None), at.holds(stays)
    )
)


@reads(board, all_waiting, stays_by_id)
async def house_totals(
    connection: AsyncConnection, at: AsOf, hospital: str, ward: str | None, hours: int
) -> HouseTotals:
    """Return the totals of a ward, or of the house with each of its wards, for some hours ahead.

    Figures count everybody in the wards that the viewer may see, whatever label they have.
    """
    all_rooms = await board(connection, at, ward)
    rooms_by_ward: dict[str, list[BoardRoom]] = {}
    for room in all_rooms:
        rooms_by_ward.setdefault(room.room.ward, []).append(room)
    in_beds = {
        occupant.stay: room.room.ward
        for room in all_rooms
        for bed in room.beds
        for occupant in bed.occupants
    }
    anyone = at.unscoped
    stays_in_beds = await stays_by_id(connection, list(in_beds), anyone)
    waiting = await all_waiting(connection, anyone)
    days = await hospital_days(connection, hospital, at.known)
    zone = days.zone_on(days.date_of(at.as_of))
    begin = at.as_of.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    expectations = _Expected([begin + index * HOUR for index in range(hours)])
    wards = tuple(
        expectations.totals(
            name,
            rooms,
            [stay for id, stay in stays_in_beds.items() if in_beds[id] == name],
            [arrival for arrival in waiting if arrival.ward == name],
        )
        for name, rooms in rooms_by_ward.items()
    )
    is_house = ward is None and at.viewer.wards is None
    without_bed = None
    if is_house:
        without_bed = len((await _without_bed.execute(connection, anyone)).all())
    coming = [
        arrival
        for arrival in waiting
        if (is_house and not arrival.in_house) or (not is_house and arrival.ward in rooms_by_ward)
    ]
    total = expectations.totals(ward, all_rooms, stays_in_beds.values(), coming, without_bed)
    return HouseTotals(total, wards)
