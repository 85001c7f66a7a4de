"""For how long how many were present, after changes, is what counting each moment gives."""

from collections import Counter

from hypothesis import given as for_all
from hypothesis import strategies as st

from application.reports.levels import Levels

MOMENTS = 12
PRESENCES = st.tuples(st.integers(0, MOMENTS), st.integers(0, MOMENTS)).filter(
    lambda p: p[0] < p[1]
)


@for_all(st.lists(PRESENCES, max_size=6), st.lists(PRESENCES, max_size=6), st.integers(0, 6))
def test_levels_after_changes_are_those_of_who_is_present(
    before: list[tuple[int, int]], come: list[tuple[int, int]], gone: int
) -> None:
    levels = Levels([since for since, _ in before], [until for _, until in before])
    for since, until in come:
        levels.add([(since, 1), (until, -1)])
    for since, until in before[:gone]:
        levels.add([(since, 1), (until, -1)], -1)
    here = [*before[gone:], *come]
    counted = Counter(sum(a <= at < b for a, b in here) for at in range(MOMENTS))
    assert +levels.times == {number: time for number, time in counted.items() if number}
