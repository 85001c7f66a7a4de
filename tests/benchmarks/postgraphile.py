"""The board of a ward of 20 beds, asked for by 16 clients while five commands a second change it.

The peer is PostGraphile 4.14 over the same rows: views of the read models as they are now, in the
shape of tables with foreign keys; and over plain tables of what the views show, which nothing changes.
Ours has login, limits and the record of reading, the peer none of them. A process of its own fills the
read models, so that a server does nothing but answer.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import psycopg
from psycopg.conninfo import conninfo_to_dict

from api.auth.local_tokens import LocalTokens
from application.authorization.roles import Role
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.clients import CLIENTS, Load, asked, post
from tests.benchmarks.npm import install
from tests.benchmarks.occupancy import worker
from tests.benchmarks.processes import listening
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import BOARD, Wards, filled

COMMANDS = 5
"""A second."""
ROUNDS, SECONDS = 9, 2.0
"""Short ones in turn: a small machine's speed may double or halve within a minute."""

NOTHING_KEPT = {"WARDBOOK_KEPT_ANSWERS_MB": "0"}
LIBRARY = "graphql-core's executor"

THEIRS = """query Board($ward: String) {
  allRooms(condition: {ward: $ward}, orderBy: NUMBER_ASC) { nodes {
    number
    bedsByRoom(orderBy: CODE_ASC) { nodes { code state
      stayByStay { id specialty admittedAt } patientByPatient { mrn familyName } } } } } }"""

