"""A FHIR search costs as many statements however many resources match."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from api.container import AppState
from api.fhir.query import query_of
from api.fhir.reader import Reader
from api.fhir.registry import RESOURCES, reverse_includes
from api.fhir.search import search
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from domain.prescription.events import Medication
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.support.app_without_http import alone
from tests.support.hospital_dsl import admitted, doctor, request, room

MATCHES = 20
NURSE = Caller(
    Actor(issuer="test", subject="nurse", role=Role.NURSE),
    None,
    datetime.now(UTC) + timedelta(hours=1),
)


@pytest.fixture
def house(database: Database) -> Database:
    """A house with many stays in one ward, each with a prescription."""
    with closing(wired(Settings(), database)) as made:
        staff_number = doctor(made)
        for n in range(MATCHES):
            room(made, str(n), "a")
            made.prescriptions.write_prescription(
                request(),
                stay_id=admitted(made, f"M{n}", f"A/{n}/a"),
                medication=Medication(name="Aspirin"),
                prescriber=staff_number,
            )
    ProjectionRunner(database.app_url).catch_up()
    return database


async def statements(house: AppState, type: str, *given: tuple[str, str]) -> tuple[int, int]:
    """Return how many statements a search took, and how many matches it has."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(house.engine.sync_engine, "before_cursor_execute", add)
    try:
        reader = Reader(house, NURSE, {})
        result = await search(reader, query_of(RESOURCES[type], given, strict=True))
    finally:
        event.remove(house.engine.sync_engine, "before_cursor_execute", add)
    return count, len(result.matches)


def test_what_refers_to_matches_is_included_by_as_many_statements(house: Database) -> None:
    searches = {
        "Encounter": [("status", "in-progress")],
        "Patient": [("family", "Name of")],
    }

    async def compare() -> None:
        async with alone(house) as state:
            for type, given in searches.items():
                for pair in reverse_includes(type):
                    include = ("_revinclude", ":".join(pair))
                    few, many = [
                        await statements(state, type, *given, ("_count", str(count)), include)
                        for count in (1, MATCHES)
                    ]
                    assert (few[1], many[1]) == (1, MATCHES)
                    # some more where so much would be too costly for one operation
                    assert many[0] < few[0] + MATCHES / 2, (type, pair, few, many)

    asyncio.run(compare())


def test_matches_of_a_search_by_last_change_are_compared_by_as_many_statements(
    house: Database,
) -> None:
    async def compare() -> None:
        async with alone(house) as state:
            given = ("status", "in-progress"), ("_lastUpdated", "gt2020-01-01")
            few, many = [
                await statements(state, "Encounter", *given, ("_count", str(count)))
                for count in (1, MATCHES)
            ]
            assert (few[1], many[1]) == (1, MATCHES)
            assert many[0] <= few[0]

    asyncio.run(compare())
