"""A minute of a whole house: sixteen clients of several roles at once against one server; then verify.

Who asks, who commands, who sends what was recorded offline, and who follows, each by the rights of the
own login. Refusals are part of it: two want one bed. What may not be is an answer of 5xx, a fault of
ours, a gap or a double in what is followed, or a broken promise afterwards: then it raises.
"""

import asyncio
import json
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from api.auth.local_tokens import LocalTokens
from application.authorization.roles import Role
from infrastructure.bootstrap import hospital
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.processes import processor
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import admitted, doctor, room

SECONDS = float(os.environ.get("WARDBOOK_BENCH_SECONDS", "60"))
WARDS, ROOMS = ("North", "South"), 10
OURS = {"INTERNAL", "DATABASE_AWAY", "TIMED_OUT", "READ_MODELS_BEHIND", "RecordedNotYetReadable"}
"""What no client has caused."""

BOARD = """query($ward: String) { roomOccupancy(ward: $ward) { room { number } beds {
  code state patient { mrn } stay { id specialty } } } }"""
TIMELINE = """query($stay: ID) { timeline(stayId: $stay, first: 50) { nodes {
  kind summary occurredAt recordedBy { subject } } } }"""
STAYS = "query { stays(first: 50) { nodes { id status bed } } }"
COUNTS = "query { roomOccupancy { beds { state occupants { stay { admittedAt } } } } }"
REPORT = """query($days: ReportPeriod!) { report(name: "inpatient-census", period: $days) {
  digest } }"""
ACCESSES = "query { accesses(first: 50) { nodes { subject operation } } }"
FOLLOW = "subscription($after: Position) { events(after: $after) { id position } }"
PAGE = """query($after: Position) { events(after: $after, first: 500) {
  nodes { id } pageInfo { endCursor hasNextPage } } }"""
ANSWER = "__typename ... on Refusal { code }"
ADMITTED = "... on StayRecorded { stay { id } }"


class Unsound(Exception):
    """Something that may not be, whatever the load."""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    made, home = hospital(Settings(), database), folder / "home"
    stays: dict[str, str] = {}
    for at, ward in enumerate(WARDS):
        for number in range(ROOMS):
            room(made, f"{ward}{number}", "a", "b", ward=ward)
            stays[str(admitted(made, f"M{at}{number}", f"{ward}/{ward}{number}/a"))] = ward
    staff_number = doctor(made)
    made.close()
    say(f"load: 16 clients for {SECONDS:.0f} s")
    with served(database, home) as (address, process):
        load = Load(address, LocalTokens.of(home), stays, staff_number)
        begun = processor(process.pid)
        asyncio.run(load.run())
        busy = (processor(process.pid) - begun) / sum(map(len, load.took.values()))
    promises = list(verify(database))
    broken = [f"{p.promise}: {example}" for p in promises for example in p.examples]
    if broken:
        raise Unsound(broken)
    return [
        *load.rows(),
        Row("load: processor of the server, a request", f"{busy:.0f} ms"),
        Row("load: promises verified afterwards, broken", f"{len(promises)}, 0"),
    ]


