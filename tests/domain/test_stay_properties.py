"""Stays that were never thought of: random commands at random times, against a naive model.

Small numbers of minutes, so that late entries, ties and contradictions are the rule.
"""

from dataclasses import replace
from itertools import pairwise
from operator import itemgetter
from typing import Any, cast

import pytest
from hypothesis import event, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.aggregate import Event
from domain.refusals import Refusal
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import DischargePlan, Disposition, State
from domain.stay.history import History
from domain.time import Period
from tests.support import reference_beds
from tests.support.aggregate_dsl import (
    BEDS,
    DR_MEYER,
    DR_OKAFOR,
    OTHER_STAY,
    PATIENT,
    at,
    clock,
    entry,
)
from tests.support.stays import a_stay, place

pytestmark = pytest.mark.slow

LAST = 12
"""The last minute in which anything happens, counted from 08:00."""

DOCTORS = {"Meyer": DR_MEYER, "Okafor": DR_OKAFOR}
PLACES = st.sampled_from([*BEDS, *BEDS, "corridor"])

COMMANDS = st.one_of(
    st.tuples(st.just("allocate"), st.sampled_from(list(BEDS))),
    st.tuples(st.just("transfer"), PLACES),
    st.tuples(st.just("transfer"), PLACES),
    st.tuples(st.just("swap"), st.sampled_from(list(BEDS))),
    st.tuples(st.just("leave, keep bed"), st.none()),
    st.tuples(st.just("leave, release"), st.none()),
    st.tuples(st.just("return"), st.none() | PLACES),
    st.tuples(st.just("attending"), st.sampled_from(list(DOCTORS))),
    st.tuples(st.just("plan"), st.sampled_from([p.value for p in DischargePlan])),
    st.tuples(st.just("discharge"), st.none()),
    st.tuples(st.sampled_from(["visit", "admit"]), st.none()),
)
MOMENTS = st.tuples(st.integers(0, LAST), COMMANDS)
STORIES = st.builds(
    lambda in_time, late: [*sorted(in_time, key=itemgetter(0)), *late],
    st.lists(MOMENTS, min_size=4, max_size=12),
    st.lists(MOMENTS, min_size=2, max_size=8),
)
"""Some commands given as things happen, then some that come late."""

thoroughly = settings(max_examples=200)


def o_clock(minute: int) -> str:
    return f"08:{minute:02}"


def do(stay: Stay, minute: int | str, kind: str, what: str | None) -> None:
    """Give the stay a command in the words of the naive model, in a minute or at a local time."""
    said = entry(o_clock(minute) if isinstance(minute, int) else minute)
    to = BEDS.get(what or "", what or "")
    match kind:
        case "admit":
            stay.admit(PATIENT, AdmissionType.ELECTIVE, said)
        case "allocate":
            stay.allocate_room(BEDS[what or ""], said)
        case "transfer":
            stay.transfer(place(to), said)
        case "swap":
            stay.swap_bed(BEDS[what or ""], OTHER_STAY, said)
        case "leave, keep bed" | "leave, release":
            stay.start_leave(kind == "leave, keep bed", None, said)
        case "return":
            stay.end_leave(place(to) if what else None, said)
        case "attending":
            stay.change_attending(DOCTORS[what or ""], said)
        case "plan":
            stay.plan_discharge(DischargePlan(what or ""), None, said)
        case "visit":
            stay.observe(
                Stay.VisitRecorded,
                said,
                practitioner=DR_MEYER,
                visit_kind=VisitKind.ROUND,
                note=None,
            )
        case "discharge":
            stay.discharge(Disposition.HOME, None, (), said)


Story = list[tuple[int, tuple[str, str | None]]]


def lived(story: Story, first: int = 0) -> tuple[Stay, list[reference_beds.Said]]:
    """A stay that was given all these commands, and the naive list of those it accepted.

    Each is accepted just if the naive model allows it.
    """
    stay = a_stay()
    facts: list[reference_beds.Said] = []
    for minute, (kind, what) in [(first, ("admit", None)), *story]:
        fact = reference_beds.Said(minute, len(facts), kind, what)
        try:
            do(stay, minute, kind, what)
            accepted = True
        except Refusal:
            accepted = False
        assert accepted == reference_beds.stay_allows(facts, fact), fact
        if accepted:
            facts.append(fact)
    event(f"{len(facts)} facts accepted")
    return stay, facts


def in_naive_words(state: State | None) -> reference_beds.Now | None:
    if state is None:
        return None
    bed, doctors = state.place.bed, {id: name for name, id in DOCTORS.items()}
    return reference_beds.Now(
        status=state.status.value,
        where=bed.bed if bed else state.place.without_bed or "",
        kept=state.bed_kept,
        doctor=doctors[state.attending] if state.attending else "",
        plan=state.plan.value,
    )


@thoroughly
@for_all(STORIES, st.integers(0, 3))
def test_at_every_minute_a_stay_is_what_the_naive_model_says(story: Story, first: int) -> None:
    stay, facts = lived(story, first)
    for minute in range(LAST + 3):
        result = in_naive_words(stay.history.at(at(o_clock(minute))))
        assert result == reference_beds.stay_at(facts, minute)


@thoroughly
@for_all(STORIES, st.integers(0, 3))
def test_what_was_accepted_never_contradicts_itself(story: Story, first: int) -> None:
    history = lived(story, first)[0].history
    assert history.problems == ()
    history.check([])
    periods = [p for p, _ in history.segments]
    assert all(a.end == b.start for a, b in pairwise(periods))
    assert all(a != b for (_, a), (_, b) in pairwise(history.segments))
    assert not any(p.is_empty for p in periods)


