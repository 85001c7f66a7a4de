"""Mistakes of other systems where hours begin at half of another zone's: see `test_covered`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from application.command import Recorded
from application.hospital import Hospital
from domain.allergies import Substance
from domain.prescription.events import Medication
from domain.refusals import Refusal
from domain.time import Precision
from tests.support.hospital_dsl import admitted, doctor, request

BEGINNING = datetime(2026, 3, 10, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ZONES = ("Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu", "Europe/Berlin", "UTC")


def is_accepted(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refusal:
        return False
    return True


def fact_of(recorded: Recorded) -> UUID:
    (event,) = recorded.events
    assert event.fact is not None
    return event.fact


@pytest.mark.parametrize("zone", ZONES)
def test_mistake_278_an_hour_is_that_of_utc_where_the_clocks_of_the_house_show_another(
    hospital: Hospital, zone: str
) -> None:
    """What may have been in one hour by the clocks of the house is accepted, and nothing else."""
    hospital.calendar.set_hospital_time(request(), time_zone=zone)
    stay = admitted(hospital, "M1", at=BEGINNING - timedelta(days=1))
    doctor(hospital)
    count = iter(range(10_000))

    def dose_after_a_stop(at: datetime, minute: datetime) -> bool:
        drug = hospital.prescriptions.write_prescription(
            request(BEGINNING - timedelta(hours=9)), stay_id=stay, medication=Medication(name="X")
        ).ids("prescription")[0]
        hospital.prescriptions.stop_prescription(request(minute), prescription_id=drug)
        dose = request(at, precision=Precision.HOUR)
        return is_accepted(
            lambda: hospital.prescriptions.record_administration(
                dose, prescription_id=drug, given=True
            )
        )

    def flag_lowered(at: datetime, minute: datetime) -> bool:
        raised = hospital.flags.raise_flag(
            request(minute), stay_id=stay, flag_kind="note", note="!"
        )
        lowered = request(at, precision=Precision.HOUR)
        flag = fact_of(raised)
        return is_accepted(lambda: hospital.flags.lower_flag(lowered, stay_id=stay, flag_id=flag))

    def consult_withdrawn(at: datetime, minute: datetime) -> bool:
        asked = hospital.consults.request_consult(request(minute), stay_id=stay, specialty="eyes")
        consult = fact_of(asked)
        withdrawn = request(at, precision=Precision.HOUR)
        return is_accepted(
            lambda: hospital.consults.withdraw_consult(withdrawn, consult_id=consult)
        )

    def allergy_ended(at: datetime, minute: datetime) -> bool:
        nut = Substance(name=f"Nut {next(count)}")
        recorded = hospital.allergies.record_allergy(
            request(minute), patient_mrn="M1", substance=nut
        )
        allergy = fact_of(recorded)
        ended = request(at, precision=Precision.HOUR)
        return is_accepted(
            lambda: hospital.allergies.end_allergy(ended, patient_mrn="M1", allergy_id=allergy)
        )

    @settings(max_examples=12, deadline=None)
    @example(0, 40, 10)
    @example(0, 70, 95)
    @given(st.integers(0, 3), st.integers(0, 180), st.integers(0, 180))
    def check(kind: int, minutes: int, other: int) -> None:
        at, minute = BEGINNING + minutes * MINUTE, BEGINNING + other * MINUTE
        local = at.astimezone(ZoneInfo(zone))
        first = local.replace(minute=0)
        last = first + timedelta(hours=1) - MINUTE
        if kind == 0:  # at the latest in the minute of the stop
            assert dose_after_a_stop(at, minute) == (first <= minute)
        else:
            tell = (flag_lowered, consult_withdrawn, allergy_ended)[kind - 1]
            assert tell(at, minute) == (minute <= last)

    check()