class Load:
    """The house under load, and what became of all that was asked."""

    def __init__(
        self, address: str, tokens: LocalTokens, stays: dict[str, str], doctor: str
    ) -> None:
        """``stays``: those in the house, each with its ward."""
        self.address, self.tokens, self.stays, self.doctor = address, tokens, stays, doctor
        self.took: dict[str, list[float]] = defaultdict(list)
        self.commands: Counter[str] = Counter()
        self.told: list[list[str]] = []
        self.ends = 0.0
        self.is_over = asyncio.Event()

    async def run(self) -> None:
        nurse, physician = (board, timeline, transfer, leave), (timeline, visit, prescribe, board)
        desk, figures = (admit, discharge, stays), (report, counts)
        acts: list[tuple[Role, tuple[Act, ...]]] = [
            *[(Role.NURSE, nurse)] * 4,
            *[(Role.PHYSICIAN, physician)] * 3,
            *[(Role.REGISTRAR, desk)] * 2,
            (Role.BED_MANAGER, (close, board, transfer)),
            (Role.ANALYST, figures),
            (Role.AUDITOR, (accesses,)),
            *[(Role.NURSE, (batch,))] * 2,
        ]
        self.ends = monotonic() + SECONDS
        async with asyncio.TaskGroup() as following:
            for n in range(2):
                following.create_task(self._follow(n))
            async with asyncio.TaskGroup() as asking:
                for n, (role, of) in enumerate(acts):
                    asking.create_task(self._act(One(self, n, role), of))
            self.is_over.set()

    async def _act(self, one: "One", acts: "tuple[Act, ...]") -> None:
        async with one.http:
            while monotonic() < self.ends:
                await one.lot.choice(acts)(one)

    async def _follow(self, n: int) -> None:
        """Come and go, and go on after the last position; in the end nothing is missing or double."""
        one = One(self, 90 + n, Role.SERVICE)
        self.told.append(result := [])
        async with one.http:
            before, after = await one.events(None)
            while not self.is_over.is_set():
                async for event in self._some(one, after):
                    result.append(event["id"])
                    after = event["position"]
            rest, _ = await one.events(after)
            whole, _ = await one.events(None)
            if before + result + rest != whole:
                raise Unsound("what was followed is not what was recorded")

    async def _some(self, one: "One", after: str | None) -> AsyncIterator[dict[str, Any]]:
        url = self.address.replace("http", "ws") + "/graphql"
        protocol = Subprotocol("graphql-transport-ws")
        async with connect(url, subprotocols=[protocol], compression=None) as socket:
            await _say(socket, type="connection_init", payload={"Authorization": one.bearer})
            payload = {"query": FOLLOW, "variables": {"after": after}}
            await socket.recv()
            await _say(socket, id="1", type="subscribe", payload=payload)
            for _ in range(one.lot.choice((10, 100, 1000))):
                try:
                    answer = json.loads(await asyncio.wait_for(socket.recv(), 5))
                except TimeoutError:
                    return
                if answer["type"] != "next" or "errors" in answer["payload"]:
                    raise Unsound(answer)
                yield answer["payload"]["data"]["events"]

    def rows(self) -> list[Row]:
        rows = []
        for kind, took in sorted(self.took.items()):
            ends = f"{median(took):.0f} / {quantiles(took, n=100)[98]:.0f} ms"
            rows.append(Row(f"load: {kind}, median / p99", f"{len(took) / SECONDS:.1f}/s, {ends}"))
        given, refusal = self.commands.total(), self.commands["refused"]
        followed = sum(map(len, self.told))
        return [
            *rows,
            Row("load: commands, refused among them", f"{given:,}, {refusal:,}"),
            Row("load: events followed by two who came and went", f"{followed:,}"),
            Row("load: answers of 5xx and faults of ours", "0"),
        ]


