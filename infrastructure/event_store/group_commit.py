"""Group commit: commands that wait together go to the database as one batch and share one commit.

There is no extra thread: the first command's thread leads and sends the batch. Commands that arrive
meanwhile wait, and one of their threads leads the next batch. The order of arrival is kept.

After a batch of several, the next leader waits a little for the others to come back, since a batch
costs much the same whether it takes one or all. A single command never waits.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

from domain.errors import TransientError

Command = Any
"""A command as the one who sends the batch takes it."""
Outcome = dict[str, Any]
Send = Callable[[Sequence[Command]], list[Outcome]]

PATIENCE = 0.25
"""The longest wait of a leader for others, as a share of the last batch's duration."""
PATIENCE_SECONDS = 0.005
"""The longest wait of a leader in any case, in seconds."""


class _Ticket:
    """A command that waits for its outcome, or to lead. A lock is the cheapest thing to wait on."""

    __slots__ = ("command", "error", "leads", "outcome", "ready")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.ready = _held_lock()

    @property
    def accepted(self) -> bool:
        return self.outcome is not None and self.outcome["outcome"] == "recorded"


class GroupCommit:
    """Sends commands in batches of at most ``max_batch``. Safe in threads.

    Each command is accepted or refused on its own, and acknowledged only after the batch is durable.
    """

    def __init__(self, send: Send, max_batch: int = 64) -> None:
        self._send, self._max_batch = send, max_batch
        self._lock = Lock()
        self._waiting: deque[_Ticket] = deque()
        self._busy = False
        self._last_duration = 0.0
        self._expected = 1
        """Commands expected in the next batch: the accepted of the last one, and those waiting.

        The refused read anew first; waiting for them would let the losers of a race meet again."""
        self._enough: Lock | None = None
        """Released when as many as expected are there, while a leader waits for them."""

    def append(self, command: Command) -> Outcome:
        """Send a command with those that wait at the same time; returns its own outcome."""
        ticket = _Ticket(command)
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
            if self._enough is not None and len(self._waiting) >= self._expected:
                self._enough.release()
                self._enough = None
        if not ticket.leads:
            ticket.ready.acquire()
        if ticket.leads:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.outcome is not None
        return ticket.outcome

    def _lead(self) -> None:
        """Send one batch, the leader's own command in it; then let the next waiting one lead."""
        batch: list[_Ticket] = []
        try:
            self._gather()
            with self._lock:
                count = min(len(self._waiting), self._max_batch)
                batch = [self._waiting.popleft() for _ in range(count)]
            start = perf_counter()
            self._send_batch(batch)
            self._last_duration = perf_counter() - start
        finally:
            with self._lock:
                if not batch:  # interrupted while it waited for others: they go without it
                    self._waiting.popleft()
                successor = self._waiting[0] if self._waiting else None
                self._busy = successor is not None
                expected_count = sum(ticket.accepted for ticket in batch) + len(self._waiting)
                self._expected = min(expected_count, self._max_batch)
            if successor is not None:
                successor.leads = True
                successor.ready.release()
            for ticket in batch:
                if not ticket.leads:
                    ticket.ready.release()

    def _gather(self) -> None:
        """Wait until as many are there as came together last time, but not for long."""
        with self._lock:
            if len(self._waiting) >= self._expected:
                return
            lock = self._enough = _held_lock()
        lock.acquire(timeout=min(self._last_duration * PATIENCE, PATIENCE_SECONDS))
        with self._lock:
            self._enough = None

    def _send_batch(self, batch: list[_Ticket]) -> None:
        try:
            outcomes = self._send([ticket.command for ticket in batch])
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
        except BaseException as error:
            if len(batch) == 1 or _is_outage(error):
                for ticket in batch:
                    ticket.error = error
            else:  # one of them cannot be sent at all: the others must not suffer for it
                for ticket in batch:
                    self._send_batch([ticket])


def _held_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def _is_outage(error: BaseException) -> bool:
    """Return whether the database is away, rather than one command at fault."""
    return not isinstance(error, Exception) or isinstance(error, TransientError)
