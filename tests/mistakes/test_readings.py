"""Mistakes of other systems about the record of who read whose data."""

import json
from typing import Any

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, late
from tests.support.graphql_client import GraphQLClient

ACCESSES = """query($subject: String, $glass: Boolean, $outcome: AccessOutcome) {
  accesses(subject: $subject, brokeGlass: $glass, outcome: $outcome) { nodes { operation outcome
    entity brokeGlass resources patientsShown asOf knownAt address server patient { mrn } } } }"""


def accesses(ward: Ward, subject: str, **asked: Any) -> list[dict[str, Any]]:
    """The entries of the access log by somebody, the latest first."""
    return list(ward.ask(ACCESSES, subject=subject, **asked)["accesses"]["nodes"])


def login(ward: Ward, role: Role, *wards: str) -> tuple[str, GraphQLClient]:
    subject = ward.name("reader")
    return subject, GraphQLClient(ward.client.http, LOGIN.make(role, subject, wards))


def test_mistake_85_what_was_refused_to_whom_is_recorded(ward: Ward) -> None:
    closed = ward.patient(confidentiality="VERY_RESTRICTED")
    nurse, asking = login(ward, Role.NURSE)
    by_mrn = "query($m: String) { patient(mrn: $m) { familyName } }"
    asking.raw(by_mrn, {"m": closed})
    asking.raw("{ accesses { nodes { id } } }")
    result = [(a["operation"], a["entity"], a["patient"]) for a in accesses(ward, nurse)]
    assert result == [("accesses", "NotAllowed", None), ("patient", "NotAllowed", {"mrn": closed})]
    assert accesses(ward, nurse, outcome="SUCCESS") == []


def test_mistake_85_a_refusal_that_tells_of_a_patient_is_a_reading(ward: Ward) -> None:
    mrn = ward.patient()
    ward.stay(patientMrn=mrn)
    nurse, asking = login(ward, Role.NURSE)
    answer = asking.execute(
        "admitPatient", patientMrn=mrn, admissionType="EMERGENCY", withoutBed="corridor"
    )
    assert answer["__typename"] == "PatientAlreadyAdmitted"
    (entry,) = accesses(ward, nurse)
    assert (entry["outcome"], entry["entity"]) == ("REFUSED", "PatientAlreadyAdmitted")
    assert entry["patient"] == {"mrn": mrn}


def test_mistake_85_who_read_which_report_is_recorded(ward: Ward) -> None:
    analyst, asking = login(ward, Role.ANALYST)
    day = ago(days=1)[:10]
    asking.ask(
        'query($p: ReportPeriod!) { report(name: "inpatient-census", period: $p) { digest } }',
        p={"from": day, "to": day},
    )
    (entry,) = accesses(ward, analyst)
    assert entry["operation"] == "report"
    assert entry["entity"] == f"inpatient-census@2 {day}..{day}"


def test_mistake_85_a_reading_says_of_what_as_of_when_and_from_where(ward: Ward) -> None:
    stay, moment = ward.stay(), ago(hours=1)
    nurse, asking = login(ward, Role.NURSE)
    asking.ask(
        "query($i: ID!, $at: DateTime) { stay(id: $i, asOf: $at) { id } }", i=stay, at=moment
    )
    (entry,) = accesses(ward, nurse)
    assert (entry["resources"], entry["patientsShown"]) == ([stay], 1)
    assert entry["asOf"][:19] == moment[:19]
    assert entry["knownAt"] is None
    assert entry["address"]
    assert entry["server"]


def test_mistake_85_broken_glasses_are_found_among_the_readings(ward: Ward) -> None:
    closed, other = ward.patient(confidentiality="VERY_RESTRICTED"), ward.patient()
    nurse, asking = login(ward, Role.NURSE)
    by_mrn = "query($m: String) { patient(mrn: $m) { id } }"
    before = broken(ward)
    asking.ask(by_mrn, m=other)
    assert asking.execute("breakGlass", patientMrn=closed, reason="found unconscious")["until"]
    result = accesses(ward, nurse, glass=True)
    assert [(a["operation"], a["patient"]["mrn"]) for a in result] == [("breakGlass", closed)]
    assert [a["patient"]["mrn"] for a in accesses(ward, nurse, glass=False)] == [other]
    assert broken(ward) == before + 1


def broken(ward: Ward) -> float:
    """Return how many glasses the metrics count."""
    lines = ward.client.http.get("/metrics").text.splitlines()
    (line,) = (each for each in lines if each.startswith("wardbook_emergency_accesses_total "))
    return float(line.split()[1])


def test_mistake_85_the_feed_of_a_merge_is_a_reading_of_both_records(ward: Ward) -> None:
    temporary, mrn = ward.patient(), ward.patient()
    ward.record("mergePatients", patientMrn=temporary, intoMrn=mrn, reason="the same person")
    service, asking = login(ward, Role.SERVICE)
    asking.ask("{ events(first: 500, kinds: [PATIENT_MERGED]) { nodes { data } } }")
    assert mrn in json.dumps(accesses(ward, service))


