"""The order of a stay's facts in time: a fact that plainly comes last is known without the others."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.stay.events import AdmissionType
from domain.stay.facts import Admission, EmergencyCare, Fact, Move, Observation, Place
from domain.stay.history import History, _order_of
from tests.support.aggregate_dsl import at

STAY = UUID(int=1)
KINDS = ("admission", "care", "move", "visit")
SECONDS = st.integers(0, 4).map(lambda n: n * 20)
"""Within two minutes, in which most facts stand at the same second as another."""


def fact(kind: str, seconds: int, order: int) -> Fact:
    common: dict[str, Any] = {
        "id": UUID(int=order),
        "at": at("10:00") + timedelta(seconds=seconds),
        "order": order,
    }
    match kind:
        case "admission":
            return Admission(**common, admission_type=AdmissionType.EMERGENCY)
        case "care":
            return EmergencyCare(**common)
        case "move":
            return Move(**common, place=Place())
    return Observation(**common, name="visit")


@for_all(st.lists(st.tuples(st.sampled_from(KINDS), SECONDS), max_size=6))
def test_a_fact_goes_last_where_the_order_of_all_facts_says_so(
    facts: list[tuple[str, int]],
) -> None:
    history = History(STAY)
    for number, (kind, seconds) in enumerate(facts, 1):
        new = fact(kind, seconds, number)
        order = _order_of((*history.facts, new))
        is_last = not history.facts or order(new) > order(history.facts[-1])
        assert history._goes_last(new) == is_last
        history = history.with_added(new)
        assert history.facts[-1] == new or not is_last
