"""Load a stay of 60 events and append one, one client: all that is remembered is forgotten first.

Against emmett's command handler in Node, where node and npm are there: it is installed into the
run's temporary folder, and does the same on the same server.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from application.aggregate_cache import AggregateCache
from application.hospital import Hospital
from domain.stay.events import VisitKind
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks import npm
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import admitted, doctor, request, room

EVENTS = 60
STAYS = 20
APPENDS, ROUNDS = 100, 4
"""A round of ours, one of theirs; spread over the stays, so each gets a few more events."""

Round = Callable[[], float]
"""Appends; returns how many a second."""

WANTED = "1.5x"
PACKAGES = (
    "@event-driven-io/emmett@0.42.0",
    "@event-driven-io/emmett-postgresql@0.42.0",
    "@event-driven-io/pongo@0.16.11",
)
SCRIPT = Path(__file__).with_name("emmett.mjs")


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"loading a stay of {EVENTS} events and appending one, one client")
    made = hospital(Settings(), database)
    what = f"load {EVENTS} events, append 1, one client"
    try:
        ours = _ours(made)
        with _emmett(database, folder) as emmett:
            if emmett is None:
                rate = median(ours() for _ in range(ROUNDS))
                return [Row(what, f"{rate:,.0f}/s", "emmett-postgresql", "not there", None, WANTED)]
            rounds = [(ours(), emmett()) for _ in range(ROUNDS)]
    finally:
        made.close()
    rate, theirs = (median(of) for of in zip(*rounds, strict=True))
    return [Row.rates(what, rate, "emmett-postgresql", theirs, WANTED)]


def _ours(made: Hospital) -> Round:
    staff_number = doctor(made)
    room(made, "1", *(f"b{n}" for n in range(STAYS)))
    stays = [admitted(made, f"M{n}", f"A/1/b{n}") for n in range(STAYS)]
    for stay in stays:
        for minutes in range(EVENTS - 2):  # it was admitted and given a bed
            _visit(made, stay, staff_number, minutes)

    def one() -> float:
        start = perf_counter()
        for n in range(APPENDS):
            made.pipeline.cache = AggregateCache()
            _visit(made, stays[n % STAYS], staff_number, 0)
        return APPENDS / (perf_counter() - start)

    return one


def _visit(made: Hospital, stay: UUID, staff_number: str, minutes: int) -> None:
    command_request = request(datetime.now(UTC) + timedelta(microseconds=minutes))
    made.stays.record_visit(
        command_request, stay_id=stay, practitioner=staff_number, kind=VisitKind.ROUND
    )


@contextmanager
def _emmett(database: Database, folder: Path) -> Iterator[Round | None]:
    """A Node process that does a round when asked; None where it cannot be had."""
    place = folder / "emmett"
    if not npm.install(place, *PACKAGES):
        yield None
        return
    shutil.copy(SCRIPT, place)
    with subprocess.Popen(
        ["node", SCRIPT.name, _address(database), str(EVENTS), str(STAYS), str(APPENDS)],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, result = process.stdin, process.stdout
        assert asked is not None
        assert result is not None

        def one() -> float:
            asked.write("\n")
            asked.flush()
            return float(result.readline())

        try:
            yield one
        finally:
            asked.close()


def _address(database: Database) -> str:
    """A database as node-postgres takes it, also on a Unix socket."""
    parts = urlsplit(database.owner_url)
    query = parse_qs(parts.query)
    if "host" not in query:
        return database.owner_url
    return f"postgresql://{parts.username}@localhost{parts.path}?host={query['host'][0]}"
