"""Mistakes of other systems in registering persons: see `test_covered` for the list."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.testclient import TestClient

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import LOGIN, TOKEN, app_on_empty_log
from tests.support.api_dsl import Ward, ago
from tests.support.graphql_client import GraphQLClient

REGISTER = """mutation($input: RegisterPatientInput!) { registerPatient(input: $input) {
  __typename ... on Refusal { path } ... on LikelyDuplicates { candidates }
  ... on PatientRecorded { patient { id } likelyDuplicates { id } } } }"""


def test_mistake_161_a_house_may_want_likely_duplicates_named_before_it_registers(
    migrated: Database, tmp_path: Path
) -> None:
    chosen = {"health_seconds": 0, "confirm_likely_duplicates": True}
    document = REGISTER.replace(
        "... on Refusal {", "... on LikelyDuplicates { duplicates } ... on Refusal {"
    )
    document = document.replace("{ duplicates }", "{ candidates }")
    with TestClient(app_on_empty_log(migrated, tmp_path, **chosen)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        person = {"familyName": "Twice", "birthDate": "1960-05-05", "commandId": str(uuid4())}

        def told(**content: Any) -> Any:
            input = {**person, "mrn": "T1", **content}
            return ward.ask(REGISTER, input=input)["registerPatient"]

        first = told()["patient"]["id"]
        assert told()["patient"]["id"] == first
        second = {"mrn": "T2", "commandId": str(uuid4())}
        refusal = told(**second)
        assert (refusal["__typename"], refusal["candidates"]) == ("LikelyDuplicates", [first])
        assert refusal["path"] == ["despiteLikelyDuplicates"]
        assert told(**second, despiteLikelyDuplicates=[first])["__typename"] == "PatientRecorded"
        assert told(mrn="T3", familyName="Other", commandId=str(uuid4()))["likelyDuplicates"] == []


def test_mistake_187_who_registers_is_told_no_record_that_a_label_of_another_closes(
    migrated: Database, tmp_path: Path
) -> None:
    """The label of one record closes the others of the person, at the desk as in every question."""
    chosen = {"health_seconds": 0, "confirm_likely_duplicates": True}
    with TestClient(app_on_empty_log(migrated, tmp_path, **chosen)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        for mrn, name, label in (("T4", "Hidden", "VERY_RESTRICTED"), ("T5", "Shelter", "NORMAL")):
            ward.record("registerPatient", mrn=mrn, familyName=name, confidentiality=label)
        ward.record("mergePatients", patientMrn="T4", intoMrn="T5", reason="the same person")
        document = REGISTER.replace("path }", "code }").replace("{ candidates }", "{ __typename }")
        result = {}
        for role in (Role.ADMIN, Role.REGISTRAR):
            client = GraphQLClient(http, LOGIN.make(role, role.value))
            fields = {"mrn": "T6", "familyName": "Shelter", "commandId": str(uuid4())}
            result[role] = client.ask(document, input=fields)["registerPatient"]["__typename"]
        assert result == {Role.ADMIN: "LikelyDuplicates", Role.REGISTRAR: "PatientRecorded"}


FOUND = """query($name: String!, $known: Position) {
  patients(search: $name, knownAtPosition: $known) { nodes { mrn familyName } } }"""


def test_mistake_375_a_mistyped_name_is_found_as_it_was_known_then_alone(ward: Ward) -> None:
    wrong, right, number = ward.name("Meyxr"), ward.name("Meyer"), ward.name("Right")
    mrn = ward.patient(familyName=wrong)
    then = ward.position()
    fields = {"patientMrn": mrn, "reason": "mistyped"}
    ward.record("correctPatientDetails", **fields, familyName=right, mrn=number)

    def found(name: str, known: str | None = None) -> list[tuple[str, str]]:
        nodes = ward.ask(FOUND, name=name, known=known)["patients"]["nodes"]
        return [(node["mrn"], node["familyName"]) for node in nodes]

    assert (found(wrong), found(right)) == ([], [(number, right)])
    assert (found(wrong, then), found(right, then)) == ([(mrn, wrong)], [])
    since = ago(days=3)[:10]
    married = {"patientMrn": number, "validFrom": since, "reason": "married"}
    ward.record("correctPatientDetails", **married, familyName=wrong)
    changed = ward.position()
    ward.record("cancelPatientChange", patientMrn=number, validFrom=since, reason="not so")
    assert (found(wrong), found(wrong, changed)) == ([], [(number, wrong)])
