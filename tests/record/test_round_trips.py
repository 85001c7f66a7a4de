"""Tests of round trips of a command: each is a wait, however fast the answer."""

from collections.abc import Callable
from uuid import UUID

import pytest

from application.hospital import Hospital
from domain.prescription.events import Medication
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
