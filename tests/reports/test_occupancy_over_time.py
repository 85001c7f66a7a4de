"""Occupancy over time, against counting minute by minute."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from application.reports.definition import Report
from application.reports.inputs import InpatientStay
from application.reports.occupancy_over_time import OCCUPANCY_OVER_TIME_1
from tests.support.report_house import asked, calendar, figure, stay

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
FIRST, DAYS = datetime(2026, 3, 27, tzinfo=BERLIN), 4
"""On 29 March the clocks of Berlin change."""

times = st.integers(-600, DAYS * 24 * 60 + 600)


def clock_after(minutes: int) -> str:
    moment = FIRST.astimezone(UTC) + minutes * MINUTE
    return moment.strftime("%m-%d %H:%M")


def report(stays: list[InpatientStay], **more: Any) -> Report:
    return asked(
        OCCUPANCY_OVER_TIME_1,
        "03-27",
        "03-30",
        days=calendar("Europe/Berlin"),
        stays=tuple(stays),
        **more,
    )


def minute_by_minute(spans: list[tuple[int, int]]) -> dict[tuple[tuple[str, str], ...], list[int]]:
    """Return how many were there in each minute: of all, of each hour, weekday, and both."""
    result: dict[tuple[tuple[str, str], ...], list[int]] = {}
    moment, end = FIRST.astimezone(UTC), datetime(2026, 3, 31, tzinfo=BERLIN).astimezone(UTC)
    minute = 0
    while moment < end:
        local = moment.astimezone(BERLIN)
        hour = ("hour", f"{local.hour:02}")
        weekday = ("weekday", f"{local.isoweekday()} {local:%A}")
        here = sum(since <= minute < until for since, until in spans)
        for of in ((), (hour,), (weekday,), (weekday, hour)):
            result.setdefault(of, []).append(here)
        moment, minute = moment + MINUTE, minute + 1
    return result


@settings(max_examples=15)
@for_all(st.lists(st.tuples(times, st.integers(0, 3000)), max_size=12))
def test_every_figure_equals_counting_minute_by_minute(drawn: list[tuple[int, int]]) -> None:
    spans = [(since, since + lasts) for since, lasts in drawn]
    stays = [stay(f"s{n}", clock_after(a), clock_after(b)) for n, (a, b) in enumerate(spans)]
    counted = minute_by_minute(spans)
    values: dict[str, dict[Any, Any]] = {}
    for row in report(stays).rows:
        values.setdefault(row.figure.split("By")[0], {})[row.of] = row.value
    for of, minutes in counted.items():
        in_order = sorted(minutes)
        assert abs(values["meanOccupancy"][of] - sum(minutes) / len(minutes)) < 1e-9
        assert values["peakOccupancy"][of] == in_order[-1]
        for name, percent in (("medianOccupancy", 50), ("percentile90", 90)):
            assert values[name][of] == in_order[ceil(percent * len(minutes) / 100) - 1]
    within = range(len(counted[()]))
    assert values["arrivals"][()] == sum(a in within for a, b in spans if a < b)
    assert values["departures"][()] == sum(b in within for a, b in spans if a < b)
    by_hour = Counter[Any](of for of in values["meanOccupancy"] if len(of) == 1)
    assert len(by_hour) == 24 + 4


def test_a_ward_has_those_who_lay_in_it_and_types_can_be_left_out() -> None:
    moved = stay("moved", "03-27 00:00", "03-29 00:00", wards=[("03-28 00:00", "B")])
    day_case = stay("case", "03-28 08:00", "03-28 20:00", admission_type="DAY_CASE", ward="B")
    stays = (moved, day_case)
    of_b = asked(OCCUPANCY_OVER_TIME_1, "03-28", ward="B", stays=stays)
    assert (figure(of_b, "meanOccupancy"), figure(of_b, "peakOccupancy")) == (1.5, 2)
    assert (figure(of_b, "arrivals"), figure(of_b, "departures")) == (2, 1)
    without = {"without": "DAY_CASE"}
    of_b = asked(OCCUPANCY_OVER_TIME_1, "03-28", ward="B", stays=stays, parameters=without)
    assert (figure(of_b, "meanOccupancy"), figure(of_b, "medianOccupancy")) == (1, 1)
