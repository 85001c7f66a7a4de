"""A plain model of prescriptions and their doses. It shares nothing with the domain.

A list of what is held to have been ordered, changed and given, gone through from the beginning. What
the end of a stay stops is not kept: it is worked out each time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

NEVER = 10_000
STEPS = ("hold", "resume", "stop", "complete", "change")
FOR_THE_LIVING = ("order", "hold", "resume", "change", "given", "end")
"""What is ordered for the living, or given to them; it may be stopped afterwards."""
IN_STAY = ("given", "end")
ENDS = ("stop", "complete")


class Illegal(Exception):
    """Notes that do not follow from what came before."""


@dataclass(frozen=True)
class Note:
    """A note of an order: that it was written, changed, or given; ``of``: the dose that ended."""

    order: Any
    id: Any
    kind: str
    minute: int
    nth: int = 0
    of: Any = None
    infusion: bool = False
    start: int = 0
    """Of an order: from when on it is to be given, if not since it was written."""
    stop: int | None = None
    """Of an order, or a change of one: when it is planned to end; a change without it leaves that."""

    @property
    def starts(self) -> int:
        return self.start or self.minute

    @property
    def begin(self) -> int:
        return min(self.minute, self.starts)


@dataclass(frozen=True)
class Life:
    """A stay as far as orders need it, and when its patient died."""

    begin: int
    open: tuple[tuple[int, int], ...]
    """From when to when the patient was here or on leave, both minutes included."""
    ends: Mapping[Any, int]
    ended_by: Any
    died: int

    def includes(self, minute: int) -> bool:
        return any(a <= minute <= b for a, b in self.open)


@dataclass(frozen=True)
class Orders:
    """The notes that are held, the stay of each order, and which ends of stays have stopped it."""

    notes: tuple[Note, ...] = ()
    stays: dict[Any, Any] = field(default_factory=dict)
    stopped_by: dict[Any, frozenset[Any]] = field(default_factory=dict)
    told: int = 0

    def note(self, id: Any) -> Note | None:
        return next((note for note in self.notes if note.id == id), None)

    def of(self, stay: Any) -> list[Note]:
        return [note for note in self.notes if self.stays[note.order] == stay]

    def without(self, ids: Iterable[Any]) -> "Orders":
        gone = set(ids)
        return replace(self, notes=tuple(n for n in self.notes if n.id not in gone))

    def with_notes(self, *notes: Note) -> "Orders":
        """Return the orders with new notes, or others in the place of those with their ids."""
        known = {note.id for note in self.notes}
        new = [replace(n, nth=self.told + i) for i, n in enumerate(notes) if n.id not in known]
        moved = {note.id: note for note in notes if note.id in known}
        kept = [moved.get(note.id, note) for note in self.notes]
        return replace(self, notes=(*kept, *new), told=self.told + len(new))

    def are_well(self, lives: Mapping[Any, Life]) -> bool:
        """Return whether all that is held can have happened in these stays."""
        try:
            for order, stay in self.stays.items():
                self.check(order, lives[stay])
        except Illegal:
            return False
        return True

    def check(self, order: Any, life: Life) -> None:
        notes = [note for note in self.notes if note.order == order]
        if not notes:
            return
        first = self._written(order)
        written = first.minute
        if first.stop is not None and first.stop < first.begin:
            raise Illegal("it stops before it is written and starts")
        end, holds = self.course(order, life)
        for note in notes:
            if note.kind in FOR_THE_LIVING and note.minute > life.died:
                raise Illegal("dead")
            if note.kind in IN_STAY and not life.includes(note.minute):
                raise Illegal("outside the stay")
            if note.kind == "given" and not first.starts <= note.minute <= end:
                raise Illegal("outside the prescription")
            if note.kind == "given" and any(a < note.minute < b for a, b in holds):
                raise Illegal("held")
            if note.kind == "end" and not self.begin(note) <= note.minute <= end:
                raise Illegal("an infusion ends after it began, and with its order at the latest")
        if written >= life.begin and not life.includes(written):
            raise Illegal("written outside the stay")

    def begin(self, end: Note) -> int:
        dose = self.note(end.of)
        assert dose is not None
        return dose.minute

    def course(self, order: Any, life: Life) -> tuple[int, list[tuple[int, int]]]:
        """Return when it ended, and from when to when it was held. Raises Illegal."""
        written = self._written(order)
        stopped = min([minute for minute, _ in self.stops(order, life)], default=NEVER)
        planned = self._planned(order, [])
        ended: int | None = None
        since: int | None = None
        holds: list[tuple[int, int]] = []
        for step in self._steps(order):
            if ended is not None or not written.begin <= step.minute <= stopped:
                raise Illegal("before it was written, or after it ended")
            if step.minute >= planned:
                raise Illegal("its time is over")
            if step.kind in ("hold", "complete") and step.minute < written.starts:
                raise Illegal("it has not started")
            if (step.kind == "hold") > (since is None) or (step.kind == "resume") > (
                since is not None
            ):
                raise Illegal("it is held already, or is not")
            if step.kind == "hold":
                since = step.minute
            elif step.kind == "resume" and since is not None:
                holds.append((since, step.minute))
                since = None
            elif step.kind in ENDS:
                ended = step.minute
            elif step.kind == "change" and step.stop is not None:
                planned = step.stop
                if planned < step.minute:
                    raise Illegal("it is planned to stop before that is told")
        end = min(stopped, planned) if ended is None else min(ended, stopped)
        if since is not None:
            holds.append((since, end))
        return end, holds

    def status(self, order: Any, life: Life, minute: int) -> str | None:
        """Return the status at the end of a minute; None before it was written."""
        written = self._written(order)
        if minute < written.begin:
            return None
        ends = [(n.minute, n.kind) for n in self._steps(order) if n.kind in ENDS]
        ends += [(at, "stop") for at, _ in self.stops(order, life)]
        if (planned := self._planned(order, self._steps(order))) < NEVER:
            ends.insert(0, (planned, "complete" if planned >= written.starts else "stop"))
        over = min([end for end in ends if end[0] <= minute], key=lambda end: end[0], default=None)
        if over:
            return {"stop": "STOPPED", "complete": "COMPLETED"}[over[1]]
        done = [n.kind for n in self._steps(order) if n.minute <= minute and n.kind != "change"]
        if done and done[-1] == "hold":
            return "HELD"
        return "SCHEDULED" if minute < written.starts else "ACTIVE"

    def stops(self, order: Any, life: Life) -> list[tuple[int, Any]]:
        """Return the ends of the stay that stop what had not ended before."""
        steps = self._steps(order)
        ended = min([self._planned(order, steps), *(n.minute for n in steps if n.kind in ENDS)])
        for id, minute in sorted(life.ends.items(), key=lambda end: end[1]):
            if ended > minute and (id == life.ended_by or id in self.stopped_by.get(order, ())):
                return [(minute, id)]
        return []

    def settled(self, lives: Mapping[Any, Life]) -> "Orders":
        """Return the orders with the ends that stop them, also once these are reversed."""
        stopped_by = {
            order: self.stopped_by.get(order, frozenset())
            | {id for _, id in self.stops(order, lives[stay])}
            for order, stay in self.stays.items()
        }
        return replace(self, stopped_by=stopped_by)

    def _written(self, order: Any) -> Note:
        return next(n for n in self.notes if n.order == order and n.kind == "order")

    def _planned(self, order: Any, steps: Iterable[Note]) -> int:
        """Return when it is planned to end, as written and after some of its steps."""
        notes = [*(n for n in self.notes if n.id == order), *steps]
        return [NEVER, *(note.stop for note in notes if note.stop is not None)][-1]

    def _steps(self, order: Any) -> list[Note]:
        steps = [note for note in self.notes if note.order == order and note.kind in STEPS]
        return sorted(steps, key=lambda note: (note.minute, note.nth))
