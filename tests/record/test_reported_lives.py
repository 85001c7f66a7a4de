"""Stays of several patients in one ward are recorded the same in whatever order they are reported.

The truth is drawn first; the reports of it are made from it, some wrong at first, some of what never
was, and shuffled. `make nightly` does thousands (WARDBOOK_EXAMPLES).
"""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from application.hospital import Hospital
from domain.source_visit import SourceKind
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import empty
from tests.support.feed import Feed, Message, admit, away, back, cancel, discharge, transfer

EXAMPLES = min(int(os.environ.get("WARDBOOK_EXAMPLES", "5")), 300)
BEDS = "abcd"
PATIENTS = "PQR"

Truth = dict[str, list[tuple[float, str, str | None]]]
"""Of each patient: from which hour on, in which state, in which bed."""


class Lives:
    """Three patients live some hours in four beds: what happened, and all that was told of it."""

    def __init__(self, lot: Random) -> None:
        self._lot, self._minutes, self._ids = lot, count(1), count(1)
        self.told: list[Message] = []
        self.truth: Truth = {patient: [] for patient in PATIENTS}
        self._beds: dict[str, str] = {}
        self._away: set[str] = set()
        for hour in range(1, lot.randint(8, 14)):
            self._something(lot.choice(PATIENTS), hour)

    def _something(self, who: str, hour: int) -> None:
        free = [bed for bed in BEDS if bed not in self._beds.values()]
        if not self.truth[who]:
            self._beds[who] = self._lot.choice(free)
            self._happened(admit(who, "", hour, self._beds[who]), "ADMITTED")
        elif who in self._away:
            self._away.remove(who)
            elsewhere = self._lot.choice([None, *free])
            self._beds[who] = elsewhere or self._beds[who]
            self._happened(back(who, "", hour, elsewhere), "ADMITTED")
        elif who in self._beds:
            match self._lot.choice(["away", "move", "move", "go"]):
                case "away":
                    self._away.add(who)
                    self._happened(away(who, "", hour), "ON_LEAVE")
                case "move":
                    self._beds[who] = self._lot.choice(free)
                    self._happened(transfer(who, "", hour, self._beds[who]), "ADMITTED")
                case "go":
                    del self._beds[who]
                    self._happened(discharge(who, "", hour), "DISCHARGED")

    def _happened(self, message: Message, status: str) -> None:
        """It is told: perhaps wrongly before, perhaps twice, perhaps after what never was."""
        who = message.visit
        self.truth[who].append((message.hour, status, self._beds.get(who)))
        message = replace(message, id=str(next(self._ids)))
        if self._lot.random() < 0.25:
            never = transfer(who, str(next(self._ids)), message.hour, "a", next(self._minutes))
            self.told += [never, cancel(who, never.id, next(self._minutes))]
        if self._lot.random() < 0.3:
            hour = message.hour + self._lot.choice([0, 1])
            beds = [*BEDS, None] if message.kind is SourceKind.ADMIT else BEDS
            where = self._lot.choice(beds) if message.where else None
            wrong = replace(message, hour=hour, where=where, told=next(self._minutes))
            self.told.append(wrong)
        self.told.append(replace(message, told=next(self._minutes)))
        if self._lot.random() < 0.15:
            self.told.append(self.told[-1])


@pytest.fixture(scope="module")
def fed(migrated: Database) -> Iterator[Hospital]:
    """One hospital for all examples; each makes a ward of its own."""
    empty(migrated)
    migrated.open_log("real")
    with closing(wired(Settings(), migrated)) as hospital:
        yield hospital


_WARDS = count(1)


@given(st.integers(0, 2**32), st.integers(0, 2**32))
@runs(max_examples=EXAMPLES)
def test_the_record_says_what_was_lived_in_whatever_order_it_is_reported(
    fed: Hospital, life: int, order: int
) -> None:
    lives = Lives(Random(life))
    feed = Feed(fed, f"L{next(_WARDS)}", PATIENTS, BEDS)
    for message in Random(order).sample(lives.told, len(lives.told)):
        feed.send(message)
    assert feed.pending(*PATIENTS) == {}
    assert _said(feed) == lives.truth


def _said(feed: Feed) -> Truth:
    """Return each patient's stay as recorded, in the form of the true one."""

    return {
        patient: [
            ((since - feed.at(0)).total_seconds() / 3600, status, state.place[0])
            for segments, _, _ in stays
            for since, _, status, state in segments
        ]
        for patient, stays in feed.history().items()
    }
