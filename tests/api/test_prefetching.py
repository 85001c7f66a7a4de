"""Tests of prefetching: nothing that a page shows of each of its entries is asked for one by one."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from api.graphql.context import Context
from api.graphql.schema import schema
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.support.app_without_http import alone
from tests.support.hospital_dsl import admitted, doctor, request, room

STAY = "id confidentiality room { number } patient { mrn } attending { familyName }"
PAGES = {
    "stays": f"{{ stays {{ nodes {{ {STAY} }} }} }}",
    "expectedArrivals": f"{{ expectedArrivals {{ nodes {{ patient {{ mrn }} stay {{ {STAY} }} }} }} }}",
    "bedSearch": f"{{ beds {{ nodes {{ code stay {{ {STAY.replace('room { number }', '')} }} }} }} }}",
}


@pytest.fixture
def house(database: Database) -> Database:
    """Two stays in beds that wait for another ward's, and a patient who is planned for."""
    with closing(hospital(Settings(), database)) as made:
        room(made, "1", "a", "b")
        for mrn, bed in (("M1", "A/1/a"), ("M2", "A/1/b")):
            stay = admitted(made, mrn, bed, attending=doctor(made, f"D{mrn}"))
            made.expected_arrivals.request_bed(request(), stay_id=stay)
        made.patients.register_patient(request(), mrn="M3", family_name="Planned")
        soon = datetime.now(UTC) + timedelta(days=1)
        made.expected_arrivals.plan_admission(request(), patient_mrn="M3", expected_at=soon)
    ProjectionRunner(database.app_url).catch_up()
    return database


@pytest.mark.parametrize("page", PAGES)
def test_what_is_shown_of_each_entry_is_read_with_its_page(house: Database, page: str) -> None:
    actor = Actor(issuer="test", subject="clerk", role=Role.NURSE)
    caller = Caller(actor, None, datetime.now(UTC) + timedelta(hours=1))

    async def ask() -> tuple[int, set[object]]:
        async with alone(house) as state:
            context = Context(state, caller)
            result = await schema.execute(PAGES[page], context_value=context)
            assert result.errors is None
            assert result.data is not None
            (connection,) = result.data.values()
            return len(connection["nodes"]), set(context._loaders)

    entries, read_one_by_one = asyncio.run(ask())

    assert entries >= 2
    assert read_one_by_one == set()
