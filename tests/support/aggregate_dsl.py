"""The words of the domain's tests: a ward, its clock, and given / when / then.

    given(a_stay(), admitted("08:00"), allocated(A, "08:30"))
        .when(transfer(B, "10:00"))
        .then(Stay.Transferred)

``given`` tells a stream its history, event by event; ``when`` gives one command; ``then`` and
``then_refused`` say what became of it. Nothing here decides anything.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event
from domain.bed_ref import BedRef
from domain.envelope import About, Envelope
from domain.refusals import ContradictsLaterFacts, Refusal
from domain.time import Period
from tests.support.factories import EntryFactory, EventFactory

A_ = TypeVar("A_", bound=Aggregate)
R = TypeVar("R", bound=Refusal)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def known(what: str) -> UUID:
    """The id of something that is called that in these tests."""
    return uuid5(UUID(int=0), what)


STAY, OTHER_STAY, MOTHER, TWIN = (known(s) for s in ("stay", "other", "mother", "twin"))
PATIENT, OTHER_PATIENT = known("patient"), known("other patient")
DR_MEYER, DR_OKAFOR = known("Dr Meyer"), known("Dr Okafor")
ROOM_119, ROOM_120 = known("room 119"), known("room 120")
A, B = BedRef(ROOM_119, "A"), BedRef(ROOM_119, "B")
C = BedRef(ROOM_120, "C")
BEDS = {"A": A, "B": B, "C": C}


# -- the clock on the wall --


def at(clock: str) -> datetime:
    """``"10:30"`` on the Monday of these tests, or ``"Tue 10:30:40"`` in the week that it begins."""
    match = re.fullmatch(r"(?:(\w{3}) )?(\d\d):(\d\d)(?::(\d\d))?", clock)
    assert match, f"{clock!r} is no time of these tests"
    day, hour, minute, second = match.groups(default="")
    days = WEEK.index(day) if day else 0
    return MONDAY + timedelta(
        days=days, hours=int(hour), minutes=int(minute), seconds=int(second or 0)
    )


def clock(moment: datetime | None) -> str:
    """Return what the clock on the wall says at a moment, as `at` takes it; empty for never."""
    if moment is None:
        return ""
    day = "" if moment.date() == MONDAY.date() else f"{WEEK[moment.weekday()]} "
    return f"{day}{moment:%H:%M}"


def maybe_at(clock: str | None) -> datetime | None:
    return None if clock is None else at(clock)


def period(since: str, until: str | None = None) -> Period:
    return Period(at(since), maybe_at(until))


def entry(clock: str = "08:00", **fields: Any) -> Envelope:
    """The envelope of a command given about that time, with an id of its own."""
    return EntryFactory.build(occurred_at=at(clock), **fields)


# -- given, when, then --

Told = Callable[[UUID, int], Event]
"""Something that happened, still to be told as the next event of a stream."""

Act = Callable[[A_], object]
"""A command to an aggregate."""


def told(kind: type[EventFactory[Any]], clock: str, **fields: Any) -> Told:
    """An event of that kind, occurred at that time."""

    def tell(stream: UUID, version: int) -> Event:
        event = kind.build(
            originator_id=stream,
            originator_version=version,
            entry=entry(clock, about=About(patient=PATIENT, key_id="key 1")),
            **fields,
        )
        assert isinstance(event, Event)
        return event

    return tell


def by_history(aggregate: A_, *past: Told) -> A_:
    """The aggregate, evolved by what happened."""
    for tell in past:
        tell(aggregate.id, aggregate.version + 1).mutate(aggregate)
    return aggregate


class Outcome(Generic[A_]):
    """Outcome of a command."""

    def __init__(self, aggregate: A_, refusal: Refusal | None, events: list[Event]) -> None:
        self.aggregate, self.refusal, self.events = aggregate, refusal, events

    def then(self, *kinds: type[Event]) -> A_:
        """It was accepted and recorded as events of these kinds."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert [type(e) for e in self.events] == list(kinds)
        return self.aggregate

    def then_refused(self, kind: type[R], **data: Any) -> R:
        """It was refused for that reason, with these data, and nothing was recorded."""
        assert type(self.refusal) is kind, f"{kind.__name__} expected, not {self.refusal!r}"
        assert self.events == []
        for name, expected in data.items():
            assert getattr(self.refusal, name) == expected
        return self.refusal

    def then_contradicts(self, *facts: tuple[str, str]) -> None:
        """It was refused with exactly this list of later facts: what, and when."""
        refusal = self.then_refused(ContradictsLaterFacts)
        assert [(f.kind, clock(f.occurred_at)) for f in refusal.facts] == list(facts)
        assert all(kind in str(refusal) for kind, _ in facts[:5])


class Given(Generic[A_]):
    """A stream with its history."""

    def __init__(self, aggregate: A_) -> None:
        self.aggregate = aggregate

    def when(self, act: Act[A_]) -> Outcome[A_]:
        """Give a command. Refused or not, ``self`` can be asked again, with what became of it."""
        refusal = None
        try:
            act(self.aggregate)
        except Refusal as refused:
            refusal = refused
        events = [e for e in self.aggregate.collect_events() if isinstance(e, Event)]
        return Outcome(self.aggregate, refusal, events)


def given(aggregate: A_, *past: Told) -> Given[A_]:
    """An aggregate with this history, as the record would tell it."""
    return Given(by_history(aggregate, *past))
