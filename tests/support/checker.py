"""Checks after every fault: nothing lost, nothing half done, one effect, all caught up."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from os import environ
from random import Random
from time import monotonic
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder

from application.command import Recorded, Request
from application.hospital import Hospital
from domain.refusals import Refusal
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.sealing.keys_missing import KeyStoreBusy
from tests.support.hospital_dsl import ADA, rows
from tests.support.shared_history import positions

ROUNDS = int(environ.get("WARDBOOK_FAULT_ROUNDS", "1"))
"""The number of seeds of each scenario."""

CATCH_UP_SECONDS = 5.0


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Ask until it holds; returns how long that took. Fails after so many seconds."""
    begun, pause = monotonic(), threading.Event()
    while not holds():
        assert monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        pause.wait(0.02)
    return monotonic() - begun


@dataclass(slots=True)
class Acknowledgements:
    """Commands that were acknowledged to callers: positions by id. Safe in threads."""

    positions: dict[UUID, int] = field(default_factory=dict)
    sent: set[UUID] = field(default_factory=set)

    def execute(
        self,
        act: Callable[[Request], Recorded],
        id: UUID,
        seconds: float = 30,
        when_busy: Callable[[], None] | None = None,
    ) -> None:
        """Send a command as a client does: again, with the same id, until it is answered.

        ``when_busy``: is called where another process held the key store for too long.
        """
        request, begun = Request(command_id=id, by=ADA), monotonic()
        self.sent.add(id)
        while True:
            try:
                recorded = act(request)
            except Refusal:
                return
            except KeyStoreBusy:
                assert when_busy is not None, "nobody holds the key store"
                when_busy()
                continue
            except DatabaseUnavailable:
                assert monotonic() - begun < seconds, "the database never came back"
                continue
            assert self.positions.setdefault(id, recorded.position) == recorded.position
            return


def lot_id(lot: Random) -> UUID:
    return UUID(int=lot.getrandbits(128), version=4)


def write_patients(
    house: Hospital,
    acknowledgements: Acknowledgements,
    lot: Random,
    name: str,
    go_on: Callable[[int], bool],
    when_busy: Callable[[], None] | None = None,
) -> None:
    """Register one patient after the other, as long as told to go on."""
    n = 0
    while go_on(n):
        mrn = f"{name}-{n}"
        register = partial(house.patients.register_patient, mrn=mrn)
        acknowledgements.execute(register, lot_id(lot), when_busy=when_busy)
        n += 1


@contextmanager
def following(url: str) -> Iterator[None]:
    """A follower that runs meanwhile."""
    follower = ProjectionRunner(url)
    thread = threading.Thread(target=follower.run)
    thread.start()
    try:
        yield
    finally:
        follower.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()


def end(database: Database) -> int:
    return int(rows(database, "SELECT coalesce(max(position), 0) FROM record.events")[0][0])


def acknowledged_after(messages: Iterator[tuple[UUID, int]], position: int) -> dict[UUID, int]:
    """Return commands of a writer that were recorded after a position: it is ahead of its reader."""
    return dict(islice(((id, at) for id, at in messages if at > position), 40))


def caught_up(database: Database, seconds: float = CATCH_UP_SECONDS) -> float:
    """Wait until every read model is at the end of the log."""
    last = end(database)
    return wait_until(lambda: positions(database) == {last}, seconds, "the read models caught up")


def check(database: Database, acknowledgements: Acknowledgements) -> None:
    """The acknowledged are in the log once, as told; nothing is half done; every promise kept."""
    kept = dict(rows(database, "SELECT command_id, last_position FROM record.commands"))
    lost = {id for id, position in acknowledgements.positions.items() if kept.get(id) != position}
    assert not lost, f"{len(lost)} acknowledged commands are not where they were said to be"
    doubled = rows(
        database,
        "SELECT command_id FROM record.events GROUP BY command_id"
        " HAVING max(position) - min(position) + 1 <> count(*)",
    )
    assert doubled == []
    broken = {c.promise: c.examples for c in verify(database) if c.broken}
    assert broken == {}


# -- what a subscriber saw --


def read_along(log: ApplicationRecorder, done: threading.Event) -> list[int]:
    """The positions that somebody sees who reads on from the last one seen, until it is done."""
    seen: list[int] = []
    while True:
        over = done.is_set()
        after = seen[-1] if seen else 0
        result = log.select_notifications(after, 1_000, inclusive_of_start=False)
        seen += [notification.id for notification in result]
        if over and not result:
            return seen


def misread(log: ApplicationRecorder, seen: Sequence[int]) -> list[int]:
    """The positions that were not seen once, in order and without a gap."""
    whole = range(1, (log.max_notification_id() or 0) + 1)
    again = [p for before, p in pairwise(seen) if p <= before]
    return sorted({*whole} ^ {*seen} | {*again})
