"""Five hundred boards on one server: how soon all are told of a change, and what they weigh.

All follow one ward over a WebSocket of their own. The time is from the database's stamp of the change
to the last of them that has it.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from api.auth.local_tokens import LocalTokens
from application.hospital import Hospital
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.occupancy import megabytes
from tests.benchmarks.processes import processor
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import admitted, place, request, room

SOCKETS = 500
CHANGES = 20

BOARD = """subscription { roomOccupancyChanged(ward: "A") { position rooms {
  room { number } beds { code state patient { familyName } stay { specialty } } } } }"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"{SOCKETS} boards of one ward on one server, {CHANGES} changes")
    made, home = hospital(Settings(), database), folder / "home"
    for number in range(1, 11):
        room(made, str(number), "a", "b")
    with served(database, home) as (address, process):
        before = megabytes(process.pid, "VmRSS")
        waits, busy = asyncio.run(_told(address, LocalTokens.of(home).make(), made, process.pid))
        after = megabytes(process.pid, "VmRSS")
    made.close()
    return [
        Row(f"{SOCKETS} boards told of a change, median", f"{median(waits):.0f} ms"),
        Row(f"{SOCKETS} boards: processor of the server, a change", f"{busy:.0f} ms"),
        Row(f"{SOCKETS} boards: memory of the server, more by", f"{after - before:.0f} MB"),
    ]


async def _told(address: str, token: str, made: Hospital, pid: int) -> tuple[list[float], float]:
    """For each change the milliseconds until the last board has it; and the server's work for one."""
    url = address.replace("http", "ws") + "/graphql"
    sockets = [await _follow(url, token) for _ in range(SOCKETS)]
    async with httpx2.AsyncClient(base_url=address) as http:
        while f"wardbook_followers {SOCKETS}.0" not in (await http.get("/metrics")).text:
            await asyncio.sleep(0.1)
    stay = await asyncio.to_thread(admitted, made, "M1", "A/1/a")
    await asyncio.gather(*(socket.recv() for socket in sockets))
    waits, begun = [], processor(pid)
    for change in range(CHANGES):
        bed = f"A/{change % 10 + 1}/b"
        result = [asyncio.ensure_future(socket.recv()) for socket in sockets]
        recorded = await asyncio.to_thread(
            lambda bed=bed: made.stays.transfer_patient(request(), stay_id=stay, **place(bed))  # type: ignore[misc]
        )
        await asyncio.gather(*result)
        waits.append((datetime.now(UTC) - recorded.recorded_at).total_seconds() * 1000)
    busy = (processor(pid) - begun) / CHANGES
    for socket in sockets:
        await socket.close()
    return waits, busy


async def _follow(url: str, token: str) -> ClientConnection:
    protocol = Subprotocol("graphql-transport-ws")
    socket = await connect(url, subprotocols=[protocol], compression=None, ping_interval=None)
    login = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
    await socket.send(json.dumps(login))
    await socket.recv()
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": BOARD}}))
    return socket
