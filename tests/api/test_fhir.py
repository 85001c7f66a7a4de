"""FHIR over HTTP: what is answered is what is declared, by the rights and records of GraphQL."""

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.fhir.registry import RESOURCES
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import KEY, LOGIN, TOKEN
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.hospital_dsl import rows

Get = Callable[..., Any]


class Fhir:
    """A client of FHIR that shares the server of a ward."""

    def __init__(self, ward: Ward, ids: dict[str, str]) -> None:
        self.ward, self.ids = ward, ids

    def response(self, path: str, token: str = TOKEN, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", **headers}
        return self.ward.client.http.get(f"/fhir/{path.format(**self.ids)}", headers=headers)

    def get(self, path: str, status: int = 200, token: str = TOKEN, **headers: str) -> Any:
        response = self.response(path, token, **headers)
        assert response.status_code == status, response.text
        assert response.headers["content-type"].startswith("application/fhir+json")
        assert response.headers["cache-control"] == "no-store"
        return response.json()

    def matches(self, path: str, mode: str = "match") -> list[Any]:
        entries = self.get(path).get("entry", [])
        return [e["resource"] for e in entries if e["search"]["mode"] == mode]


@pytest.fixture(scope="module")
def fhir(shared: Ward) -> Fhir:
    """A patient who came by the emergency department, went on leave, moved and was discharged."""
    ward = shared
    room = ward.room("a", "b")
    doctor = ward.doctor()
    mrn = ward.patient(familyName="Évery", givenName="Adam", birthDate="1961-12-24", sex="MALE")
    stay = ward.stay(
        f"{room}/a",
        patientMrn=mrn,
        admissionType="EMERGENCY",
        attending=doctor,
        specialty="Surgery",
    )
    ward.record("startLeave", stayId=stay, keepBed=True, **late(ago(hours=30)))
    ward.record("endLeave", stayId=stay, **late(ago(hours=20)))
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=10)))
    drug = ward.prescription(
        stay,
        medication={"name": "Paracetamol", "code": "N02BE01", "system": "ATC"},
        dose="1 g",
        route="oral",
        frequency="4 times a day",
        schedule={"timesOfDay": ["06:00", "12:00", "18:00", "23:00"]},
        prescriber=doctor,
    )
    for given in (
        {"given": True, "doseGiven": "1 g"},
        {"given": False, "reasonNotGiven": "asleep"},
    ):
        # Whatever the hour at which the test is run.
        early = {"confirmedWarnings": ["TOO_EARLY"], "reason": "asked for"}
        answer = ward.record("recordAdministration", prescriptionId=drug, **given, **early)
    dose = answer["prescription"]["administrations"][-1]["id"]
    raised = {"flagKind": "ISOLATION", "note": "MRSA"}
    flag = ward.record("raiseFlag", stayId=stay, **raised, **late(ago(hours=9)))["flag"]["id"]
    substance = {"name": "Penicillin", "code": "J01C", "system": "ATC"}
    known = ward.record(
        "recordAllergy",
        patientMrn=mrn,
        substance=substance,
        severity="SEVERE",
        **late(ago(hours=9)),
    )
    before = ago(minutes=1)
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    other = ward.patient(familyName="Other", sex="FEMALE")
    still = ward.stay(f"{room}/a", at=ago(hours=1), patientMrn=other)
    query = "query($m: String) { patient(mrn: $m) { id } }"
    ids = {"mrn": mrn, "stay": stay, "drug": drug, "dose": dose, "still": still, "room": room}
    ids["nobody"] = str(uuid4())
    ids |= {"allergy": known["allergy"]["id"], "flag": flag, "before": before}
    ids["patient"] = ward.ask(query, m=mrn)["patient"]["id"]
    ids["other"] = ward.ask(query, m=other)["patient"]["id"]
    answer = ward.ask("{ wards { id rooms { id beds { id code } } } }")["wards"][-1]
    ids["ward"], ids["place"] = answer["id"], answer["rooms"][-1]["id"]
    ids["bed"] = answer["rooms"][-1]["beds"][0]["id"]
    return Fhir(ward, ids)


ONE = {
    "Patient": "patient",
    "Encounter": "stay",
    "Location": "bed",
    "MedicationRequest": "drug",
    "MedicationAdministration": "dose",
    "AllergyIntolerance": "allergy",
}


