"""HL7 messages a second: eight connections that wait for each answer of ``wardbook hl7 listen``.

Each connection tells of visits one after the other: admission (A01), leave (A21), return (A22) and
discharge (A03) of new patients. Once with rooms of two beds, once with all visits in one room of forty.
A server with its worker keeps the read models beside it.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.processes import listening
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import room

CONNECTIONS, SECONDS = 8, 30.0
BEDS_OF_CONNECTION = 5
BEGIN = datetime.now(UTC) - timedelta(days=20)
SENDER = 'application = "BENCH"\nzone = "UTC"\n'
START, END = b"\x0b", b"\x1c\r"
WANTED = "100/s; p99 500 ms"


def measure(
    database: Database, folder: Path, *, connections: int = CONNECTIONS, seconds: float = SECONDS
) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    layouts = {
        "rooms of 2 beds": [
            [f"SMALL^{number}^{bed}" for bed in "ab"] for number in range(connections)
        ],
        f"one room of {connections * BEDS_OF_CONNECTION} beds": [
            [f"LARGE^1^{number}-{bed}" for bed in range(BEDS_OF_CONNECTION)]
            for number in range(connections)
        ],
    }
    with closing(hospital(Settings(), database)) as made:
        opened_at = BEGIN - timedelta(days=1)
        _, large = layouts.values()
        for number in range(connections):
            room(made, str(number), *"ab", ward="SMALL", at=opened_at)
        beds = [place.rpartition("^")[2] for places in large for place in places]
        room(made, "1", *beds, ward="LARGE", at=opened_at)
    home = folder / "home-of-hl7"
    home.mkdir()
    (home / "bench.toml").write_text(SENDER)
    listen = [sys.executable, "-c", "from api.cli import main; main()", "hl7", "listen"]
    environment = {"WARDBOOK_DATABASE_URL": database.owner_url, "WARDBOOK_HOME": str(home)}
    rows = []
    with (
        served(database, home),
        listening(
            lambda port: [*listen, "--port", str(port), "--config", str(home / "bench.toml")],
            environment,
        ) as (address, _),
    ):
        port = int(address.rpartition(":")[2])
        for layout, (name, places_by_connection) in enumerate(layouts.items()):
            say(f"HL7: {connections} connections, {name}, {seconds:.0f} s")
            waits = asyncio.run(_all_told(port, layout, places_by_connection, seconds))
            ms = [wait * 1000 for wait in waits]
            rows.append(
                Row(
                    f"HL7, {connections} connections, {name}, median / p99 of {len(ms):,}",
                    f"{len(ms) / seconds:,.0f}/s; {median(ms):.0f} / {quantiles(ms, n=100)[-1]:.0f} ms",
                    wanted=WANTED,
                )
            )
    return rows


async def _all_told(
    port: int, layout: int, places_by_connection: list[list[str]], seconds: float
) -> list[float]:
    """Return how long each answer took, in seconds, of all connections."""
    until = perf_counter() + seconds
    waits = await asyncio.gather(
        *(
            _told(port, _messages(f"{layout}-{number}", places), until)
            for number, places in enumerate(places_by_connection)
        )
    )
    return [wait for waits_of_one in waits for wait in waits_of_one]


async def _told(port: int, messages: Iterator[bytes], until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits = []
    for message in messages:
        start = perf_counter()
        if start >= until:
            break
        writer.write(START + message + END)
        answer = await reader.readuntil(END)
        assert b"MSA|AA|" in answer, answer
        waits.append(perf_counter() - start)
    writer.close()
    return waits


def _messages(name: str, places: list[str]) -> Iterator[bytes]:
    """Yield the messages of visits without end, in places by turns."""
    control = count()
    for visit in count():
        place, begin = places[visit % len(places)], BEGIN + timedelta(minutes=5 * visit)
        for minutes, trigger in enumerate(("A01", "A21", "A22", "A03")):
            at = f"{begin + timedelta(minutes=minutes):%Y%m%d%H%M%S}"
            yield "\r".join(
                (
                    rf"MSH|^~\&|BENCH||||{at}||ADT^{trigger}|{name}-{next(control)}|P|2.5",
                    f"EVN|{trigger}|{at}||||{at}",
                    f"PID|||{name}-{visit}||Family {name}^Given {visit}||19700101|F",
                    f"PV1||I|{place}||||||||||||||||{name}-{visit}",
                    f"ZBE|{name}-{visit}-{trigger}|{at}||INSERT|N|{trigger}",
                )
            ).encode()
