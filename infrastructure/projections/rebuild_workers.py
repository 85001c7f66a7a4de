"""Filling drafts of read models in processes of their own: one interpreter fills from one core only.

Each process takes some read models and reads the log for itself; drafts need nothing of each other.
It ends with the process that started it, however that ends. What it leaves undone is left to that one.
"""

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.read_models import READ_MODELS

WORKER_LOCK = 1463898722, 6
"""Shared by the processes that fill drafts; who makes drafts anew waits until no former one is left."""

MAX_PROCESSES = 4
"""Processes at most: more find nothing to share, since the largest read model is one's alone."""

MIN_EVENTS = 20_000
"""Events from which on another process gains more than its start takes."""


class Task(msgspec.Struct):
    """What a process is told on its standard input: an address, read models by name, and how far."""

    url: str
    drafts: dict[str, str]
    until: int


Process = subprocess.Popen[bytes]


def processes_for(events: int) -> int:
    """How many processes fill drafts of so many events best, the one that asks among them."""
    return min(os.cpu_count() or 1, MAX_PROCESSES) if events >= MIN_EVENTS else 1


def wait_for_orphans(owner: Connection[TupleRow]) -> None:
    """Wait until no process fills drafts whose maker is gone: at most the time of a batch."""
    owner.execute("SELECT pg_advisory_lock(%s, %s)", WORKER_LOCK)
    owner.execute("SELECT pg_advisory_unlock(%s, %s)", WORKER_LOCK)


def partition(
    owner: Connection[TupleRow], drafts: Sequence[ProjectionTarget], processes: int
) -> list[list[ProjectionTarget]]:
    """The drafts in as many parts, about as long each, by the size of their live tables."""
    sizes: dict[str, int] = dict(
        owner.execute(
            "SELECT relnamespace::regnamespace::text, sum(pg_relation_size(oid))::bigint"
            " FROM pg_class WHERE relkind = 'r' GROUP BY 1"
        ).fetchall()
    )
    size = {draft: sizes.get(str(draft.model.metadata.schema), 0) for draft in drafts}
    parts: list[list[ProjectionTarget]] = [[] for _ in range(processes)]
    for draft in sorted(drafts, key=lambda d: -size[d]):
        min(parts, key=lambda part: sum(size[d] for d in part)).append(draft)
    return [part for part in parts if part]


@contextmanager
def worker_processes(count: int) -> Iterator[list[Process]]:
    """Processes that wait to be told what to fill. None is left behind."""
    command = [sys.executable, "-P", "-m", __name__]
    made: list[Process] = []
    try:
        for _ in range(count):
            made.append(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL))
        yield made
    finally:
        for process in made:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def assign(process: Process, url: str, drafts: Sequence[ProjectionTarget], until: int) -> None:
    """Let a process fill drafts up to a position; it ends when that is done."""
    task = Task(url, {draft.model.name: draft.schema for draft in drafts}, until)
    assert process.stdin is not None
    try:
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it is gone already; what it was to fill is left to this process


def min_position(owner: Connection[TupleRow], drafts: Sequence[ProjectionTarget]) -> int:
    """How far all of the drafts are."""
    row = owner.execute(
        "SELECT count(*), min(position) FROM projections.status WHERE read_model = ANY(%s)",
        [[draft.schema for draft in drafts]],
    ).fetchone()
    return int(row[1]) if row and row[0] == len(drafts) else 0


def _fill(task: Task) -> None:
    models = {model.name: model for model in READ_MODELS}
    drafts = [ProjectionTarget(models[name], schema) for name, schema in task.drafts.items()]
    with reduced_garbage_collection(), psycopg.connect(task.url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock_shared(%s, %s)", WORKER_LOCK)
        if _is_orphan():
            return  # perhaps these are the drafts of another by now
        filler = BatchProjector(owner, drafts)
        filler.prepare()
        while not _is_orphan() and filler.step(task.until):
            pass


def _is_orphan() -> bool:
    """Whether the process that started this one is gone: its end of the pipe is closed then."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


if __name__ == "__main__":
    told = sys.stdin.buffer.readline()
    if told:
        _fill(msgspec.json.decode(told, type=Task))