POSITION = "(SELECT position FROM projections.status WHERE read_model = '{}')"
NOW = f"known @> {POSITION} AND during @> now()"
VIEWS = f"""
CREATE SCHEMA board;
CREATE VIEW board.rooms AS SELECT room AS id, ward, number
  FROM rooms_v1.rooms WHERE {NOW.format("rooms_v1")};
CREATE VIEW board.patients AS SELECT patient AS id, mrn, family_name
  FROM patients_v4.patients WHERE {NOW.format("patients_v4")};
CREATE VIEW board.stays AS SELECT stay AS id, specialty, admitted_at
  FROM stays_v1.stays WHERE {NOW.format("stays_v1")};
CREATE VIEW board.beds AS SELECT b.room, b.bed AS code, s.stay, s.patient,
    CASE WHEN s.stay IS NULL THEN 'FREE' WHEN s.kept THEN 'KEPT' ELSE 'OCCUPIED' END AS state
  FROM rooms_v1.beds b LEFT JOIN occupancy_v1.stretches s
    ON s.room = b.room AND s.bed = b.bed
    AND s.known @> {POSITION.format("occupancy_v1")} AND s.during @> now()
  WHERE b.known @> {POSITION.format("rooms_v1")} AND b.during @> now();
"""
SHAPE = """
COMMENT ON VIEW board.rooms IS E'@primaryKey id';
COMMENT ON VIEW board.patients IS E'@primaryKey id';
COMMENT ON VIEW board.stays IS E'@primaryKey id';
COMMENT ON VIEW board.beds IS E'@primaryKey room,code\\n@foreignKey (room) references rooms (id)'
  '\\n@foreignKey (stay) references stays (id)\\n@foreignKey (patient) references patients (id)';
"""
TABLES = """
ALTER SCHEMA board RENAME TO shown;
CREATE SCHEMA board;
CREATE TABLE board.rooms AS TABLE shown.rooms;
CREATE TABLE board.patients AS TABLE shown.patients;
CREATE TABLE board.stays AS TABLE shown.stays;
CREATE TABLE board.beds AS TABLE shown.beds;
ALTER TABLE board.rooms ADD PRIMARY KEY (id);
ALTER TABLE board.patients ADD PRIMARY KEY (id);
ALTER TABLE board.stays ADD PRIMARY KEY (id);
ALTER TABLE board.beds ADD PRIMARY KEY (room, code), ADD FOREIGN KEY (room) REFERENCES board.rooms,
  ADD FOREIGN KEY (stay) REFERENCES board.stays, ADD FOREIGN KEY (patient) REFERENCES board.patients;
CREATE INDEX ON board.rooms (ward);
ANALYZE;
"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    place = folder / "postgraphile"
    if not install(place, "postgraphile@4.14"):
        return []
    database.open_log("real")
    say(f"the board of 20 beds, {CLIENTS} clients, {COMMANDS} commands a second; making 60 beds")
    made, home = hospital(Settings(), database), folder / "home-of-boards"
    wards = Wards(made, 3)
    filled(database)
    _owner(database, VIEWS + SHAPE, "VACUUM ANALYZE")
    nurse = LocalTokens.of(home).make(Role.NURSE, "a nurse", ["W0"])
    login = {"Authorization": f"Bearer {nurse}"}
    ours = {"query": BOARD, "variables": {"ward": "W0"}}
    theirs = {"query": THEIRS, "variables": {"ward": "W0"}}
    finding: dict[str, list[Load]] = {}

    def note(what: str, url: str, body: object, headers: dict[str, str], pid: int) -> None:
        request = post(url, headers, body)
        load = asked(url, request, check=_is_board, pids=(pid,), seconds=SECONDS)
        finding.setdefault(what, []).append(load)
        say(f"{what}: {load}; {load.processor:.2f} ms of its processor an answer")

    def compare(seen: str) -> None:
        with ExitStack() as stack:
            stack.enter_context(worker(database, home))
            kept, one = stack.enter_context(served(database, home, worker=False))
            bare, other = stack.enter_context(served(database, home, **NOTHING_KEPT, worker=False))
            slow, third = stack.enter_context(
                served(database, home, **NOTHING_KEPT, WARDBOOK_FAST_EXECUTOR="off", worker=False)
            )
            peer, node = stack.enter_context(_postgraphile(database, place))
            stack.enter_context(often(wards.changes(), COMMANDS))
            for _ in range(ROUNDS):
                note(f"kept, {seen}", kept + "/graphql", ours, login, one.pid)
                note(seen, peer + "/graphql", theirs, {}, node.pid)
                note(f"not kept, {seen}", bare + "/graphql", ours, login, other.pid)
                note(f"{LIBRARY}, {seen}", slow + "/graphql", ours, login, third.pid)

    def compared(what: str, own: str, other: str, peer: str, wanted: str) -> Row:
        mine, peers = ([load.rate for load in finding[name]] for name in (own, other))
        ratio = median(one / other for one, other in zip(mine, peers, strict=True))
        result, as_many = f"{median(mine):,.0f}/s", f"{median(peers):,.0f}/s"
        return Row(what, result, peer, as_many, ratio, wanted)

    def row(what: str, kept: str, seen: str, wanted: str = "") -> Row:
        return compared(what, f"{kept}, {seen}", seen, f"PostGraphile, {seen}", wanted)

    compare("views")
    _owner(database, TABLES)
    compare("plain tables")
    made.close()
    board = "board of 20 beds"
    return [
        row(f"{board}, {COMMANDS} changes/s", "kept", "views", "1x"),
        row(f"{board}, nothing kept", "not kept", "views", "0.5x"),
        row(board, "kept", "plain tables"),
        row(f"{board}, nothing kept", "not kept", "plain tables"),
        compared(
            f"{board}, nothing kept, by the fast executor",
            *("not kept, plain tables", f"{LIBRARY}, plain tables"),
            *(LIBRARY, "1.3x"),
        ),
    ]


def _is_board(answer: bytes) -> bool:
    return answer.count(b"CARDIOLOGY") == 20 and b'"errors"' not in answer


def _owner(database: Database, *statements: str) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement.encode())


@contextmanager
def often(act: Callable[[], None], times: int) -> Iterator[None]:
    """Do something so many times a second, meanwhile."""
    stopping = threading.Event()

    def run() -> None:
        due = perf_counter()
        while not stopping.wait(max(0.0, due - perf_counter())):
            act()
            due += 1 / times

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _postgraphile(
    database: Database, place: Path
) -> AbstractContextManager[tuple[str, "subprocess.Popen[bytes]"]]:
    program = place / "postgraphile.mjs"
    program.write_text((Path(__file__).parent / "postgraphile.mjs").read_text())
    where = conninfo_to_dict(database.owner_url)
    result = [str(where[name]) for name in ("host", "user", "dbname")]
    return listening(
        lambda port: ["node", str(program), *result, str(port)], {"NODE_ENV": "production"}
    )
