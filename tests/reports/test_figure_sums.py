"""No number of figures together tells of few persons: held against an attacker who solves equations.

The attacker writes each figure that was told as an equation with a person's contribution as unknown,
brings them into reduced form over the rationals, and combines what is left.
"""

from fractions import Fraction
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from application.reports.definition import Subject
from application.reports.disclosed_figures import DisclosedFigures, LoginDisclosures
from application.reports.disclosure import Cells, Part

FEWEST = 3
PERSONS = 18

Row = list[Fraction]


def part(persons: frozenset[int] | set[int]) -> Part:
    return {Subject("person", str(person)): (1,) for person in persons}


def tell(login: LoginDisclosures, *asked: frozenset[int] | set[int]) -> list[bool]:
    """Return which figures of one question are told, all of whose persons are closed."""
    cells = Cells(FEWEST, tuple({"admitted": part(persons)} for persons in asked))
    few = login.differences(cells, 0.0)
    result = [len(p) >= FEWEST and not few[n] for n, p in enumerate(asked)]
    login.keep(cells, [n for n, is_told in enumerate(result) if is_told], 0.0)
    return result


def identified(figures: list[frozenset[int]]) -> set[frozenset[int]]:
    """Return the small groups of persons whose sum, weighted somehow, follows from figures."""
    rows = [[Fraction(person in figure) for person in range(PERSONS)] for figure in figures]
    reduced = echelon(rows)
    result = {group for row in reduced if len(group := support(row)) < FEWEST}
    for one, other in combinations(reduced, 2):
        for column in range(PERSONS):
            if one[column] and other[column]:
                ratio = one[column] / other[column]
                rest = [a - ratio * b for a, b in zip(one, other, strict=True)]
                if len(group := support(rest)) < FEWEST:
                    result.add(group)
    return result - {frozenset()}


def echelon(rows: list[Row]) -> list[Row]:
    """Return the reduced row echelon form."""
    done = 0
    for column in range(PERSONS):
        pivot = next((n for n in range(done, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        lead = rows[done][column]
        rows[done] = [value / lead for value in rows[done]]
        for n, row in enumerate(rows):
            if n != done and row[column]:
                factor = row[column]
                rows[n] = [a - factor * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    return rows[:done]


def support(row: Row) -> frozenset[int]:
    return frozenset(n for n, value in enumerate(row) if value)


FIGURE = st.frozensets(st.integers(0, PERSONS - 1), min_size=FEWEST)


@settings(max_examples=300)
@given(st.lists(FIGURE, max_size=14))
def test_no_system_of_equations_of_figures_that_were_told_identifies_few(
    asked: list[frozenset[int]],
) -> None:
    login = DisclosedFigures().to("local", "Ada")
    result = [figure for figure in asked if tell(login, figure) == [True]]
    assert not identified(result)
    for figure in result:
        assert tell(login, figure) == [True]  # again


@given(st.lists(FIGURE, min_size=2, max_size=8))
def test_nor_do_the_figures_of_one_question(asked: list[frozenset[int]]) -> None:
    login = DisclosedFigures().to("local", "Ada")
    result = [f for f, is_told in zip(asked, tell(login, *asked), strict=True) if is_told]
    assert not identified(result)


@given(st.permutations(range(PERSONS)), st.integers(2, 4))
def test_a_month_less_its_weeks_tells_of_whoever_is_left(persons: list[int], count: int) -> None:
    """Any number of parts, in any order, and the whole with one person more."""
    whole, size = persons[:-1], (PERSONS - 2) // count
    parts = [frozenset(whole[n * size : (n + 1) * size]) for n in range(count)]
    more = frozenset().union(*parts) | {persons[-1]}
    login = DisclosedFigures().to("local", "Ada")
    result = [tell(login, figure)[0] for figure in [*parts, more]]
    assert result == [True] * count + [False]


def test_figures_that_follow_from_others_are_told() -> None:
    login = DisclosedFigures().to("local", "Ada")
    wards = [set(range(6)), set(range(6, 12)), set(range(12, 18))]
    assert tell(login, set(range(18)), *wards) == [True] * 4
    ages = [set(range(9)), set(range(9, 18))]
    assert tell(login, *ages) == [True, True]
    assert tell(login, wards[0] | wards[1], wards[1] | wards[2]) == [True, True]
