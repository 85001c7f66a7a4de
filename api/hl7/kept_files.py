"""Index of the files of kept messages, so that to keep one more takes no longer the more there are."""

import os
from collections import Counter
from pathlib import Path
from threading import RLock
from time import time_ns

ROOM = "-of-"
"""Sign in the name of a file, before the digest of the client that takes room by its message."""

WAITING = "-for-"
"""Sign in the name of a file, before the id of what its message waits for."""

NS_OF_CHANGE = 2_000_000_000
"""The time in ns within which two changes of a folder may have one time of change."""

NEVER = -1
"""Time of change of a folder that is not there, or was not listed yet."""


class KeptFiles:
    """Names of the files in a folder. Safe in threads.

    The folder is listed again once another process has changed it, which its time of change tells; and
    after own changes within `NS_OF_CHANGE`, as they may have hidden one of another process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, RLock()
        self._changed_at = self._listed_at = NEVER
        self._is_settled = False
        self._names: set[str] = set()
        self._digests: dict[str, str] = {}
        self._rooms: Counter[str] = Counter()
        self._waiting: set[str] = set()

    def has(self, digest: str) -> bool:
        """Return whether a message of a digest is kept."""
        with self._lock:
            self._list_if_changed()
            name = self._digests.get(digest)
            return name is not None and (self._folder / name).exists()

    def count(self, room: str) -> int:
        """Return the number of messages that take room of a client."""
        with self._lock:
            self._list_if_changed()
            return self._rooms[room]

    def waiting(self) -> list[Path]:
        """Return the files of messages that wait, the oldest first."""
        with self._lock:
            self._list_if_changed()
            return [self._folder / name for name in sorted(self._waiting)]

    def add(self, file: Path) -> None:
        """Note a file that was written."""
        with self._lock:
            self._note(file.name)
            self._know_own_change()

    def remove(self, file: Path) -> None:
        """Remove a file."""
        with self._lock:
            file.unlink(missing_ok=True)
            name, digest = file.name, digest_of(file.name)
            if name in self._names:
                self._names.remove(name)
                self._rooms[room_of(name)] -= 1
                self._waiting.discard(name)
                if self._digests[digest] == name:
                    del self._digests[digest]
            self._know_own_change()

    def _note(self, name: str) -> None:
        if name not in self._names:
            self._names.add(name)
            self._rooms[room_of(name)] += 1
        self._digests[digest_of(name)] = name
        if WAITING in name:
            self._waiting.add(name)

    def _know_own_change(self) -> None:
        if self._changed_at != NEVER:  # else it was not listed yet
            self._changed_at, self._is_settled = self._time_of_change(), False

    def _time_of_change(self) -> int:
        try:
            return self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return NEVER

    def _list_if_changed(self) -> None:
        changed_at, now = self._time_of_change(), time_ns()
        is_old = not self._is_settled and now - self._listed_at > NS_OF_CHANGE
        if changed_at == self._changed_at and not is_old:
            return
        self._changed_at, self._listed_at = changed_at, now
        self._is_settled = now - changed_at > NS_OF_CHANGE
        for names in (self._names, self._digests, self._rooms, self._waiting):
            names.clear()
        for name in os.listdir(self._folder) if changed_at != NEVER else ():
            if name.endswith(".json"):
                self._note(name)


def digest_of(name: str) -> str:
    """Return the digest of the message that a file keeps, by its name."""
    return name.partition("-")[2][:32]


def room_of(name: str) -> str:
    """Return the digest of who takes room by a file; nothing where an older version kept it."""
    return name.partition(ROOM)[2][:16]
