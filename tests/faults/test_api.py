"""The API as a process of its own, over HTTP: killed in the middle, and asked many times at once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from api.auth.local_tokens import LocalTokens
from api.graphql.scalars import decode_position
from infrastructure.postgres.database import Database
from tests.cli.test_serving import await_ready, free_port, get, process
from tests.support.checker import ROUNDS, Acknowledgements, caught_up, check, lot_id, wait_until
from tests.support.hospital_dsl import at_once, place

pytestmark = pytest.mark.nightly

seeded = pytest.mark.parametrize("seed", range(ROUNDS))

Told = dict[str, Any]

ANSWERS = {
    "openRoom": "RoomRecorded { room { id } }",
    "registerPatient": "PatientRecorded { patient { id } }",
    "admitPatient": "StayRecorded { stay { id bed } }",
    "transferPatient": "StayRecorded { stay { id bed } }",
}
"""The fields asked for in the response to a command, beside its position."""


@dataclass(slots=True)
class Api:
    """A server that can be killed and started again, each time at another port."""

    home: Path
    database: Database
    url: str = ""
    answers: dict[str, Told] = field(default_factory=dict)
    _running: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        serve = ("serve", "--port", str(port))
        server = self._running.enter_context(process(self.home, self.database, *serve))
        await_ready(server, url)
        self.url = url

    def kill(self) -> None:
        """kill -9."""
        self._running.close()

    def send(self, command: str, input: Told) -> Told | None:
        """Return the response to a command; None if there is none."""
        query = (
            f"mutation($input: {command[0].upper()}{command[1:]}Input!) {{"
            f" {command}(input: $input) {{ __typename ... on Recorded {{ position recordedAt }}"
            f" ... on Refusal {{ code message }} ... on {ANSWERS[command]} }} }}"
        )
        token = LocalTokens.of(self.home).make()
        request_body = {"query": query, "variables": {"input": input}}
        try:
            status, body = get(f"{self.url}/graphql", request_body, token)
        except (HTTPException, OSError):  # it died with half the answer sent
            return None
        if status == 0:
            return None
        whole = json.loads(body)
        assert "errors" not in whole, whole
        result: Told = whole["data"][command]
        return None if result["__typename"] == "RecordedNotYetReadable" else result

    def execute(self, command: str, id: UUID, **input: Any) -> Told:
        """Send a command as a client does: again, with the same id, until it is answered."""
        begun, pause = monotonic(), Event()
        while (result := self.send(command, {"commandId": str(id), **input})) is None:
            assert monotonic() - begun < 30, "the API never came back"
            pause.wait(0.02)
        return result

    def record(self, command: str, id: UUID, **input: Any) -> Told:
        """The same for one that must be accepted; each time the answer must be the same."""
        answer = self.execute(command, id, **input)
        assert "position" in answer, answer
        assert self.answers.setdefault(str(id), answer) == answer
        return answer

    def acknowledged(self) -> Acknowledgements:
        log, acknowledgements = self.database.open_log(), Acknowledgements()
        for id, answer in self.answers.items():
            acknowledgements.positions[UUID(id)] = decode_position(
                answer["position"], log.id, log.epoch, ""
            )
        return acknowledgements


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path / "home", database)
    made.start()
    yield made
    made.kill()


@seeded
def test_an_api_killed_in_the_middle_loses_and_doubles_nothing(api: Api, seed: int) -> None:
    done = Event()

    def kill_and_start() -> None:
        lot = Random(seed)
        try:
            for _ in range(2):
                goal = len(api.answers) + lot.randint(20, 60)
                wait_until(lambda g=goal: len(api.answers) >= g, 20, "writes go on")  # type: ignore[misc]
                Event().wait(lot.random() * 0.02)
                api.kill()
                api.start()
            goal = len(api.answers) + 20
            wait_until(lambda: len(api.answers) >= goal, 20, "writes go on after the kills")
        finally:
            done.set()

    def admit_patients(pair: int) -> None:
        lot = Random(seed * 10 + pair)  # the two of a pair send the same
        for n in count():
            mrn, ids = f"P{pair}-{n}", [lot_id(lot), lot_id(lot)]
            if done.is_set():
                return
            api.record("registerPatient", ids[0], mrn=mrn)
            where = {"patientMrn": mrn, "withoutBed": "corridor"}
            api.record("admitPatient", ids[1], admissionType="ELECTIVE", **where)

    clients = [lambda pair=n // 2: admit_patients(pair) for n in range(4)]
    assert at_once(kill_and_start, *clients) == [None] * 5
    caught_up(api.database)
    check(api.database, api.acknowledged())


@seeded
def test_doubled_and_reordered_requests_have_one_effect_and_one_answer(api: Api, seed: int) -> None:
    lot = Random(seed)
    api.record("openRoom", lot_id(lot), ward="A", room="1", beds=[*"abcdef"])
    people = [(f"M{n}", lot_id(lot), lot_id(lot)) for n in range(8)]

    def arrive(order: list[tuple[str, str, UUID]]) -> None:
        """Each in an order of its own: who is admitted before he is registered is sent again."""
        while order:
            command, mrn, id = order.pop(0)
            if command == "registerPatient":
                api.record(command, id, mrn=mrn)
                continue
            fields = {"patientMrn": mrn, "admissionType": "ELECTIVE", "withoutBed": "corridor"}
            if api.execute(command, id, **fields).get("code") == "NotFound":
                order.append((command, mrn, id))
            else:
                api.record(command, id, **fields)

    all_of_them = [("registerPatient", mrn, id) for mrn, id, _ in people]
    all_of_them += [("admitPatient", mrn, id) for mrn, _, id in people]
    orders = [lot.sample(all_of_them, len(all_of_them)) for _ in range(5)]
    assert at_once(*[lambda o=o: arrive(o) for o in orders]) == [None] * 5
    stays = [api.answers[str(id)]["stay"]["id"] for _, _, id in people]

    moved = 0
    for _ in range(16):
        id, stay, bed = lot_id(lot), lot.choice(stays), lot.choice("abcdef")
        five = [
            lambda: api.execute("transferPatient", id, stayId=stay, **place(f"A/1/{bed}"))  # noqa: B023
        ] * 5
        first, *others = at_once(*five)
        assert others == [first] * 4
        assert isinstance(first, dict)
        if "position" in first:
            moved += 1
            api.answers[str(id)] = first
    assert moved > 0
    caught_up(api.database)
    check(api.database, api.acknowledged())
