"""Group commit: commands that wait together go to the database as one batch and share one commit.

There is no extra thread and no added wait: who comes first leads and sends what is there; who comes
while a batch is under way waits, and one of those leads the next. Order of arrival is kept.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Any

Command = dict[str, Any]
Outcome = dict[str, Any]
Send = Callable[[Sequence[Command]], list[Outcome]]


class _Ticket:
    """A command that waits for its outcome, or to lead."""

    __slots__ = ("command", "fault", "leads", "outcome", "woken")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.outcome: Outcome | None = None
        self.fault: BaseException | None = None
        self.leads = False
        self.woken = Event()


class GroupCommit:
    """Sends commands in batches of at most ``most``. Safe in threads.

    Each command is accepted or refused on its own, and acknowledged only after the batch is durable.
    """

    def __init__(self, send: Send, most: int = 64) -> None:
        self._send, self._most = send, most
        self._lock = Lock()
        self._waiting: deque[_Ticket] = deque()
        self._busy = False

    def append(self, command: Command) -> Outcome:
        """Send a command with those that wait at the same time; returns its own outcome."""
        ticket = _Ticket(command)
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
        if not ticket.leads:
            ticket.woken.wait()
        if ticket.leads:
            self._lead()
        if ticket.fault is not None:
            raise ticket.fault
        assert ticket.outcome is not None
        return ticket.outcome

    def _lead(self) -> None:
        """Send one batch, the leader's own command in it; then let the next waiting one lead."""
        with self._lock:
            count = min(len(self._waiting), self._most)
            batch = [self._waiting.popleft() for _ in range(count)]
        try:
            self._settle(batch)
        finally:
            with self._lock:
                successor = self._waiting[0] if self._waiting else None
                self._busy = successor is not None
            for ticket in batch:
                ticket.woken.set()
            if successor is not None:
                successor.leads = True
                successor.woken.set()

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


def _concerns_all(fault: BaseException) -> bool:
    """Whether the database is away, rather than one command at fault."""
    return not isinstance(fault, Exception) or getattr(fault, "concerns_all", False)
