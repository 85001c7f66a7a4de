"""Each question as of a year ago, as known a year ago, against the same question about now.

The house of `many` is filled (``WARDBOOK_BENCH_EVENTS``) and asked by each query function, and
through GraphQL over HTTP. A year ago is a place in the log: that at which the house was full a year
before it was so last (or, in a log shorter than two years, half of it ago); a client names it by the
time at which that place was recorded. The two sides alternate, subject by subject.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx2
import psycopg
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.stay_search import StayCriteria, stays_page
from infrastructure.read_models.occupancy import board, occupancy_history
from infrastructure.read_models.patients import patient_by_mrn, records_of
from infrastructure.read_models.prescriptions import doses_of, prescriptions_of
from infrastructure.read_models.stays import stays_by_id
from infrastructure.read_models.timeline.queries import timeline_page
from infrastructure.read_models.visits import visits_of
from infrastructure.settings import Settings
from tests.benchmarks.many import Full, House
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say

BEDS = 600
EVENTS = int(os.environ.get("WARDBOOK_BENCH_EVENTS", "1000000"))
YEAR, WEEK = timedelta(days=365), timedelta(days=7)
ASKED, WARMING = 40, 5
PAGE = 50
WANTED = "2x"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to ask about: ``at`` by the query functions, ``known`` through GraphQL."""

    at: AsOf
    full: datetime
    known: datetime | None


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom something is asked: a stay that was under way a year ago."""

    stay: UUID
    patient: UUID
    mrn: str
    ward: str


Asks = Callable[[AsyncConnection, Subject, Moment], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: by its query functions, and as a client asks it."""

    name: str
    asks: Asks
    graphql: str


