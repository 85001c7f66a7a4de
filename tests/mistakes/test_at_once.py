"""Mistakes of other systems when two commands come at the same time: see `test_covered`."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import WRONG, movement
from tests.support.questions import stays_of

ROUNDS = 6


def at_once(ward: Ward, *commands: tuple[str, dict[str, Any]]) -> list[str]:
    """Return the outcomes of commands that are sent at the same moment."""
    together = Barrier(len(commands))

    def send(command: tuple[str, dict[str, Any]]) -> str:
        together.wait(timeout=20)
        return str(ward.execute(command[0], **command[1])["__typename"])

    with ThreadPoolExecutor(len(commands)) as threads:
        return list(threads.map(send, commands))


def test_mistake_147_a_bed_is_given_for_no_time_and_to_another_at_once(ward: Ward) -> None:
    for _ in range(ROUNDS):
        one, other, at = ward.room("a", "b"), ward.room("a"), ago(days=1)
        stay = ward.stay(f"{one}/a", at)
        first = movement(ward, stay, "STAY_ROOM_ALLOCATED")
        ward.record("transferPatient", stayId=stay, **place(f"{one}/b"), **late(at))
        admission = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE"}

        result = at_once(
            ward,
            ("correctMovement", {"movementId": first, **place(f"{other}/a"), **WRONG}),
            ("admitPatient", {**admission, **place(f"{other}/a"), **late(ago(days=2))}),
        )

        assert sorted(result) == ["BedOccupied", "StayRecorded"]


def test_mistake_148_a_person_is_admitted_beside_a_stay_of_no_duration_at_once(
    ward: Ward,
) -> None:
    for _ in range(ROUNDS):
        mrn, at = ward.patient(), ago(days=1)
        brief = {"dischargedAt": at, "disposition": "HOME", **late(at)}
        admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}

        result = at_once(
            ward,
            ("admitPatient", {**admission, **brief}),
            ("admitPatient", {**admission, **late(ago(days=2))}),
        )

        assert sorted(result) == ["PatientAlreadyAdmitted", "StayRecorded"]
        assert len(stays_of(ward, mrn)) == 1


def test_mistake_148_a_death_and_an_admission_after_it_at_once(ward: Ward) -> None:
    for _ in range(ROUNDS):
        mrn = ward.patient()
        result = at_once(
            ward,
            ("recordDeath", {"patientMrn": mrn, **late(ago(days=2))}),
            (
                "admitPatient",
                {"patientMrn": mrn, "admissionType": "EMERGENCY", **late(ago(days=1))},
            ),
        )
        assert len([t for t in result if t.endswith("Recorded")]) == 1, result
