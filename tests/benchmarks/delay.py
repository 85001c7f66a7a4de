"""A proxy that makes the way to PostgreSQL longer: half of the round trip in each direction.

A process of its own, so that it does not share the clients' interpreter. Bytes that follow each
other are not slowed further: each is due a fixed time after it came, as on a long cable.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter, sleep
from urllib.parse import parse_qs, urlencode, urlsplit

from infrastructure.postgres.database import Database

Parcels = SimpleQueue[tuple[float, bytes]]


@contextmanager
def delayed(database: Database, folder: Path, round_trip: float) -> Iterator[Database]:
    """The same database, so many seconds of round trip away; 0: nothing is put in between."""
    if not round_trip:
        yield database
        return
    parts = urlsplit(database.owner_url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    name = f".s.PGSQL.{query.get('port', '5432')}"
    folder.mkdir(exist_ok=True)
    arguments = [str(folder / name), str(Path(query["host"]) / name), str(round_trip / 2)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.delay", *arguments], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        query["host"] = str(folder)
        yield Database(f"postgresql://{parts.netloc}{parts.path}?{urlencode(query)}")
    finally:
        process.terminate()
        process.wait()


def serve(listen: str, target: str, delay: float) -> None:
    """Accept connections for ever."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(listen)
        server.listen(64)
        print("listening", flush=True)
        while True:
            near, _ = server.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(target)
            for source, sink in ((near, far), (far, near)):
                parcels: Parcels = SimpleQueue()
                for act in (_take, _give):
                    one = source if act is _take else sink
                    threading.Thread(target=act, args=(one, parcels, delay), daemon=True).start()


def _take(source: socket.socket, parcels: Parcels, delay: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(65_536)
        except OSError:
            data = b""
        parcels.put((perf_counter() + delay, data))


def _give(sink: socket.socket, parcels: Parcels, _: float) -> None:
    while True:
        due, data = parcels.get()
        if (left := due - perf_counter()) > 0:
            sleep(left)
        try:
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
        except OSError:
            return


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], float(sys.argv[3]))
