"""Reports on the use of beds: occupancy, turnover."""

from application.reports.calendar import Calendar
from application.reports.census import AHIMA, service_days
from application.reports.definition import (
    CALENDAR_DATE,
    HOSPITAL_DAY,
    Contributions,
    Definition,
    Figure,
    Subject,
    of_each_day,
)
from application.reports.formula import DAYS, TOTAL, Contribution, count, total
from application.reports.inputs import Inputs
from application.reports.length_of_stay import is_discharged, length


def _contributions(inputs: Inputs) -> Contributions:
    """Yield service days and discharges of each stay; days open, and all days, of each bed."""
    calendar = Calendar(inputs)
    contributions: dict[Subject, tuple[Contribution, ...]] = {}
    for stay in inputs.stays:
        served_days = service_days(stay, calendar, sharing_too=False)
        marks = [mark for days in served_days for mark in calendar.marks("service", days)]
        if is_discharged(stay, calendar):
            marks.append(Contribution("length", TOTAL, length(stay, calendar)))
        if marks:
            contributions[Subject("stay", stay.stay)] = tuple(marks)
    for bed in inputs.beds:
        if calendar.in_scope(bed.ward):
            days = calendar.at_censuses(bed.since, bed.until)
            closed_days = {day for spell in bed.closed for day in calendar.at_censuses(*spell)}
            contributions[Subject("bed", f"{bed.room}/{bed.bed}")] = (
                *calendar.marks("all", days),
                *(m for day in days if day not in closed_days for m in calendar.mark("open", day)),
            )
    return contributions


SERVICE_DAYS = Figure(
    "serviceDays",
    "days",
    "Inpatient service days; newborns in their mother's bed are left out.",
    total("service"),
)
AVAILABLE = Figure(
    "availableBedDays", "days", "Beds open at the census time, added up.", total("open")
)

BED_OCCUPANCY_RATE_1 = Definition(
    name="bed-occupancy-rate",
    version=1,
    title="Bed occupancy rate",
    formula="Inpatient service days x 100 / available bed days. May exceed 100 %: patients without a"
    " bed are served too, and a bed may serve several in one day. A bed being cleaned or reserved is"
    " available, a closed one is not.",
    day=HOSPITAL_DAY,
    source="NHS England KH03 (beds open and staffed at midnight); OECD Health Statistics (beds x days)",
    needs=frozenset({"stays", "beds"}),
    contributions=_contributions,
    figures=(
        Figure(
            "occupancyRate",
            "percent",
            "Of the beds open at the census time (KH03).",
            total("service") * 100 / total("open"),
            decimals=1,
        ),
        Figure(
            "occupancyRateOfAllBeds",
            "percent",
            "Of all beds, closures ignored (OECD).",
            total("service") * 100 / total("all"),
            decimals=1,
        ),
        Figure(
            "dailyOccupancyRate",
            "percent",
            "Of the beds open at the census time of the day.",
            total("service") * 100 / total("open"),
            of_each_day,
            decimals=1,
        ),
        SERVICE_DAYS,
        AVAILABLE,
        Figure("bedDays", "days", "Beds that there are, closed ones too, added up.", total("all")),
    ),
)

BED_TURNOVER_RATE_1 = Definition(
    name="bed-turnover-rate",
    version=1,
    title="Bed turnover rate",
    formula="How many patients a bed had. Direct: discharges / average beds. Indirect: occupancy x"
    " days / average length of stay. Beds are those open at the census time.",
    day=CALENDAR_DATE,
    source=AHIMA,
    needs=frozenset({"stays", "beds"}),
    contributions=_contributions,
    figures=(
        Figure(
            "turnoverRate",
            "discharges per bed",
            "Direct: discharges / average beds.",
            count("length") / (total("open") / DAYS),
            decimals=2,
        ),
        Figure(
            "turnoverRateIndirect",
            "discharges per bed",
            "Indirect: occupancy x days / average length of stay.",
            total("service") / total("open") * DAYS / (total("length") / count("length")),
            decimals=2,
        ),
        Figure("discharges", "discharges", "Discharges, deaths too.", count("length")),
        Figure(
            "averageBeds",
            "beds",
            "Beds open at the census time, on average.",
            total("open") / DAYS,
            decimals=1,
        ),
    ),
)

BED_TURNOVER_INTERVAL_1 = Definition(
    name="bed-turnover-interval",
    version=1,
    title="Bed turnover interval",
    formula="(Available bed days - inpatient service days) / discharges: how long a bed is empty"
    " between two patients. Negative where occupancy is over 100 %.",
    day=CALENDAR_DATE,
    source=AHIMA,
    needs=frozenset({"stays", "beds"}),
    contributions=_contributions,
    figures=(
        Figure(
            "turnoverInterval",
            "days",
            "Between two patients of a bed.",
            (total("open") - total("service")) / count("length"),
            decimals=2,
        ),
        AVAILABLE,
        SERVICE_DAYS,
        Figure("discharges", "discharges", "Discharges, deaths too.", count("length")),
    ),
)
