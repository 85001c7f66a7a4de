"""Mistakes about what a FHIR server tells: to programs of few scopes, in traces, and by numbers."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from application.authorization.roles import Role
from tests.conftest import KEY, LOGIN, TOKEN
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.canary_log import written_without_canary


def scoped(scope: str, subject: str = "app") -> str:
    """Make a token with scopes of SMART."""
    claims = {"iss": "local", "sub": subject, "role": "admin", "exp": int(time.time()) + 600}
    return jwt.encode({"alg": "HS256"}, {**claims, "scope": scope}, OctKey.import_key(KEY))


def told(ward: Ward, path: str, token: str = TOKEN, status: int = 200) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    response = ward.client.http.get(f"/fhir/{path}", headers=headers)
    assert response.status_code == status, response.text
    return response.json()


def patient_of(ward: Ward, stay: str) -> str:
    query = "query($i: ID!) { stay(id: $i) { patient { id } } }"
    return str(ward.ask(query, i=stay)["stay"]["patient"]["id"])


def test_mistake_180_everything_of_a_patient_tells_types_that_the_scopes_do_not_leave(
    shared: Ward,
) -> None:
    stay = shared.stay(shared.room("a") + "/a", attending=shared.doctor())
    path = f"Patient/{patient_of(shared, stay)}/$everything"
    types = {
        scope: {e["resource"]["resourceType"] for e in told(shared, path, scoped(scope))["entry"]}
        for scope in ("user/Patient.rs user/Encounter.rs", "user/*.rs")
    }
    assert types["user/Patient.rs user/Encounter.rs"] == {"Patient", "Encounter"}
    assert {"Location", "Practitioner"} <= types["user/*.rs"]


def test_mistake_181_a_trace_tells_the_id_that_a_path_has(shared: Ward) -> None:
    with written_without_canary() as written:
        told(shared, "Patient/Canarywood", status=404)
        assert "GET /fhir/Patient" in written()


def test_mistake_182_a_number_told_of_a_patient_is_no_reading(shared: Ward) -> None:
    """Whether a prescription of a drug is there is told by the number, with no resource."""
    stay = shared.stay()
    shared.prescription(stay)
    patient = patient_of(shared, stay)
    query = "{ accesses(first: 20) { nodes { subject patient { id } } } }"
    for who, path in {
        "counter of stays": f"Encounter?patient={patient}&_summary=count",
        "counter of drugs": f"MedicationRequest?patient={patient}&status=stopped&_count=0",
        "counter by id": f"Patient?_id={patient}&birthdate=1900&_summary=count",
    }.items():
        told(shared, path, scoped("user/*.rs", who))
        result = shared.ask(query)["accesses"]["nodes"]
        assert patient in [
            e["patient"]["id"] for e in result if e["subject"] == who and e["patient"]
        ], path


def entries_by(ward: Ward, who: str) -> list[tuple[str, str, str | None]]:
    """Return the entries of somebody in the record of reading, the latest first."""
    query = "query($who: String) { accesses(subject: $who) { nodes { operation outcome entity } } }"
    nodes = ward.ask(query, who=who)["accesses"]["nodes"]
    return [(node["operation"], node["outcome"], node["entity"]) for node in nodes]


def test_mistake_184_a_search_that_finds_nobody_is_no_reading(shared: Ward) -> None:
    """That a person is not there is told, too; so is how many are, and what scopes refuse."""
    finder = shared.name("finder")
    token = scoped("user/*.rs", finder)
    told(shared, f"Patient?family={shared.name('Nobody')}", token)
    told(shared, "Patient/01234567-89ab-4cde-8fab-0123456789ab", token, status=404)
    told(shared, "Patient?family=Nobody", scoped("user/Encounter.rs", finder), status=403)
    told(shared, "Patient?birthdate=never", token, status=400)
    assert entries_by(shared, finder) == [
        ("fhir Patient", "REFUSED", "OutOfScope"),
        ("fhir Patient", "SUCCESS", "nobody was shown"),
        ("fhir Patient", "SUCCESS", "nobody was shown"),
    ]


def test_mistake_200_a_number_that_no_program_reads_is_an_internal_error(shared: Ward) -> None:
    """Digits of another script, or thousands of them: a whole number all the same, or none."""
    stay = shared.stay()
    patient = patient_of(shared, stay)
    for path in (
        "Encounter?_count=²",
        "Location?_after=²",
        f"Encounter/{stay}/_history?_count=²",
        f"Patient/{patient}/_history?_after=٣",
    ):
        assert told(shared, path, status=400)["resourceType"] == "OperationOutcome"
    assert told(shared, f"Encounter/{stay}?_count=²", status=400)
    told(shared, f"Encounter/{stay}/_history/²", status=404)
    told(shared, "AuditEvent/²-x", status=404)
    assert len(told(shared, f"Encounter?patient={patient}&_count={'9' * 5000}")["entry"]) == 1


def test_mistake_232_what_changes_with_the_clock_keeps_its_version(shared: Ward) -> None:
    """A name that is planned from a day on is another version on that day, with no event then."""
    mrn = shared.patient(familyName="Before", birthDate="1970-01-01")
    query = "query($m: String) { patient(mrn: $m) { id } }"
    path = f"Patient/{shared.ask(query, m=mrn)['patient']['id']}"
    since = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    change = {"patientMrn": mrn, "familyName": "After", "validFrom": since}
    shared.record("correctPatientDetails", **change, reason="married then")
    later = f"?asOf={(datetime.now(UTC) + timedelta(days=4)).isoformat()[:19]}Z"
    versions = {}
    for name, moment in (("Before", ""), ("After", later)):
        versions[name] = told(shared, path + moment)
        assert versions[name]["name"][0]["family"] == name
    tags = {name: version["meta"]["versionId"] for name, version in versions.items()}
    assert tags["Before"] != tags["After"]
    headers = {"Authorization": f"Bearer {TOKEN}", "If-None-Match": f'W/"{tags["Before"]}"'}
    for moment, status in (("", 304), (later, 200)):
        response = shared.client.http.get(f"/fhir/{path}{moment}", headers=headers)
        assert response.status_code == status
    # before and after that day each version is read again
    for moment in ("", later):
        for name, version in versions.items():
            assert told(shared, f"{path}/_history/{tags[name]}{moment}") == version
    (latest, *_) = told(shared, f"{path}/_history{later}")["entry"]
    assert latest["resource"] == versions["After"]


def test_mistake_201_a_reference_to_another_type_finds_what_has_that_id(shared: Ward) -> None:
    patient = patient_of(shared, shared.stay())
    for path in (
        f"Encounter?patient=Practitioner/{patient}",
        f"MedicationRequest?subject=https://elsewhere/fhir/Group/{patient}",
        f"Provenance?target=Location/{patient}",
    ):
        told(shared, path, status=400)


def test_mistake_211_who_is_looked_for_by_a_staff_number_is_found_in_any_spelling(
    shared: Ward,
) -> None:
    number = shared.doctor()
    staff = "urn:wardbook:staff"
    for asked in (number, number.lower(), f"{staff}|{number}"):
        bundle = told(shared, f"Practitioner?identifier={asked}")
        result = [entry["resource"]["identifier"][0]["value"] for entry in bundle["entry"]]
        assert result == [number]
    assert told(shared, f"Practitioner?identifier={staff}|none")["total"] == 0


def test_mistake_272_what_a_role_may_see_in_part_is_a_fault_where_it_is_one_of_many(
    shared: Ward,
) -> None:
    """An analyst sees stays, and of their patients no names: such patients are left out."""
    room, doctor = shared.room("a", "b"), shared.doctor()
    stays = [shared.stay(f"{room}/{bed}", attending=doctor) for bed in "ab"]
    token = LOGIN.make(Role.ANALYST, "analyst")
    for included in ("subject", "patient"):
        path = f"Encounter?_id={','.join(stays)}&_include=Encounter:{included}"
        entries = told(shared, path, token)["entry"]
        types = [entry["resource"]["resourceType"] for entry in entries]
        assert types == ["Encounter", "Encounter"]
    patients = ",".join(patient_of(shared, stay) for stay in stays)
    told(shared, f"Patient?_id={patients}", token, status=403)


@pytest.mark.parametrize(
    "version",
    ["999999999", "999999999999999999", "9" * 40, "0", "00", "-1", "1.5", "abc", "\u0662", "%20"],
)
def test_mistake_400_a_version_that_never_was_is_told_as_a_wrong_request(
    shared: Ward, version: str
) -> None:
    """A version is no parameter: one that is not there is 404 (http.html, vread), whatever it says."""
    stay = shared.stay()
    current = told(shared, f"Encounter/{stay}")["meta"]["versionId"]
    for path in (f"Encounter/{stay}", f"Patient/{patient_of(shared, stay)}"):
        for suffix in ("", "?asOf=2030-01-01T00:00:00Z", "?knownAt=2020-01-01T00:00:00Z"):
            outcome = told(shared, f"{path}/_history/{version}{suffix}", status=404)
            assert outcome["resourceType"] == "OperationOutcome"
            assert outcome["issue"][0]["code"] == "not-found", outcome
    assert told(shared, f"Encounter/{stay}/_history/{current}")["id"] == stay
    told(shared, f"Encounter/{stay}/_history/{current}/more", status=404)
    for path in ("Encounter/nobody", f"Patient/{stay}", "Patient/" + "9" * 70):
        for suffix in ("", f"/_history/{current}", "/_history", "/_history/abc"):
            outcome = told(shared, f"{path}{suffix}", status=404)
            assert outcome["resourceType"] == "OperationOutcome", path


def test_mistake_600_a_version_changes_by_what_its_reader_may_not_see(shared: Ward) -> None:
    """`If-None-Match` told an analyst of each note, and a registrar of each allergy and legal hold."""
    room, mrn = shared.room("a", "b"), shared.patient(familyName="Before")
    stay = shared.stay(f"{room}/a", at=ago(hours=9), patientMrn=mrn)
    patient = patient_of(shared, stay)
    seen = {Role.ANALYST: [f"Encounter/{stay}"]}
    seen[Role.REGISTRAR] = [*seen[Role.ANALYST], f"Patient/{patient}"]
    tags: dict[tuple[Role, str], str] = {}
    histories: dict[tuple[Role, str], int] = {}

    def changed() -> set[tuple[Role, str]]:
        """Read all again, by those who know it; return which are others now, and know these."""
        others = set()
        for role, path in ((role, path) for role, paths in seen.items() for path in paths):
            login = {"Authorization": f"Bearer {LOGIN.make(role, role.value)}"}
            get = shared.client.http.get
            known = {"If-None-Match": tags.get((role, path), '"none"')}
            status = get(f"/fhir/{path}", headers={**login, **known}).status_code
            whole = get(f"/fhir/{path}", headers=login)
            number = len(get(f"/fhir/{path}/_history", headers=login).json()["entry"])
            if status == 200:
                others.add((role, path))
                tags[role, path] = whole.headers["etag"]
                histories[role, path] = number
            assert histories[role, path] == number
        return others

    everything = changed()
    note = {"note": "slept", "kind": "ROUND", "practitioner": shared.doctor()}
    shared.record("recordVisit", stayId=stay, **note, **late(ago(hours=8)))
    question = {"specialty": "cardiology", "question": "why"}
    shared.record("requestConsult", stayId=stay, **question, **late(ago(hours=8)))
    shared.record("raiseFlag", stayId=stay, flagKind="FALL_RISK", **late(ago(hours=8)))
    shared.record("recordAllergy", patientMrn=mrn, substance={"name": "Latex"})
    shared.prescription(stay)
    shared.record("placeLegalHold", patientMrn=mrn, reason="a claim")
    shared.record("liftLegalHold", patientMrn=mrn, reason="settled")
    assert changed() == set()
    shared.record("correctPatientDetails", patientMrn=mrn, familyName="After", reason="a typo")
    assert changed() == {(Role.REGISTRAR, f"Patient/{patient}")}
    label = {"confidentiality": "RESTRICTED", "reason": "asked"}
    shared.record("correctPatientDetails", patientMrn=mrn, **label)
    seen[Role.ANALYST], label["confidentiality"] = [], "NORMAL"
    assert changed() == {key for key in everything if key[0] is Role.REGISTRAR}
    shared.record("correctPatientDetails", patientMrn=mrn, **label)
    seen[Role.ANALYST] = [f"Encounter/{stay}"]
    assert changed() == everything
    shared.record("transferPatient", stayId=stay, **place(f"{room}/b"))
    assert changed() == {key for key in everything if key[1] == f"Encounter/{stay}"}
