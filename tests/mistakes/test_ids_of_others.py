"""Mistakes of other systems about ids that somebody gives of what is closed to them."""

from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, place
from tests.support.arrival_examples import planned
from tests.support.correction_examples import WRONG
from tests.support.graphql_client import GraphQLClient


@pytest.fixture
def away(ward: Ward) -> str:
    """A room of a ward that the nurse is not of."""
    return ward.room("a", "b", ward=ward.name("Away"))


@pytest.fixture
def nurse(ward: Ward) -> GraphQLClient:
    ward.room("a", ward="Here")
    return GraphQLClient(ward.client.http, LOGIN.make(Role.NURSE, "Ada", ["Here"]))


def told(client: GraphQLClient, command: str, field: str, id: str, **input: Any) -> Any:
    """Return the answer to a command with an id, without that id."""
    answer = client.execute(command, **input, **{field: id})
    return answer["__typename"], answer["message"].replace(id, "that id")


def test_mistake_220_an_expected_arrival_of_another_person_tells_that_it_was_used(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    there, mrn = away.split("/")[0], ward.patient()
    used = planned(ward, patientMrn=mrn, ward=there)
    by_name = planned(ward, familyName="Somebody", ward=there)
    for arrival, bed in ((used, "a"), (by_name, "b")):
        who = mrn if arrival == used else ward.patient()
        ward.stay(f"{away}/{bed}", ago(), patientMrn=who, expectedArrivalId=arrival)
    waiting = planned(ward, patientMrn=mrn, ward=there)
    admission = {"patientMrn": ward.patient(), "admissionType": "EMERGENCY"}

    answers = [
        told(nurse, "admitPatient", "expectedArrivalId", id, **admission)
        for id in (used, by_name, waiting, str(uuid4()))
    ]

    assert answers == [("NotFound", "There is no expected arrival 'that id'.")] * 4


def test_mistake_220_who_is_expected_elsewhere_can_be_admitted_here(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    mrn = ward.patient()
    arrival = planned(ward, patientMrn=mrn, ward=away.split("/")[0])
    admission = {"patientMrn": mrn, "admissionType": "ELECTIVE", "expectedArrivalId": arrival}
    assert nurse.execute("admitPatient", **admission)["__typename"] == "StayRecorded"


def test_mistake_221_an_id_tells_that_a_visit_of_another_ward_was_cancelled(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    visit = {"stayId": ward.stay(f"{away}/a"), "practitioner": ward.doctor(), "kind": "ROUND"}
    id = ward.record("recordVisit", **visit)["visit"]["id"]
    ward.record("cancelVisit", visitId=id, **WRONG)
    own = ward.stay(f"{ward.room('a', ward='Here')}/a")
    mine = ward.record("recordVisit", **{**visit, "stayId": own})["visit"]["id"]
    ward.record("cancelVisit", visitId=mine, **WRONG)

    answers = [told(nurse, "cancelVisit", "visitId", i, **WRONG) for i in (id, str(uuid4()), mine)]

    assert answers[0] == answers[1]
    assert "cancelled" in answers[2][1]


def test_mistake_222_a_bed_to_share_tells_of_who_lies_in_it_elsewhere(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    man = ward.stay(f"{away}/a", patientMrn=ward.patient(sex="MALE"))
    newborn = {"patientMrn": ward.patient(), "admissionType": "NEWBORN", **place(f"{away}/a")}

    answers = [
        told(nurse, "admitPatient", "sharesBedOf", id, **newborn) for id in (man, str(uuid4()))
    ]

    assert answers == [("NotFound", "There is no stay 'that id'.")] * 2


def test_mistake_222_a_child_goes_back_to_its_mother_who_lies_elsewhere(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    mother = ward.stay(f"{away}/a", patientMrn=ward.patient(sex="FEMALE"))
    shared = {"sharesBedOf": mother, **place(f"{away}/a")}
    child = ward.record(
        "admitPatient", patientMrn=ward.patient(), admissionType="NEWBORN", **shared
    )["stay"]["id"]
    here = place(f"{ward.room('a', ward='Here')}/a")
    ward.record("transferPatient", stayId=child, **here)

    assert nurse.execute("transferPatient", stayId=child, **shared)["__typename"] == "StayRecorded"


def test_mistake_223_who_registers_is_told_which_ids_are_those_of_patients(
    ward: Ward, nurse: GraphQLClient, away: str
) -> None:
    known = "query($m: String) { patient(mrn: $m) { id } }"
    mrns = ward.patient(confidentiality="VERY_RESTRICTED"), ward.patient()
    ward.stay(f"{away}/a", patientMrn=mrns[1])
    ids = [ward.ask(known, m=mrn)["patient"]["id"] for mrn in mrns]

    answers = [
        nurse.execute("registerPatient", mrn=ward.name("M"), despiteLikelyDuplicates=[id])
        for id in (*ids, str(uuid4()))
    ]

    assert [answer["__typename"] for answer in answers] == ["NotFound"] * 3
