"""Rebuild of read models: fill drafts beside the live tables, compare, switch in one transaction.

The live tables serve queries meanwhile. Safe to kill at any point: the next attempt drops the drafts.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from random import Random
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow
from sqlalchemy import Engine, Index, MetaData

from domain.errors import IntegrityError
from infrastructure.event_store.mapper import EventMapper
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import create_read_model
from infrastructure.projections import rebuild_workers
from infrastructure.projections.batch import BATCH_LOCK, BatchProjector
from infrastructure.projections.dead_letters import Halted, IsolatingProjector, ProjectionTarget
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.projections.projection import ReadModel
from infrastructure.projections.rebuild_workers import Worker
from infrastructure.projections.status import forget, position_of, put_in_place

REBUILD_LOCK = 1463898722, 5
EVENTS_OF_SUBJECT = 250
"""The events of a subject of a sample, on average at most: a room has those of all its years."""

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)

Progress = Callable[[int, int], None]


class DraftHalted(IntegrityError):
    """The draft of a read model that halts cannot be filled as far as the live one is."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """The outcome of a rebuild: rows of the draft, and rows that differ from the live tables.

    ``parked`` describes the dead letters of the live read model, a sentence each.
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
    """Fill read models anew from the log and replace the live ones; return the results by name.

    They are partitioned among ``processes`` (None: as many as gain anything), each of which reads and
    decodes the log once; all are switched together. Raises DraftHalted.
    """
    with (
        reduced_garbage_collection(),
        _drafts(database, models, on_progress, processes) as (owner, drafts, results),
    ):
        for draft in drafts:
            live_schema = sql.Identifier(_live_schema(draft))
            owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(live_schema))
            owner.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                    sql.Identifier(draft.schema), live_schema
                )
            )
            put_in_place(owner, draft.schema, _live_schema(draft))
        return results


def compare(database: Database, model: type[ReadModel], on_progress: Progress) -> RebuildResult:
    """Fill a draft of a read model, compare it with the live one, and drop it. Raises DraftHalted."""
    with _drafts(database, [model], on_progress) as (owner, drafts, results):
        for draft in drafts:
            _drop(owner, draft.schema)
        return results[model.name]


def compare_sample(
    database: Database, model: type[ReadModel], limit: int, lot: Random
) -> tuple[int, RebuildResult]:
    """Fill a draft with the rows of some subjects, compare these with the live ones, and drop it.

    ``limit`` of the subjects of the read model are drawn by ``lot``, and all that have dead letters.
    Returns their number and the result. Raises DraftHalted.
    """
    live_schema = str(model.metadata.schema)
    draft = f"{live_schema}_draft"
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(%s, %s)", REBUILD_LOCK)
        with database.engine() as engine:
            make_drafts(engine, [ProjectionTarget(model, draft)])
        with owner.transaction():
            owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
            position = position_of(owner, live_schema)
            sample = _sample(owner, model, position, limit, lot)
            projector = IsolatingProjector(
                owner, ProjectionTarget(model, draft), EventMapper(), position
            )
            try:
                projector.refill({model.stream_of(entity) for entity in sample}, position)
            except Halted as halted:
                raise DraftHalted(f"Read model {model.name} {halted}") from None
            rows = different = 0
            for table in model.tables():
                rows += _checksum(owner, draft, table.name)[0]
                different += _count_different(
                    owner, live_schema, draft, table.name, table.info["of"], sample
                )
        _drop(owner, draft)
        return len(sample), RebuildResult(
            rows, different, position, _parked_commands(owner, live_schema)
        )


