"""Orders of lists: total, so that pages of any size are the whole list, once."""

from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from domain.names import name_order
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, late, moment
from tests.support.graphql_client import GraphQLClient

STAYS = """query($order: StayOrder!, $ward: String, $first: Int!, $after: String) {
  listed: stays(filter: {ward: $ward}, orderBy: $order, first: $first, after: $after) {
    nodes { id bed room { number } admittedAt expectedDischarge patient { familyName givenName } }
    edges { cursor } pageInfo { hasNextPage endCursor } } }"""
PATIENTS = """query($order: PatientOrder!, $search: String, $first: Int!, $after: String) {
  listed: patients(search: $search, orderBy: $order, first: $first, after: $after) {
    nodes { id mrn familyName givenName birthDate } pageInfo { hasNextPage endCursor } } }"""
DUE = """query($ward: String!, $order: DoseOrder!) { dosesDue(ward: $ward, orderBy: $order) {
  dueAt prescription { id } stay { bed patient { familyName givenName } } } }"""

NAMES = [("Okafor", "Ada"), ("okafor", "Áda"), ("Okafor", None), (None, "Ada"), ("Ágh", "Bo")]


def pages(house: Ward, query: str, first: int, **asked: Any) -> list[dict[str, Any]]:
    """Return all entries of a list, asked for in pages."""
    nodes: list[dict[str, Any]] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        listed = house.ask(query, first=first, after=page["endCursor"], **asked)["listed"]
        nodes, page = nodes + listed["nodes"], listed["pageInfo"]
        assert listed["nodes"]
    return nodes


def name_of(patient: dict[str, Any]) -> str:
    return name_order(patient["familyName"], patient["givenName"])


@pytest.fixture(scope="module")
def house(shared: Ward) -> Ward:
    """A ward of namesakes: of one hour, one birth date, one expected discharge."""
    at, home = ago(days=2), ahead(hours=9)
    for number, (family, given_name) in enumerate([*NAMES, *NAMES]):
        room = shared.room("a", "b", ward="Ties")
        content = {"familyName": family, "givenName": given_name, "birthDate": "1950-02-01"}
        patient = shared.patient(**{**content, **({"birthDate": None} if number % 4 == 3 else {})})
        stay = shared.stay(f"{room}/{'ab'[number % 2]}", at, patientMrn=patient)
        if number % 3:
            shared.record("planDischarge", stayId=stay, expectedAt=home, plan="PLANNED")
        schedule = {"schedule": {"everyHours": 6}, **late(ago(hours=20))}
        shared.prescription(stay, **schedule)
    return shared


@pytest.mark.parametrize("first", [1, 2, 3, 7, 50])
@pytest.mark.parametrize(
    "order", ["ADMISSION", "LATEST_ADMISSION", "EXPECTED_DISCHARGE", "PATIENT_NAME", "PLACE"]
)
def test_pages_of_stays_are_the_whole_list_once(house: Ward, order: str, first: int) -> None:
    (whole,) = [pages(house, STAYS, 500, order=order, ward="Ties")]
    assert pages(house, STAYS, first, order=order, ward="Ties") == whole
    assert len({stay["id"] for stay in whole}) == len(NAMES) * 2
    keys: dict[str, list[Any]] = {
        "EXPECTED_DISCHARGE": [s["expectedDischarge"] or "9999" for s in whole],
        "PATIENT_NAME": [name_of(s["patient"]) for s in whole],
        "PLACE": [(s["room"]["number"], s["bed"]) for s in whole],
    }
    of_order = keys.get(order, [])
    assert of_order == sorted(of_order)


@pytest.mark.parametrize("first", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("order", ["NAME", "BIRTH_DATE", "MRN"])
def test_pages_of_patients_are_the_whole_list_once(house: Ward, order: str, first: int) -> None:
    whole = pages(house, PATIENTS, 500, order=order)
    assert pages(house, PATIENTS, first, order=order) == whole
    assert len({patient["id"] for patient in whole}) == len(whole) >= len(NAMES) * 2
    keys: dict[str, list[Any]] = {
        "NAME": [name_of(p) for p in whole],
        "BIRTH_DATE": [p["birthDate"] or "9999" for p in whole],
        "MRN": [p["mrn"] for p in whole],
    }
    assert keys[order] == sorted(keys[order])


def test_the_latest_admission_comes_first(house: Ward) -> None:
    stay = house.stay(f"{house.room('a', ward='Late')}/a", ago(hours=1))
    house.stay(f"{house.room('a', ward='Late')}/a", ago(days=3))
    listed = pages(house, STAYS, 1, order="LATEST_ADMISSION", ward="Late")
    assert listed[0]["id"] == stay
    assert [moment(s["admittedAt"]) for s in listed] == sorted(
        (moment(s["admittedAt"]) for s in listed), reverse=True
    )


def test_doses_are_in_the_order_of_time_of_names_or_of_a_round(house: Ward) -> None:
    def due(order: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = house.ask(DUE, ward="Ties", order=order)["dosesDue"]
        return listed

    by_time, by_name, round_ = due("DUE"), due("PATIENT_NAME"), due("PLACE")
    whole = sorted((d["dueAt"], d["prescription"]["id"]) for d in by_time)
    assert [(d["dueAt"], d["prescription"]["id"]) for d in by_time] == whole
    for other in (by_name, round_):
        assert sorted((d["dueAt"], d["prescription"]["id"]) for d in other) == whole
    names = [name_of(d["stay"]["patient"]) for d in by_name]
    assert names == sorted(names)
    assert [d for d in round_ if d["prescription"] == round_[0]["prescription"]] == round_[
        : len(round_) // len({d["prescription"]["id"] for d in round_})
    ]


def test_a_cursor_is_one_of_its_order_alone(house: Ward) -> None:
    listed = house.ask(STAYS, order="PATIENT_NAME", first=1)["listed"]
    answer = house.client.raw(
        STAYS, {"order": "PLACE", "first": 1, "after": listed["pageInfo"]["endCursor"]}
    )
    assert codes(answer) == {"InvalidInput"}


def test_who_may_not_see_names_has_no_list_in_their_order(house: Ward) -> None:
    analyst = GraphQLClient(house.client.http, LOGIN.make(subject=str(uuid4()), role=Role.ANALYST))
    query = "query($o: StayOrder!) { stays(orderBy: $o) { totalCount edges { cursor } } }"
    assert codes(analyst.raw(query, {"o": "PATIENT_NAME"})) == {"NOT_ALLOWED"}
    assert analyst.ask(query, o="PLACE")["stays"]["totalCount"] >= len(NAMES) * 2
