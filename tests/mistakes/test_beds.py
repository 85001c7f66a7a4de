"""Mistakes of other systems about beds: see `test_covered` for the list and what is left out."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.correction_examples import IN_ERROR
from tests.support.hospital_dsl import at_once
from tests.support.questions import stays_of, stretches, the_stay

CLIENTS = 20


def only_one(told: list[Any]) -> dict[str, Any]:
    """The one answer that was recorded; all others must have heard that this stay has the bed."""
    (won,) = [answer for answer in told if answer["__typename"] == "StayRecorded"]
    lost = [answer for answer in told if answer is not won]
    assert {answer["__typename"] for answer in lost} == {"BedOccupied"}
    assert {answer["byStay"] for answer in lost} == {won["stay"]["id"]}
    return dict(won["stay"])


def test_mistake_01_a_backdated_transfer_does_not_give_two_beds_at_once(ward: Ward) -> None:
    room, admitted = ward.room("a", "b", "c"), ago(hours=30)
    stay = ward.stay(f"{room}/a", admitted)
    second, first = ago(hours=10), ago(hours=20)
    ward.record("transferPatient", stayId=stay, **place(f"{room}/c"), **late(second))
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(first))

    assert stretches(ward, stay, room) == [
        ("a", admitted, first),
        ("b", first, second),
        ("c", second, None),
    ]


def test_mistake_02_twenty_clients_who_ask_for_one_bed_do_not_get_it_twice(ward: Ward) -> None:
    room = ward.room("a")
    stays = [ward.stay() for _ in range(CLIENTS)]

    result = at_once(
        *[
            lambda stay=stay: ward.execute("allocateRoom", stayId=stay, **place(f"{room}/a"))
            for stay in stays
        ]
    )

    assert only_one(result)["id"] == ward.bed(f"{room}/a")["stay"]["id"]


def test_mistake_03_a_cancelled_admission_does_not_leave_its_bed_occupied(ward: Ward) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")

    ward.record("cancelAdmission", stayId=stay, **IN_ERROR)

    assert ward.bed(f"{room}/a")["state"] == "FREE"
    assert ward.stay(f"{room}/a", ago(hours=1))


def test_mistake_05_a_bed_is_not_only_free_or_taken(ward: Ward) -> None:
    room = ward.room("a", "b", "c", "d", "e", "f")
    ward.stay(f"{room}/b")
    ward.record("startLeave", stayId=ward.stay(f"{room}/c"), keepBed=True)
    ward.record("closeBed", **place(f"{room}/d"), reason="paint")
    ward.record("startCleaning", **place(f"{room}/e"))
    expected = ward.patient()
    ward.record("reserveBed", **place(f"{room}/f"), patientMrn=expected, until=ahead(hours=3))

    states = {code: ward.bed(f"{room}/{code}")["state"] for code in "abcdef"}

    assert states == dict(
        zip("abcdef", ("FREE", "OCCUPIED", "KEPT", "CLOSED", "CLEANING", "RESERVED"), strict=True)
    )
    assert ward.bed(f"{room}/d")["stateReason"] == "paint"


def test_mistake_06_an_admission_with_a_bed_is_not_two_calls_of_which_one_fails(ward: Ward) -> None:
    room, mrn = ward.room("a", "b"), ward.patient()
    ward.stay(f"{room}/a")
    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}

    refusal = ward.execute("admitPatient", **admission, **place(f"{room}/a"))

    assert refusal["__typename"] == "BedOccupied"
    assert stays_of(ward, mrn) == []
    both = ward.execute("admitPatient", **admission, **place(f"{room}/b"))
    assert (both["stay"]["status"], both["stay"]["bed"]) == ("ADMITTED", "b")


def test_mistake_08_a_swap_does_not_move_one_patient_only(ward: Ward) -> None:
    room, at = ward.room("a", "b"), ago(hours=3)
    one, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")

    ward.record("swapBeds", stayId=one, withStayId=other, **late(at))

    assert stretches(ward, one, room)[1:] == [("b", at, None)]
    assert stretches(ward, other, room)[1:] == [("a", at, None)]


@pytest.mark.parametrize("before", [5, 1], ids=["before it began", "after it began"])
def test_mistake_13_a_stretch_without_an_end_is_not_overlooked(ward: Ward, before: int) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a", ago(days=3))

    answer = ward.execute(
        "admitPatient",
        patientMrn=ward.patient(),
        admissionType="ELECTIVE",
        **place(f"{room}/a"),
        **late(ago(days=before)),
    )

    assert (answer["__typename"], answer["byStay"]) == ("BedOccupied", stay)


def test_mistake_14_one_patient_does_not_get_two_beds_at_once(ward: Ward) -> None:
    codes, mrn = "abcdefgh", ward.patient()
    room = ward.room(*codes)
    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}

    result = at_once(
        *[
            lambda code=code: ward.execute("admitPatient", **admission, **place(f"{room}/{code}"))
            for code in codes
        ]
    )

    kinds = sorted(answer["__typename"] for answer in result if isinstance(answer, dict))
    assert kinds == ["PatientAlreadyAdmitted"] * 7 + ["StayRecorded"]
    states = [ward.bed(f"{room}/{code}")["state"] for code in codes]
    assert sorted(states) == ["FREE"] * 7 + ["OCCUPIED"]


def test_mistake_16_the_order_to_discharge_does_not_free_the_bed(ward: Ward) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")

    ward.record("planDischarge", stayId=stay, plan="CLEARED", expectedAt=ahead(hours=2))

    assert ward.bed(f"{room}/a")["state"] == "OCCUPIED"


def test_mistake_17_a_vacancy_is_not_checked_by_the_client_only(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    stay, there = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")
    ward.record("closeBed", **place(f"{room}/c"), reason="paint")

    taken = ward.execute("transferPatient", stayId=stay, **place(f"{room}/b"))
    closed = ward.execute("transferPatient", stayId=stay, **place(f"{room}/c"))

    assert (taken["__typename"], taken["byStay"]) == ("BedOccupied", there)
    assert (closed["__typename"], closed["reason"]) == ("BedNotOpen", "paint")
    assert the_stay(ward, stay)["bed"] == "a"


def test_mistake_22_of_those_admitted_to_one_bed_at_once_only_one_comes_in(ward: Ward) -> None:
    room, mrns = ward.room("a"), [ward.patient() for _ in range(CLIENTS)]

    result = at_once(
        *[
            lambda mrn=mrn: ward.execute(
                "admitPatient", patientMrn=mrn, admissionType="EMERGENCY", **place(f"{room}/a")
            )
            for mrn in mrns
        ]
    )

    won = only_one(result)
    assert [s["id"] for mrn in mrns for s in stays_of(ward, mrn)] == [won["id"]]


def test_mistake_23_a_discharge_does_not_free_the_beds_that_others_now_lie_in(ward: Ward) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=20)))
    now_there = ward.stay(f"{room}/a", ago(hours=10))

    ward.record("dischargePatient", stayId=stay, disposition="HOME")

    assert ward.bed(f"{room}/a")["stay"]["id"] == now_there
    assert ward.bed(f"{room}/b")["state"] == "FREE"
