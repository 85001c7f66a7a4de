"""Reports issued and restated over HTTP: what a client reads of them."""

from typing import Any

import pytest

from tests.api.conftest import shared
from tests.reports.test_asked import days_ago
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import WRONG, movement

__all__ = ["shared"]

CENSUS = "inpatient-census"

RESTATEMENTS = """restatements { id restatedAt recordedBy { subject } reason
  report { position digest figures { name of { value } value } }
  changes { name of { name value } unit old new oldShown newShown
    causes { subject id facts { position kind summary stayId patientId roomId occurredAt recordedAt
      minutesLate recordedBy { subject role } performedBy reason } } } }"""

ISSUE = f"""query($id: ID!, $atLeast: Position) {{ reportIssue(id: $id, atLeast: $atLeast) {{
  id version issuedAt recordedBy {{ subject }} reason
  report {{ definition {{ name version }} parameters {{ name value }} period {{ from to }} ward
    position digest canonical figures {{ name of {{ name value }} unit exact }} }}
  {RESTATEMENTS} }} }}"""

EXPOSURE = """query($id: ID!) { exposure(movementId: $id) { reports { id report { ward } } } }"""


@pytest.fixture
def ward(shared: Ward) -> Ward:
    return shared


def issued(ward: Ward, first: int, last: int, /, **content: Any) -> str:
    content = {"name": CENSUS, **content}
    period = {"from": days_ago(first), "to": days_ago(last)}
    answer = ward.record("issueReport", period=period, **content)
    return str(answer["issue"]["id"])


def the_issue(ward: Ward, id: str, **asked: Any) -> dict[str, Any]:
    answer = ward.ask(ISSUE, id=id, **asked)["reportIssue"]
    assert isinstance(answer, dict)
    return answer


def test_a_restatement_tells_old_and_new_figures_and_the_facts_that_changed_them(
    ward: Ward,
) -> None:
    room = ward.room(ward="H")
    stay = ward.stay(f"{room}/a", at=ago(days=5))
    issue = issued(ward, 4, 2, ward="H", reason="for the board")
    before = the_issue(ward, issue)
    assert (before["reason"], before["restatements"]) == ("for the board", [])

    gone = {"occurredAt": ago(days=3), "reason": "the slip was found today"}
    ward.record("dischargePatient", stayId=stay, disposition="HOME", performedBy="Dr. Ito", **gone)
    answer = ward.record("restateReport", issueId=issue, reason="late slips")
    after = the_issue(ward, issue, atLeast=answer["position"])
    assert after["report"] == before["report"]
    assert after["version"] == before["version"] + 1

    (restated,) = after["restatements"]
    assert restated["reason"] == "late slips"
    assert restated["report"]["position"] != before["report"]["position"]
    changes = [c for c in restated["changes"] if c["name"] == "census"]
    assert [(c["of"][0]["value"], c["old"], c["new"]) for c in changes] == [
        (days_ago(3), "1", "0"),
        (days_ago(2), "1", "0"),
    ]
    ((cause,),) = {tuple(map(str, c["causes"])) for c in changes}
    assert cause == str(changes[0]["causes"][0])
    (fact,) = changes[0]["causes"][0]["facts"]
    assert (fact["kind"], fact["stayId"]) == ("STAY_DISCHARGED", stay)
    assert fact["summary"].startswith("Discharged")
    assert (fact["occurredAt"], fact["reason"]) == (gone["occurredAt"], gone["reason"])
    assert fact["performedBy"] == "Dr. Ito"
    assert fact["minutesLate"] == 3 * 24 * 60
    assert fact["recordedBy"]["subject"]


def test_a_fact_about_a_bed_tells_its_room(ward: Ward) -> None:
    room = ward.room(ward="J")
    issue = issued(ward, 3, 3, name="bed-occupancy-rate", ward="J")
    ward.record("closeBed", **place(f"{room}/a"), **{"from": ago(days=5)}, **late(ago(days=5)))
    ward.record("restateReport", issueId=issue)
    (restated,) = the_issue(ward, issue)["restatements"]
    (change,) = [c for c in restated["changes"] if c["name"] == "availableBedDays"]
    (fact,) = change["causes"][0]["facts"]
    assert (change["old"], change["new"], change["causes"][0]["subject"]) == ("2", "1", "bed")
    assert (fact["kind"], fact["summary"]) == ("ROOM_BED_CLOSED", "Bed closed")
    assert change["causes"][0]["id"] == f"{fact['roomId']}/a"


def test_issues_are_listed_page_by_page_the_newest_first(ward: Ward) -> None:
    ward.room()
    ids = [issued(ward, 3, last) for last in (3, 2, 1)]
    other = issued(ward, 3, 3, name="bed-occupancy-rate")
    query = """query($after: String, $name: String) { reportIssues(name: $name, first: 2,
      after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"""
    first = ward.ask(query, name=CENSUS)["reportIssues"]
    assert [node["id"] for node in first["nodes"]] == [ids[2], ids[1]]
    rest = ward.ask(query, name=CENSUS, after=first["pageInfo"]["endCursor"])["reportIssues"]
    assert rest["nodes"][0]["id"] == ids[0]
    assert ward.ask(query)["reportIssues"]["nodes"][0]["id"] == other
    node = ward.ask("query($id: ID!) { node(id: $id) { id __typename } }", id=other)["node"]
    assert node == {"id": other, "__typename": "ReportIssue"}


def test_the_exposure_of_a_wrong_fact_names_the_issued_reports_that_it_changed(
    ward: Ward,
) -> None:
    here, elsewhere = ward.room(ward="K"), ward.room(ward="L")
    stay = ward.stay(f"{here}/a", at=ago(days=6))
    before = issued(ward, 4, 2)
    gone = ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=3)))
    assert gone["stay"]
    unchanged, other_ward = issued(ward, 5, 5), issued(ward, 4, 3, ward="L")
    left_out = issued(ward, 2, 2, ward="K")
    long_before = issued(ward, 20, 18)
    discharge = movement(ward, stay, "STAY_DISCHARGED")
    bed = place(f"{here}/a")
    ward.record("cancelDischarge", stayId=stay, because="ENTERED_IN_ERROR", **bed, **WRONG)
    after = issued(ward, 4, 2)
    answer = ward.ask(EXPOSURE, id=discharge)["exposure"]["reports"]
    assert [report["id"] for report in answer] == [left_out]
    assert not {before, unchanged, other_ward, long_before, after} & {
        report["id"] for report in answer
    }
    assert elsewhere
