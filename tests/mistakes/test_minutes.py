"""Mistakes of other systems about the seconds of one minute: see `test_covered` for the list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, iso, late, place

MINUTE = timedelta(minutes=1)
BEGIN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=5)


def second(seconds: int, minutes: int = 0) -> str:
    """Return a second of the minute in question, or of one so many minutes later."""
    return iso(BEGIN + minutes * MINUTE + timedelta(seconds=seconds))


def tried(house: Ward, command: str, at: str, /, **content: Any) -> str:
    return str(house.execute(command, **content, **late(at))["__typename"])


def clinical(ward: Ward, stay: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what may be told of a stay: a visit, a dose of a prescription, one without it."""
    drug = ward.prescription(stay, **late(ago(hours=9)))
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    unwritten = {"stayId": stay, "medication": {"name": "Morphine"}, "basis": "PROTOCOL"}
    return [
        ("recordVisit", visit),
        ("recordAdministration", {"prescriptionId": drug, "given": True}),
        ("recordUnprescribedDose", unwritten),
    ]


def test_mistake_195_what_happened_in_the_minute_of_a_discharge_is_recorded_in_either_order(
    ward: Ward,
) -> None:
    room, doctor = ward.room("a", "b"), ward.doctor()
    stay = ward.stay(f"{room}/a", at=ago(hours=10))
    result = clinical(ward, stay)
    result += [
        ("transferPatient", {"stayId": stay, **place(f"{room}/b")}),
        ("changeAttending", {"stayId": stay, "attending": doctor}),
    ]
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(second(0)))
    for command, content in result:
        for at in (second(40), second(0)):
            assert tried(ward, command, at, **content).endswith("Recorded"), command
        assert tried(ward, command, second(0, 1), **content) in (
            "OutsideStay",
            "StayNotOpen",
            "PrescriptionStateBroken",
        )
    answer = ward.ask(
        "query($id: ID!) { stay(id: $id) { status dischargedAt bed attending { staffNumber } } }",
        id=stay,
    )["stay"]
    assert (answer["status"], answer["dischargedAt"], answer["bed"]) == (
        "DISCHARGED",
        second(0),
        None,
    )
    assert answer["attending"]["staffNumber"] == doctor


def test_mistake_195_a_dose_or_visit_is_before_the_discharge_of_its_minute_whatever_its_second(
    ward: Ward,
) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", at=ago(hours=10))
    result = clinical(ward, stay)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(second(10)))
    for command, content in result:
        assert tried(ward, command, second(40), **content).endswith("Recorded"), command
    move = {"stayId": stay, **place(f"{room}/b")}
    assert tried(ward, "transferPatient", second(40), **move) == "StayNotOpen"
    assert tried(ward, "transferPatient", second(10), **move) == "StayRecorded"


def test_mistake_195_what_happened_in_the_minute_of_an_admission_is_no_care_before_it(
    ward: Ward,
) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", at=second(40))
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    unwritten = {"stayId": stay, "medication": {"name": "Morphine"}, "basis": "PROTOCOL"}
    move = {"stayId": stay, **place(f"{room}/b")}
    for command, content in (
        ("recordVisit", visit),
        ("recordUnprescribedDose", unwritten),
        ("transferPatient", move),
    ):
        assert tried(ward, command, second(10), **content).endswith("Recorded"), command
        assert tried(ward, command, second(59, -1), **content) == "OutsideStay"


@pytest.mark.parametrize("moved_at", [0, 20, 40, 59])
def test_mistake_195_a_move_in_the_minute_of_an_admission_is_out_of_its_first_bed(
    ward: Ward, moved_at: int
) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", at=second(40))
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(second(moved_at)))
    answer = ward.ask(
        "query($id: ID!) { stay(id: $id) { bed lastPlace { bed } stretches { bed } } }", id=stay
    )["stay"]
    stretches = answer.pop("stretches")
    assert answer == {"bed": "b", "lastPlace": {"bed": "b"}}
    assert [s["bed"] for s in stretches] == (["a", "b"] if moved_at > 40 else ["b"])
    ward.stay(f"{room}/a", at=second(0, 1))


def test_mistake_195_a_bed_or_a_patient_is_nowhere_twice_not_even_for_seconds(ward: Ward) -> None:
    bed, mrn = f"{ward.room('a')}/a", ward.patient()
    stay = ward.stay(bed, at=ago(hours=10), patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(second(40)))
    early = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE", **place(bed)}
    assert tried(ward, "admitPatient", second(39), **early) == "BedOccupied"
    assert tried(ward, "admitPatient", second(40), **early) == "StayRecorded"
    again = {"patientMrn": mrn, "admissionType": "EMERGENCY", "withoutBed": "hall"}
    assert tried(ward, "admitPatient", second(39), **again) == "PatientAlreadyAdmitted"
    assert tried(ward, "admitPatient", second(40), **again) == "StayRecorded"


def test_mistake_195_a_late_move_in_the_minute_of_the_discharge_is_into_a_bed_that_was_free(
    ward: Ward,
) -> None:
    room = ward.room("a", "b")
    stay, _ = ward.stay(f"{room}/a", at=ago(hours=10)), ward.stay(f"{room}/b", at=ago(hours=9))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(second(0)))
    move = {"stayId": stay, **place(f"{room}/b")}
    assert tried(ward, "transferPatient", second(40), **move) == "BedOccupied"


