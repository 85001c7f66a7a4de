"""Stays of which much was not so: random corrections and cancels, against a plain model.

Small numbers of minutes, so that late entries, ties and contradictions are the rule.
"""

import os
from operator import itemgetter
from typing import Any
from uuid import UUID

from hypothesis import event, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.aggregate import Event
from domain.refusals import Refusal
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import CancellationReason, Discharge, DischargePlan, Disposition, Observation
from tests.domain.test_stay_properties import DOCTORS, LAST, in_naive_words, o_clock, retold
from tests.support import reference_stay
from tests.support.aggregate_dsl import BEDS, DR_MEYER, OTHER_STAY, PATIENT, at, entry
from tests.support.reference_stay import Said
from tests.support.stays import a_stay, place

IN_ERROR, REVERSED = CancellationReason.ENTERED_IN_ERROR, CancellationReason.DECISION_REVERSED

thoroughly = settings(max_examples=int(os.environ.get("WARDBOOK_EXAMPLES", "100")))

PLACES = st.sampled_from([*BEDS, *BEDS, "corridor"])
MAYBE = st.none() | PLACES
FACTS = st.one_of(
    st.tuples(st.sampled_from(["allocate", "swap"]), st.sampled_from(list(BEDS))),
    st.tuples(st.just("transfer"), PLACES),
    st.tuples(st.just("transfer"), PLACES),
    st.tuples(st.sampled_from(["leave, keep bed", "leave, release"]), st.none()),
    st.tuples(st.just("return"), MAYBE),
    st.tuples(st.just("attending"), st.sampled_from(list(DOCTORS))),
    st.tuples(st.just("plan"), st.sampled_from([p.value for p in DischargePlan])),
    st.tuples(st.sampled_from(["discharge", "visit"]), st.none()),
)
MINUTES = st.integers(0, LAST)
BY_ID = st.tuples(
    st.sampled_from(["corrected", "corrected", "in error", "in error", "reversed", "reversed"]),
    st.integers(0, 15),
    st.none() | MINUTES,
    MAYBE,
)
"""What becomes of the fact that was told as the how-manieth: corrected (time, place) or cancelled."""

CANCELS = st.tuples(
    st.just("cancel the admission"),
    st.sampled_from(list(CancellationReason)),
    MINUTES,
    st.booleans(),
)
STORIES = st.builds(
    lambda first, in_time, later: [*first, *sorted(in_time, key=itemgetter(0)), *later],
    st.sampled_from([[], [(2, ("allocate", "A"))]]),
    st.lists(st.tuples(MINUTES, FACTS), min_size=3, max_size=10),
    st.lists(st.tuples(MINUTES, st.one_of(FACTS, BY_ID, BY_ID, BY_ID)), min_size=3, max_size=12),
)
"""Some facts told as they happen, then late ones, corrections and cancels as they come."""

Story = list[tuple[int, tuple[Any, ...]]]


