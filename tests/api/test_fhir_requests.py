"""FHIR by strangers: whatever a request says, it is answered, or refused with an outcome."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.fhir.query import EVERYWHERE, RESULT
from api.fhir.registry import RESOURCES
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late

NAMES = sorted({n for r in RESOURCES.values() for n in r.searched_by} | {*RESULT, *EVERYWHERE})
MODIFIERS = [
    "",
    "",
    "",
    ":missing",
    ":exact",
    ":not",
    ":contains",
    ":Patient",
    ":Patient.name",
    ".name",
]
VALUES = [
    "true",
    "2026-02-30",
    "ge2026",
    "ap9999-12-31T23:59:60Z",
    "0000",
    "9" * 5000,
    "²",
    "-1",
    "a|b|c",
]
VALUES += [
    "Patient/",
    "Patient/x",
    "Nonsense/1",
    "http://[::1/Patient/1",
    "%00",
    "\0",
    "\\,",
    ",",
    "count",
]
VALUES += [
    "Encounter:subject",
    "Provenance:target",
    "*",
    "2026-01-01T00:00:00+00:00",
    "\ud7ff",
    "xml",
]
IDS = [
    "x",
    "²",
    "1-1",
    "%00",
    "a b",
    "..%2f..",
    "é",
    "9" * 400,
    "null",
    "$everything",
    "_history",
    "_search",
]


class Stranger:
    """A client of FHIR that asks anything, of a patient with a stay and a prescription."""

    def __init__(self, ward: Ward) -> None:
        self.http = ward.client.http
        mrn = ward.patient(familyName="Strange", birthDate="1970-01-01")
        self.stay = ward.stay(ward.room("a") + "/a", at=ago(hours=9), patientMrn=mrn)
        self.drug = ward.prescription(self.stay)
        allergy = {"patientMrn": mrn, "substance": {"name": "Latex"}}
        ward.record("recordAllergy", **allergy, **late(ago(hours=3)))
        ward.record("raiseFlag", stayId=self.stay, flagKind="FALL_RISK", **late(ago(hours=3)))
        query = "query($i: ID!) { stay(id: $i) { patient { id } } }"
        self.patient = ward.ask(query, i=self.stay)["stay"]["patient"]["id"]

    def response(self, path: str, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", **headers}
        return self.http.get(f"/fhir/{path}", headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        response = self.response(path, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    def refusal(self, path: str, status: int, **headers: str) -> None:
        response = self.response(path, **headers)
        assert response.status_code == status, response.text
        assert response.json()["resourceType"] == "OperationOutcome"


@pytest.fixture(scope="module")
def stranger(shared: Ward) -> Stranger:
    return Stranger(shared)


parameters = st.lists(
    st.tuples(
        st.sampled_from(NAMES).flatmap(lambda n: st.sampled_from(MODIFIERS).map(lambda m: n + m))
        | st.text(st.characters(codec="utf-8"), max_size=8),
        st.sampled_from(VALUES) | st.text(st.characters(codec="utf-8"), max_size=12),
    ),
    max_size=4,
)
interactions = st.sampled_from(
    ["", "", "/{id}", "/{id}/_history", "/{id}/_history/{v}", "/{id}/$everything"]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    type=st.sampled_from([*RESOURCES, "Nonsense", "patient", "²"]),
    interaction=interactions,
    id=st.sampled_from(IDS) | st.sampled_from(["{patient}", "{stay}", "{drug}"]),
    version=st.sampled_from(["1", "²", "9" * 18, "9" * 30, "1-active", "-1", "1-"]),
    parameters=parameters,
    strict=st.booleans(),
)
def test_no_request_is_an_internal_error(
    stranger: Stranger,
    type: str,
    interaction: str,
    id: str,
    version: str,
    parameters: list[tuple[str, str]],
    strict: bool,
) -> None:
    own = {"{patient}": stranger.patient, "{stay}": stranger.stay, "{drug}": stranger.drug}
    path = type + interaction.format(id=own.get(id, id), v=version)
    response = stranger.response(
        f"{quote(path, safe='/%$')}?{urlencode(parameters)}",
        Prefer="handling=strict" if strict else "handling=lenient",
    )
    assert response.status_code < 500, (path, parameters, response.text)
    answer = response.json()["resourceType"]
    assert (answer == "OperationOutcome") == (response.status_code >= 400), (path, parameters)


def test_elements_are_left_with_those_that_a_resource_needs(stranger: Stranger) -> None:
    path = f"Encounter?patient={stranger.patient}"
    (entry,) = stranger.get(f"{path}&_elements=period")["entry"]
    assert entry["resource"].keys() == {"resourceType", "id", "meta", "status", "class", "period"}
    assert entry["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"
    (summary,) = stranger.get(f"{path}&_summary=true")["entry"]
    assert "location" not in summary["resource"]
    assert summary["resource"]["subject"] == {"reference": f"Patient/{stranger.patient}"}
    read = stranger.get(f"Patient/{stranger.patient}?_elements=birthDate")
    assert read.keys() == {"resourceType", "id", "meta", "birthDate"}
    assert "name" in stranger.get(f"Patient/{stranger.patient}?_summary=data")


def test_what_is_missing_is_found(stranger: Stranger) -> None:
    path = f"Encounter?patient={stranger.patient}"
    assert stranger.get(f"{path}&practitioner:missing=true")["total"] == 1
    assert stranger.get(f"{path}&practitioner:missing=false")["total"] == 0
    assert stranger.get(f"{path}&status=finished,in-progress&_total=estimate")["total"] == 1
    stranger.refusal(f"{path}&practitioner:missing=x", 400)


def test_forms_of_answers_are_agreed_on(stranger: Stranger) -> None:
    path = f"Patient/{stranger.patient}"
    for accept in ("application/json", "application/fhir+json, */*; q=0.1", "text/html,*/*;q=0.8"):
        assert stranger.response(path, Accept=accept).status_code == 200
    stranger.refusal(path, 406, Accept="application/fhir+xml")
    stranger.get(f"{path}?_format=application/fhir%2Bjson")
    for format in ("json", "application/json", "application/fhir+json"):
        stranger.get(f"{path}?_format={format}", Accept="application/fhir+xml")
        stranger.get(f"metadata?_format={format}", Accept="text/turtle")
    for format in ("xml", "application/fhir%2Bxml", "ttl", "html", "xmljson"):
        stranger.refusal(f"{path}?_format={format}", 406, Accept="application/fhir+json")
        stranger.refusal(f"metadata?_format={format}", 406)
    for format, status in (("json", 200), ("xml", 406)):
        response = stranger.http.post(
            "/fhir/Patient/_search",
            data={"_format": format, "_id": stranger.patient},
            headers={"Authorization": f"Bearer {TOKEN}", "Accept": "application/fhir+xml"},
        )
        assert response.status_code == status, response.text
    tag = stranger.response(path).headers["etag"]
    unmarked = {"If-None-Match": f'"0", {tag.removeprefix("W/")}'}
    assert stranger.response(path, **unmarked).status_code == 304
