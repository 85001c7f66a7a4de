"""Tests of round trips of a command: each is a wait, however fast the answer."""

from collections.abc import Callable
from uuid import UUID

import pytest

from application.commands.movement_reports import MovementReport, PatientReport
from application.hospital import Hospital
from domain.prescription.events import Medication
from domain.source_visit import SourceKind
from domain.stay.events import VisitKind
from infrastructure.event_store.recorder import Recorder
from tests.support.hospital_dsl import admitted, ago, doctor, place, readmitted, request, room

Act = Callable[[Hospital, UUID, UUID], object]

ACTS: dict[str, tuple[Act, int]] = {
    "register": (lambda h, stay, drug: h.patients.register_patient(request(), mrn="new"), 2),
    "admit": (lambda h, stay, drug: readmitted(h, "waiting", "A/1/a"), 3),
    "transfer": (
        lambda h, stay, drug: h.stays.transfer_patient(request(), stay_id=stay, **place("A/1/c")),
        3,
    ),
    "visit": (
        lambda h, stay, drug: h.stays.record_visit(
            request(), stay_id=stay, practitioner="D1", kind=VisitKind.ROUND
        ),
        2,
    ),
    "dose": (
        lambda h, stay, drug: h.prescriptions.record_administration(
            request(), prescription_id=drug, given=True
        ),
        2,
    ),
}
"""Commands on what was read before, and their round trips: first what is named, last the append."""


@pytest.mark.parametrize("name", ACTS)
def test_a_command_asks_no_more_often_than_it_must(hospital: Hospital, name: str) -> None:
    room(hospital, "1", "a", "b", "c")
    doctor(hospital)
    hospital.patients.register_patient(request(ago(days=1)), mrn="waiting")
    stay = admitted(hospital, "here", "A/1/b", ago(hours=3))
    (drug,) = hospital.prescriptions.write_prescription(
        request(ago(hours=2)), stay_id=stay, medication=Medication(name="Paracetamol")
    ).ids("prescription")
    recorder = hospital.pipeline.recorder
    assert isinstance(recorder, Recorder)
    before = recorder.pool.get_stats()["requests_num"]
    act, most = ACTS[name]

    act(hospital, stay, drug)

    assert recorder.pool.get_stats()["requests_num"] - before <= most


def test_a_movement_of_another_system_asks_no_more_often_than_it_must(hospital: Hospital) -> None:
    """First all that is named, then the beds, last the append; what is not remembered beside them."""
    room(hospital, "1", "a", "b")
    bed, known = place("A/1/a"), PatientReport(family_name="Every")
    stories = {
        "admission": MovementReport(
            kind=SourceKind.ADMIT, occurred_at=ago(hours=4), patient_mrn="new", patient=known, **bed
        ),
        "transfer": MovementReport(
            kind=SourceKind.TRANSFER, occurred_at=ago(hours=3), **place("A/1/b")
        ),
        "leave": MovementReport(kind=SourceKind.START_LEAVE, occurred_at=ago(hours=2)),
        "return": MovementReport(kind=SourceKind.END_LEAVE, occurred_at=ago(hours=1), **bed),
    }
    recorder = hospital.pipeline.recorder
    assert isinstance(recorder, Recorder)
    fields = {}
    for name, movement in stories.items():
        before = recorder.pool.get_stats()["requests_num"]
        hospital.source_movements.record_source_movement(
            request(reason="as reported"),
            source_id=name,
            source_recorded_at=ago(minutes=5),
            movement=movement,
            system="north",
            source_visit="V1",
        )
        fields[name] = recorder.pool.get_stats()["requests_num"] - before
    assert hospital.source_movements.stay_of("north", "V1")
    assert fields == {"admission": 4, "transfer": 3, "leave": 3, "return": 3}


def test_a_statement_of_a_command_is_planned_once_for_a_connection(hospital: Hospital) -> None:
    """Its plan is right for any values: to make it anew for each takes longer than to execute it."""
    room(hospital, "1", "a", "b")
    stay = admitted(hospital, "here", "A/1/a", ago(hours=3))
    for bed in "ba" * 10:
        hospital.stays.transfer_patient(request(), stay_id=stay, **place(f"A/1/{bed}"))
    recorder = hospital.pipeline.recorder
    assert isinstance(recorder, Recorder)
    with recorder.pool.connection() as connection:
        plans = connection.execute(
            "SELECT statement, custom_plans FROM pg_prepared_statements"
            " WHERE generic_plans + custom_plans > 0"
        ).fetchall()
    assert plans
    assert [statement for statement, custom_plans in plans if custom_plans] == []
