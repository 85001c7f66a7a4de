"""Every past, asked as known at every point of the record, is what a plain model says.

Random commands, late ones, corrections, cancels and merges, to a real hospital on a real log. Small
numbers of beds, patients and minutes, so that they get into each other's way. `make nightly` does
thousands of steps (WARDBOOK_STORIES).
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, event, note, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.bootstrap import hospital as wired
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.occupancy import board, occupancy_history
from infrastructure.read_models.patients import patient_by_mrn
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.stays import StayView, stays_by_id
from infrastructure.settings import Settings
from tests.conftest import empty
from tests.support.reference_hospital import BEDS, NEVER
from tests.support.reference_stay import Now
from tests.support.shared_history import dump, forget
from tests.support.stateful import RECORDS, STEPS, Machine, moment

pytestmark = pytest.mark.slow

STORIES = int(os.environ.get("WARDBOOK_STORIES", "4"))

thoroughly = settings(
    max_examples=STORIES,
    suppress_health_check=list(HealthCheck),
)


@thoroughly
@for_all(st.lists(STEPS, min_size=50, max_size=80))
def test_every_answer_of_every_past_is_that_of_the_plain_house(
    simulated: Database, story: list[Any]
) -> None:
    with living(simulated) as (machine, filler):
        for back, what in story:
            machine.step(back, what)
            while filler.step():
                pass
        note(f"{machine.steps} steps, {machine.accepted} accepted")
        event(f"{machine.accepted // 10 * 10} or more commands accepted")
        asyncio.run(compare(simulated, machine))
        broken = [c for c in verify(simulated) if c.broken]
        assert broken == []
        live = dump(simulated)
        forget(simulated)
        filler.prepare()
        while filler.step():
            pass
        assert dump(simulated) == live


@contextmanager
def living(database: Database) -> Iterator[tuple[Machine, BatchProjector]]:
    """An empty log, a hospital that nothing has happened to, and its read models."""
    empty(database)
    database.open_log("simulated")
    with (
        closing(wired(Settings(), database)) as hospital,
        psycopg.connect(database.app_url, autocommit=True) as connection,
    ):
        filler = BatchProjector(connection)
        filler.prepare()
        yield Machine(hospital), filler


async def compare(database: Database, machine: Machine) -> None:
    """Ask for some moments, as known at some positions; the last of each always among them."""
    engine = database.async_engine(1)
    ends = sorted({position for position, _, _ in machine.house.said})
    try:
        async with engine.connect() as connection:
            for known in [*ends[: -1 : 1 + len(ends) // 8], *ends[-1:]]:
                minutes = range(9, machine.minute + 1)
                for minute in [*minutes[: -1 : 1 + len(minutes) // 8], minutes[-1]]:
                    await _compare(connection, machine, minute, known)
                await _compare_links(connection, machine, known)
            for minute in range(9, machine.minute + 1):
                await _compare_orders(connection, machine, minute)
    finally:
        await engine.dispose()


async def _compare(connection: AsyncConnection, machine: Machine, minute: int, known: int) -> None:
    house, at = machine.house, AsOf(moment(minute), known)
    expected = {
        stay: now
        for stay in machine.stays
        if house.of(stay, known) and (now := house.at(stay, minute, known))
    }
    result = await stays_by_id(connection, machine.stays, at)
    assert {s: _now(machine, view) for s, view in result.items()} == expected, (minute, known)

    beds = {
        f"{room.room.number}/{bed.code}": [(o.stay, o.kept) for o in bed.occupants]
        for room in await board(connection, at)
        for bed in room.beds
    }
    assert beds == {
        bed: [(s, now.kept) for s, now in expected.items() if now.where == bed] for bed in BEDS
    }
    stretches = await occupancy_history(
        connection, at, moment(minute), moment(minute + 1), "A", None, None
    )
    assert {s.stay for s in stretches} == {s for s, n in expected.items() if n.where in BEDS}


async def _compare_orders(connection: AsyncConnection, machine: Machine, minute: int) -> None:
    orders, lives = machine.house.orders, machine.house.lives()
    written = [note.order for note in orders.notes if note.kind == "order"]
    expected = {
        order: status
        for order in written
        if (status := orders.status(order, lives[orders.stays[order]], minute))
    }
    result = await prescriptions_by_id(connection, written, AsOf(moment(minute), NEVER))
    assert {order: view.status for order, view in result.items()} == expected, minute


async def _compare_links(connection: AsyncConnection, machine: Machine, known: int) -> None:
    links = machine.house.into(known)
    views = {}
    for record in RECORDS:
        views[record] = await patient_by_mrn(connection, record, "main", AsOf(moment(NEVER), known))
    mrns = {view.patient: record for record, view in views.items() if view}
    assert links == {
        record: mrns[view.merged_into]
        for record, view in views.items()
        if view and view.merged_into
    }


def _now(machine: Machine, view: StayView) -> Now:
    bed = f"{machine.rooms[view.room]}/{view.bed}" if view.room else view.without_bed or ""
    doctor = machine.doctors[view.attending] if view.attending else ""
    specialty, type = view.specialty or "", view.admission_type
    return Now(view.status, bed, view.bed_kept, doctor, view.plan, specialty, type)
