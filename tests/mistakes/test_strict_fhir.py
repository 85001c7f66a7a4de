"""Mistakes of FHIR servers that leave out, without a word, what they were asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.test_fhir_requests import Stranger
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late

STRICT = {"Prefer": "handling=strict"}


@pytest.fixture(scope="module")
def stranger(shared: Ward) -> Stranger:
    return Stranger(shared)


@pytest.mark.parametrize(
    "parameter",
    [
        *("asOf:missing=true", "knownAt:exact=2026-01-01", "_format:not=json", "_pretty:x=true"),
        *("_include:iterate=Encounter:subject", "_revinclude:iterate=Provenance:target"),
        *("_has:Flag:encounter:status=active", "_filter=a", "_list=1", "_count:exact=1"),
    ],
)
def test_mistake_793_what_is_not_done_is_told_and_refused_where_all_is_asked_for(
    stranger: Stranger, parameter: str
) -> None:
    path = f"Encounter?_id={stranger.stay}&{parameter}"
    bundle = stranger.get(path)
    assert bundle["entry"][-1]["resource"]["issue"][0]["code"] == "not-supported"
    assert "&" not in bundle["link"][0]["url"]
    stranger.refusal(path, 400, **STRICT)


@pytest.mark.parametrize(
    "parameter", ["patient:in=x", "status:not-in=x", "status:text=x", "location:above=x"]
)
def test_mistake_793_a_modifier_that_is_not_known_is_always_refused(
    stranger: Stranger, parameter: str
) -> None:
    stranger.refusal(f"Encounter?_id={stranger.stay}&{parameter}", 400)


def test_mistake_793_a_preference_is_read_in_any_of_its_forms(stranger: Stranger) -> None:
    path = f"/fhir/Encounter?_id={stranger.stay}&nonsense=1"
    for preferences, status in (
        (["return=minimal", "handling=strict"], 400),
        (["return=minimal, Handling = Strict; a=b"], 400),
        (['handling="strict"'], 400),
        (["nothandling=strict", "handling=stricter"], 200),
        (["handling=lenient"], 200),
    ):
        headers = [("Authorization", f"Bearer {TOKEN}"), *(("Prefer", p) for p in preferences)]
        assert stranger.http.get(path, headers=headers).status_code == status, preferences


def test_mistake_794_elements_and_a_summary_leave_the_same_in_any_order(stranger: Stranger) -> None:
    path = f"Encounter?_id={stranger.stay}"
    for parameters in (
        "_elements=period&_summary=false",
        "_summary=false&_elements=period",
        "_elements=period&_summary=data",
    ):
        (entry,) = stranger.get(f"{path}&{parameters}")["entry"]
        keys = {"resourceType", "id", "meta", "status", "class", "period"}
        assert entry["resource"].keys() == keys, parameters
    for pair in ("_summary=true&_elements=period", "_elements=period&_summary=true"):
        stranger.refusal(f"{path}&{pair}", 400)
        stranger.refusal(f"Encounter/{stranger.stay}?{pair}", 400)
    # of a summary by texts nothing is included, a number is of a search, and elements of their type
    stranger.refusal(f"{path}&_summary=text&_include=Encounter:subject", 400)
    stranger.refusal(f"Encounter/{stranger.stay}?_summary=count", 400)
    stranger.refusal(f"{path}&_elements=Patient.name", 400)


def test_mistake_795_a_resource_for_people_is_written_in_one_line(stranger: Stranger) -> None:
    path = f"Patient/{stranger.patient}"
    texts = [stranger.response(f"{path}?_pretty={value}").text for value in ("true", "false")]
    assert '\n  "resourceType": "Patient"' in texts[0]
    assert "\n" not in texts[1]
    stranger.refusal(f"{path}?_pretty=x", 400)


@pytest.mark.parametrize("version", ["3.0", "5.0", "4.3", '"5.0"'])
def test_mistake_795_another_version_of_fhir_is_answered_in_this_one(
    stranger: Stranger, version: str
) -> None:
    path = f"Patient/{stranger.patient}"
    for accept, status in (
        (f"application/fhir+json; fhirVersion={version}", 406),
        (f"application/fhir+json;fhirVersion={version}, application/json;q=0.5", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
    ):
        assert stranger.response(path, Accept=accept).status_code == status, accept
    stranger.refusal(f"{path}?_format=application/fhir%2Bjson;fhirVersion={version}", 406)
    stranger.get(f"{path}?_format=application/fhir%2Bjson;fhirVersion=4.0")


def test_mistake_796_what_has_no_versions_is_searched_by_the_time_of_its_last_one(
    stranger: Stranger,
) -> None:
    statement = stranger.get("metadata")["rest"][0]["resource"]
    names = {r["type"]: {p["name"] for p in r["searchParam"]} for r in statement}
    for resource in statement:
        has_time = resource["type"] != "Location"
        assert ("_lastUpdated" in names[resource["type"]]) == has_time, resource["type"]
    stranger.refusal("Location?_lastUpdated=ge2020", 400, **STRICT)
    for path in ("Patient/_history", "Patient/$nonsense", "Location/_history"):
        response = stranger.response(path)
        assert response.status_code == 404
        assert response.json()["issue"][0]["code"] == "not-supported", path


def test_mistake_797_a_status_that_follows_the_clock_is_not_told_again(
    ward: Ward, stranger: Stranger
) -> None:
    """A prescription comes to its end, and nothing is recorded: its version is another one."""
    end = datetime.now(UTC) + timedelta(hours=1)
    drug = ward.prescription(stranger.stay, stop=end.isoformat())
    read = stranger.response(f"MedicationRequest/{drug}")
    later = (end + timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    then = (end + timedelta(minutes=30)).isoformat().replace("+", "%2B")
    path = f"MedicationRequest/{drug}?asOf={then}"
    assert "last-modified" not in read.headers
    after = stranger.response(path, **{"If-Modified-Since": later})
    assert (after.status_code, after.json()["status"]) == (200, "completed")
    tags = {"If-None-Match": read.headers["etag"]}
    assert stranger.response(path, **tags).status_code == 200
    assert stranger.response(f"MedicationRequest/{drug}", **tags).status_code == 304
    request, stay = (
        next(r for r in stranger.get("metadata")["rest"][0]["resource"] if r["type"] == type)
        for type in ("MedicationRequest", "Encounter")
    )
    assert (request["conditionalRead"], stay["conditionalRead"]) == ("not-match", "full-support")


def test_mistake_797_a_version_is_known_by_any_header_that_names_it(stranger: Stranger) -> None:
    path = f"/fhir/Encounter/{stranger.stay}"
    tag = stranger.response(f"Encounter/{stranger.stay}").headers["etag"]
    headers = [("Authorization", f"Bearer {TOKEN}"), ("If-None-Match", 'W/"1"')]
    response = stranger.http.get(path, headers=[*headers, ("If-None-Match", tag)])
    assert response.status_code == 304


def followed(stranger: Stranger, path: str, between: Any) -> list[tuple[str, str]]:
    """Return what all pages have, each time with something recorded before the next one."""
    result, url = [], f"/fhir/{path}"
    while url:
        page = stranger.http.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
        assert page.status_code == 200, page.text
        for entry in page.json().get("entry", []):
            meta = entry["resource"].get("meta", {})
            result.append((entry["resource"]["id"], meta.get("versionId", "")))
        links = {link["relation"]: link["url"] for link in page.json()["link"]}
        url = links.get("next", "")
        between()
    return result


@pytest.mark.parametrize(
    "path",
    [
        "Encounter?patient={patient}&_count=1",
        "Encounter?patient={patient}&_count=1&_sort=-date",
        "Encounter?patient={patient}&_count=1&_sort=-_lastUpdated",
        "MedicationAdministration?patient={patient}&_count=2",
        "Provenance?patient={patient}&_count=5",
        "Patient/{patient}/$everything?_count=3",
        "Encounter/{stay}/_history?_count=2",
    ],
)
def test_mistake_798_facts_between_two_pages_lose_or_repeat_nothing(
    ward: Ward, stranger: Stranger, path: str
) -> None:
    def stayed(mrn: str, hours: int) -> None:
        stay = ward.stay(ward.room("a") + "/a", at=ago(hours=hours), patientMrn=mrn)
        end = late(ago(hours=hours - 1))
        ward.record("dischargePatient", stayId=stay, disposition="HOME", **end)

    mrn = ward.patient()
    for hours in (90, 70, 50):
        stayed(mrn, hours)
    stay = ward.stay(ward.room("a") + "/a", at=ago(hours=9), patientMrn=mrn)
    query = "query($i: ID!) { stay(id: $i) { patient { id } } }"
    patient = ward.ask(query, i=stay)["stay"]["patient"]["id"]
    drug = ward.prescription(stay)
    for hours in (8, 7, 6):
        dose = {"prescriptionId": drug, "given": True, "doseGiven": "1 g"}
        ward.record("recordAdministration", **dose, **late(ago(hours=hours)))
    hours_before = iter(range(100, 700, 2))

    def between() -> None:
        other = ward.patient()
        stayed(other, next(hours_before))
        ward.record("mergePatients", patientMrn=other, intoMrn=mrn, reason="one person")
        ward.record("changeSpecialty", stayId=stay, specialty=ward.name("S"))

    url = path.format(patient=patient, stay=stay)
    between()
    before = followed(stranger, url, lambda: None)
    assert len(before) == len(set(before)) > 2
    assert followed(stranger, url, between) == before
