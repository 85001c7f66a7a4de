"""Answers that are kept are those that would be given, while all kinds of things happen to a house."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from strawberry.http import GraphQLRequestData, process_result

from api.container import AppState
from api.graphql.context import Context
from api.graphql.execution.response_cache import CachedResult, CachingExecutor
from api.graphql.schema import schema
from application.authorization.roles import Caller, Purpose
from application.command import Request
from application.hospital import Hospital
from domain.envelope import Actor
from domain.patient import Confidentiality
from domain.stay.events import AdmissionType
from infrastructure.bootstrap import hospital as wired
from infrastructure.caching.read_snapshot import Snapshot, Snapshots
from infrastructure.caching.response_cache import CachedResponse, ResponseCache
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.support.app_without_http import alone
from tests.support.failing import model, quiet, with_a_failing
from tests.support.happenings import BOARD, ENDS, NAMED, TOUCH_ROOMS, Happenings
from tests.support.hospital_dsl import ADA, place, rows
from tests.support.random_commands import BEGINS, Busy

STEPS = int(os.environ.get("WARDBOOK_STORIES", "14"))
MICROSECOND = timedelta(microseconds=1)


class Clock(Snapshots):
    """Looks at the database with a clock that the test sets, as nobody can wait for hours."""

    now = datetime(2026, 3, 2, tzinfo=UTC)

    async def snapshot(self) -> Snapshot:
        snapshot = await super().snapshot()
        return replace(snapshot, log_status=replace(snapshot.log_status, now=self.now))


class Asker:
    """Asks the same of a server that keeps its answers and of one that keeps none."""

    def __init__(self, house: AppState, clock: Clock) -> None:
        self.house, self.clock = house, clock
        self.keeping = ResponseCache(house.engine, clock, 2_000_000)
        self._answers = CachingExecutor()
        self.how: Counter[str] = Counter()
        self.seen: set[str] = set()

    async def ask(self, query: str, variables: dict[str, Any], reader: Caller) -> str:
        made = await self._told(query, variables, reader, self.house)
        told = await self.kept(query, variables, replace(reader, purpose=Purpose.QUALITY))
        assert told == made, (query, variables, reader)
        self.seen.add(made)
        return made

    async def kept(self, query: str, variables: dict[str, Any], reader: Caller) -> str:
        keeping = replace(self.house, response_cache=self.keeping)
        return await self._told(query, variables, reader, keeping)

    async def _told(
        self, query: str, variables: dict[str, Any], reader: Caller, house: AppState
    ) -> str:
        asked = GraphQLRequestData(
            query=query, variables=variables, operation_name=None, extensions=None
        )
        context = Context(house, reader)
        executed = False

        async def execute() -> Any:
            nonlocal executed
            executed = True
            return await schema.execute(query, variable_values=variables, context_value=context)

        async def encode(result: Any) -> bytes:
            return json.dumps(process_result(result)).encode()

        result = await self._answers.answer(asked, context, execute, encode)
        self.how["kept" if not executed else "made"] += 1
        if isinstance(result, CachedResult) and result.encoded is not None:
            return result.encoded.response.body.decode()
        return json.dumps(process_result(result))


Tale = Callable[["Moments"], Awaitable[None]]
Tell = Callable[[Tale], None]


@asynccontextmanager
async def asking(database: Database, hospital: Hospital) -> AsyncIterator[Asker]:
    async with alone(database, hospital, Clock) as house:
        clock = house.snapshots
        assert isinstance(clock, Clock)
        yield Asker(house, clock)


@pytest.fixture
def hospital(simulated: Database) -> Iterator[Hospital]:
    with closing(wired(Settings(), simulated)) as made:
        yield made


@pytest.mark.nightly
def test_what_is_kept_is_what_would_be_answered(simulated: Database, hospital: Hospital) -> None:
    how = asyncio.run(_lived(simulated, hospital, Random("kept"), STEPS))
    assert how["kept"] > 2 * STEPS
    assert how["made"] > how["kept"]


async def _lived(database: Database, hospital: Hospital, lot: Random, steps: int) -> Counter[str]:
    async with asking(database, hospital) as asker:
        with psycopg.connect(database.app_url, autocommit=True) as connection:
            busy = Busy(hospital, lot)
            busy.live(80)
            bad = UUID(int=1, version=4)
            filler = BatchProjector(connection, with_a_failing("stays", bad))
            filler.prepare()
            happened = Happenings(database, hospital, busy, filler, lot, bad)
            standing = happened.question()
            for step in range(steps):
                happened.something(step)
                asker.clock.now = happened.now + timedelta(minutes=lot.choice([0, 0, 1, 600]))
                questions = [standing, happened.question()]
                readers = lot.sample(happened.readers, 2)
                for query, variables in questions * 2:
                    for reader in readers:
                        await asker.ask(query, variables, reader)
            assert len(asker.seen) > steps
            assert _recorded(database, Purpose.QUALITY) == _recorded(database, Purpose.TREATMENT)
            return asker.how


def _recorded(database: Database, purpose: Purpose) -> list[tuple[Any, ...]]:
    """Return who read what of whom, for a purpose, in that order."""
    return rows(
        database,
        "SELECT subject, role, operation, patients, opened FROM audit.accesses"
        " WHERE purpose = %s ORDER BY no",
        [purpose.value],
    )


class Moments:
    """One room, asked about by one nurse at a time."""

    def __init__(self, asker: Asker, database: Database, hospital: Hospital) -> None:
        self.asker, self.database, self.hospital = asker, database, hospital
        self.nurse = Caller(Actor(issuer="test", subject="nurse", role="nurse"), None, ENDS)
        self.now = asker.clock.now = BEGINS
        self.execute("open_room", ward="A", room="1", beds=("a", "b"))

    def execute(self, command: str, by: Actor = ADA, **said: Any) -> None:
        request = Request(command_id=uuid4(), by=by, now=self.now, reason="it had to be")
        self.hospital.command(command)(request, **said)
        ProjectionRunner(self.database.app_url).catch_up()

    async def asked(self, query: str, at: datetime, kept: int) -> str:
        """Return what the nurse is told twice at a moment; ``kept``: how often from the cache."""
        self.asker.clock.now = at
        before = self.asker.how["kept"]
        for _ in range(2):
            told = await self.asker.ask(query, {"ward": "A"}, self.nurse)
        assert self.asker.how["kept"] - before == kept
        return told


@pytest.fixture
def told(simulated: Database, hospital: Hospital) -> Tell:
    async def tell(tale: Tale) -> None:
        async with asking(simulated, hospital) as asker:
            await tale(Moments(asker, simulated, hospital))

    return lambda tale: asyncio.run(tell(tale))


def test_what_is_planned_comes_though_nothing_is_recorded(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        begins, ends = BEGINS + timedelta(hours=1), BEGINS + timedelta(hours=2)
        bed: dict[str, Any] = place("A/1/a")
        m.execute("close_bed", **bed, since=begins, until=ends)
        await m.asked(BOARD, BEGINS, kept=0)
        assert "CLOSED" not in await m.asked(BOARD, begins - MICROSECOND, kept=2)
        assert "CLOSED" in await m.asked(BOARD, begins, kept=1)
        assert "CLOSED" in await m.asked(BOARD, ends - MICROSECOND, kept=2)
        assert "CLOSED" not in await m.asked(BOARD, ends, kept=1)
        assert "CLOSED" not in await m.asked(BOARD, ends + timedelta(days=400), kept=2)
        assert "CLOSED" in await m.asked(BOARD, begins, kept=1)  # a clock may be set back

    told(tale)


def test_what_is_opened_is_shown_until_it_is_shut_by_time(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        label = Confidentiality.VERY_RESTRICTED
        m.execute("register_patient", mrn="M1", family_name="Hidden", confidentiality=label)
        bed: dict[str, Any] = place("A/1/a")
        m.execute("admit_patient", patient_mrn="M1", admission_type=AdmissionType.ELECTIVE, **bed)
        await m.asked(NAMED, BEGINS, kept=0)
        assert "Hidden" not in await m.asked(NAMED, BEGINS, kept=2)
        m.execute("break_glass", by=m.nurse.actor, patient_mrn="M1", hours=2)
        shut = BEGINS + timedelta(hours=2)
        assert "Hidden" in await m.asked(NAMED, shut - MICROSECOND, kept=1)
        assert "Hidden" in await m.asked(NAMED, BEGINS + timedelta(hours=1), kept=1)
        assert "Hidden" not in await m.asked(NAMED, shut, kept=1)

    told(tale)


def test_a_read_model_that_is_put_right_is_told_though_the_log_stands_still(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        await m.asked(BOARD, BEGINS, kept=0)
        assert '"number": "1"' in await m.asked(BOARD, BEGINS, kept=2)
        with psycopg.connect(m.database.owner_url) as owner:
            owner.execute("UPDATE rooms_v1.rooms SET number = 'one'")
            owner.execute(TOUCH_ROOMS)
        assert '"number": "one"' in await m.asked(BOARD, BEGINS, kept=1)
        rebuild(m.database, [model("rooms")], quiet)
        assert '"number": "1"' in await m.asked(BOARD, BEGINS, kept=1)

    told(tale)


def test_an_answer_is_not_kept_if_something_changes_while_it_is_made(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        kept, clock = m.asker.keeping, m.asker.clock
        began, answer = await clock.log_status(), CachedResponse(b"{}", "", "", frozenset())
        m.execute("open_room", ward="A", room="2", beds=("a",))
        await kept.put(began, "question", answer)
        assert kept.get(began, "question") is kept.get(await clock.log_status(), "question") is None

    told(tale)


def test_who_asks_while_an_answer_is_made_is_told_of_all_that_was_recorded_before(
    told: Tell,
) -> None:
    async def tale(m: Moments) -> None:
        await m.asked(BOARD, BEGINS, kept=0)
        before = m.asker.how["made"]
        asks: list[asyncio.Task[str]] = []
        for number in range(2, 8):
            m.execute("open_room", ward="A", room=str(number), beds=("a",))
            for _ in range(5):
                asks.append(asyncio.create_task(m.asker.kept(BOARD, {"ward": "A"}, m.nurse)))
                await asyncio.sleep(0)
        answers = [json.loads(answer) for answer in await asyncio.gather(*asks)]
        rooms = [len(answer["data"]["roomOccupancy"]) for answer in answers]
        assert all(seen >= 2 + n // 5 for n, seen in enumerate(rooms)), rooms
        assert m.asker.how["made"] - before < len(asks)

    told(tale)


def test_the_memory_of_answers_is_bounded(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        clock = m.asker.clock
        kept = ResponseCache(m.asker.house.engine, clock, 10_000)
        here = await clock.log_status()
        for number in range(20):
            await kept.put(here, number, CachedResponse(bytes(1_000), "", "", frozenset()))
        result = [number for number in range(20) if kept.get(here, number)]
        assert result == list(range(15, 20))

    told(tale)


def test_a_long_question_takes_no_more_memory_than_a_short_one(told: Tell) -> None:
    async def tale(m: Moments) -> None:
        long = {"ward": "A" + " " * 1_000_000}
        for _ in range(3):
            await m.asker.kept(BOARD, long, m.nurse)
        assert m.asker.how["kept"]
        assert all(len(repr(question)) < 1_000 for question in m.asker.keeping._responses)

    told(tale)
