"""Causes of a restated report, as told to who restates it and reads no findings."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import MAY, Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, late
from tests.support.graphql_client import GraphQLClient

ISSUE = """query($id: ID!) { reportIssue(id: $id) { reason recordedBy { subject roleName }
  restatements { reason recordedBy { subject roleName } changes { name causes { wordsClosed closed
    facts { eventKind occurredAt recordedAt minutesLate recordedByRole reason } } } } } }"""
WORDS = """query($id: ID!) { reportIssue(id: $id) { restatements { changes { causes { facts {
  summary performedBy recordedBy { subject } } } } } } }"""
CANCEL = """mutation($input: CancelDischargeInput!) {
  cancelDischarge(input: $input) { __typename } }"""
NURSE, CLERK = "the wife says she left already", "typed on the wrong day"


def asking(ward: Ward, role: Role) -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, f"a {role.value}", ()))


@pytest.fixture(scope="module")
def issue(shared: Ward) -> str:
    """A census, restated by an analyst after a nurse and a clerk took back a discharge each."""
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    stays = [shared.stay(f"{shared.room('a')}/a", ago(days=5)) for _ in range(2)]
    for stay in stays:
        gone = late(ago(days=3))
        shared.record("dischargePatient", stayId=stay, disposition="HOME", **gone)
    analyst = asking(shared, Role.ANALYST)
    fields = {"name": "inpatient-census", "period": {"from": day, "to": day}}
    id: str = analyst.record("issueReport", **fields, reason="for the board")["issue"]["id"]
    for role, reason, stay in zip((Role.NURSE, Role.REGISTRAR), (NURSE, CLERK), stays, strict=True):
        back = {"stayId": stay, "because": "ENTERED_IN_ERROR", "reason": reason}
        answer = asking(shared, role).ask(CANCEL, input={**back, "commandId": str(uuid4())})
        assert answer["cancelDischarge"]["__typename"] == "StayRecorded"
    analyst.record("restateReport", issueId=id, reason="the month is closed")
    return id


def facts_of(client: GraphQLClient, id: str) -> list[dict[str, Any]]:
    (restatement,) = client.ask(ISSUE, id=id)["reportIssue"]["restatements"]
    return [f for ch in restatement["changes"] for cause in ch["causes"] for f in cause["facts"]]


@pytest.mark.parametrize("role", sorted(MAY["report_issue"]))
def test_mistake_420_who_gave_a_report_out_is_closed_to_who_may_read_it(
    shared: Ward, issue: str, role: Role
) -> None:
    """It was told as a finding is: an analyst read of her own reports that nobody had issued them."""
    answer = asking(shared, role).raw(ISSUE, {"id": issue})
    assert "errors" not in answer
    issued = answer["data"]["reportIssue"]
    (again,) = issued["restatements"]
    by = {"subject": "a analyst", "roleName": "ANALYST"}
    assert (issued["recordedBy"], issued["reason"]) == (by, "for the board")
    assert (again["recordedBy"], again["reason"]) == (by, "the month is closed")


def test_mistake_421_who_restates_a_report_is_not_told_whom_to_ask_why(
    shared: Ward, issue: str
) -> None:
    """What kind of fact, both clocks, the role that recorded it and how many words are closed are
    told; words of who treats are not, those of who has no findings to tell are."""
    result = facts_of(asking(shared, Role.ANALYST), issue)
    assert {
        (f["recordedByRole"], f["reason"]) for f in result if "DISCHARGE" in f["eventKind"]
    } == {
        ("NURSE", None),
        ("REGISTRAR", CLERK),
    }
    assert all(f["occurredAt"] and f["recordedAt"] and f["minutesLate"] >= 0 for f in result)
    reasons = {f["reason"] for f in facts_of(asking(shared, Role.PRIVACY_OFFICER), issue)}
    assert {NURSE, CLERK} <= reasons
    for role, closed in ((Role.ANALYST, True), (Role.PRIVACY_OFFICER, False)):
        (restatement,) = asking(shared, role).ask(ISSUE, id=issue)["reportIssue"]["restatements"]
        causes = [cause for change in restatement["changes"] for cause in change["causes"]]
        assert causes
        for cause in causes:
            assert cause["wordsClosed"] == (len(cause["facts"]) if closed else 0)
        assert ("errors" in asking(shared, role).raw(WORDS, {"id": issue})) == closed
