"""Something that a decision rests on changes between the decision and the append: decided anew."""

from collections.abc import Callable
from typing import Any

import pytest

from application.hospital import Hospital
from application.ports import Stale
from domain.prescription.events import Medication
from domain.refusals import BedNotOpen, BedOccupied, OutsideStay, PatientDied
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from infrastructure.event_store.recorder import Recorder
from tests.support.hospital_dsl import ELECTIVE, admitted, ago, doctor, place, request, room

Act = Callable[[], object]
Another = Callable[[], Hospital]
Meanwhile = Callable[[Act], list[str]]


@pytest.fixture
def meanwhile(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Does something just before this hospital's next append, and tells how the appends end."""

    def arrange(act: Act) -> list[str]:
        acts = [act]
        ends: list[str] = []
        insert = recorder.insert_events

        def late(events: Any, **more: Any) -> Any:
            if acts:
                acts.pop()()
            try:
                positions = insert(events, **more)
            except Stale:
                ends.append("stale")
                raise
            ends.append("recorded")
            return positions

        monkeypatch.setattr(recorder, "insert_events", late)
        return ends

    return arrange


def test_prescribing_does_not_miss_a_discharge(
    hospital: Hospital,
    another: Another,
    meanwhile: Meanwhile,
) -> None:
    stay = admitted(hospital, "M1")
    elsewhere = another()
    ends = meanwhile(
        lambda: elsewhere.stays.discharge_patient(
            request(), stay_id=stay, disposition=Disposition.HOME
        )
    )

    with pytest.raises(OutsideStay):
        hospital.prescriptions.write_prescription(
            request(), stay_id=stay, medication=Medication(name="Paracetamol")
        )
    assert ends == ["stale"]


def test_a_discharge_stops_the_prescription_that_was_being_written(
    hospital: Hospital,
    another: Another,
    meanwhile: Meanwhile,
) -> None:
    stay = admitted(hospital, "M1")
    elsewhere = another()
    ends = meanwhile(
        lambda: elsewhere.prescriptions.write_prescription(
            request(), stay_id=stay, medication=Medication(name="Paracetamol")
        )
    )

    gone = hospital.stays.discharge_patient(request(), stay_id=stay, disposition=Disposition.HOME)

    assert ends == ["stale", "recorded"]
    assert [e.TOPIC for e in gone.events] == ["stay.discharged", "prescription.stopped"]


def test_closing_a_bed_does_not_miss_an_admission(
    hospital: Hospital,
    another: Another,
    meanwhile: Meanwhile,
) -> None:
    room(hospital)
    elsewhere = another()
    ends = meanwhile(lambda: admitted(elsewhere, "M1", "A/1/a"))

    with pytest.raises(BedOccupied):
        hospital.rooms.close_bed(request(reason="paint"), **place("A/1/a"))
    assert ends == ["stale"]


def test_an_admission_does_not_miss_a_closure(
    hospital: Hospital,
    another: Another,
    meanwhile: Meanwhile,
) -> None:
    room(hospital)
    hospital.patients.register_patient(request(), mrn="M1")
    elsewhere = another()
    ends = meanwhile(lambda: elsewhere.rooms.close_bed(request(reason="paint"), **place("A/1/a")))

    with pytest.raises(BedNotOpen):
        hospital.stays.admit_patient(
            request(), patient_mrn="M1", admission_type=ELECTIVE, **place("A/1/a")
        )
    assert ends == ["stale"]


def test_a_visit_does_not_miss_a_death(
    hospital: Hospital,
    another: Another,
    meanwhile: Meanwhile,
) -> None:
    stay = admitted(hospital, "M1", at=ago(hours=2))
    staff = doctor(hospital)
    elsewhere = another()
    ends = meanwhile(lambda: elsewhere.patients.record_death(request(ago(hours=1)), stay_id=stay))

    with pytest.raises(PatientDied):
        hospital.stays.record_visit(
            request(), stay_id=stay, practitioner=staff, kind=VisitKind.ROUND
        )
    assert ends == ["stale"]
