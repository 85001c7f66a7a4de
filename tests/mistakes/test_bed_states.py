"""Mistakes of other systems about beds between two patients: see `test_covered` for the list."""

from typing import Any

import pytest

from application.authorization.roles import Role
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, movement


def cleaned_ward(ward: Ward, **rule: Any) -> str:
    """Open a ward with a room of two beds, cleaned after each patient; return the room."""
    name = ward.name("Cleaned")
    room = ward.room("a", "b", ward=name)
    ward.record("setBedCleaning", ward=name, applies=True, **{"from": ago(days=20), **rule})
    return room


def admit(ward: Ward, bed: str, at: str) -> dict[str, Any]:
    fields = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE", **place(bed), **late(at)}
    return ward.execute("admitPatient", **fields)


def clean(ward: Ward, bed: str, since: str, until: str) -> None:
    ward.record("startCleaning", **place(bed), **late(since))
    ward.record("finishCleaning", **place(bed), **late(until))


def leave(ward: Ward, stay: str, at: str) -> None:
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(at))


def test_mistake_96_a_bed_is_not_given_before_it_is_cleaned(ward: Ward) -> None:
    room = cleaned_ward(ward)
    bed, left = f"{room}/a", ago(hours=10)
    assert ward.bed(bed)["state"] == "FREE"
    leave(ward, ward.stay(bed), left)
    board = ward.bed(bed)
    assert (board["state"], board["since"]) == ("TO_BE_CLEANED", left)
    refusal = admit(ward, bed, ago(hours=6))
    assert refusal["__typename"] == "BedNotOpen"
    assert "finishCleaning" in refusal["message"]
    clean(ward, bed, ago(hours=9), ago(hours=8))
    assert [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (9.5, 8.5, 7)] == [
        "TO_BE_CLEANED",
        "CLEANING",
        "FREE",
    ]
    assert admit(ward, bed, ago(hours=6))["__typename"] == "StayRecorded"


def test_mistake_96_the_state_of_a_left_bed_follows_its_corrected_departure(ward: Ward) -> None:
    room = cleaned_ward(ward)
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=10)))
    moved = movement(ward, stay, "STAY_TRANSFERRED")
    right = ago(hours=5)
    ward.record("correctMovement", movementId=moved, occurredAt=right, **WRONG)
    bed = ward.bed(f"{room}/a")
    assert (bed["state"], bed["since"]) == ("TO_BE_CLEANED", right)
    assert ward.bed(f"{room}/a", asOf=ago(hours=7))["state"] == "OCCUPIED"
    ward.record("cancelMovement", movementId=moved, **IN_ERROR)
    assert [ward.bed(f"{room}/{b}")["state"] for b in "ab"] == ["OCCUPIED", "FREE"]


def test_mistake_96_cleaning_is_asked_for_from_the_time_on_that_the_house_says(ward: Ward) -> None:
    room = cleaned_ward(ward, **{"from": ago(hours=8)})
    name = room.split("/")[0]
    leave(ward, ward.stay(f"{room}/a"), ago(hours=10))
    leave(ward, ward.stay(f"{room}/b"), ago(hours=6))
    assert [ward.bed(f"{room}/{b}")["state"] for b in "ab"] == ["FREE", "TO_BE_CLEANED"]
    ward.record("setBedCleaning", ward=name, applies=False, **{"from": ago(hours=7)})
    assert [ward.bed(f"{room}/{b}")["state"] for b in "ab"] == ["FREE", "FREE"]
    unknown = ward.execute("setBedCleaning", ward="nowhere", applies=True)
    assert (unknown["__typename"], unknown["path"]) == ("NotFound", ["ward"])


def test_mistake_96_a_swap_and_a_return_to_a_kept_bed_need_no_cleaning(ward: Ward) -> None:
    room = cleaned_ward(ward)
    one, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/b")
    ward.record("swapBeds", stayId=one, withStayId=other, **late(ago(hours=9)))
    ward.record("startLeave", stayId=one, keepBed=True, **late(ago(hours=8)))
    ward.record("endLeave", stayId=one, **late(ago(hours=7)))
    assert [ward.bed(f"{room}/{b}")["state"] for b in "ab"] == ["OCCUPIED", "OCCUPIED"]


