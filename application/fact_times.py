"""The times of a command's facts: as the command states them, and the moments at which they are held."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from msgspec.structs import replace

from domain.envelope import Envelope
from domain.time import Precision


class FactTimes:
    """The times that a command states, by the part of its input that states them.

    A part known to the day or hour may be held at another moment of it. ``corrected_at`` and
    ``corrected_precision`` are the right time of a fact that the command corrects, as far as it says
    one: its entry is of now.
    """

    def __init__(
        self, corrected_at: datetime | None = None, corrected_precision: Precision | None = None
    ) -> None:
        self.corrected_at, self.corrected_precision = corrected_at, corrected_precision
        self._stated: dict[str, tuple[datetime, Precision]] = {}
        self._placed: Mapping[str, datetime] = {}

    def note(self, part: str, at: datetime, precision: Precision) -> datetime:
        """Note the stated time of a part; return the moment at which it is held."""
        self._stated[part] = (at, precision)
        return self._placed.get(part, at)

    def stated_times(self, entry: Envelope) -> dict[str, tuple[datetime, Precision]]:
        """Return the stated times; that of the fact itself is of the command's entry, or corrected."""
        at, precision = entry.occurred_at, entry.precision
        if self.corrected_at is not None:
            at, precision = self.corrected_at, self.corrected_precision or Precision.MINUTE
        return {"occurred_at": (at, precision), **self._stated}

    def place(self, moments: Mapping[str, datetime], entry: Envelope) -> Envelope:
        """Hold parts at other moments than the stated ones; return the command's entry as of them."""
        self._placed = moments
        at = moments.get("occurred_at")
        if at is None:
            return entry
        if self.corrected_at is None:
            return replace(entry, occurred_at=at)
        self.corrected_at = at
        return entry

    @contextmanager
    def use_correction(self, at: datetime | None, precision: Precision | None) -> Iterator[None]:
        """Give the right time of one of several facts that the command corrects."""
        before = self.corrected_at, self.corrected_precision
        self.corrected_at, self.corrected_precision = at, precision
        try:
            yield
        finally:
            self.corrected_at, self.corrected_precision = before
