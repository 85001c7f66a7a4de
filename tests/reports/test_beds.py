"""Tests of reports of beds: occupancy and turnover."""

from application.reports.beds import (
    BED_OCCUPANCY_RATE_1,
    BED_TURNOVER_INTERVAL_1,
    BED_TURNOVER_RATE_1,
)
from tests.support.report_house import asked, bed, figure, figures, of_one, stay

TWO_BEDS = (bed("1"), bed("2"))


def test_occupancy_is_of_the_beds_open_at_the_census_or_of_all() -> None:
    closed_for_a_week = bed("2", closed=[("03-01 12:00", "03-08 12:00")])
    result = asked(
        BED_OCCUPANCY_RATE_1,
        "03-01",
        "03-10",
        stays=(stay("one", "02-20 08:00", "03-06 08:00"),),
        beds=(bed("1"), closed_for_a_week),
    )
    assert figure(result, "serviceDays") == 5
    assert figure(result, "availableBedDays") == 20 - 7
    assert figure(result, "occupancyRate") == of_one(500, 13)
    assert figure(result, "occupancyRateOfAllBeds") == of_one(500, 20)


def test_a_ward_that_is_closed_for_a_week_has_no_occupancy_then() -> None:
    ward = [bed(code, closed=[("03-02 08:00", "03-09 08:00")]) for code in ("1", "2")]
    elsewhere = stay("elsewhere", "03-02 08:00", "03-12 08:00", ward="B")
    result = asked(
        BED_OCCUPANCY_RATE_1,
        "03-01",
        "03-09",
        ward="A",
        stays=(elsewhere,),
        beds=(*ward, bed("3", "B")),
    )
    assert figures(result, "dailyOccupancyRate") == [0, None, None, None, None, None, None, None, 0]
    assert figure(result, "availableBedDays") == 4


def test_a_bed_counts_from_the_day_on_which_there_is_one() -> None:
    result = asked(
        BED_OCCUPANCY_RATE_1, "03-01", "03-04", beds=(bed("1"), bed("new", since="03-03 10:00"))
    )
    assert figure(result, "bedDays") == figure(result, "availableBedDays") == 4 + 2


def test_occupancy_may_exceed_one_hundred_per_cent_and_then_the_interval_is_negative() -> None:
    crowd = (
        stay("in bed", "03-01 08:00", "03-03 08:00"),
        stay("corridor", "03-01 08:00", "03-03 08:00", ward=None),
        stay("by day", "03-02 08:00", "03-02 18:00"),
    )
    result = asked(BED_OCCUPANCY_RATE_1, "03-01", "03-02", stays=crowd, beds=(bed("1"),))
    assert figure(result, "occupancyRate") == 250
    result = asked(BED_TURNOVER_INTERVAL_1, "03-01", "03-03", stays=crowd, beds=(bed("1"),))
    assert figure(result, "turnoverInterval") == of_one(3 - 5, 3)


def test_a_newborn_in_its_mothers_bed_takes_none() -> None:
    mother = stay("mother", "03-01 08:00", "03-03 08:00")
    child = stay("child", "03-01 20:00", "03-03 08:00", admission_type="NEWBORN")
    shares = child._replace(spans=tuple(s._replace(shares=True) for s in child.spans))
    result = asked(BED_OCCUPANCY_RATE_1, "03-01", "03-02", stays=(mother, shares), beds=TWO_BEDS)
    assert figure(result, "occupancyRate") == 50


def test_turnover_counts_discharges_per_bed_directly_or_by_occupancy() -> None:
    stays = [stay(f"s{n}", f"03-{n:02} 08:00", f"03-{n + 2:02} 08:00") for n in (1, 3, 5)]
    result = asked(BED_TURNOVER_RATE_1, "03-01", "03-10", stays=stays, beds=TWO_BEDS)
    assert figure(result, "turnoverRate") == of_one(3, 2)
    assert figure(result, "turnoverRateIndirect") == of_one(6, 20) * 10 / 2
    result = asked(BED_TURNOVER_INTERVAL_1, "03-01", "03-10", stays=stays, beds=TWO_BEDS)
    assert figure(result, "turnoverInterval") == of_one(20 - 6, 3)


def test_without_discharges_nothing_turns_over() -> None:
    result = asked(BED_TURNOVER_INTERVAL_1, "03-01", "03-10", beds=TWO_BEDS)
    assert figure(result, "turnoverInterval") is None
