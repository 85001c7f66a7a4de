"""Worker processes of a rebuild: one interpreter fills drafts on one core only.

Each worker fills some read models and reads the log by itself; drafts are independent of each other.
It ends with the process that started it, however that ends; that process does what is left undone.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess

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

MIN_EVENTS_TO_FORK, MIN_EVENTS_TO_SPAWN = 1_000, 50_000
"""Events from which on another process gains more time than its start takes: a fork some 20 ms, a new
interpreter more than a second."""


@dataclass(frozen=True, slots=True)
class Task:
    """The task of a worker: database URL, schemas of drafts by read model, position."""

    url: str
    drafts: dict[str, str]
    until: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process, and the end of the pipe that it gets its task from."""

    process: BaseProcess
    pipe: Pipe


def processes_for(events: int) -> int:
    """Return the number of processes to fill drafts of so many events, the calling one included."""
    min_events = MIN_EVENTS_TO_FORK if _can_fork() else MIN_EVENTS_TO_SPAWN
    return min(os.cpu_count() or 1, MAX_PROCESSES) if events >= min_events else 1


def _can_fork() -> bool:
    """Return whether a fork is safe: of another thread, the child may wait for a lock for ever."""
    return sys.platform == "linux" and threading.active_count() == 1


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
def worker_processes(count: int) -> Iterator[list[Worker]]:
    """Start workers that wait for `assign`; all are ended at exit."""
    can_fork = _can_fork()
    context: ForkContext | SpawnContext = get_context("fork") if can_fork else get_context("spawn")
    workers: list[Worker] = []
    try:
        for _ in range(count):
            task_pipe, pipe = context.Pipe(duplex=False)
            copies = [*(worker.pipe for worker in workers), pipe] if can_fork else []
            process = context.Process(target=_run, args=(task_pipe, copies))
            process.start()
            task_pipe.close()
            workers.append(Worker(process, pipe))
        yield workers
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()


def assign(worker: Worker, url: str, drafts: Sequence[ProjectionTarget], until: int) -> None:
    """Send a worker its task: to fill drafts up to a position; it ends when that is done."""
    with suppress(BrokenPipeError):  # it is gone already; this process fills its part
        worker.pipe.send(Task(url, {draft.model.name: draft.schema for draft in drafts}, until))


def min_position(owner: Connection[TupleRow], drafts: Sequence[ProjectionTarget]) -> int:
    """Return the lowest position of the drafts; 0 if one has not begun."""
    row = owner.execute(
        "SELECT count(*), min(position) FROM projections.status WHERE read_model = ANY(%s)",
        [[draft.schema for draft in drafts]],
    ).fetchone()
    return int(row[1]) if row and row[0] == len(drafts) else 0


def _run(pipe: Pipe, copies: Sequence[Pipe]) -> None:
    """Run a worker. ``copies``: ends of pipes that a fork has, and by which it would live on."""
    for end in copies:
        end.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with suppress(EOFError):
        _fill(pipe.recv(), pipe)


def _fill(task: Task, pipe: Pipe) -> None:
    models = {model.name: model for model in READ_MODELS}
    drafts = [ProjectionTarget(models[name], schema) for name, schema in task.drafts.items()]
    with reduced_garbage_collection(), psycopg.connect(task.url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock_shared(%s, %s)", WORKER_LOCK)
        if pipe.poll():
            return  # its starter is gone; perhaps these are the drafts of another by now
        projector = BatchProjector(owner, drafts)
        projector.prepare()
        while not pipe.poll() and projector.step(task.until):
            pass
