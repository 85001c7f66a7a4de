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
from tests.support.api_dsl import Ward

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
