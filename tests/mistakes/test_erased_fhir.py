"""Mistakes of FHIR servers about who was erased: see `test_covered`."""

import json

from tests.conftest import TOKEN
from tests.mistakes.test_erasure import Person, erase, officer
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient

__all__ = ["officer"]


def test_mistake_254_who_was_erased_is_read_without_an_error_and_without_a_name(
    ward: Ward, officer: GraphQLClient
) -> None:
    def get(path: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        response = ward.client.http.get(f"/fhir/{path}", headers=headers)
        return response.status_code, response.text

    person = Person(ward)
    status, result = get(f"Patient?identifier={person.mrn}")
    assert (status, person.sign in result) == (200, True)
    patient = json.loads(result)["entry"][0]["resource"]
    id, version = patient["id"], patient["meta"]["versionId"]
    paths = [
        *(f"Patient/{id}", f"Patient/{id}/_history", f"Patient/{id}/_history/{version}"),
        *(f"Patient?_id={id}", f"Patient/{id}/$everything", f"Patient/{id}?asOf=2100-01-01T00:00Z"),
        *(f"Encounter/{person.stay}", f"Encounter/{person.stay}/_history"),
        *(f"Encounter?patient={id}", f"Encounter?_id={person.stay}&_include=Encounter:subject"),
        f"Patient?_id={id}&_revinclude=Encounter:subject",
        *(
            f"{kind}?patient={id}"
            for kind in (
                "MedicationRequest",
                "MedicationAdministration",
                "AllergyIntolerance",
                "Flag",
            )
        ),
        f"Provenance?patient={id}",
        f"Encounter?patient.identifier={person.mrn}",
        *(f"Patient?identifier={person.mrn}", f"Patient?family={person.sign}"),
    ]
    before = {path: get(path) for path in paths}
    assert {status for status, _ in before.values()} <= {200, 400}, before
    assert sum(person.sign in text for _, text in before.values()) > 8

    erase(ward, officer, person.mrn)

    for path in paths:
        status, text = get(path)
        assert status == before[path][0] or status in (404, 410), (path, status, text)
        named = path.startswith(("Patient?identifier", "Patient?family", "Encounter?patient.ident"))
        shown = json.loads(text)
        shown.pop("link", None)  # it says what was asked
        assert person.sign not in json.dumps(shown), path
        assert person.born not in text, path
        if named and status == 200:
            assert not [e for e in shown.get("entry", []) if e["search"]["mode"] == "match"], path
    assert "REDACTED" in get(f"Patient/{id}")[1] or get(f"Patient/{id}")[0] in (404, 410)
