"""How questions are looked for: a few things by what they are, a house by the moment.

Plans are made for any moment (`Database.async_engine`), here of empty tables, with an index where
one can be used at all: what a plan may use does not depend on how much there is.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.postgres.database import Database
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.row_security import Viewer
from infrastructure.read_models.occupancy import board, occupancy_history
from infrastructure.read_models.patients import patient_by_mrn, patients_by_id, records_of
from infrastructure.read_models.practitioners import practitioners_by_id
from infrastructure.read_models.prescriptions import doses_of, prescriptions_by_id, prescriptions_of
from infrastructure.read_models.rooms import rooms_by_id
from infrastructure.read_models.stays import StayCriteria, stays_by_id, stays_of_persons, stays_page
from infrastructure.read_models.timeline.queries import timeline_page
from infrastructure.read_models.visits import visits_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ID = uuid4()
Asks = Callable[[AsyncConnection, AsOf], Awaitable[Any]]
READERS = {
    "the house": Viewer(),
    "a ward": Viewer(wards=frozenset({"A"}), hidden=frozenset({"RESTRICTED"})),
}

FEW: dict[str, Asks] = {
    "patients": lambda c, at: patients_by_id(c, [ID], at),
    "patient": lambda c, at: patient_by_mrn(c, "M1", "main", at),
    "records": lambda c, at: records_of(c, ID, at),
    "practitioners": lambda c, at: practitioners_by_id(c, [ID], at),
    "rooms": lambda c, at: rooms_by_id(c, [ID], at),
    "stays": lambda c, at: stays_by_id(c, [ID], at),
    "stays of a patient": lambda c, at: stays_page(c, StayCriteria(patients=(ID,)), at, 50, None),
    "stays of persons": lambda c, at: stays_of_persons(c, [ID], at),
    "visits": lambda c, at: visits_of(c, [ID], at),
    "prescriptions": lambda c, at: prescriptions_by_id(c, [ID], at),
    "prescriptions of a stay": lambda c, at: prescriptions_of(c, [ID], at),
    "doses": lambda c, at: doses_of(c, [ID], at),
    "timeline of a patient": lambda c, at: timeline_page(c, at, 50, None, patients=[ID]),
    "timeline of a stay": lambda c, at: timeline_page(c, at, 50, None, stay=ID),
}
HOUSE: dict[str, tuple[Asks, str]] = {
    "open stays": (lambda c, at: stays_page(c, StayCriteria(), at, 50, None), "stays_open"),
    "board": (lambda c, at: board(c, at), "stretches_when"),
    "history": (
        lambda c, at: occupancy_history(
            c, at, NOW - timedelta(days=7), NOW, "A", None, None, 5_001
        ),
        "stretches_when",
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FEW)
def test_a_few_things_are_never_looked_for_among_all_that_hold_then(
    database: Database, name: str, reader: str
) -> None:
    plans = asyncio.run(_plans(database, FEW[name], AsOf(NOW, 1, READERS[reader])))
    assert "Index" in plans
    assert "_when" not in plans


@pytest.mark.parametrize("name", HOUSE)
def test_a_house_is_looked_for_by_the_moment(database: Database, name: str) -> None:
    asks, index = HOUSE[name]
    assert index in asyncio.run(_plans(database, asks, AsOf(NOW, 1)))


async def _plans(database: Database, asks: Asks, at: AsOf) -> str:
    """The plans of all statements of a question, for any values."""
    engine = database.async_engine(1)
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    async with engine.connect() as connection:
        assert connection.sync_connection
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await asks(connection, at)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        await connection.exec_driver_sql("SET enable_seqscan = off")
        told = [
            line
            for statement in asked
            for (line,) in await connection.exec_driver_sql(
                "EXPLAIN (GENERIC_PLAN) " + _with_numbers(statement)
            )
        ]
    await engine.dispose()
    return "\n".join(told)


def _with_numbers(statement: str) -> str:
    """Its parameters as PostgreSQL names them."""
    number = count(1)
    return re.sub(r"%\(\w+\)s", lambda _: f"${next(number)}", statement)