def declared(fhir: Fhir) -> list[Any]:
    response = fhir.ward.client.http.get("/fhir/metadata")
    assert response.status_code == 200  # without a login
    (rest,) = response.json()["rest"]
    return list(rest["resource"])


def test_nothing_is_written_through_fhir(fhir: Fhir) -> None:
    resources = declared(fhir)
    assert [resource["type"] for resource in resources] == list(RESOURCES)
    fhir.get("Observation/1", status=404)
    unlisted = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
    for number, resource in enumerate(resources):
        assert unlisted.keys().isdisjoint(i["code"] for i in resource["interaction"])
        code = list(unlisted)[number % len(unlisted)]
        path = f"/fhir/{resource['type']}" + ("" if code == "create" else "/1")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        refusal = fhir.ward.client.http.request(unlisted[code], path, headers=headers)
        assert refusal.status_code == 405
        assert refusal.headers["Allow"] == "GET, HEAD"  # RFC 9110, 15.5.6
        assert refusal.json()["resourceType"] == "OperationOutcome"


@pytest.mark.slow
def test_the_capability_statement_lists_exactly_what_answers(fhir: Fhir) -> None:
    for resource in declared(fhir):
        type, codes = resource["type"], {i["code"] for i in resource["interaction"]}
        needed = "&".join([f"_id={fhir.ids.get(ONE.get(type, ''), 'x')}"])
        for parameter in resource["searchParam"]:
            value = "2020" if parameter["type"] == "date" else "x"
            query = (
                needed if parameter["name"] == "_id" else f"{needed}&{parameter['name']}={value}"
            )
            fhir.get(f"{type}?{query}", Prefer="handling=strict")
        for include in resource.get("searchInclude", ()):
            fhir.get(f"{type}?{needed}&_include={include}", Prefer="handling=strict")
        for include in resource.get("searchRevInclude", ()):
            fhir.get(f"{type}?{needed}&_revinclude={include}", Prefer="handling=strict")
        fhir.get(f"{type}?{needed}&nonsense=1", status=400, Prefer="handling=strict")
        if type in ONE:
            read = fhir.get(f"{type}/{fhir.ids[ONE[type]]}")
            assert read["resourceType"] == type
            has_versions = {"vread", "history-instance"} <= codes
            history = fhir.get(f"{type}/{read['id']}/_history", status=200 if has_versions else 404)
            if has_versions:
                version = read["meta"]["versionId"]
                assert fhir.get(f"{type}/{read['id']}/_history/{version}") == read
                assert history["entry"][0]["resource"] == read