@thoroughly
@for_all(STORIES, st.integers(0, 3))
def test_the_stretches_are_the_beds_of_every_minute(story: Story, first: int) -> None:
    stay, facts = lived(story, first)
    period = stay.history.period
    assert period is not None
    for one, following in pairwise(stay.stretches):
        assert one.period.end is not None  # mistake 18: every stretch but the last has an end
        assert one.period.end <= following.period.start  # mistake 1: never two beds at once
        if one.period.end == following.period.start:
            assert (one.bed, one.kept) != (following.bed, following.kept)  # or they were one
    for stretch in stay.stretches:
        assert not stretch.period.is_empty
        assert period.covers(stretch.period)
    for minute in range(LAST + 3):
        now = reference_beds.stay_at(facts, minute)
        lain = [s for s in stay.stretches if at(o_clock(minute)) in s.period]
        expected = [(now.where, now.kept)] if now and now.where in BEDS else []
        assert [(s.bed.bed, s.kept) for s in lain] == expected


@thoroughly
@for_all(STORIES, st.data())
def test_a_history_is_the_same_in_whatever_order_its_facts_are_put_in(
    story: Story, data: st.DataObject
) -> None:
    stay, _ = lived(story)
    shuffled = data.draw(st.permutations(stay.history.facts))
    at_once = History(stay.id).with_added(*shuffled)
    one_by_one = History(stay.id)
    for fact in shuffled:
        one_by_one = one_by_one.with_added(fact)
    assert at_once == one_by_one == stay.history
    assert at_once.segments == one_by_one.segments == stay.history.segments
    assert at_once.stretches == stay.stretches


def retold(events: list[Event]) -> Stay:
    """A stay that learned of these events in this order."""
    stay = a_stay()
    for version, result in enumerate(events, 1):
        replace(cast(Any, result), originator_version=version).mutate(stay)
    return stay


@thoroughly
@for_all(STORIES, st.data())
def test_facts_of_different_times_may_be_recorded_in_any_order(  # mistake 24
    story: Story, data: st.DataObject
) -> None:
    once_a_minute = list({minute: (minute, result) for minute, result in story if minute}.values())
    stay, _ = lived(once_a_minute)
    events = [e for e in stay.collect_events() if isinstance(e, Event)]
    other = retold(data.draw(st.permutations(events)))
    assert other.history.segments == stay.history.segments
    assert other.stretches == stay.stretches
    assert other.history.problems == ()


@thoroughly
@for_all(STORIES)
def test_a_stay_is_its_events(story: Story) -> None:
    stay, _ = lived(story)
    again = retold([e for e in stay.collect_events() if isinstance(e, Event)])
    assert again.history == stay.history
    assert again.stretches == stay.stretches
    assert (again.version, again.is_open) == (stay.version, stay.is_open)


@thoroughly
@for_all(STORIES, st.integers(0, LAST), COMMANDS)
def test_a_refused_command_leaves_no_trace(
    story: Story, minute: int, command: tuple[str, str | None]
) -> None:
    stay, _ = lived(story)
    before, version = stay.history, stay.version
    try:
        do(stay, minute, *command)
    except Refusal:
        assert (stay.history, stay.version) == (before, version)
    else:
        assert stay.version == version + 1


@thoroughly
@for_all(STORIES, st.integers(0, LAST), COMMANDS)
def test_taking_the_last_entry_back_gives_exactly_what_was(
    story: Story, minute: int, command: tuple[str, str | None]
) -> None:
    stay, _ = lived(story)
    before = stay.history
    try:
        do(stay, minute, *command)
    except Refusal:
        return
    (added,) = set(stay.history.facts) - set(before.facts)
    assert stay.history.without([added.id]) == before
    assert stay.history.without([added.id]).segments == before.segments


def test_the_clock_of_these_tests_goes_both_ways() -> None:
    assert [clock(at(o_clock(n))) for n in (0, LAST)] == ["08:00", "08:12"]
    assert Period(at(o_clock(0)), at(o_clock(0))).is_empty


MINUTES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["leave, keep bed", "return", "visit", "attending"]),
            st.integers(0, 59),
        ),
        max_size=2,
    ),
    max_size=4,
)
"""In each minute two facts, each with its second."""


@thoroughly
@for_all(MINUTES, st.lists(st.integers(0, 59), max_size=3))
def test_what_is_accepted_does_not_depend_on_the_seconds_within_a_minute(
    minutes: list[list[tuple[str, int]]], visits: list[int]
) -> None:
    def answers(has_seconds: bool) -> list[bool]:
        """Return of each fact whether it was accepted."""
        stay, result = a_stay(), list[bool]()
        facts = [(n, *fact) for n, facts in enumerate(minutes, 1) for fact in facts]
        last = len(minutes) + 1
        facts += [(last, "discharge", 30), *((last, "visit", second) for second in visits)]
        do(stay, 0, "admit", None)
        do(stay, 0, "allocate", next(iter(BEDS)))
        for minute, kind, second in facts:
            clock_time = f"{o_clock(minute)}:{second if has_seconds else 0:02}"
            doctor = "Meyer" if kind == "attending" else None
            try:
                do(stay, clock_time, kind, doctor)
                result.append(True)
            except Refusal:
                result.append(False)
        return result

    assert answers(True) == answers(False)
