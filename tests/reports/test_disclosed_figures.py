"""Tests of disclosed figures: no two together tell of few persons, whatever was asked between."""

from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from application.reports.definition import Subject
from application.reports.disclosed_figures import (
    FACT_BYTES,
    FORGOTTEN_EVERY_SECONDS,
    REMEMBERED_SECONDS,
    DisclosedFigures,
    LoginDisclosures,
)
from application.reports.disclosure import Cells, Part

PERSONS = st.dictionaries(st.integers(0, 14), st.integers(1, 2), max_size=14)
FEWEST = 4


def part(persons: dict[int, int]) -> Part:
    return {Subject("person", str(person)): (amount,) for person, amount in persons.items()}


def differing(one: Part, other: Part) -> set[Subject]:
    return {person for person, _ in one.items() ^ other.items()}


def tell(login: LoginDisclosures, asked: Part, now: float = 0.0) -> bool:
    """Return whether a figure of these persons is told, all of whom are closed to the login."""
    cells = Cells(FEWEST, ({"admitted": asked},))
    few = login.differences(cells, now)[0]
    if few:
        return False
    login.keep(cells, [0], now)
    return True


@given(st.lists(PERSONS.map(part), max_size=12))
def test_figures_that_are_told_differ_by_nobody_or_by_many(asked: list[Part]) -> None:
    login = DisclosedFigures().to("local", "Ada")
    result = [each for each in asked if tell(login, each)]
    for one, other in combinations(result, 2):
        assert not 0 < len(differing(one, other)) < FEWEST
    for each in result:
        assert tell(login, each)  # again


def test_the_whole_less_its_parts_tells_of_nobody() -> None:
    parts = [part(dict.fromkeys(range(n, n + 5), 1)) for n in (0, 5)]
    few = part({20: 1, 21: 1})
    whole = parts[0] | parts[1] | few
    login = DisclosedFigures().to("local", "Ada")
    assert [tell(login, each) for each in (*parts, whole)] == [True, True, False]
    login = DisclosedFigures().to("local", "Eve")
    assert [tell(login, each) for each in (whole, *parts)] == [True, True, False]
    assert tell(login, parts[0])


def numbers(*persons: int) -> Part:
    return part(dict.fromkeys(persons, 1))


def test_three_figures_that_overlap_tell_of_nobody() -> None:
    """Two weeks less a longer time around both: one person is left, whom no two of them show."""
    one, other = numbers(*range(10)), numbers(*range(10, 20))
    both_but_one = numbers(*range(19))
    for order in permutations((one, other, both_but_one)):
        login = DisclosedFigures().to("local", "Ada")
        assert [tell(login, each) for each in order] == [True, True, False]


@given(st.permutations(range(16)), st.integers(5, 8), st.integers(1, 3), st.permutations(range(3)))
def test_no_sum_of_two_figures_less_a_third_tells_of_few(
    persons: list[int], size: int, left: int, order: list[int]
) -> None:
    """Stays that are in both of two figures, and in a third but for a few."""
    one, other = set(persons[:size]), set(persons[size : 2 * size])
    union = sorted(one | other)
    figures = [numbers(*one), numbers(*other), numbers(*union[: len(union) - left])]
    login = DisclosedFigures().to("local", "Ada")
    result = [tell(login, figures[number]) for number in order]
    assert not all(result)


def test_what_was_told_a_day_ago_is_forgotten() -> None:
    login = DisclosedFigures().to("local", "Ada")
    many, one_more = (part(dict.fromkeys(range(n), 1)) for n in (5, 6))
    assert tell(login, many)
    assert not tell(login, one_more, REMEMBERED_SECONDS)
    assert tell(login, one_more, REMEMBERED_SECONDS + 1)


LOGINS = ("Ada", "Eve", "Ida")
ASKED = st.tuples(st.sampled_from(LOGINS), PERSONS.map(part), st.integers(0, 4))


@given(st.lists(ASKED, max_size=30), st.integers(0, 40), st.integers(1, 3))
def test_nobody_is_made_forget_by_what_others_ask(
    asked: list[tuple[str, Part, int]], room: int, logins: int
) -> None:
    """However little is remembered of all logins, no two figures within a day give away few."""
    now = 0.0
    figures = DisclosedFigures(lambda: now, room * FACT_BYTES, logins)
    result: dict[str, list[tuple[float, Part]]] = {name: [] for name in LOGINS}
    for name, persons, hours in asked:
        now += hours * 3600.0
        if tell(figures.to("local", name), persons, now):
            for at, other in result[name]:
                assert now - at > REMEMBERED_SECONDS or not (
                    0 < len(differing(persons, other)) < FEWEST
                )
            result[name].append((now, persons))


def test_who_was_told_most_makes_room_and_is_told_no_more() -> None:
    now = 0.0
    figures = DisclosedFigures(lambda: now, 30 * FACT_BYTES)
    few, most = numbers(*range(6)), numbers(*range(100, 140))
    assert tell(figures.to("local", "Ada"), few)
    assert tell(figures.to("local", "Eve"), most)
    assert tell(figures.to("local", "Ada"), few)
    assert not tell(figures.to("local", "Eve"), most)
    assert not tell(figures.to("local", "Ada"), numbers(*range(7)))
    now = REMEMBERED_SECONDS + 1
    assert tell(figures.to("local", "Eve"), numbers(*range(101, 140)), now)


def test_a_login_too_many_is_told_no_figure_of_closed_persons() -> None:
    now = 0.0
    figures = DisclosedFigures(lambda: now, most_logins=1)
    assert tell(figures.to("local", "Ada"), numbers(*range(6)))
    assert not tell(figures.to("local", "Eve"), numbers(*range(6)))
    now = REMEMBERED_SECONDS + FORGOTTEN_EVERY_SECONDS + 1
    assert tell(figures.to("local", "Eve"), numbers(*range(6)), now)
