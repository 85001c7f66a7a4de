"""Rebuilding read models beside their live tables: fill, compare, switch in one transaction.

The live tables answer all the while. Safe to kill at any point: what was begun is thrown away by the
next attempt.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from subprocess import TimeoutExpired
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import Engine, MetaData

from domain.errors import IntegrityError
from infrastructure.event_store.mapper import EventMapper
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import create_read_model
from infrastructure.projections import rebuild_workers
from infrastructure.projections.batch import BATCH_LOCK, BatchProjector
from infrastructure.projections.dead_letters import Halted, IsolatingProjector, ProjectionTarget
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.projections.projection import ReadModel
from infrastructure.projections.rebuild_workers import Process
from infrastructure.projections.status import forget, position_of, put_in_place

REBUILD_LOCK = 1463898722, 5

Progress = Callable[[int, int], None]


class DraftHalted(IntegrityError):
    """A read model that may not miss anything cannot be filled as far as the live one is."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What a rebuild did: rows now, and rows that differ from those that it replaced.

    ``parked`` says what the live tables had parked.
    """

    rows: int
    different: int
    position: int
    parked: tuple[str, ...] = ()


def rebuild(
    database: Database,
    models: Sequence[type[ReadModel]],
    on_progress: Progress,
    processes: int | None = None,
) -> dict[str, RebuildResult]:
    """Fill read models anew from the log and put them in the place of the live ones; by name.

    They are shared out among ``processes`` (None: as many as gain anything), each of which reads and
    decodes the log once for its own; all are switched together.
    """
    with (
        reduced_garbage_collection(),
        _drafted(database, models, on_progress, processes) as (owner, drafts, told),
    ):
        for draft in drafts:
            live = sql.Identifier(_live(draft))
            owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(live))
            owner.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(draft.schema), live)
            )
            put_in_place(owner, draft.schema, _live(draft))
        return told


def compare(database: Database, model: type[ReadModel], on_progress: Progress) -> RebuildResult:
    """Fill a read model anew beside the live one, compare, and throw the new one away."""
    with _drafted(database, [model], on_progress) as (owner, drafts, told):
        for draft in drafts:
            _drop(owner, draft.schema)
        return told[model.name]


def compare_sample(
    database: Database, model: type[ReadModel], most: int, lot: Random
) -> tuple[int, RebuildResult]:
    """Fold some things anew beside the live tables, at their position, and compare those rows.

    Of the things that the model is about, ``most`` are drawn by lot; what is parked is looked at
    too. Returns how many there were.
    """
    live = str(model.metadata.schema)
    draft = f"{live}_draft"
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(%s, %s)", REBUILD_LOCK)
        with database.engine() as engine:
            _make(engine, [ProjectionTarget(model, draft)])
        with owner.transaction():
            owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
            position = position_of(owner, live)
            drawn = _drawn(owner, model, position, most, lot)
            beside = IsolatingProjector(
                owner, ProjectionTarget(model, draft), EventMapper(), position
            )
            try:
                beside.refill({model.stream_of(thing) for thing in drawn}, position)
            except Halted as halted:
                raise DraftHalted(f"Read model {model.name} {halted}") from None
            rows = different = 0
            for table in model.tables():
                rows += _sum(owner, draft, table.name)[0]
                different += _different(owner, live, draft, table.name, table.info["of"], drawn)
        _drop(owner, draft)
        return len(drawn), RebuildResult(rows, different, position, _parked(owner, live))


def _drawn(
    owner: Connection[TupleRow], model: type[ReadModel], position: int, most: int, lot: Random
) -> list[UUID]:
    """Some of the things that the rows are about, and all that have anything parked."""
    kinds = [f"{kind.TOPIC}.%" for kind in model.things()]
    found = owner.execute(
        "SELECT stream FROM record.events WHERE version = 1 AND topic LIKE ANY(%s)"
        " AND position <= %s ORDER BY position",
        [kinds, position],
    )
    things = [thing for (thing,) in found]
    parked = owner.execute(
        "SELECT DISTINCT unnest(streams) FROM projections.dead_letters WHERE read_model = %s",
        [str(model.metadata.schema)],
    )
    return list({*lot.sample(things, min(most, len(things))), *(thing for (thing,) in parked)})


@contextmanager
def _drafted(
    database: Database,
    models: Sequence[type[ReadModel]],
    on_progress: Progress,
    processes: int | None = None,
) -> Iterator[tuple[Connection[TupleRow], list[ProjectionTarget], dict[str, RebuildResult]]]:
    """Drafts at the same position as the live tables, compared, in a transaction that stops both."""
    drafts = [ProjectionTarget(model, f"{model.metadata.schema}_draft") for model in models]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = off")  # a draft that a crash takes is made anew
        owner.execute("SELECT pg_advisory_lock(%s, %s)", REBUILD_LOCK)
        end = min(position_of(owner, _live(draft)) for draft in drafts)
        count = min(processes or rebuild_workers.processes_for(end), len(drafts))
        with rebuild_workers.worker_processes(count - 1) as others, database.engine() as engine:
            rebuild_workers.wait_for_orphans(owner)
            tables = _make(engine, drafts)
            _fill(owner, database.owner_url, drafts, others, end, on_progress)
            _index(engine, tables, count)
        with owner.transaction():
            owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
            yield owner, drafts, {draft.model.name: _compared(owner, draft) for draft in drafts}


def _fill(
    owner: Connection[TupleRow],
    url: str,
    drafts: Sequence[ProjectionTarget],
    others: Sequence[Process],
    end: int,
    on_progress: Progress,
) -> None:
    """Fill the drafts up to a position, with the help of other processes."""

    def tell(_: int = 0) -> None:
        now = rebuild_workers.min_position(owner, drafts)
        on_progress(now, max(now, end))

    tell()
    own, *parts = rebuild_workers.partition(owner, drafts, len(others) + 1)
    for process, part in zip(others, parts, strict=False):
        rebuild_workers.assign(process, url, part, end)
    for share in (own, drafts):  # the second time what a process left undone, if it broke off
        filler = BatchProjector(owner, share, on_progress=tell)
        filler.prepare()
        while filler.step(end):
            pass
        for process in others[: len(parts)]:
            while process.poll() is None:
                tell()
                with suppress(TimeoutExpired):
                    process.wait(0.1)
    tell()


def _compared(owner: Connection[TupleRow], draft: ProjectionTarget) -> RebuildResult:
    """Bring a draft to where its live tables are by now, and compare. Raises DraftHalted."""
    live = _live(draft)
    position = position_of(owner, live)
    filler = BatchProjector(owner, [draft])
    while filler.batch(position):
        pass
    if (reached := position_of(owner, draft.schema)) < position:
        raise DraftHalted(
            f"Read model {draft.model.name} cannot take in the command after position {reached};"
            " this program cannot fill it."
        )
    rows = different = 0
    for name in [table.name for table in draft.model.tables()]:
        new = _sum(owner, draft.schema, name)
        rows += new[0]
        if new != _sum(owner, live, name):
            different += _different(owner, live, draft.schema, name)
    return RebuildResult(rows, different, position, _parked(owner, live))


def _drop(owner: Connection[TupleRow], schema: str) -> None:
    owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    forget(owner, schema)


def _live(draft: ProjectionTarget) -> str:
    return str(draft.model.metadata.schema)


def _make(engine: Engine, drafts: Sequence[ProjectionTarget]) -> list[MetaData]:
    """Make the tables of drafts, without indexes: those are made when the rows are there."""
    made = []
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        for draft in drafts:
            whole, bare = MetaData(schema=draft.schema), MetaData(schema=draft.schema)
            for table in draft.model.metadata.sorted_tables:
                table.to_metadata(whole, schema=draft.schema)
                one = table.to_metadata(bare, schema=draft.schema)
                needed = table.info.get("revised_by", ())
                one.indexes = {i for i in one.indexes if set(i.columns.keys()) & set(needed)}
            create_read_model(connection, draft.model, bare)
            made.append(whole)
    return made


def _index(engine: Engine, drafts: Sequence[MetaData], at_once: int) -> None:
    """Make the indexes of drafts, so many at once, and look at what there is for the planner."""
    tables = [table for tables in drafts for table in tables.sorted_tables]
    indexes = [index for table in tables for index in table.indexes]

    def make(part: int) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET synchronous_commit = off")
            for index in indexes[part::at_once]:
                index.create(connection, checkfirst=True)
                connection.commit()

    def analyze(part: int) -> None:
        with engine.connect() as connection:
            for table in tables[part::at_once]:
                connection.exec_driver_sql(f'ANALYZE "{table.schema}"."{table.name}"')
                connection.commit()

    with ThreadPoolExecutor(at_once) as threads:
        for each in (make, analyze):
            list(threads.map(each, range(at_once)))


def _sum(owner: Connection[TupleRow], schema: str, table: str) -> tuple[int, Decimal]:
    """How many rows there are, and the sum of their hashes: a look at each, in any order.

    Each row's hash is hashed again. What is the sum of what its columns say stays the same if two
    rows exchange a value.
    """
    row = owner.execute(
        sql.SQL(
            "SELECT count(*), coalesce(sum(hashint8extended(hash_record_extended(t, 0), 1)), 0)"
            " FROM {} AS t"
        ).format(sql.Identifier(schema, table))
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _parked(owner: Connection[TupleRow], schema: str) -> tuple[str, ...]:
    rows = owner.execute(
        "SELECT 'command ' || command || ' at position ' || first || ' is parked: ' || error"
        " FROM projections.dead_letters WHERE read_model = %s ORDER BY first",
        [schema],
    )
    return tuple(why for (why,) in rows)


def _different(
    owner: Connection[TupleRow],
    live: str,
    draft: str,
    table: str,
    of: str | None = None,
    things: Sequence[UUID] = (),
) -> int:
    """Rows that are in one and not in the other; of some things only, if they are named."""
    only = sql.SQL("WHERE {} = ANY(%(things)s)").format(sql.Identifier(of)) if of else sql.SQL("")
    row = owner.execute(
        sql.SQL(
            "WITH one AS (SELECT * FROM {one} {only}), other AS (SELECT * FROM {other} {only})"
            " SELECT (SELECT count(*) FROM (TABLE one EXCEPT ALL TABLE other) AS more)"
            " + (SELECT count(*) FROM (TABLE other EXCEPT ALL TABLE one) AS less)"
        ).format(one=sql.Identifier(live, table), other=sql.Identifier(draft, table), only=only),
        {"things": list(things)},
    ).fetchone()
    return int(row[0]) if row else 0