async def _patient(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    result = await patient_by_mrn(connection, of.mrn, "main", then.at)
    assert result is not None
    records = await records_of(connection, result.patient, then.at)
    every = ("ADMITTED", "ON_LEAVE", "DISCHARGED", "CANCELLED")
    return await stays_page(
        connection, StayCriteria(every, None, tuple(records)), then.at, PAGE, None
    )


async def _stay(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    return {
        **await stays_by_id(connection, [of.stay], then.at),
        **await visits_of(connection, [of.stay], then.at),
    }


async def _stays(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    return await stays_page(connection, StayCriteria(ward=of.ward), then.at, PAGE, None)


async def _timeline(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    return await timeline_page(connection, then.at, PAGE, None, patients=[of.patient])


async def _occupancy(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    return await board(connection, then.at)


async def _history(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    return await occupancy_history(
        connection, then.at, then.full - WEEK, then.full, of.ward, None, None
    )


async def _prescriptions(connection: AsyncConnection, of: Subject, then: Moment) -> Any:
    result = await prescriptions_of(connection, [of.stay], then.at)
    drugs = [drug.prescription for drug in result[of.stay]]
    return await doses_of(connection, drugs, then.at)


AS = "asOf: $asOf, knownAt: $knownAt"
QUESTIONS = (
    Question("patient", _patient, f"patient(mrn: $mrn, {AS}) {{ familyName stays {{ status }} }}"),
    Question("stay", _stay, f"stay(id: $stay, {AS}) {{ status bed visits {{ kind }} }}"),
    Question(
        "stays of a ward",
        _stays,
        f"stays(filter: {{ward: $ward}}, first: {PAGE}, {AS}) {{ nodes {{ id bed }} }}",
    ),
    Question(
        "timeline, a page",
        _timeline,
        f"timeline(mrn: $mrn, first: {PAGE}, {AS}) {{ nodes {{ kind summary }} }}",
    ),
    Question(
        "room occupancy of the house",
        _occupancy,
        f"roomOccupancy({AS}) {{ room {{ number }} beds {{ code state stay {{ id }} }} }}",
    ),
    Question(
        "occupancy history, a ward's week",
        _history,
        "occupancyHistory(from: $from, to: $to, ward: $ward, knownAt: $knownAt)"
        " { bed since until stay { id } }",
    ),
    Question(
        "prescriptions of a stay",
        _prescriptions,
        f"stay(id: $stay, {AS}) {{ prescriptions {{ dose administrations {{ given }} }} }}",
    ),
)
TYPES = {
    "mrn": "String!",
    "stay": "ID!",
    "ward": "String!",
    "asOf": "DateTime",
    "knownAt": "DateTime",
    "from": "DateTime!",
    "to": "DateTime!",
}


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    made = hospital(Settings(), database)
    try:
        house = House(made, BEDS)
        start = perf_counter()
        house.fill(EVENTS)
        say(f"{EVENTS:,} events made in {perf_counter() - start:.0f} s; filling")
    finally:
        made.close()
    start = perf_counter()
    ProjectionRunner(database.app_url).catch_up()
    say(f"filled in {perf_counter() - start:.0f} s; asking")
    full = _a_year_ago(house.full)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        past, now = _moments(owner, full, house.full[-1])
        subjects = _subjects(owner, full)
    ago = f"{(now.full - past.full).days} days ago"
    by_query = asyncio.run(_by_query(database, subjects, past, now))
    through = _through_graphql(database, folder, subjects, past, now)
    return [
        Row(
            f"{question.name}{how}, {ago}",
            f"{then:.1f} ms",
            "the same, now",
            f"{here:.1f} ms",
            here / then,
            f"no more than {WANTED} slower",
        )
        for how, took in (("", by_query), (" through GraphQL", through))
        for question, (then, here) in zip(QUESTIONS, took, strict=True)
    ]


def _a_year_ago(full: list[Full]) -> Full:
    wanted = max(full[-1].moment - YEAR, full[len(full) // 2].moment)
    return max((f for f in full if f.moment <= wanted), key=lambda f: f.moment)


def _moments(owner: "psycopg.Connection[Any]", past: Full, last: Full) -> tuple[Moment, Moment]:
    row = owner.execute(
        "SELECT recorded_at FROM record.events WHERE position = %s", [past.position]
    ).fetchone()
    assert row is not None
    return (
        Moment(AsOf(past.moment, past.position), past.moment, row[0]),
        Moment(AsOf(datetime.now(UTC), last.position), last.moment, None),
    )


def _subjects(owner: "psycopg.Connection[Any]", then: Full) -> list[Subject]:
    result = owner.execute(
        "SELECT DISTINCT s.stay, s.patient, p.mrn, r.ward FROM stays_v1.stays s"
        " JOIN patients_v4.patients p USING (patient) JOIN rooms_v1.rooms r USING (room)"
        " JOIN prescriptions_v2.prescriptions d USING (stay)"
        " WHERE s.status = 'ADMITTED' AND s.during @> %s AND s.known @> %s::bigint ORDER BY 1",
        [then.moment, then.position],
    ).fetchall()
    return Random(1).sample([Subject(*row) for row in result], ASKED + WARMING)


async def _by_query(
    database: Database, subjects: list[Subject], past: Moment, now: Moment
) -> list[tuple[float, float]]:
    """Milliseconds, the medians: then, now."""
    engine = database.async_engine()
    result = []
    async with engine.connect() as connection:
        for question in QUESTIONS:
            took: dict[Moment, list[float]] = {past: [], now: []}
            for subject, moment in _alternately(subjects, past, now):
                start = perf_counter()
                assert await question.asks(connection, subject, moment)
                took[moment].append((perf_counter() - start) * 1000)
            result.append((median(took[past][WARMING:]), median(took[now][WARMING:])))
    await engine.dispose()
    return result


def _through_graphql(
    database: Database, folder: Path, subjects: list[Subject], past: Moment, now: Moment
) -> list[tuple[float, float]]:
    """Milliseconds, the medians: then, now."""
    home = folder / "home"
    result = []
    with served(database, home) as (address, _):
        headers = {"Authorization": f"Bearer {LocalTokens.of(home).make()}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
            for question in QUESTIONS:
                took: dict[Moment, list[float]] = {past: [], now: []}
                for subject, moment in _alternately(subjects, past, now):
                    content = _content(question, subject, moment)
                    start = perf_counter()
                    answer = client.post("/graphql", json=content)
                    took[moment].append((perf_counter() - start) * 1000)
                    assert "errors" not in answer.json(), answer.text
                result.append((median(took[past][WARMING:]), median(took[now][WARMING:])))
    return result


def _alternately(
    subjects: list[Subject], past: Moment, now: Moment
) -> Iterator[tuple[Subject, Moment]]:
    """Each subject at both moments, now the one first, now the other."""
    for n, subject in enumerate(subjects):
        for moment in (past, now) if n % 2 else (now, past):
            yield subject, moment


def _content(question: Question, of: Subject, then: Moment) -> dict[str, Any]:
    """A request. About now it names no moment."""
    values = {
        "mrn": of.mrn,
        "stay": str(of.stay),
        "ward": of.ward,
        "asOf": then.full.isoformat() if then.known else None,
        "knownAt": then.known.isoformat() if then.known else None,
        "from": (then.full - WEEK).isoformat(),
        "to": then.full.isoformat(),
    }
    used = [name for name in TYPES if f"${name}" in question.graphql]
    declared = ", ".join(f"${name}: {TYPES[name]}" for name in used)
    return {
        "query": f"query({declared}) {{ {question.graphql} }}",
        "variables": {name: values[name] for name in used},
    }
