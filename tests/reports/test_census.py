"""The inpatient census: who is here at the census time."""

from application.reports.census import CENSUS_1
from tests.reports.house import asked, at, calendar, figures, stay

LEAVE = stay("leave", "03-01 23:50", "03-06 08:00", leaves=[("03-03 10:00", "03-05 16:00")])


def test_a_patient_on_leave_is_not_in_the_census() -> None:
    told = asked(CENSUS_1, "03-01", "03-06", stays=(LEAVE,))
    assert figures(told, "census") == [1, 1, 0, 0, 1, 0]


def test_268_were_here_16_came_and_stayed_9_went_2_came_and_went_and_275_are_here() -> None:
    were = [stay(f"w{n}", "04-28 10:00", "05-02 11:00" if n < 9 else None) for n in range(268)]
    came = [stay(f"c{n}", "05-02 09:00") for n in range(16)]
    both = [stay(f"b{n}", "05-02 08:00", "05-02 20:00") for n in range(2)]
    told = asked(CENSUS_1, "05-01", "05-02", stays=(*were, *came, *both))
    assert figures(told, "census") == [268, 275]


def test_who_comes_at_the_census_time_is_here_and_who_goes_then_is_not() -> None:
    comes = stay("comes", "03-01 23:59")
    goes = stay("goes", "03-01 08:00", "03-01 23:59")
    assert figures(asked(CENSUS_1, "03-01", stays=(comes,)), "census") == [1]
    assert figures(asked(CENSUS_1, "03-01", stays=(goes,)), "census") == [0]


def test_a_ward_counts_those_who_lie_in_it_then() -> None:
    moved = stay("moved", "03-01 08:00", "03-03 08:00", wards=[("03-02 12:00", "B")])
    assert figures(asked(CENSUS_1, "03-01", "03-03", ward="A", stays=(moved,)), "census") == [
        1,
        0,
        0,
    ]
    assert figures(asked(CENSUS_1, "03-01", "03-03", ward="B", stays=(moved,)), "census") == [
        0,
        1,
        0,
    ]


def test_where_clocks_go_back_over_the_census_time_the_later_one_counts() -> None:
    cairo = calendar("Africa/Cairo")  # on 29 October 2026 clocks show 23:59 twice
    goes = stay("goes", "10-29 08:00")
    goes = goes._replace(spans=(goes.spans[0]._replace(until=at("10-29 21:30")),))
    assert figures(asked(CENSUS_1, "10-29", days=cairo, stays=(goes,)), "census") == [0]
