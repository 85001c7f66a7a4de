"""Facts known to the day make room for what is known better, also to a process that has read nothing."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from application.hospital import Hospital
from domain.event_types import EVENTS
from domain.prescription.aggregate import Prescription
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from domain.time import Precision
from tests.support.aggregate_dsl import entry
from tests.support.hospital_dsl import admitted, ago, doctor, events, request
from tests.support.shared_history import Lived

KINDS: tuple[type[Stay] | type[Prescription], ...] = (Stay, Prescription)


def test_another_process_holds_a_discharge_of_that_day_after_the_visit(
    hospital: Hospital, another: Callable[[], Hospital]
) -> None:
    stay, staff = admitted(hospital, "M1", None, ago(days=5)), doctor(hospital)
    day = ago(days=2).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = request(day, precision=Precision.DAY)
    hospital.stays.discharge_patient(of_day, stay_id=stay, disposition=Disposition.HOME)

    answer = another().stays.record_visit(
        request(day.replace(hour=10)), stay_id=stay, practitioner=staff, kind=VisitKind.ROUND
    )

    moved = [event for event in answer.events if event.TOPIC == "stay.movement-corrected"]
    assert [event.precision for event in moved] == [Precision.DAY]  # type: ignore[attr-defined]


def test_each_kind_of_fact_whose_time_is_corrected_is_held_at_another_moment(lived: Lived) -> None:
    """By what its event declares: a new kind is here as soon as the busy history has it."""
    timed = {
        kind
        for kind in EVENTS.values()
        if any(kind.belongs_to(k) for k in KINDS) and isinstance(kind.CORRECTED_BY, tuple)
    }
    aggregates: dict[UUID, Stay | Prescription] = {}
    held = set()
    for _, _, event in events(lived.database):
        for kind in (k for k in KINDS if event.belongs_to(k)):
            aggregate = aggregates.setdefault(event.originator_id, kind.empty(event.originator_id))
            event.mutate(aggregate)
            id = event.fact or event.originator_id
            if type(event) in timed and id in {fact.id for fact in aggregate.timed_facts()}:
                held.add(type(event))
    assert timed - held == set()
    for aggregate in aggregates.values():
        aggregate.defer_checks()
        for fact in list(aggregate.timed_facts()):
            at = fact.at - timedelta(minutes=2)
            aggregate.retime(fact.id, at, Precision.DAY, entry("12:00"))
            (now,) = [f for f in aggregate.timed_facts() if f.id == fact.id]
            assert (now.at, now.precision) == (at, Precision.DAY)