def test_a_stay_is_told_with_its_statuses_places_and_participants(fhir: Fhir) -> None:
    stay = fhir.get("Encounter/{stay}")
    assert stay["status"] == "finished"
    result = [s["status"] for s in stay["statusHistory"]]
    assert result == ["in-progress", "onleave", "in-progress"]
    assert all(s["period"]["end"].endswith("Z") for s in stay["statusHistory"])
    assert [p["status"] for p in stay["location"]] == ["completed"] * len(stay["location"])
    assert len({p["location"]["reference"] for p in stay["location"]}) == 2
    assert stay["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "home"
    assert stay["subject"] == {"reference": f"Patient/{fhir.ids['patient']}"}
    before = fhir.get("Encounter/{stay}?asOf=" + ago(hours=25))
    assert before["status"] == "onleave"
    assert before["location"][-1]["status"] == "reserved"
    fhir.get("Encounter/{stay}?knownAt=2020-01-01T00:00:00Z", status=404)
    fhir.get("Encounter/{stay}?asOf=yesterday", status=400)


def test_versions_are_known_again(fhir: Fhir) -> None:
    response = fhir.response("Encounter/{stay}")
    tag = response.headers["etag"]
    assert tag == f'W/"{response.json()["meta"]["versionId"]}"'
    for known in (tag, "*", f'W/"0", {tag}'):
        assert fhir.response("Encounter/{stay}", **{"If-None-Match": known}).status_code == 304
    history = fhir.get("Encounter/{stay}/_history?_count=2")
    assert [e["resource"]["status"] for e in history["entry"]] == ["finished", "in-progress"]
    (following,) = [link["url"] for link in history["link"] if link["relation"] == "next"]
    more = fhir.get(following.partition("/fhir/")[2])
    versions = [int(e["resource"]["meta"]["versionId"]) for e in history["entry"] + more["entry"]]
    assert versions == sorted(set(versions), reverse=True)
    assert more["entry"][-1]["resource"]["statusHistory"][0]["status"] == "in-progress"


SEARCHES = [
    ("Patient?identifier={mrn}", ["patient"]),
    ("Patient?identifier=urn:wardbook:mrn:main|{mrn}", ["patient"]),
    ("Patient?name=adam%20every", ["patient"]),
    ("Patient?family=every&gender=male", ["patient"]),
    ("Patient?family=every&gender=female", []),
    ("Patient?birthdate=1961-12-24", ["patient"]),
    ("Patient?birthdate=lt1950", []),
    ("Encounter?patient={patient}", ["stay"]),
    ("Encounter?subject=Patient/{patient}&status=finished", ["stay"]),
    ("Encounter?status=in-progress", ["still"]),
    ("Encounter?status:not=finished", ["still"]),
    ("Encounter?location={place}", ["still"]),
    ("Encounter?location={ward}&status=in-progress", ["still"]),
    ("Encounter?date=gt2999", ["still"]),
    ("Encounter?_lastUpdated=lt2020", []),
    ("Location?physicaltype=bd&operational-status=O", ["bed"]),
    ("Location?partof={place}&name:exact=a", ["bed"]),
    ("MedicationRequest?encounter={stay}", ["drug"]),
    ("MedicationRequest?patient={patient}&code=http://www.whocc.no/atc|N02BE01", ["drug"]),
    ("MedicationRequest?patient={other}", []),
    ("MedicationAdministration?patient={patient}&status=not-done", ["dose"]),
    ("AllergyIntolerance?patient={patient}&code=J01C&severity=severe", ["allergy"]),
    ("AllergyIntolerance?patient={other}", []),
    ("AllergyIntolerance?_id={allergy}&clinical-status=active&onset=gt2020", ["allergy"]),
    ("Flag?patient={patient}", []),  # the stay has ended
    ("Flag?patient={patient}&asOf={before}", ["flag"]),
    ("Flag?encounter={stay}&code=ISOLATION&asOf={before}", ["flag"]),
    ("Flag?_id={flag}&asOf={before}", ["flag"]),
    ("MedicationAdministration?context=Encounter/{stay}&status=not-done", ["dose"]),
    ("Patient?identifier=urn:wardbook:mrn:main|&family=every", ["patient"]),
    ("Patient?identifier=nobody,{mrn}", ["patient"]),
    ("Patient?identifier=nobody", []),
    ("Patient?identifier:not={mrn}", ["other"]),
    ("Patient?_id:not={patient}", ["other"]),
    ("Patient?family=every&active=true", ["patient"]),
    ("Patient?birthdate=ap1960", ["patient"]),
    ("Encounter?patient={nobody}", []),
    ("Encounter?patient={nobody},{patient}", ["stay"]),
    ("Encounter?type=EMERGENCY", ["stay"]),
    ("Encounter?patient.identifier={mrn}", ["stay"]),
    ("Encounter?subject:Patient.identifier=urn:wardbook:mrn:main|{mrn}&status=finished", ["stay"]),
    ("Encounter?subject.identifier=nobody", []),
    ("MedicationRequest?patient.identifier={mrn}", ["drug"]),
    ("MedicationRequest?patient={other},{nobody},{patient}", ["drug"]),
    ("MedicationRequest?encounter={nobody},{stay}", ["drug"]),
    ("MedicationRequest?encounter={nobody}", []),
    ("MedicationAdministration?request={nobody},{drug}&status=not-done", ["dose"]),
    ("AllergyIntolerance?patient={nobody},{patient}", ["allergy"]),
    ("Provenance?target=Encounter/{nobody}", []),
    ("AuditEvent?patient={nobody}", []),
    ("Encounter?_sort=date", ["stay", "still"]),
    ("Encounter?_sort=-date", ["still", "stay"]),
    ("Encounter?_sort=status,-_lastUpdated", ["stay", "still"]),
    ("Patient?_sort=birthdate", ["patient", "other"]),
    ("Patient?_sort=-birthdate", ["patient", "other"]),
    ("Patient?_sort=-family&_count=1", ["other"]),
    ("Encounter?patient.family=every", ["stay"]),
    ("Encounter?subject:Patient.birthdate=lt1962&status=finished", ["stay"]),
    ("Encounter?subject.name:contains=the&patient.gender=female", ["still"]),
    ("Encounter?patient.family=every&patient.gender=female", []),
    ("MedicationRequest?encounter.status=finished", ["drug"]),
    ("MedicationRequest?patient.family=nobody", []),
]


@pytest.mark.parametrize(("search", "found"), SEARCHES, ids=[search for search, _ in SEARCHES])
def test_a_search_finds(fhir: Fhir, search: str, found: list[str]) -> None:
    assert [r["id"] for r in fhir.matches(search)] == [fhir.ids[name] for name in found]


def test_a_search_may_be_posted_and_is_given_in_pages(fhir: Fhir) -> None:
    http, headers = fhir.ward.client.http, {"Authorization": f"Bearer {TOKEN}"}
    posted = http.post("/fhir/Encounter/_search", data={"_count": "1"}, headers=headers).json()
    assert len(posted["entry"]) == 1
    (following,) = [link["url"] for link in posted["link"] if link["relation"] == "next"]
    last = http.get(following, headers=headers).json()
    assert {e["resource"]["id"] for e in posted["entry"] + last["entry"]} == {
        fhir.ids["stay"],
        fhir.ids["still"],
    }
    assert all(link["relation"] != "next" for link in last["link"])
    assert fhir.get("Encounter?_count=0&_totalMethod=count")["total"] == 2
    assert fhir.get("Encounter?_summary=count&status=finished")["total"] == 1
    as_json = http.post("/fhir/Encounter/_search", json={"_count": "1"}, headers=headers)
    assert as_json.status_code == 415


def pages(fhir: Fhir, path: str) -> list[list[str]]:
    """The resources of each page, by following its link."""
    result, following = [], f"/fhir/{path}"
    while following:
        response = fhir.get(following.partition("/fhir/")[2])
        result.append(
            [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in response["entry"]]
        )
        links = [link["url"] for link in response["link"] if link["relation"] == "next"]
        following = links[0] if links else ""
    return result


def test_sorted_matches_and_all_of_a_patient_are_given_in_pages(fhir: Fhir) -> None:
    stays = [f"Encounter/{fhir.ids[name]}" for name in ("still", "stay")]
    assert pages(fhir, "Encounter?_sort=-date&_count=1") == [[stay] for stay in stays]
    (everything,) = pages(fhir, "Patient/{patient}/$everything")
    in_pages = pages(fhir, "Patient/{patient}/$everything?_count=4")
    assert [id for page in in_pages for id in page] == everything
    assert {len(page) for page in in_pages[:-1]} == {4}
    none = fhir.get("Patient/{patient}/$everything?_count=0")
    assert (none["total"], none.get("entry")) == (len(everything), None)


def test_what_was_not_changed_since_is_not_sent_again(fhir: Fhir) -> None:
    changed = fhir.response("Encounter/{stay}").headers["last-modified"]
    entries = fhir.get("Encounter/{stay}/_history?_count=2")["entry"]
    _, before = (datetime.fromisoformat(e["resource"]["meta"]["lastUpdated"]) for e in entries)
    is_of_one_version = before < parsedate_to_datetime(changed)
    long_ago, tag = "Thu, 01 Jan 2015 00:00:00 GMT", 'W/"0"'
    known = 304 if is_of_one_version else 200
    for since, status in ((changed, known), (long_ago, 200), ("yesterday", 200)):
        response = fhir.response("Encounter/{stay}", **{"If-Modified-Since": since})
        assert response.status_code == status, since
    both = {"If-None-Match": tag, "If-Modified-Since": changed}
    assert fhir.response("Encounter/{stay}", **both).status_code == 200


def test_what_belongs_together_is_included(fhir: Fhir) -> None:
    path = "Encounter?_id={stay}&_include=Encounter:subject&_include=Encounter:location"
    path += "&_include=Encounter:practitioner&_revinclude=Provenance:target"
    path += "&_revinclude=MedicationAdministration:context"
    included = fhir.matches(path, "include")
    kinds = [r["resourceType"] for r in included]
    query = "query($id: ID) { timeline(stayId: $id, read: RECORD) { nodes { id } } }"
    facts = fhir.ward.ask(query, id=fhir.ids["stay"])["timeline"]["nodes"]
    assert {k: kinds.count(k) for k in set(kinds)} == {
        "Patient": 1,
        "Location": 2,
        "Practitioner": 1,
        "MedicationAdministration": 2,
        "Provenance": len(facts),
    }
    everything = fhir.get("Patient/{patient}/$everything")["entry"]
    result = {e["resource"]["resourceType"] for e in everything}
    assert result == set(RESOURCES) - {"AuditEvent", "Flag"}
    names = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in everything}
    assert len(names) == len(everything)


