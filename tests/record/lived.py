"""A busy history in a database of its own, with read models to be filled in every way there is."""

import inspect
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import psycopg
from psycopg import sql

from application.hospital import Hospital
from infrastructure.database import Database
from infrastructure.follow import LEADER_LOCKS, Follower
from infrastructure.parking import Target
from infrastructure.read_models import READ_MODELS
from tests.record.busy import Busy
from tests.record.ward import rows

Dump = dict[str, list[str]]


@dataclass(frozen=True)
class Lived:
    """``first`` is what the read models said when they followed one command at a time."""

    database: Database
    busy: Busy
    first: Dump


def tables() -> Iterator[tuple[str, str]]:
    """Every table of the read models that has rows, by schema and name."""
    for model in READ_MODELS:
        for table in model.tables():
            yield str(model.metadata.schema), table.name


def dump(database: Database) -> Dump:
    """All rows of all tables, and the positions, as text."""
    told = {
        f"{schema}.{table}": [
            text for (text,) in rows(database, f"SELECT t::text FROM {schema}.{table} t ORDER BY 1")
        ]
        for schema, table in tables()
    }
    for model in READ_MODELS:
        position = f"{model.metadata.schema}.position"
        told[position] = [str(rows(database, f"SELECT log_id, epoch, position FROM {position}"))]
    return told


def forget(database: Database) -> None:
    """Drop every read model and make its tables anew, empty."""
    with psycopg.connect(database.owner_url) as owner:
        for model in READ_MODELS:
            schema = sql.Identifier(str(model.metadata.schema))
            owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    database.migrate()


def positions(database: Database) -> set[int]:
    """Where the read models are."""
    told = set()
    for model in READ_MODELS:
        found = rows(database, f"SELECT position FROM {model.metadata.schema}.position")
        told |= {position for (position,) in found} or {0}
    return told


def end(database: Database) -> int:
    """The last position of the log."""
    (last,) = rows(database, "SELECT coalesce(max(position), 0) FROM record.events")[0]
    assert isinstance(last, int)
    return last


def led(database: Database) -> int:
    """How many read models are led."""
    (count,) = rows(database, f"SELECT count(*) {LEADING}")[0]
    assert isinstance(count, int)
    return count


def await_position(database: Database, targets: Sequence[Target], position: int) -> None:
    """Wait until some read models have reached a position."""
    until = monotonic() + 20
    while monotonic() < until:
        found = [rows(database, f"SELECT position FROM {t.schema}.position") for t in targets]
        if min((n for row in found for (n,) in row), default=0) >= position and all(found):
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
    """How many followers lead read models."""
    (count,) = rows(database, f"SELECT count(DISTINCT pid) {LEADING}")[0]
    assert isinstance(count, int)
    return count


def commands_of(hospital: type[Hospital]) -> set[str]:
    """The names of all commands."""
    return {
        name
        for name, method in inspect.getmembers(hospital, inspect.isfunction)
        if hasattr(method, "__wrapped__") and "d" in inspect.signature(method).parameters
    }


def catch_up(database: Database) -> int:
    return Follower(database.app_url).catch_up()


@contextmanager
def running(*followers: Follower) -> Iterator[None]:
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
            thread.join(timeout=10)
        assert not any(thread.is_alive() for thread in threads)
