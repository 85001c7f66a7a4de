"""Benchmark of the caches of parsed and checked documents: the executor alone.

Our schema with every limiter, the table of roles and the record of reading, against the same types in
Strawberry as it comes, without extensions. Both are answered from memory, so that the difference is
not lost beside the database.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import strawberry
from strawberry.schema.config import StrawberryConfig

from api.graphql.context import Context
from api.graphql.mutations import Mutation
from api.graphql.queries import Query
from api.graphql.scalars import SCALARS
from api.graphql.schema import schema
from api.graphql.subscriptions import Subscription
from application.authorization.roles import Caller
from domain.room.aggregate import BedState
from infrastructure.access_log import AccessRecord
from infrastructure.postgres.database import Database
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.named import ward_named
from infrastructure.read_models.bed_uses import BedView, BoardRoom, StretchView
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import PatientView, patients_by_id
from infrastructure.read_models.rooms import RoomView, wards
from infrastructure.read_models.stays import StayView, stays_by_id
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import BOARD, SMALL
from tests.support.hospital_dsl import ADA

BEDS = 20
TIMES, ROUNDS = 150, 7
NOW = datetime.now(UTC)
CALLER = Caller(ADA, None, NOW + timedelta(days=1))


class Told:
    """Writes nothing down: that is the database's part."""

    async def record(self, reading: AccessRecord) -> None:
        assert reading.patients


class Remembered(Context):
    """Answers from memory."""

    def __init__(self, found: dict[Any, Any]) -> None:
        house: Any = SimpleNamespace(
            access_log=Told(),
            progress=SimpleNamespace(position=1),
            log=SimpleNamespace(id=UUID(int=1), epoch=1, is_simulated=False),
            revocations=SimpleNamespace(covers=lambda *_: False),
            settings=SimpleNamespace(request_timeout_seconds=30.0, single_flight=True),
        )
        super().__init__(house, CALLER)
        self._found = found

    async def at(self, *_: Any, **__: Any) -> AsOf:
        self.note_position(1)
        return AsOf(NOW, 1, self.viewer)

    async def query(self, function: Any, *_: Any, **__: Any) -> Any:
        return self._found[function]


def measure(database: Database, folder: Path) -> list[Row]:
    """Asks nothing of the database."""
    say("parsing, checking and executing, from memory")
    plain = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    result = _ward()
    return [
        _row("small query", plain, SMALL, {}, result, "3x"),
        _row(f"board of {BEDS} beds", plain, BOARD, {"ward": "A"}, result, "2x"),
    ]


def _row(
    what: str,
    plain: strawberry.Schema,
    query: str,
    variables: dict[str, Any],
    found: dict[Any, Any],
    wanted: str,
) -> Row:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(asyncio.run(_asked(schema, query, variables, found)))
        theirs.append(asyncio.run(_asked(plain, query, variables, found)))
    name = f"{what}: cached, every limiter on"
    return Row.rates(name, median(ours), "plain Strawberry", median(theirs), wanted)


async def _asked(
    schema: strawberry.Schema, query: str, variables: dict[str, Any], found: dict[Any, Any]
) -> float:
    """Answers a second of processor time."""
    start = process_time()
    for _ in range(TIMES):
        context = Remembered(found)
        answer = await schema.execute(query, variable_values=variables, context_value=context)
        assert not answer.errors, answer.errors
        assert answer.data
    return TIMES / (process_time() - start)


def _ward() -> dict[Any, Any]:
    """Return what each question finds; those by id, as what is asked for by ids finds it."""
    rooms, by_stay, by_patient = [], {}, {}
    for number in range(BEDS // 2):
        beds = []
        room = RoomView(uuid4(), "A", str(number), ())
        for code in "ab":
            stay, patient = uuid4(), uuid4()
            lying = StretchView(stay, patient, room.room, code, False, None, NOW, None)
            beds.append(BedView(code, BedState.OCCUPIED, (lying,), None))
            by_stay[stay] = StayView(
                stay, patient, "ADMITTED", "ELECTIVE", NOW, None, None, None, "CARDIOLOGY",
                room.room, code, None, None, False, None, "NONE", None, None, None, "NORMAL",
            )  # fmt: skip
            by_patient[patient] = PatientView(
                patient, f"M{stay}", "main", "Family", "Given", None, "OTHER", "NORMAL", None, None
            )
        rooms.append(BoardRoom(room, tuple(beds)))
    return {
        board: rooms,
        wards: ["A", "B", "C"],
        ward_named: "A",
        stays_by_id: by_stay,
        patients_by_id: by_patient,
    }
