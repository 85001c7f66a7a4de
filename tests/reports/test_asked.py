"""Reports as a client asks for them: from recorded events, over HTTP."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.authorization.roles import Role
from application.reports.registry import newest_definitions
from tests.api.conftest import shared
from tests.mistakes.test_disclosure import login
from tests.support.api_dsl import Ward, ago, codes, late, place

__all__ = ["shared"]

REPORT = (
    "query($name: String!, $from: Date!, $to: Date!, $ward: String, $parameters:"
    " [ReportParameterInput!], $version: Int, $knownAt: DateTime, $knownAtPosition: Position,"
    " $atLeast: Position) { report(name: $name, period: {from: $from, to: $to}, ward: $ward,"
    " version: $version, parameters: $parameters, knownAt: $knownAt,"
    " knownAtPosition: $knownAtPosition, atLeast: $atLeast) { definition { name version }"
    " parameters { name value } period { from to } ward position digest canonical parked"
    " figures { name of { name value } unit value exact shown } } }"
)


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def variables(name: str, first: int, last: int, **asked: Any) -> dict[str, Any]:
    return {"name": name, "from": days_ago(first), "to": days_ago(last), **asked}


def report(asks: Ward, name: str, first: int, last: int, **asked: Any) -> dict[str, Any]:
    """A report on the days so many days ago, both included."""
    answer: dict[str, Any] = asks.ask(REPORT, **variables(name, first, last, **asked))["report"]
    return answer


def values(told: dict[str, Any], name: str) -> list[float | None]:
    return [figure["value"] for figure in told["figures"] if figure["name"] == name]


def test_a_late_discharge_changes_the_census_but_not_what_it_was_known_to_be(shared: Ward) -> None:
    name = shared.name("Ward ")
    room = shared.room(ward=name)
    stay = shared.stay(f"{room}/a", at=ago(days=5))
    before = report(shared, "inpatient-census", 4, 2, ward=name)
    answer = shared.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=3)))
    after = report(shared, "inpatient-census", 4, 2, ward=name, atLeast=answer["position"])
    again = report(shared, "inpatient-census", 4, 2, ward=name, knownAtPosition=before["position"])
    assert values(before, "census") == [1, 1, 1]
    assert values(after, "census") == [1, 0, 0]
    assert again == before


def test_what_fixes_a_report_fixes_its_digest(shared: Ward) -> None:
    result = report(shared, "bed-occupancy-rate", 10, 3)
    canonical = json.loads(result["canonical"])
    assert result["digest"] == hashlib.sha256(result["canonical"].encode()).hexdigest()
    assert canonical["definition"] == "bed-occupancy-rate@2"
    assert canonical["period"] == [result["period"]["from"], result["period"]["to"]]
    assert len(canonical["figures"]) == len(result["figures"])
    assert result["parked"] == []
    other = report(shared, "bed-occupancy-rate", 10, 4, knownAtPosition=result["position"])
    assert other["digest"] != result["digest"]


def test_who_was_decided_on_in_the_period_and_admitted_after_it_boarded(shared: Ward) -> None:
    name = shared.name("Ward ")
    decided = f"{days_ago(4)}T22:00Z"
    shared.stay(f"{shared.room(ward=name)}/a", at=f"{days_ago(3)}T04:00Z", decidedToAdmitAt=decided)
    result = report(shared, "boarding", 4, 4, ward=name)
    assert [values(result, figure) for figure in ("decisions", "boarded")] == [[1], [1]]
    assert values(result, "medianBoardingTime") == [6 * 60 * 60]


def test_a_stay_through_two_wards_with_a_leave_is_told_by_each_report(shared: Ward) -> None:
    one, other = shared.name("Ward "), shared.name("Ward ")
    first, second = shared.room(ward=one), shared.room(ward=other)
    stay = shared.stay(f"{first}/a", at=f"{days_ago(8)}T08:00Z")
    shared.record(
        "transferPatient", stayId=stay, **place(f"{second}/a"), **late(f"{days_ago(6)}T12:00Z")
    )
    shared.record("startLeave", stayId=stay, keepBed=True, **late(f"{days_ago(5)}T10:00Z"))
    shared.record("endLeave", stayId=stay, **late(f"{days_ago(4)}T10:00Z"))
    answer = shared.record(
        "dischargePatient", stayId=stay, disposition="HOME", **late(f"{days_ago(3)}T09:00Z")
    )
    known = {"knownAtPosition": answer["position"]}
    of_one, of_other = (
        report(shared, "inpatient-census", 8, 3, ward=ward, **known) for ward in (one, other)
    )
    assert values(of_one, "census") == [1, 1, 0, 0, 0, 0]
    assert values(of_other, "census") == [0, 0, 1, 0, 1, 0]
    assert values(of_other, "bedsHeld") == [0, 0, 1, 1, 1, 0]
    days = report(shared, "patient-days", 8, 3, ward=other, **known)
    assert values(days, "lengthOfStay") == [4]
    leave = report(shared, "leave-days", 8, 3, ward=other, **known)
    assert values(leave, "leaveDays") == [1]
    beds = report(shared, "bed-occupancy-rate", 6, 3, ward=other, **known)
    (rate,) = (f for f in beds["figures"] if f["name"] == "occupancyRate")
    assert (rate["value"], rate["exact"], rate["shown"], rate["unit"]) == (
        25.0,
        "25",
        "25.0",
        "percent",
    )


def test_an_admission_that_was_cancelled_made_nobody_an_inpatient(shared: Ward) -> None:
    ward = shared.name("Ward ")
    stay = shared.stay(f"{shared.room(ward=ward)}/a", at=ago(days=4))
    before = report(shared, "inpatient-service-days", 4, 2, ward=ward)
    answer = shared.record(
        "cancelAdmission", stayId=stay, because="DECISION_REVERSED", reason="went elsewhere"
    )
    after = report(shared, "inpatient-service-days", 4, 2, ward=ward, atLeast=answer["position"])
    assert values(before, "serviceDays") == [3]
    assert values(after, "serviceDays") == [0]


def test_parameters_are_said_with_the_report(shared: Ward) -> None:
    result = report(shared, "long-stays", 3, 3, parameters=[{"name": "days", "value": "2, 10"}])
    assert result["parameters"] == [{"name": "days", "value": "2, 10"}]
    assert [{o["name"]: o["value"] for o in f["of"]}["atLeast"] for f in result["figures"]] == [
        "2",
        "10",
    ]


def test_today_is_left_out_and_the_report_says_so(shared: Ward) -> None:
    result = report(shared, "inpatient-census", 2, 0)
    assert result["period"] == {"from": days_ago(2), "to": days_ago(1)}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (variables("bed-fullness", 3, 2), "NotFound"),
        (variables("inpatient-census", 2, 3), "InvalidInput"),
        (variables("inpatient-census", 2, -1), "InvalidInput"),
        (variables("inpatient-census", 0, 0), "InvalidInput"),
        (variables("inpatient-census", 3, 2, version=99), "InvalidInput"),
        (variables("inpatient-census", 3, 2, ward="Nowhere"), "NotFound"),
        (
            variables("inpatient-census", 3, 2, parameters=[{"name": "days", "value": "1"}]),
            "InvalidInput",
        ),
        (variables("inpatient-census", 3, 2, knownAt="2999-01-01T00:00Z"), "InvalidInput"),
        ({**variables("inpatient-census", 3, 2), "from": "2026-02-30"}, "BAD_REQUEST"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    shared: Ward, asked: dict[str, Any], code: str
) -> None:
    shared.room()
    answer = shared.client.raw(REPORT, asked)
    assert codes(answer) == {code}
    assert len(answer["errors"]) == 1


def test_the_definitions_are_told_with_formula_source_and_figures(shared: Ward) -> None:
    answer = shared.ask(
        "{ reportDefinitions { name version title formula source figures { name unit meaning }"
        " parameters { name value meaning } } }"
    )["reportDefinitions"]
    assert [(d["name"], d["version"]) for d in answer] == [
        (d.name, d.version) for d in newest_definitions()
    ]
    (long,) = (d for d in answer if d["name"] == "long-stays")
    assert [p["value"] for p in long["parameters"]] == ["7, 14, 21"]


BUNDLE = (
    "query($period: ReportPeriod!, $ward: String, $knownAtPosition: Position) {"
    " reportBundle(period: $period, ward: $ward, knownAtPosition: $knownAtPosition) {"
    " definition { name } position digest csv figures { value suppressed of { name value } } } }"
)


def test_all_reports_of_a_period_are_one_question_at_one_position(shared: Ward) -> None:
    name = shared.name("Ward ")
    stay = shared.stay(f"{shared.room(ward=name)}/a", at=ago(days=5))
    period = {"from": days_ago(4), "to": days_ago(2)}
    answer = shared.ask(BUNDLE, period=period, ward=name)["reportBundle"]
    assert [each["definition"]["name"] for each in answer] == [d.name for d in newest_definitions()]
    assert len({each["position"] for each in answer}) == 1
    shared.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=3)))
    (census,) = (each for each in answer if each["definition"]["name"] == "inpatient-census")
    position = census["position"]
    alone = report(shared, "inpatient-census", 4, 2, ward=name, knownAtPosition=position)
    assert alone["digest"] == census["digest"]
    lines = census["csv"].splitlines()
    assert lines[:2] == ["figure,day,value,unit", f"census,{days_ago(4)},1,patients"]
    again = shared.ask(BUNDLE, period=period, ward=name, knownAtPosition=position)
    assert again["reportBundle"] == answer


def test_a_bundle_and_its_csv_withhold_what_a_report_withholds(ward: Ward) -> None:
    ward.stay(f"{ward.room('a')}/a", at=ago(days=5))
    analyst = login(ward, Role.ANALYST)
    period = {"from": days_ago(4), "to": days_ago(2)}
    answer = analyst.ask(BUNDLE, period=period)["reportBundle"]
    (census,) = (each for each in answer if each["definition"]["name"] == "inpatient-census")
    assert f"census,{days_ago(4)},*,patients" in census["csv"].splitlines()
    assert {figure["value"] for figure in census["figures"] if figure["suppressed"]} == {None}
    accesses = ward.ask("{ accesses(first: 5) { nodes { entity operation } } }")["accesses"]
    assert f"bundle {period['from']}..{period['to']}" in {n["entity"] for n in accesses["nodes"]}


def test_who_may_ask_no_report_may_ask_no_bundle(shared: Ward) -> None:
    period = {"from": days_ago(4), "to": days_ago(2)}
    pharmacist = login(shared, Role.PHARMACIST)
    assert codes(pharmacist.raw(BUNDLE, {"period": period})) == {"NOT_ALLOWED"}
