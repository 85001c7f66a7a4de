"""Where facts are entered: each some time after it happened, in the order of their entering."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from math import log
from random import Random
from typing import ClassVar
from uuid import UUID, uuid5

from api.simulator.texts import GLASS_BROKEN, LATE
from application.command import Recorded, Request
from application.hospital import Hospital
from domain.envelope import Actor
from domain.errors import WardbookError
from domain.refusals import NotAllowed, Refusal
from domain.time import Precision

Telling = Callable[[Hospital, Request], Recorded]
"""Gives the command; called when its time to be recorded has come."""

STEP = timedelta(milliseconds=1)
"""The least time between two commands; a command's own events lie a microsecond apart."""

SOON_AFTER = timedelta(minutes=3)
"""How long, at most, a fact waits after the one that it had to wait for."""

MANY_REFUSALS = 20


class Unrecorded(WardbookError):
    """Something is not in the record: the command that tells of it was refused."""


class Known:
    """Something that gets its id when it is recorded."""

    KIND: ClassVar[str]

    def __init__(self) -> None:
        self._id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Raises Unrecorded before it is in the record."""
        if self._id is None:
            raise Unrecorded(self.KIND)
        return self._id

    def learn(self, recorded: Recorded) -> None:
        self._id = recorded.ids(self.KIND)[0]


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after it happened a kind of fact is entered: mostly minutes, some hours, few days."""

    minutes: float
    hours_share: float = 0.0
    days_share: float = 0.0

    def draw(self, lot: Random) -> timedelta:
        chance = lot.random()
        if chance < self.days_share:
            return timedelta(days=lot.uniform(0.9, 3.5))
        if chance < self.days_share + self.hours_share:
            return timedelta(hours=min(1 + lot.lognormvariate(log(2), 0.8), 20))
        return timedelta(minutes=min(lot.lognormvariate(log(self.minutes), 0.7), 50))


AT_ONCE = Lag(2, 0.01)
AT_THE_DESK = Lag(6, 0.03)
MOVEMENT = Lag(6, 0.05, 0.003)
FORGOTTEN = Lag(60, 0.7, 0.3)
ORDER = Lag(2, 0.03)
NOTE = Lag(14, 0.14, 0.02)
DOSE = Lag(3, 0.05, 0.004)


@dataclass(slots=True)
class _Entry:
    """A fact on its way into the record."""

    number: int
    at: datetime
    by: Actor
    telling: Telling
    then: Callable[[Recorded], None] | None
    performed_by: str | None
    witnessed_by: str | None
    reason: str | None
    corrects: bool
    about: Sequence[str]


class Desk:
    """Gives the commands to the hospital, on a recording clock of its own."""

    def __init__(self, hospital: Hospital, namespace: UUID, until: datetime, lot: Random) -> None:
        self.commands: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.refused: list[str] = []
        self.late = self.untold = 0
        self.stops_at_refusals = False
        self._hospital, self._namespace, self._until, self._lot = hospital, namespace, until, lot
        self._waiting: list[tuple[datetime, int, _Entry]] = []
        self._number = count(1)
        self._now: datetime | None = None

    def tell(
        self,
        telling: Telling,
        *,
        at: datetime,
        by: Actor,
        lag: timedelta,
        after: datetime | None = None,
        then: Callable[[Recorded], None] | None = None,
        performed_by: str | None = None,
        witnessed_by: str | None = None,
        reason: str | None = None,
        corrects: bool = False,
        about: Sequence[str] = (),
    ) -> datetime:
        """Note a fact that happened ``at``. Returns when it will be recorded.

        That is ``lag`` later, but not before what it rests on was recorded (``after``). What
        ``corrects`` leaves the time of the fact as it was. ``about``: the MRNs of those whose data it
        needs, where who enters it may have to break the glass for them.
        """
        recorded = at + lag
        if after is not None and recorded <= after:
            recorded = after + min(lag, SOON_AFTER)
        entry = _Entry(
            next(self._number),
            at,
            by,
            telling,
            then,
            performed_by,
            witnessed_by,
            reason,
            corrects,
            about,
        )
        heappush(self._waiting, (recorded, entry.number, entry))
        return recorded

    def catch_up(self, now: datetime) -> None:
        """Enter everything whose time has come. A refusal is counted, unless it should stop here."""
        while self._waiting and self._waiting[0][0] <= now:
            recorded, _, entry = heappop(self._waiting)
            if self._now is not None:
                recorded = max(recorded, self._now + STEP)
            if recorded > self._until:
                return
            self._now = recorded
            self._enter(entry, recorded)

    def _enter(self, entry: _Entry, recorded: datetime) -> None:
        delay = recorded - entry.at
        is_late = delay > self._hospital.rules.late_after
        reason = entry.reason or (self._lot.choice(LATE) if is_late else None)
        vague = not entry.corrects and delay > timedelta(hours=8) and self._lot.random() < 0.4
        request = Request(
            command_id=uuid5(self._namespace, str(entry.number)),
            by=entry.by,
            occurred_at=None if entry.corrects else entry.at,
            precision=self._lot.choice((Precision.HOUR, Precision.ESTIMATED)) if vague else None,
            performed_by=entry.performed_by,
            witnessed_by=entry.witnessed_by,
            reason=reason,
            now=recorded,
        )
        try:
            answer = self._told(entry, request)
        except Unrecorded:
            self.untold += 1
        except Refusal as refusal:
            if self.stops_at_refusals:
                raise
            self.refusals[refusal.code] += 1
            if len(self.refused) < MANY_REFUSALS:
                self.refused.append(f"{recorded.isoformat()} {refusal.code}: {refusal.message}")
        else:
            self.late += is_late
            self.commands[answer.entry.operation] += 1
            if entry.then is not None:
                entry.then(answer)

    def _told(self, entry: _Entry, request: Request) -> Recorded:
        """Give the command; where it is closed to who gives it, with the glass broken first."""
        for mrn in (None, *entry.about):
            if mrn is not None:
                request = self._with_glass_broken(entry, mrn, request)
            with suppress(NotAllowed):
                return entry.telling(self._hospital, request)
        return entry.telling(self._hospital, request)

    def _with_glass_broken(self, entry: _Entry, mrn: str, request: Request) -> Request:
        """Open a patient's data to who enters it, with a reason; the same request, a moment later."""
        assert request.now is not None
        broken = Request(
            command_id=uuid5(self._namespace, f"{entry.number} {mrn}"),
            by=entry.by,
            reason=GLASS_BROKEN[entry.number % len(GLASS_BROKEN)],
            now=request.now,
        )
        self._hospital.patients.break_glass(broken, patient_mrn=mrn)
        self.commands["break_glass"] += 1
        self._now = request.now + STEP
        return replace(request, now=self._now)
