"""Prescriptions that were never thought of: random changes and doses, against a naive model."""

import dataclasses
from uuid import UUID

import pytest
from hypothesis import event, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.aggregate import Event
from domain.prescription.aggregate import Prescription
from domain.prescription.course import ENDED, Outside
from domain.refusals import Refusal
from domain.time import KnownTime, widest_span
from tests.support import reference_beds
from tests.support.aggregate_dsl import Act, at, clock, entry
from tests.support.prescriptions import (
    a_prescription,
    change,
    complete,
    do_not_give,
    give,
    hold,
    resume,
    stop,
    write,
)

pytestmark = pytest.mark.slow

LAST = 12
DISCHARGE = UUID(int=1)
MINUTES = st.integers(0, LAST)
NOTES = st.one_of(
    st.tuples(st.just("change"), st.tuples(st.sampled_from(["1 g", "2 g"]), st.none() | MINUTES)),
    st.tuples(st.just("change"), st.tuples(st.none(), MINUTES)),
    st.tuples(st.just("hold"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.sampled_from(["stop", "complete"]), st.none()),
    st.tuples(st.just("dose"), st.tuples(st.booleans(), st.just(False))),
    st.tuples(st.just("dose"), st.tuples(st.just(True), st.just(True))),
)
STORIES = st.lists(st.tuples(MINUTES, NOTES), min_size=6, max_size=20)
BEGINNINGS = st.tuples(st.integers(0, 4), st.integers(0, 6), st.none() | st.integers(4, LAST))
"""When it was written, its start, its planned stop."""

thoroughly = settings(max_examples=200)


def o_clock(minute: int | None) -> str | None:
    return None if minute is None else f"08:{minute:02}"


def act(minute: int, kind: str, what: tuple[object, object] | None) -> Act[Prescription]:
    """A command in the words of the naive model."""
    moment = f"08:{minute:02}"
    match kind, what:
        case "change", (str() | None as dose, int() | None as until):
            return change(moment, dose, o_clock(until))
        case "dose", (True, marked):
            return give(moment, Outside.LATE if marked else None)
        case "dose", _:
            return do_not_give(moment)
        case "hold", _:
            return hold(moment)
        case "resume", _:
            return resume(moment)
        case "stop", _:
            return stop(moment)
    return complete(moment)


Beginning = tuple[int, int, int | None]
Story = list[tuple[int, tuple[str, tuple[object, object] | None]]]


def lived(beginning: Beginning, story: Story) -> tuple[Prescription, reference_beds.Paper]:
    """A prescription that was given all these commands, and the paper with those it accepted.

    Each is accepted just if the naive model allows it.
    """
    written, start, until = beginning
    prescription, paper = a_prescription(), reference_beds.Paper(written, start, until)
    write(f"08:{written:02}", o_clock(start), o_clock(until))(prescription)
    for minute, (kind, what) in story:
        note = reference_beds.Told(minute, len(paper.notes), kind, what)
        try:
            act(minute, kind, what)(prescription)
            accepted = True
        except Refusal:
            accepted = False
        assert accepted == paper.allows(note, LAST + 2), note
        if accepted:
            paper.notes.append(note)
    event(f"{len(paper.notes)} notes accepted")
    return prescription, paper


@thoroughly
@for_all(BEGINNINGS, STORIES)
def test_at_every_minute_a_prescription_is_what_the_naive_model_says(
    beginning: Beginning, story: Story
) -> None:
    prescription, paper = lived(beginning, story)
    for minute in range(LAST + 3):
        moment = at(f"08:{minute:02}")
        result = [
            (status.value, regimen.dose, clock(regimen.stop) or None)
            for period, status, regimen in prescription.course.segments()
            if moment in period
        ]
        now = paper.at(minute)
        assert result == ([(now[0], now[1], o_clock(now[2]))] if now else [])
        inside = now is not None and now[0] not in reference_beds.ENDED and minute >= paper.start
        assert (moment in prescription.course.period) == inside


@thoroughly
@for_all(BEGINNINGS, STORIES)
def test_what_was_accepted_never_contradicts_itself(beginning: Beginning, story: Story) -> None:
    course = lived(beginning, story)[0].course
    assert course.problems(widest_span) == []
    segments = course.segments()
    ends = [period.end for period, _, _ in segments]
    assert ends == [*[period.start for period, _, _ in segments[1:]], None]
    assert not any(period.is_empty for period, _, _ in segments)
    assert sum(status in ENDED for _, status, _ in segments) <= 1
    assert all(
        course.contains(dose, widest_span) for dose in course.doses if dose.outside is None
    ), "a dose that is not marked lies inside"


@thoroughly
@for_all(BEGINNINGS, STORIES)
def test_a_prescription_is_its_events(beginning: Beginning, story: Story) -> None:
    prescription, _ = lived(beginning, story)
    again = a_prescription()
    for result in prescription.collect_events():
        assert isinstance(result, Event)
        result.mutate(again)
    assert again.course == prescription.course
    assert again.version == prescription.version


@thoroughly
@for_all(BEGINNINGS, STORIES, st.lists(st.none() | MINUTES, min_size=1, max_size=4))
def test_the_end_of_a_stay_corrected_stops_what_it_stops_entered_anew(
    beginning: Beginning, story: Story, ends: list[int | None]
) -> None:
    """None: the end was entered in error, and the stay is open."""
    corrected, _ = lived(beginning, story)
    anew, _ = lived(beginning, story)
    held: int | None = None
    for minute in ends:
        try:
            end_stay(corrected, minute)
        except Refusal:
            event("refused")
        else:
            held = minute
    end_stay(anew, held)
    assert corrected.course.segments() == anew.course.segments()
    assert corrected.course.problems(widest_span) == []


def end_stay(prescription: Prescription, minute: int | None) -> None:
    ends = {} if minute is None else {DISCHARGE: KnownTime(at(f"08:{minute:02}"))}
    prescription.follow_stay(ends, DISCHARGE if ends else None, entry("09:00"))


@thoroughly
@for_all(BEGINNINGS, STORIES, st.integers(0, 20), st.none() | MINUTES)
def test_a_change_corrected_or_cancelled_is_as_if_it_had_been_entered_so(
    beginning: Beginning, story: Story, number: int, minute: int | None
) -> None:
    prescription, paper = lived(beginning, story)
    steps = [note for note in paper.notes if note.kind != "dose"]
    if not steps:
        return
    note = steps[number % len(steps)]
    change_id = next(s.id for s in prescription.course.steps if s.order == note.order + 2)
    right = [n for n in paper.notes if n is not note]
    if minute is not None:
        right.append(dataclasses.replace(note, minute=minute))
    wanted = dataclasses.replace(paper, notes=right)
    allowed = wanted.is_legal(LAST + 2)
    try:
        if minute is None:
            prescription.cancel_change(change_id, entry("09:00"))
        else:
            moment = at(f"08:{minute:02}")
            prescription.correct_change(
                change_id, moment, None, None, None, None, None, entry("09:00")
            )
    except Refusal:
        assert not allowed
        return
    assert allowed
    for m in range(LAST + 3):
        now, status = wanted.at(m), prescription.course.status_at(at(f"08:{m:02}"))
        assert (status and status.value) == (now and now[0])
