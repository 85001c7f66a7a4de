"""A ward's program without events, as a good author writes it: tables that are updated in place.

The twin of a part of Wardbook, on the same stack (Strawberry, Starlette, SQLAlchemy, psycopg, uvicorn),
with the rules that this part has: a version for whoever read before they wrote, a command's id once,
only an open stay is visited, a visit is not of the future nor before the admission, no bed has two
stays (an exclusion constraint would say the same), and a history table that says who changed what.
A question is one statement, prepared by psycopg after its fifth time; nothing is awaited bed by bed,
and a mutation returns what its statements did.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import strawberry
import uvicorn
from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.types import Info

metadata = MetaData(schema="twin")
rooms = Table(
    "rooms", metadata,
    Column("id", Uuid, primary_key=True), Column("ward", String, index=True), Column("number", String),
)  # fmt: skip
patients = Table(
    "patients", metadata,
    Column("id", Uuid, primary_key=True), Column("mrn", String, unique=True),
    Column("family_name", String),
)  # fmt: skip
stays = Table(
    "stays", metadata,
    Column("id", Uuid, primary_key=True), Column("patient", ForeignKey(patients.c.id)),
    Column("specialty", String), Column("admitted_at", DateTime(timezone=True)),
    Column("discharged_at", DateTime(timezone=True)), Column("version", Integer, nullable=False),
)  # fmt: skip
beds = Table(
    "beds", metadata,
    Column("room", ForeignKey(rooms.c.id), primary_key=True), Column("code", String, primary_key=True),
    Column("state", String), Column("stay", ForeignKey(stays.c.id), unique=True),
)  # fmt: skip
visits = Table(
    "visits", metadata,
    Column("id", Uuid, primary_key=True), Column("stay", ForeignKey(stays.c.id), index=True),
    Column("occurred_at", DateTime(timezone=True)), Column("practitioner", String),
    Column("kind", String), Column("note", String),
)  # fmt: skip
history = Table(
    "history", metadata,
    Column("id", Integer, primary_key=True), Column("command", Uuid, unique=True),
    Column("stay", ForeignKey(stays.c.id)), Column("at", DateTime(timezone=True)),
    Column("occurred_at", DateTime(timezone=True)), Column("by", String), Column("what", String),
    Column("changed", JSONB),
)  # fmt: skip
Index("history_stay", history.c.stay, history.c.occurred_at)


BOARD = (
    select(
        rooms.c.id.label("room"),
        rooms.c.number,
        beds.c.code,
        beds.c.state,
        stays.c.id.label("stay"),
        stays.c.specialty,
        stays.c.admitted_at,
        stays.c.version,
        patients.c.id.label("patient"),
        patients.c.mrn,
        patients.c.family_name,
    )
    .select_from(rooms)
    .join(beds, beds.c.room == rooms.c.id)
    .outerjoin(stays, stays.c.id == beds.c.stay)
    .outerjoin(patients, patients.c.id == stays.c.patient)
    .order_by(rooms.c.ward, rooms.c.number, rooms.c.id, beds.c.code)
)
BOARD_OF_WARD = BOARD.where(rooms.c.ward == bindparam("ward"))
PAGE = (
    select(history)
    .where(history.c.stay == bindparam("of_stay"))
    .order_by(history.c.occurred_at, history.c.id)
    .limit(bindparam("most"))
)


class Context:
    """One operation."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def rows(self, query: Any, values: dict[str, Any] | None = None) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(query, values))


Ask = Info[Context, None]


@strawberry.type
class Patient:
    id: strawberry.ID
    mrn: str
    family_name: str | None


@strawberry.type
class Stay:
    id: strawberry.ID
    specialty: str | None
    admitted_at: datetime
    version: int

    @classmethod
    def of(cls, id: UUID, row: Any) -> Self:
        return cls(
            id=strawberry.ID(str(id)),
            specialty=row.specialty,
            admitted_at=row.admitted_at,
            version=row.version,
        )


@strawberry.type
class Bed:
    code: str
    state: str
    stay: Stay | None
    patient: Patient | None

    @classmethod
    def of(cls, row: Any) -> Self:
        if row.stay is None:
            return cls(code=row.code, state=row.state, stay=None, patient=None)
        id = strawberry.ID(str(row.patient))
        patient = Patient(id=id, mrn=row.mrn, family_name=row.family_name)
        return cls(code=row.code, state=row.state, stay=Stay.of(row.stay, row), patient=patient)


@strawberry.type
class Room:
    number: str


@strawberry.type
class RoomOccupancy:
    room: Room
    beds: list[Bed]


