"""Demand: how many patients of each kind come, at which hours and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from random import Random

from api.simulator.house import Kind
from domain.stay.events import AdmissionType

PRESSURE: dict[Kind, float] = {
    Kind.MEDICINE: 0.98,
    Kind.SURGERY: 1.05,
    Kind.INTENSIVE: 0.3,
    Kind.MATERNITY: 0.8,
    Kind.PAEDIATRICS: 0.75,
    Kind.EMERGENCY: 0.25,
}
"""The share of beds that would be occupied on average by those who come to that kind of ward itself,
if nobody ever found the house full. Others reach intensive care and the emergency unit too."""

PRESSURE_ON_SMALL_WARDS = 0.6
"""So much more, divided by the root of their beds: in a small ward chance leaves more beds empty."""

ROUND_THE_CLOCK = (2,) * 7 + (4, 5, 6) + (7,) * 8 + (5,) * 4 + (4, 3)
EVEN = (1,) * 24
MORNINGS = (0,) * 7 + (6, 8, 6, 3, 1) + (0,) * 12
AFTERNOONS = (0,) * 10 + (2, 3, 4, 5, 5, 4, 3, 1) + (0,) * 6
EVERY_DAY = (1.15, 1.03, 1, 1, 1.02, 0.92, 0.88)
WORKING_DAYS = (1.3, 1.3, 1.2, 1.2, 1, 0, 0)
"""Monday to Sunday."""


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of patients: how they come, to which kind of ward, and for how many days (mean).

    ``share`` is that among those who come to that kind of ward.
    """

    admission: AdmissionType
    goes_to: Kind
    share: float
    days: float
    spread: float
    by_hour: Sequence[float] = ROUND_THE_CLOCK
    by_weekday: Sequence[float] = EVERY_DAY
    through_emergency: bool = False

    def stay(self, rng: Random) -> float:
        """Return the days of a stay: log-normal, its mean is ``days``."""
        return rng.lognormvariate(log(self.days) - self.spread**2 / 2, self.spread)

    def rest_of_stay(self, rng: Random) -> float:
        """Return the days left of a patient found in the house: long stays are found more often."""
        return rng.lognormvariate(log(self.days) + self.spread**2 / 2, self.spread) * rng.random()


LINES = (
    Line(AdmissionType.EMERGENCY, Kind.MEDICINE, 0.78, 5.8, 0.8, through_emergency=True),
    Line(AdmissionType.ELECTIVE, Kind.MEDICINE, 0.12, 3.2, 0.6, MORNINGS, WORKING_DAYS),
    Line(AdmissionType.TRANSFER_IN, Kind.MEDICINE, 0.10, 7.5, 0.8, AFTERNOONS),
    Line(AdmissionType.EMERGENCY, Kind.SURGERY, 0.40, 5.0, 0.8, through_emergency=True),
    Line(AdmissionType.ELECTIVE, Kind.SURGERY, 0.38, 4.2, 0.6, MORNINGS, WORKING_DAYS),
    Line(AdmissionType.DAY_CASE, Kind.SURGERY, 0.22, 0.6, 0.3, MORNINGS, WORKING_DAYS),
    Line(AdmissionType.EMERGENCY, Kind.PAEDIATRICS, 0.70, 2.9, 0.7),
    Line(AdmissionType.ELECTIVE, Kind.PAEDIATRICS, 0.30, 2.2, 0.5, MORNINGS, WORKING_DAYS),
    Line(AdmissionType.MATERNITY, Kind.MATERNITY, 1.0, 3.2, 0.35, EVEN),
    Line(AdmissionType.TRANSFER_IN, Kind.INTENSIVE, 1.0, 9.0, 0.7, AFTERNOONS),
    Line(AdmissionType.EMERGENCY, Kind.EMERGENCY, 1.0, 0.9, 0.5),
)


def rates(beds: dict[Kind, int]) -> dict[Line, float]:
    """Return the arrivals a day of each line, such that the beds of each kind are about full."""
    rate: dict[Line, float] = {}
    for line in LINES:
        pressure = PRESSURE[line.goes_to] * beds[line.goes_to]
        if line.goes_to is not Kind.EMERGENCY:
            pressure += PRESSURE_ON_SMALL_WARDS * sqrt(beds[line.goes_to])
        lines = [other for other in LINES if other.goes_to is line.goes_to]
        rate[line] = pressure * line.share / sum(other.share * other.days for other in lines)
    return rate
