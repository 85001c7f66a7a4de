"""A busy history in a database of its own, with read models to be filled in every way there is."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any

import psycopg
from psycopg import sql

from application.hospital import COMMANDS
from domain.event_types import EVENTS
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections import status
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.runner import LEADER_LOCKS, ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.support.hospital_dsl import rows
from tests.support.random_commands import Busy

Dump = dict[str, list[str]]


@dataclass(frozen=True)
class Lived:
    """``first`` is what the read models said when they followed one command at a time.

    ``accepted`` by command; ``refused`` by command and code of the refusal, ``admit_patient: …``.
    """

    database: Database
    accepted: Counter[str]
    refused: Counter[str]
    first: Dump


LIVED = "busy"
"""The database of the busy history that all workers of a run copy."""

MOST_ATTEMPTS = 200
"""How often a command is tried that has not been accepted yet."""

WITHOUT_EXAMPLE = {f"every {kind} is what was signed of it" for kind in ("reading", "revocation")}
"""Promises about what the busy history has none of."""

TOLD_RARELY = {"stay.room-allocated"}
"""Kinds of events that the lot need not choose."""


def lived_once(server: Database) -> tuple[Counter[str], Counter[str]]:
    """Live the busy history if no worker of this run has; what was accepted and refused in it."""
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(2026)")  # one worker lives it, the others wait
        answer = owner.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [LIVED],
        ).fetchone()
        if answer is None:
            owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(LIVED)))
            counted = json.dumps(_live(server.sibling(LIVED)))
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            owner.execute(comment.format(sql.Identifier(LIVED), sql.Literal(counted)))
        else:
            counted = answer[0]
    accepted, refusal = json.loads(counted)
    return Counter(accepted), Counter(refusal)


def _live(database: Database) -> tuple[Counter[str], Counter[str]]:
    migrate(database)
    database.open_log("simulated")
    with (
        closing(wired(Settings(), database)) as hospital,
        psycopg.connect(database.app_url, autocommit=True) as connection,
    ):
        filler = BatchProjector(connection)
        filler.prepare()
        busy = Busy(hospital, Random(2026), filler.step)
        busy.live(500)
        for attempt in range(MOST_ATTEMPTS):
            if not (spared := sorted(set(COMMANDS) - set(busy.accepted))):
                break
            assert attempt + 1 < MOST_ATTEMPTS, f"never accepted: {spared}; {busy.refused}"
            busy.attempt(*spared)
            busy.live(5)
        for attempt in range(MOST_ATTEMPTS):  # what follows of itself from other facts
            if not (untold := _untold(database)):
                break
            assert attempt + 1 < MOST_ATTEMPTS, f"never told: {untold}"
            busy.attempt("write_prescription", "discharge_patient", "cancel_discharge", "move_stay")
            busy.attempt("admit_expected")
        while not rows(database, _RESTATED):  # a report that late facts have changed
            busy.attempt("issue_report")
            busy.live(20)
            busy.attempt("restate_report")
        while not rows(database, "SELECT FROM erased_patients_v1.grouped_details"):  # had a stay
            busy.attempt("discharge_patient", "erase_patient")
    return busy.accepted, busy.refused


_RESTATED = (
    "SELECT FROM record.events WHERE topic = 'report.restated' AND body->'causes'->0 IS NOT NULL"
)


def _untold(database: Database) -> set[str]:
    """The kinds of events that the log does not have yet."""
    result = {topic for (topic,) in rows(database, "SELECT DISTINCT topic FROM record.events")}
    return set(EVENTS) - TOLD_RARELY - result


def tables() -> Iterator[tuple[str, str]]:
    """Every table of the read models that has rows, by schema and name."""
    for model in READ_MODELS:
        for table in model.tables():
            yield str(model.metadata.schema), table.name


def dump(database: Database) -> Dump:
    """All rows of all tables, and the positions, as text."""
    with psycopg.connect(database.owner_url) as owner:

        def lines(query: str) -> list[str]:
            return [text for (text,) in owner.execute(query.encode())]

        result = {
            f"{schema}.{table}": lines(f"SELECT t::text FROM {schema}.{table} t ORDER BY 1")
            for schema, table in tables()
        }
        for model in READ_MODELS:
            schema = model.metadata.schema
            result[f"{schema}.position"] = lines(
                "SELECT (log_id, epoch, position)::text FROM projections.status"
                f" WHERE read_model = '{schema}'"
            )
    return result


def forget(database: Database) -> None:
    """Empty every read model, as if it had just been made."""
    tables = [
        sql.Identifier(str(model.metadata.schema), table.name)
        for model in READ_MODELS
        for table in model.metadata.sorted_tables
    ] + [sql.Identifier("projections", table.name) for table in status.metadata.sorted_tables]
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


def remake(database: Database) -> None:
    """Drop every read model and make its tables anew, empty."""
    with psycopg.connect(database.owner_url) as owner:
        for model in READ_MODELS:
            schema = sql.Identifier(str(model.metadata.schema))
            owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    migrate(database)


def positions(database: Database) -> set[int]:
    """Return the positions of the read models."""
    result = rows(database, f"SELECT position FROM projections.status WHERE {status.IS_LIVE}")
    missing = {0} if len(result) < len(READ_MODELS) else set()
    return {position for (position,) in result} | missing


def status_of(database: Database, schema: str) -> list[tuple[int]]:
    """Return the position of one read model; no row before it began."""
    return rows(database, "SELECT position FROM projections.status WHERE read_model = %s", [schema])


def dead_letters(database: Database, schema: str, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of the dead letters of one read model, in the order of the log."""
    query = f"SELECT {columns} FROM projections.dead_letters WHERE read_model = %s ORDER BY first"
    return rows(database, query, [schema])