class Telling:
    """A stay that is told things, and the plain list of those that it accepted.

    Each is accepted just if the plain model allows it.
    """

    def __init__(self, with_bed: bool) -> None:
        self.stay = a_stay()
        self.said: list[Said] = []
        self.ids: list[UUID] = []
        said = entry(o_clock(2))
        admission, bed = said.id_of("admission"), said.id_of("allocation")
        self.stay.admit(PATIENT, AdmissionType.ELECTIVE, said)
        self._heard(Said("admit", 2, admission, with_bed=bed if with_bed else None))
        if with_bed:
            self.stay.allocate_room(BEDS["A"], said)
            self._heard(Said("allocate", 2, bed, where="A"))

    def tell(self, minute: int, what: tuple[Any, ...]) -> bool:
        """Return whether it was accepted. Refused, it leaves no trace."""
        if what[0] in ("in error", "reversed") and self._picked(what[1]) == self.ids[0]:
            because = IN_ERROR if what[0] == "in error" else REVERSED
            what = ("cancel the admission", because, minute, False)
        told = self._in_plain_words(minute, what)
        void = what[0] != "cancel the admission" or reference_stay.may_be_cancelled(
            self.said, list(BEDS), what[3], what[1] is IN_ERROR
        )
        more = [*self._voided(what), told]
        allowed = void and reference_stay.allows([*self.said, *more[:-1]], list(BEDS), told)
        before, version = self.stay.history, self.stay.version
        refusal = None
        try:
            self._do(minute, what, told)
        except Refusal as refused:
            refusal = refused
        assert allowed == (refusal is None), f"{told}: {refusal!r}"
        if refusal:
            assert (self.stay.history, self.stay.version) == (before, version)
            return False
        for heard in more:
            self._heard(heard)
        event(f"{what[0]} accepted")
        return True

    def _heard(self, told: Said) -> None:
        self.said.append(told)
        if told.id:
            self.ids.append(told.id)

    def _picked(self, nth: int) -> UUID:
        return self.ids[nth % len(self.ids)]

    def _voided(self, what: tuple[Any, ...]) -> list[Said]:
        return [Said("visits in error")] if what[0] == "cancel the admission" else []

    def _in_plain_words(self, minute: int, what: tuple[Any, ...]) -> Said:
        """The command in the words of the plain model, with the id that it will have."""
        self.entry = entry(o_clock(minute))
        new, cancel = self.entry.id_of(_ID_OF.get(what[0], what[0])), self.entry.id_of("cancel")
        match what:
            case ("cancel the admission", because, when, _):
                self.entry = entry(o_clock(when))
                cancel, admission = self.entry.id_of("cancel"), self.ids[0]
                if because is IN_ERROR:
                    return Said("never admitted", id=cancel, of=admission)
                return Said("reversed", when, cancel, of=admission)
            case ("corrected", nth, when, where):
                of = self._picked(nth)
                return Said("corrected", when, of=of, where=None if self._visit(of) else where)
            case ("in error", nth, _, where):
                of = self._picked(nth)
                if isinstance(self.stay.history.fact(of), Discharge):
                    return Said("discharge in error", id=cancel, of=of, where=where)
                return Said("in error", of=of, where=where)
            case ("reversed", nth, _, where):
                return Said("reversed", minute, cancel, of=self._picked(nth), where=where)
            case ("attending" | "plan", name):
                return Said(what[0], minute, new, what=name)
            case (kind, where):
                return Said(kind, minute, new, where=where)
        raise AssertionError(what)

    def _visit(self, id: UUID) -> bool:
        return isinstance(self.stay.history.fact(id), Observation)

    def _do(self, minute: int, what: tuple[Any, ...], told: Said) -> None:
        """Give the stay the command, as the application gives it."""
        stay, said = self.stay, self.entry
        where = told.where if told.kind != "attending" else None
        there = place(BEDS.get(where, where)) if where else None
        match what[0]:
            case "allocate":
                stay.allocate_room(BEDS[where or ""], said)
            case "transfer":
                assert there
                stay.transfer(there, said)
            case "swap":
                stay.swap_bed(BEDS[where or ""], OTHER_STAY, said)
            case "leave, keep bed" | "leave, release":
                stay.start_leave(what[0] == "leave, keep bed", None, said)
            case "return":
                stay.end_leave(there, said)
            case "attending":
                stay.change_attending(DOCTORS[told.what], said)
            case "plan":
                stay.plan_discharge(DischargePlan(told.what), None, said)
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
            case "cancel the admission":
                stay.cancel_admission(what[1], what[3], said)
            case "corrected" if self._visit(told.of):
                when = None if told.minute is None else at(o_clock(told.minute))
                stay.amend_visit(told.of, when, None, None, None, None, said)
            case "corrected":
                when = None if told.minute is None else at(o_clock(told.minute))
                stay.correct_movement(told.of, when, None, there, said)
            case "in error" if self._visit(told.of) and there is None:
                stay.cancel_visit(told.of, said)
            case _:
                fact, because = stay.movement(told.of), REVERSED
                if what[0] == "in error":
                    because = IN_ERROR
                if isinstance(fact, Discharge):
                    stay.cancel_discharge(fact, because, there, said)
                else:
                    stay.cancel_movement(told.of, because, there, said)


