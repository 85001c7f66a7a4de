"""Two in one bed: random moves of several stays, each change checked as a command settles it."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import event, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.aggregate import Event
from domain.problems import Problem
from domain.refusals import Refusal, SharersUnplaced, StayStateBroken
from domain.room.occupancy import Claim, check_free, difference, outside_of_mother
from domain.stay.aggregate import Stay
from domain.stay.facts import Place
from tests.support.aggregate_dsl import BEDS, MOTHER, OTHER_STAY, TWIN, Act, at
from tests.support.stays import (
    a_stay,
    admit,
    discharge,
    end_leave,
    start_leave,
    swap_into,
    transfer,
)

pytestmark = pytest.mark.slow

LAST = 14
STAYS = (MOTHER, TWIN, OTHER_STAY)
CHILDREN = {TWIN: MOTHER}

COMMANDS = st.tuples(
    st.integers(1, LAST),
    st.sampled_from(STAYS),
    st.sampled_from(
        ["bed", "bed", "bed", "corridor", "share", "share", "keep", "release", "swap", "go"]
    ),
    st.sampled_from(list(BEDS)),
    st.sampled_from(STAYS),
)


def at_minute(minute: int) -> str:
    return f"08:{minute:02}"


def acts(stays: dict[UUID, Stay], command: tuple[Any, ...]) -> dict[UUID, Act[Stay]]:
    """Return what one command asks of each stay."""
    minute, who, kind, bed, other = command
    moment = at_minute(minute)
    now = stays[who].history.at(at(moment))
    away = now is not None and now.status == "ON_LEAVE"
    match kind:
        case "bed":
            to = BEDS[bed]
            return {who: end_leave(moment, to) if away else transfer(to, moment)}
        case "corridor":
            return {who: transfer("corridor", moment)}
        case "share" if who in CHILDREN:
            mother = CHILDREN[who]
            hers = stays[mother].history.at(at(moment))
            shared = Place((hers and hers.place.bed) or BEDS[bed], shares_bed_of=mother)
            return {who: end_leave(moment, shared) if away else transfer(shared, moment)}
        case "keep" | "release":
            keeps = kind == "keep"
            return {who: end_leave(moment) if away else start_leave(moment, keeps_bed=keeps)}
        case "swap" if who != other:
            theirs = stays[other].history.at(at(moment))
            if not (now and theirs and now.place.bed and theirs.place.bed):
                raise StayStateBroken(Problem.WITHOUT_BED)
            return {
                who: swap_into(theirs.place.bed, moment),
                other: swap_into(now.place.bed, moment),
            }
        case "go":
            return {who: discharge(moment)}
    return {}


def settled(stays: dict[UUID, Stay], changed: dict[UUID, Stay]) -> dict[UUID, Stay]:
    """The stays after a command. Refused if a stretch that begins is in somebody's bed."""
    after = {**stays, **changed}
    claims = [Claim(s.id, stretch) for s in after.values() for stretch in s.stretches]
    for stay in changed.values():
        for room in difference(stays[stay.id].stretches, stay.stretches).values():
            for stretch in room.begun:
                check_free(stay.id, stretch, claims)
    for claim in claims:
        if claim.stretch.shares_bed_of is not None:
            mother = after[claim.stretch.shares_bed_of]
            if outside_of_mother(claim.stretch, mother.stretches):
                raise SharersUnplaced((claim.stay,))
    return after


def again(stay: Stay, events: list[Event]) -> Stay:
    copy = a_stay(stay.id)
    for result in events:
        result.mutate(copy)
    return copy


@settings(max_examples=250)
@for_all(st.lists(COMMANDS, min_size=12, max_size=36))
def test_no_bed_ever_has_two_stays_but_a_mothers(commands: list[tuple[Any, ...]]) -> None:
    stays: dict[UUID, Stay] = {}
    logs: dict[UUID, list[Event]] = {}
    for id in STAYS:
        stays[id] = a_stay(id)
        admit("08:00")(stays[id])
        logs[id] = [e for e in stays[id].collect_events() if isinstance(e, Event)]
    accepted = 0
    for command in commands:
        try:
            asked = acts(stays, command)
            changed = {id: again(stays[id], logs[id]) for id in asked}
            for id, act in asked.items():
                act(changed[id])
            stays = settled(stays, changed)
        except Refusal:
            continue
        accepted += len(asked)
        for id, stay in changed.items():
            logs[id] += [e for e in stay.collect_events() if isinstance(e, Event)]
    event(f"{accepted} changes accepted")
    if any(s.shares_bed_of for stay in stays.values() for s in stay.stretches):
        event("a bed is shared")
    for minute in range(LAST + 2):
        lain = {id: stretches_at(stay, minute) for id, stay in stays.items()}
        assert all(len(stretches) <= 1 for stretches in lain.values())  # nobody in two beds
        owners = [s.bed for (s,) in filter(None, lain.values()) if s.shares_bed_of is None]
        assert len(owners) == len(set(owners))
        for (stretch,) in filter(None, lain.values()):
            if stretch.shares_bed_of is not None:
                assert [s.bed for s in lain[stretch.shares_bed_of]] == [stretch.bed]


def stretches_at(stay: Stay, minute: int) -> list[Any]:
    return [s for s in stay.stretches if at(at_minute(minute)) in s.period]
