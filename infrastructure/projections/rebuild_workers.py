"""Worker processes of a rebuild: one interpreter fills drafts on one core only.

Each worker fills some read models and reads the log by itself; drafts are independent of each other.
It ends with the process that started it, however that ends; that process does what is left undone.
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
"""Held shared by workers; before drafts are made anew, waits until no former worker is left."""

MAX_PROCESSES = 4
"""More processes gain nothing, since the largest read model is filled by one alone."""

MIN_EVENTS = 50_000
"""Events from which on another process gains more time than its start takes."""


class Task(msgspec.Struct):
    """The task on a worker's standard input: database URL, schemas of drafts by read model, position."""

    url: str
    drafts: dict[str, str]
    until: int


Process = subprocess.Popen[bytes]


def processes_for(events: int) -> int:
    """Return the number of processes to fill drafts of so many events, the calling one included."""
    return min(os.cpu_count() or 1, MAX_PROCESSES) if events >= MIN_EVENTS else 1


def wait_for_orphans(owner: Connection[TupleRow]) -> None:
    """Wait until no worker is left whose parent is gone: at most the time of a batch."""
    owner.execute("SELECT pg_advisory_lock(%s, %s)", WORKER_LOCK)
    owner.execute("SELECT pg_advisory_unlock(%s, %s)", WORKER_LOCK)


def partition(
    owner: Connection[TupleRow], drafts: Sequence[ProjectionTarget], processes: int
) -> list[list[ProjectionTarget]]:
    """Partition the drafts into parts of about the same work, by the size of their live tables."""
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
    """Start workers that wait for `assign`; all are ended at exit."""
    command = [sys.executable, "-P", "-m", __name__]
    workers: list[Process] = []
    try:
        for _ in range(count):
            workers.append(
                subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            )
        yield workers
    finally:
        for process in workers:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def assign(process: Process, url: str, drafts: Sequence[ProjectionTarget], until: int) -> None:
    """Send a worker its task: to fill drafts up to a position; it ends when that is done."""
    task = Task(url, {draft.model.name: draft.schema for draft in drafts}, until)
    assert process.stdin is not None
    try:
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it is gone already; this process fills its part


def min_position(owner: Connection[TupleRow], drafts: Sequence[ProjectionTarget]) -> int:
    """Return the lowest position of the drafts; 0 if one has not begun."""
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
        projector = BatchProjector(owner, drafts)
        projector.prepare()
        while not _is_orphan() and projector.step(task.until):
            pass


def _is_orphan() -> bool:
    """Return whether the parent process is gone: its end of the pipe is closed then."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


if __name__ == "__main__":
    line = sys.stdin.buffer.readline()
    if line:
        _fill(msgspec.json.decode(line, type=Task))