def reserve(ward: Ward, bed: str, **whom: Any) -> dict[str, Any]:
    times = {"from": ago(hours=20), "until": ahead(hours=20)}
    return ward.execute("reserveBed", **place(bed), **times, **whom, **late(ago(hours=20)))


@pytest.mark.parametrize("by", ["stay", "patient"])
def test_mistake_97_a_reservation_ends_with_its_use(ward: Ward, by: str) -> None:
    room = ward.room("a", "b")
    bed, mrn = f"{room}/a", ward.patient()
    stay = ward.stay(f"{room}/b", patientMrn=mrn)
    reserve(ward, bed, **({"stayId": stay} if by == "stay" else {"patientMrn": mrn}))
    ward.record("transferPatient", stayId=stay, **place(bed), **late(ago(hours=10)))
    used = movement(ward, stay, "STAY_TRANSFERRED")
    leave(ward, stay, ago(hours=5))
    assert [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (12, 7, 4)] == [
        "RESERVED",
        "OCCUPIED",
        "FREE",
    ]
    ward.record("cancelMovement", movementId=used, **IN_ERROR)
    assert ward.bed(bed)["state"] == "FREE"  # with the stay, which has ended
    assert ward.bed(bed, asOf=ago(hours=7))["state"] == "RESERVED"
    assert admit(ward, bed, ago(hours=3))["__typename"] == "StayRecorded"


def test_mistake_97_after_its_use_a_reserved_bed_is_given_and_reserved_again(ward: Ward) -> None:
    room = ward.room("a", "b")
    bed, stay = f"{room}/a", ward.stay()
    reserve(ward, bed, stayId=stay)
    ward.record("allocateRoom", stayId=stay, **place(bed), **late(ago(hours=10)))
    leave(ward, stay, ago(hours=5))
    again = {"from": ago(hours=4), "until": ahead(hours=4), "patientMrn": ward.patient()}
    ward.record("reserveBed", **place(bed), **again, **late(ago(hours=4)))
    assert admit(ward, bed, ago(hours=4.5))["__typename"] == "StayRecorded"


@pytest.mark.parametrize("told", ["death", "discharge as DIED"])
def test_mistake_97_a_reservation_ends_with_the_death_of_its_patient(ward: Ward, told: str) -> None:
    bed, mrn = f"{ward.room('a')}/a", ward.patient()
    stay = ward.stay(patientMrn=mrn)
    reserve(ward, bed, patientMrn=mrn)
    at = late(ago(hours=8))
    if told == "death":
        ward.record("recordDeath", patientMrn=mrn, **at)
    else:
        ward.record("dischargePatient", stayId=stay, disposition="DIED", **at)
    assert [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (9, 7)] == ["RESERVED", "FREE"]
    if told == "death":
        ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    else:
        ward.record("cancelDischarge", stayId=stay, withoutBed="desk", **IN_ERROR)
    assert ward.bed(bed)["state"] == "RESERVED"
    assert admit(ward, bed, ago(hours=6))["__typename"] == "BedNotOpen"


def test_mistake_122_cleaning_is_finished_where_nobody_told_its_start(ward: Ward) -> None:
    room = cleaned_ward(ward)
    bed = f"{room}/a"
    untouched = ward.execute("finishCleaning", **place(bed), **late(ago(hours=11)))
    assert untouched["__typename"] == "BedStateBroken"
    leave(ward, ward.stay(bed), ago(hours=10))
    ward.record("finishCleaning", **place(bed), **late(ago(hours=8)))
    states = [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (9, 7)]
    assert states == ["TO_BE_CLEANED", "FREE"]
    assert admit(ward, bed, ago(hours=6))["__typename"] == "StayRecorded"
    again = ward.execute("finishCleaning", **place(bed), **late(ago(hours=5)))
    assert again["__typename"] == "BedStateBroken"