class One:
    """A client with a login of its own."""

    def __init__(self, load: Load, n: int, role: Role) -> None:
        self.load, self.lot, self.n = load, Random(n), n
        wards = [self.lot.choice(WARDS)] if role in (Role.NURSE, Role.BED_MANAGER) else []
        self.ward = wards[0] if wards else None
        self.bearer = f"Bearer {load.tokens.make(role, f'{role.value} {n}', wards)}"
        headers = {"Authorization": self.bearer}
        self.http = httpx2.AsyncClient(base_url=load.address, headers=headers, timeout=60)

    async def post(self, kind: str, path: str, body: dict[str, Any]) -> Any:
        start = monotonic()
        answer = await self.http.post(path, json=body)
        self.load.took[kind].append((monotonic() - start) * 1000)
        if answer.status_code >= 500:
            raise Unsound(f"{kind}: {answer.status_code}")
        return answer.json()

    async def ask(self, query: str, **variables: Any) -> Any:
        response = await self.post(
            "a question", "/graphql", {"query": query, "variables": variables}
        )
        self.check(response.get("errors", ()))
        return response.get("data")

    async def execute(self, name: str, **input: Any) -> dict[str, Any]:
        kind = f"{name[0].upper()}{name[1:]}Input!"
        text = f"{ANSWER} {ADMITTED if name == 'admitPatient' else ''}"
        query = f"mutation($i: {kind}) {{ told: {name}(input: $i) {{ {text} }} }}"
        input["commandId"] = str(uuid4())
        body = {"query": query, "variables": {"i": input}}
        response = await self.post("a command", "/graphql", body)
        self.check(response.get("errors", ()))
        answer: dict[str, Any] = (response.get("data") or {}).get("told") or {}
        self.count(answer)
        return answer

    def check(self, faults: Any) -> None:
        """Only what is closed to the login is a fault here, since others move patients meanwhile."""
        if other := {fault["extensions"]["code"] for fault in faults} - {"NOT_ALLOWED"}:
            raise Unsound(other)

    def count(self, answer: dict[str, Any]) -> None:
        kind = answer.get("__typename", "")
        if kind in OURS or not (kind.endswith("Recorded") or "code" in answer):
            raise Unsound(answer)
        self.load.commands["recorded" if kind.endswith("Recorded") else "refused"] += 1

    async def events(self, after: str | None) -> tuple[list[str], str | None]:
        """The ids of all events after a position, page by page."""
        result: list[str] = []
        while True:
            page = (await self.ask(PAGE, after=after))["events"]
            result += [event["id"] for event in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return result, after

    @property
    def stay(self) -> str:
        """One of the own ward, so far as that is known: others move patients meanwhile."""
        there = self.load.stays.items()
        return self.lot.choice([s for s, ward in there if self.ward in (None, ward)])

    @property
    def place(self) -> dict[str, str]:
        ward = self.ward or self.lot.choice(WARDS)
        number = f"{ward}{self.lot.randrange(ROOMS)}"
        return {"ward": ward, "room": number, "bed": self.lot.choice("ab")}


Act = Callable[[One], Coroutine[Any, Any, Any]]


async def board(one: One) -> None:
    await one.ask(BOARD, ward=one.ward)


async def timeline(one: One) -> None:
    await one.ask(TIMELINE, stay=one.stay)


async def stays(one: One) -> None:
    await one.ask(STAYS)


async def counts(one: One) -> None:
    await one.ask(COUNTS)


async def report(one: One) -> None:
    days = [(datetime.now(UTC) - timedelta(days=n)).date().isoformat() for n in (3, 1)]
    await one.ask(REPORT, days={"from": days[0], "to": days[1]})


async def accesses(one: One) -> None:
    await one.ask(ACCESSES)


async def transfer(one: One) -> None:
    stay, place = one.stay, one.place
    answer = await one.execute("transferPatient", stayId=stay, **place)
    if answer["__typename"] == "StayRecorded":
        one.load.stays[stay] = place["ward"]


async def leave(one: One) -> None:
    stay = one.stay
    answer = await one.execute("startLeave", stayId=stay, keepBed=True)
    if answer["__typename"] == "StayRecorded":
        await one.execute("endLeave", stayId=stay)


async def visit(one: One) -> None:
    await one.execute("recordVisit", stayId=one.stay, practitioner=one.load.doctor, kind="ROUND")


async def prescribe(one: One) -> None:
    medication = {"name": "Paracetamol"}
    await one.execute("writePrescription", stayId=one.stay, medication=medication, dose="1 g")


async def admit(one: One) -> None:
    mrn = f"L{uuid4().hex[:12]}"
    await one.execute("registerPatient", mrn=mrn, familyName="Adeyemi")
    place = one.place
    answer = await one.execute("admitPatient", patientMrn=mrn, admissionType="EMERGENCY", **place)
    if answer["__typename"] == "StayRecorded":
        one.load.stays[answer["stay"]["id"]] = place["ward"]


async def discharge(one: One) -> None:
    if len(one.load.stays) > ROOMS:
        stay = one.stay
        answer = await one.execute("dischargePatient", stayId=stay, disposition="HOME")
        if answer["__typename"] == "StayRecorded":
            one.load.stays.pop(stay, None)


async def close(one: One) -> None:
    place = one.place
    answer = await one.execute("closeBed", reason="paint", **place)
    if answer["__typename"] == "RoomRecorded":
        await one.execute("reopenBed", **place)


async def batch(one: One) -> None:
    """Return commands from offline: five specialties and five transfers, a quarter of an hour late."""
    at = (datetime.now(UTC) - timedelta(minutes=15)).isoformat()
    commands = []
    for n in range(10):
        input = {"commandId": str(uuid4()), "occurredAt": at, "stayId": one.stay}
        name, more = ("transferPatient", one.place) if n % 2 else ("changeSpecialty", {})
        said = more or {"specialty": one.lot.choice(("surgery", "cardiology"))}
        commands.append({"mutation": name, "input": {**input, **said}})
    response = await one.post("a batch of ten", "/commands", {"commands": commands})
    for answer in response["results"]:
        one.count(answer)


async def _say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))
