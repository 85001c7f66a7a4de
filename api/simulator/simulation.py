"""The simulation of a hospital over time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import NAMESPACE_URL, uuid5

from api.simulator.arrivals import Arrivals
from api.simulator.care import Care
from api.simulator.clock import DAY, Agenda, LocalTime
from api.simulator.course import Course
from api.simulator.data_entry_errors import Slips
from api.simulator.demand import critical_share
from api.simulator.house import House, Kind, Room
from api.simulator.inpatient import SPECIALTIES, Life
from api.simulator.medicines import Medicines
from api.simulator.movements import Movements
from api.simulator.people import People
from api.simulator.recording_queue import Desk, Telling
from api.simulator.staff import Staff
from api.simulator.upkeep import Upkeep
from application.hospital import Hospital
from domain.errors import WardbookError
from domain.refusals import Refusal
from domain.room.policies import RoomPolicy
from domain.time import in_utc

FOUNDING = timedelta(minutes=30)
"""Within this time from the beginning rooms and staff are in the record; the patients follow."""


class AnotherHouse(WardbookError):
    """The log holds another hospital, whose rooms or staff have the same numbers."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was recorded. ``refusals`` count by type; ``refused`` are the first of them, told.

    ``late``: facts recorded late (see `Rules`). ``untold``: facts that were given up because they
    rest on one that was refused.
    """

    commands: dict[str, int]
    refusals: dict[str, int]
    refused: tuple[str, ...]
    patients: int
    stays: int
    late: int
    untold: int


def simulate(
    hospital: Hospital,
    *,
    beds: int,
    days: int,
    seed: int,
    until: datetime,
    detail: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> Simulated:
    """Let a hospital live from ``days`` before ``until`` on, in a simulated log.

    Nothing occurs or is recorded after ``until``; what happened shortly before it may not be in the
    record yet. The same arguments give the same commands with the same ids, so that a run which was
    broken off is finished by running it again. ``detail`` is the share of rounds and doses that are
    made; it changes nothing else. The hours of the day are those of the hospital's time zone.

    Raises AnotherHouse if the log holds a hospital already that is not this one.
    """
    until = in_utc(until, "until")
    begins = until - days * DAY
    said = f"wardbook:simulator:{seed}:{beds}:{days}:{until.isoformat()}:{detail}"
    desk = Desk(hospital, uuid5(NAMESPACE_URL, said), until, Random(f"{seed} desk"))
    life = _life(hospital, desk, beds, begins, seed, detail)
    _found(life)
    movements = Movements(life)
    medicines = Medicines(life)
    care = Care(life, movements, medicines)
    critical = critical_share({kind: len(life.house.of(kind)) for kind in Kind})
    course = Course(life, movements, care, critical)
    Arrivals(life, movements, course).begin()
    Upkeep(life, movements, course).day()
    Slips(life, movements).day()

    told = begins

    def before_each(now: datetime) -> None:
        nonlocal told
        desk.catch_up(now)
        if progress is not None and now - told >= timedelta(hours=1):
            told = now
            progress((now - begins) / (until - begins))

    life.agenda.run(until, before_each)
    desk.catch_up(until)
    if progress is not None:
        progress(1.0)
    return Simulated(
        commands=dict(desk.commands),
        refusals=dict(desk.refusals),
        refused=tuple(desk.refused),
        patients=desk.commands["register_patient"],
        stays=desk.commands["admit_patient"],
        late=desk.late,
        untold=desk.untold,
    )


def _life(
    hospital: Hospital, desk: Desk, beds: int, begins: datetime, seed: int, detail: float
) -> Life:
    hours = LocalTime(hospital.zone())
    house = House(beds, begins, Random(f"{seed} house"))
    responsible = {SPECIALTIES[kind]: len(house.of(kind)) for kind in Kind}
    return Life(
        agenda=Agenda(begins),
        hours=hours,
        desk=desk,
        house=house,
        staff=Staff(responsible, beds, Random(f"{seed} staff")),
        people=People(desk, hours, 50 + 4 * beds, Random(f"{seed} people")),
        moves=Random(f"{seed} moves"),
        orders=Random(f"{seed} orders"),
        care=Random(f"{seed} care"),
        slips=Random(f"{seed} slips"),
        detail=detail,
    )


def _found(life: Life) -> None:
    """Rooms, their policies and the doctors, before anything else."""
    life.staff.register(life.desk, life.now)
    for room in life.house.rooms:
        _open(life, room)
    life.desk.stops_at_refusals = True
    try:
        life.desk.catch_up(life.now + FOUNDING)
    except Refusal as refusal:
        raise AnotherHouse(
            "The log holds another hospital already, or one simulated with other arguments. "
            + refusal.message
        ) from refusal
    life.desk.stops_at_refusals = False


def _open(life: Life, room: Room) -> None:
    codes = [bed.code for bed in room.beds]
    opened = _tell(
        life, lambda h, q: h.rooms.open_room(q, ward=room.ward, room=room.number, beds=codes)
    )
    for policy in room.policies:
        _set(life, room, policy, opened)


def _set(life: Life, room: Room, policy: RoomPolicy, opened: datetime) -> None:
    _tell(
        life,
        lambda h, q: h.rooms.set_room_policy(q, ward=room.ward, room=room.number, policy=policy),
        after=opened,
    )


def _tell(life: Life, telling: Telling, after: datetime | None = None) -> datetime:
    return life.desk.tell(
        telling, at=life.now, by=life.staff.admin, lag=timedelta(seconds=5), after=after
    )
