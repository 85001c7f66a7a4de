"""Recording queue: each command is recorded some time after its fact occurred, in that order."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import log
from random import Random
from typing import Any, ClassVar
from uuid import UUID, uuid5

from api.simulator.texts import BREAK_GLASS, LATE
from application.command import Recorded, Request
from application.hospital import Hospital
from domain.envelope import Actor
from domain.errors import WardbookError
from domain.refusals import NotAllowed, Refusal
from domain.time import Precision

STEP = timedelta(milliseconds=1)
"""The least time between two commands; a command's own events lie a microsecond apart."""

SOON_AFTER = timedelta(minutes=3)
"""The longest wait of a fact after the one that it rests on."""

MANY_REFUSALS = 20


class UnknownId(WardbookError):
    """An id that is not known, since the command that creates it was refused."""


class Recordable:
    """Something that has an id once it is recorded.

    ``KIND`` is its stream's kind, or the name of the id in the event that creates it.
    """

    KIND: ClassVar[str]
    _id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Return its id. Raises UnknownId before it is recorded."""
        if self._id is None:
            raise UnknownId(self.KIND)
        return self._id

    def learn(self, recorded: Recorded) -> None:
        """Take the id from the command that created it."""
        ids = recorded.ids(self.KIND)
        ids += [getattr(e, self.KIND) for e in recorded.events if hasattr(e, self.KIND)]
        self._id = ids[0]


class Movement(Recordable):
    KIND = "movement"


class ExpectedArrival(Recordable):
    """A planned admission. ``recorded``: when it is recorded."""

    KIND = "arrival"

    def __init__(self, now: datetime) -> None:
        self.recorded = now


class Visit(Recordable):
    KIND = "visit"


class Administration(Recordable):
    KIND = "administration"


@dataclass(frozen=True, slots=True)
class Lag:
    """The time from a fact to its entry: mostly minutes; hours or days for a share of the facts."""

    minutes: float
    hours_share: float = 0.0
    days_share: float = 0.0

    def draw(self, rng: Random) -> timedelta:
        chance = rng.random()
        if chance < self.days_share:
            return timedelta(days=rng.uniform(0.9, 3.5))
        if chance < self.days_share + self.hours_share:
            return timedelta(hours=min(1 + rng.lognormvariate(log(2), 0.8), 20))
        return timedelta(minutes=min(rng.lognormvariate(log(self.minutes), 0.7), 50))


AT_ONCE = Lag(2, 0.01)
PROMPT = Lag(2)
AT_THE_DESK = Lag(6, 0.03)
MOVEMENT = Lag(6, 0.07, 0.006)
ORDER = Lag(2, 0.03)
NOTE = Lag(14, 0.14, 0.02)
DOSE = Lag(3, 0.05, 0.004)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A fact that waits to be recorded."""

    number: int
    command: str
    parameters: dict[str, Any]
    at: datetime
    request: Request
    creates: Recordable | None
    about: Sequence[str]


class RecordingQueue:
    """Gives the commands to the hospital, on a recording clock of its own."""

    def __init__(self, hospital: Hospital, namespace: UUID, until: datetime, rng: Random) -> None:
        self.commands: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.refused: list[str] = []
        self.late = self.unrecorded = 0
        self.stops_at_refusals = False
        self._hospital, self._namespace, self._until, self._rng = hospital, namespace, until, rng
        self._waiting: list[tuple[datetime, int, _Entry]] = []
        self._number = count(1)
        self._now: datetime | None = None

    def put(
        self,
        command: str,
        *,
        at: datetime,
        by: Actor,
        lag: timedelta,
        after: datetime | None = None,
        creates: Recordable | None = None,
        performed_by: str | None = None,
        witnessed_by: str | None = None,
        reason: str | None = None,
        corrects: bool = False,
        about: Sequence[str] = (),
        **parameters: Any,
    ) -> datetime:
        """Queue a command about a fact that happened ``at``; return when it will be recorded.

        That is ``lag`` later, but not before what it rests on was recorded (``after``). One that
        ``corrects`` leaves the time of the fact as it was. ``about`` are the MRNs of those whose data
        it needs, where who enters it may have to break the glass for them. A `Recordable` among the
        ``parameters`` stands for its id, a function for what it returns as the command is recorded.
        """
        recorded_at = at + lag
        if after is not None and recorded_at <= after:
            recorded_at = after + min(lag, SOON_AFTER)
        number = next(self._number)
        request = Request(
            command_id=uuid5(self._namespace, str(number)),
            by=by,
            occurred_at=None if corrects else at,
            performed_by=performed_by,
            witnessed_by=witnessed_by,
            reason=reason,
        )
        entry = _Entry(number, command, parameters, at, request, creates, about)
        heappush(self._waiting, (recorded_at, number, entry))
        return recorded_at

    def catch_up(self, now: datetime) -> None:
        """Record everything whose time has come. Raises Refusal where it ``stops_at_refusals``."""
        while self._waiting and self._waiting[0][0] <= now:
            recorded_at, _, entry = heappop(self._waiting)
            if self._now is not None:
                recorded_at = max(recorded_at, self._now + STEP)
            if recorded_at > self._until:
                return
            self._now = recorded_at
            self._record(entry, recorded_at)

    def _record(self, entry: _Entry, now: datetime) -> None:
        delay = now - entry.at
        is_late = delay > self._hospital.rules.late_after
        reason = entry.request.reason or (self._rng.choice(LATE) if is_late else None)
        request = replace(entry.request, reason=reason, now=now)
        if request.occurred_at and delay > timedelta(hours=8) and self._rng.random() < 0.4:
            request = replace(request, precision=Precision.ESTIMATED)
        try:
            outcome = self._execute(entry, request)
        except UnknownId:
            self.unrecorded += 1
        except Refusal as refusal:
            if self.stops_at_refusals:
                raise
            self.refusals[refusal.code] += 1
            if len(self.refused) < MANY_REFUSALS:
                self.refused.append(f"{now.isoformat()} {refusal.code}: {refusal.message}")
        else:
            self.late += is_late
            self.commands[entry.command] += 1
            if entry.creates is not None:
                entry.creates.learn(outcome)

    def _execute(self, entry: _Entry, request: Request) -> Recorded:
        """Give the command; where its giver may not see a patient, with the glass broken first."""
        parameters = {name: _resolve(value) for name, value in entry.parameters.items()}
        command = self._hospital.command(entry.command)
        for mrn in entry.about:
            with suppress(NotAllowed):
                outcome: Recorded = command(request, **parameters)
                return outcome
            request = self._break_glass(entry, mrn, request)
        outcome = command(request, **parameters)
        return outcome

    def _break_glass(self, entry: _Entry, mrn: str, request: Request) -> Request:
        """Open a patient's data to who enters a command; return the same request a moment later."""
        assert request.now is not None
        break_glass = Request(
            command_id=uuid5(self._namespace, f"{entry.number} {mrn}"),
            by=entry.request.by,
            reason=BREAK_GLASS[entry.number % len(BREAK_GLASS)],
            now=request.now,
        )
        self._hospital.patients.break_glass(break_glass, patient_mrn=mrn)
        self.commands["break_glass"] += 1
        self._now = request.now + STEP
        return replace(request, now=self._now)


def _resolve(value: Any) -> Any:
    if isinstance(value, Recordable):
        return value.id
    return value() if callable(value) else value
