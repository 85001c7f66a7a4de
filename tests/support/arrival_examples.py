"""Examples of the mutations about expected arrivals."""

from typing import Any

from tests.support.api_dsl import Ward, ahead
from tests.support.api_example import Answer, example
from tests.support.correction_examples import WRONG


def planned(ward: Ward, /, **content: Any) -> str:
    """Plan an admission for an hour ahead; return the arrival's id."""
    content = {"expectedAt": ahead(hours=1), **content}
    return str(ward.record("planAdmission", **content)["expectedArrival"]["id"])


def to_ward(ward: Ward) -> dict[str, str]:
    """Return the ward of a new room, as inputs take it."""
    return {"ward": ward.room("a").split("/")[0]}


@example("ExpectedArrivalRecorded")
def plan_admission(ward: Ward) -> Answer:
    answer = ward.execute(
        "planAdmission",
        expectedAt=ahead(hours=3),
        familyName="Somebody",
        birthDate="1950-01-01",
        urgency="ASAP",
        isolation=True,
        sex="FEMALE",
        monitor=True,
        specialty="cardiology",
        note="by ambulance",
        expiresAt=ahead(days=3),
        source={"system": "Theatre plan", "id": "4711"},
        **to_ward(ward),
    )
    arrival = answer["expectedArrival"]
    assert (arrival["status"], arrival["urgency"]) == ("PLANNED", "ASAP")
    assert (arrival["isolation"], arrival["familyName"]) == (True, "Somebody")
    return answer


@example("ExpectedArrivalRecorded")
def request_bed(ward: Ward) -> Answer:
    answer = ward.execute("requestBed", stayId=ward.stay(), monitor=True, **to_ward(ward))
    assert answer["expectedArrival"]["status"] == "REQUESTED"
    return answer


@example("ExpectedArrivalRecorded")
def correct_expected_arrival(ward: Ward) -> Answer:
    id, mrn = planned(ward, familyName="Somebody", **to_ward(ward)), ward.patient()
    right = {"patientMrn": mrn, "urgency": "STAT", "expectedAt": ahead(hours=2), **WRONG}
    answer = ward.execute("correctExpectedArrival", expectedArrivalId=id, **right)
    assert answer["expectedArrival"]["patient"] == {"mrn": mrn}
    return answer


@example("ExpectedArrivalRecorded")
def cancel_expected_arrival(ward: Ward) -> Answer:
    id = planned(ward, familyName="Somebody", **to_ward(ward))
    answer = ward.execute("cancelExpectedArrival", expectedArrivalId=id)
    assert answer["expectedArrival"]["status"] == "CANCELLED"
    return answer
