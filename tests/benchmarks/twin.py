"""A ward's program without events, as it is often written: tables that are updated in place.

The twin of a part of Wardbook, on the same stack (Strawberry, Starlette, SQLAlchemy, psycopg, uvicorn),
with the rules that this part has: a version for whoever read before they wrote, a command's id once,
only an open stay is visited, a visit is not of the future nor before the admission, no bed has two
stays (an exclusion constraint would say the same), and a history table that says who changed what.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import strawberry
import uvicorn
from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    any_,
    cast,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
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


def _ids(column: Any, ids: list[UUID]) -> Any:
    return column == any_(cast(literal(ids), ARRAY(Uuid)))


class Context:
    """One operation, with loaders of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.stays = DataLoader(load_fn=self._loader(stays, Stay))
        self.patients = DataLoader(load_fn=self._loader(patients, Patient))

    async def rows(self, query: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(query))

    def _loader(self, table: Table, kind: Any) -> Any:
        async def load(ids: list[UUID]) -> list[Any]:
            found = {
                row.id: kind.of(row)
                for row in await self.rows(select(table).where(_ids(table.c.id, ids)))
            }
            return [found.get(id) for id in ids]

        return load


Ask = Info[Context, None]


@strawberry.type
class Patient:
    id: strawberry.ID
    mrn: str
    family_name: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(id=strawberry.ID(str(row.id)), mrn=row.mrn, family_name=row.family_name)


@strawberry.type
class Stay:
    id: strawberry.ID
    specialty: str | None
    admitted_at: datetime
    version: int

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(
            id=strawberry.ID(str(row.id)),
            specialty=row.specialty,
            admitted_at=row.admitted_at,
            version=row.version,
        )


@strawberry.type
class Bed:
    code: str
    state: str
    of_stay: strawberry.Private[UUID | None]
    of_patient: strawberry.Private[UUID | None]

    @strawberry.field
    async def stay(self, info: Ask) -> Stay | None:
        found: Stay | None = await info.context.stays.load(self.of_stay) if self.of_stay else None
        return found

    @strawberry.field
    async def patient(self, info: Ask) -> Patient | None:
        who = self.of_patient
        found: Patient | None = await info.context.patients.load(who) if who else None
        return found


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
        wanted = select(rooms).order_by(rooms.c.ward, rooms.c.number)
        if ward is not None:
            wanted = wanted.where(rooms.c.ward == ward)
        here = await info.context.rows(wanted)
        in_them = (
            select(beds, stays.c.patient)
            .outerjoin(stays, stays.c.id == beds.c.stay)
            .where(_ids(beds.c.room, [room.id for room in here]))
            .order_by(beds.c.code)
        )
        told: dict[UUID, list[Bed]] = {room.id: [] for room in here}
        for row in await info.context.rows(in_them):
            bed = Bed(code=row.code, state=row.state, of_stay=row.stay, of_patient=row.patient)
            told[row.room].append(bed)
        return [RoomOccupancy(room=Room(number=r.number), beds=told[r.id]) for r in here]

    @strawberry.field
    async def timeline(self, info: Ask, stay_id: strawberry.ID, first: int = 50) -> Timeline:
        page = (
            select(history)
            .where(history.c.stay == UUID(stay_id))
            .order_by(history.c.occurred_at, history.c.id)
            .limit(first + 1)
        )
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
                for row in (await info.context.rows(page))[:first]
            ]
        )


VisitResult = Annotated[VisitRecorded | Refused, strawberry.union("RecordVisitResult")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record_visit(self, info: Ask, input: RecordVisitInput) -> VisitResult:
        """CheckResult and written in one transaction, then read back from the tables."""
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
                    )
                    if raised.rowcount != 1:
                        return Refused(code="VERSION_CONFLICT")
                    said = {"practitioner": input.practitioner, "kind": input.kind}
                    await connection.execute(
                        insert(visits).values(
                            id=visit, stay=stay, occurred_at=at, note=None, **said
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
                            changed={"visit": str(visit), **said},
                        )
                    )
            except IntegrityError:
                return Refused(code="COMMAND_ID_REUSED")
        (found,) = await info.context.rows(select(visits).where(visits.c.id == visit))
        (theirs,) = await info.context.rows(select(stays).where(stays.c.id == stay))
        told = Visit(
            id=strawberry.ID(str(found.id)), occurred_at=found.occurred_at, kind=found.kind
        )
        return VisitRecorded(visit=told, stay=Stay.of(theirs))


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
