"""Real clients against a running server, where node and the registries are there: ``make clients``.

What graphql-codegen, relay-compiler, tsc and graphql-eslint say of the schema; then Apollo Client, urql,
graphql-ws, Relay and gql, each at the points of src/points.ts; urql again by ids alone, at a server that
answers only the documents that graphql-codegen wrote down; the typed client of the folder clients, with
which a clerk and a nurse do their shifts. Four clients of HL7 v2 ask the same server.
Clients of FHIR, and validators, ask one of a simulated month.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy, copytree, rmtree
from time import monotonic
from zoneinfo import ZoneInfo

from api.cli.filling import fill
from api.cli.imports import simulate_into
from api.graphql.schema import sdl
from api.hl7.mllp import Endpoint
from api.hl7.sending import SendingSystem
from api.http.app import app
from api.http.server import listen
from application.authorization.roles import Role
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.clients.installing import HERE, PLACE, environment, node_modules
from tests.conftest import LOGIN, TOKEN
from tests.support.hospital_dsl import doctor, request, room
from tests.support.server_process import LOGIN as BEARER
from tests.support.server_process import Served, served

Step = Callable[[], int]
MANIFEST = "src/made/operations/persisted-documents.json"
"""What graphql-codegen made of documents.graphql."""

CLIENTS_OF_HL7 = SendingSystem("CLIENT", None, "client", ZoneInfo("Europe/Berlin"))
MESSAGES = ("messages.mjs", "messages.py")
"""Four clients of HL7 v2."""

SHIFTS = PLACE / "shifts"
WARDS = {Role.NURSE: ["Surgery"], Role.PHYSICIAN: ["Surgery"]}
"""Those whose tokens are for some wards only."""

PATIENCE = 600
"""Seconds for one step."""

MOST_SAID = 6000
"""Characters told of what a step said, the last ones."""


def main() -> int:
    packages, commands = node_modules(), environment()
    if packages is None and commands is None:
        return 0
    lay_out()
    failed = made(packages) if packages else 0
    by_node = packages is not None and not failed
    with a_database() as (database, home):
        open_to_all = Settings(home=home)
        door = Endpoint(listen("127.0.0.1", 0), None, [CLIENTS_OF_HL7])
        port = str(door.listening.getsockname()[1])
        with served(app(open_to_all, database, LOGIN, hl7=door)) as server:
            steps: list[Step] = []
            if by_node:
                names = ("apollo", "urql", "sockets", "relay")
                steps += [client(name, server) for name in names]
                steps.append(ran("node", "messages.mjs", port))
            if commands:
                schema = str(PLACE / "schema.graphql")
                python = str(commands / "python")
                steps.append(ran(python, "asking.py", schema, address(server), TOKEN))
                steps.append(ran(python, "messages.py", port))
                steps.append(fuzzed(commands, server))
            failed += sum(step() for step in steps)  # each reads in the log what it has written
        if by_node:
            strict = replace(open_to_all, trusted_documents=PLACE / MANIFEST)
            with served(app(strict, database, LOGIN)) as server:
                # urql's development build looks for the kind of operation in the text that is not there
                by_ids = {"WARDBOOK_TRUSTED": "1", "NODE_ENV": "production"}
                failed += client("urql", server, **by_ids)()
            failed += worked_in_shifts()
    failed += asked_by_fhir(commands, by_node)
    print("all is well" if not failed else f"{failed} failed")
    return min(failed, 1)


def made(packages: Path) -> int:
    """Make code of the schema and the documents; return how many of the tools refused something."""
    bin = packages / ".bin"
    codegen = ran(str(bin / "graphql-codegen"), "--config", "codegen.yml", "--silent")
    relay = ran(str(bin / "relay-compiler"), "relay.config.json")
    eslint = ran(str(bin / "eslint"), "schema.graphql")
    of_shifts = ran_in(SHIFTS, str(bin / "graphql-codegen"), "--config", "codegen.yml", "--silent")
    failed = together([codegen, of_shifts, relay, eslint])
    return failed or together([ran(str(bin / "tsc")), ran_in(SHIFTS, str(bin / "tsc"))])


def worked_in_shifts() -> int:
    """A clerk's shift in a ward of four beds, then a nurse's; how many failed."""
    with a_database() as (database, home):
        settings = Settings(home=home, time_zone="Europe/Berlin")
        with closing(hospital(settings, database)) as made:
            for number in ("101", "102"):
                room(made, number, ward="Surgery")
            doctor(made)
            made.rooms.set_bed_cleaning(request(), applies=True)
        roles = (Role.REGISTRAR, Role.NURSE, Role.PHYSICIAN)
        tokens = {
            f"WARDBOOK_{role.name}": LOGIN.make(role, role.value, WARDS.get(role, ()))
            for role in roles
        }
        with served(app(settings, database, LOGIN)) as server:
            environ = {"WARDBOOK_URL": address(server), **tokens}
            steps = [
                ran_in(SHIFTS, "node", f"out/{who}.js", **environ) for who in ("clerk", "nurse")
            ]
            return sum(step() for step in steps)


def asked_by_fhir(commands: Path | None, by_node: bool) -> int:
    """Clients and validators of FHIR at the door of a simulated month; how many failed."""
    with a_database("simulated") as (database, home):
        settings = Settings(home=home)
        until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        simulate_into(settings, database, 10, 30, 1, until, 0.2)
        fill(database)
        with served(app(settings, database, LOGIN)) as server:
            base = f"http://127.0.0.1:{server.port}/fhir"
            steps: list[Step] = []
            if commands:
                steps.append(ran(str(commands / "python"), "asking_fhir.py", base, TOKEN))
            if by_node:
                environ = {"WARDBOOK_FHIR": base, "WARDBOOK_TOKEN": TOKEN}
                steps.append(ran("node", "asking_fhir.mjs", **environ))
            return sum(step() for step in steps)


def address(server: Served) -> str:
    return f"http://127.0.0.1:{server.port}/graphql"


def client(name: str, server: Served, **more: str) -> Step:
    environ = {"WARDBOOK_URL": address(server), "WARDBOOK_TOKEN": TOKEN, **more}
    return ran("node", "--import", "./imports.mjs", f"out/{name}.js", **environ)


def fuzzed(commands: Path, server: Served) -> Step:
    """Each query and mutation asked at random by schemathesis, some times (FUZZ=…)."""
    with server.http() as http:
        answer = http.post("/graphql", json={"query": "{ wards { name } }"}, headers=BEARER).json()
    return ran(
        *(str(commands / "schemathesis"), "--no-color", "run", address(server)),
        *("--header", f"Authorization: {BEARER['Authorization']}"),
        *("--checks", "answers_without_internals", "--phases", "fuzzing", "--continue-on-failure"),
        *("--max-examples", os.environ.get("FUZZ") or "3", "--generation-database", "none"),
        SCHEMATHESIS_HOOKS="fuzzing",
        PYTHONPATH=str(PLACE),
        WARDBOOK_POSITION=answer["extensions"]["position"],
    )


def ran(*command: str, **environ: str) -> Step:
    """Run it among the files of this folder, beside their packages; tell what it said."""
    return ran_in(PLACE, *command, **environ)


def ran_in(folder: Path, *command: str, **environ: str) -> Step:

    def step() -> int:
        began = monotonic()
        answer = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        name, well = Path(command[0]).name, answer.returncode == 0
        said = (answer.stdout + answer.stderr).strip()
        if name not in ("node", "python"):  # those count their points themselves
            said = f"{name}: ok" if well else f"{name} failed:\n{said}"
        print(f"{said[-MOST_SAID:]} ({monotonic() - began:.1f} s)", flush=True)
        return int(answer.returncode != 0)

    return step


def together(steps: list[Step]) -> int:
    """At once; how many failed."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        return sum(pool.map(lambda step: step(), steps))


@contextmanager
def a_database(kind: str = "real") -> Iterator[tuple[Database, Path]]:
    """An empty record of its own."""
    with tempfile.TemporaryDirectory(prefix="wb-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server may run as another user
        database = Database(ensure_server(folder / "server"))
        try:
            migrate(database)
            database.open_log(kind)
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
    for file in (
        "tsconfig.json",
        "imports.mjs",
        "asking.py",
        "asking_fhir.py",
        "asking_fhir.mjs",
        "fuzzing.py",
        *MESSAGES,
    ):
        copy(HERE / file, PLACE)
    rmtree(SHIFTS, ignore_errors=True)
    copytree(HERE.parents[1] / "clients", SHIFTS)
    for folder in (PLACE, SHIFTS):
        (folder / "schema.graphql").write_text(sdl())


if __name__ == "__main__":
    sys.exit(main())