@pytest.mark.parametrize("step", ["stop", "complete", "hold"])
def test_mistake_195_a_dose_in_the_minute_of_a_step_is_recorded_in_either_order(
    ward: Ward, step: str
) -> None:
    drug = ward.prescription(ward.stay(at=ago(hours=10)), **late(ago(hours=9)))
    dose = {"prescriptionId": drug, "given": True}
    ward.record(f"{step}Prescription", prescriptionId=drug, **late(second(10)))
    for at in (second(40), second(5)):
        assert tried(ward, "recordAdministration", at, **dose) == "PrescriptionRecorded"
    assert tried(ward, "recordAdministration", second(0, 1), **dose) == "PrescriptionStateBroken"


def test_mistake_195_steps_of_one_minute_are_in_the_order_of_their_entry(ward: Ward) -> None:
    drug = ward.prescription(ward.stay(at=ago(hours=10)), **late(second(30, -2)))
    ward.record("holdPrescription", prescriptionId=drug, **late(second(40)))
    answer = ward.record("resumePrescription", prescriptionId=drug, **late(second(10)))
    assert answer["prescription"]["status"] == "ACTIVE"
    again = ward.record("holdPrescription", prescriptionId=drug, **late(second(20)))
    assert again["prescription"]["status"] == "HELD"


@pytest.mark.parametrize("step", ["hold", "stop", "complete", "change"])
def test_mistake_195_a_step_in_the_minute_of_a_discharge_is_recorded_in_either_order(
    ward: Ward, step: str
) -> None:
    query = "query($id: ID!) { prescription(id: $id) { status dose } }"
    content: dict[str, Any] = {"dose": "2 g"} if step == "change" else {}
    results = set()
    for is_first in (True, False):
        stay = ward.stay(at=ago(hours=10))
        drug = ward.prescription(stay, dose="1 g", **late(ago(hours=9)))
        order = {"prescriptionId": drug, **content, **late(second(20))}
        home = {"stayId": stay, "disposition": "HOME", **late(second(0))}
        commands = [(f"{step}Prescription", order), ("dischargePatient", home)]
        for command, input in commands if is_first else reversed(commands):
            ward.record(command, **input)
        results.add(tuple(ward.ask(query, id=drug)["prescription"].values()))
        again = {"prescriptionId": drug, **late(second(0, 1))}
        assert ward.execute("stopPrescription", **again)["__typename"] == "PrescriptionStateBroken"
    assert len(results) == 1


def test_mistake_195_the_last_dose_and_the_death_are_of_one_minute(ward: Ward) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=ago(hours=10), patientMrn=mrn)
    result = clinical(ward, stay)
    ward.record("recordDeath", patientMrn=mrn, **late(second(0)))
    for command, content in result:
        assert tried(ward, command, second(40), **content).endswith("Recorded"), command
        assert tried(ward, command, second(0, 1), **content) == "PatientDied"
    died = {"stayId": stay, "disposition": "DIED"}
    assert tried(ward, "dischargePatient", second(0), **died) == "StayRecorded"


def test_mistake_195_who_left_and_came_back_in_one_minute_did_whatever_the_seconds(
    ward: Ward,
) -> None:
    minute = ago(hours=3)[:17]
    for keep_bed in (True, False):
        room = ward.room("a", "b")
        stay = ward.stay(f"{room}/a", at=ago(hours=9))
        ward.record("startLeave", stayId=stay, keepBed=keep_bed, **late(f"{minute}40Z"))
        back = {} if keep_bed else place(f"{room}/b")
        ward.record("endLeave", stayId=stay, **back, **late(f"{minute}10Z"))
        ask = "query($id: ID!) { stay(id: $id) { status bed } }"
        bed = "a" if keep_bed else "b"
        assert ward.ask(ask, id=stay)["stay"] == {"status": "ADMITTED", "bed": bed}
        ward.record("startLeave", stayId=stay, keepBed=True, **late(ago(hours=2)))
        minute_later = ago(hours=1)[:17]
        ward.record("endLeave", stayId=stay, **late(f"{minute_later}40Z"))
        ward.record("startLeave", stayId=stay, keepBed=True, **late(f"{minute_later}10Z"))
        assert ward.ask(ask, id=stay)["stay"]["status"] == "ON_LEAVE"


@pytest.mark.parametrize("seconds", [(0, 0), (10, 40), (40, 10)], ids=str)
def test_mistake_431_a_dose_in_the_minute_between_two_holds_is_recorded(
    ward: Ward, seconds: tuple[int, int]
) -> None:
    """It was resumed for less than a minute; the dose was given then."""
    drug = ward.prescription(ward.stay(at=ago(hours=10)), **late(ago(hours=9)))
    of_drug = {"prescriptionId": drug}
    ward.record("holdPrescription", **of_drug, **late(second(0, -3)))
    ward.record("resumePrescription", **of_drug, **late(second(seconds[0])))
    again = ward.record("holdPrescription", **of_drug, **late(second(seconds[1])))
    assert again["prescription"]["status"] == "HELD"
    dose = {**of_drug, "given": True}
    for minute in (-1, 1):
        at = second(0, minute)
        assert tried(ward, "recordAdministration", at, **dose) == "PrescriptionStateBroken"
    ward.record("recordAdministration", **dose, **late(second(20)))
