"""Who would come: how many of each kind, at which hours, for how long, so that the beds are full."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from random import Random

from api.simulator.house import Kind
from domain.stay.events import AdmissionType

PRESSURE: dict[Kind, float] = {
    Kind.MEDICINE: 0.98,
    Kind.SURGERY: 1.05,
    Kind.INTENSIVE: 1.05,
    Kind.MATERNITY: 0.8,
    Kind.PAEDIATRICS: 0.75,
    Kind.EMERGENCY: 0.6,
}
"""The share of beds that would be taken on average, if nobody ever found the house full."""

PRESSURE_ON_SMALL_WARDS = 0.6
"""So much more, divided by the root of their beds: in a small ward chance leaves more beds empty."""

INTENSIVE_CARE_DAYS = 3.4
INTENSIVE_FROM_OUTSIDE = 0.2
EMERGENCY_DAYS = 0.5
ADULTS = (Kind.MEDICINE, Kind.SURGERY)

ROUND_THE_CLOCK = (
    *(3, 2.4, 2, 1.8, 1.7, 1.8, 2.2, 3, 4.2, 5.6, 6.6, 7),
    *(6.8, 6.6, 6.4, 6.2, 6.2, 6, 5.8, 5.4, 5, 4.6, 4, 3.5),
)
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

    def stays(self, lot: Random) -> float:
        """Days in the house: log-normal, its mean is ``days``."""
        return lot.lognormvariate(log(self.days) - self.spread**2 / 2, self.spread)

    def still_stays(self, lot: Random) -> float:
        """Days that are left of one found in the house: the long ones are found more often."""
        found = lot.lognormvariate(log(self.days) + self.spread**2 / 2, self.spread)
        return found * lot.random()


_E, _P, _T = AdmissionType.EMERGENCY, AdmissionType.ELECTIVE, AdmissionType.TRANSFER_IN
_D, _M = AdmissionType.DAY_CASE, AdmissionType.MATERNITY

LINES = (
    Line(_E, Kind.MEDICINE, 0.78, 5.8, 0.8, through_emergency=True),
    Line(_P, Kind.MEDICINE, 0.12, 3.2, 0.6, MORNINGS, WORKING_DAYS),
    Line(_T, Kind.MEDICINE, 0.10, 7.5, 0.8, AFTERNOONS),
    Line(_E, Kind.SURGERY, 0.36, 5.0, 0.8, through_emergency=True),
    Line(_P, Kind.SURGERY, 0.38, 4.2, 0.6, MORNINGS, WORKING_DAYS),
    Line(_D, Kind.SURGERY, 0.22, 0.6, 0.3, MORNINGS, WORKING_DAYS),
    Line(_T, Kind.SURGERY, 0.04, 6.0, 0.7, AFTERNOONS),
    Line(_E, Kind.PAEDIATRICS, 0.70, 2.9, 0.7),
    Line(_P, Kind.PAEDIATRICS, 0.20, 2.2, 0.5, MORNINGS, WORKING_DAYS),
    Line(_D, Kind.PAEDIATRICS, 0.10, 0.6, 0.3, MORNINGS, WORKING_DAYS),
    Line(_M, Kind.MATERNITY, 1.0, 3.2, 0.35, EVEN),
    Line(_T, Kind.INTENSIVE, 1.0, 9.0, 0.7, AFTERNOONS),
    Line(_E, Kind.EMERGENCY, 1.0, 0.9, 0.5),
)


def rates(beds: dict[Kind, int]) -> dict[Line, float]:
    """Arrivals a day of each line, such that the beds of each kind are about full."""
    found: dict[Line, float] = {}
    for line in LINES:
        filled = _filled(beds, line.goes_to)
        if line.goes_to is Kind.INTENSIVE:
            found[line] = INTENSIVE_FROM_OUTSIDE * filled / INTENSIVE_CARE_DAYS
        elif line.goes_to is not Kind.EMERGENCY:
            alike = [other for other in LINES if other.goes_to is line.goes_to]
            found[line] = filled * line.share / sum(o.share * o.days for o in alike)
    passing = sum(rate for line, rate in found.items() if line.through_emergency)
    for line in LINES:
        if line.goes_to is Kind.EMERGENCY:
            left = _filled(beds, line.goes_to) - passing * EMERGENCY_DAYS
            found[line] = max(left, 0.1 * beds[Kind.EMERGENCY]) / line.days
    return found


def critical_share(beds: dict[Kind, int]) -> float:
    """The share of adult inpatients who come to need intensive care, such that its beds are full."""
    filled = _filled(beds, Kind.INTENSIVE)
    wanted = (1 - INTENSIVE_FROM_OUTSIDE) * filled / INTENSIVE_CARE_DAYS
    adults = sum(
        rate
        for line, rate in rates(beds).items()
        if line.goes_to in ADULTS and line.admission is not AdmissionType.DAY_CASE
    )
    return min(wanted / adults, 0.4) if adults else 0.0


def _filled(beds: dict[Kind, int], kind: Kind) -> float:
    """How many beds of a kind would be taken on average."""
    filled = PRESSURE[kind] * beds[kind]
    if kind is not Kind.EMERGENCY:
        filled += PRESSURE_ON_SMALL_WARDS * sqrt(beds[kind])
    return filled
