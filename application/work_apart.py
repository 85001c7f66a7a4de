"""Work that follows from a command and need not be done before it answers: in a thread of its own."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

Part = Callable[[], Any]
"""A part of the work. It returns what is left of it, with which it is given again."""

log = logging.getLogger(__name__)


class WorkApart:
    """A queue of work, done part by part by one thread, which begins with the first.

    A part that fails is dropped and logged: it is work that another occasion does again.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: deque[Part] = deque()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_closed = False

    def put(self, part: Part) -> None:
        """Add a part to the work."""
        with self._changed:
            if self._is_closed:
                return
            self._parts.append(part)
            if self._thread is None:
                self._thread = Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._parts or self._is_closed)

    def close(self) -> None:
        """Stop after the part that is being done; drop the rest."""
        with self._changed:
            self._is_closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._parts or self._is_closed)
                if self._is_closed:
                    return
                part = self._parts[0]
            try:
                is_left = bool(part())
            except Exception:
                log.exception("%s: a part of the work failed", self._name)
                is_left = False
            with self._changed:
                if not is_left:
                    self._parts.popleft()
                self._changed.notify_all()
