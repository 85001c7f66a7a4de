"""Processes whose memory is searched: for texts that anything in them still refers to."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.support.program import FORKS
from tests.support.server_process import served


def referrers_of(sign: str) -> set[str]:
    """Return the kinds of objects that refer to a text with a sign, or to such bytes.

    What is freed and not overwritten yet is not found: nothing refers to it.
    """
    content, own = sign.encode(), {id(sign)}
    own.add(id(content))
    gc.collect()
    seen, result = set[int](), set[str]()
    objects = [*gc.get_objects(), *sys._current_frames().values()]
    own.add(id(objects))
    while objects:
        one = objects.pop()
        for other in gc.get_referents(one):
            if id(other) in own or id(other) in seen:
                continue
            seen.add(id(other))
            is_text = isinstance(other, str) and sign in other
            if is_text or (isinstance(other, bytes | bytearray) and content in other):
                result.add(f"{type(one).__module__}.{type(one).__name__}")
            elif not isinstance(other, str | bytes | int | float | type):
                objects.append(other)
    return result


@dataclass(frozen=True, slots=True)
class Searched:
    """A process that can be searched."""

    said: Any
    pipe: Pipe

    def has(self, sign: str) -> set[str]:
        """Return what refers to a sign. It is sent the other way round, so as to leave none."""
        self.pipe.send(sign[::-1])
        result: set[str] = self.pipe.recv()
        return result


@contextmanager
def searched(act: Callable[..., None], *arguments: Any) -> Iterator[Searched]:
    """Run a process that says something once it works, and answers what refers to each sign."""
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=act, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Searched(ours.recv(), ours)
    finally:
        process.kill()
        process.join()
        ours.close()


def _answer(pipe: Pipe) -> None:
    while True:
        pipe.send(referrers_of(pipe.recv()[::-1]))


def serve(pipe: Pipe, database: Database, home: Path) -> None:
    """Be a server without a worker; says its port."""
    with served(app(Settings(home=home), database, LOGIN, with_worker=False)) as running:
        pipe.send(running.port)
        _answer(pipe)


def work(pipe: Pipe, database: Database) -> None:
    """Be a worker."""
    threading.Thread(target=ProjectionRunner(database.app_url).run, daemon=True).start()
    pipe.send(None)
    _answer(pipe)
