"""Mistakes of servers that tell no fact, and by the kind of a refusal that there is one."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from api.fhir.parameters import Kind
from api.fhir.registry import RESOURCES
from api.fhir.resource import Resource
from application.authorization.roles import Role, may
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes
from tests.support.arrival_examples import planned
from tests.support.graphql_client import GraphQLClient

pytestmark = pytest.mark.usefixtures("shared")


def closed_person(ward: Ward) -> dict[str, str]:
    """Record a person of whom only few roles may know: their number, name, and ids by type."""
    mrn = ward.name("M")
    ward.record("registerPatient", mrn=mrn, familyName=mrn, confidentiality="VERY_RESTRICTED")
    stay = ward.stay(patientMrn=mrn)
    prescription = ward.prescription(stay)
    patient = ward.ask("query($m: String) { patient(mrn: $m) { id } }", m=mrn)["patient"]["id"]
    return {
        "mrn": mrn,
        "Patient": patient,
        "Encounter": stay,
        "MedicationRequest": prescription,
    }


def fhir(ward: Ward, path: str, token: str) -> tuple[int, Any]:
    response = ward.client.http.get(f"/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, response.json()


def questions_of(resource: Resource, person: dict[str, str]) -> list[str]:
    """Return each way to ask for what refers to a person, and for the thing itself."""
    id = person.get(resource.type, person["Encounter"])
    names = [name for name, p in resource.searched_by.items() if p.kind is Kind.REFERENCE]
    values = {
        name: f"{type}/{person[type]}"
        for name in names
        for type in resource.searched_by[name].targets
        if type in person
    }
    chained = {f"{name}.identifier": person["mrn"] for name in values}
    searches = [{name: value} for name, value in {**values, **chained, "_id": id}.items()]
    paths = [f"{resource.type}?{urlencode(search)}" for search in searches]
    paths += [f"{path}&_summary=count" for path in paths]
    history = [f"{resource.type}/{id}/_history"] if resource.has_versions else []
    everything = [f"Patient/{id}/$everything"] if resource.type == "Patient" else []
    return [*paths, f"{resource.type}/{id}", *history, *everything]


@pytest.mark.parametrize("role", list(Role))
def test_mistake_460_a_type_that_is_not_for_a_role_tells_it_who_is_there(
    shared: Ward, role: Role
) -> None:
    """Whom a search names was looked up before the role was: 403 of a closed person, 200 of nobody."""
    person, nobody = closed_person(shared), {"mrn": shared.name("nobody")}
    nobody |= {type: str(uuid4()) for type in person if type != "mrn"}
    token = LOGIN.make(role, shared.name("curious"))
    for resource in RESOURCES.values():
        if may(role, resource.right):
            continue
        for of_person, of_nobody in zip(
            questions_of(resource, person), questions_of(resource, nobody), strict=True
        ):
            status, body = fhir(shared, of_person, token)
            assert (status, body["issue"][0]["code"]) == (403, "forbidden"), of_person
            assert fhir(shared, of_nobody, token) == (status, body), of_person


def test_mistake_463_an_expected_arrival_that_never_was_is_told_as_one_that_was_not_yet(
    shared: Ward,
) -> None:
    """Null is what was planned later; an id of nothing is refused, as for a stay or a prescription."""
    query = "query($id: ID!, $at: DateTime) { expectedArrival(id: $id, asOf: $at) { id } }"
    assert codes(shared.client.raw(query, {"id": str(uuid4())})) == {"NotFound"}
    id = planned(shared, familyName="Somebody")
    assert shared.ask(query, id=id)["expectedArrival"] == {"id": id}
    assert shared.ask(query, id=id, at=ago(days=400))["expectedArrival"] is None


WHEN = {
    "stay(id: $Encounter, {at}) {{ id }}": True,
    "timeline(stayId: $Encounter, {at}) {{ nodes {{ id }} }}": True,
    "timeline(mrn: $mrn, {at}) {{ nodes {{ id }} }}": True,
    "prescription(id: $MedicationRequest, {at}) {{ id }}": True,
    "patient(id: $Patient, {at}) {{ id }}": False,
    "patient(mrn: $mrn, {at}) {{ id }}": False,
    "course(stayId: $Encounter, format: JSON, {at}) {{ text }}": True,
}
"""Questions about what is closed, as of a moment; and whether they need the right to clinical data."""


@pytest.mark.parametrize("role", [Role.NURSE, Role.PHARMACIST, Role.REGISTRAR])
@pytest.mark.parametrize("clock", ["asOf", "knownAt"])
def test_mistake_464_the_moment_from_which_an_answer_is_closed_tells_when_it_began(
    shared: Ward, role: Role, clock: str
) -> None:
    """Before its admission a closed stay was null, and a prescription before it began."""
    before = {"asOf": ago(days=300), "knownAt": ago()}[clock]
    person, token = closed_person(shared), LOGIN.make(role, shared.name("curious"))
    client = GraphQLClient(shared.client.http, token)
    types = {"mrn": "String"}
    for question, is_clinical in WHEN.items():
        if is_clinical and not may(role, "data:clinical"):
            continue
        (name,) = [name for name in person if f"${name}" in question]
        declared = f"query(${name}: {types.get(name, 'ID!')}, $at: DateTime)"
        result = {
            moment: client.raw(
                f"{declared} {{ {question.format(at=f'{clock}: $at')} }}",
                {name: person[name], "at": moment},
            )["errors"][0]["message"]
            for moment in (before, None)
        }
        assert result[before] == result[None], question
    for path in (f"Encounter/{person['Encounter']}", f"Patient/{person['Patient']}"):
        assert fhir(shared, path, token) == fhir(shared, f"{path}?{clock}={before}", token), path
