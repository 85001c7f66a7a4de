"""Reports on the delay from a fact to its record."""

from collections import defaultdict
from dataclasses import replace
from functools import partial

from application.reports.definition import (
    ANONYMOUS,
    DATE_OF_FACT,
    Contributions,
    Definition,
    Figure,
    Subject,
    exact_waits,
    of_each,
    of_the_whole,
    person_of,
)
from application.reports.formula import Contribution, count, median, percentile, total
from application.reports.inputs import Inputs

LATE = 3600
"""Seconds after which a fact is late in the record."""

MICROSECONDS = 1_000_000

NOWHERE = "without a bed"


def _round_to_seconds(delay: int) -> int:
    """Return a delay in whole seconds, half away from zero, as the first version has it."""
    seconds = (abs(delay) * 2 + MICROSECONDS) // (2 * MICROSECONDS)
    return seconds if delay >= 0 else -seconds


def _contributions(inputs: Inputs, second: int = MICROSECONDS) -> Contributions:
    contributions: defaultdict[Subject, list[Contribution]] = defaultdict(list)
    for about, kind, hour, ward, delays in inputs.entry_delays:
        of = (("hour", f"{hour:02}"), ("kind", kind), ("ward", ward or NOWHERE))
        marks = contributions[ANONYMOUS if about is None else person_of(inputs, about)]
        if second == 1:
            delays = [_round_to_seconds(delay) for delay in delays]
        marks += [Contribution("delay", of, delay) for delay in delays]
        late_count = sum(delay > LATE * second for delay in delays)
        if late_count:
            marks.append(Contribution("late", of, late_count))
    return {subject: tuple(marks) for subject, marks in contributions.items()}


_SHARE = total("late") * 100 / count("delay")

TIMELINESS_1 = Definition(
    name="timeliness",
    version=1,
    title="Timeliness of the record",
    formula="Recorded - occurred, of every fact about a patient that occurred in the period, as it was"
    " told first: a correction is another entry of a fact that is counted already. What was entered"
    " in error, and the cancels themselves, are left out.",
    day=DATE_OF_FACT,
    source="Wardbook's two clocks; HL7 v2 EVN-2 and EVN-6",
    needs=frozenset({"entry_delays", "persons"}),
    contributions=partial(_contributions, second=1),
    figures=tuple(
        Figure(name + apart, unit, meaning, formula, each, decimals)
        for apart, each in (
            ("", of_the_whole),
            ("ByWard", of_each("ward")),
            ("ByKind", of_each("kind")),
            ("ByHour", of_each("hour")),
        )
        for name, unit, meaning, formula, decimals in (
            ("facts", "facts", "How many occurred.", count("delay"), 0),
            ("medianDelay", "seconds", "The middle one.", median("delay"), 0),
            ("percentile90", "seconds", "Nine of ten came sooner.", percentile("delay", 90), 0),
            ("late", "percent", "Recorded more than an hour later.", _SHARE, 1),
        )
    ),
)
TIMELINESS_2 = replace(
    TIMELINESS_1,
    version=2,
    contributions=_contributions,
    figures=exact_waits(TIMELINESS_1.figures),
)
