"""Rebuilding several read models in one pass: the log is read and decoded once for all of them.

As with one (see `infrastructure.rebuild`), the live tables answer all the while, and what was begun
is thrown away by the next attempt. All of them are switched in one transaction.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from infrastructure.database import Database
from infrastructure.filling import BATCH_LOCK, Filler
from infrastructure.parking import Target
from infrastructure.read_models.model import ReadModel
from infrastructure.rebuild import (
    REBUILD_LOCK,
    HaltedBeside,
    Progress,
    Rebuilt,
    _count,
    _different,
    _index,
    _make,
    _parked,
    _position,
)


def rebuild_all(
    database: Database, models: Sequence[type[ReadModel]], on_progress: Progress
) -> dict[str, Rebuilt]:
    """Fill read models anew from the log and put them in the place of the live ones; by name."""
    drafts = [Target(model, f"{model.metadata.schema}_draft") for model in models]
    with rarely_collected(), psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(%s, %s)", REBUILD_LOCK)
        with database.engine() as engine:
            tables = [_make(engine, owner, draft.model, draft.schema) for draft in drafts]
            end = min(_position(owner, _live(draft)) for draft in drafts)
            filler = Filler(
                owner, drafts, on_progress=lambda reached: on_progress(reached, max(reached, end))
            )
            filler.prepare()
            while filler.step(end):
                pass
            for made in tables:
                _index(engine, made)
        with owner.transaction():
            owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
            told = {draft.model.name: _compared(owner, draft) for draft in drafts}
            for draft in drafts:
                _switch(owner, draft)
    return told


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Events and rows make no cycles, but so many objects that looking for cycles takes a fifth."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _live(draft: Target) -> str:
    return str(draft.model.metadata.schema)


def _compared(owner: Connection[TupleRow], draft: Target) -> Rebuilt:
    """Bring a draft to where its live tables are by now, and compare."""
    live = _live(draft)
    position = _position(owner, live)
    filler = Filler(owner, [draft])
    while filler.batch(position):
        pass
    if (reached := _position(owner, draft.schema)) < position:
        raise HaltedBeside(f"Read model {draft.model.name} halts after position {reached}.")
    names = [table.name for table in draft.model.tables()]
    rows = sum(_count(owner, draft.schema, name) for name in names)
    different = sum(_different(owner, live, draft.schema, name) for name in names)
    return Rebuilt(rows, different, position, _parked(owner, live))


def _switch(owner: Connection[TupleRow], draft: Target) -> None:
    live = sql.Identifier(_live(draft))
    owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(live))
    owner.execute(
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(draft.schema), live)
    )
