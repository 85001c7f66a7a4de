"""Facts known to the day make room for what is known better, also to a process that has read nothing."""

from collections.abc import Callable

from application.hospital import Hospital
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from domain.time import Precision
from tests.support.hospital_dsl import admitted, ago, doctor, request


def test_another_process_holds_a_discharge_of_that_day_after_the_visit(
    hospital: Hospital, another: Callable[[], Hospital]
) -> None:
    stay, staff = admitted(hospital, "M1", None, ago(days=5)), doctor(hospital)
    day = ago(days=2).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = request(day, precision=Precision.DAY)
    hospital.stays.discharge_patient(of_day, stay_id=stay, disposition=Disposition.HOME)

    told = another().stays.record_visit(
        request(day.replace(hour=10)), stay_id=stay, practitioner=staff, kind=VisitKind.ROUND
    )

    moved = [event for event in told.events if event.TOPIC == "stay.movement-corrected"]
    assert [event.precision for event in moved] == [Precision.DAY]  # type: ignore[attr-defined]
