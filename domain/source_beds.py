"""States of a bed as another system tells them: each from its moment on, until the next one.

The periods are the fold of the reports, by the clock of the source, so that any order of arrival
gives the same ones.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.room.state import BedState, Spell
from domain.source_visit import Version
from domain.time import TICK, Period

RANKS = (BedState.FREE, BedState.CLEANING, BedState.CLOSED, BedState.RESERVED)
"""Order of states that a source tells at one moment of its clock: the last one holds."""

SpellKey = tuple[BedState, str]
"""A reported period: its state, and the source's id of the report that begins it."""


@dataclass(frozen=True, slots=True)
class BedContext:
    """Context of a bed: periods that are not of the source, ends, and when it was left.

    ``ends``: moments at which a period that the source reported has ended for another reason.
    ``left_at``: when the bed was left last before a moment, if it is to be cleaned after that.
    """

    others: Sequence[Spell]
    ends: Sequence[tuple[BedState, datetime]]
    left_at: Callable[[datetime], datetime | None]


def reported_spells(
    reports: Iterable[Version], states: Iterable[BedState], context: BedContext
) -> dict[SpellKey, Period]:
    """Return the periods in which a bed is in some states, as its source tells."""
    in_order = sorted(reports, key=_turn)
    return {
        (state, id): period
        for state in states
        for id, period in _spells_in(state, in_order, context).items()
        if not period.is_empty
    }


def _turn(report: Version) -> tuple[datetime, tuple[datetime, int], int, str]:
    return report.occurred_at, report.clock, RANKS.index(_state_of(report)), report.source_id


def _state_of(report: Version) -> BedState:
    assert report.movement is not None
    assert report.movement.bed_state is not None
    return report.movement.bed_state


def _spells_in(
    state: BedState, reports: Sequence[Version], context: BedContext
) -> dict[str, Period]:
    others = [spell for spell in context.others if spell.state is state]
    stops = sorted(
        [spell.period.start for spell in others] + [at for of, at in context.ends if of is state]
    )
    spells: dict[str, Period] = {}
    current = None

    def ended_by(moment: datetime | None) -> bool:
        """Return whether the current period ends, without a report, by a moment; then it is cut."""
        assert current is not None
        start, end = spells[current].start, spells[current].end
        ends = [at for at in stops if start < at] + ([end] if end is not None else [])
        first = min(ends, default=None)
        if first is None or (moment is not None and first > moment):
            return False
        if state is not BedState.RESERVED:  # a reservation that was used was made until its end
            spells[current] = Period(start, first)
        return True

    for report in reports:
        at, reported_state, movement = report.occurred_at, _state_of(report), report.movement
        if current is not None and ended_by(at):
            current = None
        if reported_state is state:
            until = movement.expected_at if movement and state is BedState.RESERVED else None
            if current is not None:
                spells[current] = Period(spells[current].start, until)
            elif not any(at in spell.period for spell in others):
                current = report.source_id
                spells[current] = Period(at, until)
        elif reported_state is BedState.FREE and current is not None:
            spells[current] = Period(spells[current].start, at)
            current = None
        elif reported_state is BedState.FREE and state is BedState.CLEANING:
            left_at = context.left_at(at)
            periods = [*spells.values(), *(spell.period for spell in others)]
            ends = [period.end or at for period in periods if period.start <= at]
            if left_at is not None and left_at < at and not any(end >= left_at for end in ends):
                spells[report.source_id] = Period(at - TICK, at)
    if current is not None:
        ended_by(None)
    return spells