@strawberry.type
class Recorder:
    subject: str


@strawberry.type
class TimelineEntry:
    id: strawberry.ID
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    recorded_by: Recorder
    summary: str


@strawberry.type
class Timeline:
    nodes: list[TimelineEntry]


@strawberry.type
class Visit:
    id: strawberry.ID
    occurred_at: datetime
    kind: str


@strawberry.type
class VisitRecorded:
    visit: Visit
    stay: Stay


@strawberry.type
class Refused:
    code: str


@strawberry.input
class RecordVisitInput:
    command_id: strawberry.ID
    stay_id: strawberry.ID
    practitioner: str
    kind: str
    occurred_at: datetime | None = None
    expected_version: int | None = None


@strawberry.type
class Query:
    @strawberry.field
    async def room_occupancy(self, info: Ask, ward: str | None = None) -> list[RoomOccupancy]:
        finding = await (
            info.context.rows(BOARD_OF_WARD, {"ward": ward}) if ward else info.context.rows(BOARD)
        )
        result: list[RoomOccupancy] = []
        for _, in_room in groupby(finding, key=lambda row: row.room):
            first, *others = in_room
            room = Room(number=first.number)
            result.append(RoomOccupancy(room=room, beds=[Bed.of(row) for row in (first, *others)]))
        return result

    @strawberry.field
    async def timeline(self, info: Ask, stay_id: strawberry.ID, first: int = 50) -> Timeline:
        page = await info.context.rows(PAGE, {"of_stay": UUID(stay_id), "most": first + 1})
        return Timeline(
            nodes=[
                TimelineEntry(
                    id=strawberry.ID(str(row.id)),
                    kind=row.what,
                    occurred_at=row.occurred_at,
                    recorded_at=row.at,
                    recorded_by=Recorder(subject=row.by),
                    summary=f"{row.what}: {row.changed['kind']} by {row.changed['practitioner']}",
                )
                for row in page[:first]
            ]
        )


VisitResult = Annotated[VisitRecorded | Refused, strawberry.union("RecordVisitResult")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record_visit(self, info: Ask, input: RecordVisitInput) -> VisitResult:
        """Check and write in one transaction; the statements return what is answered."""
        stay, visit, now = UUID(input.stay_id), uuid4(), datetime.now(UTC)
        at = input.occurred_at or now
        async with info.context.engine.connect() as autocommit:
            connection = await autocommit.execution_options(isolation_level="READ COMMITTED")
            try:
                async with connection.begin():
                    row = (
                        await connection.execute(select(stays).where(stays.c.id == stay))
                    ).one_or_none()
                    if row is None:
                        return Refused(code="NOT_FOUND")
                    if row.discharged_at is not None and row.discharged_at <= at:
                        return Refused(code="STAY_NOT_OPEN")
                    if not row.admitted_at <= at <= now + timedelta(minutes=1):
                        return Refused(code="OUTSIDE_STAY")
                    version = input.expected_version or row.version
                    raised = await connection.execute(
                        update(stays)
                        .where(stays.c.id == stay, stays.c.version == version)
                        .values(version=version + 1)
                        .returning(stays)
                    )
                    if (written := raised.one_or_none()) is None:
                        return Refused(code="VERSION_CONFLICT")
                    fields = {"practitioner": input.practitioner, "kind": input.kind}
                    await connection.execute(
                        insert(visits).values(
                            id=visit, stay=stay, occurred_at=at, note=None, **fields
                        )
                    )
                    await connection.execute(
                        insert(history).values(
                            command=UUID(input.command_id),
                            stay=stay,
                            at=now,
                            occurred_at=at,
                            by="a nurse",
                            what="VISIT_RECORDED",
                            changed={"visit": str(visit), **fields},
                        )
                    )
            except IntegrityError:
                return Refused(code="COMMAND_ID_REUSED")
        result = Visit(id=strawberry.ID(str(visit)), occurred_at=at, kind=input.kind)
        return VisitRecorded(visit=result, stay=Stay.of(stay, written))


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    extensions=[
        lambda: ParserCache(maxsize=100),
        lambda: ValidationCache(maxsize=100),
        lambda: MaxTokensLimiter(5_000),
    ],
)


def application(url: str) -> Starlette:
    engine = create_async_engine(
        url,
        pool_size=20,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )

    class Endpoint(GraphQL[Context, None]):
        async def get_context(self, request: Any, response: Any) -> Context:
            return Context(engine)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Starlette(
        routes=[Route("/graphql", Endpoint(schema), methods=["POST"])], lifespan=lifespan
    )


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False
    )
