"""Simulation of a hospital over time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from api.simulator.arrivals import Arrivals
from api.simulator.care import Care
from api.simulator.clock import DAY, Agenda, LocalTime
from api.simulator.course import Course
from api.simulator.data_entry_errors import DataEntryErrors
from api.simulator.house import House, Kind
from api.simulator.inpatient import SPECIALTIES, World
from api.simulator.medicines import Medicines
from api.simulator.movements import Movements
from api.simulator.people import People
from api.simulator.recording_queue import RecordingQueue
from api.simulator.staff import Staff
from api.simulator.upkeep import Upkeep
from application.hospital import Hospital
from domain.errors import ConfigurationError
from domain.refusals import Refusal
from domain.time import in_utc

FOUNDING = timedelta(minutes=30)
"""Within this time from the beginning rooms and staff are recorded; the patients follow."""


class AnotherHouse(ConfigurationError):
    """The log holds another hospital, whose rooms or staff have the same numbers."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """Result of a simulation. ``refusals`` count by type; ``refused`` are the first of them, as text.

    ``late``: facts recorded late (see `Rules`). ``unrecorded``: facts that were given up because they
    rest on one that was refused.
    """

    commands: dict[str, int]
    refusals: dict[str, int]
    refused: tuple[str, ...]
    patients: int
    stays: int
    late: int
    unrecorded: int


def simulate(
    hospital: Hospital,
    *,
    beds: int,
    days: int,
    seed: int,
    until: datetime,
    detail: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> SimulationResult:
    """Simulate a hospital from ``days`` before ``until`` on, into a simulated log.

    Nothing occurs or is recorded after ``until``; what happened shortly before it may not be recorded
    yet. The same arguments give the same commands with the same ids, so that a run which was broken
    off is finished by running it again. ``detail`` is the share of rounds and doses that are made
    before the last day; it changes nothing else. The hours of the day are those of the hospital's
    time zone.

    Raises AnotherHouse if the log holds a hospital already that is not this one.
    """
    until = in_utc(until, "until")
    begins = until - days * DAY
    name = f"wardbook:simulator:{seed}:{beds}:{days}:{until.isoformat()}:{detail}"
    queue = RecordingQueue(hospital, uuid5(NAMESPACE_URL, name), until, Random(f"{seed} queue"))
    world = _world(hospital, queue, beds, begins, until, seed, detail)
    _open_house(world)
    movements = Movements(world)
    course = Course(world, movements, Care(world, movements, Medicines(world)))
    Arrivals(world, movements, course).begin()
    Upkeep(world, movements, course).day()
    DataEntryErrors(world, movements).day()

    report_at = begins

    def before_each(now: datetime) -> None:
        nonlocal report_at
        queue.catch_up(now)
        if progress is not None and now - report_at >= timedelta(hours=1):
            report_at = now
            progress((now - begins) / (until - begins))

    world.agenda.run(until, before_each)
    queue.catch_up(until)
    if progress is not None:
        progress(1.0)
    return SimulationResult(
        commands=dict(queue.commands),
        refusals=dict(queue.refusals),
        refused=tuple(queue.refused),
        patients=queue.commands["register_patient"],
        stays=queue.commands["admit_patient"],
        late=queue.late,
        unrecorded=queue.unrecorded,
    )


def _world(
    hospital: Hospital,
    queue: RecordingQueue,
    beds: int,
    begins: datetime,
    until: datetime,
    seed: int,
    detail: float,
) -> World:
    hours = LocalTime(hospital.zone())
    house = House(beds, begins, Random(f"{seed} house"))
    responsible = {SPECIALTIES[kind]: len(house.of(kind)) for kind in Kind}
    return World(
        agenda=Agenda(begins),
        hours=hours,
        queue=queue,
        house=house,
        staff=Staff(responsible, beds, Random(f"{seed} staff")),
        people=People(queue, hours, 50 + 4 * beds, Random(f"{seed} people")),
        movement_rng=Random(f"{seed} movements"),
        order_rng=Random(f"{seed} orders"),
        care_rng=Random(f"{seed} care"),
        error_rng=Random(f"{seed} errors"),
        flag_rng=Random(f"{seed} flags"),
        detail_before=detail,
        full_from=until - DAY,
    )


def _open_house(world: World) -> None:
    """Record the doctors, and the rooms with their policies, before anything else."""
    queue = world.queue
    parameters: dict[str, Any] = {
        "at": world.now,
        "by": world.staff.admin,
        "lag": timedelta(seconds=5),
    }
    world.staff.register(queue, world.now)
    for room in world.house.rooms:
        names: dict[str, Any] = {"ward": room.ward, "room": room.number}
        opening = queue.put(
            "open_room", **parameters, **names, beds=[bed.code for bed in room.beds]
        )
        for policy in room.policies:
            queue.put("set_room_policy", **parameters, **names, after=opening, policy=policy)
    queue.stops_at_refusals = True
    try:
        queue.catch_up(world.now + FOUNDING)
    except Refusal as refusal:
        raise AnotherHouse(
            "The log holds another hospital already, or one simulated with other arguments. "
            + refusal.message
        ) from refusal
    queue.stops_at_refusals = False
