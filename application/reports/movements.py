"""Reports on admissions, discharges and deaths: counts of a period and the rates made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

from application.reports.calendar import Calendar, first_ward, last_ward, present
from application.reports.census import AHIMA
from application.reports.definition import HOSPITAL_DAY, Contributions, Definition, Figure, of_stays
from application.reports.formula import TOTAL, Contribution, total
from application.reports.inputs import InpatientStay, Inputs
from domain.stay.facts import Disposition

EARLY = timedelta(hours=48)
"""A death so soon after the admission is left out of the net death rate."""


def wards(stay: InpatientStay) -> Iterator[tuple[datetime, str]]:
    """Return the wards from each moment on; leaves, and places without a bed, passed over."""
    last = None
    for span in stay.spans:
        if present(span) and span.ward not in (None, last):
            last = span.ward
            yield span.since, last


def _contributions(inputs: Inputs, by_fact: bool = True) -> Contributions:
    return of_stays(partial(movements_of, inputs.deaths, by_fact))(inputs)


def movements_of(
    deaths: Mapping[str, datetime], by_fact: bool, stay: InpatientStay, calendar: Calendar
) -> Iterator[Contribution]:
    """Yield the contributions of a stay: admission, transfers, discharge, death.

    ``deaths``: the time of death by patient; ``by_fact``: a death counts whatever the disposition is.
    """
    if calendar.ward is not None:
        for (_, ward_left), (since, next_ward) in pairwise(wards(stay)):
            if calendar.counts(since) and calendar.ward in (ward_left, next_ward):
                measure = "transferred_out" if ward_left == calendar.ward else "transferred_in"
                yield Contribution(measure, TOTAL, 1)
    if calendar.counts(stay.admitted_at) and calendar.in_scope(first_ward(stay)):
        yield Contribution("admitted", TOTAL, 1)
    discharged_at = stay.discharged_at
    if (
        discharged_at is None
        or not calendar.counts(discharged_at)
        or not calendar.in_scope(last_ward(stay))
    ):
        return
    yield Contribution("discharged", TOTAL, 1)
    died_here = (
        by_fact and deaths.get(stay.patient, datetime.max.replace(tzinfo=UTC)) <= discharged_at
    )
    if died_here or stay.disposition == Disposition.DIED:
        yield Contribution("died", TOTAL, 1)
        if min(deaths.get(stay.patient, discharged_at), discharged_at) - stay.admitted_at < EARLY:
            yield Contribution("died_early", TOTAL, 1)


MOVEMENTS_1 = Definition(
    name="admissions-discharges-deaths",
    version=1,
    title="Admissions, discharges and deaths",
    formula="Gross death rate = deaths x 100 / discharges. Net death rate = (deaths - deaths within"
    " 48 hours of the admission) x 100 / (discharges - those deaths). Discharges include deaths. The"
    " ward in which a patient lies first admits, the one in which she lies last discharges; in between"
    " are transfers.",
    day=HOSPITAL_DAY,
    source=AHIMA,
    needs=frozenset({"stays", "deaths"}),
    contributions=partial(_contributions, by_fact=False),
    figures=(
        Figure(
            "admissions",
            "admissions",
            "Stays that began; those whose admission was cancelled did not.",
            total("admitted"),
        ),
        Figure(
            "transfersIn", "transfers", "Into the ward; 0 of the hospital.", total("transferred_in")
        ),
        Figure(
            "transfersOut",
            "transfers",
            "Out of the ward; 0 of the hospital.",
            total("transferred_out"),
        ),
        Figure(
            "discharges", "discharges", "Stays that ended, deaths included.", total("discharged")
        ),
        Figure("deaths", "deaths", "Stays that ended by death.", total("died")),
        Figure(
            "deathsWithin48h",
            "deaths",
            "Those less than 48 hours after the admission.",
            total("died_early"),
        ),
        Figure(
            "grossDeathRate",
            "percent",
            "Of the discharges, how many were deaths.",
            total("died") * 100 / total("discharged"),
            decimals=2,
        ),
        Figure(
            "netDeathRate",
            "percent",
            "The same without deaths within 48 hours, above and below the line.",
            (total("died") - total("died_early"))
            * 100
            / (total("discharged") - total("died_early")),
            decimals=2,
        ),
    ),
)

MOVEMENTS_2 = replace(MOVEMENTS_1, version=2, contributions=_contributions)
"""It counts the fact of death, whatever the disposition says."""
