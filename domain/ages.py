"""Ages in completed years, and the groups of ages that figures tell."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from datetime import date

AGE_BOUNDS = (0, 1, 5, 15, 18, 25, 35, 45, 55, 65, 75, 85)
"""The ages in years at which a group may begin: finer ones are told of nobody."""

LONGEST_LIFE = 125 * 366
"""Days; whoever would be older is in the last group."""


def completed_years(birth_date: date, day: date) -> int:
    """Return the age on a day in completed years; 0 before the birth."""
    has_had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return max(day.year - birth_date.year - (not has_had_birthday), 0)


def blurred_birth_date(birth_date: date, days: Collection[date]) -> date | None:
    """Return the middle of all birth dates that have the same age groups on some days.

    It follows from these groups alone. None without days: no figure asks.
    """
    if not days:
        return None

    def groups(ordinal: int) -> list[int]:
        born = date.fromordinal(ordinal)
        return [bisect_right(AGE_BOUNDS, completed_years(born, day)) for day in days]

    first = max(1, min(days).toordinal() - LONGEST_LIFE)
    last = max(days).toordinal()
    born = min(max(birth_date.toordinal(), first), last)
    own_groups = groups(born)
    earliest = bisect_left(range(first, born), True, key=lambda n: groups(n) == own_groups) + first
    latest = bisect_left(range(born, last), True, key=lambda n: groups(n + 1) != own_groups) + born
    return date.fromordinal((earliest + latest) // 2)