def test_each_event_is_told_with_who_when_and_why(fhir: Fhir) -> None:
    answer = fhir.matches("Provenance?target=MedicationRequest/{drug}")
    assert [p["activity"]["coding"][1]["code"] for p in answer] == [
        "PRESCRIPTION_WRITTEN",
        "PRESCRIPTION_ADMINISTRATION_RECORDED",
        "PRESCRIPTION_ADMINISTRATION_RECORDED",
        "PRESCRIPTION_STOPPED",
    ]
    (written, *_) = answer
    assert written["reason"] == [{"text": "noted afterwards"}]
    assert written["agent"][0]["who"]["identifier"]["value"] == "tester"
    assert written["occurredDateTime"] < written["recorded"]
    assert fhir.get(f"Provenance/{written['id']}") == written


def test_what_a_nurse_heeds_is_told_with_its_codes(fhir: Fhir) -> None:
    allergy = fhir.get("AllergyIntolerance/{allergy}")
    assert allergy["patient"] == {"reference": f"Patient/{fhir.ids['patient']}"}
    assert allergy["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    flag = fhir.get("Flag/{flag}?asOf={before}")
    assert flag["code"]["text"] == "MRSA"
    assert flag["code"]["coding"][0]["code"] == "ISOLATION"
    assert flag["encounter"] == {"reference": f"Encounter/{fhir.ids['stay']}"}
    repeat = fhir.get("MedicationRequest/{drug}")["dosageInstruction"][0]["timing"]["repeat"]
    assert repeat["timeOfDay"] == ["06:00:00", "12:00:00", "18:00:00", "23:00:00"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (4, 1, "d")


def readings(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "SELECT a.operation, a.outcome, array(SELECT DISTINCT p.mrn FROM patients_v4.patients p"
        " WHERE p.patient = ANY(a.patients) ORDER BY p.mrn) FROM audit.accesses a ORDER BY a.no",
    )


READS = [
    ("Patient/{patient}", "fhir Patient"),
    ("Patient/{patient}/_history", "fhir Patient"),
    ("Patient/{patient}/$everything", "fhir Patient"),
    ("Patient?family=every&gender=male", "fhir Patient"),
    ("Encounter/{stay}", "fhir Encounter"),
    ("Encounter?status=finished", "fhir Encounter"),
    ("MedicationRequest/{drug}", "fhir MedicationRequest"),
    ("MedicationAdministration/{dose}", "fhir MedicationAdministration"),
    ("Provenance?patient={patient}&_count=1", "fhir Provenance"),
    ("AllergyIntolerance?patient={patient}", "fhir AllergyIntolerance"),
    ("Flag/{flag}?asOf={before}", "fhir Flag"),
]


@pytest.mark.parametrize(("path", "operation"), READS, ids=[path for path, _ in READS])
def test_who_reads_of_a_patient_has_read_that_patient(
    fhir: Fhir, migrated: Database, path: str, operation: str
) -> None:
    with psycopg.connect(migrated.owner_url) as owner:
        owner.execute("DELETE FROM audit.accesses")
    fhir.get(path)
    assert readings(migrated) == [(operation, "success", [fhir.ids["mrn"]])]


def test_what_names_nobody_is_read_by_who_asked_for_a_person_alone(
    fhir: Fhir, migrated: Database
) -> None:
    with psycopg.connect(migrated.owner_url) as owner:
        owner.execute("DELETE FROM audit.accesses")
    fhir.get("Location")
    fhir.get("Practitioner")
    assert readings(migrated) == []
    fhir.get("Patient?name=nobody")
    fhir.get("Encounter/{stay}?asOf=1990-01-01T00:00:00Z", status=404)
    assert readings(migrated) == [(f"fhir {t}", "success", []) for t in ("Patient", "Encounter")]


def test_the_record_of_reading_is_for_who_may_read_it(fhir: Fhir) -> None:
    fhir.get("Encounter/{stay}")
    answer = fhir.matches("AuditEvent?patient={patient}&_count=2")
    assert answer[0]["agent"][0]["who"]["identifier"]["value"] == "tester"
    assert answer[0]["entity"][0]["what"] == {"reference": f"Patient/{fhir.ids['patient']}"}
    assert fhir.get(f"AuditEvent/{answer[0]['id']}") == answer[0]
    nurse = LOGIN.make(Role.NURSE, "Ada")
    assert fhir.get("AuditEvent", status=403, token=nurse)["issue"][0]["code"] == "forbidden"


def test_rights_are_those_of_graphql(fhir: Fhir, migrated: Database) -> None:
    analyst = LOGIN.make(Role.ANALYST, "Ann")
    fhir.get("Encounter/{stay}", token=analyst)  # of a patient who is not named
    for path in ("Patient/{patient}", "MedicationRequest/{drug}", "Provenance?patient={patient}"):
        fhir.get(path, status=403, token=analyst)
    response = fhir.get("Encounter?_id={stay}&_include=Encounter:subject", token=analyst)
    assert response["entry"][-1]["search"]["mode"] == "outcome"
    of_other_ward = LOGIN.make(Role.NURSE, "Ada", wards=["Z"])
    fhir.get("Patient/{other}", status=403, token=of_other_ward)
    (*_, last) = readings(migrated)
    assert last[:2] == ("fhir Patient", "refused")
    assert fhir.get("Encounter?_id={still},{stay}", token=of_other_ward).get("entry") is None
    fhir.get("Patient/{patient}", status=401, token="")


REFUSED = [
    ("Encounter/nonsense", 404, "not-found"),
    ("Encounter?_count=x", 400, "invalid"),
    ("Encounter?date=soon", 400, "invalid"),
    ("Encounter?patient:nonsense=true", 400, "not-supported"),
    ("Encounter?_include=Encounter:nonsense", 400, "not-supported"),
    ("Encounter?_after=nonsense", 400, "invalid"),
    ("Encounter?_sort=nonsense", 400, "not-supported"),
    ("Encounter?_sort=date&_after=nonsense", 400, "invalid"),
    ("Encounter?patient.birthdate=soon", 400, "invalid"),
    ("Encounter?patient.name:nonsense=x", 400, "not-supported"),
    ("Patient/{patient}/$everything?_count=x", 400, "invalid"),
    ("Patient/{patient}/$everything?_after=-1", 400, "invalid"),
    ("MedicationRequest", 400, "required"),
    ("MedicationRequest?status=active", 400, "required"),
    ("MedicationRequest?patient:missing=true", 400, "required"),
    ("Provenance?patient={patient},{other}", 400, "not-supported"),
    ("Encounter?_format=xml", 406, "not-supported"),
    ("Encounter/{stay}/_history/1", 404, "not-found"),
    ("Encounter/{stay}/$nonsense", 404, "not-supported"),
    ("Patient/{patient}/$everything?_type=Nonsense", 400, "invalid"),
]


@pytest.mark.parametrize(("path", "status", "code"), REFUSED, ids=[path for path, *_ in REFUSED])
def test_what_cannot_be_answered_is_told_as_an_outcome(
    fhir: Fhir, path: str, status: int, code: str
) -> None:
    response = fhir.get(path, status=status)
    assert response["resourceType"] == "OperationOutcome"
    assert response["issue"][0]["code"] == code
    assert response["issue"][0]["diagnostics"].endswith(".")


def test_parameters_that_are_not_known_are_told(fhir: Fhir) -> None:
    response = fhir.get("Encounter?_id={stay}&nonsense=1")
    assert response["entry"][-1]["resource"]["issue"][0]["severity"] == "warning"
    assert "nonsense" not in response["link"][0]["url"]


def scoped(scope: str, role: str = "admin") -> str:
    """Make a token with scopes of SMART."""
    claims = {"iss": "local", "sub": "app", "role": role, "exp": int(time.time()) + 600}
    return jwt.encode({"alg": "HS256"}, {**claims, "scope": scope}, OctKey.import_key(KEY))


SCOPES = [
    ("user/*.rs", {"Patient", "Encounter"}),
    ("system/*.read openid", {"Patient", "Encounter"}),
    ("user/Encounter.rs", {"Encounter"}),
    ("user/Encounter.cruds user/Patient.read", {"Patient", "Encounter"}),
    ("user/Encounter.s user/Patient.cud", set()),
    ("patient/*.rs", set()),
    ("user/Encounter.rs?status=finished", set()),
    ("openid profile", {"Patient", "Encounter"}),
]


@pytest.mark.parametrize(("scope", "left"), SCOPES, ids=[scope for scope, _ in SCOPES])
def test_scopes_take_away_types_and_add_nothing(fhir: Fhir, scope: str, left: set[str]) -> None:
    """Whichever way a type is asked for."""
    for type, id in (("Patient", fhir.ids["patient"]), ("Encounter", fhir.ids["stay"])):
        status, token = 200 if type in left else 403, scoped(scope)
        forms = [f"{type}/{id}", f"{type}?_id={id}", f"{type}?_id={id}&_summary=count"]
        forms += [f"{type}/{id}/_history"]
        forms += [f"{type}/{id}/$everything"] if type == "Patient" else []
        for path in forms:
            fhir.get(path, status, token)
        assert posted(fhir, type, token, _id=id) == status
    fhir.get("Patient/{patient}", status=403, token=scoped(scope, "analyst"))


def posted(fhir: Fhir, type: str, token: str, **parameters: str) -> int:
    """Post a search; return the status of its answer."""
    headers = {"Authorization": f"Bearer {token}"}
    response = fhir.ward.client.http.post(f"/fhir/{type}/_search", data=parameters, headers=headers)
    return response.status_code


def test_an_include_is_in_the_scopes_too(fhir: Fhir) -> None:
    others = {
        "_include": "Encounter:subject",
        "_revinclude": "Provenance:target",
        "subject.identifier": "1",
    }
    token = scoped("user/Encounter.rs")
    for name, value in others.items():
        fhir.get("Encounter?_id={stay}&" + f"{name}={value}", 403, token)
        assert posted(fhir, "Encounter", token, _id=fhir.ids["stay"], **{name: value}) == 403


def test_scopes_come_before_who_a_chain_leads_to(fhir: Fhir) -> None:
    """Whether somebody has a number, and is closed, is nothing that a token of stays may ask."""
    closed = fhir.ward.patient(familyName="Secret", confidentiality="VERY_RESTRICTED")
    token = scoped("user/Encounter.rs", "nurse")
    result = {
        str(fhir.get(f"Encounter?subject.identifier={mrn}", 403, token)) for mrn in (closed, "none")
    }
    assert len(result) == 1


def test_a_token_with_scopes_is_taken_at_fhir_alone(fhir: Fhir) -> None:
    for path in ("/graphql", "/commands"):
        headers = {"Authorization": f"Bearer {scoped('user/*.rs')}"}
        response = fhir.ward.client.http.post(
            path, json={"query": "{ __typename }"}, headers=headers
        )
        assert response.status_code == 401


def test_a_house_without_a_provider_has_no_configuration_of_smart(fhir: Fhir) -> None:
    assert fhir.ward.client.http.get("/fhir/.well-known/smart-configuration").status_code == 404


def test_classes_that_a_stay_had_are_told(fhir: Fhir) -> None:
    ward = fhir.ward
    changed = ward.stay(admissionType="DAY_CASE")
    times = ago(hours=30), ago(hours=20), ago(hours=10)
    for type, at in zip(("EMERGENCY", "ELECTIVE", "DAY_CASE"), times, strict=True):
        ward.record("changeAdmissionType", stayId=changed, admissionType=type, **late(at))
    stay = fhir.get(f"Encounter/{changed}")
    assert stay["class"]["code"] == "SS"
    periods = [(c["class"]["code"], c["period"].get("end")) for c in stay["classHistory"]]
    ends = [datetime.fromisoformat(end) if end else None for _, end in periods]
    assert [code for code, _ in periods] == ["SS", "IMP", "SS"]
    assert ends == [datetime.fromisoformat(times[0]), datetime.fromisoformat(times[2]), None]
    assert stay["classHistory"][0]["period"]["start"] == stay["period"]["start"]
    between = fhir.get(f"Encounter/{changed}?asOf=" + ago(hours=25))
    assert (between["class"]["code"], len(between["classHistory"])) == ("IMP", 2)
    assert "classHistory" not in fhir.get("Encounter/{stay}")