def test_mistake_123_who_has_wards_sets_nothing_for_the_whole_house(ward: Ward) -> None:
    name = cleaned_ward(ward).partition("/")[0]
    limited = login(ward, Role.ADMIN, name)
    for command, content in (
        ("setBedCleaning", {"applies": True}),
        ("setHospitalTime", {"timeZone": "UTC"}),
    ):
        assert limited.execute(command, **content)["__typename"] == "NotAllowed"
    assert limited.execute("setBedCleaning", ward=name, applies=False)["__typename"] != "NotAllowed"


def test_mistake_124_a_discharge_ends_the_reservation_of_a_further_bed(ward: Ward) -> None:
    room = ward.room("a", "b")
    bed, stay = f"{room}/b", ward.stay(f"{room}/a")
    reserve(ward, bed, stayId=stay)
    leave(ward, stay, ago(hours=8))
    assert [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (9, 7)] == ["RESERVED", "FREE"]
    again = {"from": ago(hours=7), "until": ahead(hours=4), "patientMrn": ward.patient()}
    ward.record("reserveBed", **place(bed), **again, **late(ago(hours=7)))
    ward.record("cancelDischarge", stayId=stay, **place(f"{room}/a"), **IN_ERROR)
    assert ward.bed(bed, asOf=ago(hours=7.5))["state"] == "RESERVED"


@pytest.mark.parametrize("end", ["discharge", "reversed admission", "admission in error"])
def test_mistake_152_a_patient_who_has_left_holds_no_reserved_bed(ward: Ward, end: str) -> None:
    bed, mrn = f"{ward.room('a')}/a", ward.patient()
    stay = ward.stay(patientMrn=mrn)
    reserve(ward, bed, patientMrn=mrn)
    if end == "discharge":
        leave(ward, stay, ago(hours=8))
    elif end == "reversed admission":
        ward.record("cancelAdmission", stayId=stay, **REVERSED, occurredAt=ago(hours=8))
    else:
        ward.record("cancelAdmission", stayId=stay, **IN_ERROR)
    is_over = end != "admission in error"  # then nobody has come yet
    states = [ward.bed(bed, asOf=ago(hours=h))["state"] for h in (9, 7)]
    assert states == ["RESERVED", "FREE" if is_over else "RESERVED"]
    result = admit(ward, bed, ago(hours=6))["__typename"]
    assert result == ("StayRecorded" if is_over else "BedNotOpen")


def test_mistake_373_a_reservation_given_up_before_it_began_is_put_right_so(ward: Ward) -> None:
    room = ward.room("a")
    reserved = {"from": ago(hours=6), "until": ahead(hours=6), "patientMrn": ward.patient()}
    ward.record("reserveBed", **place(f"{room}/a"), **reserved, **late(ago(hours=9)))
    in_room = dict(zip(("ward", "room"), room.split("/"), strict=True))
    fields = {**in_room, "bedStateId": ward.bed(f"{room}/a")["reservationId"]}
    early = ward.execute("correctBedState", **fields, until=ago(hours=8), **WRONG)
    assert (early["__typename"], early["path"]) == ("InvalidInput", ["until"])
    given_up = {"reservationId": fields["bedStateId"], **in_room}
    ward.record("releaseReservation", **given_up, **late(ago(hours=3)))
    states = [ward.bed(f"{room}/a", asOf=ago(hours=h))["state"] for h in (5, 1)]
    assert states == ["RESERVED", "FREE"]
    both = {"from": ago(hours=2), "until": ago(hours=4)}
    assert ward.execute("correctBedState", **fields, **both, **WRONG)["path"] == ["until"]
    ward.record("correctBedState", **fields, until=ago(hours=8), **WRONG)
    states = [ward.bed(f"{room}/a", asOf=ago(hours=h))["state"] for h in (5, 1)]
    assert states == ["FREE", "FREE"]
    ward.record("correctBedState", **fields, until=ago(hours=4), **WRONG)
    assert ward.bed(f"{room}/a", asOf=ago(hours=5))["state"] == "RESERVED"


