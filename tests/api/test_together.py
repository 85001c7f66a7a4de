"""Tests of single flight: what many ask at once is asked once, and nobody is told another's."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from api.container import AppState
from api.graphql.context import ById, Context
from api.graphql.schema import schema
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from domain.prescription.events import Medication
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from infrastructure.bootstrap import hospital as wired
from infrastructure.caching.single_flight import BatchRunner, SingleFlight
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.queries.facts_with_stays import prescriptions_with_stays, visits_with_stays
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.stays import stays_by_id
from infrastructure.read_models.visits import visits_by_id
from infrastructure.settings import Settings
from tests.support.app_without_http import alone
from tests.support.hospital_dsl import admitted, ago, doctor, request, room

BOARD = """{ roomOccupancy(ward: "A") { room { number }
  beds { code stay { id } patient { mrn } } } }"""


MRNS = ("M1", "M2", "M3", "M4")


def nurse(*wards: str) -> Caller:
    actor = Actor(issuer="test", subject="nurse", role=Role.NURSE)
    return Caller(actor, frozenset(wards) or None, datetime.now(UTC) + timedelta(hours=1))


class Asking:
    """A house whose statements are counted by the table that they begin to read from."""

    def __init__(self, house: AppState) -> None:
        self.house = house
        self.boards = self.patients = self.rights = self.statements = 0

        @event.listens_for(house.engine.sync_engine, "before_cursor_execute")
        def count(_c: object, _cursor: object, said: str, *_: object) -> None:
            self.statements += 1
            self.boards += "held" in said
            self.patients += said.startswith("SELECT patients_v4.patients")
            self.rights += said.startswith("WITH RECURSIVE")

    async def board(self, caller: Caller) -> Any:
        answer = await schema.execute(BOARD, context_value=Context(self.house, caller))
        return answer.data["roomOccupancy"] if answer.data else answer.errors


@pytest.fixture
def asked(database: Database) -> Callable[..., list[Any]]:
    """Return the boards that several are told who ask at the same time, and how often each was read."""
    made = wired(Settings(), database)
    room(made, "1", "a", "b")
    room(made, "1", "a", ward="B")
    admitted(made, "M1", "A/1/a")
    made.close()
    ProjectionRunner(database.app_url).catch_up()

    def ask(*callers: Caller) -> list[Any]:
        async def all_at_once() -> list[Any]:
            async with alone(database) as house:
                asking = Asking(house)
                answer = await asyncio.gather(*map(asking.board, callers))
                return [answer, asking.boards, asking.patients, asking.rights]

        return asyncio.run(all_at_once())

    return ask


def test_a_board_that_many_ask_for_at_once_is_asked_for_once(
    asked: Callable[..., list[Any]],
) -> None:
    result, boards, patients, rights = asked(*[nurse()] * 8)

    assert all(one == result[0] for one in result)
    assert result[0][0]["beds"][0]["patient"] == {"mrn": "M1"}
    assert (boards, patients) == (1, 1)
    assert rights == 2, "what their glasses open, and what labels close"


def test_who_has_other_rights_is_answered_by_another_question(
    asked: Callable[..., list[Any]],
) -> None:
    result, boards, patients, _ = asked(nurse(), nurse("A"), nurse("A", "B"), nurse("A"))

    assert all(one == result[0] for one in result)
    assert (boards, patients) == (3, 3)


def test_who_may_not_see_is_told_nothing_of_what_others_are_told(
    asked: Callable[..., list[Any]],
) -> None:
    (one, other), *_ = asked(nurse("A"), nurse("B"))

    assert one[0]["beds"][0]["patient"] == {"mrn": "M1"}
    assert other == []


@pytest.mark.parametrize(
    "query",
    [
        "patients(first: %s) { nodes { mrn stays { id } } }",
        "patients(first: %s) { nodes { mrn otherRecords { mrn } } }",
        "stays(first: %s) { nodes { id patient { stays { id } } room { beds { code } } } }",
    ],
)
def test_a_page_is_told_by_as_many_statements_however_many_are_on_it(
    database: Database, query: str
) -> None:
    with closing(wired(Settings(), database)) as made:
        for number in "123456":  # the last page may take a statement more
            room(made, number, "a")
            admitted(made, f"M{number}", f"A/{number}/a")
    ProjectionRunner(database.app_url).catch_up()

    async def statements(first: int) -> int:
        async with alone(database) as house:
            asking = Asking(house)
            asked = "{" + query % first + "}"
            answer = await schema.execute(asked, context_value=Context(house, nurse()))
            assert answer.data, answer.errors
            (nodes,) = answer.data.values()
            assert len(nodes["nodes"]) == first
            return asking.statements

    assert asyncio.run(statements(5)) == asyncio.run(statements(2))


def test_persons_on_one_page_have_their_own_stays_and_records(database: Database) -> None:
    with closing(wired(Settings(), database)) as made:
        stays = {}
        for days, mrn in zip((9, 7, 5, 3), MRNS, strict=True):
            stay = admitted(made, mrn, at=ago(days=days))
            gone = request(ago(days=days - 1))
            made.stays.discharge_patient(gone, stay_id=stay, disposition=Disposition.HOME)
            stays[mrn] = str(stay)
        for one, other in (("M1", "M2"), ("M2", "M3")):
            made.identity.merge_patients(
                request(reason="one person"), patient_mrn=one, into_mrn=other
            )
    ProjectionRunner(database.app_url).catch_up()

    async def told() -> Any:
        query = "{ patients { nodes { mrn otherRecords { mrn } stays { id } } } }"
        async with alone(database) as house:
            result = await schema.execute(query, context_value=Context(house, nurse()))
            assert result.data, result.errors
            return result.data["patients"]["nodes"]

    nodes = {node["mrn"]: node for node in asyncio.run(told())}
    for mrn, node in nodes.items():
        person = ["M1", "M2", "M3"] if mrn != "M4" else ["M4"]
        assert [stay["id"] for stay in node["stays"]] == [stays[record] for record in person]
        assert {record["mrn"] for record in node["otherRecords"]} == {*person} - {mrn}


@pytest.mark.parametrize("caller", [nurse(), nurse("A"), nurse("B")])
def test_a_fact_is_read_with_its_stay_by_one_statement_as_by_two(
    database: Database, caller: Caller
) -> None:
    with closing(wired(Settings(), database)) as made:
        visits, prescriptions = [], []
        for ward in ("A", "B"):
            room(made, "1", "a", ward=ward)
            stay = admitted(made, f"M{ward}", f"{ward}/1/a")
            seen: dict[str, Any] = {
                "practitioner": doctor(made, f"D{ward}"),
                "kind": VisitKind.ROUND,
            }
            visit = made.stays.record_visit(request(), stay_id=stay, **seen)
            visits.append(visit.last("visit").visit)
            given: dict[str, Any] = {
                "medication": Medication(name="Ibuprofen"),
                "prescriber": f"D{ward}",
            }
            order = made.prescriptions.write_prescription(request(), stay_id=stay, **given)
            prescriptions += order.ids("prescription")
    ProjectionRunner(database.app_url).catch_up()

    async def check(together: ById[Any], alone_by_id: ById[Any], ids: list[UUID]) -> int:
        async with alone(database) as house:
            context = Context(house, caller)
            await context.load_permissions()
            at, asking = await context.at(), Asking(house)
            pairs = await context.query(together, ids, at)
            assert asking.statements == 1
            views = await context.query(alone_by_id, ids, at)
            stays = await context.query(stays_by_id, [view.stay for view in views.values()], at)
            assert pairs == {id: (view, stays[view.stay]) for id, view in views.items()}
            return len(pairs)

    count = 1 if caller.wards else 2
    assert asyncio.run(check(visits_with_stays, visits_by_id, visits)) == count
    assert asyncio.run(check(prescriptions_with_stays, prescriptions_by_id, prescriptions)) == count


def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    async def work() -> None:
        shared, may, begun = SingleFlight(), asyncio.Event(), 0

        async def found() -> int:
            nonlocal begun
            begun += 1
            await may.wait()
            return 7

        one, other = (asyncio.create_task(shared.run("it", found)) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.wait([one])
        may.set()

        assert await other == 7
        assert await shared.run("it", found) == 7
        assert begun == 1

    asyncio.run(work())


def test_what_nobody_waits_for_is_given_up_and_asked_anew() -> None:
    async def work() -> None:
        shared, given_up = SingleFlight(), asyncio.Event()

        async def never() -> int:
            try:
                return await asyncio.Future()
            finally:
                given_up.set()

        async def at_last() -> int:
            return 7

        both = [asyncio.create_task(shared.run("it", never)) for _ in range(2)]
        await asyncio.sleep(0)
        for one in both:
            one.cancel()
        await asyncio.wait(both)

        await asyncio.wait_for(given_up.wait(), 1)
        assert await shared.run("it", at_last) == 7

    asyncio.run(work())


def test_a_fault_is_told_to_all_who_waited() -> None:
    async def work() -> None:
        async def fails(_: list[int]) -> int:
            raise LookupError(uuid4())

        together, shared = BatchRunner("failing", fails), SingleFlight()
        rounds = [together.add(1) for _ in range(3)]
        answers = [shared.run("it", lambda: fails([])) for _ in range(3)]
        answer = await asyncio.gather(*rounds, *answers, return_exceptions=True)

        assert [type(one) for one in answer] == [LookupError] * 6

    asyncio.run(work())


def test_each_is_part_of_a_round_that_began_after_it_asked() -> None:
    async def work() -> None:
        rounds: list[list[str]] = []
        begun, may = asyncio.Event(), asyncio.Event()

        async def do(asked: list[str]) -> int:
            rounds.append(asked)
            begun.set()
            await may.wait()
            return len(rounds)

        together = BatchRunner("rounds", do)
        first = asyncio.create_task(together.add("first"))
        await begun.wait()
        later = [asyncio.create_task(together.add(name)) for name in ("second", "third")]
        await asyncio.sleep(0)
        may.set()

        assert [await first, await later[0], await later[1]] == [1, 2, 2]
        assert rounds == [["first"], ["second", "third"]]

    asyncio.run(work())
