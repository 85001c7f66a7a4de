"""Group commit: commands that wait together go to the database as one batch and share one commit.

There is no extra thread: who comes first leads and sends what is there; who comes while a batch is
under way waits, and one of those leads the next. Order of arrival is kept.

Who leads after a batch of several waits a little for the others to come back, since a batch costs
much the same whether it takes one or all. One who is alone never waits.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import perf_counter
from typing import Any

Command = dict[str, Any]
Outcome = dict[str, Any]
Send = Callable[[Sequence[Command]], list[Outcome]]

PATIENCE = 0.25
"""How long a leader waits for others at most, as a part of what the last batch took."""
PATIENCE_SECONDS = 0.005
"""And in any case no longer."""


class _Ticket:
    """A command that waits for its outcome, or to lead. A lock is the cheapest thing to wait on."""

    __slots__ = ("command", "fault", "leads", "outcome", "woken")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.outcome: Outcome | None = None
        self.fault: BaseException | None = None
        self.leads = False
        self.woken = _closed()

    @property
    def accepted(self) -> bool:
        return self.outcome is not None and self.outcome["outcome"] == "recorded"


class GroupCommit:
    """Sends commands in batches of at most ``most``. Safe in threads.

    Each command is accepted or refused on its own, and acknowledged only after the batch is durable.
    """

    def __init__(self, send: Send, most: int = 64) -> None:
        self._send, self._most = send, most
        self._lock = Lock()
        self._waiting: deque[_Ticket] = deque()
        self._busy = False
        self._took = 0.0
        self._expected = 1
        """How many may come together now: the accepted of the last batch, and who came meanwhile.

        Who was refused reads anew first; waiting for them makes those who lost a race meet again."""
        self._enough: Lock | None = None
        """Opened when as many as expected are there, while a leader waits for them."""

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
            ticket.woken.acquire()
        if ticket.leads:
            self._lead()
        if ticket.fault is not None:
            raise ticket.fault
        assert ticket.outcome is not None
        return ticket.outcome

    def _lead(self) -> None:
        """Send one batch, the leader's own command in it; then let the next waiting one lead."""
        batch: list[_Ticket] = []
        try:
            self._gather()
            with self._lock:
                count = min(len(self._waiting), self._most)
                batch = [self._waiting.popleft() for _ in range(count)]
            begun = perf_counter()
            self._settle(batch)
            self._took = perf_counter() - begun
        finally:
            with self._lock:
                if not batch:  # interrupted while it waited for others: they go without it
                    self._waiting.popleft()
                successor = self._waiting[0] if self._waiting else None
                self._busy = successor is not None
                coming = sum(ticket.accepted for ticket in batch) + len(self._waiting)
                self._expected = min(coming, self._most)
            if successor is not None:
                successor.leads = True
                successor.woken.release()
            for ticket in batch:
                if not ticket.leads:
                    ticket.woken.release()

    def _gather(self) -> None:
        """Wait until as many are there as came together last time, but not for long."""
        with self._lock:
            if len(self._waiting) >= self._expected:
                return
            enough = self._enough = _closed()
        enough.acquire(timeout=min(self._took * PATIENCE, PATIENCE_SECONDS))
        with self._lock:
            self._enough = None

    def _settle(self, batch: list[_Ticket]) -> None:
        try:
            outcomes = self._send([ticket.command for ticket in batch])
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
        except BaseException as fault:
            if len(batch) == 1 or _concerns_all(fault):
                for ticket in batch:
                    ticket.fault = fault
            else:  # one of them cannot be sent at all: the others must not suffer for it
                for ticket in batch:
                    self._settle([ticket])


def _closed() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def _concerns_all(fault: BaseException) -> bool:
    """Whether the database is away, rather than one command at fault."""
    return not isinstance(fault, Exception) or getattr(fault, "concerns_all", False)
