"""Strategies of corrections, as a ward says them."""

from uuid import UUID

from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason, Discharge, Fact
from tests.support.aggregate_dsl import Act, at, entry, maybe_at
from tests.support.stays import To, place

IN_ERROR, REVERSED = CancellationReason.ENTERED_IN_ERROR, CancellationReason.DECISION_REVERSED


def fact_at(stay: Stay, clock: str, kind: type[Fact] = Fact) -> UUID:
    """The last fact recorded of those that happened at that time."""
    result = [f for f in stay.history.facts if f.at == at(clock) and isinstance(f, kind)]
    return max(result, key=lambda f: f.order).id


def cancel(
    of: str, because: CancellationReason = IN_ERROR, *, to: To | None = None, when: str = "20:00"
) -> Act[Stay]:
    """Take back what happened at ``of``; reversed at ``when``, perhaps to another place."""
    there = None if to is None else place(to)
    return lambda stay: stay.cancel_movement(fact_at(stay, of), because, there, entry(when))


def correct(of: str, *, at_: str | None = None, to: To | None = None) -> Act[Stay]:
    there = None if to is None else place(to)
    return lambda stay: stay.correct_movement(
        fact_at(stay, of), maybe_at(at_), None, there, entry("20:00")
    )


def cancel_discharge(
    because: CancellationReason, *, to: To | None = None, when: str = "20:00"
) -> Act[Stay]:
    there = None if to is None else place(to)

    def act(stay: Stay) -> None:
        discharge = stay.history.discharge
        assert isinstance(discharge, Discharge)
        stay.cancel_discharge(discharge, because, there, entry(when))

    return act


def cancel_admission(
    because: CancellationReason = IN_ERROR, *, void: bool = False, when: str = "20:00"
) -> Act[Stay]:
    return lambda stay: stay.cancel_admission(because, void, entry(when))
