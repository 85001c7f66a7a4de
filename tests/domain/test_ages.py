"""Ages in completed years, and what is left of a birth date by the groups of ages."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from application.reports.groups import MOVEMENTS_BY_AGE_AND_SEX_1, _age_group
from domain.ages import AGE_BOUNDS, blurred_birth_date, completed_years

DAYS = st.lists(st.dates(date(1990, 1, 1), date(2040, 12, 31)), min_size=1, max_size=6)
BORN = st.dates(date(1850, 1, 1), date(2045, 1, 1))


@given(BORN, DAYS)
def test_a_blurred_birth_date_has_the_same_groups_on_each_day(born: date, days: list[date]) -> None:
    blurred = blurred_birth_date(born, days)
    assert blurred is not None
    for day in days:
        groups = {_age_group(completed_years(of, day), AGE_BOUNDS) for of in (born, blurred)}
        assert len(groups) == 1


@given(BORN, st.dates(date(1990, 1, 1), date(2040, 12, 31)), st.integers(-3000, 3000))
def test_it_tells_no_more_than_the_group(born: date, day: date, shift: int) -> None:
    """Whoever is in the same group on that day has the same blurred birth date."""
    other = born + timedelta(days=shift)
    groups = {_age_group(completed_years(of, day), AGE_BOUNDS) for of in (born, other)}
    same = blurred_birth_date(born, [day]) == blurred_birth_date(other, [day])
    assert same == (len(groups) == 1)


def test_whoever_was_never_admitted_leaves_no_birth_date() -> None:
    assert blurred_birth_date(date(1980, 1, 1), []) is None


def test_the_groups_of_the_report_begin_where_a_group_may() -> None:
    (ages,) = MOVEMENTS_BY_AGE_AND_SEX_1.parameters
    assert set(ages.default) <= set(AGE_BOUNDS)  # type: ignore[arg-type]
