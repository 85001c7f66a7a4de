"""Processes of their own, to be killed or frozen: at random, or at the n-th step of theirs.

They are forked from one that has imported everything already, so a test can afford dozens.
A step is an exchange with the database: killed before each in turn, and while each is under way,
a process is killed between any two things it does.
"""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from random import Random
from threading import Barrier, get_ident
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.utils import Environment
from starlette.testclient import TestClient

from api.http.app import app as server
from application.ports import Append
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.mapper import VersionedStoredEvent
from infrastructure.postgres.cancellable_connection import CancellableConnection
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.checker import Acknowledgements, lot_id
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import place

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([__name__])

When = Literal["before", "amid"]
"""Before a request is sent to the database; or when it is sent and no answer has come yet."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process, and what it says."""

    process: ForkServerProcess
    answers: Pipe

    def send(self, signal_sent: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal_sent)

    def messages(self) -> Iterator[Any]:
        """Yield its messages, until its end."""
        while True:
            try:
                yield self.answers.recv()
            except (EOFError, OSError):
                return

    def kill(self) -> Iterator[Any]:
        """kill -9; returns what it had said before."""
        self.process.kill()
        self.process.join()
        return self.messages()

    def end(self) -> int:
        """Wait for its end, wake it up if it is frozen; its exit code."""
        for _ in range(400):
            if self.process.is_alive():
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    self.send(signal.SIGCONT)
                self.process.join(timeout=0.05)
        assert self.process.exitcode is not None, "the process does not end"
        return self.process.exitcode


@contextmanager
def running(act: Callable[..., None], *arguments: Any) -> Iterator[Running]:
    """A process that acts; it gets a pipe to talk into, and the arguments."""
    ours, theirs = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=act, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Running(process, ours)
    finally:
        process.kill()
        process.join()
        ours.close()


# -- what a process does --


def follow(say: Pipe, url: str) -> None:
    ProjectionRunner(url).run()


def follow_until(say: Pipe, url: str, step: int, when: When) -> None:
    """Follow; die at a step, or end when there is nothing more to do."""
    Steps(step, when, die)
    look = psycopg.Connection.notifies

    def look_and_end(self: psycopg.Connection, **_: Any) -> None:
        list(look(self, timeout=0))
        raise SystemExit

    psycopg.Connection.notifies = look_and_end  # type: ignore[assignment,method-assign]
    ProjectionRunner(url).run()


def write(say: Pipe, url: str, name: str, seed: int, keys: str | None = None) -> None:
    """Register patients for ever; says each command's id and position after it was answered.

    ``keys``: the URL of their store, where that is no file.
    """
    if keys is not None:
        os.environ["WARDBOOK_KEYS_URL"] = keys
    lot = Random(seed)
    with closing(wired(Settings(), Database(url))) as house:
        for n in count():
            acknowledgements, id, mrn = Acknowledgements(), lot_id(lot), f"{name}-{n}"
            acknowledgements.execute(partial(house.patients.register_patient, mrn=mrn), id)
            say.send((id, acknowledgements.positions[id]))


Move = tuple[UUID, UUID, str]
"""Command id, stay, bed."""


def move_until(say: Pipe, url: str, move: Move, step: int, when: When, freezes: bool) -> None:
    """Transfer a patient; die, or freeze, at a step. Says ``frozen``, and the position."""

    def freeze() -> None:
        say.send("frozen")
        os.kill(os.getpid(), signal.SIGSTOP)

    acknowledgements, (id, stay, bed) = Acknowledgements(), move
    with closing(wired(Settings(), Database(url))) as house:
        steps = Steps(step, when, freeze if freezes else die)
        acknowledgements.execute(
            lambda request: house.stays.transfer_patient(request, stay_id=stay, **place(bed)), id
        )
        steps.come()
        say.send(acknowledgements.positions[id])


def answer_until(say: Pipe, url: str, body: dict[str, Any], step: int, when: When) -> None:
    """Be an API that is asked once; die at a step. Says the answer."""
    api = server(Settings(), Database(url), LOGIN, with_worker=False)
    with TestClient(api, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        steps = Steps(step, when, die, of_all_threads=True)
        answer = http.post("/graphql", json=body).json()
        steps.come()
        say.send(answer)
        os._exit(0)


def fight(say: Pipe, url: str, moves: list[Move], together: Barrier) -> None:
    """Transfer patients, however many refusals; says what was acknowledged."""
    acknowledgements = Acknowledgements()
    with closing(wired(Settings(), Database(url))) as house:
        together.wait(timeout=20)
        for id, stay, bed in moves:
            acknowledgements.execute(
                lambda request, s=stay, b=bed: house.stays.transfer_patient(  # type: ignore[misc]
                    request, stay_id=s, **place(b)
                ),
                id,
            )
    say.send(acknowledgements.positions)


def load(say: Pipe, env: dict[str, str], seed: int, together: Barrier) -> None:
    """Append to a log as fast as it goes: mostly one event, now and then many."""
    lot = Random(seed)
    with InfrastructureFactory.construct(Environment(env=env)) as factory:
        log = factory.application_recorder()
        together.wait(timeout=20)
        for _ in range(150):
            stream = lot_id(lot)
            versions = range(1, lot.choice([1, 1, 1, 40]) + 1)
            events = [
                VersionedStoredEvent(
                    stream,
                    result["version"],
                    result["topic"],
                    b"{}",
                    row=msgspec.json.encode(result),
                )
                for result in crafted(*((stream, version) for version in versions))["events"]
            ]
            append = Append(lot_id(lot), "load", digest=stream.hex, reads={stream: 0})
            log.insert_events(events, append=append)


# -- its steps --


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Steps:
    """Counts exchanges with the database, this thread's or all, and acts at the one wanted."""

    def __init__(
        self, wanted: int, when: When, act: Callable[[], None], of_all_threads: bool = False
    ) -> None:
        self._wanted, self._when, self._act = wanted, when, act
        self._steps = count(1)
        ours = get_ident()
        exchange = psycopg.Connection.wait

        def watched(work: Any) -> Any:
            # the pool's threads come and go as they like: with them, not each run is the same
            return self._watched(work) if of_all_threads or get_ident() == ours else work

        def wait(connection: Any, work: Any, *args: Any, **how: Any) -> Any:
            return exchange(connection, watched(work), *args, **how)

        def watching(exchange: Callable[..., Any]) -> Callable[..., Any]:
            async def wait(connection: Any, work: Any, *args: Any, **how: Any) -> Any:
                return await exchange(connection, watched(work), *args, **how)

            return wait

        psycopg.Connection.wait = wait  # type: ignore[assignment,method-assign]
        for kind in (psycopg.AsyncConnection, CancellableConnection):
            kind.wait = watching(kind.wait)  # type: ignore[method-assign]

    def come(self) -> None:
        """A step that asks nothing of the database."""
        if next(self._steps) == self._wanted:
            self._act()

    def _watched(self, work: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        wanted = next(self._steps) == self._wanted
        if wanted and self._when == "before":
            self._act()
        amid = wanted and self._when == "amid"
        try:
            asks = next(work)
            if amid:
                amid = False
                self._act()
            while True:
                asks = work.send((yield asks))
        except StopIteration as done:
            if amid:  # it took no waiting at all
                self._act()
            return done.value