def test_mistake_374_a_bed_is_not_asked_for_before_the_admission_by_a_correction(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(hours=9))
    answer = ward.record("requestBed", stayId=stay, **late(ago(hours=5)))
    fields = {"expectedArrivalId": answer["expectedArrival"]["id"]}
    early = ward.execute("correctExpectedArrival", **fields, occurredAt=ago(hours=10), **WRONG)
    assert early["__typename"] == "OutsideStay"
    ward.record("correctExpectedArrival", **fields, occurredAt=ago(hours=8), **WRONG)
    leave(ward, stay, ago(hours=2))
    after = ward.execute("correctExpectedArrival", **fields, occurredAt=ago(hours=1), **WRONG)
    assert after["__typename"] == "OutsideStay"


def test_mistake_424_an_admission_is_not_corrected_past_a_bed_that_was_asked_for(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(hours=9))
    answer = ward.record("requestBed", stayId=stay, **late(ago(hours=5)))
    admitted = {"movementId": movement(ward, stay, "STAY_ADMITTED")}
    past = ward.execute("correctMovement", **admitted, occurredAt=ago(hours=4), **WRONG)
    assert past["__typename"] == "ContradictsLaterFacts"
    assert [fact["kind"] for fact in past["facts"]] == ["bed request"]
    ward.record("correctMovement", **admitted, occurredAt=ago(hours=6), **WRONG)
    fields = {"expectedArrivalId": answer["expectedArrival"]["id"]}
    ward.record("cancelExpectedArrival", **fields, because="ENTERED_IN_ERROR", **WRONG)
    ward.record("correctMovement", **admitted, occurredAt=ago(hours=4), **WRONG)


def test_mistake_425_a_bed_request_goes_with_its_stay_to_the_right_patient(ward: Ward) -> None:
    stay, right = ward.stay(at=ago(hours=9)), ward.patient()
    answer = ward.record("requestBed", stayId=stay, **late(ago(hours=5)))
    ward.record("moveStay", stayId=stay, patientMrn=right, **WRONG)
    id = answer["expectedArrival"]["id"]
    query = "query($id: ID!) { node(id: $id) { ... on ExpectedArrival { patient { mrn } } } }"
    assert ward.ask(query, id=id)["node"]["patient"]["mrn"] == right
    admitted = {"movementId": movement(ward, stay, "STAY_ADMITTED")}
    past = ward.execute("correctMovement", **admitted, occurredAt=ago(hours=4), **WRONG)
    assert past["__typename"] == "ContradictsLaterFacts"


@pytest.mark.parametrize("end", ["dischargePatient", "recordDeath"])
def test_mistake_430_a_bed_asked_for_after_a_discharge_or_death_is_not_waited_for_in_either_order(
    ward: Ward, end: str
) -> None:
    """The end is told late: asked for before, the request is over at once; told before, refused."""
    statuses, mrn = [], ward.patient()
    stay = ward.stay(at=ago(hours=9), patientMrn=mrn)
    of = (
        {"stayId": stay, "disposition": "HOME"}
        if end == "dischargePatient"
        else {"patientMrn": mrn}
    )
    reply = ward.record("requestBed", stayId=stay, **late(ago(hours=4)))
    ids = {"id": reply["expectedArrival"]["id"]}
    ward.record(end, **of, **late(ago(hours=5)))
    query = """query($id: ID!, $at: DateTime) {
      nodeAsOf(id: $id, asOf: $at) { ... on ExpectedArrival { status } } }"""
    for hours in (3.9, 1, 0):
        answer = ward.ask(query, **ids, at=ago(hours=hours))
        statuses.append(answer["nodeAsOf"]["status"])
    assert set(statuses) == {"EXPIRED"}
    waiting = ward.ask("{ expectedArrivals(first: 500) { nodes { id } } }")["expectedArrivals"]
    assert ids not in waiting["nodes"]
    after = ward.execute("requestBed", stayId=stay, **late(ago(hours=4)))
    assert after["__typename"] in ("OutsideStay", "PatientDied")
