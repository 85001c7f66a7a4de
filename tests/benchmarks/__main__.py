"""Run every benchmark and print one table: ``make bench``. Asserts nothing about time."""

import os
import sys
import tempfile
from pathlib import Path

from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from tests.benchmarks import (
    api,
    appending,
    caches,
    emptying,
    hl7,
    importing,
    load,
    occupancy,
    old_room,
    page,
    past,
    pending,
    postgraphile,
    reading,
    rebuilding,
    replicas,
    reports,
    restating,
    scale,
    screens,
    shift,
    soak,
    sockets,
)
from tests.benchmarks.results import Row, show

BY_HAND = {"replicas", "scale", "screens", "shift", "soak"}
"""Parts that are measured only when they are named."""


def main() -> None:
    chosen = set(sys.argv[1:])
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="wb-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server may run as another user
        os.environ["WARDBOOK_KEYS"] = str(
            folder / "keys.sqlite"
        )  # also of servers that are started
        server = Database(ensure_server(folder / "server"))
        try:
            for part in (
                appending,
                reading,
                rebuilding,
                emptying,
                occupancy,
                past,
                old_room,
                pending,
                hl7,
                restating,
                reports,
                sockets,
                load,
                caches,
                importing,
                api,
                page,
                postgraphile,
                shift,
                soak,
                screens,
                replicas,
                scale,
            ):
                title = part.__name__.rpartition(".")[2]
                if title not in chosen and (chosen or title in BY_HAND):
                    continue
                with server.scratch(f"bench_{title}") as database:
                    migrate(database)
                    rows += part.measure(database, folder)
        finally:
            stop_server(folder / "server")
    show(rows)


if __name__ == "__main__":
    main()
