"""GraphQL client of the tests."""

from typing import Any, cast
from uuid import uuid4

from graphql import GraphQLUnionType
from starlette.testclient import TestClient

from api.graphql.schema import schema

DETAILS = """
  __typename
  ... on Recorded { commandId position recordedAt }
  ... on Refusal { code errorCode message path }
  ... on PatientRecorded { patient { familyName id mrn version diedAt } }
  ... on AllergyRecorded { allergy { id since kind severity reaction verification
                                     substance { name code system } } patient { mrn } }
  ... on FlagRecorded { flag { id kind note since } stay { id } }
  ... on WarningsUnconfirmed { warnings }
  ... on GlassBroken { patient { mrn } until }
  ... on PractitionerRecorded { practitioner { id staffNumber } }
  ... on ReportRecorded { issue { id report { ward period { from to } } } }
  ... on RoomRecorded {
    room { id ward number version policies
           beds { code state since until stateReason reservationId bedStateId } } }
  ... on RoomsRecorded { rooms { id ward number beds { code state } } }
  ... on StayRecorded {
    stay { id version status bed bedKept withoutBed admittedAt dischargedAt specialty disposition
           room { ward number } attending { staffNumber } patient { mrn } }
    withStay { id bed version } changedStays { id bed status } stillStopped { id } }
  ... on VisitRecorded { visit { id occurredAt kind note practitioner { staffNumber } } }
  ... on ConsultRecorded { consult { id status requestedAt withdrawnAt specialty question
                                     visit { id } } stay { id } }
  ... on ExpectedArrivalRecorded {
    expectedArrival { id status urgency isolation familyName patient { mrn } } }
  ... on PrescriptionRecorded {
    prescription { id version status dose start stop withoutPrescription medication { name }
                   administrations { id occurredAt given doseGiven reasonNotGiven performedBy
                                     infusion endedAt } } }
  ... on SourceMovementRecorded {
    sourceMovement { id status why movementId sourceId kind reportedAt patient { mrn } }
    ofStay: stay { id status bed } }
  ... on BedOccupied { bed byStay }
  ... on BedNotOpen { bed reason }
  ... on RoomPolicyBroken { policy }
  ... on PatientAlreadyAdmitted { otherStay: stay }
  ... on ContradictsLaterFacts { facts { id kind occurredAt stay } }
  ... on SharersUnplaced { stays }
  ... on AllergyKnown { allergyId }
  ... on MergeImpossible { inStays: stays }
  ... on InvalidInput { field }
  ... on VersionConflict { expected actual }
  ... on PatientDied { diedAt }
  ... on InFuture { now }
"""

BEGINNINGS = {
    "openRoom": "... on RoomRecorded { room { id number } }",
    "registerPatient": "... on PatientRecorded { patient { id mrn } }",
    "registerPractitioner": "... on PractitionerRecorded { practitioner { id staffNumber } }",
    "admitPatient": "... on StayRecorded { stay { id } }",
    "writePrescription": "... on PrescriptionRecorded { prescription { id } }",
}
"""The ids that `record` reads of commands that most tests begin with; `execute` reads all."""


class GraphQLClient:
    """Client that sends documents over HTTP with a token."""

    def __init__(self, http: TestClient, token: str) -> None:
        self.http = http
        self._headers = {"Authorization": f"Bearer {token}"}

    def raw(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the whole response, errors and extensions too."""
        body = {"query": query, "variables": variables or {}}
        answer = self.http.post("/graphql", json=body, headers=self._headers)
        reply: dict[str, Any] = answer.json()
        return reply

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a query that must have no errors."""
        answer = self.raw(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def execute(self, command: str, **input: Any) -> dict[str, Any]:
        """Return the result of a mutation: its payload or a refusal."""
        return self._mutate(command, DETAILS, input)

    def record(self, command: str, **input: Any) -> dict[str, Any]:
        """Return the payload of a mutation that must be accepted."""
        details = DETAILS
        if beginning := BEGINNINGS.get(command):
            details = DETAILS.partition("... on PatientRecorded")[0] + beginning
        answer = self._mutate(command, details, input)
        assert answer["__typename"].endswith("Recorded"), answer
        return answer

    def _mutate(self, command: str, details: str, input: dict[str, Any]) -> dict[str, Any]:
        input.setdefault("commandId", str(uuid4()))
        name = command[0].upper() + command[1:]
        members = _members(f"{name}Result")
        parts = [part for part in _fragments(details) if part[0] in members]
        fields = "__typename " + " ".join(part[1] for part in parts)
        query = f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ {fields} }} }}"
        answer: dict[str, Any] = self.ask(query, input=input)[command]
        return answer


def _members(union: str) -> set[str]:
    """Return the members of a result union, and their interfaces, without asking the server."""
    kind = cast(GraphQLUnionType, schema._schema.type_map[union])
    return {member.name for member in kind.types} | {"Recorded", "Refusal"}


def _fragments(details: str) -> list[tuple[str, str]]:
    """Parse the fragments of a payload's details, each with the type that it is on."""
    parts = details.split("... on ")[1:]
    return [(part.split()[0], "... on " + part) for part in parts]
