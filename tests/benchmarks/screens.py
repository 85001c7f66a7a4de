"""Benchmark of the questions of each screen, at 600 beds on a log of a million events.

By hand: a million takes some ten minutes (``WARDBOOK_BENCH_EVENTS``: another size). The house of
`many`, with a day's work on top: doses that are due, plans, flags, consults, arrivals. Each question is
executed as an admin's, who sees everything, and as that of a ward's nurse, for whom each row is looked
at, without HTTP, and nothing of it is cached. Beside the time the processor time of this process (the
database has its own), the question's cost, as the limiter measures it, and its statements.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import getloadavg
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from graphql import parse, validate
from sqlalchemy import event

from api.container import AppState
from api.graphql.context import Context
from api.graphql.extensions.limits import Costs, Document
from api.graphql.schema import schema
from application.authorization.roles import Caller, Role
from application.hospital import Hospital
from domain.envelope import Actor
from domain.expected_arrival import Urgency
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import short_garbage_collection
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.benchmarks.many import House, Lying
from tests.benchmarks.results import Row, say
from tests.support.app_without_http import alone
from tests.support.hospital_dsl import request
from tests.web.test_page import operations, sent_by

BEDS = 600
EVENTS = int(os.environ.get("WARDBOOK_BENCH_EVENTS", "1000000"))
REPEATS = 9
WANTED = "60 ms"
READERS: dict[Role, frozenset[str] | None] = {Role.ADMIN: None, Role.NURSE: frozenset({"W0"})}
"""Who asks, and the wards that they see; None: all."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A question of the page: its document and its variables."""

    name: str
    document: str
    variables: dict[str, Any]


class Times(NamedTuple):
    """Milliseconds of each time that a question was asked."""

    wall: list[float]
    processor: list[float]


def measure(
    database: Database, folder: Path, *, events: int = EVENTS, beds: int = BEDS
) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    with closing(hospital(Settings(), database)) as made:
        house = House(made, beds)
        start = perf_counter()
        house.fill(events)
        say(f"{events:,} events made in {perf_counter() - start:.0f} s; a day's work, and filling")
        begun_today = work_a_day(made, house)
        ProjectionRunner(database.app_url).catch_up()
        settle(database)
        say("asking")
        with short_garbage_collection():  # as a server has it
            rows = [
                row
                for role, wards in READERS.items()
                for questions in [screens(house.lying[0], house.rooms[0], begun_today, role)]
                for row in asyncio.run(_asked(database, made, role, wards, questions))
            ]
    say(f"screens: load of the machine {getloadavg()[0]:.1f}")
    return rows


def settle(database: Database) -> None:
    """Leave the database as that of a house, whose server has kept up with a log that grew for years.

    Here it has minutes for it: its autovacuum is still reading tables that were filled before.
    """
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        owner.execute("CHECKPOINT")
        while owner.execute(
            "SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
        ).fetchone():
            sleep(0.5)


