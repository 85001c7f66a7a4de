"""A command: its request, its declaration, and what comes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any
from uuid import UUID

from application.authorization.roles import Roles
from domain.aggregate import Correcting, Derived, Event
from domain.board_flags import BOARD_FLAGS
from domain.envelope import Actor, Envelope, Source
from domain.problems import Problem
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    CommandIdReused,
    ContradictsLaterFacts,
    InFuture,
    InvalidInput,
    NotAllowed,
    NotFound,
    OutsideStay,
    ReasonNeeded,
    Refusal,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    StayStateBroken,
    VersionConflict,
)
from domain.time import LAST_DAY, LATE_AFTER, Precision, in_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Sender of a command, and the input that all commands share.

    ``now`` is the recording clock of a simulated log; in a real one it is the database's.
    """

    command_id: UUID
    by: Actor
    occurred_at: datetime | None = None
    precision: Precision | None = None
    performed_by: str | None = None
    witnessed_by: str | None = None
    reason: str | None = None
    source: Source | None = None
    expected_version: int | None = None
    now: datetime | None = None
    wards: frozenset[str] | None = None
    """The wards of the login, if it has some: `application.authorization.scope`."""

    @property
    def common_input(self) -> dict[str, Any]:
        """Return the input that all commands share, by field."""
        return {
            "occurred_at": self.occurred_at,
            "performed_by": self.performed_by,
            "witnessed_by": self.witnessed_by,
            "reason": self.reason,
            "source": self.source,
            "expected_version": self.expected_version,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of a hospital about time: how far clocks may differ, and what counts as late."""

    hospital: str = "main"
    mrn_authority: str = "main"
    clock_tolerance: timedelta = timedelta(seconds=60)
    late_after: timedelta = LATE_AFTER
    newborn_days: int = 28
    """The age up to which a newborn may begin to share its mother's bed."""
    confirm_likely_duplicates: bool = False
    """True if a registration is refused until its likely duplicates are said to be others."""
    admins_see_clinical: bool = True
    """False if the house keeps its administrators from clinical facts."""
    restricted_in_own_ward: bool = True
    """False if the house closes a RESTRICTED patient to the nurses who have them in a bed."""
    plan_years: int = 10
    """The years ahead for which anything may be planned."""
    board_flags: tuple[str, ...] = BOARD_FLAGS
    """The kinds of flags that may be raised on the board."""

    def last_day(self, now: datetime) -> date:
        """Return the last day that a command may name."""
        return min(date(now.year + self.plan_years, 12, 31), LAST_DAY)

    def check_time(self, occurred_at: datetime, now: datetime) -> datetime:
        """Return the time of occurrence by the record's clock: now, if another is a little ahead.

        Otherwise it could be neither read nor built on until then. Raises InFuture.
        """
        if occurred_at > now + self.clock_tolerance:
            raise InFuture(occurred_at, now)
        return min(occurred_at, now)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of an accepted command: its place in the log, and its events."""

    command_id: UUID
    position: int
    recorded_at: datetime
    events: tuple[Event, ...]
    repeated: bool = False
    waiting: Sequence[UUID] | None = None
    """Owners of the claims of `AfterCommit.claims_to_notify` as it was recorded; None for a repeat."""

    @property
    def entry(self) -> Envelope:
        return self.events[0].entry

    def ids(self, kind: str) -> list[UUID]:
        """Return the streams of that kind ("stay", "room") which the command wrote, in order."""
        return list(
            dict.fromkeys(e.originator_id for e in self.events if e.TOPIC.split(".")[0] == kind)
        )

    def facts(self, kind: str) -> list[UUID]:
        """Return the facts of that kind ("visit", "spell") which its events tell of, in order."""
        ids = (getattr(event, kind, None) for event in self.events)
        return list(dict.fromkeys(id for id in ids if id is not None))

    def own_event(self, stream: UUID | None = None) -> Event:
        """Return the event of the command's own fact in a stream, the first by default.

        Neither what made room for it nor what follows; of two, as of a hold until a time, the first.
        """
        events = [
            e for e in self.events if e.originator_id == (stream or self.events[0].originator_id)
        ]
        facts = [e for e in events if getattr(e, "discharge", None) is None]
        new_facts = [e for e in facts if not isinstance(e, Correcting | Derived)]
        return (new_facts or facts[-1:] or events)[0]

    def last(self, fact: str) -> Any:
        """Return the last event of a fact of that kind ("visit", "flag"), in the first such stream.

        Other facts of its day that had to make room come before it, or in a later stream.
        """
        events = [e for e in self.events if getattr(e, fact, None) is not None]
        return [e for e in events if e.originator_id == events[0].originator_id][-1]


COMMON_REFUSALS: tuple[type[Refusal], ...] = (
    CommandIdReused,
    InFuture,
    InvalidInput,
    NotAllowed,
    NotFound,
    ReasonNeeded,
    VersionConflict,
)
"""The refusals that every command may raise."""

BED_REFUSALS = (BedNotOpen, BedOccupied, RoomPolicyBroken, SharersUnplaced)
"""The refusals of a command that puts a patient into a bed."""

STAY_REFUSALS = (StayNotOpen, StayStateBroken, OutsideStay, ContradictsLaterFacts)
"""The refusals of a command that changes the course of a stay."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """The declaration of a command: its name, and what its callers have to know of it."""

    name: str
    roles: Roles
    raises: tuple[type[Refusal], ...]
    """The refusals beside `COMMON_REFUSALS`, in the order of the published result union."""
    corrects: bool
    decide: Callable[..., None]
    own_times: tuple[str, ...] | None = None
    """The parameters by which a correction says the times of its fact, if not ``occurred_at``."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Return the keyword parameters of the command's input."""
        return _parameters(self.decide)


@cache
def _parameters(decide: Callable[..., None]) -> Mapping[str, Parameter]:
    _, _, *parameters = signature(decide).parameters.items()
    return MappingProxyType(dict(parameters))


def reason_needed(entry: Envelope, problem: Problem) -> None:
    """Refuse an entry that does not say why. Raises ReasonNeeded."""
    if not (entry.reason or "").strip():
        raise ReasonNeeded(problem)


def utc(moment: datetime | None, field: str) -> datetime | None:
    """Return a planned or given moment in UTC, or None."""
    return None if moment is None else in_utc(moment, field).astimezone(UTC)
