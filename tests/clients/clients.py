"""Real clients against a running server, where node and the registries are there: ``make clients``.

What graphql-codegen, relay-compiler, tsc and graphql-eslint say of the schema; then Apollo Client, urql,
graphql-ws, Relay and gql, each at the points of src/points.ts.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree, rmtree
from time import monotonic

from api.graphql.schema import sdl
from api.server import app
from infrastructure.database import Database
from infrastructure.embedded import ensure_server, stop_server
from infrastructure.settings import Settings
from tests.clients.installing import HERE, PLACE, environment, node_modules
from tests.conftest import LOGIN, TOKEN
from tests.serving import served

Step = Callable[[], int]
PATIENCE = 120
"""Seconds for one step."""

MOST_SAID = 6000
"""Characters told of what a step said, the last ones."""


def main() -> int:
    packages, commands = node_modules(), environment()
    lay_out()
    failed = made(packages) if packages else 0
    with (
        a_database() as (database, home),
        served(app(Settings(home=home), database, LOGIN)) as server,
    ):
        url = f"http://127.0.0.1:{server.port}/graphql"
        steps: list[Step] = []
        if packages and not failed:
            steps += [client(name, url) for name in ("apollo", "urql", "sockets", "relay")]
        if commands:
            schema = str(PLACE / "schema.graphql")
            steps.append(ran(str(commands / "python"), "asking.py", schema, url, TOKEN))
        failed += sum(step() for step in steps)  # each reads in the log what it has written
    print("all is well" if not failed else f"{failed} failed")
    return min(failed, 1)


def made(packages: Path) -> int:
    """What is made of the schema, and of the documents; how many of the tools refused something."""
    bin = packages / ".bin"
    codegen = ran(str(bin / "graphql-codegen"), "--config", "codegen.yml", "--silent")
    relay = ran(str(bin / "relay-compiler"), "relay.config.json")
    eslint = ran(str(bin / "eslint"), "schema.graphql")
    failed = together([codegen, relay, eslint])
    return failed or together([ran(str(bin / "tsc"))])


def client(name: str, url: str, **more: str) -> Step:
    return ran(
        "node",
        "--import",
        "./imports.mjs",
        f"out/{name}.js",
        WARDBOOK_URL=url,
        WARDBOOK_TOKEN=TOKEN,
        **more,
    )


def ran(*command: str, **environ: str) -> Step:
    """Run it among the files of this folder, beside their packages; tell what it said."""

    def step() -> int:
        began = monotonic()
        told = subprocess.run(
            command,
            cwd=PLACE,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        name, well = Path(command[0]).name, told.returncode == 0
        said = (told.stdout + told.stderr).strip()
        if name not in ("node", "python"):  # those count their points themselves
            said = f"{name}: ok" if well else f"{name} failed:\n{said}"
        print(f"{said[-MOST_SAID:]} ({monotonic() - began:.1f} s)", flush=True)
        return int(told.returncode != 0)

    return step


def together(steps: list[Step]) -> int:
    """At once; how many failed."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return sum(pool.map(lambda step: step(), steps))


@contextmanager
def a_database() -> Iterator[tuple[Database, Path]]:
    """An empty record of its own."""
    with tempfile.TemporaryDirectory(prefix="wb-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server may run as another user
        database = Database(ensure_server(folder / "server"))
        try:
            database.migrate()
            yield database, folder / "home"
        finally:
            stop_server(folder / "server")


def lay_out() -> None:
    """The files of this folder beside the packages: what is made of them stays out of the checkout."""
    for made_of in ("src", "out"):
        rmtree(PLACE / made_of, ignore_errors=True)
    copytree(HERE / "src", PLACE / "src")
    (PLACE / "src" / "made" / "relay").mkdir(parents=True)
    for file in ("codegen.yml", "documents.graphql", "eslint.config.mjs", "relay.config.json"):
        copy(HERE / file, PLACE)
    for file in ("tsconfig.json", "imports.mjs", "asking.py"):
        copy(HERE / file, PLACE)
    (PLACE / "schema.graphql").write_text(sdl())


if __name__ == "__main__":
    sys.exit(main())
