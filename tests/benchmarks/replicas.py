"""Reads from two hot standbys against one node: three servers, the same clients, one run.

All of it is on one machine, so the processors are shared: what is taken off the primary is told as the
processor time that its server uses for a read, which is what a machine of its own would save.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import httpx2

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_cluster import Cluster
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.benchmarks.processes import processor
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import Wards, filled
from tests.support.hospital_dsl import ago
from tests.support.standby import replicated

SECONDS = 20
CLIENTS = 6
WARDS = 6
BOARD = """query($ward: String, $at: DateTime) { roomOccupancy(ward: $ward, asOf: $at) {
  room { number } beds { code state stay { id specialty admittedAt } patient { mrn familyName } } } }"""
TIMELINE = """query($stay: ID!, $at: DateTime) { timeline(stayId: $stay, asOf: $at, first: 50) {
  nodes { kind summary occurredAt recordedBy { subject } } } }"""


def measure(_: Database, folder: Path) -> list[Row]:
    """Make a primary with two standbys of its own; the scratch database is not used."""
    say(
        f"replicas: {CLIENTS} clients for {SECONDS} s, three servers; then the same with two standbys"
    )
    home = folder / "home"
    with replicated(2) as (database, standbys):
        migrate(database)
        database.open_log("real")
        made = hospital(Settings(), database)
        wards = Wards(made, WARDS)
        made.close()
        filled(database)
        primary = Cluster(standbys[0].primary)
        replicas = [None, *(standby.database.owner_url for standby in standbys)]
        token = LocalTokens.of(home).make()
        one = _rate(database, home, wards, token, primary, [None, None, None])
        three = _rate(database, home, wards, token, primary, replicas)
    reads, saved = "reads a second: boards and timelines of moments", "the primary alone"
    return [
        Row.rates(f"{reads}, two of three servers at standbys", three[0], saved, one[0]),
        Row(
            "processor of the primary, a read",
            f"{three[1]:.2f} ms",
            saved,
            f"{one[1]:.2f} ms",
            one[1] / three[1] if three[1] else None,
        ),
    ]


def _rate(
    database: Database,
    home: Path,
    wards: Wards,
    token: str,
    primary: Cluster,
    replicas: list[str | None],
) -> tuple[float, float]:
    """Return reads a second, and the milliseconds of processor of the primary for each."""
    with ExitStack() as stack:
        addresses = []
        for number, replica in enumerate(replicas):
            settings = {"WARDBOOK_READ_DATABASE_URL": replica} if replica else {}
            server = served(database, home, worker=number == 0, **settings)
            addresses.append(stack.enter_context(server)[0])
        until, used = monotonic() + SECONDS, _used(primary)
        with ThreadPoolExecutor(CLIENTS) as threads:
            reads = sum(
                threads.map(
                    lambda n: _read(addresses[n % 3], token, wards, n, lambda: monotonic() < until),
                    range(CLIENTS),
                )
            )
        return reads / SECONDS, (_used(primary) - used) / reads


def _read(address: str, token: str, wards: Wards, seed: int, goes_on: Callable[[], bool]) -> int:
    """Read boards and timelines, each as of another moment, so that no kept answer is one."""
    lot, reads = Random(seed), count()
    stays = [str(stay) for stay in wards.stays.values()]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
        while goes_on():
            at = (ago() - timedelta(seconds=lot.random() * 100_000)).isoformat()
            variables: dict[str, Any] = {"ward": lot.choice(wards.names), "at": at}
            document = BOARD
            if lot.random() < 0.5:
                document, variables = TIMELINE, {"stay": lot.choice(stays), "at": at}
            body = {"query": document, "variables": variables}
            answer = client.post("/graphql", json=body).json()
            if answer.get("errors"):
                raise RuntimeError(str(answer)[:500])
            next(reads)
    return next(reads)


def _used(cluster: Cluster) -> float:
    """Return the milliseconds of processor of a server's processes, those that ended too."""
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
    pids = [postmaster, *map(int, children.read_text().split())] if children.exists() else []
    return sum(map(processor, pids))