def _sample(
    owner: Connection[TupleRow], model: type[ReadModel], position: int, limit: int, lot: Random
) -> list[UUID]:
    """Draw some of the subjects of the rows, and add all that have dead letters.

    Ids are as good as random: those that follow a random one, past the last the first, are a lot. They
    are found by their first events, and a long stream counts as several, so that no log is too long.
    """
    kinds = [f"{kind.TOPIC}.%" for kind in model.entities()]
    entities: list[UUID] = []
    lot_id = UUID(int=lot.getrandbits(128))
    for begin, end in ((lot_id, LAST_ID), (FIRST_ID, lot_id)):
        rows = owner.execute(
            "SELECT e.stream FROM record.kinds k CROSS JOIN LATERAL (SELECT stream"
            "  FROM record.stored_events WHERE version = 1 AND kind = k.no"
            "  AND (position <= %(position)s) IS TRUE AND stream BETWEEN %(begin)s AND %(end)s"
            "  ORDER BY stream LIMIT %(limit)s) e"
            " WHERE k.topic LIKE ANY(%(kinds)s) ORDER BY e.stream LIMIT %(limit)s",
            {
                "position": position,
                "kinds": kinds,
                "begin": begin,
                "end": end,
                "limit": limit - len(entities),
            },
        )
        entities += [entity for (entity,) in rows]
    entities = _not_too_long(owner, model, entities, limit * EVENTS_OF_SUBJECT)
    dead_letters = owner.execute(
        "SELECT DISTINCT unnest(streams) FROM projections.dead_letters WHERE read_model = %s",
        [str(model.metadata.schema)],
    )
    return list({*entities, *(entity for (entity,) in dead_letters)})


def _not_too_long(
    owner: Connection[TupleRow], model: type[ReadModel], entities: Sequence[UUID], most_events: int
) -> list[UUID]:
    """Return the first of some subjects, at least one, whose streams have so many events together."""
    events_of: dict[UUID, int] = dict(
        owner.execute(
            "SELECT s, coalesce((SELECT version FROM record.stored_events WHERE stream = s"
            " ORDER BY version DESC LIMIT 1), 0) FROM unnest(%s::uuid[]) AS s",
            [[model.stream_of(entity) for entity in entities]],
        ).fetchall()
    )
    counts = accumulate(events_of[model.stream_of(entity)] for entity in entities)
    return [
        entity
        for number, (entity, count) in enumerate(zip(entities, counts, strict=True))
        if not number or count <= most_events
    ]


@contextmanager
def _drafts(
    database: Database,
    models: Sequence[type[ReadModel]],
    on_progress: Progress,
    processes: int | None = None,
) -> Iterator[tuple[Connection[TupleRow], list[ProjectionTarget], dict[str, RebuildResult]]]:
    """Fill and compare drafts; yield in a transaction in which neither they nor the live tables move."""
    drafts = [ProjectionTarget(model, f"{model.metadata.schema}_draft") for model in models]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = off")  # a draft that a crash takes is made anew
        owner.execute("SELECT pg_advisory_lock(%s, %s)", REBUILD_LOCK)
        end = min(position_of(owner, _live_schema(draft)) for draft in drafts)
        count = min(processes or rebuild_workers.processes_for(end), len(drafts))
        with rebuild_workers.worker_processes(count - 1) as others, database.engine() as engine:
            rebuild_workers.wait_for_orphans(owner)
            tables = make_drafts(engine, drafts)
            _fill(owner, database.owner_url, drafts, others, end, on_progress)
            _index(engine, tables, count)
        with owner.transaction():
            owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
            yield (
                owner,
                drafts,
                {draft.model.name: _compare_with_live(owner, draft) for draft in drafts},
            )


def _fill(
    owner: Connection[TupleRow],
    url: str,
    drafts: Sequence[ProjectionTarget],
    others: Sequence[Worker],
    end: int,
    on_progress: Progress,
) -> None:
    """Fill the drafts up to a position, with worker processes."""

    def report(_: int = 0) -> None:
        now = rebuild_workers.min_position(owner, drafts)
        on_progress(now, max(now, end))

    report()
    own_drafts, *parts = rebuild_workers.partition(owner, drafts, len(others) + 1)
    for worker, part in zip(others, parts, strict=False):
        rebuild_workers.assign(worker, url, part, end)
    for share in (own_drafts, drafts):  # the second time what a worker left undone, if it broke off
        projector = BatchProjector(owner, share, on_progress=report)
        projector.prepare()
        while projector.step(end):
            pass
        for worker in others[: len(parts)]:
            while worker.process.is_alive():
                report()
                worker.process.join(0.1)
    report()


def _compare_with_live(owner: Connection[TupleRow], draft: ProjectionTarget) -> RebuildResult:
    """Fill a draft up to the live position, and compare the tables. Raises DraftHalted."""
    live_schema = _live_schema(draft)
    position = position_of(owner, live_schema)
    projector = BatchProjector(owner, [draft])
    while projector.batch(position):
        pass
    if (draft_position := position_of(owner, draft.schema)) < position:
        raise DraftHalted(
            f"Read model {draft.model.name} cannot take in the command after position {draft_position};"
            " this program cannot fill it."
        )
    rows = different = 0
    for name in [table.name for table in draft.model.tables()]:
        draft_sum = _checksum(owner, draft.schema, name)
        rows += draft_sum[0]
        if draft_sum != _checksum(owner, live_schema, name):
            different += _count_different(owner, live_schema, draft.schema, name)
    return RebuildResult(rows, different, position, _parked_commands(owner, live_schema))


