"""Mistakes of other systems about what lasts no time, or is known to the day: see `test_covered`."""

from datetime import timedelta
from typing import Any

import pytest

from api.graphql.schema import schema
from tests.support.api_dsl import Ward, ago, codes, iso, late, moment, place
from tests.support.consult_examples import consult
from tests.support.correction_examples import WRONG, entries, movement

ELECTIVE = {"admissionType": "ELECTIVE"}


def pass_through(ward: Ward, bed: str, at: str) -> dict[str, Any]:
    """Enter that a patient was moved into a bed and out of it within one minute."""
    stay = {"stayId": ward.stay(at=ago(days=4)), "occurredAt": at, "kind": "TRANSFER"}
    moves = [{**stay, **place(bed)}, {**stay, "withoutBed": "hall"}]
    return ward.execute("correctFacts", entries=moves, reason="noted afterwards")


def test_mistake_118_a_bed_had_for_no_time_is_compared_with_who_has_it_around_that_moment(
    ward: Ward,
) -> None:
    room, at = ward.room("a", "b"), ago(hours=20)
    taken, free = f"{room}/a", f"{room}/b"
    ward.stay(taken, at=ago(days=2))
    assert pass_through(ward, taken, at)["__typename"] == "BedOccupied"
    brief = {"kind": "ADMISSION", "patientMrn": ward.patient(), **ELECTIVE, **place(taken)}
    brief |= {"occurredAt": at, "dischargedAt": at, "disposition": "HOME"}
    refusal = ward.execute("correctFacts", entries=[brief], reason="noted afterwards")
    assert refusal["__typename"] == "BedOccupied"

    pass_through(ward, free, at)
    whom = {"patientMrn": ward.patient(), **ELECTIVE, **place(free)}
    over = ward.execute("admitPatient", **whom, **late(ago(days=2)))
    assert over["__typename"] == "BedOccupied"
    ward.record("admitPatient", **whom, **late(at))
    assert pass_through(ward, free, at)["__typename"] == "StayRecorded"


def test_mistake_118_a_stay_of_no_duration_keeps_its_doses_when_it_is_corrected(
    ward: Ward,
) -> None:
    at = ago(hours=20)
    stay = ward.stay(at=at)
    drug = {"medication": {"name": "Adrenaline"}, "basis": "PROTOCOL"}
    ward.record("recordUnprescribedDose", stayId=stay, **drug, **late(at))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(at))
    times = [movement(ward, stay, f"STAY_{kind}") for kind in ("ADMITTED", "DISCHARGED")]
    earlier = [{"movementId": id, "occurredAt": ago(hours=22)} for id in times]
    answer = ward.execute("correctFacts", corrections=earlier, **WRONG)
    assert answer["__typename"] == "ContradictsLaterFacts"


def day(at: str) -> dict[str, str]:
    return {"occurredAt": at, "occurredAtPrecision": "DAY", **WRONG}


def test_mistake_119_a_time_corrected_to_a_day_fits_where_that_day_has_room(ward: Ward) -> None:
    noon = moment(ago(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    midnight, one, two = (iso(noon + timedelta(hours=h)) for h in (-12, 1, 2))
    stay = ward.stay(at=iso(noon))
    doctor = {"practitioner": ward.doctor(), "kind": "ROUND"}
    visit = ward.record("recordVisit", stayId=stay, **doctor, **late(two))["visit"]["id"]
    ward.record("amendVisit", visitId=visit, **day(midnight))
    order = ward.prescription(stay, start=one, **late(one))
    fields = {"prescriptionId": order, "given": True, **late(two)}
    answer = ward.record("recordAdministration", **fields)["prescription"]["administrations"]
    ward.record("correctAdministration", administrationId=answer[-1]["id"], **day(midnight))
    ward.record("changeSpecialty", stayId=stay, specialty="surgery", **late(two))
    changed = movement(ward, stay, "STAY_SPECIALTY_CHANGED")
    ward.record("correctMovement", movementId=changed, **day(midnight))
    held = {entry["kind"]: entry["occurredAt"] for entry in entries(ward, stay, "TRUTH")}
    assert held["STAY_VISIT_RECORDED"] == held["STAY_SPECIALTY_CHANGED"] == iso(noon)
    assert held["PRESCRIPTION_ADMINISTRATION_RECORDED"] in (iso(noon), one)
    yesterday = iso(noon - timedelta(days=1))
    refusal = ward.execute("amendVisit", visitId=visit, **day(yesterday))
    assert refusal["__typename"] == "OutsideStay"


def test_mistake_120_prescriptions_of_one_moment_are_in_the_order_of_their_entry(
    ward: Ward,
) -> None:
    stay, at = ward.stay(), ago(hours=9)
    written = [ward.prescription(stay, start=at, **late(at)) for _ in range(6)]
    ward.record("holdPrescription", prescriptionId=written[0], **late(ago(hours=5)))
    query = "query($id: ID!) { stay(id: $id) { prescriptions { id } } }"
    assert [p["id"] for p in ward.ask(query, id=stay)["stay"]["prescriptions"]] == written


@pytest.mark.parametrize("left", [False, True])
def test_mistake_121_a_consult_is_withdrawn_after_the_death_that_made_it_needless(
    ward: Ward, left: bool
) -> None:
    stay = ward.stay()
    asked = consult(ward, stay, hours=9)
    if left:
        died = {"disposition": "DIED", **late(ago(hours=5))}
        ward.record("dischargePatient", stayId=stay, **died)
    else:
        ward.record("recordDeath", stayId=stay, **late(ago(hours=5)))
    ward.record("withdrawConsult", consultId=asked, **late(ago(hours=3)))
    query = "query($id: ID!) { stay(id: $id) { consults { status } } }"
    assert ward.ask(query, id=stay)["stay"]["consults"] == [{"status": "WITHDRAWN"}]


def test_mistake_189_a_question_takes_both_clocks_in_one_value_and_the_next_does_not(
    ward: Ward,
) -> None:
    query_type = schema._schema.query_type
    assert query_type
    arguments = {name: field.args.keys() for name, field in query_type.fields.items()}
    assert not {n for n, given in arguments.items() if "knownAt" in given and "at" not in given}
    here = ward.name("Here")
    stay = ward.stay(f"{ward.room('a', 'b', ward=here)}/a")
    then = ward.position()
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    query = (
        "query($at: Moment, $from: DateTime!, $to: DateTime!, $ward: String!)"
        " { occupancyHistory(from: $from, to: $to, ward: $ward, at: $at) { until } }"
    )
    period = {"from": ago(days=9), "to": ago(hours=-1), "ward": here}
    answer = ward.ask(query, at={"knownAtPosition": then}, **period)["occupancyHistory"]
    assert [stretch["until"] for stretch in answer] == [None]
    (ended,) = ward.ask(query, at=None, **period)["occupancyHistory"]
    assert ended["until"]
    refusal = ward.client.raw(query, {"at": {"asOf": ago(hours=1)}, **period})
    assert codes(refusal) == {"InvalidInput"}
