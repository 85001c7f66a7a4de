"""Reports that were given out: who may give them out and read them, and whose data they may show."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.authorization.roles import MAY, Role
from tests.api.test_batch import command
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes, late, place
from tests.support.graphql_client import GraphQLClient

WRONG = {"reason": "entered for the wrong day"}


def asking(ward: Ward, role: Role, *wards: str) -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, f"a {role.value}", wards))


@dataclass
class Issues:
    """An issue of a ward's census and one of the house's, restated after a discharge was put right.

    Of two patients who were wrongly discharged one has a label.
    """

    ward: Ward
    of: dict[str | None, str]
    wrong: dict[str, str]
    stay: dict[str, str]


@pytest.fixture(scope="module")
def issues(shared: Ward) -> Issues:
    day = (datetime.now(UTC) - timedelta(days=2)).date()
    period = {"from": day.isoformat(), "to": day.isoformat()}
    made = Issues(shared, {}, {}, {})
    for name, label in (("North", "NORMAL"), ("South", "RESTRICTED")):
        mrn = shared.patient(confidentiality=label)
        bed = f"{shared.room('a', ward=name)}/a"
        stay = made.stay[name] = shared.stay(bed, ago(days=5), patientMrn=mrn)
        result = late(ago(days=3))
        shared.record("dischargePatient", stayId=stay, disposition="HOME", **result)
        line = shared.ask(
            "query($id: ID!) { timeline(stayId: $id, kinds: [STAY_DISCHARGED]) { nodes {"
            " movementId } } }",
            id=stay,
        )
        made.wrong[name] = line["timeline"]["nodes"][0]["movementId"]
    for ward in ("North", None):
        input = {"name": "inpatient-census", "period": period, "ward": ward}
        made.of[ward] = shared.record("issueReport", **input)["issue"]["id"]
    for name, wrong in made.wrong.items():
        shared.record(
            "cancelDischarge",
            stayId=made.stay[name],
            because="ENTERED_IN_ERROR",
            **WRONG,
        )
        assert wrong
    for id in made.of.values():
        shared.record("restateReport", issueId=id)
    return made


ISSUE = """query($id: ID!) { reportIssue(id: $id) { id report { ward } restatements { changes {
  name causes { subject id closed facts { kind stayId patientId } } } } } }"""
LIST = "{ reportIssues { nodes { id } } }"
NODE = "query($id: ID!) { node(id: $id) { id ... on ReportIssue { issuedAt } } }"
EXPOSURE = "query($id: ID!) { exposure(movementId: $id) { reports { id } } }"
WITHOUT = "query($id: ID!) { exposure(movementId: $id) { decided { kind } } }"


@pytest.mark.parametrize("role", Role)
def test_who_may_not_read_issues_reaches_none_by_any_way(issues: Issues, role: Role) -> None:
    client, id = asking(issues.ward, role), issues.of[None]
    may = role in MAY["report_issue"]
    for query, named in ((ISSUE, id), (LIST, id), (NODE, id)):
        answer = client.raw(query, {"id": named})
        assert ("errors" not in answer) == may, query
        assert may or codes(answer) == {"NOT_ALLOWED"}
    answer = client.raw(EXPOSURE, {"id": issues.wrong["North"]})
    assert ("errors" not in answer) == (may and role in MAY["exposure"])
    bare = client.ask("query($id: ID!) { node(id: $id) { id } }", id=id)["node"]
    assert bare == ({"id": id} if may else None)


@pytest.mark.parametrize("role", Role)
def test_who_may_not_give_reports_out_is_refused(issues: Issues, role: Role) -> None:
    """By the mutations and in a batch alike."""
    client = asking(issues.ward, role)
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    issue = {"name": "inpatient-census", "period": {"from": day, "to": day}}
    restate = {"issueId": issues.of[None], "reason": "asked for"}
    for name, input in (("issueReport", issue), ("restateReport", restate)):
        query = f"""mutation($i: {name[0].upper()}{name[1:]}Input!) {{
            {name}(input: $i) {{ __typename }} }}"""
        said = command(name, **input, occurredAt=ago(minutes=1))
        answer = client.raw(query, {"i": said["input"]})["data"][name]["__typename"]
        again = issues.ward.client.http.post(
            "/commands", json={"commands": [said]}, headers=client._headers
        ).json()["results"][0]["__typename"]
        if role in MAY["issue_report"]:
            assert {answer, again} == {"ReportRecorded"}
        else:
            assert {answer, again} == {"NotAllowed"}


def test_who_has_wards_reads_the_issues_on_them(issues: Issues) -> None:
    north, south = (asking(issues.ward, Role.ANALYST, name) for name in ("North", "South"))
    of_north, of_house = issues.of["North"], issues.of[None]
    assert [i["id"] for i in north.ask(LIST)["reportIssues"]["nodes"]] == [of_north]
    assert south.ask(LIST)["reportIssues"]["nodes"] == []
    assert north.ask(ISSUE, id=of_north)["reportIssue"]["report"]["ward"] == "North"
    for client, id in ((north, of_house), (south, of_north), (south, of_house)):
        assert codes(client.raw(ISSUE, {"id": id})) == {"NOT_ALLOWED"}
        assert client.ask(NODE, id=id) == {"node": None}
    period = {"from": "2026-01-01", "to": "2026-01-02"}
    for client, input in ((south, {"ward": "North"}), (north, {})):
        answer = client.execute("issueReport", name="inpatient-census", period=period, **input)
        assert answer["code"] == "NotAllowed"
    assert south.execute("restateReport", issueId=of_north)["code"] == "NotAllowed"


def test_what_a_wrong_fact_got_into_is_told_of_ones_own_wards_only(issues: Issues) -> None:
    wrong = issues.wrong["North"]
    whole = issues.ward.ask(EXPOSURE, id=wrong)["exposure"]["reports"]
    assert {r["id"] for r in whole} == set(issues.of.values())
    of_north = asking(issues.ward, Role.ADMIN, "North").ask(EXPOSURE, id=wrong)["exposure"]
    assert of_north["reports"] == [{"id": issues.of["North"]}]
    nurse = asking(issues.ward, Role.NURSE, "North")
    assert nurse.ask(WITHOUT, id=wrong)["exposure"] is not None
    for closed in (
        asking(issues.ward, Role.NURSE, "South").raw(WITHOUT, {"id": wrong}),
        asking(issues.ward, Role.NURSE).raw(WITHOUT, {"id": issues.wrong["South"]}),
    ):
        assert codes(closed) == {"NOT_ALLOWED"}
    assert codes(nurse.raw(WITHOUT, {"id": issues.stay["North"]})) == {"NotFound"}


def causes(client: GraphQLClient, id: str | None) -> list[dict[str, Any]]:
    """All causes of all changes."""
    answer = client.ask(ISSUE, id=id)["reportIssue"]["restatements"]
    return [cause for r in answer for change in r["changes"] for cause in change["causes"]]


def test_facts_about_whom_a_label_closes_are_counted_and_not_told(issues: Issues) -> None:
    """That the figure has another cause is said; what it was and whose is not."""
    whole = causes(issues.ward.client, issues.of[None])
    facts = [fact for cause in whole for fact in cause["facts"]]
    assert {f["stayId"] for f in facts} == set(issues.stay.values())
    assert {cause["closed"] for cause in whole} == {0}

    seen = causes(asking(issues.ward, Role.ANALYST), issues.of[None])

    assert {f["stayId"] for c in seen for f in c["facts"]} == {issues.stay["North"]}
    assert sum(c["closed"] + len(c["facts"]) for c in seen) == len(facts)
    assert any(c["closed"] for c in seen)


def test_the_beds_and_stays_of_a_batch_are_those_of_the_login(issues: Issues) -> None:
    """Each command is held to the wards by itself."""
    ward = issues.ward
    mine = ward.stay(f"{ward.room('a', 'b', ward='North')}/a")
    other = ward.stay(f"{ward.room('a', 'b', ward='South')}/a")
    nurse = asking(ward, Role.NURSE, "North")
    at = {"occurredAt": ago(minutes=1)}
    commands = [
        command("changeSpecialty", stayId=mine, specialty="surgery", **at),
        command("changeSpecialty", stayId=other, specialty="surgery", **at),
        command("addBed", **place(f"{ward.room(ward='North')}/z"), **at),
    ]
    answer = ward.client.http.post(
        "/commands", json={"commands": commands}, headers=nurse._headers
    ).json()["results"]
    assert [result["__typename"] for result in answer] == [
        "StayRecorded",
        "NotAllowed",
        "NotAllowed",
    ]
    assert "visits" not in answer[1]