def work_a_day(made: Hospital, house: House) -> datetime:
    """Record what a ward has to do today; return when that was begun."""
    begun = datetime.now(UTC)
    heparin = Medication(name="Heparin", code="B01AB01", system="http://www.whocc.no/atc")
    for n, lying in enumerate(house.lying):
        stay = lying.stay
        if n % 2 == 0:
            made.prescriptions.write_prescription(
                request(),
                stay_id=stay,
                medication=heparin,
                dose="5,000 IU",
                schedule=Schedule(every_hours=8),
            )
        if n % 4 == 0:
            made.flags.raise_flag(request(), stay_id=stay, flag_kind="FALL_RISK")
        if n % 5 == 0:
            made.stays.plan_discharge(
                request(), stay_id=stay, expected_at=begun + timedelta(hours=1 + n % 30)
            )
        if n % 10 == 0:
            made.consults.request_consult(request(), stay_id=stay, specialty="CARDIOLOGY")
        if n % 20 == 0:
            made.expected_arrivals.request_bed(request(), stay_id=stay, ward="W0")
    for n in range(len(house.lying) // 10):
        made.expected_arrivals.plan_admission(
            request(),
            family_name=f"Expected {n}",
            expected_at=begun + timedelta(hours=n % 24),
            ward="W0",
            urgency=list(Urgency)[n % len(Urgency)],
        )
    return begun


def screens(lying: Lying, room: UUID, before: datetime, role: Role) -> list[Screen]:
    """Return every question of the page, each as of now. Raises KeyError for one without variables."""
    ward, stay, patient = {"ward": "W0"}, str(lying.stay), str(lying.patient)
    today = before.date()
    week = {"from": str(today - timedelta(days=8)), "to": str(today - timedelta(days=1))}
    known = {"fromKnown": before.isoformat()}
    variables: dict[str, dict[str, Any]] = {
        "Start": {},
        "Board": {},
        "WholeBoard": {},
        "Beds": {},
        "ReservedFor": {"room": str(room)},
        "Open": ward,
        "Aside": {},
        "HouseTotals": {},
        "Arrivals": {},
        "Doses": ward,
        "DosesDue": ward,
        "Practitioners": {},
        "Wards": {},
        "Patients": {"search": "patient"},
        "WhoHas": {"id": stay},
        "Person": {"id": patient},
        "LikelyDuplicates": {"familyName": "Expected", "givenName": "Nobody"},
        "PatientRecord": {"id": patient},
        "StayAlone": {"id": stay},
        "Movements": {"id": stay},
        "Timeline": {"stayId": stay, "read": "ALL"},
        "StayDifference": {"id": stay, **known},
        "Course": {"stayId": stay},
        "Exposure": {"movementId": str(lying.allocated)},
        "OccupancyDifference": {**ward, **known},
        "ReportDefinitions": {},
        "Report": {"name": "inpatient-census", "period": week},
        "History": {**ward, "from": f"{week['from']}T00:00:00Z", "to": f"{week['to']}T00:00:00Z"},
        "ReportIssues": {},
        "Pending": {},
        "Dead": {},
        "LateEntries": {},
        "Parked": {},
        "Consults": {},
        "Accesses": {},
    }
    questions = [(name, text) for name, text in operations() if text.startswith("query")]
    return [Screen(n, sent_by(role, text), variables[n]) for n, text in questions]


async def _asked(
    database: Database,
    made: Hospital,
    role: Role,
    wards: frozenset[str] | None,
    questions: list[Screen],
) -> list[Row]:
    """Return a row for each question that a role may ask, the slowest first."""
    actor = Actor(issuer="bench", subject=role, role=role)
    caller = Caller(actor, wards, datetime.now(UTC) + timedelta(hours=6))
    async with alone(database, made) as state:

        async def ask(screen: Screen) -> bool:
            """Return whether it was answered. Raises AssertionError for an error that is no refusal."""
            result = await schema.execute(
                screen.document,
                variable_values=screen.variables,
                context_value=Context(state, caller),
                operation_name=screen.name,
            )
            codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
            assert codes <= {"NOT_ALLOWED", "FORBIDDEN"}, (screen.name, result.errors)
            return not codes

        measured = [(screen, await _took(ask, screen)) for screen in questions if await ask(screen)]
        measured.sort(key=lambda each: -median(each[1].wall))
        return [
            Row(
                f"{screen.name} by {role.value}, median / most of {REPEATS}; least of processor",
                f"{median(times.wall):.1f} / {max(times.wall):.1f}; {min(times.processor):.1f} ms",
                "its cost, its statements",
                f"{cost_of(screen):,}, {await _statements(state, ask, screen)}",
                wanted=WANTED,
            )
            for screen, times in measured
        ]


async def _took(ask: Callable[[Screen], Awaitable[bool]], screen: Screen) -> Times:
    """Return how long it took each time, after a first one that reads from disk and plans."""
    await ask(screen)
    times = Times([], [])
    for _ in range(REPEATS):
        start, used = perf_counter(), process_time()
        await ask(screen)
        times.wall.append((perf_counter() - start) * 1000)
        times.processor.append((process_time() - used) * 1000)
    return times


async def _statements(
    state: AppState, ask: Callable[[Screen], Awaitable[bool]], screen: Screen
) -> int:
    """Return how many statements a question takes, the record of reading included."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(state.engine.sync_engine, "before_cursor_execute", add)
    try:
        await ask(screen)
    finally:
        event.remove(state.engine.sync_engine, "before_cursor_execute", add)
    return count


def cost_of(screen: Screen) -> int:
    """Return the cost of a question, as the limiter measures it."""
    parsed = parse(screen.document)
    document = Document(definitions=parsed.definitions, loc=parsed.loc)
    assert validate(schema._schema, document, [Costs]) == []
    return document.cost