def test_mistake_85_a_failed_login_is_logged_without_the_token(ward: Ward, caplog: Any) -> None:
    http = ward.client.http
    answer = http.post(
        "/graphql", json={"query": "{ wards { name } }"}, headers={"Authorization": "Bearer secret"}
    )
    assert answer.status_code == 401
    assert "login failed" in caplog.text
    assert "secret" not in caplog.text


def test_mistake_186_the_history_of_a_patient_names_stays_of_others(ward: Ward) -> None:
    """What one answer shows of several patients is told to each of them: of the others, nothing."""
    stays = {mrn: ward.stay(patientMrn=mrn) for mrn in (ward.patient(), ward.patient())}
    nurse, asking = login(ward, Role.NURSE)
    asking.ask(
        "query($a: ID!, $b: ID!) { a: stay(id: $a) { id } b: stay(id: $b) { id } }",
        **dict(zip("ab", stays.values(), strict=True)),
    )
    result = {a["patient"]["mrn"]: a["resources"] for a in accesses(ward, nurse)}
    assert result == {mrn: [stay] for mrn, stay in stays.items()}


def test_mistake_184_who_looked_for_whom_in_vain_is_recorded(ward: Ward) -> None:
    nurse, asking = login(ward, Role.NURSE)
    asking.ask('{ patients(search: "Nobody Nowhere") { nodes { mrn } } }')
    asking.raw('{ patient(mrn: "no such number") { mrn } }')
    asking.raw('{ timeline(mrn: "no such number") { nodes { id } } }')
    asking.ask("{ practitioners { nodes { id } } }")
    result = [(a["operation"], a["entity"], a["patient"]) for a in accesses(ward, nurse)]
    asked = ["timeline", "patient", "patients"]
    assert result == [(name, "nobody was shown", None) for name in asked]


SHOWING = (
    "timeline(stayId: $stay) { nodes { id } }",
    "timeline(mrn: $mrn) { nodes { id } }",
    "events(after: $position, first: 500) { nodes { data } }",
    "prescription(id: $prescription) { stay { id } }",
)
"""Questions whose answers show a stay and its prescription."""


def test_mistake_465_which_stay_and_which_prescription_was_shown_is_recorded_of_some_answers_alone(
    ward: Ward,
) -> None:
    """A timeline, the feed and FHIR said whose data it were, and not of which stay."""
    mrn, position = ward.patient(), ward.position()
    stay = ward.stay(patientMrn=mrn)
    prescription = ward.prescription(stay)
    values = {"mrn": mrn, "stay": stay, "prescription": prescription, "position": position}
    types = {"mrn": "String", "stay": "ID", "prescription": "ID!", "position": "Position"}
    for question in SHOWING:
        reader, asking = login(ward, Role.SERVICE)
        (name,) = [name for name in values if f"${name}" in question]
        query = f"query(${name}: {types[name]}) {{ {question} }}"
        assert not asking.raw(query, {name: values[name]}).get("errors")
        assert {stay, prescription} <= resources_read_by(ward, reader), question
    for path in (
        f"MedicationRequest?encounter={stay}",
        f"Provenance?target=Encounter/{stay}",
        f"Encounter?_id={stay}&_revinclude=MedicationRequest:encounter",
    ):
        reader = ward.name("reader")
        headers = {"Authorization": f"Bearer {LOGIN.make(Role.SERVICE, reader)}"}
        assert ward.client.http.get(f"/fhir/{path}", headers=headers).status_code == 200
        assert {stay, prescription} <= resources_read_by(ward, reader), path


def resources_read_by(ward: Ward, reader: str) -> set[str]:
    """Return the stays and prescriptions that somebody read, as it is recorded."""
    return {id for entry in accesses(ward, reader) for id in entry["resources"]}


def test_mistake_465_a_registration_despite_likely_duplicates_is_recorded_as_a_reading_of_each(
    ward: Ward,
) -> None:
    """The record looked for single ids alone, and the feed could not be read past this one."""
    first = ward.record("registerPatient", mrn=ward.name("MRN_"), **late(ago(days=30)))
    position = ward.position()
    shown = {"despiteLikelyDuplicates": [first["patient"]["id"]]}
    ward.record("registerPatient", mrn=ward.name("MRN_"), **shown, **late(ago(days=30)))
    reader, asking = login(ward, Role.SERVICE)
    answer = asking.ask("query($p: Position) { events(after: $p) { nodes { kind } } }", p=position)
    assert answer["events"]["nodes"] == [{"kind": "PATIENT_REGISTERED"}]
    assert [entry["patientsShown"] for entry in accesses(ward, reader)] == [2, 2]


def test_mistake_576_nobody_read_in_a_time_that_ends_before_it_begins(ward: Ward) -> None:
    """An auditor who had the two times the wrong way round was told that nobody had read."""
    query = (
        "query($from: DateTime, $to: DateTime) { accesses(from: $from, to: $to) { nodes { id } } }"
    )
    answer = ward.client.raw(query, {"from": ago(days=1), "to": ago(days=2)})
    (error,) = answer["errors"]
    assert error["message"] == "to: it has to be after from."