_ID_OF = {
    "allocate": "allocation",
    "leave, keep bed": "leave",
    "leave, release": "leave",
    "plan": "discharge-plan",
}


def told(story: Story, with_bed: bool) -> Telling:
    telling = Telling(with_bed)
    for minute, what in story:
        telling.tell(minute, what)
    return telling


def agrees(telling: Telling) -> None:
    """At every minute, the stay is what the plain model says, and lies where it says."""
    stay, said = telling.stay, telling.said
    assert stay.history.problems == ()
    story = list(reference_stay.tale(said, list(BEDS)))
    ends = [when for when, then in story if _over(then)]
    period = stay.history.period
    assert (period is None) == any(s.kind == "never admitted" for s in said)
    if period:
        assert period.start == at(o_clock(story[0][0]))
        assert (period.end is not None) == _over(story[-1][1])
    for minute in range(LAST + 3):
        moment = at(o_clock(minute))
        now = reference_stay.at(said, list(BEDS), minute)
        words = in_naive_words(stay.history.at(moment))
        assert (words is None) == (now is None)
        if words and now:
            assert (
                reference_stay.Now(words.status, words.where, words.kept, words.doctor, words.plan)
                == now
            )
        lain = [(s.bed.bed, s.kept) for s in stay.stretches if moment in s.period]
        assert lain == ([(now.where, now.kept)] if now and now.where in BEDS else [])
        if now is not None and not _over(now):
            assert stay.history.includes(moment)
        elif minute not in ends:
            assert not stay.history.includes(moment)


def _over(now: reference_stay.Now) -> bool:
    return now.status in ("DISCHARGED", "CANCELLED")


@thoroughly
@for_all(STORIES, st.booleans(), st.none() | CANCELS)
def test_at_every_minute_a_corrected_stay_is_what_the_plain_model_says(
    story: Story, with_bed: bool, cancel: tuple[Any, ...] | None
) -> None:
    telling = told(story, with_bed)
    agrees(telling)
    if cancel:
        telling.tell(0, cancel)
        agrees(telling)
        for minute, what in story[-3:]:
            telling.tell(minute, what)
        agrees(telling)


@thoroughly
@for_all(STORIES, st.booleans(), st.none() | CANCELS)
def test_a_corrected_stay_is_its_events(
    story: Story, with_bed: bool, cancel: tuple[Any, ...] | None
) -> None:
    telling = told([*story, *([(0, cancel)] if cancel else [])], with_bed)
    stay = telling.stay
    again = retold([e for e in stay.collect_events() if isinstance(e, Event)])
    assert again.history == stay.history
    assert again.stretches == stay.stretches
    assert again.history.period == stay.history.period
    assert (again.version, again.is_open) == (stay.version, stay.is_open)


@thoroughly
@for_all(STORIES, st.booleans(), MINUTES, FACTS)
def test_what_was_entered_last_in_error_leaves_exactly_what_was(
    story: Story, with_bed: bool, minute: int, what: tuple[Any, ...]
) -> None:
    telling = told(story, with_bed)
    before = telling.stay.history
    if telling.tell(minute, what):
        last = len(telling.ids) - 1
        assert telling.tell(LAST, ("in error", last, None, None))
        assert telling.stay.history == before
        assert telling.stay.history.segments == before.segments


@thoroughly
@for_all(STORIES, st.booleans(), st.integers(0, 15), MINUTES)
def test_correcting_a_time_there_and_back_gives_exactly_what_was(
    story: Story, with_bed: bool, nth: int, minute: int
) -> None:
    telling = told(story, with_bed)
    before = telling.stay.history
    fact = before.fact(telling.ids[nth % len(telling.ids)])
    if telling.tell(LAST, ("corrected", nth, minute, None)):
        assert fact
        there_and_back = fact.at.minute
        both = [f for f in before.facts if f.at == at(o_clock(minute)) and f.act == fact.act]
        if not (fact.id == telling.ids[0] and both and both != [fact]):
            telling.tell(LAST, ("corrected", nth, there_and_back, None))
            assert telling.stay.history == before