def _drop(owner: Connection[TupleRow], schema: str) -> None:
    owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    forget(owner, schema)


def _live_schema(draft: ProjectionTarget) -> str:
    return str(draft.model.metadata.schema)


def make_drafts(engine: Engine, drafts: Sequence[ProjectionTarget]) -> list[MetaData]:
    """Make the tables of drafts, with the indexes by which batches find rows.

    Returns the tables with the other indexes, which are made when the rows are there.
    """
    draft_tables = []
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        for draft in drafts:
            bare, metadata = MetaData(schema=draft.schema), MetaData(schema=draft.schema)
            for table in draft.model.metadata.sorted_tables:
                early = table.to_metadata(bare, schema=draft.schema).indexes
                late = table.to_metadata(metadata, schema=draft.schema).indexes
                early.difference_update([index for index in early if not _finds_rows(index)])
                late.difference_update([index for index in late if _finds_rows(index)])
            create_read_model(connection, draft.model, bare)
            draft_tables.append(metadata)
    return draft_tables


def _finds_rows(index: Index) -> bool:
    """Return whether a batch finds the rows that it closes or revises by an index."""
    info = index.table.info if index.table is not None else {}
    return bool({info.get("key"), *info.get("revised_by", ())}.intersection(index.columns.keys()))


def _index(engine: Engine, drafts: Sequence[MetaData], at_once: int) -> None:
    """Make the indexes of drafts, so many at once, and gather statistics for the planner."""
    tables = [table for tables in drafts for table in tables.sorted_tables]
    indexes = [index for table in tables for index in table.indexes]

    def make(part: int) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET synchronous_commit = off")
            for index in indexes[part::at_once]:
                index.create(connection)
                connection.commit()

    def analyze(part: int) -> None:
        with engine.connect() as connection:
            for table in tables[part::at_once]:
                connection.exec_driver_sql(f'ANALYZE "{table.schema}"."{table.name}"')
                connection.commit()

    with ThreadPoolExecutor(at_once) as threads:
        for task in (make, analyze):
            list(threads.map(task, range(at_once)))


def _checksum(owner: Connection[TupleRow], schema: str, table: str) -> tuple[int, Decimal]:
    """Return the number of rows, and the sum of their hashes: one pass, in any order.

    Each row's hash is hashed again: a sum of hashes that are sums over columns would stay the same if
    two rows exchange a value.
    """
    row = owner.execute(
        sql.SQL(
            "SELECT count(*), coalesce(sum(hashint8extended(hash_record_extended(t, 0), 1)), 0)"
            " FROM {} AS t"
        ).format(sql.Identifier(schema, table))
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _parked_commands(owner: Connection[TupleRow], schema: str) -> tuple[str, ...]:
    rows = owner.execute(
        "SELECT 'command ' || command || ' at position ' || first || ' is parked: ' || error"
        " FROM projections.dead_letters WHERE read_model = %s ORDER BY first",
        [schema],
    )
    return tuple(problem for (problem,) in rows)


def _count_different(
    owner: Connection[TupleRow],
    live: str,
    draft: str,
    table: str,
    of: str | None = None,
    entities: Sequence[UUID] = (),
) -> int:
    """Count the rows that are in one table and not in the other; of some subjects, if named."""
    condition = (
        sql.SQL("WHERE {} = ANY(%(entities)s)").format(sql.Identifier(of)) if of else sql.SQL("")
    )
    row = owner.execute(
        sql.SQL(
            "WITH one AS (SELECT * FROM {one} {only}), other AS (SELECT * FROM {other} {only})"
            " SELECT (SELECT count(*) FROM (TABLE one EXCEPT ALL TABLE other) AS more)"
            " + (SELECT count(*) FROM (TABLE other EXCEPT ALL TABLE one) AS less)"
        ).format(
            one=sql.Identifier(live, table), other=sql.Identifier(draft, table), only=condition
        ),
        {"entities": list(entities)},
    ).fetchone()
    return int(row[0]) if row else 0
