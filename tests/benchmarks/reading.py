"""One's own write, readable: from its recording to the answer that was read from the read models.

A server in a process of its own, asked over HTTP by one client, one mutation after the other. Both
clocks are this machine's: the database stamps ``recordedAt``, the client the answer.
"""

import subprocess
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import httpx2

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.processes import listening
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import admitted, doctor, room

WRITES = 300

MUTATION = """
mutation($input: RecordVisitInput!) {
  recordVisit(input: $input) {
    __typename
    ... on Recorded { position recordedAt }
    ... on VisitRecorded { visit { id occurredAt practitioner { staffNumber } } }
  }
}
"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"own write readable: {WRITES} mutations over HTTP, one after the other")
    made = hospital(Settings(), database)
    room(made)
    staff_number, stay = doctor(made), admitted(made, "M1", "A/1/a")
    made.close()
    home = folder / "home"
    with served(database, home) as (address, _):
        headers = {"Authorization": f"Bearer {LocalTokens.of(home).make()}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=30) as client:
            visit = {"stayId": str(stay), "practitioner": staff_number, "kind": "ROUND"}
            for _ in range(20):
                _waited(client, visit)
            waits = sorted(_waited(client, visit) for _ in range(WRITES))
    result = f"{median(waits):.1f} / {quantiles(waits, n=100)[98]:.1f} ms"
    what = f"own write readable, median / p99 of {WRITES}"
    return [Row(what, result, wanted="10 / 30 ms")]


def _waited(client: httpx2.Client, visit: dict[str, Any]) -> float:
    """Milliseconds from the recording to the answer."""
    input = {**visit, "commandId": str(uuid4())}
    answer = client.post("/graphql", json={"query": MUTATION, "variables": {"input": input}})
    came = datetime.now(UTC)
    reply = answer.json()["data"]["recordVisit"]
    if reply["__typename"] != "VisitRecorded" or not reply["visit"]["id"]:
        raise RuntimeError(f"not recorded, or not readable: {reply}")
    return (came - datetime.fromisoformat(reply["recordedAt"])).total_seconds() * 1000


def served(
    database: Database, home: Path, worker: bool = True, **settings: str
) -> AbstractContextManager[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server of its own: its address and its process. ``settings``: as its environment has them."""
    environment = {
        "WARDBOOK_DATABASE_URL": database.owner_url,
        "WARDBOOK_HOME": str(home),
        "WARDBOOK_REQUESTS_PER_SECOND": "100000",  # counted, but one login asks for all clients
        **settings,
    }
    serve = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
    alone = [] if worker else ["--no-worker"]
    return listening(lambda port: [*serve, "--port", str(port), *alone], environment)
