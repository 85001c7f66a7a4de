"""Admissions, discharges, deaths and the rates made of them."""

from fractions import Fraction
from typing import Any

from application.reports.formula import Value
from application.reports.movements import MOVEMENTS_1
from tests.support.report_house import asked, at, figure, stay


def figures_of(*stays: object, ward: str | None = None, **inputs: Any) -> dict[str, Value]:
    """The figures of March 2026."""
    report = asked(MOVEMENTS_1, "03-01", "03-31", ward=ward, stays=stays, **inputs)
    return {row.figure: row.value for row in report.rows}


def test_of_ten_discharges_with_three_deaths_one_within_48_hours_the_net_rate_is_two_of_nine() -> (
    None
):
    alive = [stay(f"a{n}", "03-02 08:00", "03-09 08:00") for n in range(7)]
    late = [stay(f"l{n}", "03-02 08:00", "03-09 08:00", disposition="DIED") for n in range(2)]
    early = stay("e", "03-02 08:00", "03-03 08:00", disposition="DIED")
    result = figures_of(*alive, *late, early)
    assert (result["discharges"], result["deaths"], result["deathsWithin48h"]) == (10, 3, 1)
    assert result["grossDeathRate"] == 30
    assert result["netDeathRate"] == Fraction(200, 9)


def test_a_death_exactly_48_hours_after_the_admission_is_not_within_48_hours() -> None:
    assert (
        figures_of(stay("x", "03-02 08:00", "03-04 08:00", disposition="DIED"))["deathsWithin48h"]
        == 0
    )
    assert (
        figures_of(stay("x", "03-02 08:00", "03-04 07:59", disposition="DIED"))["deathsWithin48h"]
        == 1
    )


def test_the_time_of_the_death_counts_not_that_of_the_discharge() -> None:
    dead = stay("x", "03-02 08:00", "03-04 10:00", disposition="DIED")
    result = figures_of(dead, deaths={dead.patient: at("03-04 07:00")})
    assert result["deathsWithin48h"] == 1


def test_without_a_discharge_there_is_no_rate() -> None:
    result = figures_of(stay("x", "03-02 08:00"))
    assert (result["admissions"], result["grossDeathRate"], result["netDeathRate"]) == (
        1,
        None,
        None,
    )


def test_a_stay_counts_where_its_ends_lie() -> None:
    before = stay("before", "02-27 08:00", "03-04 08:00")
    after = stay("after", "03-30 08:00", "04-02 08:00")
    result = figures_of(before, after)
    assert (result["admissions"], result["discharges"]) == (1, 1)


def test_who_comes_after_the_census_belongs_to_the_next_day() -> None:
    late = stay("late", "03-31 23:59:30")
    assert figure(asked(MOVEMENTS_1, "03-31", stays=(late,)), "admissions") == 0
    assert figure(asked(MOVEMENTS_1, "04-01", stays=(late,)), "admissions") == 1


def test_a_reversed_discharge_was_none() -> None:
    back = stay("x", "03-02 08:00", "03-20 08:00", away=[("03-05 08:00", "03-06 08:00")])
    assert figures_of(back)["discharges"] == 1


def test_a_ward_counts_who_moves_in_and_out_of_it() -> None:
    moved = stay(
        "x", "03-02 08:00", "03-20 08:00", wards=[("03-05 12:00", "B"), ("03-07 12:00", "A")]
    )
    a, b = figures_of(moved, ward="A"), figures_of(moved, ward="B")
    counts = ("admissions", "transfersIn", "transfersOut", "discharges")
    assert [a[name] for name in counts] == [1, 1, 1, 1]
    assert [b[name] for name in counts] == [0, 1, 1, 0]
    assert [figures_of(moved)[name] for name in counts] == [1, 0, 0, 1]


def test_who_waited_in_a_corridor_is_admitted_by_the_ward_of_the_first_bed() -> None:
    waited = stay("x", "03-02 08:00", "03-20 08:00", ward=None, wards=[("03-02 14:00", "A")])
    result = figures_of(waited, ward="A")
    assert (result["admissions"], result["transfersIn"]) == (1, 0)


def test_a_leave_is_no_transfer() -> None:
    away = stay("x", "03-02 08:00", "03-20 08:00", leaves=[("03-05 12:00", "03-07 12:00")])
    result = figures_of(away, ward="A")
    assert (result["transfersIn"], result["transfersOut"]) == (0, 0)