def end(database: Database) -> int:
    """The last position of the log."""
    (last,) = rows(database, "SELECT coalesce(max(position), 0) FROM record.events")[0]
    assert isinstance(last, int)
    return last


def led(database: Database) -> int:
    """Count the read models that are led."""
    (count,) = rows(database, f"SELECT count(*) {LEADING}")[0]
    assert isinstance(count, int)
    return count


def await_position(database: Database, targets: Sequence[ProjectionTarget], position: int) -> None:
    """Wait until some read models have reached a position."""
    until = monotonic() + 20
    while monotonic() < until:
        result = rows(
            database,
            "SELECT position FROM projections.status WHERE read_model = ANY(%s)",
            [[t.schema for t in targets]],
        )
        if len(result) == len(targets) and min(n for (n,) in result) >= position:
            return
    raise AssertionError(f"the read models did not reach {position}: {positions(database)}")


def await_read(database: Database, position: int) -> None:
    """Wait until every read model has reached a position; woken by the followers themselves."""
    with psycopg.connect(database.owner_url, autocommit=True) as listener:
        listener.execute("LISTEN wardbook_read")
        for _ in range(20):
            if min(positions(database)) >= position:
                return
            for _ in listener.notifies(timeout=1, stop_after=1):
                pass
    raise AssertionError(f"the read models did not reach {position}: {positions(database)}")


LEADING = (
    "FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database WHERE locktype = 'advisory'"
    f" AND classid = {LEADER_LOCKS} AND granted AND datname = current_database()"
)


def leaders(database: Database) -> int:
    """Count the runners that lead read models."""
    (count,) = rows(database, f"SELECT count(DISTINCT pid) {LEADING}")[0]
    assert isinstance(count, int)
    return count


def catch_up(database: Database) -> int:
    return ProjectionRunner(database.app_url).catch_up()


@contextmanager
def running(*followers: ProjectionRunner) -> Iterator[None]:
    """Followers that run in threads; stopped in the end, whatever happens."""
    threads = [threading.Thread(target=follower.run) for follower in followers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for follower in followers:
            follower.stop()
        for thread in threads:
            thread.join(timeout=20)
        assert not any(thread.is_alive() for thread in threads)
